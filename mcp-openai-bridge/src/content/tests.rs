//! Every kind of block, as the model reads it.

use serde_json::{Value, json};

use super::*;

fn rendered(result: Value) -> Rendered {
    render(&serde_json::from_value(result).unwrap(), &Options::default())
}

fn check(result: Value, expected: &str) {
    assert_eq!(rendered(result).text(), expected);
}

fn blocks(content: Value) -> Value {
    Value::Object([("content".to_owned(), content)].into_iter().collect())
}

const PNG: &str = "iVBORw0KGgo=";

#[test]
fn texts_are_joined_by_lines() {
    check(blocks(json!([{"type":"text","text":"a"},{"type":"text","text":"b"}])), "a\nb");
}

#[test]
fn an_empty_result_says_so() {
    check(blocks(json!([])), "(no output)");
    check(blocks(json!([{"type":"text","text":""}])), "(no output)");
    let silent = vec![json!({"type":"text","text":""}); 1000];
    check(blocks(Value::from([silent.as_slice(), &[json!({"type":"text","text":"a"})], &silent].concat())), "a");
}

#[test]
fn a_failed_tool_is_marked_with_a_prefix_of_choice() {
    let failed = json!({"content":[{"type":"text","text":"disk full"}],"isError":true});
    check(failed.clone(), "error: disk full");
    let options = Options { error_prefix: "{\"error\": true} ".to_owned(), ..Options::default() };
    assert_eq!(render(&serde_json::from_value(failed).unwrap(), &options).text(), "{\"error\": true} disk full");
    check(json!({"content":[],"isError":true}), "error: (no output)");
    let picture = json!({"content":[{"type":"image","data":PNG,"mimeType":"image/png"}],"isError":true});
    assert_eq!(rendered(picture).parts()[0], Part::Text("error: ".to_owned()));
}

