//! Resources and resource templates: things that a client can read (T-100 to T-107).
//!
//! The surprising thing: a URI is looked up exactly as it was registered, then held against the templates in their
//! order. Nothing is normalized, because two spellings of one URI are two resources to a client.

pub(crate) mod percent;
mod reply;
mod safe_path;
mod template;
mod uri_template;

use std::fmt;
use std::future::ready;

use bytes::Bytes;
use futures::FutureExt;
use mcp_transport::{Answer, Limits};
use mcp_types::{Annotations, CacheScope, ErrorCode, Features, Icon, Meta, RawJson, ResourcesReadOutcome, RpcError};

use crate::ask::{Came, rounds};
use crate::context::Cx;
use crate::era;
use crate::error::Fault;
use crate::extract::{InResource, Needs, Unfit};
use crate::handler::{Erased, Handler, erase};
use crate::run::{Named, caught};
use crate::service::Core;

pub use reply::{IntoContents, ReadReply};
pub use safe_path::{UnsafePath, safe_path};
pub use template::ResourceTemplate;

use reply::Place;
pub(crate) use template::TemplateEntry;

/// A resource, on its way into a server.
///
/// # Examples
///
/// ```
/// use mcp_server::Resource;
///
/// let fixed = Resource::text("config://app", "config", "debug = false").mime_type("text/plain");
/// let made = Resource::new("clock://now", "clock", async || format!("{:?}", std::time::SystemTime::now()));
/// ```
#[must_use]
pub struct Resource {
    entity: mcp_types::Resource,
    needs: Needs,
    handler: Erased<ReadReply>,
}

impl Resource {
    /// Makes a resource that an `async fn` reads.
    pub fn new<M, H>(uri: impl Into<String>, name: impl Into<String>, handler: H) -> Self
    where
        M: 'static,
        H: Handler<InResource, M>,
        H::Output: IntoContents,
    {
        let mut needs = Needs::default();
        H::declare(&mut needs);
        let handler = erase::<InResource, M, H, ReadReply>(handler, IntoContents::into_contents);
        Self { entity: mcp_types::Resource::new(uri, name), needs, handler }
    }

    /// Makes a resource whose content never changes: a text.
    pub fn text(uri: impl Into<String>, name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let entity = mcp_types::Resource::new(uri, name).size(text.len() as u64);
        Self::fixed(entity, move || text.clone().into_contents())
    }

    /// Makes a resource whose content never changes: bytes.
    pub fn blob(uri: impl Into<String>, name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let entity = mcp_types::Resource::new(uri, name).size(bytes.len() as u64);
        Self::fixed(entity, move || bytes.clone().into_contents())
    }

    /// Makes a resource from all that is published of it and a function that reads it.
    ///
    /// This is how a gateway offers a resource of somebody else.
    pub fn from_entity<M, H>(entity: mcp_types::Resource, handler: H) -> Self
    where
        M: 'static,
        H: Handler<InResource, M>,
        H::Output: IntoContents,
    {
        let made = Self::new(entity.uri.clone(), entity.name.clone(), handler);
        Self { entity, ..made }
    }

    fn fixed(entity: mcp_types::Resource, read: impl Fn() -> ReadReply + Send + Sync + 'static) -> Self {
        let handler: Erased<ReadReply> = Box::new(move |_| ready(Ok(read())).boxed());
        Self { entity, needs: Needs::default(), handler }
    }

    /// Says what the resource is, for the language model.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.entity.description = Some(text.into());
        self
    }

    /// Sets the name for humans.
    pub fn title(mut self, text: impl Into<String>) -> Self {
        self.entity.title = Some(text.into());
        self
    }

    /// Sets the media type; also of contents that have none of their own.
    pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.entity.mime_type = Some(mime_type.into());
        self
    }

    /// Sets whom the resource is for.
    pub fn annotations(mut self, annotations: Annotations) -> Self {
        self.entity.annotations = Some(annotations);
        self
    }

    /// Adds a picture.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.entity.icons.get_or_insert_default().push(icon);
        self
    }

    /// Adds a member to `_meta`.
    pub fn meta(mut self, key: impl Into<String>, value: impl Into<RawJson>) -> Self {
        self.entity.meta.get_or_insert_with(Meta::new).insert(key, value);
        self
    }

    /// Returns the URI.
    pub fn uri(&self) -> &str {
        &self.entity.uri
    }

    pub(crate) fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Checks the resource and makes it readable.
    pub(crate) fn compile(self, limits: &Limits) -> Result<ResourceEntry, Fault> {
        let uri = &self.entity.uri;
        let owner = || format!("resource `{}`", crate::text::shorten(uri, 200));
        if uri.len() > limits.template_uri_bytes {
            return Err(Fault::new(owner(), format!("its URI is longer than {} bytes", limits.template_uri_bytes)));
        }
        if !is_uri(uri) {
            return Err(Fault::new(owner(), "it is not a URI; one begins with a scheme, such as `config:`".to_owned()));
        }
        Ok(ResourceEntry { entity: self.entity, handler: self.handler })
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource").field("entity", &self.entity).finish_non_exhaustive()
    }
}

