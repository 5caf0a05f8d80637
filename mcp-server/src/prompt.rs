//! Prompts: templates of conversations (T-103, T-104).
//!
//! The surprising thing: every argument is a text on the wire. A type with numbers works all the same; the texts are
//! read as what the type wants.

use std::borrow::Cow;
use std::fmt;

use mcp_transport::{Answer, Limits};
use mcp_types::{
    ContentBlock, GetPromptResult, Icon, InputRequiredResult, Meta, PromptArgument, PromptMessage, PromptsGetOutcome,
    RawJson, Role, RpcError,
};

use crate::ask::{Came, rounds, told_to_client};
use crate::completion::{Completer, Completers, IntoCompletion};
use crate::context::Cx;
use crate::era;
use crate::error::Fault;
use crate::extract::{InCompletion, InPrompt, Needs, Unfit};
use crate::handler::{Erased, Handler, erase};
use crate::reply::{BoxError, with_causes};
use crate::run::{Named, caught};
use crate::service::Core;

/// What came of getting a prompt.
pub type PromptReply = Result<PromptsGetOutcome, RpcError>;

/// Something that a prompt may return.
///
/// Implemented for a text (one message of the user), [`PromptMessage`], lists of messages, [`GetPromptResult`] and
/// `Result`s of all of these.
#[diagnostic::on_unimplemented(
    message = "a prompt cannot return `{Self}`",
    label = "not a prompt",
    note = "return a text, `PromptMessage`, `Vec<PromptMessage>`, `GetPromptResult` or a `Result` of one of them"
)]
pub trait IntoPrompt: Sized {
    /// Converts the value.
    fn into_prompt(self) -> PromptReply;
}

/// A prompt, on its way into a server.
///
/// # Examples
///
/// ```
/// use mcp_server::{Args, Partial, Prompt};
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Review {
///     /// What to review.
///     code: String,
///     language: Option<String>,
/// }
///
/// async fn review(Args(review): Args<Review>) -> String {
///     format!("Please review this code:\n{}", review.code)
/// }
///
/// let prompt = Prompt::new("review", review)
///     .description("Reviews code")
///     .complete("language", async |typed: Partial| typed.among(["rust", "ruby", "go"]));
/// ```
#[must_use]
pub struct Prompt {
    entity: mcp_types::Prompt,
    needs: Needs,
    handler: Erased<PromptReply>,
    completers: Completers,
}

impl Prompt {
    /// Makes a prompt from an `async fn` whose arguments are extractors.
    ///
    /// What can be filled in comes from its [`Args`](crate::Args).
    pub fn new<M, H>(name: impl Into<String>, handler: H) -> Self
    where
        M: 'static,
        H: Handler<InPrompt, M>,
        H::Output: IntoPrompt,
    {
        let mut needs = Needs::default();
        H::declare(&mut needs);
        let mut entity = mcp_types::Prompt::new(name);
        let arguments = std::mem::take(&mut needs.prompt_arguments);
        entity.arguments = (!arguments.is_empty()).then_some(arguments);
        let handler = erase::<InPrompt, M, H, PromptReply>(handler, IntoPrompt::into_prompt);
        Self { entity, needs, handler, completers: Completers::default() }
    }

    /// Makes a prompt from all that is published of it and a function that fills it in.
    ///
    /// This is how a gateway offers a prompt of somebody else.
    pub fn from_entity<M, H>(entity: mcp_types::Prompt, handler: H) -> Self
    where
        M: 'static,
        H: Handler<InPrompt, M>,
        H::Output: IntoPrompt,
    {
        let made = Self::new(entity.name.clone(), handler);
        Self { entity, ..made }
    }

    /// Says what the prompt is for.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.entity.description = Some(text.into());
        self
    }

    /// Sets the name for humans.
    pub fn title(mut self, text: impl Into<String>) -> Self {
        self.entity.title = Some(text.into());
        self
    }

    /// Adds an argument, or replaces what is known of it, for handlers that read their arguments themselves.
    pub fn argument(mut self, argument: PromptArgument) -> Self {
        let arguments = self.entity.arguments.get_or_insert_default();
        match arguments.iter_mut().find(|known| known.name == argument.name) {
            Some(known) => *known = argument,
            None => arguments.push(argument),
        }
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

    /// Completes an argument while it is typed.
    pub fn complete<M, H>(mut self, argument: impl Into<String>, handler: H) -> Self
    where
        M: 'static,
        H: Handler<InCompletion, M>,
        H::Output: IntoCompletion,
    {
        self.completers.add(argument.into(), Completer::new(handler, &mut self.needs));
        self
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.entity.name
    }

    pub(crate) fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Checks the prompt and makes it usable.
    pub(crate) fn compile(self, _: &Limits) -> Result<PromptEntry, Fault> {
        let known = |name: &str| self.entity.arguments.iter().flatten().any(|argument| argument.name == name);
        if let Some(absent) = self.completers.names().find(|name| !known(name)) {
            let owner = format!("prompt `{}`", self.entity.name);
            return Err(Fault::new(owner, format!("it completes `{absent}`, which is not an argument of it")));
        }
        Ok(PromptEntry { entity: self.entity, handler: self.handler, completers: self.completers })
    }
}

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prompt").field("entity", &self.entity).finish_non_exhaustive()
    }
}

