//! Completing the arguments of prompts and the variables of templates (T-105, T-106, P-100).
//!
//! The surprising thing: an argument that nobody completes has no values, which is no error; an argument that does not
//! exist is one.

use std::collections::BTreeMap;

use mcp_transport::Answer;
use mcp_types::{CompleteRequestParams, CompleteResult, Completion, CompletionReference, RpcError};

use crate::context::Cx;
use crate::era;
use crate::extract::{FromCall, InCompletion, Needs, Unfit};
use crate::handler::{Erased, Handler, erase};
use crate::registry::Registry;
use crate::reply::{BoxError, with_causes};
use crate::run::{Ended, Named, caught};
use crate::service::Core;

/// What is typed so far; an extractor of functions that complete.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Partial {
    /// The text so far, which may be empty.
    pub value: String,
    /// The arguments that have their values already; empty for callers before 2025-06-18.
    pub known: BTreeMap<String, String>,
}

impl Partial {
    /// Returns those of the candidates that begin with what is typed, whatever the case, in their order.
    pub fn among<S: Into<String>>(&self, candidates: impl IntoIterator<Item = S>) -> Vec<String> {
        let typed = self.value.to_lowercase();
        candidates.into_iter().map(Into::into).filter(|word: &String| word.to_lowercase().starts_with(&typed)).collect()
    }
}

impl FromCall<InCompletion> for Partial {
    fn from_call(cx: &Cx) -> Result<Self, Unfit> {
        let params: CompleteRequestParams = cx.params().decode().map_err(|error| Unfit::new(error.message))?;
        let known = params.context.and_then(|context| context.arguments).unwrap_or_default();
        Ok(Self { value: params.argument.value, known })
    }
}

/// Something that a completing function may return: a list of texts, a [`Completion`] or a `Result` of one.
#[diagnostic::on_unimplemented(
    message = "completing cannot return `{Self}`",
    label = "not a completion",
    note = "return `Vec<String>`, `Vec<&str>`, an array of texts, `Completion` or a `Result` of one of them"
)]
pub trait IntoCompletion: Sized {
    /// Converts the value.
    ///
    /// # Errors
    ///
    /// Returns the refusal of the call.
    fn into_completion(self) -> Result<Completion, RpcError>;
}

impl<S: Into<String>> IntoCompletion for Vec<S> {
    fn into_completion(self) -> Result<Completion, RpcError> {
        Ok(Completion::of(self))
    }
}

impl<S: Into<String>, const N: usize> IntoCompletion for [S; N] {
    fn into_completion(self) -> Result<Completion, RpcError> {
        Ok(Completion::of(self))
    }
}

impl IntoCompletion for Completion {
    fn into_completion(mut self) -> Result<Completion, RpcError> {
        if self.values.len() > Self::MAX_VALUES {
            self.total.get_or_insert(self.values.len() as u64);
            self.values.truncate(Self::MAX_VALUES);
            self.has_more = Some(true);
        }
        Ok(self)
    }
}

impl<T: IntoCompletion, E: Into<BoxError>> IntoCompletion for Result<T, E> {
    fn into_completion(self) -> Result<Completion, RpcError> {
        match self {
            Ok(value) => value.into_completion(),
            Err(error) => Err(match error.into().downcast::<RpcError>() {
                Ok(refusal) => *refusal,
                Err(error) => RpcError::internal(format!("completing failed: {}", with_causes(&*error))),
            }),
        }
    }
}

/// A function that completes one argument.
pub(crate) struct Completer(Erased<Result<Completion, RpcError>>);

impl Completer {
    pub(crate) fn new<M, H>(handler: H, needs: &mut Needs) -> Self
    where
        M: 'static,
        H: Handler<InCompletion, M>,
        H::Output: IntoCompletion,
    {
        H::declare(needs);
        Self(erase::<InCompletion, M, H, _>(handler, IntoCompletion::into_completion))
    }
}

/// The functions that complete, by argument.
#[derive(Default)]
pub(crate) struct Completers(Vec<(String, Completer)>);

impl Completers {
    /// Sets the function of an argument; a later one replaces an earlier.
    pub(crate) fn add(&mut self, name: String, completer: Completer) {
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name, completer));
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, name: &str) -> Option<&Completer> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, completer)| completer)
    }
}

/// Answers `completion/complete`.
pub(crate) async fn complete(core: &Core, cx: Cx) -> Answer {
    let registry = core.registry();
    if !registry.completes() {
        return Err(RpcError::method_not_found("completion/complete"));
    }
    let params: CompleteRequestParams = cx.params().decode()?;
    let Some(completer) = find(&registry, &params)? else {
        return era::encode(core, cx.caller(), CompleteResult::new(Completion::of(Vec::<String>::new())));
    };
    let name = &params.argument.name;
    let _ending = cx.ending();
    let run = caught((completer.0)(cx.clone()));
    let completion = match core.bounds().run(&cx, Named { kind: "completion of", name }, run).await {
        Ok(Ended::Returned(Ok(completion))) => completion?,
        Ok(Ended::Returned(Err(Unfit { why }))) => return Err(RpcError::invalid_params(why)),
        Ok(Ended::Asks | Ended::Detaches(_)) => {
            return Err(RpcError::internal(format!("completing `{name}` needs more than it can have")));
        }
        Err(stopped) => return Err(RpcError::internal(format!("completing `{name}` {stopped}"))),
    };
    era::encode(core, cx.caller(), CompleteResult::new(completion))
}

/// Finds the function for an argument; `None` when it exists and nobody completes it.
fn find<'a>(registry: &'a Registry, params: &CompleteRequestParams) -> Result<Option<&'a Completer>, RpcError> {
    let name = params.argument.name.as_str();
    let (completers, exists, owner) = match &params.reference {
        CompletionReference::Prompt(prompt) => {
            let Some(found) = registry.prompts.find(&prompt.name) else {
                return Err(registry.prompts.unknown("prompt", &prompt.name));
            };
            let exists = found.entity.arguments.iter().flatten().any(|argument| argument.name == name);
            (&found.completers, exists, format!("prompt `{}`", prompt.name))
        }
        CompletionReference::Resource(template) => {
            let uri = crate::text::shorten(&template.uri, 200);
            let Some(found) = registry.templates.find(&template.uri) else {
                return Err(RpcError::invalid_params(format!("unknown resource template: {uri}")));
            };
            (&found.completers, found.uris.names().any(|known| known == name), format!("resource template `{uri}`"))
        }
        _ => return Err(RpcError::invalid_params("`ref` names something that has no arguments")),
    };
    if !exists {
        let shown = crate::text::shorten(name, 120);
        return Err(RpcError::invalid_params(format!("{owner} has no argument `{shown}`")));
    }
    Ok(completers.find(name))
}
