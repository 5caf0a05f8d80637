//! The checks of a server's certificate that are not the usual ones.
//!
//! The surprising thing: none of them leaves out the signature of the handshake, so whoever answers at least has the key
//! of the certificate that is shown.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// Trusts the certificates of a file and what they have signed.
#[derive(Debug)]
pub(super) struct Named {
    roots: RootCertStore,
    /// As they were given: one of them may be the server's own.
    pinned: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
    checks_name: Name,
}

#[derive(Clone, Copy, Debug)]
enum Name {
    Any,
    Asked,
}

impl Named {
    pub(super) fn new(
        trusted: &[CertificateDer<'static>],
        provider: &CryptoProvider,
        check: bool,
    ) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in trusted {
            roots.add(certificate.clone())?;
        }
        Ok(Self {
            roots,
            pinned: trusted.to_vec(),
            algorithms: provider.signature_verification_algorithms,
            checks_name: if check { Name::Asked } else { Name::Any },
        })
    }
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.algorithms.all;
        match verify_server_cert_signed_by_trust_anchor(&certificate, &self.roots, intermediates, now, algorithms) {
            // What is wrong is that an authority comes as a server, or that nobody signed it. The dates were right.
            Err(Error::InvalidCertificate(CertificateError::Other(_) | CertificateError::UnknownIssuer))
                if self.pinned.iter().any(|pinned| pinned == end_entity) => {}
            outcome => outcome?,
        }
        if let Name::Asked = self.checks_name {
            verify_server_name(&certificate, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Trusts what the operating system trusts, for whatever name. Only where the check of the name comes last.
#[derive(Debug)]
pub(super) struct AnyName(pub(super) Verifier);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Trusts everybody.
#[derive(Debug)]
pub(super) struct AnyCertificate(WebPkiSupportedAlgorithms);

impl AnyCertificate {
    pub(super) fn new(provider: &Arc<CryptoProvider>) -> Self {
        Self(provider.signature_verification_algorithms)
    }
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::crypto::ring;
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    /// Signed by itself, and an authority as well, as `openssl req -x509` makes them.
    const ELSEWHERE: &[u8] = include_bytes!("../../../tests/certificates/elsewhere.pem");
    const OTHER: &[u8] = include_bytes!("../../../tests/certificates/client.pem");

    fn check(trusted: &[u8], name: &str, year: u64, expected: Result<(), &str>) {
        let parsed = |pem| CertificateDer::from_pem_slice(pem).unwrap();
        let named = Named::new(&[parsed(trusted)], &ring::default_provider(), true).unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs((year - 1970) * 31_557_600));
        let name = ServerName::try_from(name).unwrap();
        let outcome = named.verify_server_cert(&parsed(ELSEWHERE), &[], &name, &[], now);
        match (outcome, expected) {
            (Ok(_), Ok(())) => {}
            (Err(error), Err(why)) => assert!(error.to_string().contains(why), "{error}"),
            (outcome, expected) => panic!("{name:?} {year}: {outcome:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_pinned_certificate_is_good_for_its_name_and_its_time() {
        check(ELSEWHERE, "elsewhere.test", 2030, Ok(()));
        check(ELSEWHERE, "localhost", 2030, Err("not valid for name"));
        check(ELSEWHERE, "elsewhere.test", 2500, Err("expired"));
        check(ELSEWHERE, "elsewhere.test", 2000, Err("not valid yet"));
        check(OTHER, "elsewhere.test", 2030, Err("CaUsedAsEndEntity"));
    }
}
