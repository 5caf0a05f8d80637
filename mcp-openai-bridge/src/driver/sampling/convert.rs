//! A sampling request as a Chat Completions request, and the way back.

use mcp_types::{
    CallToolResult, ContentBlock, CreateMessageRequestParams, CreateMessageResult, ErrorCode, RawJson, Role, RpcError,
    SamplingContent, SamplingMessage, SamplingMessageContentBlock as Block, StopReason, ToolChoice, ToolChoiceMode,
    ToolUseContent,
};
use serde_json::Value;

use crate::arguments;
use crate::chat::{Arguments, Completion, Message, Request, ToolCall};
use crate::content;
use crate::members::text_json;
use crate::tools::ToolSet;

/// Makes the request, and the tools by which the names in its reply are understood.
pub(super) fn request(
    question: CreateMessageRequestParams,
    model: &str,
    max_tokens: u64,
) -> Result<(Request, ToolSet), RpcError> {
    let tools = ToolSet::builder().server("sampling", &question.tools.unwrap_or_default()).build();
    let mut messages: Vec<Message> = question.system_prompt.map(Message::system).into_iter().collect();
    for message in &question.messages {
        add_message(message, &tools, &mut messages)?;
    }
    let mut request = Request::new(model, messages);
    request.tools = tools.chat();
    if !request.tools.is_empty() {
        request.tool_choice = question.tool_choice.as_ref().map(|choice| text_json(mode(choice)));
    }
    request.extra.insert("max_completion_tokens", Value::from(question.max_tokens.min(max_tokens)));
    if let Some(temperature) = question.temperature {
        request.extra.insert("temperature", Value::from(temperature));
    }
    if let Some(stop) = question.stop_sequences.filter(|stop| !stop.is_empty()) {
        request.extra.insert("stop", Value::from(stop));
    }
    Ok((request, tools))
}

fn mode(choice: &ToolChoice) -> &'static str {
    match choice.mode {
        Some(ToolChoiceMode::None) => "none",
        Some(ToolChoiceMode::Required) => "required",
        _ => "auto",
    }
}

/// One message of a server may be several here: each result of a tool is one.
fn add_message(message: &SamplingMessage, tools: &ToolSet, messages: &mut Vec<Message>) -> Result<(), RpcError> {
    let mut blocks = Vec::new();
    let mut calls = Vec::new();
    for block in message.content.blocks() {
        match block {
            Block::Text(text) => blocks.push(ContentBlock::Text(text.clone())),
            Block::Image(image) => blocks.push(ContentBlock::Image(image.clone())),
            Block::Audio(audio) => blocks.push(ContentBlock::Audio(audio.clone())),
            Block::ToolUse(call) => calls.push(tool_call(call, tools)),
            Block::ToolResult(answer) => {
                let mut result = CallToolResult::new().content(answer.content.clone());
                result.is_error = answer.is_error;
                result.structured_content = answer.structured_content.clone();
                let rendered = content::render(&result, &content::Options::default());
                messages.push(Message::tool(&answer.tool_use_id, rendered.text()));
                blocks.extend(result.content.into_iter().filter(is_media));
            }
            _ => return Err(RpcError::new(ErrorCode::INVALID_PARAMS, "a message has a block of an unknown type")),
        }
    }
    if blocks.is_empty() && calls.is_empty() {
        return Ok(());
    }
    let role = if message.role == Role::Assistant { "assistant" } else { "user" };
    let mut said = Message::with_content(role, content::chat_content(&blocks));
    if blocks.is_empty() {
        said.content = Some(RawJson::null());
    }
    said.tool_calls = calls;
    messages.push(said);
    Ok(())
}

fn is_media(block: &ContentBlock) -> bool {
    matches!(block, ContentBlock::Audio(_) | ContentBlock::Image(_))
}

fn tool_call(call: &ToolUseContent, tools: &ToolSet) -> ToolCall {
    let function = tools.iter().find(|tool| tool.tool() == call.name).map_or(call.name.as_str(), |tool| tool.name());
    ToolCall::new(&call.id, function, Arguments::Text(call.input.as_str().to_owned()))
}

/// Reads the reply of the model as the answer for the server.
pub(super) fn result(reply: Completion, tools: &ToolSet, model: &str) -> Result<CreateMessageResult, RpcError> {
    let failed = |why: &str| RpcError::new(ErrorCode::INTERNAL, why.to_owned());
    let choice = reply.choices.into_iter().next().ok_or_else(|| failed("the reply of the model has no message"))?;
    let mut blocks = Vec::new();
    let text = choice.message.text();
    if !text.is_empty() || choice.message.tool_calls.is_empty() {
        blocks.push(Block::text(text));
    }
    for call in &choice.message.tool_calls {
        let function = call.function.as_ref().ok_or_else(|| failed("the model made a call of no function"))?;
        let input = arguments::read(&function.arguments)
            .map_err(|_| failed("the model called a tool with arguments that cannot be read"))?;
        let name = tools.resolve(&function.name).map_or(function.name.as_str(), |tool| tool.tool());
        blocks.push(Block::ToolUse(ToolUseContent::new(call.id.as_str(), name, input)));
    }
    let has_calls = !choice.message.tool_calls.is_empty();
    let stop = match choice.finish_reason.as_deref() {
        _ if has_calls => StopReason::ToolUse,
        Some("length") => StopReason::MaxTokens,
        _ => StopReason::EndTurn,
    };
    let answered = reply.extra.member("model").and_then(|name| name.decode::<String>().ok());
    let model = answered.unwrap_or_else(|| model.to_owned());
    // One block stands alone: older peers read nothing else.
    let content: SamplingContent = match <[Block; 1]>::try_from(blocks) {
        Ok([block]) => block.into(),
        Err(blocks) => blocks.into(),
    };
    Ok(CreateMessageResult::new(Role::Assistant, content, model).stop_reason(stop))
}
