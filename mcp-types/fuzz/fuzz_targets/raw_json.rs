//! What the scan accepts, `serde_json` accepts too, and writing it changes nothing.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use mcp_types::json::Unread;
use mcp_types::{JsonObject, RawJson};

fuzz_target!(|text: &[u8]| {
    let bytes = Bytes::copy_from_slice(text);
    let read = Unread::walk(&bytes, |value| value.raw());
    let Ok(raw) = RawJson::parse(bytes.clone()) else {
        assert!(read.is_err(), "the walk that reads is the walk that checks");
        return;
    };
    assert_eq!(read.expect("it was checked"), RawJson::parse(text.trim_ascii().to_vec()).expect("it was checked"));
    let mut members = JsonObject::new();
    let walked = Unread::walk(&bytes, |value| {
        value.members(|key, value| {
            members.push(key, value.raw()?);
            Ok(())
        })
    });
    assert_eq!(walked.is_ok().then_some(members), JsonObject::of(&raw).ok());
    assert_eq!(raw.decode::<JsonObject>().is_ok(), raw.is_object());
    assert!(raw.is_object() || raw.members(["a"]).is_err());
    let written = serde_json::to_string(&raw).expect("raw JSON can be written");
    // A document tree ends one container earlier than the scan, at 127.
    let Ok(value) = raw.decode::<serde_json::Value>() else { return };
    assert_eq!(serde_json::from_str::<serde_json::Value>(&written).expect("it was read before"), value);
    assert_eq!((raw.is_object(), raw.is_null()), (value.is_object(), value.is_null()));
    assert_eq!(serde_json::from_slice::<serde_json::Value>(text).expect("both accept it"), value);
});
