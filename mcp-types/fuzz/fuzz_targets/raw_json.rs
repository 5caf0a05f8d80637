//! What the scan accepts, `serde_json` accepts too, and writing it changes nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_types::{JsonObject, RawJson};

fuzz_target!(|text: &[u8]| {
    let Ok(raw) = RawJson::parse(text.to_vec()) else {
        return;
    };
    assert_eq!(raw.decode::<JsonObject>().is_ok(), raw.is_object());
    assert!(raw.is_object() || raw.members(["a"]).is_err());
    let written = serde_json::to_string(&raw).expect("raw JSON can be written");
    // A document tree ends one container earlier than the scan, at 127.
    let Ok(value) = raw.decode::<serde_json::Value>() else { return };
    assert_eq!(serde_json::from_str::<serde_json::Value>(&written).expect("it was read before"), value);
    assert_eq!((raw.is_object(), raw.is_null()), (value.is_object(), value.is_null()));
    assert_eq!(serde_json::from_slice::<serde_json::Value>(text).expect("both accept it"), value);
});
