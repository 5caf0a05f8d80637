//! One connection to a server, driven by whoever uses it (perf/lab 3.7).
//!
//! The HTTP library splits a connection into a handle and a future that does the work. The usual way is a task for the
//! future; here the user of the connection polls it, which saves two changes of task per request. The surprising
//! thing: between requests nobody polls it, so whether the server has closed it is found out when it is used again.

use std::future::poll_fn;
use std::mem;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderName;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::rules;
use super::target::Target;
use crate::error::{Deadline, Error};
use crate::http::HYPER_HEADERS;
use crate::http::whole::Whole;
use crate::limits::Limits;

/// A byte stream under HTTP.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What makes a stream secret.
#[cfg(feature = "tls")]
pub(super) type Security = Option<crate::http::tls::Connector>;
/// What makes a stream secret: without the feature `tls` nothing does.
#[cfg(not(feature = "tls"))]
#[derive(Clone, Copy)]
pub(super) struct Security;

/// A connection that one request at a time uses.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// What does the work; gone once the connection is over.
    driver: Option<Box<Driver>>,
    /// How long the server keeps it when it is idle, as far as it told.
    patience: Duration,
    /// When it must not be used any more.
    stale_at: Instant,
}

type Driver = http1::Connection<TokioIo<Box<dyn Stream>>, Full<Bytes>>;

/// A request on its way; in a box, because each future that hands it on would have room for it.
pub(super) type BoxedRequest = Box<Request<Full<Bytes>>>;

/// Why a request was not answered.
pub(super) enum Unsent {
    /// Nothing of it has left: it can go another way.
    Whole(BoxedRequest),
    /// It may have left.
    Failed(Error),
}

impl Connection {
    /// Connects, with TLS if the address says so, within [`Limits::connect_timeout`].
    pub(super) async fn open(target: &Target, security: &Security, limits: &Limits) -> Result<Self, Error> {
        let wait = limits.connect_timeout;
        match timeout(wait, connect(target, security)).await {
            Ok(stream) => Self::over(stream?, limits).await,
            Err(_) => Err(Error::TimedOut(Deadline::Connect(wait))),
        }
    }

    /// Speaks HTTP over a stream.
    pub(super) async fn over(stream: Box<dyn Stream>, limits: &Limits) -> Result<Self, Error> {
        let mut builder = http1::Builder::new();
        builder.max_header_size(limits.head_bytes);
        // To be told its own number costs hyper more than to know it: it then makes room for every response.
        if limits.head_count != HYPER_HEADERS {
            builder.max_headers(limits.head_count);
        }
        let (sender, driver) = builder.handshake(TokioIo::new(stream)).await.map_err(read_error)?;
        let patience = limits.idle_timeout / 2;
        Ok(Self { sender, driver: Some(Box::new(driver)), patience, stale_at: Instant::now() + patience })
    }

    /// Sends a request and waits for the head of its response.
    pub(super) async fn send(&mut self, request: BoxedRequest) -> Result<Response<Incoming>, Unsent> {
        let mut response = pin!(self.sender.try_send_request(*request));
        let driver = &mut self.driver;
        let mut is_out = false;
        let response = poll_fn(|cx| {
            if mem::replace(&mut is_out, true) {
                return drive_until(driver, cx, |own| response.as_mut().poll(own));
            }
            // Nothing is awaited yet that this could find, so there is nothing to be told of too early.
            drive(driver, cx);
            response.as_mut().poll(cx)
        });
        let response = response.await;
        match response {
            Ok(response) => {
                let told = response.headers().get(KEEP_ALIVE).map(|value| value.as_bytes());
                if let Some(told) = rules::keep_alive(told) {
                    // A second less than it said, because the request has a way to go.
                    self.patience = self.patience.min(told.saturating_sub(Duration::from_secs(1)));
                }
                Ok(response)
            }
            Err(mut failed) => Err(match failed.take_message() {
                Some(request) => Unsent::Whole(Box::new(request)),
                None => Unsent::Failed(read_error(failed.into_error())),
            }),
        }
    }

