//! Header values: every text comes back, no value can break a header line, decoding never panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_transport::header::{decode_value, encode_value};

fuzz_target!(|text: &str| {
    let value = encode_value(text);
    assert!(value.bytes().all(|byte| (0x20..=0x7E).contains(&byte)));
    assert_eq!(decode_value(&value).expect("what we encode, we decode"), text);

    for sent in [text.to_owned(), format!("=?base64?{text}?=")] {
        if let Ok(decoded) = decode_value(&sent) {
            assert_eq!(decode_value(&encode_value(&decoded)).as_deref(), Ok(&*decoded));
        }
    }
});
