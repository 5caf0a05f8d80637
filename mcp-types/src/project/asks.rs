//! What a server asks a client: sampling and elicitation, with their answers.
//!
//! Up to 2025-11-25 these are requests and results, since 2026-07-28 bare values without `_meta` (T-42).

use super::content::audio_text;
use super::{Project, project, request_meta};
use crate::content::TextContent;
use crate::elicitation::{
    ElicitRequestFormParams, ElicitRequestParams, ElicitRequestUrlParams, ElicitResult, LegacyTitledEnumSchema,
    NumberSchema, PrimitiveSchemaDefinition, RequestedSchema, StringSchema, TitledSingleSelectEnumSchema,
    UntitledSingleSelectEnumSchema,
};
use crate::json::{JsonObject, RawJson};
use crate::meta::{Meta, RequestMeta};
use crate::revision::Features;
use crate::roots::ListRootsResult;
use crate::sampling::{
    CreateMessageRequestParams, CreateMessageResult, SamplingContent, SamplingMessage, SamplingMessageContentBlock,
    ToolResultContent, ToolUseContent,
};

project! {
    ToolUseContent { SAMPLING_TOOLS: meta; }
    LegacyTitledEnumSchema { ELICITATION_URL: default; }
    NumberSchema { ELICITATION_URL: default; }
    StringSchema { ELICITATION_URL: default; }
    UntitledSingleSelectEnumSchema { ELICITATION_URL: default; }
}

/// Projects the `_meta` of what is a request only in the legacy era.
fn legacy_request_meta(meta: &mut Option<RequestMeta>, features: Features) {
    if features.has(Features::INPUT_REQUIRED) {
        *meta = None;
    }
    request_meta(meta, features);
}

/// Projects the `_meta` of what is a result only in the legacy era.
fn legacy_result_meta(meta: &mut Option<Meta>, features: Features) {
    if features.has(Features::INPUT_REQUIRED) {
        *meta = None;
    }
}

impl Project for CreateMessageRequestParams {
    fn project(&mut self, features: Features) {
        legacy_request_meta(&mut self.meta, features);
        self.tools.project(features);
        if !features.has(Features::TASKS) {
            self.task = None;
        }
        if !features.has(Features::SAMPLING_TOOLS) {
            self.tools = None;
            self.tool_choice = None;
            self.messages = std::mem::take(&mut self.messages).into_iter().flat_map(one_block_each).collect();
        }
        self.messages.project(features);
    }
}

/// Splits a message with a list of blocks into messages with one block.
fn one_block_each(message: SamplingMessage) -> Vec<SamplingMessage> {
    let SamplingMessage { role, content, meta, extra } = message;
    let blocks = match content {
        SamplingContent::One(block) => vec![*block],
        SamplingContent::Many(blocks) => blocks,
    };
    let message = |block: SamplingMessageContentBlock| SamplingMessage {
        role: role.clone(),
        content: block.into(),
        meta: meta.clone(),
        extra: extra.clone(),
    };
    blocks.into_iter().map(message).collect()
}

impl Project for SamplingMessage {
    fn project(&mut self, features: Features) {
        self.content.project(features);
        if !features.has(Features::SAMPLING_TOOLS) {
            self.meta = None;
        }
    }
}

impl Project for SamplingContent {
    fn project(&mut self, features: Features) {
        match self {
            Self::One(block) => block.project(features),
            Self::Many(blocks) => blocks.project(features),
        }
        if features.has(Features::SAMPLING_TOOLS) {
            return;
        }
        if let Self::Many(blocks) = self {
            let blocks = std::mem::take(blocks);
            *self = Self::One(Box::new(joined(blocks)));
        }
    }
}

/// Returns the only block, or one text with what all of them say.
fn joined(blocks: Vec<SamplingMessageContentBlock>) -> SamplingMessageContentBlock {
    let blocks = match <[_; 1]>::try_from(blocks) {
        Ok([block]) => return block,
        Err(blocks) => blocks,
    };
    let text = |block: &SamplingMessageContentBlock| match block {
        SamplingMessageContentBlock::Text(content) => content.text.clone(),
        SamplingMessageContentBlock::Image(image) => format!("[image of type {}]", image.mime_type),
        SamplingMessageContentBlock::Audio(audio) => audio_text(audio),
        // Blocks of the other types are texts by now.
        _ => String::new(),
    };
    SamplingMessageContentBlock::text(blocks.iter().map(text).collect::<Vec<_>>().join("\n"))
}

impl Project for SamplingMessageContentBlock {
    fn project(&mut self, features: Features) {
        if let Some(text) = self.as_older_text(features) {
            *self = Self::Text(text);
        }
        match self {
            Self::Text(content) => content.project(features),
            Self::Image(content) => content.project(features),
            Self::Audio(content) => content.project(features),
            Self::ToolUse(content) => content.project(features),
            Self::ToolResult(content) => content.project(features),
            Self::Unknown(_) => {}
        }
    }
}

