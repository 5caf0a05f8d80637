//! Sampling, by literal requests and replies.

use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::*;
use crate::ModelError;
use crate::chat::{Completion, Request};

/// Gives one reply and keeps the request.
struct Once {
    reply: Mutex<Option<Value>>,
    request: Mutex<Option<Value>>,
}

#[async_trait]
impl Model for Once {
    async fn complete(&self, request: &Request) -> Result<Completion, ModelError> {
        *self.request.lock().unwrap() = Some(serde_json::to_value(request).unwrap());
        let reply = self.reply.lock().unwrap().take().ok_or_else(|| ModelError::new("key sk-123 is wrong"))?;
        Ok(serde_json::from_value(reply).unwrap())
    }
}

/// Asks, and returns the request that the model got and the answer for the server.
async fn asked(question: Value, reply: Option<Value>) -> (Value, Result<Value, RpcError>) {
    let model = Arc::new(Once { reply: Mutex::new(reply), request: Mutex::default() });
    let sampling = SampleWithModel::new(Arc::clone(&model) as Arc<dyn Model>, "m").max_tokens(100);
    let answer = sampling.answer(serde_json::from_value(question).unwrap()).await;
    let request = model.request.lock().unwrap().take().unwrap_or_default();
    (request, answer.map(|answer| serde_json::to_value(answer).unwrap()))
}

fn says(message: &Value, reason: &str) -> Option<Value> {
    Some(json!({"model":"m-2","choices":[{"index":0,"message":message,"finish_reason":reason}]}))
}

#[tokio::test]
async fn a_question_goes_to_the_model_and_its_answer_to_the_server() {
    let question = json!({
        "messages":[{"role":"user","content":{"type":"text","text":"hi"}}], "maxTokens":500, "systemPrompt":"be kind",
        "temperature":0.5, "stopSequences":["END"], "modelPreferences":{"hints":[{"name":"claude"}]}
    });
    let (request, answer) = asked(question, says(&json!({"role":"assistant","content":"hello"}), "stop")).await;
    assert_eq!(
        request,
        json!({
            "model":"m","messages":[{"role":"system","content":"be kind"},{"role":"user","content":"hi"}],
            "max_completion_tokens":100,"temperature":0.5,"stop":["END"]
        })
    );
    assert_eq!(
        answer.unwrap(),
        json!({"role":"assistant","content":{"type":"text","text":"hello"},"model":"m-2","stopReason":"endTurn"})
    );
}

#[tokio::test]
async fn calls_of_the_tools_of_the_server_go_both_ways() {
    let question = json!({
        "messages":[
            {"role":"user","content":[
                {"type":"text","text":"look"},{"type":"image","data":"iVBORw0KGgo=","mimeType":"image/png"}
            ]},
            {"role":"assistant","content":{"type":"tool_use","id":"t1","name":"a.b","input":{"n":1}}},
            {"role":"user","content":{"type":"tool_result","toolUseId":"t1","content":[{"type":"text","text":"no"}],"isError":true}}
        ],
        "maxTokens":50, "tools":[{"name":"a.b","inputSchema":{"type":"object"}}], "toolChoice":{"mode":"required"}
    });
    let function = |request: &Value| request["tools"][0]["function"]["name"].as_str().unwrap().to_owned();
    let (request, _) = asked(question.clone(), None).await;
    let name = function(&request);
    assert_eq!(
        request["messages"],
        json!([
            {"role":"user","content":[
                {"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}
            ]},
            {"role":"assistant","content":null,"tool_calls":[
                {"id":"t1","type":"function","function":{"name":name,"arguments":"{\"n\":1}"}}
            ]},
            {"role":"tool","tool_call_id":"t1","content":"error: no"}
        ])
    );
    assert_eq!(request["tool_choice"], "required");
    let calls = json!([{"id":"t2","type":"function","function":{"name":name,"arguments":"{\"n\":2}"}}]);
    let message = json!({"role":"assistant","content":null,"tool_calls":calls});
    let (_, answer) = asked(question, says(&message, "tool_calls")).await;
    assert_eq!(
        answer.unwrap(),
        json!({
            "role":"assistant","content":{"type":"tool_use","id":"t2","name":"a.b","input":{"n":2}},
            "model":"m-2","stopReason":"toolUse"
        })
    );
}

#[tokio::test]
async fn what_goes_wrong_at_the_provider_is_not_told_to_the_server() {
    let question = json!({"messages":[{"role":"user","content":{"type":"text","text":"hi"}}],"maxTokens":5});
    let (_, answer) = asked(question.clone(), None).await;
    assert_eq!(answer.unwrap_err().message, "the model could not be asked");
    let broken =
        json!({"role":"assistant","tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{"}}]});
    let (_, answer) = asked(question.clone(), says(&broken, "tool_calls")).await;
    assert_eq!(answer.unwrap_err().message, "the model called a tool with arguments that cannot be read");
    let (_, answer) = asked(question, says(&json!({"role":"assistant","content":"cut"}), "length")).await;
    assert_eq!(answer.unwrap()["stopReason"], "maxTokens");
}