/// A prompt in a server.
pub(crate) struct PromptEntry {
    pub(crate) entity: mcp_types::Prompt,
    handler: Erased<PromptReply>,
    pub(crate) completers: Completers,
}

/// Answers `prompts/get`.
pub(crate) async fn get(core: &Core, cx: Cx) -> Answer {
    let registry = core.registry();
    if !registry.has_prompts() {
        return Err(RpcError::method_not_found("prompts/get"));
    }
    let name = cx.params().name().map(Cow::into_owned);
    let name = name.ok_or_else(|| RpcError::invalid_params("`name` must be a string that names a prompt"))?;
    let Some(prompt) = registry.prompts.find(&name) else {
        return Err(registry.prompts.unknown("prompt", &name));
    };
    prompt.check_required(&cx)?;
    let _ending = cx.ending();
    let start = || caught((prompt.handler)(cx.clone()));
    let told = |ran: Result<PromptReply, Unfit>| {
        ran.unwrap_or_else(|Unfit { why }| Err(RpcError::invalid_params(format!("prompt `{name}`: {why}"))))
    };
    let named = Named { kind: "prompt", name: &name };
    let mut outcome = match rounds(&cx, named, start(), start, told).await {
        Came::Told(reply) => reply?,
        Came::Unasked(error) => return Err(error.into()),
        Came::Stopped(stopped) => return Err(RpcError::internal(format!("prompt `{name}` {stopped}"))),
        Came::Detaches(_) => return Err(RpcError::internal("a prompt cannot become a task")),
    };
    if let PromptsGetOutcome::Complete(result) = &mut outcome
        && result.description.is_none()
    {
        result.description.clone_from(&prompt.entity.description);
    }
    era::check_available(&outcome, cx.caller())?;
    let answer = era::encode(core, cx.caller(), outcome)?;
    let (size, most) = (answer.as_bytes().len(), core.limits().result_bytes);
    if size > most {
        return Err(RpcError::internal(format!(
            "prompt `{name}` has {size} bytes, more than the {most} that this server sends"
        )));
    }
    Ok(answer)
}

impl PromptEntry {
    /// Names every required argument that is missing, at once (T-104).
    fn check_required(&self, cx: &Cx) -> Result<(), RpcError> {
        let given = cx.params().arguments().filter(|arguments| !arguments.is_null());
        let given: mcp_types::JsonObject = match given {
            Some(arguments) => {
                arguments.decode().map_err(|_| RpcError::invalid_params("`arguments` must be an object"))?
            }
            None => mcp_types::JsonObject::new(),
        };
        let required = self.entity.arguments.iter().flatten().filter(|argument| argument.required == Some(true));
        let missing: Vec<_> = required
            .filter(|argument| given.member(&argument.name).is_none())
            .map(|argument| format!("`{}`", argument.name))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let name = &self.entity.name;
        Err(RpcError::invalid_params(format!("prompt `{name}` needs the arguments {}", missing.join(", "))))
    }
}

fn messages(messages: Vec<PromptMessage>) -> PromptReply {
    Ok(PromptsGetOutcome::Complete(GetPromptResult::new(messages)))
}

macro_rules! prompts {
    ($($type:ty, $value:ident => $reply:expr;)+) => {$(
        impl IntoPrompt for $type {
            fn into_prompt(self) -> PromptReply {
                let $value = self;
                $reply
            }
        }
    )+};
}

prompts! {
    String, text => messages(vec![PromptMessage::new(Role::User, ContentBlock::text(text))]);
    &'static str, text => messages(vec![PromptMessage::new(Role::User, ContentBlock::text(text))]);
    PromptMessage, message => messages(vec![message]);
    Vec<PromptMessage>, list => messages(list);
    GetPromptResult, result => Ok(PromptsGetOutcome::Complete(result));
    InputRequiredResult, result => Ok(PromptsGetOutcome::InputRequired(result));
    PromptsGetOutcome, outcome => Ok(outcome);
}

impl<const N: usize> IntoPrompt for [PromptMessage; N] {
    fn into_prompt(self) -> PromptReply {
        messages(self.into())
    }
}

impl<T: IntoPrompt, E: Into<BoxError>> IntoPrompt for Result<T, E> {
    fn into_prompt(self) -> PromptReply {
        match self {
            Ok(value) => value.into_prompt(),
            Err(error) => Err(match error.into().downcast::<RpcError>() {
                Ok(refusal) => *refusal,
                Err(error) => told_to_client(&*error)
                    .unwrap_or_else(|| RpcError::internal(format!("the prompt failed: {}", with_causes(&*error)))),
            }),
        }
    }
}
