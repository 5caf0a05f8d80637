//! Every line of V-60 to V-68 as a test: what came back, and what is sent next.

use std::time::Duration;

use mcp_transport::{ChildExit, Deadline, HttpFailure};
use mcp_types::ErrorCode;

use super::*;

const R1: Revision = Revision::V2024_11_05;
const R3: Revision = Revision::V2025_06_18;
const R4: Revision = Revision::V2025_11_25;
const R5: Revision = Revision::V2026_07_28;

/// What the probe does next, short enough to compare.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Next {
    Discover(Revision),
    Initialize(Revision),
    InitializeOverSse(Revision),
    RespawnThenInitialize(Revision),
    Settled(Revision),
    Fails(&'static str),
}

fn next(step: Result<State, Error>) -> (Next, Option<State>) {
    let told = match &step {
        Ok(State::Discover(state)) => Next::Discover(state.revision),
        Ok(State::Initialize(state)) if matches!(state.reopen, Some(Reopen::Child)) => {
            Next::RespawnThenInitialize(state.revision)
        }
        Ok(State::Initialize(state)) if state.reopen.is_some() => Next::InitializeOverSse(state.revision),
        Ok(State::Initialize(state)) => Next::Initialize(state.revision),
        Ok(State::Settled(agreement)) => Next::Settled(agreement.revision),
        Err(error) => Next::Fails(group(error)),
    };
    (told, step.ok())
}

fn group(error: &Error) -> &'static str {
    match error {
        Error::Malformed(_) => "malformed",
        Error::Rpc(_) => "rpc",
        Error::Unsupported(_) => "unsupported",
        Error::Http(_) => "http",
        Error::Exited(_) => "exited",
        Error::Closed => "closed",
        Error::TimedOut(_) => "timed out",
        Error::Config(_) => "config",
        Error::Environment(_) => "environment",
        _ => "another error",
    }
}

/// Runs the probe over all revisions; each outcome is paired with what must come next.
#[track_caller]
fn check(mode: EraMode, medium: Medium, first: Next, outcomes: impl IntoIterator<Item = (Outcome, Next)>) {
    let (told, mut state) = next(State::start(mode, &Revision::ALL, medium));
    assert_eq!(told, first);
    for (outcome, expected) in outcomes {
        let shown = format!("{outcome:?}");
        let step = match state.expect("the probe ended too early") {
            State::Discover(state) => state.handle(outcome),
            State::Initialize(state) => state.handle(outcome),
            State::Settled(_) => panic!("the probe had settled before {shown}"),
        };
        let told;
        (told, state) = next(step);
        assert_eq!(told, expected, "after {shown}");
    }
}

/// The outcome of the first `server/discover` in automatic mode.
#[track_caller]
fn check_discover(medium: Medium, outcome: Outcome, expected: Next) {
    check(EraMode::Auto, medium, Next::Discover(R5), [(outcome, expected)]);
}

fn raw(text: impl Into<String>) -> RawJson {
    RawJson::parse(text.into()).unwrap()
}

fn discovered(versions: &[&str]) -> Outcome {
    Ok(Ok(raw(format!(
        r#"{{"resultType":"complete","supportedVersions":{versions:?},"capabilities":{{"tools":{{}}}}}}"#
    ))))
}

fn initialized(version: &str) -> Outcome {
    Ok(Ok(raw(format!(
        r#"{{"protocolVersion":"{version}","capabilities":{{}},"serverInfo":{{"name":"s","version":"1"}}}}"#
    ))))
}

fn refused(code: i64) -> Outcome {
    Ok(Err(RpcError::new(ErrorCode(code), "no")))
}

