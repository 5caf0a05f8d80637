//! Answers of providers, as bytes that come in parts and in paused time.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue};
use mcp_transport::Error as WireError;
use tokio::time::{Instant, sleep};

use super::HttpModel;
use super::answer::{Answer, Patience, Wait};
use super::read::read;
use crate::chat::Completion;
use crate::error::ModelError;
use crate::turn::Chat;

const PATIENCE: Patience =
    Patience { first: Duration::from_secs(10), between: Duration::from_secs(5), total: Duration::from_secs(60) };
const KEY: &str = "sk-do-not-print-me";

const STREAM: &str = concat!(
    ": warming up\n\n",
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hel\"}}]}\n\n",
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lö\"},\"finish_reason\":\"stop\"}]}\r\n\r\n",
    "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"total_tokens\":7}}\n\n",
    "data: [DONE]\n\n",
);
const DOCUMENT: &str =
    r#"{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"Hellö"},"finish_reason":"stop"}]}"#;

fn model() -> HttpModel {
    HttpModel::builder("https://h.test/v1").key(KEY).reply_bytes(2000).build().unwrap()
}

fn media(media: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(HeaderName::from_static("content-type"), HeaderValue::from_static(media))])
}

#[tokio::test(start_paused = true)]
async fn a_time_that_no_clock_reaches_is_a_wait_like_any_other() {
    let forever = Patience { first: Duration::MAX, between: Duration::MAX, total: Duration::MAX };
    let mut answer = Answer::new(Wait::new("h.test", forever), stream::iter(parts(&[DOCUMENT])), 8000);
    let reply = read::<Chat>(&model(), &media(JSON), &mut answer, &mut |_| ()).await.unwrap();
    assert_eq!(reply.choices[0].message.text(), "Hellö");
}

const EVENTS: &str = "text/event-stream; charset=utf-8";
const JSON: &str = "application/json";

type Parts = Vec<Result<Bytes, WireError>>;

/// Reads an answer whose parts come as they are; returns the texts of its chunks with it.
async fn read_parts(kind: &'static str, parts: Parts) -> (Result<Completion, ModelError>, Vec<String>) {
    read_stream(kind, stream::iter(parts)).await
}

async fn read_stream(
    kind: &'static str,
    parts: impl Stream<Item = Result<Bytes, WireError>> + Send,
) -> (Result<Completion, ModelError>, Vec<String>) {
    let (model, mut texts) = (model(), Vec::new());
    let mut answer = Answer::new(Wait::new("h.test", PATIENCE), parts, 8000);
    let reply = read::<Chat>(&model, &media(kind), &mut answer, &mut |chunk| texts.push(chunk.text())).await;
    (reply, texts)
}

fn parts(texts: &[&str]) -> Parts {
    texts.iter().map(|text| Ok(Bytes::copy_from_slice(text.as_bytes()))).collect()
}

async fn text(kind: &'static str, texts: &[&str]) -> (String, Vec<String>) {
    let (reply, chunks) = read_parts(kind, parts(texts)).await;
    (reply.unwrap().choices[0].message.text(), chunks)
}

