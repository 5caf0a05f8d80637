//! The limit for HTTP: a bare hyper server that parses the body to a `Value` and answers.
//!
//! It answers by a stream of events where notifications come before the result, or where nothing else is taken; it is
//! written at once. There are no sessions: an id is given because a client wants one.

use std::{convert::Infallible, io, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, header, header::HeaderValue, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use mcp_bench::answer::{Answers, Frame};
use tokio::net::TcpListener;

fn main() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve())
}

/// The word behind an option.
fn behind(option: &str) -> Option<String> {
    std::env::args().skip_while(|word| word != option).nth(1)
}

async fn serve() -> io::Result<()> {
    let tools = behind("--tools").and_then(|number| number.parse().ok()).unwrap_or_default();
    let answers = Arc::new(Answers::with_tools(tools));
    let address = behind("--http").unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address).await?;
    eprintln!("listening on http://{}/mcp", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answers = Arc::clone(&answers);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(&answers, request));
            // A client that goes away is no fault of ours.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(answers: &Answers, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let takes = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let events_only = takes == "text/event-stream";
    let Ok(body) = request.into_body().collect().await else {
        return Ok(status(400));
    };
    let (mut out, frame) = (Vec::new(), if events_only { Frame::Events } else { Frame::Json });
    let kind = match answers.answer(&body.to_bytes(), frame, &mut out) {
        None => return Ok(status(202)),
        Some(Frame::Events) => "text/event-stream",
        Some(Frame::Json | Frame::Line) => "application/json",
    };
    let mut response = Response::new(Full::new(Bytes::from(out)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert("mcp-session-id", HeaderValue::from_static("limit"));
    Ok(response)
}

fn status(status: u16) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    response
}