/// A resource in a server.
pub(crate) struct ResourceEntry {
    pub(crate) entity: mcp_types::Resource,
    handler: Erased<ReadReply>,
}

/// Answers `resources/read`.
pub(crate) async fn read(core: &Core, cx: Cx) -> Answer {
    let registry = core.registry();
    if !registry.has_resources() {
        return Err(RpcError::method_not_found("resources/read"));
    }
    let uri = cx.params().uri().ok_or_else(|| RpcError::invalid_params("`uri` must be a string"))?.into_owned();
    let features = cx.features();
    let (handler, mime_type, cx) = match registry.resources.find(&uri) {
        Some(found) => (&found.handler, &found.entity.mime_type, cx),
        None => {
            let mut templates = registry.templates.iter();
            let found = templates.find_map(|template| Some((template, template.uris.matches(&uri)?)));
            let Some((template, bindings)) = found else { return Err(not_found(&uri, features)) };
            (&template.handler, &template.entity.mime_type, cx.bind(bindings))
        }
    };
    let shown = crate::text::shorten(&uri, 200);
    let place = Place { uri: &uri, mime_type: mime_type.as_deref() };
    let _ending = cx.ending();
    let start = || caught(handler(cx.clone()));
    let told = |ran: Result<ReadReply, Unfit>| match ran {
        Ok(reply) => reply.finish(&place)?.ok_or_else(|| not_found(&uri, features)),
        Err(Unfit { why }) => Err(RpcError::invalid_params(format!("resource `{shown}`: {why}"))),
    };
    let mut outcome = match rounds(&cx, Named { kind: "resource", name: &shown }, start(), start, told).await {
        Came::Told(outcome) => outcome?,
        Came::Unasked(error) => return Err(error.into()),
        Came::Stopped(stopped) => return Err(RpcError::internal(format!("reading `{shown}` {stopped}"))),
        Came::Detaches(_) => return Err(RpcError::internal("a resource cannot become a task")),
    };
    if let ResourcesReadOutcome::Complete(result) = &mut outcome {
        if result.contents.is_empty() {
            // T-101: never an empty `contents`.
            return Err(not_found(&uri, features));
        }
        if cx.asking().answers().has_rounds() {
            // What somebody was asked for is nobody else's (P-21).
            (result.ttl_ms, result.cache_scope) = (Some(0), Some(CacheScope::Private));
        }
    }
    era::check_available(&outcome, cx.caller())?;
    let answer = era::encode(core, cx.caller(), outcome)?;
    let (size, most) = (answer.as_bytes().len(), core.limits().result_bytes);
    if size > most {
        return Err(RpcError::internal(format!(
            "the contents of `{shown}` have {size} bytes, more than the {most} that this server sends"
        )));
    }
    Ok(answer)
}

/// Says that nothing is at a URI, with the code that the caller's revision has for it (T-101).
pub(crate) fn not_found(uri: &str, features: Features) -> RpcError {
    let code = if features.has(Features::RESOURCE_NOT_FOUND_IS_INVALID_PARAMS) {
        ErrorCode::INVALID_PARAMS
    } else {
        ErrorCode::RESOURCE_NOT_FOUND
    };
    let data = serde_json::json!({ "uri": uri });
    RpcError::new(code, format!("resource not found: {}", crate::text::shorten(uri, 200))).data(data)
}

/// Returns whether a text has a scheme and no space or control character (RFC 3986, section 3.1).
fn is_uri(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else { return false };
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    scheme.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
        && scheme.bytes().all(rest)
        && !text.contains(|c: char| c.is_control() || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_begins_with_a_scheme() {
        for uri in ["a:", "test://x/y?z#w", "file:///tmp", "urn:a:b", "git+ssh://x"] {
            assert!(is_uri(uri), "{uri}");
        }
        for text in ["", "x", "/etc/passwd", ":x", "1a:x", "a b:x", "a:b c", "a:\n"] {
            assert!(!is_uri(text), "{text:?}");
        }
    }
}
