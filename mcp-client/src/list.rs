//! Lists and resources: page by page, as a whole, and from the cache while it is fresh (P-70 to P-82).
//!
//! The surprising thing: a cursor that the server no longer takes starts the list again, once, because the pages in the
//! cache may be older than the list (P-75).

use std::time::{Duration, Instant};

use mcp_types::{
    Cursor, ErrorCode, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, Method,
    PaginatedRequestParams, Prompt, RawJson, ReadResourceRequestParams, ReadResourceResult, Resource, ResourceTemplate,
    Tool, methods,
};
use serde::de::DeserializeOwned;

use crate::cache::{Key, Stale};
use crate::call::Question;
use crate::client::{Client, now};
use crate::error::Error;
use crate::mirror::RefusedTool;
use crate::page::Pages;
use crate::salvage;

/// The tools of a server, with what it says about how long they may be kept.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ListedTools {
    /// The tools.
    pub tools: Vec<Tool>,
    /// For how much longer they are fresh, which is for as long as the page that ages first; `None` when the server does
    /// not say, as no legacy server does.
    pub fresh_for: Option<Duration>,
}

/// A method that answers with one page of a list.
pub(crate) trait Listing: Method<Params = PaginatedRequestParams> {
    type Item: Send;

    /// Takes a page apart.
    fn items(page: Self::Result) -> (Vec<Self::Item>, Option<Cursor>);

    /// Returns for how many milliseconds the page may be kept.
    fn ttl(page: &Self::Result) -> Option<u64>;
}

macro_rules! listing {
    ($($method:ident: $item:ty = $items:ident;)+) => {
        $(
            impl Listing for methods::$method {
                type Item = $item;

                fn items(page: Self::Result) -> (Vec<$item>, Option<Cursor>) {
                    (page.$items, page.next_cursor)
                }

                fn ttl(page: &Self::Result) -> Option<u64> {
                    page.ttl_ms
                }
            }
        )+
    };
}

listing! {
    PromptsList: Prompt = prompts;
    ResourcesList: Resource = resources;
    ResourcesTemplatesList: ResourceTemplate = resource_templates;
    ToolsList: Tool = tools;
}

impl Client {
    /// Returns all tools, page by page.
    ///
    /// Tools that cannot be read are left out, and over HTTP those whose `x-mcp-header` annotations are wrong (H-32);
    /// [`refused_tools`](Self::refused_tools) says which and why.
    ///
    /// # Errors
    ///
    /// Fails when the server offers no tools, when the list is longer than [`Limits::pages`](mcp_transport::Limits::pages)
    /// or [`Limits::items`](mcp_transport::Limits::items), when it goes in a circle, and as every request does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request for the page that is being read.
    pub async fn list_tools(&self) -> Result<Vec<Tool>, Error> {
        self.list_all::<methods::ToolsList>().await
    }

    /// Returns all tools as [`list_tools`](Self::list_tools) does, for whoever keeps what is made of them.
    ///
    /// # Errors
    ///
    /// Fails as [`list_tools`](Self::list_tools) does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request for the page that is being read.
    pub async fn list_tools_to_keep(&self) -> Result<ListedTools, Error> {
        let (tools, until) = self.list_all_until::<methods::ToolsList>().await?;
        Ok(ListedTools { tools, fresh_for: until.map(|until| until.saturating_duration_since(now())) })
    }

    /// Returns one page of the tools; `None` asks for the first.
    ///
    /// # Errors
    ///
    /// Fails when the server offers no tools, and as every request does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request.
    pub async fn list_tools_page(&self, cursor: Option<Cursor>) -> Result<ListToolsResult, Error> {
        self.page::<methods::ToolsList>(cursor).await
    }

    /// Returns all prompts, page by page.
    ///
    /// # Errors
    ///
    /// Fails as [`list_tools`](Self::list_tools) does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request for the page that is being read.
    pub async fn list_prompts(&self) -> Result<Vec<Prompt>, Error> {
        self.list_all::<methods::PromptsList>().await
    }

