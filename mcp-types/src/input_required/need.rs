//! What a client must have declared to be asked something (P-11, T-60, T-121).
//!
//! The surprising thing: an empty `elicitation` means forms, so that a client which declares only URLs lacks `form`.

use super::InputRequest;
use crate::capabilities::{ClientCapabilities, ElicitationCapability, RootsCapability, SamplingCapability};
use crate::elicitation::ElicitRequestParams;
use crate::json::JsonObject;
use crate::revision::Features;
use crate::sampling::CreateMessageRequestParams;

impl InputRequest {
    /// Returns what a client would have to declare beyond what it does; `None` when it can be asked this (P-11).
    ///
    /// `features` are those of the revision that it speaks: what that does not have, no client can declare.
    pub fn lacking(&self, declared: &ClientCapabilities, features: Features) -> Option<ClientCapabilities> {
        let none = ClientCapabilities::new();
        match self {
            Self::Elicit(params) => {
                let lacks = lacking_elicitation(params, declared.elicitation.as_ref(), features)?;
                Some(none.elicitation(lacks))
            }
            Self::CreateMessage(params) => {
                lacking_sampling(params, declared.sampling.as_ref()).map(|lacks| none.sampling(lacks))
            }
            Self::ListRoots(_) => declared.roots.is_none().then(|| none.roots(RootsCapability::new())),
        }
    }
}

fn lacking_elicitation(
    params: &ElicitRequestParams,
    declared: Option<&ElicitationCapability>,
    features: Features,
) -> Option<ElicitationCapability> {
    let lacks = ElicitationCapability::new();
    match (params, declared) {
        (ElicitRequestParams::Url(_), Some(declared))
            if declared.has_url() && features.has(Features::ELICITATION_URL) =>
        {
            None
        }
        (ElicitRequestParams::Url(_), _) => Some(lacks.url(JsonObject::new())),
        (ElicitRequestParams::Form(_), Some(declared))
            if declared.has_form() && features.has(Features::ELICITATION) =>
        {
            None
        }
        (ElicitRequestParams::Form(_), Some(_)) => Some(lacks.form(JsonObject::new())),
        (ElicitRequestParams::Form(_), None) => Some(lacks),
    }
}

fn lacking_sampling(
    params: &CreateMessageRequestParams,
    declared: Option<&SamplingCapability>,
) -> Option<SamplingCapability> {
    let needs_tools = params.tools.is_some() || params.tool_choice.is_some();
    match declared {
        Some(declared) if !needs_tools || declared.tools.is_some() => None,
        _ if needs_tools => Some(SamplingCapability::new().tools(JsonObject::new())),
        _ => Some(SamplingCapability::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ElicitRequestFormParams, ElicitRequestUrlParams, RawJson, Revision, Tool};

    fn questions() -> [InputRequest; 5] {
        let form = ElicitRequestParams::from(ElicitRequestFormParams::new("?", RawJson::empty_object()));
        let url = ElicitRequestParams::from(ElicitRequestUrlParams::new("?", "https://example.com"));
        let sample = CreateMessageRequestParams::new([], 10_u64);
        let with_tools = sample.clone().tools([Tool::new("t", RawJson::empty_object())]);
        [form.into(), url.into(), sample.into(), with_tools.into(), InputRequest::ListRoots(None)]
    }

    /// Form, URL, sampling, sampling with tools, roots: what each lacks.
    #[track_caller]
    fn check(declared: &str, expected: [&str; 5]) {
        let declared: ClientCapabilities = serde_json::from_str(declared).unwrap();
        let found = questions().map(|question| {
            let lacking = question.lacking(&declared, Revision::LATEST.features());
            lacking.map_or(String::new(), |lacking| serde_json::to_string(&lacking).unwrap())
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn a_client_is_asked_only_what_it_declared_in_the_very_mode_p_11() {
        let (form, url) = (r#"{"elicitation":{}}"#, r#"{"elicitation":{"url":{}}}"#);
        let (sampling, tools) = (r#"{"sampling":{}}"#, r#"{"sampling":{"tools":{}}}"#);
        let roots = r#"{"roots":{}}"#;
        check("{}", [form, url, sampling, tools, roots]);
        check(r#"{"elicitation":{}}"#, ["", url, sampling, tools, roots]);
        check(r#"{"elicitation":{"form":{}}}"#, ["", url, sampling, tools, roots]);
        check(r#"{"elicitation":{"url":{}}}"#, [r#"{"elicitation":{"form":{}}}"#, "", sampling, tools, roots]);
        check(r#"{"elicitation":{"url":{},"form":{}}}"#, ["", "", sampling, tools, roots]);
        check(r#"{"sampling":{}}"#, [form, url, "", tools, roots]);
        check(r#"{"sampling":{"tools":{}},"roots":{}}"#, [form, url, "", "", ""]);
    }

    #[test]
    fn what_a_revision_does_not_have_nobody_can_be_asked() {
        let declared = serde_json::from_str(r#"{"elicitation":{"form":{},"url":{}}}"#).unwrap();
        let [form, url, ..] = questions();
        let can_be_asked = Revision::ALL
            .map(|revision| [&form, &url].map(|question| question.lacking(&declared, revision.features()).is_none()));
        let expected = [[false, false], [false, false], [true, false], [true, true], [true, true]];
        assert_eq!(can_be_asked, expected);
    }
}
