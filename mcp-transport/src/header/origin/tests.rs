//! `Host` and `Origin` in protocol words: H-2, T-001, T-002, T-067.

use super::*;

fn check_host(policy: &HostPolicy, allowed: &[&str], refused: &[&str], malformed: &[&str]) {
    for value in allowed {
        assert_eq!(policy.check(HeaderField::Value(value)), Ok(()), "{value}");
    }
    for value in refused {
        assert_eq!(policy.check(HeaderField::Value(value)), Err(HostFault::NotAllowed(excerpt(value))));
    }
    for value in malformed {
        assert_eq!(policy.check(HeaderField::Value(value)), Err(HostFault::Malformed(excerpt(value))));
    }
}

fn check_origin(policy: &OriginPolicy, allowed: &[&str], refused: &[&str], malformed: &[&str]) {
    for value in allowed {
        assert_eq!(policy.check(HeaderField::Value(value)), Ok(()), "{value}");
    }
    for value in refused {
        assert_eq!(policy.check(HeaderField::Value(value)), Err(OriginFault::NotAllowed(excerpt(value))));
    }
    for value in malformed {
        assert_eq!(policy.check(HeaderField::Value(value)), Err(OriginFault::Malformed(excerpt(value))));
    }
}

#[test]
fn a_server_answers_to_the_loopback_hosts_with_any_port_by_default_h_2_t_001() {
    check_host(
        &HostPolicy::default(),
        &[
            "localhost",
            "localhost:1",
            "LocalHost:65535",
            "localhost.",
            "localhost.:80",
            "127.0.0.1",
            "127.0.0.1:8080",
            "[::1]",
            "[::1]:8080",
            "[0:0:0:0:0:0:0:1]:1",
            "localhost:",
        ],
        &[
            "evil.com",
            "evil.com:80",
            "localhost.evil.com",
            "evil-localhost",
            "127.0.0.2",
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "0.0.0.0",
            "[::]",
            "[::ffff:127.0.0.1]",
            "localhost..",
            "127.0.0.1.evil.com",
        ],
        &[],
    );
}

#[test]
fn a_host_has_nothing_but_a_name_and_a_port_t_067() {
    for policy in [HostPolicy::default(), HostPolicy::any()] {
        check_host(
            &policy,
            &[],
            &[],
            &[
                "",
                ":80",
                "localhost/",
                "localhost?x",
                "localhost#x",
                "localhost\\x",
                "user@localhost",
                "localhost, evil.com",
                "local host",
                "localhost:80:80",
                "localhost:http",
                "localhost:+80",
                "localhost:65536",
                "localhost:*",
                "::1",
                "[::1",
                "[::1]x",
                "[::1]:x",
                "[fe80::1%25eth0]",
                "[localhost]",
                "[127.0.0.1]",
                "%6cocalhost",
                "http://localhost",
            ],
        );
    }
}

#[test]
fn a_host_is_there_exactly_once() {
    let policy = HostPolicy::any();
    assert_eq!(policy.check(HeaderField::Absent), Err(HostFault::Missing));
    assert_eq!(policy.check(HeaderField::Duplicated), Err(HostFault::Duplicated));
    assert!(matches!(policy.check(HeaderField::NotVisibleAscii), Err(HostFault::Malformed(_))));
    assert_eq!(policy.check(HeaderField::Value("evil.com")), Ok(()));
}

#[test]
fn hosts_can_be_allowed_with_any_port_or_with_one() {
    let policy = HostPolicy::none()
        .allow("MCP.example")
        .unwrap()
        .allow("a.example:8443")
        .unwrap()
        .allow("[2001:db8::1]:*")
        .unwrap();
    check_host(
        &policy,
        &["mcp.example", "mcp.example:1", "a.example:8443", "[2001:DB8::1]", "[2001:db8:0::1]:7"],
        &["a.example", "a.example:443", "localhost", "x.mcp.example", "[2001:db8::2]"],
        &[],
    );
}

#[test]
fn a_request_without_an_origin_passes_h_2() {
    assert_eq!(OriginPolicy::none().check(HeaderField::Absent), Ok(()));
}

#[test]
fn a_server_answers_to_loopback_origins_with_any_port_by_default_h_2_t_002() {
    check_origin(
        &OriginPolicy::default(),
        &[
            "http://localhost",
            "http://localhost:3000",
            "HTTPS://LOCALHOST:3000",
            "https://127.0.0.1",
            "http://[::1]:6274",
        ],
        &[
            "http://evil.com",
            "https://localhost.evil.com",
            "http://evil.com:80",
            "ws://localhost",
            "chrome-extension://abcdef",
            "file://localhost",
        ],
        &[],
    );
}

#[test]
fn null_is_no_origin_unless_it_is_listed_h_2_t_002() {
    for value in ["null", "NULL"] {
        assert_eq!(OriginPolicy::default().check(HeaderField::Value(value)), Err(OriginFault::Null));
        assert_eq!(OriginPolicy::none().allow("null").unwrap().check(HeaderField::Value(value)), Ok(()));
    }
    assert!(OriginPolicy::none().allow("null").unwrap().check(HeaderField::Value("http://a.example")).is_err());
}

#[test]
fn an_origin_without_a_port_is_the_default_port_and_no_other_t_002() {
    let policy = OriginPolicy::none()
        .allow("https://app.example")
        .unwrap()
        .allow("http://app.example:8080")
        .unwrap()
        .allow("vscode-webview://panel")
        .unwrap()
        .allow("https://any.example:*")
        .unwrap();
    check_origin(
        &policy,
        &[
            "https://app.example",
            "https://app.example:443",
            "https://APP.example.",
            "http://app.example:8080",
            "vscode-webview://panel",
            "https://any.example",
            "https://any.example:1",
        ],
        &[
            "https://app.example:8443",
            "http://app.example",
            "http://app.example:443",
            "https://app.example:80",
            "https://x.app.example",
            "vscode-webview://panel:1",
            "http://any.example",
        ],
        &[],
    );
}

#[test]
fn an_origin_has_nothing_but_a_scheme_a_host_and_a_port() {
    for policy in [OriginPolicy::default(), OriginPolicy::any()] {
        check_origin(
            &policy,
            &[],
            &[],
            &[
                "",
                "localhost",
                "http:localhost",
                "http:/localhost",
                "://localhost",
                "1http://localhost",
                "ht tp://localhost",
                "http://",
                "http://localhost/",
                "http://localhost/path",
                "http://user@localhost",
                "http://localhost http://localhost",
                "http://localhost:x",
                "http://localhost:*",
            ],
        );
        assert_eq!(policy.check(HeaderField::Duplicated), Err(OriginFault::Duplicated));
        assert!(matches!(policy.check(HeaderField::NotVisibleAscii), Err(OriginFault::Malformed(_))));
    }
    assert_eq!(OriginPolicy::any().check(HeaderField::Value("http://evil.com")), Ok(()));
}

#[test]
fn a_rule_that_cannot_be_read_says_what_it_should_be() {
    for rule in ["", "*", "https://a.example", "a.example/", ":80", "a.example:x"] {
        let fault = HostPolicy::none().allow(rule).unwrap_err().to_string();
        assert!(fault.contains(&format!("`{rule}`")) && fault.contains("a host with"), "{fault}");
    }
    for rule in ["", "*", "a.example", "https://a.example/", "https://*.example", "NULL"] {
        let fault = OriginPolicy::none().allow(rule).unwrap_err().to_string();
        assert!(fault.contains(&format!("`{rule}`")) && fault.contains("an origin"), "{fault}");
    }
}
