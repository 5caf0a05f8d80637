//! What a scenario is: a sentence, where it exists, and the run that proves it.

use futures::future::BoxFuture;

use crate::failure::Failure;
use crate::setting::Setting;
use crate::stage::Stage;

/// How a scenario ends.
pub(crate) type Verdict = Result<(), Failure>;

/// A scenario and its name, which is that of its file.
pub(crate) type Named = (&'static str, &'static Scenario);

/// Something that our client and our server must do together.
pub(crate) struct Scenario {
    /// The sentence that a green cell proves, with the numbers of the requirements at its end in parentheses.
    pub(crate) proves: &'static str,
    /// Whether there is something to prove in a setting. It asks the registry of methods, the features of the
    /// revision or the transport, and never compares revisions.
    pub(crate) exists: fn(&Setting) -> bool,
    /// Proves it.
    pub(crate) run: for<'a> fn(&'a Stage) -> BoxFuture<'a, Verdict>,
}

/// Says that a scenario exists in every setting.
pub(crate) fn everywhere(_: &Setting) -> bool {
    true
}