    /// Returns one page of the prompts; `None` asks for the first.
    ///
    /// # Errors
    ///
    /// Fails when the server offers no prompts, and as every request does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request.
    pub async fn list_prompts_page(&self, cursor: Option<Cursor>) -> Result<ListPromptsResult, Error> {
        self.page::<methods::PromptsList>(cursor).await
    }

    /// Returns all resources, page by page.
    ///
    /// # Errors
    ///
    /// Fails as [`list_tools`](Self::list_tools) does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request for the page that is being read.
    pub async fn list_resources(&self) -> Result<Vec<Resource>, Error> {
        self.list_all::<methods::ResourcesList>().await
    }

    /// Returns one page of the resources; `None` asks for the first.
    ///
    /// # Errors
    ///
    /// Fails when the server offers no resources, and as every request does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request.
    pub async fn list_resources_page(&self, cursor: Option<Cursor>) -> Result<ListResourcesResult, Error> {
        self.page::<methods::ResourcesList>(cursor).await
    }

    /// Returns all resource templates, page by page.
    ///
    /// # Errors
    ///
    /// Fails as [`list_tools`](Self::list_tools) does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request for the page that is being read.
    pub async fn list_resource_templates(&self) -> Result<Vec<ResourceTemplate>, Error> {
        self.list_all::<methods::ResourcesTemplatesList>().await
    }

    /// Returns one page of the resource templates; `None` asks for the first.
    ///
    /// # Errors
    ///
    /// Fails when the server offers no resources, and as every request does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request.
    pub async fn list_resource_templates_page(
        &self,
        cursor: Option<Cursor>,
    ) -> Result<ListResourceTemplatesResult, Error> {
        self.page::<methods::ResourcesTemplatesList>(cursor).await
    }

    /// Reads a resource.
    ///
    /// # Errors
    ///
    /// Fails when the server offers no resources or wants input first, and as every request does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request.
    pub async fn read_resource(&self, uri: impl Into<String>) -> Result<ReadResourceResult, Error> {
        const METHOD: &str = methods::ResourcesRead::NAME;
        let params = ReadResourceRequestParams::new(uri);
        let key = Key { method: METHOD, of: Some(params.uri.clone()) };
        let read = |result: &RawJson| result.decode::<ReadResourceResult>();
        self.cached(key, &params, read, |result| result.ttl_ms).await.map(|(result, _)| result)
    }

    pub(crate) async fn page<L: Listing>(&self, cursor: Option<Cursor>) -> Result<L::Result, Error>
    where
        L::Result: Page,
    {
        self.page_until::<L>(cursor).await.map(|(page, _)| page)
    }

    /// Returns a page, and until when it is fresh.
    async fn page_until<L: Listing>(&self, cursor: Option<Cursor>) -> Result<(L::Result, Option<Instant>), Error>
    where
        L::Result: Page,
    {
        let mut params = PaginatedRequestParams::new();
        let key = Key { method: L::NAME, of: cursor.as_ref().map(|cursor| cursor.as_str().to_owned()) };
        params.cursor = cursor;
        let ttl = |(page, _): &(L::Result, _)| L::ttl(page);
        let ((mut page, refused), until) = self.cached(key, &params, L::Result::read, ttl).await?;
        if let Some(tools) = page.tools() {
            self.inner.admit_tools(tools, refused);
        }
        Ok((page, until))
    }

    /// Reads all pages.
    pub(crate) async fn list_all<L: Listing>(&self) -> Result<Vec<L::Item>, Error>
    where
        L::Result: Page,
    {
        self.list_all_until::<L>().await.map(|(all, _)| all)
    }

