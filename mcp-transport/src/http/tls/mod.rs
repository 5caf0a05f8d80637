//! `https://` for the client: rustls with the roots that the operating system trusts (house 10: no C++ toolchain).
//!
//! The surprising thing: the cryptography is named here and not taken from the process-wide default, so that a program
//! which sets another one, or none, does not change or break this.

mod verifier;

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use self::verifier::{AnyCertificate, AnyName, Named};
use crate::error::Error;

/// Whom a client trusts over `https`, and as whom it comes.
///
/// # Examples
///
/// ```no_run
/// use mcp_transport::http::Tls;
///
/// let usual = Tls::platform();
/// let private = Tls::platform().ca_file("/etc/company/authority.pem")?;
/// # Ok::<(), mcp_transport::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Tls {
    roots: Roots,
    /// Certificates that are trusted beside the roots, or that are the roots.
    extra: Vec<CertificateDer<'static>>,
    check: Check,
    identity: Option<Arc<Identity>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Roots {
    /// Only the certificates that were named.
    Named,
    #[default]
    Platform,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Check {
    /// Whether somebody who is trusted signed the certificate, for whatever name.
    AnyName,
    #[default]
    Full,
    /// Nothing at all.
    Nothing,
}

/// What the client shows to a server that asks who it is.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Tls {
    /// Trusts what the operating system trusts; this is the default.
    pub fn platform() -> Self {
        Self::default()
    }

    /// Trusts the certificates in a PEM text as well, for a server with a private authority.
    ///
    /// # Errors
    ///
    /// Fails when the text has no certificate or a broken one.
    pub fn trust(mut self, pem: &[u8]) -> Result<Self, Error> {
        self.extra.extend(certificates(pem, "the PEM text")?);
        Ok(self)
    }

    /// Trusts the authorities in a PEM file, in place of those of the operating system.
    ///
    /// A server that shows a certificate of the file itself is trusted as well, whoever signed it: a self-signed one is
    /// pinned so. Its name and its dates count all the same. The file is read now.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read and when it has no certificate or a broken one; the error names the file.
    pub fn ca_file(mut self, path: impl AsRef<Path>) -> Result<Self, Error> {
        let (pem, what) = read(path.as_ref(), "the CA file")?;
        self.extra.extend(certificates(&pem, &what)?);
        self.roots = Roots::Named;
        Ok(self)
    }

    /// Shows a certificate to servers that ask for one: its chain and its key, each a PEM file.
    ///
    /// # Errors
    ///
    /// Fails when a file cannot be read, or does not have what it must; the error names the file.
    pub fn client_cert(mut self, chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, Error> {
        let (pem, what) = read(chain.as_ref(), "the client certificate")?;
        let chain = certificates(&pem, &what)?;
        let (pem, what) = read(key.as_ref(), "the client key")?;
        // Nothing of the key is in the error.
        let key = PrivateKeyDer::from_pem_slice(&pem)
            .map_err(|_| Error::config(format!("{what} has no private key in PEM")))?;
        self.identity = Some(Arc::new(Identity { chain, key }));
        Ok(self)
    }

    /// Takes a certificate that is signed by somebody trusted, whatever server it was made for.
    ///
    /// Anybody with any certificate of a trusted authority can then pose as the server. It is meant for
    /// [`ca_file`](Self::ca_file), with a private authority; on systems that check certificates themselves (macOS, iOS,
    /// Android, Windows) it works with nothing else.
    #[must_use]
    pub fn without_hostname_check(mut self) -> Self {
        if self.check == Check::Full {
            self.check = Check::AnyName;
        }
        self
    }

    /// Takes any certificate of anybody: **whoever is on the way can read and change everything**, keys included.
    ///
    /// It is for a server on a bench. Use [`ca_file`](Self::ca_file) with the certificate of the server instead.
    #[must_use]
    pub fn without_verification(mut self) -> Self {
        self.check = Check::Nothing;
        self
    }

    pub(super) fn connector(&self) -> Result<Connector, Error> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier(provider)?);
        let mut config = match &self.identity {
            Some(identity) => builder
                .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
                .map_err(|error| Error::environment("the client certificate and its key cannot be used", error))?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Connector(TlsConnector::from(Arc::new(config))))
    }

    fn verifier(&self, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Error> {
        if self.check == Check::Nothing {
            return Ok(Arc::new(AnyCertificate::new(&provider)));
        }
        let check_name = self.check == Check::Full;
        if self.roots == Roots::Named {
            return Ok(Arc::new(Named::new(&self.extra, &provider, check_name).map_err(failed)?));
        }
        let platform = Verifier::new_with_extra_roots(self.extra.iter().cloned(), provider).map_err(failed)?;
        if check_name {
            return Ok(Arc::new(platform));
        }
        if SYSTEM_CHECKS {
            return Err(Error::config(
                "this system checks names together with everything else; name the authority by `ca_file` to leave them out",
            ));
        }
        Ok(Arc::new(AnyName(platform)))
    }
}

fn failed(error: rustls::Error) -> Error {
    Error::environment("cannot set up TLS with the certificates that are trusted", error)
}

fn read(path: &Path, what: &str) -> Result<(Vec<u8>, String), Error> {
    let what = format!("{what} `{}`", path.display());
    match fs::read(path) {
        Ok(pem) => Ok((pem, what)),
        Err(error) => Err(Error::environment(format!("cannot read {what}"), error)),
    }
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|error| Error::config(format!("cannot read a certificate in {what}: {error}")))?;
    if all.is_empty() {
        return Err(Error::config(format!("no certificate is in {what}; it must have a `BEGIN CERTIFICATE` line")));
    }
    Ok(all)
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("roots", &self.roots)
            .field("extra", &self.extra.len())
            .field("check", &self.check)
            .field("has_identity", &self.identity.is_some())
            .finish()
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

/// Whether the operating system checks certificates, and says only what it thinks of the whole.
const SYSTEM_CHECKS: bool = cfg!(any(target_vendor = "apple", target_os = "android", windows));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_a_certificate_is_refused() {
        assert!(matches!(Tls::platform().trust(b"no certificate"), Err(Error::Config(_))));
        let broken = b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
        assert!(matches!(Tls::platform().trust(broken), Err(Error::Config(_))));
    }

    #[test]
    fn a_ca_file_must_exist_and_the_error_names_it() {
        let error = Tls::platform().ca_file("/nowhere/authority.pem").unwrap_err();
        assert_eq!(error.to_string(), "cannot read the CA file `/nowhere/authority.pem`");
        assert!(matches!(error, Error::Environment(_)) && std::error::Error::source(&error).is_some());
    }

    #[test]
    fn a_ca_file_must_hold_certificates_and_the_error_names_it() {
        let error = Tls::platform().ca_file(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap_err();
        assert!(matches!(error, Error::Config(_)), "{error}");
        assert!(error.to_string().contains("README.md`; it must have a `BEGIN CERTIFICATE` line"), "{error}");
    }

    #[test]
    fn nothing_undoes_the_choice_to_check_nothing_by_accident() {
        let check = |tls: Tls, expected| assert_eq!(tls.check, expected);
        check(Tls::platform(), Check::Full);
        check(Tls::platform().without_hostname_check(), Check::AnyName);
        check(Tls::platform().without_verification().without_hostname_check(), Check::Nothing);
    }
}
