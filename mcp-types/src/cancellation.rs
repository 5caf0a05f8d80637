//! Withdrawing a request (*Cancellation*, T-113).
//!
//! The surprising thing: 2025-11-25 lets `requestId` be absent. Such a notification says nothing, so it is not
//! decodable here, and what is not decodable in a notification is ignored.

use crate::meta::Meta;
use crate::object::object;
use crate::rpc::RequestId;

object! {
    /// The parameters of `notifications/cancelled`.
    pub struct CancelledNotificationParams {
        required {
            /// The request that is withdrawn.
            request_id: RequestId = "requestId",
        }
        optional {
            /// Why, for logs.
            reason: String = "reason",
            /// What every notification may carry.
            meta: Meta = "_meta",
        }
    }
}
