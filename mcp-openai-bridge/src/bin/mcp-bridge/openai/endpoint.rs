//! The address of an API: `OPENAI_BASE_URL` with `/chat/completions` behind it.

use std::fmt;

use http::Uri;
use http::uri::Scheme;

use crate::exit::Failure;

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    secure: bool,
    host: String,
    port: u16,
    authority: String,
    path: String,
}

impl Endpoint {
    /// Reads the base URL of an API, such as `https://api.openai.com/v1`. A query is kept.
    pub(crate) fn parse(base: &str) -> Result<Self, Failure> {
        let wrong = |why: &str| {
            Failure::usage(format!("the base URL {base:?} {why}"))
                .hint("give one like `https://api.openai.com/v1` by `--base-url` or OPENAI_BASE_URL")
        };
        let uri: Uri = base.trim().parse().map_err(|_| wrong("is no URL"))?;
        let secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(wrong("does not begin with http:// or https://")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("has no host"))?;
        if authority.as_str().contains('@') {
            // Not repeated in the message, because it may hold a password.
            return Err(Failure::usage("the base URL has credentials in it").hint("put the key into OPENAI_API_KEY"));
        }
        if authority.host().is_empty() {
            return Err(wrong("has no host"));
        }
        let folder = uri.path().trim_end_matches('/');
        // Some people paste the whole address.
        let folder = folder.strip_suffix("/chat/completions").unwrap_or(folder);
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        Ok(Self {
            secure,
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            authority: authority.as_str().to_owned(),
            path: format!("{folder}/chat/completions{query}"),
        })
    }

    /// Whether it is `https`.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether it is OpenAI's own, which always wants a key.
    pub(crate) fn is_openai(&self) -> bool {
        self.host == "api.openai.com"
    }

    /// Whether it is on this machine, as far as its name tells.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

/// Leaves out the query, in which some providers want a key.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.split('?').next().unwrap_or_default();
        write!(f, "{}://{}{path}", if self.secure { "https" } else { "http" }, self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_go_behind_the_base_url() {
        let check = |base: &str, host: &str, port: u16, path: &str| {
            let endpoint = Endpoint::parse(base).unwrap();
            assert_eq!((endpoint.host(), endpoint.port(), endpoint.path()), (host, port, path), "{base}");
        };
        check("https://api.openai.com/v1", "api.openai.com", 443, "/v1/chat/completions");
        check("http://127.0.0.1:11434/v1/", "127.0.0.1", 11434, "/v1/chat/completions");
        check("http://[::1]:8080", "::1", 8080, "/chat/completions");
        check("https://h/x?api-version=1", "h", 443, "/x/chat/completions?api-version=1");
        check("https://h/v1/chat/completions", "h", 443, "/v1/chat/completions");
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_secrets() {
        for base in ["", "api.openai.com/v1", "ftp://h/v1", "https://", "/v1"] {
            assert!(Endpoint::parse(base).is_err(), "{base}");
        }
        assert!(!Endpoint::parse("https://u:s3cret@h/v1").unwrap_err().message.contains("s3cret"));
        assert_eq!(Endpoint::parse("https://h/v1?key=s3cret").unwrap().to_string(), "https://h/v1/chat/completions");
    }
}
