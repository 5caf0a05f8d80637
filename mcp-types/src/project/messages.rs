//! Parameters and results.

use super::{Project, cache_hints, notification_meta, request_meta, result_meta, result_type};
use crate::base::{EmptyResult, NotificationParams, PaginatedRequestParams, RequestParams};
use crate::cancellation::CancelledNotificationParams;
use crate::completion::{CompleteRequestParams, CompleteResult, CompletionReference};
use crate::discover::DiscoverResult;
use crate::elicitation::ElicitationCompleteNotificationParams;
use crate::input_required::{
    InputRequest, InputRequests, InputRequiredResult, PromptsGetOutcome, ResourcesReadOutcome, ToolsCallOutcome,
};
use crate::legacy_tasks::{LegacyCreateTaskResult, LegacyListTasksResult, LegacyTask};
use crate::lifecycle::{InitializeRequestParams, InitializeResult};
use crate::logging::{LoggingMessageNotificationParams, SetLevelRequestParams};
use crate::progress::ProgressNotificationParams;
use crate::prompts::{GetPromptRequestParams, GetPromptResult, ListPromptsResult};
use crate::resources::{
    ListResourceTemplatesResult, ListResourcesResult, ReadResourceRequestParams, ReadResourceResult,
    ResourceUpdatedNotificationParams, SubscribeRequestParams, UnsubscribeRequestParams,
};
use crate::revision::Features;
use crate::subscriptions::{
    SubscriptionsAcknowledgedNotificationParams, SubscriptionsListenRequestParams, SubscriptionsListenResult,
};
use crate::tasks::{
    CancelTaskRequestParams, CreateTaskResult, DetailedTask, GetTaskRequestParams, TaskNotificationParams,
    UpdateTaskRequestParams,
};
use crate::tools::{CallToolRequestParams, ListToolsResult};

/// Declares what the parameters and results of a kind have in common; `more` is what each has besides.
macro_rules! messages {
    ($common:ident: $($name:ident $(($($feature:ident: $gone:ident),+))? $(in $inner:ident)?;)+) => {
        $(
            impl Project for $name {
                fn project(&mut self, features: Features) {
                    messages!(@$common self, features);
                    $( $( if !features.has(Features::$feature) { self.$gone = None; } )+ )?
                    $( self.$inner.project(features); )?
                }
            }
        )+
    };
    (@request $self:ident, $features:ident) => { request_meta(&mut $self.meta, $features); };
    (@notification $self:ident, $features:ident) => { notification_meta(&mut $self.meta, $features); };
    (@untyped $self:ident, $features:ident) => { result_meta(&mut $self.meta, $features); };
    (@result $self:ident, $features:ident) => {
        result_meta(&mut $self.meta, $features);
        result_type(&mut $self.result_type, $features);
    };
    (@cacheable $self:ident, $features:ident) => {
        messages!(@result $self, $features);
        cache_hints(&mut $self.ttl_ms, &mut $self.cache_scope, $features);
    };
}

messages! { request:
    CallToolRequestParams (INPUT_REQUIRED: input_responses, INPUT_REQUIRED: request_state, TASKS: task);
    CancelTaskRequestParams;
    CompleteRequestParams (COMPLETION_CONTEXT: context) in reference;
    GetPromptRequestParams (INPUT_REQUIRED: input_responses, INPUT_REQUIRED: request_state);
    GetTaskRequestParams;
    PaginatedRequestParams;
    ReadResourceRequestParams (INPUT_REQUIRED: input_responses, INPUT_REQUIRED: request_state);
    RequestParams;
    SetLevelRequestParams;
    SubscribeRequestParams;
    SubscriptionsListenRequestParams;
    UnsubscribeRequestParams;
    UpdateTaskRequestParams;
}

messages! { notification:
    CancelledNotificationParams;
    ElicitationCompleteNotificationParams;
    LoggingMessageNotificationParams;
    NotificationParams;
    ProgressNotificationParams (PROGRESS_MESSAGE: message);
    ResourceUpdatedNotificationParams;
    SubscriptionsAcknowledgedNotificationParams;
    TaskNotificationParams in input_requests;
}

messages! { untyped:
    CreateTaskResult;
    InputRequiredResult in input_requests;
    LegacyCreateTaskResult in task;
    LegacyListTasksResult in tasks;
    LegacyTask;
}

messages! { result:
    CompleteResult;
    DetailedTask in input_requests;
    EmptyResult;
    GetPromptResult in messages;
}

messages! { cacheable:
    DiscoverResult in capabilities;
    ListPromptsResult in prompts;
    ListResourceTemplatesResult in resource_templates;
    ListResourcesResult in resources;
    ListToolsResult in tools;
    ReadResourceResult in contents;
}

impl Project for SubscriptionsListenResult {
    fn project(&mut self, features: Features) {
        self.meta.project(features);
        result_type(&mut self.result_type, features);
    }
}

impl Project for InitializeRequestParams {
    fn project(&mut self, features: Features) {
        request_meta(&mut self.meta, features);
        self.capabilities.project(features);
        self.client_info.project(features);
    }
}

impl Project for InitializeResult {
    fn project(&mut self, features: Features) {
        result_meta(&mut self.meta, features);
        self.capabilities.project(features);
        self.server_info.project(features);
    }
}

impl Project for CompletionReference {
    fn project(&mut self, features: Features) {
        match self {
            Self::Prompt(prompt) => prompt.project(features),
            Self::Resource(_) => {}
        }
    }
}

impl Project for InputRequests {
    fn project(&mut self, features: Features) {
        self.iter_mut().for_each(|request| request.project(features));
    }
}

impl Project for InputRequest {
    fn project(&mut self, features: Features) {
        match self {
            Self::Elicit(params) => params.project(features),
            Self::CreateMessage(params) => params.project(features),
            Self::ListRoots(params) => params.project(features),
        }
    }
}

impl Project for ToolsCallOutcome {
    fn project(&mut self, features: Features) {
        match self {
            Self::Complete(result) => result.project(features),
            Self::InputRequired(result) => result.project(features),
            Self::Task(result) => result.project(features),
        }
    }
}

impl Project for PromptsGetOutcome {
    fn project(&mut self, features: Features) {
        match self {
            Self::Complete(result) => result.project(features),
            Self::InputRequired(result) => result.project(features),
        }
    }
}

impl Project for ResourcesReadOutcome {
    fn project(&mut self, features: Features) {
        match self {
            Self::Complete(result) => result.project(features),
            Self::InputRequired(result) => result.project(features),
        }
    }
}
