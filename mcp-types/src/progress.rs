//! How far a request has come (*Progress*, T-112).
//!
//! The surprising thing: the numbers have no unit and may be fractional; only their growth means something.

use crate::meta::Meta;
use crate::object::{Number, object};
use crate::rpc::ProgressToken;

object! {
    /// The parameters of `notifications/progress`.
    pub struct ProgressNotificationParams {
        required {
            /// The token that the request asked with.
            progress_token: ProgressToken = "progressToken",
            /// How far it has come; greater than in the notification before.
            progress: f64 = "progress" via Number,
        }
        optional {
            /// How far it has to go, when that is known.
            total: f64 = "total" via Number,
            /// What is being done, for humans; since 2025-03-26.
            message: String = "message",
            /// What every notification may carry.
            meta: Meta = "_meta",
        }
    }
}
