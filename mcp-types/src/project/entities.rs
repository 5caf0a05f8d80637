//! What has a name: implementations, tools, resources, prompts, roots; and capabilities.

use super::{Project, project};
use crate::capabilities::{ClientCapabilities, RootsCapability, SamplingCapability, ServerCapabilities};
use crate::content::Annotations;
use crate::implementation::Implementation;
use crate::prompts::{Prompt, PromptArgument, PromptReference};
use crate::resources::{Resource, ResourceTemplate};
use crate::revision::Features;
use crate::roots::Root;
use crate::tools::Tool;

project! {
    Annotations { LAST_MODIFIED: last_modified; }
    Implementation { TITLE: title; IMPLEMENTATION_DETAILS: description, website_url; ICONS: icons; }
    Prompt { TITLE: title; ICONS: icons; ENTITY_META: meta; & arguments; }
    PromptArgument { TITLE: title; }
    PromptReference { TITLE: title; }
    Resource { TITLE: title; ICONS: icons; ENTITY_META: meta; & annotations; }
    ResourceTemplate { TITLE: title; ICONS: icons; ENTITY_META: meta; & annotations; }
    Root { ENTITY_META: meta; }
    RootsCapability { ROOTS_LIST_CHANGED: list_changed; }
    SamplingCapability { SAMPLING_TOOLS: context, tools; }
    ServerCapabilities { COMPLETIONS_CAPABILITY: completions; TASKS: tasks; }
}

impl Project for Tool {
    fn project(&mut self, features: Features) {
        let gone = |feature| !features.has(feature);
        if gone(Features::TITLE) {
            self.title = None;
        }
        if gone(Features::ICONS) {
            self.icons = None;
        }
        if gone(Features::ENTITY_META) {
            self.meta = None;
        }
        if gone(Features::TOOL_ANNOTATIONS) {
            self.annotations = None;
        }
        if gone(Features::TOOL_EXECUTION) {
            self.execution = None;
        }
        if gone(Features::STRUCTURED_OUTPUT) {
            self.output_schema = None;
        }
        if gone(Features::STRUCTURED_ANY)
            && let Some(schema) = &mut self.output_schema
            && !super::is_object_schema(schema)
        {
            *schema = super::wrap_schema(schema);
        }
    }
}

impl Project for ClientCapabilities {
    fn project(&mut self, features: Features) {
        self.roots.project(features);
        self.sampling.project(features);
        if !features.has(Features::TASKS) {
            self.tasks = None;
        }
        // Before there were modes, the capability meant forms, so a client that can only open URLs has none.
        if !features.has(Features::ELICITATION_URL)
            && let Some(elicitation) = &mut self.elicitation
        {
            if elicitation.has_form() {
                elicitation.form = None;
                elicitation.url = None;
            } else {
                self.elicitation = None;
            }
        }
        if !features.has(Features::ELICITATION) {
            self.elicitation = None;
        }
    }
}