impl SamplingMessageContentBlock {
    /// Returns the text that stands for a block of a type that does not exist yet, if it does not.
    fn as_older_text(&self, features: Features) -> Option<TextContent> {
        let text = match self {
            Self::Audio(audio) if !features.has(Features::AUDIO) => audio_text(audio),
            Self::ToolUse(call) if !features.has(Features::SAMPLING_TOOLS) => {
                format!("[call of tool {}: {}]", call.name, call.input)
            }
            Self::ToolResult(result) if !features.has(Features::SAMPLING_TOOLS) => tool_result_text(result),
            Self::Unknown(_) if !features.has(Features::RESULT_TYPE) => "[content of an unknown type]".to_owned(),
            _ => return None,
        };
        Some(TextContent::new(text))
    }
}

/// Returns what a tool answered as a text.
fn tool_result_text(result: &ToolResultContent) -> String {
    let texts: Vec<String> = result
        .content
        .iter()
        .map(|block| block.as_text().map_or_else(|| format!("[content of type {}]", block.kind()), str::to_owned))
        .collect();
    match (texts.is_empty(), &result.structured_content) {
        (true, Some(structured)) => structured.as_str().to_owned(),
        _ => texts.join("\n"),
    }
}

impl Project for ToolResultContent {
    fn project(&mut self, features: Features) {
        self.content.project(features);
        super::structured::structured_content(&mut self.structured_content, &mut self.content, features);
    }
}

impl Project for CreateMessageResult {
    fn project(&mut self, features: Features) {
        self.content.project(features);
    }
}

impl Project for ListRootsResult {
    fn project(&mut self, features: Features) {
        legacy_result_meta(&mut self.meta, features);
        self.roots.project(features);
    }
}

impl Project for ElicitResult {
    fn project(&mut self, features: Features) {
        legacy_result_meta(&mut self.meta, features);
    }
}

impl Project for ElicitRequestParams {
    fn project(&mut self, features: Features) {
        match self {
            Self::Form(form) => form.project(features),
            Self::Url(url) => url.project(features),
        }
    }
}

impl Project for ElicitRequestUrlParams {
    /// Leaves `elicitationId` as it is where it must be there: whoever keeps the elicitation chooses it (T-139).
    fn project(&mut self, features: Features) {
        legacy_request_meta(&mut self.meta, features);
        if !features.has(Features::ELICITATION_ID) {
            self.elicitation_id = None;
        }
        if !features.has(Features::TASKS) {
            self.task = None;
        }
    }
}

impl Project for ElicitRequestFormParams {
    fn project(&mut self, features: Features) {
        legacy_request_meta(&mut self.meta, features);
        if !features.has(Features::TASKS) {
            self.task = None;
        }
        if features.has(Features::ELICITATION_URL) {
            return;
        }
        self.mode = None;
        // A schema that is not a form stays as it is: the peer will say what is wrong with it.
        if let Ok(mut form) = self.requested_schema.decode::<RequestedSchema>() {
            form.project(features);
            self.requested_schema = form.into();
        }
    }
}

impl Project for RequestedSchema {
    /// Drops members that ask for several values where there are none; nothing older can stand for them.
    fn project(&mut self, features: Features) {
        if features.has(Features::ELICITATION_URL) {
            return;
        }
        self.schema = None;
        let mut properties = JsonObject::new();
        for (name, raw) in self.properties.iter() {
            let older = match raw.decode::<PrimitiveSchemaDefinition>() {
                Ok(primitive) => older_primitive(primitive, features),
                Err(_) => Some(raw.clone()),
            };
            if let Some(older) = older {
                properties.insert(name, older);
            }
        }
        if let Some(required) = &mut self.required {
            required.retain(|name| properties.member(name).is_some());
        }
        self.properties = properties;
    }
}

fn older_primitive(primitive: PrimitiveSchemaDefinition, features: Features) -> Option<RawJson> {
    use PrimitiveSchemaDefinition as Primitive;
    let mut primitive = match primitive {
        Primitive::TitledSingleSelect(titled) => Primitive::LegacyTitledEnum(legacy_titled(titled)),
        Primitive::TitledMultiSelect(_) | Primitive::UntitledMultiSelect(_) => return None,
        other => other,
    };
    match &mut primitive {
        Primitive::String(schema) => schema.project(features),
        Primitive::Number(schema) => schema.project(features),
        Primitive::LegacyTitledEnum(schema) => schema.project(features),
        Primitive::UntitledSingleSelect(schema) => schema.project(features),
        _ => {}
    }
    Some(primitive.into())
}

fn legacy_titled(titled: TitledSingleSelectEnumSchema) -> LegacyTitledEnumSchema {
    let (values, names): (Vec<_>, Vec<_>) =
        titled.one_of.into_iter().map(|option| (option.value, option.title)).unzip();
    LegacyTitledEnumSchema {
        enum_names: Some(names),
        title: titled.title,
        description: titled.description,
        extra: titled.extra,
        ..LegacyTitledEnumSchema::new(values)
    }
}