fn unsupported(code: ErrorCode, versions: &[&str]) -> Outcome {
    let data = raw(format!(r#"{{"supported":{versions:?},"requested":"x"}}"#));
    Ok(Err(RpcError::new(code, "unsupported").data(data)))
}

fn status(status: u16) -> Outcome {
    Err(WireError::Http(HttpFailure::new(status, "http://127.0.0.1/mcp")))
}

fn silence() -> Outcome {
    Err(WireError::TimedOut(Deadline::Idle(Duration::from_secs(5))))
}

fn exit() -> Outcome {
    Err(WireError::Exited(ChildExit::new("server", Some("exit status: 1".to_owned()), Vec::new())))
}

const V32: ErrorCode = ErrorCode::UNSUPPORTED_PROTOCOL_VERSION;

#[test]
fn v61_a_discover_result_settles_the_modern_era_with_what_the_server_says_of_itself() {
    for medium in [Medium::Child, Medium::Http, Medium::Stream] {
        check_discover(medium, discovered(&["2026-07-28"]), Next::Settled(R5));
    }
    let State::Discover(state) = State::start(EraMode::Auto, &Revision::ALL, Medium::Http).unwrap() else {
        panic!("automatic mode begins with a probe");
    };
    let answer = r#"{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"instructions":"i",
        "serverInfo":{"name":"in the body","version":"1"}}"#;
    let Ok(State::Settled(agreement)) = state.handle(Ok(Ok(raw(answer)))) else {
        panic!("a result settles");
    };
    assert_eq!(agreement.server_info.unwrap().name, "in the body", "T-29");
    assert!(agreement.capabilities.unwrap().tools.is_some());
    assert_eq!(agreement.instructions.as_deref(), Some("i"));
}

#[test]
fn v61_a_recognised_modern_error_never_falls_back() {
    for medium in [Medium::Child, Medium::Http, Medium::Stream] {
        check_discover(medium, refused(-32021), Next::Fails("rpc"));
        check_discover(medium, refused(-32020), Next::Fails("rpc"));
        check_discover(medium, refused(-32022), Next::Fails("unsupported"));
        check_discover(medium, unsupported(V32, &["2031-01-01"]), Next::Fails("unsupported"));
    }
}

#[test]
fn v61_any_other_error_leads_to_initialize_on_the_same_pipe() {
    for code in [-32601, -32600, -32602, -32603, -32000, -32001, -32002, 0, 1] {
        check_discover(Medium::Child, refused(code), Next::Initialize(R4));
        check_discover(Medium::Stream, refused(code), Next::Initialize(R4));
    }
}

#[test]
fn v61_silence_on_a_pipe_leads_to_initialize() {
    let total = || Err(WireError::TimedOut(Deadline::Total(Duration::from_secs(5))));
    for medium in [Medium::Child, Medium::Stream] {
        check_discover(medium, silence(), Next::Initialize(R4));
        check_discover(medium, total(), Next::Initialize(R4));
    }
}

#[test]
fn v61_a_child_that_exits_on_the_probe_is_started_again_and_initialized_directly() {
    let steps = || [(exit(), Next::RespawnThenInitialize(R4)), (initialized("2025-06-18"), Next::Settled(R3))];
    check(EraMode::Auto, Medium::Child, Next::Discover(R5), steps());
    check_discover(Medium::Child, Err(WireError::Closed), Next::RespawnThenInitialize(R4));
    check(
        EraMode::Auto,
        Medium::Child,
        Next::Discover(R5),
        [(exit(), Next::RespawnThenInitialize(R4)), (exit(), Next::Fails("exited"))],
    );
}

#[test]
fn v61_a_stream_that_ends_cannot_be_started_again() {
    check_discover(Medium::Stream, Err(WireError::Closed), Next::Fails("closed"));
    check_discover(Medium::Http, Err(WireError::Closed), Next::Fails("closed"));
}

#[test]
fn v61_an_answer_that_is_no_discover_result_leads_to_initialize() {
    for medium in [Medium::Child, Medium::Http, Medium::Stream] {
        check_discover(medium, Ok(Ok(raw("{}"))), Next::Initialize(R4));
        check_discover(medium, Ok(Ok(raw(r#"{"supportedVersions":7,"capabilities":{}}"#))), Next::Initialize(R4));
    }
    check_discover(Medium::Stream, Err(WireError::malformed("a line", "x")), Next::Initialize(R4));
}

#[test]
fn v62_over_http_a_client_error_without_a_modern_body_leads_to_initialize() {
    for code in [400, 404, 405, 406, 415, 422] {
        check_discover(Medium::Http, status(code), Next::Initialize(R4));
    }
    check_discover(Medium::Http, refused(-32600), Next::Initialize(R4));
    check_discover(Medium::Http, refused(-32000), Next::Initialize(R4));
}

#[test]
fn v62_initialize_that_fails_too_is_a_typed_error() {
    for code in [400, 404, 405] {
        check(
            EraMode::Auto,
            Medium::Http,
            Next::Discover(R5),
            [
                (status(code), Next::Initialize(R4)),
                (status(code), Next::InitializeOverSse(R4)),
                (status(404), Next::Fails("http")),
            ],
        );
    }
}

#[test]
fn v63_credentials_overload_and_the_network_are_never_evidence() {
    for code in [401, 403, 407, 408, 429, 500, 502, 503, 504, 301] {
        check_discover(Medium::Http, status(code), Next::Fails("http"));
    }
    check_discover(Medium::Http, silence(), Next::Fails("timed out"));
    check_discover(Medium::Http, Err(WireError::malformed("a body", "html")), Next::Fails("malformed"));
    let connect = || Err(WireError::TimedOut(Deadline::Connect(Duration::from_secs(10))));
    let refused = || Err(WireError::environment("cannot connect", "refused"));
    for medium in [Medium::Child, Medium::Http, Medium::Stream] {
        check_discover(medium, connect(), Next::Fails("timed out"));
        check_discover(medium, refused(), Next::Fails("environment"));
    }
}

#[test]
fn v63_a_timeout_says_what_was_waited_for() {
    let State::Discover(state) = State::start(EraMode::Modern, &Revision::ALL, Medium::Stream).unwrap() else {
        panic!("modern mode begins with a probe");
    };
    let error = state.handle(silence()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no answer and no progress within 5s while waiting for the answer to `server/discover`"
    );
}

#[test]
fn v64_method_not_found_for_discover_itself_means_legacy_also_over_http() {
    for medium in [Medium::Child, Medium::Http, Medium::Stream] {
        check_discover(medium, refused(-32601), Next::Initialize(R4));
    }
}

#[test]
fn v65_an_error_that_names_only_legacy_versions_leads_to_the_best_of_them() {
    check_discover(Medium::Http, unsupported(V32, &["2024-11-05", "2025-06-18"]), Next::Initialize(R3));
    check_discover(Medium::Stream, unsupported(V32, &["2024-11-05"]), Next::Initialize(R1));
    check_discover(Medium::Http, discovered(&["2025-11-25"]), Next::Initialize(R4));
    check_discover(Medium::Http, discovered(&["2031-01-01"]), Next::Fails("unsupported"));
}

#[test]
fn v33_unsupported_version_is_retried_once_even_with_the_version_just_sent() {
    let rejects = || unsupported(V32, &["2026-07-28"]);
    check(
        EraMode::Auto,
        Medium::Http,
        Next::Discover(R5),
        [(rejects(), Next::Discover(R5)), (discovered(&["2026-07-28"]), Next::Settled(R5))],
    );
    check(
        EraMode::Auto,
        Medium::Http,
        Next::Discover(R5),
        [(rejects(), Next::Discover(R5)), (rejects(), Next::Fails("unsupported"))],
    );
}

#[test]
fn v66_modern_mode_probes_and_never_initializes() {
    for (outcome, failure) in [
        (refused(-32601), "unsupported"),
        (unsupported(V32, &["2025-11-25"]), "unsupported"),
        (discovered(&["2025-11-25"]), "unsupported"),
        (Ok(Ok(raw("{}"))), "malformed"),
        (silence(), "timed out"),
        (exit(), "exited"),
    ] {
        check(EraMode::Modern, Medium::Child, Next::Discover(R5), [(outcome, Next::Fails(failure))]);
    }
    check(EraMode::Modern, Medium::Http, Next::Discover(R5), [(status(404), Next::Fails("http"))]);
}

#[test]
fn v66_legacy_mode_initializes_and_sends_nothing_before() {
    check(EraMode::Legacy, Medium::Child, Next::Initialize(R4), [(initialized("2025-11-25"), Next::Settled(R4))]);
    check(
        EraMode::Legacy,
        Medium::Http,
        Next::Initialize(R4),
        [(unsupported(V32, &["2026-07-28"]), Next::Fails("unsupported"))],
    );
}

#[test]
fn v66_the_revisions_narrow_the_mode() {
    let start = |mode, revisions: &[Revision]| next(State::start(mode, revisions, Medium::Http)).0;
    assert_eq!(start(EraMode::Auto, &[R1, R3]), Next::Initialize(R3));
    assert_eq!(start(EraMode::Auto, &[R5]), Next::Discover(R5));
    assert_eq!(start(EraMode::Modern, &[R1, R3]), Next::Fails("config"));
    assert_eq!(start(EraMode::Legacy, &[R5]), Next::Fails("config"));
    assert_eq!(start(EraMode::Auto, &[]), Next::Fails("config"));
}

#[test]
fn v60_a_known_revision_is_not_probed() {
    let known = |revision, revisions: &[Revision]| next(State::known(revision, revisions, Medium::Http)).0;
    assert_eq!(known(R5, &Revision::ALL), Next::Settled(R5));
    assert_eq!(known(R3, &Revision::ALL), Next::Initialize(R3));
    assert_eq!(known(R3, &[R4, R5]), Next::Fails("config"));
}

#[test]
fn v67_a_modern_only_client_still_probes() {
    let (told, state) = next(State::start(EraMode::Auto, &[R5], Medium::Child));
    assert_eq!(told, Next::Discover(R5));
    let Some(State::Discover(state)) = state else { panic!("the probe is sent first") };
    assert_eq!(next(state.handle(refused(-32601))).0, Next::Fails("unsupported"));
}

#[test]
fn v12_a_version_nobody_asked_for_ends_the_handshake() {
    for version in ["2031-01-01", "2026-07-28", "nonsense"] {
        check(
            EraMode::Legacy,
            Medium::Child,
            Next::Initialize(R4),
            [(initialized(version), Next::Fails("unsupported"))],
        );
    }
    check(EraMode::Legacy, Medium::Child, Next::Initialize(R4), [(Ok(Ok(raw("{}"))), Next::Fails("malformed"))]);
}

#[test]
fn t52_a_server_that_names_its_legacy_versions_is_asked_once_more() {
    let offers = || unsupported(ErrorCode::INVALID_PARAMS, &["2024-11-05"]);
    check(
        EraMode::Legacy,
        Medium::Stream,
        Next::Initialize(R4),
        [(offers(), Next::Initialize(R1)), (initialized("2024-11-05"), Next::Settled(R1))],
    );
    check(
        EraMode::Legacy,
        Medium::Stream,
        Next::Initialize(R4),
        [(offers(), Next::Initialize(R1)), (offers(), Next::Fails("unsupported"))],
    );
    check(EraMode::Legacy, Medium::Stream, Next::Initialize(R4), [(refused(-32602), Next::Fails("rpc"))]);
}

#[test]
fn v36_a_modern_server_that_was_too_slow_for_the_probe_is_probed_again_and_never_initialized_twice() {
    check(
        EraMode::Auto,
        Medium::Stream,
        Next::Discover(R5),
        [
            (silence(), Next::Initialize(R4)),
            (unsupported(V32, &["2026-07-28"]), Next::Discover(R5)),
            (discovered(&["2026-07-28"]), Next::Settled(R5)),
        ],
    );
    check(
        EraMode::Auto,
        Medium::Stream,
        Next::Discover(R5),
        [
            (silence(), Next::Initialize(R4)),
            (unsupported(V32, &["2026-07-28"]), Next::Discover(R5)),
            (silence(), Next::Fails("timed out")),
        ],
    );
}

#[test]
fn an_error_of_disagreement_names_both_sides() {
    let State::Discover(state) = State::start(EraMode::Modern, &Revision::ALL, Medium::Http).unwrap() else {
        panic!("modern mode begins with a probe");
    };
    let error = state.handle(unsupported(V32, &["2025-11-25", "2031-01-01"])).unwrap_err().to_string();
    assert!(error.contains("may speak 2026-07-28"), "{error}");
    assert!(error.contains("server speaks 2025-11-25, 2031-01-01"), "{error}");
}
