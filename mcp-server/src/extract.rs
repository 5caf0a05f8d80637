//! The arguments of handlers: what they take out of a call.
//!
//! The surprising thing: an extractor speaks before any call. [`FromCall::declare`] tells the server what it will need,
//! so that schemas are published and a missing state is found when the server is built.

use std::any::{TypeId, type_name};
use std::ops::Deref;
use std::sync::Arc;

use mcp_types::{PromptArgument, RawJson};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::context::Cx;
use crate::schema;
use crate::text_values;

/// The place of handlers of tools.
#[derive(Debug)]
pub enum InTool {}
/// The place of handlers of prompts.
#[derive(Debug)]
pub enum InPrompt {}
/// The place of handlers of resources.
#[derive(Debug)]
pub enum InResource {}
/// The place of handlers of resource templates.
#[derive(Debug)]
pub enum InTemplate {}
/// The place of functions that complete arguments.
#[derive(Debug)]
pub enum InCompletion {}

/// Something that a handler can name among its arguments, in the places `P` where it makes sense.
///
/// Implementors owe: a value or a reason, without waiting. What must be waited for belongs into the handler.
#[diagnostic::on_unimplemented(
    message = "a handler cannot take `{Self}` here",
    label = "not an extractor for `{P}`",
    note = "tools take `Args<T>`, prompts `Args<T>`, templates `Vars<T>` and `Uri`, resources `Uri`; all take `Cx` and `State<T>`",
    note = "`T` in `Args<T>` and `Vars<T>` must implement `serde::Deserialize` and, in `Args<T>`, `schemars::JsonSchema` (of schemars 1)"
)]
pub trait FromCall<P>: Sized + Send {
    /// Says what the extractor will need.
    fn declare(needs: &mut Needs) {
        let _ = needs;
    }

    /// Takes the value out of a call.
    ///
    /// # Errors
    ///
    /// Returns why the call cannot be handled.
    fn from_call(cx: &Cx) -> Result<Self, Unfit>;
}

/// What the extractors of a handler need.
#[derive(Debug, Default)]
pub struct Needs {
    /// The schema of the arguments of a tool.
    pub(crate) arguments: Option<RawJson>,
    /// The arguments of a prompt.
    pub(crate) prompt_arguments: Vec<PromptArgument>,
    /// The types of state, with their names.
    pub(crate) states: Vec<(TypeId, &'static str)>,
}

/// Why a call does not fit its handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    pub(crate) why: String,
}

impl Unfit {
    /// Says why, in words that the caller can act on.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into() }
    }
}

/// The arguments of a tool or a prompt, as a type of the handler.
///
/// For a tool `T` gives the input schema. For a prompt `T` gives the list of arguments; they arrive as texts, and
/// members of `T` may be anything that a text can be read as, such as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Args<T>(pub T);

impl<T: DeserializeOwned + JsonSchema + Send> FromCall<InTool> for Args<T> {
    fn declare(needs: &mut Needs) {
        needs.arguments = Some(schema::arguments_of::<T>());
    }

    fn from_call(cx: &Cx) -> Result<Self, Unfit> {
        let arguments = cx.params().arguments().filter(|arguments| !arguments.is_null());
        let decoded = match arguments {
            Some(arguments) => arguments.decode(),
            None => RawJson::empty_object().decode(),
        };
        decoded.map(Self).map_err(|error| Unfit::new(without_place(&error)))
    }
}

impl<T: DeserializeOwned + JsonSchema + Send> FromCall<InPrompt> for Args<T> {
    fn declare(needs: &mut Needs) {
        needs.prompt_arguments = schema::prompt_arguments_of::<T>();
    }

    fn from_call(cx: &Cx) -> Result<Self, Unfit> {
        let arguments = cx.params().arguments().filter(|arguments| !arguments.is_null());
        let members: mcp_types::JsonObject = match arguments {
            Some(arguments) => arguments.decode().map_err(|_| Unfit::new("`arguments` must be an object"))?,
            None => mcp_types::JsonObject::new(),
        };
        let mut texts = Vec::with_capacity(members.len());
        for (name, value) in members.iter() {
            let text = value.decode::<String>().map_err(|_| Unfit::new(format!("`{name}` must be a string")))?;
            texts.push((name.to_owned(), text));
        }
        text_values::decode(&texts).map(Self).map_err(Unfit::new)
    }
}

/// The variables of a resource template, as a type of the handler.
///
/// They are texts, and members of `T` may be anything that a text can be read as. Values are already decoded, so one
/// of `{name}` may hold a `/` that was written `%2F`; give what names a file to [`safe_path`](crate::safe_path).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vars<T>(pub T);

impl<T: DeserializeOwned + Send> FromCall<InTemplate> for Vars<T> {
    fn from_call(cx: &Cx) -> Result<Self, Unfit> {
        text_values::decode(cx.bindings()).map(Self).map_err(Unfit::new)
    }
}

/// The URI that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uri(pub String);

impl FromCall<InResource> for Uri {
    fn from_call(cx: &Cx) -> Result<Self, Unfit> {
        cx.params().uri().map(|uri| Self(uri.into_owned())).ok_or_else(|| Unfit::new("`uri` must be a string"))
    }
}

impl FromCall<InTemplate> for Uri {
    fn from_call(cx: &Cx) -> Result<Self, Unfit> {
        cx.params().uri().map(|uri| Self(uri.into_owned())).ok_or_else(|| Unfit::new("`uri` must be a string"))
    }
}

/// The state of type `T` that the server was built with.
///
/// All calls share it; what changes needs a lock inside.
#[derive(Debug)]
pub struct State<T: ?Sized>(pub Arc<T>);

impl<T: ?Sized> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<P, T: Send + Sync + 'static> FromCall<P> for State<T> {
    fn declare(needs: &mut Needs) {
        needs.states.push((TypeId::of::<T>(), type_name::<T>()));
    }

    fn from_call(cx: &Cx) -> Result<Self, Unfit> {
        cx.state().map(Self).ok_or_else(|| Unfit::new(format!("the server has no state `{}`", type_name::<T>())))
    }
}

impl<P> FromCall<P> for Cx {
    fn from_call(cx: &Cx) -> Result<Self, Unfit> {
        Ok(cx.clone())
    }
}

/// Takes the line and column away: the model does not know how its arguments were laid out.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(at) => text.get(..at).unwrap_or(&text).to_owned(),
        None => text,
    }
}
