//! The header view and its checks: no panic, and a checked `Host` or `Origin` stays what it is in other letter case.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_transport::header::{
    HeaderField, HeaderView, HostPolicy, OriginPolicy, ParamHeaders, check_accept, check_content_type,
    check_param_headers, check_session_id, check_standard_headers,
};

fuzz_target!(|input: (Vec<(u8, &[u8])>, &str)| {
    let (lines, text) = input;
    let names = [
        "host",
        "Origin",
        "Accept",
        "Content-Type",
        "Mcp-Method",
        "mcp-name",
        "MCP-Protocol-Version",
        "mcp-session-id",
        "Last-Event-ID",
        "mcp-param-region",
        "Mcp-Param-Count",
    ];
    let lines = lines.iter().map(|(name, value)| (names[usize::from(*name) % names.len()], *value));
    let view = HeaderView::new(lines);
    let faults = check_standard_headers(&view, text, Some(text), Some(text));
    faults.iter().for_each(|fault| assert!(!fault.to_string().contains(['\r', '\n'])));
    let _ = (check_accept(view.accept), check_content_type(view.content_type), check_session_id(view.session_id));

    for field in [view.host, HeaderField::read(text.as_bytes())] {
        let verdict = HostPolicy::default().check(field).is_ok();
        let upper = field.value().unwrap_or_default().to_ascii_uppercase();
        assert!(!verdict || HostPolicy::default().check(HeaderField::Value(&upper)).is_ok());
        // What is allowed as a host is allowed as the host of an origin.
        let origin = format!("http://{}", field.value().unwrap_or_default());
        assert_eq!(OriginPolicy::default().check(HeaderField::Value(&origin)).is_ok(), verdict);
    }

    let schema = r#"{"properties":{"region":{"type":"string","x-mcp-header":"Region"},
                                   "count":{"type":"integer","x-mcp-header":"Count"}}}"#;
    let headers = ParamHeaders::from_schema(&serde_json::from_str(schema).expect("a schema")).expect("valid");
    if let Ok(arguments) = serde_json::from_str(text) {
        let _ = check_param_headers(&headers, &view, Some(&arguments));
        if let Ok(built) = headers.build(Some(&arguments)) {
            let lines = built.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            assert_eq!(check_param_headers(&headers, &HeaderView::new(lines), Some(&arguments)), []);
        }
    }
    if let Ok(schema) = serde_json::from_str(text) {
        let _ = ParamHeaders::from_schema(&schema);
    }
});
