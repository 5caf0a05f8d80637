//! The HTTP client over TLS, with an authority that only this test knows.
//!
//! The key and the certificates in `certificates` were made for this test and protect nothing.
#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::error::Error as _;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use mcp_transport::http::{Fetch, HttpClient, HttpOptions, Tls};
use mcp_transport::{Error, Outgoing, Transport};
use mcp_types::RawJson;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const AUTHORITY: &[u8] = include_bytes!("certificates/authority.pem");
const CERTIFICATE: &[u8] = include_bytes!("certificates/localhost.pem");
const KEY: &[u8] = include_bytes!("certificates/localhost.key");
/// Signed by itself, for another name.
const ELSEWHERE: &[u8] = include_bytes!("certificates/elsewhere.pem");
const ELSEWHERE_KEY: &[u8] = include_bytes!("certificates/elsewhere.key");
/// Signed by itself, for a client.
const CLIENT: &[u8] = include_bytes!("certificates/client.pem");

/// A server that only this test knows.
struct Server {
    certificate: &'static [u8],
    key: &'static [u8],
    asks_client: bool,
}

const LOCALHOST: Server = Server { certificate: CERTIFICATE, key: KEY, asks_client: false };
const SELF_SIGNED: Server = Server { certificate: ELSEWHERE, key: ELSEWHERE_KEY, asks_client: false };

impl Server {
    fn config(&self) -> ServerConfig {
        let provider = Arc::new(ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
        let builder = if self.asks_client {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(CLIENT).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let chain = vec![CertificateDer::from_pem_slice(self.certificate).unwrap()];
        builder.with_single_cert(chain, PrivateKeyDer::from_pem_slice(self.key).unwrap()).unwrap()
    }

    /// Answers one request over TLS and returns the port.
    async fn serve(&self) -> u16 {
        let acceptor = TlsAcceptor::from(Arc::new(self.config()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut request = [0; 4096];
            let Ok(1..) = stream.read(&mut request).await else { return };
            let body = r#"{"jsonrpc":"2.0","id":1,"result":{"ok":true}}"#;
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
        });
        port
    }
}

/// Asks as the MCP client does.
async fn ask_server(server: &Server, host: &str, tls: Tls) -> Result<String, Error> {
    let url = format!("https://{host}:{}/mcp", server.serve().await);
    let client = HttpClient::new(&url, HttpOptions::default().tls(tls))?;
    let exchange = client.open(Outgoing::new("ping", RawJson::empty_object())).await?;
    Ok(exchange.finish(drop).await?.unwrap().as_str().to_owned())
}

async fn ask(host: &str, tls: Tls) -> Result<String, Error> {
    ask_server(&LOCALHOST, host, tls).await
}

/// Asks as the plain client does.
async fn fetch(server: &Server, host: &str, tls: Tls) -> Result<Bytes, Error> {
    let request = http::Request::get(format!("https://{host}:{}/", server.serve().await)).body(Bytes::new()).unwrap();
    Fetch::new(tls).send(request).await?.into_body().read(1024).await
}

/// Checks that both clients agree: that they are answered, or why they do not trust.
async fn check(server: &Server, host: &str, tls: &Tls, expected: Result<(), &str>) {
    for outcome in
        [ask_server(server, host, tls.clone()).await.map(drop), fetch(server, host, tls.clone()).await.map(drop)]
    {
        match (outcome, expected) {
            (Ok(()), Ok(())) => {}
            (Err(error @ Error::Environment(_)), Err(why)) => {
                assert!(error.to_string().contains("TLS"), "{error}");
                let cause = error.source().unwrap().to_string();
                assert!(cause.contains(why), "{cause}");
            }
            other => panic!("{host} {tls:?}: {other:?}"),
        }
    }
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/certificates").join(name)
}

fn only(name: &str) -> Tls {
    Tls::platform().ca_file(file(name)).unwrap()
}

#[tokio::test]
async fn a_server_whose_authority_is_trusted_is_asked() {
    let trusting = || Tls::platform().trust(AUTHORITY).unwrap();
    assert_eq!(ask("localhost", trusting()).await.unwrap(), r#"{"ok":true}"#);
    assert_eq!(ask("127.0.0.1", trusting()).await.unwrap(), r#"{"ok":true}"#);
}

#[tokio::test]
async fn a_server_with_an_unknown_authority_is_refused() {
    check(&LOCALHOST, "localhost", &Tls::platform(), Err("UnknownIssuer")).await;
}

#[tokio::test]
async fn a_ca_file_is_trusted_and_nothing_beside_it() {
    check(&LOCALHOST, "localhost", &only("authority.pem"), Ok(())).await;
    check(&LOCALHOST, "localhost", &only("elsewhere.pem"), Err("UnknownIssuer")).await;
}

#[tokio::test]
async fn a_self_signed_certificate_is_pinned_by_its_file_for_its_own_name_only() {
    check(&SELF_SIGNED, "localhost", &only("elsewhere.pem"), Err("not valid for name")).await;
    check(&SELF_SIGNED, "localhost", &only("authority.pem"), Err("CaUsedAsEndEntity")).await;
}

#[tokio::test]
async fn without_the_check_of_the_name_the_authority_still_counts() {
    check(&SELF_SIGNED, "localhost", &only("elsewhere.pem").without_hostname_check(), Ok(())).await;
    check(&SELF_SIGNED, "localhost", &only("authority.pem").without_hostname_check(), Err("CaUsedAsEndEntity")).await;
    let platform = Tls::platform().without_hostname_check();
    check(&LOCALHOST, "127.0.0.1", &platform, Err("UnknownIssuer")).await;
    let platform = platform.trust(AUTHORITY).unwrap();
    check(&LOCALHOST, "127.0.0.1", &platform, Ok(())).await;
}

#[tokio::test]
async fn without_verification_anybody_is_trusted() {
    check(&SELF_SIGNED, "localhost", &Tls::platform().without_verification(), Ok(())).await;
    check(&LOCALHOST, "localhost", &only("elsewhere.pem").without_verification(), Ok(())).await;
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_a_server_that_asks_for_it() {
    let server = Server { asks_client: true, ..LOCALHOST };
    let known = only("authority.pem").client_cert(file("client.pem"), file("client.key")).unwrap();
    check(&server, "localhost", &known, Ok(())).await;
    assert!(fetch(&server, "localhost", only("authority.pem")).await.is_err());
    let error = only("authority.pem").client_cert(file("client.pem"), file("client.pem")).unwrap_err();
    assert!(error.to_string().ends_with("client.pem` has no private key in PEM"), "{error}");
}