    /// Returns the next bytes of a body; `None` at its end.
    pub(super) async fn read(&mut self, body: &mut Incoming) -> Result<Option<Bytes>, Error> {
        loop {
            let driver = &mut self.driver;
            match poll_fn(|cx| drive_until(driver, cx, |own| Pin::new(&mut *body).poll_frame(own))).await {
                None => return Ok(None),
                Some(Err(error)) => return Err(read_error(error)),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    /// Reads a body to its end; returns also whether it is whole. One above the limit is cut, and the connection cannot
    /// be used again then.
    pub(super) async fn read_whole(&mut self, mut body: Incoming, limit: usize) -> Result<(Bytes, bool), Error> {
        let mut whole = Whole::default();
        while let Some(part) = self.read(&mut body).await? {
            if whole.push(part, limit).is_err() {
                return Ok((whole.into_bytes(), false));
            }
        }
        Ok((whole.into_bytes(), true))
    }

    /// Notes that a response was read to its end; returns whether the connection can be used again.
    pub(super) fn finish(&mut self) -> bool {
        self.stale_at = Instant::now() + self.patience;
        self.is_ready()
    }

    /// Returns whether a request can be sent now, as far as is known without a look at the stream.
    pub(super) fn is_usable(&mut self) -> bool {
        Instant::now() < self.stale_at && self.is_ready()
    }

    fn is_ready(&mut self) -> bool {
        if !self.sender.is_ready() {
            // Nobody is told if there is more to do, because nobody waits for it.
            drive(&mut self.driver, &mut Context::from_waker(Waker::noop()));
        }
        self.driver.is_some() && self.sender.is_ready()
    }
}

/// Works until `wanted` is there.
///
/// The two ends of the library wake each other, and here both are the same task: told of what it has just done itself, it
/// would be put at the end of the queue, and another thread be woken to take it. So it is told only when all that can be
/// done is done.
fn drive_until<T>(
    driver: &mut Option<Box<Driver>>,
    cx: &mut Context<'_>,
    mut wanted: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    let own = &mut Context::from_waker(Waker::noop());
    if let Poll::Ready(there) = wanted(own) {
        return Poll::Ready(there);
    }
    drive(driver, own);
    if let Poll::Ready(there) = wanted(own) {
        return Poll::Ready(there);
    }
    drive(driver, cx);
    wanted(cx)
}

fn drive(driver: &mut Option<Box<Driver>>, cx: &mut Context<'_>) {
    if let Some(work) = driver
        && Pin::new(&mut **work).poll(cx).is_ready()
    {
        // Dropping it ends whatever still waits for it.
        *driver = None;
    }
}

async fn connect(target: &Target, security: &Security) -> Result<Box<dyn Stream>, Error> {
    let stream = TcpStream::connect((target.host.as_str(), target.port))
        .await
        .map_err(|error| Error::environment(format!("cannot connect to `{}`", target.authority), error))?;
    // Without this the end of a request in two parts waits for the acknowledgement of the first.
    let _ = stream.set_nodelay(true);
    secure(target, stream, security).await
}

#[cfg(feature = "tls")]
async fn secure(target: &Target, stream: TcpStream, security: &Security) -> Result<Box<dyn Stream>, Error> {
    match security {
        Some(connector) => Ok(Box::new(connector.connect(&target.host, stream).await?)),
        None => Ok(Box::new(stream)),
    }
}

#[cfg(not(feature = "tls"))]
async fn secure(_: &Target, stream: TcpStream, _: &Security) -> Result<Box<dyn Stream>, Error> {
    Ok(Box::new(stream))
}

/// Says what a failure of the HTTP library means.
fn read_error(error: hyper::Error) -> Error {
    if error.is_parse() {
        return Error::malformed("an HTTP response", error.to_string());
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return Error::Closed;
    }
    Error::environment("the connection to the server broke", error)
}

/// Says how long the server keeps the connection.
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