    /// Reads all pages; they are fresh until the first of them is not.
    async fn list_all_until<L: Listing>(&self) -> Result<(Vec<L::Item>, Option<Instant>), Error>
    where
        L::Result: Page,
    {
        match self.read_pages::<L>().await {
            Err(Interrupted { error: Error::Rpc(error), at_cursor: true })
                if error.code == ErrorCode::INVALID_PARAMS =>
            {
                self.inner.inbox.cache().changed(Stale::Lists(&[L::NAME]));
                self.read_pages::<L>().await
            }
            other => other,
        }
        .map_err(|interrupted| interrupted.error)
    }

    async fn read_pages<L: Listing>(&self) -> Result<(Vec<L::Item>, Option<Instant>), Interrupted>
    where
        L::Result: Page,
    {
        let mut pages = Pages::new(L::NAME, &self.inner.limits);
        let (mut all, mut cursor, mut fresh_until) = (Vec::new(), None, None);
        loop {
            let at_cursor = cursor.is_some();
            let interrupted = |error| Interrupted { error, at_cursor };
            let (page, until) = self.page_until::<L>(cursor).await.map_err(interrupted)?;
            fresh_until = [fresh_until, until].into_iter().flatten().min();
            let (items, next) = L::items(page);
            cursor = pages.turn(items.len(), next).map_err(|fault| interrupted(fault.into()))?;
            all.extend(items);
            if cursor.is_none() {
                return Ok((all, fresh_until));
            }
        }
    }

    /// Returns a result from the cache, or asks for it and keeps it; with the time until which the server calls it fresh.
    async fn cached<P: serde::Serialize, R>(
        &self,
        key: Key,
        params: &P,
        read: impl Fn(&RawJson) -> Result<R, serde_json::Error>,
        ttl: impl Fn(&R) -> Option<u64>,
    ) -> Result<(R, Option<Instant>), Error> {
        let method = key.method;
        let unreadable = |error: serde_json::Error| Error::malformed("a result", format!("`{method}`: {error}"));
        let (fresh, asked) = {
            let mut cache = self.inner.inbox.cache();
            let fresh = cache.fresh(&key, now()).map(|result| (result, cache.fresh_until(&key)));
            (fresh, cache.asking())
        };
        if let Some((result, until)) = fresh {
            return read(&result).map(|result| (result, until)).map_err(unreadable);
        }
        let params = RawJson::encode(params).map_err(|error| Error::params(method, error))?;
        let question = Question::new(method.into(), params, self.patience());
        let answered = self.answer_to(question).await?;
        let result = read(&answered.result).map_err(unreadable)?;
        if answered.asked_back {
            return Ok((result, Some(now())));
        }
        let said = ttl(&result).map(Duration::from_millis);
        let until = said.and_then(|ttl| now().checked_add(ttl.min(self.inner.limits.cache_ttl)));
        self.inner.inbox.cache().keep(key, answered.result, said.unwrap_or_default(), asked, now());
        Ok((result, until))
    }
}

/// A page that may hold tools, which have to be looked through.
pub(crate) trait Page: DeserializeOwned {
    /// Reads a page, and returns the tools beside it that cannot be read.
    fn read(result: &RawJson) -> Result<(Self, Vec<RefusedTool>), serde_json::Error> {
        Ok((result.decode()?, Vec::new()))
    }

    fn tools(&mut self) -> Option<&mut Vec<Tool>> {
        None
    }
}

impl Page for ListPromptsResult {}
impl Page for ListResourcesResult {}
impl Page for ListResourceTemplatesResult {}

impl Page for ListToolsResult {
    fn read(result: &RawJson) -> Result<(Self, Vec<RefusedTool>), serde_json::Error> {
        salvage::tools(result)
    }

    fn tools(&mut self) -> Option<&mut Vec<Tool>> {
        Some(&mut self.tools)
    }
}

/// Where the reading of a list stopped.
struct Interrupted {
    error: Error,
    /// Whether a page after the first was being read.
    at_cursor: bool,
}
