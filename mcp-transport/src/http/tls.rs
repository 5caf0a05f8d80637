//! `https://` for the client: rustls with the roots that the operating system trusts (house 10: no C++ toolchain).
//!
//! The surprising thing: the cryptography is named here and not taken from the process-wide default, so that a program
//! which sets another one, or none, does not change or break this.

use std::fmt;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::Error;

/// Whom the client trusts: what the operating system trusts, and what is added here.
#[derive(Clone, Default)]
pub struct Tls {
    extra: Vec<CertificateDer<'static>>,
}

impl Tls {
    /// Trusts what the operating system trusts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts also the certificates in a PEM text, for a server with a private authority.
    ///
    /// # Errors
    ///
    /// Fails when the text has no certificate or a broken one.
    pub fn trust(mut self, pem: &[u8]) -> Result<Self, Error> {
        let before = self.extra.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            self.extra.push(certificate.map_err(|error| Error::config(format!("cannot read a certificate: {error}")))?);
        }
        if self.extra.len() == before {
            return Err(Error::config("no certificate is in the PEM text; it must have a `BEGIN CERTIFICATE` line"));
        }
        Ok(self)
    }

    pub(super) fn connector(&self) -> Result<Connector, Error> {
        let provider = Arc::new(ring::default_provider());
        let failed = |error| Error::environment("cannot set up TLS with the certificates of this machine", error);
        let verifier =
            Verifier::new_with_extra_roots(self.extra.iter().cloned(), Arc::clone(&provider)).map_err(failed)?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Connector(TlsConnector::from(Arc::new(config))))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("extra", &self.extra.len()).finish()
    }
}

/// Makes TLS connections.
#[derive(Clone)]
pub(super) struct Connector(TlsConnector);

impl Connector {
    pub(super) async fn connect<T>(&self, host: &str, stream: T) -> Result<TlsStream<T>, Error>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| Error::environment(format!("`{host}` is no name that TLS can check"), error))?;
        self.0
            .connect(name, stream)
            .await
            .map_err(|error| Error::environment(format!("cannot agree on TLS with `{host}`"), error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_a_certificate_is_refused() {
        assert!(matches!(Tls::new().trust(b"no certificate"), Err(Error::Config(_))));
        let broken = b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
        assert!(matches!(Tls::new().trust(broken), Err(Error::Config(_))));
    }
}
