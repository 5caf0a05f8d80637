//! The address of a server, checked once (H-1; security plan, T-020 to T-023).
//!
//! The surprising thing: what is shown in errors is not the address that was given but its origin and path, because
//! people put credentials into queries.

use std::fmt;

use url::{Host, Url};

use crate::error::Error;

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) is_tls: bool,
    /// The name or the address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// What `Host` says.
    pub(super) authority: String,
    /// The path and the query.
    pub(super) path_and_query: String,
    shown: String,
}

impl Target {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// Fails when it is not an `http` or `https` URL, or has credentials in it.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let url =
            Url::parse(text).map_err(|error| Error::config(format!("the server's address is no URL: {error}")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::config(
                "the server's URL has credentials in it; send them in a header instead, for example `Authorization`",
            ));
        }
        let is_tls = match url.scheme() {
            "http" => false,
            "https" => true,
            scheme => {
                return Err(Error::config(format!(
                    "the server's URL must begin with http:// or https://, not {scheme}:"
                )));
            }
        };
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err(Error::config("the server's URL has no host")),
        };
        let port = url.port_or_known_default().unwrap_or(if is_tls { 443 } else { 80 });
        let shown_host = url.host_str().unwrap_or_default();
        let authority = match url.port() {
            Some(port) => format!("{shown_host}:{port}"),
            None => shown_host.to_owned(),
        };
        let path_and_query = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let shown = format!("{}://{authority}{}", url.scheme(), url.path());
        Ok(Self { is_tls, host, port, authority, path_and_query, shown })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_its_path_is_kept_as_it_is() {
        let target = Target::parse("http://LocalHost:8080/mcp?a=1#x").unwrap();
        assert_eq!((target.host.as_str(), target.port, target.is_tls), ("localhost", 8080, false));
        assert_eq!((target.authority.as_str(), target.path_and_query.as_str()), ("localhost:8080", "/mcp?a=1"));
        let target = Target::parse("https://[::1]/mcp/").unwrap();
        assert_eq!((target.host.as_str(), target.port, target.is_tls), ("::1", 443, true));
        assert_eq!((target.authority.as_str(), target.path_and_query.as_str()), ("[::1]", "/mcp/"));
        assert_eq!(Target::parse("http://localhost:1").unwrap().path_and_query, "/");
    }

    #[test]
    fn what_is_shown_has_no_query() {
        let target = Target::parse("https://example.com/mcp?token=secret").unwrap();
        assert_eq!(target.to_string(), "https://example.com/mcp");
    }

    #[test]
    fn other_schemes_and_credentials_are_refused_and_not_repeated() {
        for url in ["ftp://example.com", "file:///etc/passwd", "localhost:8080", "/mcp", "", "http://"] {
            assert!(matches!(Target::parse(url), Err(Error::Config(_))), "{url}");
        }
        let error = Target::parse("http://user:hunter2@example.com/").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
