//! One request over one connection, with TLS for `https`.
//!
//! The surprising thing: nobody waits for the connection to close. Once the body is read the driver is dropped, and the
//! socket with it.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use mcp_openai_bridge::ModelError;
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Reply;
use super::endpoint::Endpoint;

/// Opens connections.
pub(super) struct Dialer {
    tls: Option<TlsConnector>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Dialer {
    /// Prepares TLS with the roots of the operating system, when it is needed.
    pub(super) fn new(secure: bool) -> Result<Self, ModelError> {
        let failed = |error: rustls::Error| {
            ModelError::new("cannot set up TLS with the certificates of this machine").because(error)
        };
        if !secure {
            return Ok(Self { tls: None });
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .map_err(failed)?
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { tls: Some(TlsConnector::from(Arc::new(config))) })
    }

    /// Sends a request and reads its whole answer.
    pub(super) async fn exchange(
        &self,
        endpoint: &Endpoint,
        request: Request<Full<Bytes>>,
    ) -> Result<Reply, ModelError> {
        let broken = |error: hyper::Error| {
            ModelError::new(format!("the connection to {endpoint} broke before the answer was complete")).because(error)
        };
        let stream = match timeout(CONNECT, self.connect(endpoint)).await {
            Ok(stream) => stream?,
            Err(_) => {
                let seconds = CONNECT.as_secs();
                return Err(ModelError::new(format!("no connection to {endpoint} within {seconds} seconds")));
            }
        };
        let (mut sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let answer = async {
            let response = sender.send_request(request).await.map_err(broken)?;
            let (head, body) = response.into_parts();
            let body = collect(body, endpoint).await?;
            Ok(Reply { status: head.status, headers: head.headers, body })
        };
        let mut answer = std::pin::pin!(answer);
        tokio::select! {
            answer = &mut answer => answer,
            // The driver may see the end of the connection before the body is taken.
            ended = driver => match ended {
                Ok(()) => answer.await,
                Err(error) => Err(broken(error)),
            },
        }
    }

    async fn connect(&self, endpoint: &Endpoint) -> Result<Box<dyn Stream>, ModelError> {
        let unreachable = |error| ModelError::new(format!("cannot connect to {endpoint}")).because(error);
        let stream = TcpStream::connect((endpoint.host(), endpoint.port())).await.map_err(unreachable)?;
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        let name = ServerName::try_from(endpoint.host().to_owned())
            .map_err(|error| ModelError::new(format!("`{}` is no name for TLS", endpoint.host())).because(error))?;
        let stream = tls.connect(name, stream).await;
        let stream =
            stream.map_err(|error| ModelError::new(format!("cannot agree on TLS with {endpoint}")).because(error))?;
        Ok(Box::new(stream))
    }
}

/// Reads a body to its end, or to the limit.
async fn collect(mut body: Incoming, endpoint: &Endpoint) -> Result<Bytes, ModelError> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            ModelError::new(format!("the connection to {endpoint} broke before the answer was complete")).because(error)
        })?;
        let Ok(chunk) = frame.into_data() else { continue };
        if bytes.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(ModelError::new(format!("the answer of {endpoint} is larger than {MAX_BODY_BYTES} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// How long it may take to connect, with TLS.
const CONNECT: Duration = Duration::from_secs(10);

/// Bytes that an answer may have.
const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;