async fn error(kind: &'static str, texts: &[&str]) -> ModelError {
    read_parts(kind, parts(texts)).await.0.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_the_same_wherever_it_is_cut() {
    for cut in 0..STREAM.len() {
        let (front, back) = STREAM.as_bytes().split_at(cut);
        let halves = [front, back].map(|half| Ok(Bytes::from_static(half))).into();
        let (reply, chunks) = read_parts(EVENTS, halves).await;
        let reply = reply.unwrap();
        assert_eq!((reply.choices[0].message.text().as_str(), chunks.concat().as_str()), ("Hellö", "Hellö"), "{cut}");
        assert_eq!(reply.usage.unwrap().count("total_tokens"), Some(7), "{cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_decides_how_it_is_read_and_not_what_was_asked_for() {
    let (hello, none) = ("Hellö".to_owned(), Vec::<String>::new());
    let (front, back) = DOCUMENT.split_at(30);
    assert_eq!(text(JSON, &[DOCUMENT]).await, (hello.clone(), none.clone()));
    assert_eq!(text("text/plain", &[" \r\n", front, back]).await, (hello.clone(), none));
    assert_eq!(text("text/plain", &["\n", STREAM]).await.1, ["Hel", "lö", ""]);
    assert_eq!(text("", &[STREAM]).await.0, hello);
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_end_by_done_or_by_its_end_and_forget_its_last_empty_line() {
    let finished = STREAM.split("data: [DONE]").next().unwrap();
    for end in ["", "data: [DONE]", "data:[DONE]\n\n", "data: [DONE]\n\ndata: nonsense\n\n"] {
        assert_eq!(text(EVENTS, &[finished, end]).await.0, "Hellö", "{end}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_off_is_no_reply() {
    let front = STREAM.split_inclusive("\n\n").nth(1).unwrap();
    assert!(error(EVENTS, &[front]).await.to_string().contains("ended before the reply did"));
    assert!(error(EVENTS, &[&front[..60]]).await.to_string().contains("cannot read the answer"));
    assert!(error(EVENTS, &[]).await.to_string().contains("ended before the reply did"));
    let mut broken = parts(&[front]);
    broken.push(Err(WireError::Closed));
    let (reply, chunks) = read_parts(EVENTS, broken).await;
    let error = reply.unwrap_err();
    assert_eq!(error.to_string(), "the connection to h.test broke before the answer was complete");
    assert!(!error.is_transient(), "a reply that has begun may have been paid for");
    assert_eq!(chunks, ["Hel"]);
}

#[tokio::test(start_paused = true)]
async fn an_error_in_place_of_an_answer_is_told_without_the_key() {
    let fault = format!(r#"{{"error":{{"message":"no credit for {KEY}","code":"insufficient_quota"}}}}"#);
    let busy = r#"{"error":{"message":"upstream is busy","code":502}}"#.to_owned();
    for (fault, message, code, status) in
        [(&fault, "no credit for …", Some("insufficient_quota"), None), (&busy, "upstream is busy", None, Some(502))]
    {
        let front = STREAM.split_inclusive("\n\n").nth(1).unwrap();
        for error in [error(JSON, &[fault]).await, error(EVENTS, &[front, "data: ", fault, "\n\n"]).await] {
            let told = format!("https://h.test/v1/chat/completions gave no answer but an error: {message}");
            assert!(error.to_string().starts_with(&told), "{error}");
            assert_eq!((error.provider_code(), error.http_status()), (code, status));
            assert!(!format!("{error:?}").contains(KEY));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_answer_says_where_it_came_from_and_not_the_key() {
    for body in ["", "<html>", "{\"choices\":1}", "[]", "{\"choices\":[", &format!("data: {{\"{KEY}\n\n")] {
        for kind in [JSON, EVENTS, "text/html"] {
            let error = error(kind, &[body]).await;
            assert!(error.to_string().contains("https://h.test/v1/chat/completions"), "{kind} {body}: {error}");
            assert!(!format!("{error} {error:?}").contains(KEY));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_is_read_than_a_reply_may_have() {
    let long = DOCUMENT.replace("Hellö", &"a".repeat(2000));
    assert!(error(JSON, &[&long[..1000], &long[1000..]]).await.to_string().contains("longer than what is read"));
    let endless = ": and so on\n\n".repeat(1000);
    assert!(error(EVENTS, &[&endless]).await.to_string().contains("longer than what is read"));
    let event = format!("data: {long}\n\n");
    assert!(error(EVENTS, &[&event]).await.to_string().contains("2000"));
}

/// Parts that come one after the other, each after its pause.
fn paced(pauses: &'static [u64], text: &'static str) -> impl Stream<Item = Result<Bytes, WireError>> + Send {
    let parts = stream::iter(pauses).then(move |pause| async move {
        sleep(Duration::from_secs(*pause)).await;
        Ok(Bytes::from_static(text.as_bytes()))
    });
    parts.chain(stream::pending())
}

#[tokio::test(start_paused = true)]
async fn each_wait_has_its_deadline() {
    let check = async |pauses: &'static [u64], seconds: u64, expected: &str| {
        let started = Instant::now();
        let (reply, _) = read_stream(EVENTS, paced(pauses, ": still here\n\n")).await;
        assert_eq!(reply.unwrap_err().to_string(), expected);
        assert_eq!(started.elapsed(), Duration::from_secs(seconds), "{pauses:?}");
    };
    check(&[], 10, "h.test gave no answer within 10 seconds").await;
    check(&[9], 14, "h.test began its answer and then said nothing for 5 seconds").await;
    check(&[9, 4, 6], 18, "h.test began its answer and then said nothing for 5 seconds").await;
    check(&[4; 20], 60, "h.test has not ended its answer within 60 seconds").await;
}

#[test]
fn what_cannot_be_sent_is_refused_and_not_repeated() {
    for builder in [
        HttpModel::builder("https://h.test").key("hunter2\n"),
        HttpModel::builder("https://h.test").header("x-key", "hunter2\r\nx: y"),
        HttpModel::builder("https://h.test").header("x key", "hunter2"),
        HttpModel::builder("https://u:hunter2@h.test"),
    ] {
        let shown = format!("{builder:?}");
        let error = builder.build().unwrap_err();
        assert!(!format!("{shown} {error} {error:?}").contains("hunter2"), "{error}");
    }
    assert!(!format!("{:?}", model()).contains(KEY));
}
