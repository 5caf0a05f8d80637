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
    page_size: usize,
    digest: u64,
    /// What `_meta` of each page says besides what the server says of itself.
    meta: Option<ResultMeta>,
    /// There are at most as many ways of encoding as revisions.
    encoded: Mutex<Vec<(Features, Arc<[RawJson]>)>>,
}

impl<P: Page> List<P> {
    pub(crate) fn new(items: Vec<P::Item>, page_size: usize) -> Self {
        let digest = items.iter().fold(FNV_START, |digest, item| match RawJson::encode(item) {
            Ok(text) => fnv(digest, text.as_bytes()),
            Err(_) => digest,
        });
        Self { items, page_size: page_size.max(1), digest, meta: None, encoded: Mutex::new(Vec::new()) }
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
        self.digest
    }

    /// Answers a request for a page.
    pub(crate) fn answer(&self, core: &Core, caller: &Caller, params: &Params) -> Answer {
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
        let pages = self.pages(core, caller)?;
        pages.get(page).cloned().ok_or_else(|| RpcError::internal("a page of the list is missing"))
    }

    fn pages(&self, core: &Core, caller: &Caller) -> Result<Arc<[RawJson]>, RpcError> {
        let features = caller.features();
        let mut encoded = self.encoded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, pages)) = encoded.iter().find(|(known, _)| *known == features) {
            return Ok(Arc::clone(pages));
        }
        let count = self.items.len().div_ceil(self.page_size).max(1);
        let pages: Arc<[RawJson]> = (0..count)
            .map(|page| {
                let items = self.items.iter().skip(page * self.page_size).take(self.page_size).cloned().collect();
                let next = (page + 1 < count).then(|| self.cursor(page + 1));
                era::encode(core, caller, P::of(items, next, self.meta.clone()))
            })
            .collect::<Result<_, _>>()?;
        encoded.push((features, Arc::clone(&pages)));
        Ok(pages)
    }

    fn cursor(&self, page: usize) -> Cursor {
        Cursor::from(format!("{:016x}{page:x}", self.digest))
    }

    /// Returns the page that a cursor stands for.
    fn place(&self, cursor: &str) -> Option<usize> {
        let page = usize::from_str_radix(cursor.get(16..)?, 16).ok()?;
        let known = page > 0 && page < self.items.len().div_ceil(self.page_size);
        (known && self.cursor(page).as_str() == cursor).then_some(page)
    }
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// The hash function FNV-1a: it tells lists apart and protects nothing.
fn fnv(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME))
}
