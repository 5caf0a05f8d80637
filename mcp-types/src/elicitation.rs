//! Asking the user of a client (*Elicitation*, T-130 to T-139).
//!
//! The surprising thing: `mode` may be absent, which means a form, and an accepted URL has no content: that the user
//! opened it does not say that anything was done there (T-133).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::dispatch::{decode, unknown_kind};
use crate::json::{JsonObject, RawJson};
use crate::legacy_tasks::TaskMetadata;
use crate::meta::{Meta, RequestMeta};
use crate::object::{object, words};

mod form;
mod schema;

pub use form::FormFault;
pub use schema::{
    BooleanSchema, EnumOption, LegacyTitledEnumSchema, NumberSchema, NumberType, PrimitiveSchemaDefinition,
    RequestedSchema, StringFormat, StringSchema, TitledItems, TitledMultiSelectEnumSchema,
    TitledSingleSelectEnumSchema, UntitledItems, UntitledMultiSelectEnumSchema, UntitledSingleSelectEnumSchema,
};

/// The parameters of `elicitation/create`, by `mode`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ElicitRequestParams {
    /// Fill in a form.
    Form(ElicitRequestFormParams),
    /// Visit a URL; since 2025-11-25.
    Url(ElicitRequestUrlParams),
}

impl ElicitRequestParams {
    /// Returns what the user is told.
    pub fn message(&self) -> &str {
        match self {
            Self::Form(form) => &form.message,
            Self::Url(url) => &url.message,
        }
    }
}

impl From<ElicitRequestFormParams> for ElicitRequestParams {
    fn from(form: ElicitRequestFormParams) -> Self {
        Self::Form(form)
    }
}

impl From<ElicitRequestUrlParams> for ElicitRequestParams {
    fn from(url: ElicitRequestUrlParams) -> Self {
        Self::Url(url)
    }
}

impl Serialize for ElicitRequestParams {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Form(form) => form.serialize(serializer),
            Self::Url(url) => url.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ElicitRequestParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let raw = RawJson::deserialize(deserializer)?;
        let [mode] = raw.members(["mode"]).map_err(D::Error::custom)?;
        match mode.as_ref().map(decode).transpose()?.unwrap_or(ElicitationMode::Form) {
            ElicitationMode::Form => decode(&raw).map(Self::Form),
            ElicitationMode::Url => decode(&raw).map(Self::Url),
            ElicitationMode::Other(other) => Err(unknown_kind("mode", &other, "form, url")),
        }
    }
}

words! {
    /// How the user is asked.
    pub enum ElicitationMode {
        /// With a form.
        Form = "form",
        /// By visiting a URL.
        Url = "url",
    }
}

object! {
    /// Asks the user to fill in a form.
    pub struct ElicitRequestFormParams {
        required {
            /// What the user is told.
            message: String = "message",
            /// The form; [`RequestedSchema`] reads and writes it.
            requested_schema: RawJson = "requestedSchema",
        }
        optional {
            /// `form`, or absent, which means the same; since 2025-11-25.
            mode: ElicitationMode = "mode",
            /// Asks for a task in place of the result; 2025-11-25 only.
            task: TaskMetadata = "task",
            /// What every request may carry; up to 2025-11-25.
            meta: RequestMeta = "_meta",
        }
    }
}

object! {
    /// Asks the user to visit a URL; since 2025-11-25.
    pub struct ElicitRequestUrlParams {
        tag "mode" = "url";
        required {
            /// What the user is told.
            message: String = "message",
            /// Where to go.
            url: String = "url",
        }
        optional {
            /// By what `notifications/elicitation/complete` names it; required in 2025-11-25, which alone has it.
            elicitation_id: String = "elicitationId",
            /// Asks for a task in place of the result; 2025-11-25 only.
            task: TaskMetadata = "task",
            /// What every request may carry; up to 2025-11-25.
            meta: RequestMeta = "_meta",
        }
    }
}

words! {
    /// What the user did.
    pub enum ElicitAction {
        /// Agreed.
        Accept = "accept",
        /// Closed the question without an answer.
        Cancel = "cancel",
        /// Said no.
        Decline = "decline",
    }
}

object! {
    /// The answer to `elicitation/create`.
    pub struct ElicitResult {
        required {
            /// What the user did.
            action: ElicitAction = "action",
        }
        optional {
            /// What the user filled in; only for a form that was accepted.
            content: JsonObject = "content",
            /// Anything more; up to 2025-11-25 (T-42).
            meta: Meta = "_meta",
        }
    }
}

impl ElicitResult {
    /// Gives the members that the user left out their defaults, when the form was accepted (T-134).
    pub fn fill_defaults(&mut self, schema: &RequestedSchema) {
        if self.action != ElicitAction::Accept {
            return;
        }
        let content = self.content.get_or_insert_with(JsonObject::new);
        for (name, value) in schema.defaults().iter() {
            if content.member(name).is_none() {
                content.insert(name, value.clone());
            }
        }
    }
}

object! {
    /// The parameters of `notifications/elicitation/complete`; 2025-11-25 only.
    pub struct ElicitationCompleteNotificationParams {
        required {
            /// The elicitation that is complete.
            elicitation_id: String = "elicitationId",
        }
        optional {
            /// What every notification may carry.
            meta: Meta = "_meta",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_mode_is_a_form() {
        let form = r#"{"message":"m","requestedSchema":{"type":"object","properties":{}}}"#;
        let params: ElicitRequestParams = serde_json::from_str(form).unwrap();
        assert!(matches!(params, ElicitRequestParams::Form(_)));
        assert_eq!(serde_json::to_string(&params).unwrap(), form);
        let url = r#"{"mode":"url","message":"m","url":"https://example.com"}"#;
        let params: ElicitRequestParams = serde_json::from_str(url).unwrap();
        assert!(matches!(params, ElicitRequestParams::Url(_)));
        assert_eq!(serde_json::to_string(&params).unwrap(), url);
        let error = serde_json::from_str::<ElicitRequestParams>(r#"{"mode":"voice","message":"m"}"#).unwrap_err();
        assert!(error.to_string().contains("form, url"), "{error}");
    }

    #[test]
    fn what_an_accepted_form_leaves_out_gets_its_default() {
        let schema = RequestedSchema::new()
            .property("name", StringSchema::new().default("nobody"))
            .property("age", NumberSchema::integer().default(42.0))
            .property("pets", BooleanSchema::new());
        let mut result = ElicitResult::new("accept")
            .content([("name", RawJson::from(serde_json::json!("me")))].into_iter().collect::<JsonObject>());
        result.fill_defaults(&schema);
        assert_eq!(serde_json::to_string(&result).unwrap(), r#"{"action":"accept","content":{"name":"me","age":42}}"#);
        let mut declined = ElicitResult::new("decline");
        declined.fill_defaults(&schema);
        assert_eq!(declined.content, None);
    }
}
