//! Lists in pages, encoded once for each way of encoding them (P-80, P-82, T-88).
//!
//! The surprising thing: a cursor holds a digest of the list. Any instance of the server can read it, and after a change
//! it is refused rather than skipping or repeating entries without a word.

use std::sync::{Arc, Mutex, PoisonError};

use mcp_transport::{Answer, Caller};
use mcp_types::{
    Cursor, Features, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, Meta,
    Params, Project, Prompt, RawJson, Resource, ResourceTemplate, ResultMeta, RpcError, Tool,
};
use serde::Serialize;

use crate::era::{self, Stamped};
use crate::service::Core;

/// A result that holds one page of a list.
pub(crate) trait Page: Serialize + Project + Stamped {
    type Item: Clone + Serialize;

    fn of(items: Vec<Self::Item>, next: Option<Cursor>, meta: Option<ResultMeta>) -> Self;
}

macro_rules! pages {
    ($($page:ident of $item:ident;)+) => {$(
        impl Page for $page {
            type Item = $item;

            fn of(items: Vec<$item>, next: Option<Cursor>, meta: Option<ResultMeta>) -> Self {
                let mut page = Self::new(items);
                page.next_cursor = next;
                page.meta = meta;
                page
            }
        }
    )+};
}

pages! {
    ListToolsResult of Tool;
    ListResourcesResult of Resource;
    ListResourceTemplatesResult of ResourceTemplate;
    ListPromptsResult of Prompt;
}

/// A list and its encoded pages.
pub(crate) struct List<P: Page> {
    items: Vec<P::Item>,
    /// What `_meta` of each page says besides what the server says of itself.
    meta: Option<ResultMeta>,
    pages: Pages,
}

impl<P: Page> List<P> {
    pub(crate) fn new(items: Vec<P::Item>, page_size: usize) -> Self {
        let digest = items.iter().fold(FNV_START, |digest, item| match RawJson::encode(item) {
            Ok(text) => fnv(digest, text.as_bytes()),
            Err(_) => digest,
        });
        let size = page_size.max(1);
        let pages = Pages { size, count: items.len().div_ceil(size).max(1), digest, encoded: Mutex::new(Vec::new()) };
        Self { items, meta: None, pages }
    }

    /// Puts members into `_meta` of each page; they are no part of the digest.
    pub(crate) fn with_meta(self, members: &Meta) -> Self {
        let mut meta = ResultMeta::new();
        for (key, value) in members.iter() {
            meta.extra.insert(key, value.clone());
        }
        Self { meta: (!meta.extra.is_empty()).then_some(meta), ..self }
    }

    /// Returns a number that differs where lists do.
    pub(crate) fn digest(&self) -> u64 {
        self.pages.digest
    }

    /// Answers a request for a page.
    pub(crate) fn answer(&self, core: &Core, caller: &Caller, params: &Params) -> Answer {
        let size = self.pages.size;
        self.pages.answer(caller.features(), params, &|page, next| {
            let items = self.items.iter().skip(page * size).take(size).cloned().collect();
            era::encode(core, caller, P::of(items, next, self.meta.clone()))
        })
    }
}

/// The pages of a list, whatever is listed.
struct Pages {
    /// How many items stand on one page.
    size: usize,
    count: usize,
    digest: u64,
    /// There are at most as many ways of encoding as revisions.
    encoded: Mutex<Vec<(Features, Arc<[RawJson]>)>>,
}

/// Encodes a page, by its number and the cursor of the next one.
type Encode<'a> = &'a dyn Fn(usize, Option<Cursor>) -> Answer;

impl Pages {
    fn answer(&self, features: Features, params: &Params, encode: Encode<'_>) -> Answer {
        // Of the parameters nothing else matters, so nothing else is read.
        let cursor: Option<Cursor> = match params.cursor().map(|cursor| cursor.decode()) {
            None => None,
            Some(cursor) => cursor.map_err(|error| RpcError::invalid_params(format!("invalid params: {error}")))?,
        };
        let page = match &cursor {
            None => 0,
            Some(cursor) => self.place(cursor.as_str()).ok_or_else(|| {
                RpcError::invalid_params(
                    "this cursor is not one of this list, or the list has changed; start again without one",
                )
            })?,
        };
        let pages = self.encoded(features, encode)?;
        pages.get(page).cloned().ok_or_else(|| RpcError::internal("a page of the list is missing"))
    }

    fn encoded(&self, features: Features, encode: Encode<'_>) -> Result<Arc<[RawJson]>, RpcError> {
        let mut encoded = self.encoded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, pages)) = encoded.iter().find(|(known, _)| *known == features) {
            return Ok(Arc::clone(pages));
        }
        let next = |page: usize| (page + 1 < self.count).then(|| self.cursor(page + 1));
        let pages: Arc<[RawJson]> = (0..self.count).map(|page| encode(page, next(page))).collect::<Result<_, _>>()?;
        encoded.push((features, Arc::clone(&pages)));
        Ok(pages)
    }

    fn cursor(&self, page: usize) -> Cursor {
        Cursor::from(format!("{:016x}{page:x}", self.digest))
    }

    /// Returns the page that a cursor stands for.
    fn place(&self, cursor: &str) -> Option<usize> {
        let page = usize::from_str_radix(cursor.get(16..)?, 16).ok()?;
        let known = page > 0 && page < self.count;
        (known && self.cursor(page).as_str() == cursor).then_some(page)
    }
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// The hash function FNV-1a: it tells lists apart and protects nothing.
fn fnv(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME))
}