#[test]
fn structured_content_alone_is_shown() {
    check(json!({"content":[],"structuredContent":{"t":21.50}}), r#"{"t":21.5}"#);
    check(json!({"content":[{"type":"text","text":"mild"}],"structuredContent":{"t":21}}), "mild\n{\"t\":21}");
    check(json!({"content":[],"structuredContent":null}), "null");
}

#[test]
fn structured_content_that_a_text_repeats_is_shown_once() {
    check(
        json!({"content":[{"type":"text","text":"{ \"b\": 1,\n \"a\": [2] }"}],"structuredContent":{"a":[2],"b":1}}),
        "{ \"b\": 1,\n \"a\": [2] }",
    );
    check(json!({"content":[{"type":"text","text":"hi"}],"structuredContent":{"result":"hi"}}), "hi");
    check(json!({"content":[{"type":"text","text":"3"}],"structuredContent":{"result":3}}), "3");
    let list = json!([{"type":"text","text":"a"},{"type":"text","text":"{\"n\":1}"}]);
    check(json!({"content":list,"structuredContent":{"result":["a",{"n":1}]}}), "a\n{\"n\":1}");
    check(
        json!({"content":list,"structuredContent":{"result":["a",{"n":2}]}}),
        "a\n{\"n\":1}\n{\"result\":[\"a\",{\"n\":2}]}",
    );
}

#[test]
fn an_embedded_text_is_shown_with_its_uri() {
    check(
        blocks(json!([{"type":"resource","resource":{"uri":"file:///a.txt","text":"hello"}}])),
        "[resource file:///a.txt]\nhello",
    );
}

#[test]
fn a_resource_link_is_described() {
    check(
        blocks(
            json!([{"type":"resource_link","uri":"file:///a","name":"a","title":"A","mimeType":"text/plain","size":3,"description":"the a"}]),
        ),
        "[resource link file:///a: A, text/plain, 3 bytes]\nthe a",
    );
    check(blocks(json!([{"type":"resource_link","uri":"x:y","name":"n"}])), "[resource link x:y: n]");
}

#[test]
fn an_unknown_block_is_kept_as_json() {
    let raw: CallToolResult = serde_json::from_str(r#"{"content":[{"type":"hologram","depth":3.0}]}"#).unwrap();
    assert_eq!(render(&raw, &Options::default()).text(), r#"{"type":"hologram","depth":3.0}"#);
}

#[test]
fn what_models_cannot_read_is_described() {
    check(
        blocks(json!([{"type":"image","data":"PHN2Zz4=","mimeType":"image/svg+xml"}])),
        "[image: image/svg+xml, 5 bytes, not shown: models do not read this type]",
    );
    check(
        blocks(json!([{"type":"audio","data":"T2dnUw==","mimeType":"audio/ogg"}])),
        "[audio: audio/ogg, 4 bytes, not shown: models do not read this type]",
    );
    check(
        blocks(json!([{"type":"image","data":"not base64!","mimeType":"image/png"}])),
        "[image: image/png, not shown: it is not valid base64]",
    );
    check(
        blocks(json!([{"type":"resource","resource":{"uri":"x:/z.zip","blob":"UEs="}}])),
        "[resource x:/z.zip]\n[resource: application/octet-stream, 2 bytes, not shown: models do not read this type]",
    );
}

#[test]
fn a_media_type_cannot_smuggle_anything_into_the_data_url() {
    let result = blocks(json!([{"type":"image","data":PNG,"mimeType":"Image/PNG; name=\"a,b\""}]));
    let rendered = rendered(result);
    let Part::Image(media) = &rendered.parts()[0] else { panic!() };
    assert_eq!(media.data_url(), format!("data:image/png;base64,{PNG}"));
}

#[test]
fn chat_gets_the_text_in_the_tool_message_and_the_media_after_all_of_them() {
    let first = rendered(blocks(json!([
        {"type":"text","text":"here"},
        {"type":"image","data":PNG,"mimeType":"image/png"},
        {"type":"audio","data":"UklGRg==","mimeType":"audio/x-wav"},
        {"type":"text","text":"done"}
    ])));
    assert_eq!(
        first.text(),
        "here\n[image 1: image/png, in the message after the tool results]\n[audio 2: audio/wav, in the message after the tool results]\ndone"
    );
    let second = Rendered::text_only("no media");
    let third = rendered(blocks(json!([
        {"type":"resource","resource":{"uri":"file:///docs/a.pdf","mimeType":"application/pdf","blob":"JVBERg=="}},
        {"type":"audio","data":"SUQz","mimeType":"audio/mp3"}
    ])));
    let message = media_message([("c1", &first), ("c2", &second), ("c3", &third)]).unwrap();
    let message: Value = serde_json::to_value(&message).unwrap();
    assert_eq!(
        message,
        json!({"role":"user","content":[
            {"type":"text","text":"Media in the result of the tool call c1, in the order of their numbers:"},
            {"type":"image_url","image_url":{"url":format!("data:image/png;base64,{PNG}")}},
            {"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}},
            {"type":"text","text":"Media in the result of the tool call c3, in the order of their numbers:"},
            {"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERg=="}},
            {"type":"input_audio","input_audio":{"data":"SUQz","format":"mp3"}}
        ]})
    );
    assert_eq!(media_message([("c2", &second)]), None);
}

#[test]
fn responses_gets_a_text_or_a_list_of_parts() {
    let output = |rendered: &Rendered| responses_output(rendered).decode::<Value>().unwrap();
    assert_eq!(
        output(&rendered(blocks(json!([{"type":"text","text":"a"},{"type":"text","text":"b"}])))),
        json!("a\nb")
    );
    let mixed = rendered(blocks(json!([
        {"type":"text","text":"here"},
        {"type":"image","data":PNG,"mimeType":"image/png"},
        {"type":"resource","resource":{"uri":"x:/a.pdf","mimeType":"application/pdf","blob":"JVBERg=="}},
        {"type":"audio","data":"UklGRg==","mimeType":"audio/wav"}
    ])));
    assert_eq!(
        output(&mixed),
        json!([
            {"type":"input_text","text":"here"},
            {"type":"input_image","image_url":format!("data:image/png;base64,{PNG}")},
            {"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERg=="},
            {"type":"input_text","text":"[audio: audio/wav, 4 bytes, not shown: this API takes no audio]"}
        ])
    );
}

#[test]
fn a_long_result_keeps_its_head_and_its_tail() {
    let options = Options { text_bytes: 30, ..Options::default() };
    let result = CallToolResult::error("x".repeat(20) + &"y".repeat(20));
    assert_eq!(
        render(&result, &options).text(),
        "error: xxxxxxxxxxxxxxxxxxxx\n[… about 10 of 40 bytes left out …]\nyyyyyyyyyy"
    );
}

#[test]
fn media_beyond_the_budget_are_described() {
    let options = Options { media_bytes: PNG.len(), ..Options::default() };
    let image = json!({"type":"image","data":PNG,"mimeType":"image/png"});
    let result = serde_json::from_value(blocks(json!([image, image]))).unwrap();
    let rendered = render(&result, &options);
    assert!(matches!(rendered.parts()[0], Part::Image(_)));
    assert_eq!(rendered.parts()[1], Part::Text("[image/png, 8 bytes, not shown: it is too large]".to_owned()));
}
