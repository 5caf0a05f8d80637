//! Families of resources whose URIs follow a template.

use std::fmt;

use mcp_transport::Limits;
use mcp_types::{Annotations, Icon, Meta, RawJson};

use super::reply::{IntoContents, ReadReply};
use super::uri_template::UriTemplate;
use crate::completion::{Completer, Completers, IntoCompletion};
use crate::error::Fault;
use crate::extract::{InCompletion, InTemplate, Needs};
use crate::handler::{Erased, Handler, erase};

/// A resource template, on its way into a server.
///
/// Understood are the expressions `{a}`, `{+a}`, `{#a}`, `{/a}` and `{?a,b}` of RFC 6570. `{a}` never takes a `/`,
/// `{+a}` takes everything.
///
/// # Examples
///
/// ```
/// use mcp_server::{BoxError, ResourceTemplate, Vars, safe_path};
///
/// #[derive(serde::Deserialize)]
/// struct File {
///     path: String,
/// }
///
/// async fn read(Vars(file): Vars<File>) -> Result<String, BoxError> {
///     Ok(std::fs::read_to_string(safe_path("/srv/docs", &file.path)?)?)
/// }
///
/// let template = ResourceTemplate::new("docs:///{+path}", "docs", read).mime_type("text/markdown");
/// ```
#[must_use]
pub struct ResourceTemplate {
    entity: mcp_types::ResourceTemplate,
    needs: Needs,
    handler: Erased<ReadReply>,
    completers: Completers,
}

impl ResourceTemplate {
    /// Makes a template whose resources an `async fn` reads.
    pub fn new<M, H>(uri_template: impl Into<String>, name: impl Into<String>, handler: H) -> Self
    where
        M: 'static,
        H: Handler<InTemplate, M>,
        H::Output: IntoContents,
    {
        let mut needs = Needs::default();
        H::declare(&mut needs);
        let handler = erase::<InTemplate, M, H, ReadReply>(handler, IntoContents::into_contents);
        let entity = mcp_types::ResourceTemplate::new(uri_template, name);
        Self { entity, needs, handler, completers: Completers::default() }
    }

    /// Makes a template from all that is published of it and a function that reads its resources.
    ///
    /// This is how a gateway offers a template of somebody else.
    pub fn from_entity<M, H>(entity: mcp_types::ResourceTemplate, handler: H) -> Self
    where
        M: 'static,
        H: Handler<InTemplate, M>,
        H::Output: IntoContents,
    {
        let made = Self::new(entity.uri_template.clone(), entity.name.clone(), handler);
        Self { entity, ..made }
    }

    /// Says what the resources are, for the language model.
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

    /// Sets whom the resources are for.
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

    /// Completes a variable while it is typed.
    pub fn complete<M, H>(mut self, variable: impl Into<String>, handler: H) -> Self
    where
        M: 'static,
        H: Handler<InCompletion, M>,
        H::Output: IntoCompletion,
    {
        self.completers.add(variable.into(), Completer::new(handler, &mut self.needs));
        self
    }

    /// Returns the template of the URIs.
    pub fn uri(&self) -> &str {
        &self.entity.uri_template
    }

    pub(crate) fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Checks the template and makes its resources readable.
    pub(crate) fn compile(self, limits: &Limits) -> Result<TemplateEntry, Fault> {
        let text = &self.entity.uri_template;
        let owner = || format!("resource template `{}`", crate::text::shorten(text, 200));
        let uris = UriTemplate::parse(text, limits).map_err(|fault| Fault::new(owner(), fault.to_string()))?;
        let names: Vec<&str> = uris.names().collect();
        if let Some(absent) = self.completers.names().find(|name| !names.contains(name)) {
            return Err(Fault::new(owner(), format!("it completes `{absent}`, which is not a variable of it")));
        }
        Ok(TemplateEntry { uris, entity: self.entity, handler: self.handler, completers: self.completers })
    }
}

impl fmt::Debug for ResourceTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceTemplate").field("entity", &self.entity).finish_non_exhaustive()
    }
}

/// A resource template in a server.
pub(crate) struct TemplateEntry {
    pub(crate) uris: UriTemplate,
    pub(crate) entity: mcp_types::ResourceTemplate,
    pub(crate) handler: Erased<ReadReply>,
    pub(crate) completers: Completers,
}
