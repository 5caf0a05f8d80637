//! Results that are too long, and how they are read on.

use super::*;

fn small() -> Options {
    let mut options = Options::default();
    options.content.text_bytes = 2000;
    options.content.turn_text_bytes = 5000;
    options
}

fn function_names(turn: &Turn) -> Vec<String> {
    turn.next_request().tool_names()
}

/// Runs one round with one result of `text`.
fn round(turn: &mut Turn, id: &str, text: &str) {
    let calls = ready(turn.handle_model(calls(&[(id, "add", "{}")])).unwrap());
    let _ = turn.handle_results([result(&calls[0], text)]).unwrap();
}

#[test]
fn the_model_can_read_on_in_a_result_that_was_cut_and_only_then() {
    let mut turn = turn(small());
    round(&mut turn, "a", "short");
    assert!(!function_names(&turn).contains(&"read_result".to_owned()));
    let long: String = (0..3000).map(|n| char::from(b'a' + u8::try_from(n % 26).unwrap())).collect();
    round(&mut turn, "b", &long);
    assert_eq!(function_names(&turn).last().unwrap(), "read_result");
    let shown = turn.messages().last().unwrap().text();
    assert!(
        shown.contains("[… about 1000 of 3000 bytes left out; read them with read_result, handle \"b\" …]"),
        "{shown}"
    );

    let step =
        turn.handle_model(calls(&[("c", "read_result", r#"{"handle":"b","offset":1334,"limit":1000}"#)])).unwrap();
    assert!(matches!(step, Step::Ask), "it is answered inside the turn");
    assert_eq!(turn.rejected(), []);
    let page = turn.messages().last().unwrap().text();
    assert_eq!(page, format!("[bytes 1334 to 2334 of 3000; go on with offset 2334]\n{}", &long[1334..2334]));
}

#[test]
fn a_handle_that_is_not_known_is_explained() {
    let mut turn = turn(small());
    let _ = turn.handle_model(calls(&[("c", "read_result", r#"{"handle":"b"}"#)])).unwrap();
    assert_eq!(
        answers(&turn)[0]["content"],
        "error: the result `b` is not kept, or not any more; call its tool again for less"
    );
}

#[test]
fn a_function_of_that_name_keeps_it() {
    let schema = RawJson::parse(r#"{"type":"object"}"#).unwrap();
    let tools = Arc::new(ToolSet::builder().server("s", &[Tool::new("read_result", schema)]).build());
    let mut turn = Turn::new(Request::new("m", [Message::user("go")]), tools, small());
    let calls = ready(turn.handle_model(calls(&[("a", "read_result", "{}")])).unwrap());
    let _ = turn.handle_results([result(&calls[0], &"x".repeat(3000))]).unwrap();
    assert_eq!(function_names(&turn), ["read_result", "read_result_2"]);
    assert!(turn.messages().last().unwrap().text().contains("read them with read_result_2, handle \"a\""));
}

#[test]
fn results_are_measured_in_the_order_of_their_calls() {
    let texts = |swapped: bool| {
        let mut turn = turn(small());
        let calls =
            ready(turn.handle_model(calls(&[("a", "add", "{}"), ("b", "add", "{}"), ("c", "add", "{}")])).unwrap());
        let mut order: Vec<_> = calls.iter().map(|call| result(call, &call.id.repeat(2000))).collect();
        if swapped {
            order.reverse();
        }
        for outcome in order {
            let _ = turn.handle_results([outcome]).unwrap();
        }
        answers(&turn)
    };
    assert_eq!(texts(false), texts(true));
    let lengths: Vec<usize> = texts(false)
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|message| Some(message["content"].as_str()?.len()))
        .collect();
    assert_eq!(lengths[..2], [2000, 2000]);
    assert!(lengths[2] < 1200, "{lengths:?}");
}

#[test]
fn the_request_never_has_more_functions_than_openai_takes() {
    let schema = RawJson::parse(r#"{"type":"object"}"#).unwrap();
    let many: Vec<Tool> = (0..128).map(|n| Tool::new(format!("t{n}"), schema.clone())).collect();
    let tools = Arc::new(ToolSet::builder().server("s", &many).build());
    let mut turn = Turn::new(Request::new("m", [Message::user("go")]), Arc::clone(&tools), small());
    assert_eq!(function_names(&turn).len(), 128);
    let calls = ready(turn.handle_model(calls(&[("a", "t1", "{}")])).unwrap());
    let _ = turn.handle_results([result(&calls[0], &"x".repeat(3000))]).unwrap();
    assert_eq!(function_names(&turn).len(), 128);
    assert_eq!(function_names(&turn).last().unwrap(), "read_result");

    let mut request = Request::new("m", [Message::user("what does t127 say?")]);
    request.tools.push(RawJson::parse(r#"{"type":"function","function":{"name":"mine"}}"#).unwrap());
    let names = function_names(&Turn::new(request, tools, small()));
    assert_eq!((names.len(), names[0].as_str()), (128, "mine"));
    assert!(names.contains(&"t127".to_owned()), "what was spoken of is offered");
}

#[test]
fn of_two_equal_names_the_one_of_the_request_is_offered() {
    let mut request = Request::new("m", [Message::user("go")]);
    request.tools.push(RawJson::parse(r#"{"type":"function","function":{"name":"add"}}"#).unwrap());
    let turn = Turn::new(request, tools(), Options::default());
    assert_eq!(function_names(&turn).iter().filter(|name| *name == "add").count(), 1);
}
