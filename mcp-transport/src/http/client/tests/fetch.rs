//! Tests of the plain client.

use futures::StreamExt as _;
use tokio::io::duplex;

use super::{Arrived, Peer, bytes};
use crate::error::Error;
use crate::http::client::fetch::Fetch;

const URL: &str = "http://server.test:8080/v1/chat?version=1";

/// A client with one connection that is open, and its other end.
async fn fetch() -> (Fetch, Peer) {
    let fetch = Fetch::default();
    let (ours, theirs) = duplex(1024 * 1024);
    fetch.connect_over(URL, ours).await;
    (fetch, Peer { stream: theirs })
}

fn post(url: &str, body: &str) -> http::Request<bytes::Bytes> {
    http::Request::post(url).header("authorization", "Bearer canary").body(bytes(body)).unwrap()
}

async fn answered(fetch: &Fetch, peer: &mut Peer, status: &str) -> (u16, String, Arrived) {
    let (response, arrived) = futures::join!(fetch.send(post(URL, "hi")), async {
        let arrived = peer.read().await;
        peer.reply(status, "text/plain", "body").await;
        arrived
    });
    let response = response.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().read(100).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap(), arrived)
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_out_as_it_is_with_the_host_of_its_url() {
    let (fetch, mut peer) = fetch().await;
    let (status, body, arrived) = answered(&fetch, &mut peer, "200 OK").await;
    assert_eq!((status, body.as_str()), (200, "body"));
    assert!(arrived.head.starts_with("post /v1/chat?version=1 http/1.1\r\n"), "{}", arrived.head);
    assert_eq!((arrived.header("host"), arrived.body.as_str()), (Some("server.test:8080"), "hi"));
    assert_eq!(arrived.header("authorization"), Some("bearer canary"));
    assert_eq!(arrived.header("accept-encoding"), None);
}

#[tokio::test(start_paused = true)]
async fn the_connection_is_used_again_when_a_body_was_read_to_its_end() {
    let (fetch, mut peer) = fetch().await;
    for _ in 0..3 {
        answered(&fetch, &mut peer, "200 OK").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_is_no_error_and_a_redirect_is_not_followed() {
    let (fetch, mut peer) = fetch().await;
    assert_eq!(answered(&fetch, &mut peer, "500 Oops").await.0, 500);
    assert_eq!(answered(&fetch, &mut peer, "302 Found\r\nlocation: http://evil.test/").await.0, 302);
}

#[tokio::test(start_paused = true)]
async fn the_parts_of_a_body_come_as_they_are_sent() {
    let (fetch, mut peer) = fetch().await;
    let (response, _) = futures::join!(fetch.send(post(URL, "")), async {
        peer.read().await;
        peer.begin_events().await;
    });
    let mut body = response.unwrap().into_body();
    for part in ["one", "two"] {
        peer.send(part).await;
        assert_eq!(body.next().await.unwrap().unwrap(), part);
    }
    peer.end_events().await;
    assert!(body.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn dropping_a_body_closes_the_connection() {
    let (fetch, mut peer) = fetch().await;
    let (response, _) = futures::join!(fetch.send(post(URL, "")), async {
        peer.read().await;
        peer.begin_events().await;
    });
    drop(response);
    peer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_body_above_the_limit_is_not_read_and_one_that_breaks_off_is_an_error() {
    let (client, mut peer) = fetch().await;
    let (response, _) = futures::join!(client.send(post(URL, "")), async {
        peer.read().await;
        peer.reply("200 OK", "text/plain", "abcde").await;
    });
    let error = response.unwrap().into_body().read(4).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot read an HTTP response from the peer: its body has more than 4 bytes");

    let (client, mut peer) = fetch().await;
    let (response, _) = futures::join!(client.send(post(URL, "")), async move {
        peer.read().await;
        peer.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc").await;
    });
    let error = response.unwrap().into_body().read(100).await.unwrap_err();
    assert!(matches!(error, Error::Closed | Error::Environment(_)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_absolute_url_is_not_asked_and_not_repeated() {
    for url in ["/v1", "ftp://h/", "http://user:hunter2@h/"] {
        let error = Fetch::default().send(post(url, "")).await.unwrap_err();
        assert!(matches!(error, Error::Config(_)), "{url}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
