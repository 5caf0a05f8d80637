//! The guard of "list all": how many pages and items, and no circle (*Pagination*, P-80, P-81).
//!
//! Pure. The surprising thing: the empty string is a cursor like any other; only its absence ends a list.

use std::collections::HashSet;

use mcp_transport::Limits;
use mcp_types::Cursor;

use crate::error::PeerMisbehaved;

/// Follows the pages of one list.
#[derive(Debug)]
pub(crate) struct Pages {
    method: &'static str,
    seen: HashSet<Cursor>,
    pages: usize,
    items: usize,
    max_pages: usize,
    max_items: usize,
}

impl Pages {
    /// Begins a list.
    pub(crate) fn new(method: &'static str, limits: &Limits) -> Self {
        Self { method, seen: HashSet::new(), pages: 0, items: 0, max_pages: limits.pages, max_items: limits.items }
    }

    /// Takes note of a page with `items` items, and returns the cursor to go on with.
    ///
    /// # Errors
    ///
    /// Fails when the list is longer than the limits allow, or when it goes in a circle.
    pub(crate) fn turn(&mut self, items: usize, next: Option<Cursor>) -> Result<Option<Cursor>, PeerMisbehaved> {
        self.pages = self.pages.saturating_add(1);
        self.items = self.items.saturating_add(items);
        if self.items > self.max_items {
            return Err(PeerMisbehaved::TooManyItems { method: self.method, limit: self.max_items });
        }
        let Some(next) = next else {
            return Ok(None);
        };
        if self.pages >= self.max_pages {
            return Err(PeerMisbehaved::TooManyPages { method: self.method, limit: self.max_pages });
        }
        if !self.seen.insert(next.clone()) {
            return Err(PeerMisbehaved::RepeatedCursor { method: self.method, cursor: next.as_str().to_owned() });
        }
        Ok(Some(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(pages: usize, items: usize) -> Pages {
        Pages::new("tools/list", &Limits::default().pages(pages).items(items))
    }

    #[test]
    fn a_list_ends_where_no_cursor_is_given_and_the_empty_one_is_given() {
        let mut pages = pages(10, 10);
        assert_eq!(pages.turn(1, Some("".into())), Ok(Some("".into())));
        assert_eq!(pages.turn(1, None), Ok(None));
    }

    #[test]
    fn a_circle_of_any_length_is_found() {
        let mut pages = pages(10, 10);
        for cursor in ["a", "b", "c"] {
            assert!(pages.turn(0, Some(cursor.into())).is_ok());
        }
        let circle = PeerMisbehaved::RepeatedCursor { method: "tools/list", cursor: "b".to_owned() };
        assert_eq!(pages.turn(0, Some("b".into())), Err(circle));
    }

    #[test]
    fn the_last_page_allowed_is_read_and_the_next_one_is_not() {
        let mut allowed = pages(2, 10);
        assert!(allowed.turn(1, Some("a".into())).is_ok());
        assert_eq!(allowed.turn(1, None), Ok(None));
        let mut beyond = pages(2, 10);
        assert!(beyond.turn(1, Some("a".into())).is_ok());
        let limit = PeerMisbehaved::TooManyPages { method: "tools/list", limit: 2 };
        assert_eq!(beyond.turn(1, Some("b".into())), Err(limit));
    }

    #[test]
    fn as_many_items_as_the_limit_are_read_and_not_one_more() {
        assert_eq!(pages(9, 3).turn(3, None), Ok(None));
        let limit = PeerMisbehaved::TooManyItems { method: "tools/list", limit: 3 };
        assert_eq!(pages(9, 3).turn(4, None), Err(limit.clone()));
        let mut two = pages(9, 3);
        assert!(two.turn(2, Some("a".into())).is_ok());
        assert_eq!(two.turn(2, None), Err(limit));
    }
}
