//! Any bytes are a message or a fault to report, and a message survives being written and read again.

#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use mcp_types::{CallToolRequestParams, Message, ToolsCallOutcome, rpc};

fuzz_target!(|text: &[u8]| {
    let _ = Message::id_in_head(text);
    let Ok(message) = Message::parse(Bytes::copy_from_slice(text)) else { return };
    let mut out = BytesMut::new();
    match &message {
        Message::Request(request) => {
            let _ = request.params.decode::<CallToolRequestParams>();
            let _ = (request.params.meta().progress_token(), request.params.uri(), request.params.arguments());
            rpc::request(&mut out, &request.id, &request.method, request.params.raw());
        }
        Message::Notification(notification) => {
            let _ = (notification.params.request_id(), notification.params.progress_token());
            rpc::notification(&mut out, &notification.method, notification.params.raw());
        }
        Message::Response(response) => match (&response.id, &response.outcome) {
            (Some(id), Ok(result)) => {
                let _ = result.decode::<ToolsCallOutcome>();
                rpc::response(&mut out, id, result);
            }
            // A result that answers nothing is read and dropped; there is no way to write one.
            (None, Ok(_)) => return,
            (id, Err(error)) => rpc::error_response(&mut out, id.as_ref(), error),
        },
    }
    assert!(!out.contains(&b'\n'), "a message is one line");
    let again = Message::parse(out.freeze()).expect("what is written can be read");
    match (message, again) {
        (Message::Request(one), Message::Request(two)) => assert_eq!((one.id, one.method), (two.id, two.method)),
        (Message::Notification(one), Message::Notification(two)) => assert_eq!(one.method, two.method),
        (Message::Response(one), Message::Response(two)) => assert_eq!(one.id, two.id),
        _ => panic!("a message changed its kind"),
    }
});
