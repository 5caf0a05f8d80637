//! The HTTP client over TLS, with an authority that only this test knows.
//!
//! The key and the certificates in `certificates` were made for this test and protect nothing.
#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use mcp_transport::http::{HttpClient, HttpOptions, Tls};
use mcp_transport::{Error, Outgoing, Transport};
use mcp_types::RawJson;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const AUTHORITY: &[u8] = include_bytes!("certificates/authority.pem");
const CERTIFICATE: &[u8] = include_bytes!("certificates/localhost.pem");
const KEY: &[u8] = include_bytes!("certificates/localhost.key");

/// Answers one request over TLS and returns the port.
async fn serve() -> u16 {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()],
            PrivateKeyDer::from_pem_slice(KEY).unwrap(),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await else { return };
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await.unwrap();
        let body = r#"{"jsonrpc":"2.0","id":1,"result":{"ok":true}}"#;
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
    });
    port
}

async fn ask(host: &str, tls: Tls) -> Result<String, Error> {
    let url = format!("https://{host}:{}/mcp", serve().await);
    let client = HttpClient::new(&url, HttpOptions::default().tls(tls))?;
    let exchange = client.open(Outgoing::new("ping", RawJson::empty_object())).await?;
    Ok(exchange.finish(drop).await?.unwrap().as_str().to_owned())
}

#[tokio::test]
async fn a_server_whose_authority_is_trusted_is_asked() {
    let trusting = || Tls::new().trust(AUTHORITY).unwrap();
    assert_eq!(ask("localhost", trusting()).await.unwrap(), r#"{"ok":true}"#);
    assert_eq!(ask("127.0.0.1", trusting()).await.unwrap(), r#"{"ok":true}"#);
}

#[tokio::test]
async fn a_server_with_an_unknown_authority_is_refused() {
    let error = ask("localhost", Tls::new()).await.unwrap_err();
    assert!(matches!(error, Error::Environment(_)), "{error}");
    assert!(error.to_string().contains("TLS") && std::error::Error::source(&error).is_some());
}
