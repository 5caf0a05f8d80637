//! A request that stays open and brings changes (*Subscriptions*, T-154); since 2026-07-28.
//!
//! The surprising thing: what the server will send is not what was asked for but what it acknowledges.

use crate::base::ResultType;
use crate::meta::{Meta, RequestMeta, ResultMeta};
use crate::object::object;

object! {
    /// Which changes are wanted, or will be sent.
    pub struct SubscriptionFilter {
        optional {
            /// Changes of the list of tools.
            tools_list_changed: bool = "toolsListChanged",
            /// Changes of the list of prompts.
            prompts_list_changed: bool = "promptsListChanged",
            /// Changes of the list of resources.
            resources_list_changed: bool = "resourcesListChanged",
            /// Changes of these resources, by URI.
            resource_subscriptions: Vec<String> = "resourceSubscriptions",
            /// Changes of these tasks, by id; with the tasks extension.
            task_ids: Vec<String> = "taskIds",
        }
    }
}

object! {
    /// The parameters of `subscriptions/listen`.
    pub struct SubscriptionsListenRequestParams {
        required {
            /// Which changes are wanted.
            notifications: SubscriptionFilter = "notifications",
        }
        optional {
            /// What every request may carry.
            meta: RequestMeta = "_meta",
        }
    }
}

object! {
    /// The end of a subscription that the server closes in good order; its `_meta` names the subscription.
    pub struct SubscriptionsListenResult {
        required {
            /// Names the `subscriptions/listen` request that ends.
            meta: ResultMeta = "_meta",
        }
        optional {
            /// What kind of result it is.
            result_type: ResultType = "resultType",
        }
    }
}

object! {
    /// The parameters of `notifications/subscriptions/acknowledged`.
    pub struct SubscriptionsAcknowledgedNotificationParams {
        required {
            /// The changes that will be sent.
            notifications: SubscriptionFilter = "notifications",
        }
        optional {
            /// What every notification may carry.
            meta: Meta = "_meta",
        }
    }
}
