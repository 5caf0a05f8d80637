//! The address of a server, checked once (H-1; security plan, T-020 to T-023).
//!
//! The surprising thing: what is shown in errors is not the address that was given but its origin and path, because
//! people put credentials into queries.

use std::fmt;

use http::Uri;

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
        let uri: Uri = text.trim().parse().map_err(|error| {
            let asked =
                "give one such as http://localhost:8080/mcp, with a name from another script in its `xn--` form";
            Error::config(format!("the server's address is no URL: {error}; {asked}"))
        })?;
        let Some(authority) = uri.authority() else {
            return Err(Error::config("the server's URL has no host; give one such as http://localhost:8080/mcp"));
        };
        if authority.as_str().contains('@') {
            return Err(Error::config(
                "the server's URL has credentials in it; send them in a header instead, for example `Authorization`",
            ));
        }
        let scheme = uri.scheme_str().unwrap_or_default();
        let is_tls = match scheme {
            "http" => false,
            "https" => true,
            scheme => {
                return Err(Error::config(format!(
                    "the server's URL must begin with http:// or https://, not {scheme}:"
                )));
            }
        };
        let default_port = if is_tls { 443 } else { 80 };
        // A port that is none is no port for the library either, and would become the usual one.
        let written = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        let port = match (written, authority.port_u16()) {
            ("" | ":", _) => default_port,
            (_, Some(port)) => port,
            (_, None) => return Err(Error::config("the port in the server's URL is no number up to 65535")),
        };
        let shown_host = authority.host().to_ascii_lowercase();
        let host = shown_host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(Error::config("the server's URL has no host"));
        }
        let authority = if port == default_port { shown_host } else { format!("{shown_host}:{port}") };
        let path_and_query = match uri.query() {
            Some(query) => format!("{}?{query}", uri.path()),
            None => uri.path().to_owned(),
        };
        let shown = format!("{scheme}://{authority}{}", uri.path());
        Ok(Self { is_tls, host, port, authority, path_and_query, shown })
    }

    /// Finds the place that a reference of the server means, which must be on the same server (HS-3; RFC 3986, section 5).
    ///
    /// # Errors
    ///
    /// Fails when it is no reference, or means another server.
    #[cfg(feature = "sse-r1")]
    pub(super) fn resolve(&self, reference: &str) -> Result<Self, Error> {
        let shown: String = reference.chars().take(200).flat_map(char::escape_debug).collect();
        let scheme = if self.is_tls { "https" } else { "http" };
        let base = self.path_and_query.split('?').next().unwrap_or("/");
        let reference = reference.trim();
        let names_scheme = reference.split(['/', '?', '#']).next().is_some_and(|first| first.contains(':'));
        let place = if names_scheme {
            reference.to_owned()
        } else if reference.starts_with("//") {
            format!("{scheme}:{reference}")
        } else if reference.starts_with('/') {
            format!("{scheme}://{}{reference}", self.authority)
        } else if reference.starts_with('?') {
            format!("{scheme}://{}{base}{reference}", self.authority)
        } else {
            let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
            let reference = reference.strip_prefix("./").unwrap_or(reference);
            format!("{scheme}://{}{folder}/{reference}", self.authority)
        };
        let unfit = |why: &str| Error::malformed(ENDPOINT, format!("`{shown}` {why}"));
        let place = Self::parse(&place).map_err(|_| unfit("is no address to post to"))?;
        if (place.is_tls, &place.host, place.port) != (self.is_tls, &self.host, self.port) {
            return Err(unfit("is on another server than the stream, and messages are sent to no other"));
        }
        Ok(place)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(feature = "sse-r1")]
const ENDPOINT: &str = "the `endpoint` event";

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
        for url in [
            "ftp://example.com",
            "file:///etc/passwd",
            "localhost:8080",
            "/mcp",
            "",
            "http://",
            "http://h:x/",
            "http://h:99999",
        ] {
            assert!(matches!(Target::parse(url), Err(Error::Config(_))), "{url}");
        }
        let error = Target::parse("http://user:hunter2@example.com/").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[cfg(feature = "sse-r1")]
    #[test]
    fn messages_are_posted_to_the_server_of_the_stream_and_to_no_other_hs_3() {
        let target = Target::parse("http://server.test:8080/a/sse?tenant=1").unwrap();
        let resolved = |reference| target.resolve(reference).map(|place| place.path_and_query);
        for (reference, place) in [
            ("/messages/?session_id=1", "/messages/?session_id=1"),
            ("?session_id=1", "/a/sse?session_id=1"),
            ("messages?x=y:z", "/a/messages?x=y:z"),
            ("./messages", "/a/messages"),
            ("http://server.test:8080/m#x", "/m"),
            ("//SERVER.test:8080/m", "/m"),
        ] {
            assert_eq!(resolved(reference).unwrap(), place, "{reference}");
        }
        for reference in [
            "http://evil.test:8080/m",
            "https://server.test:8080/m",
            "http://server.test/m",
            "//evil.test/m",
            "http://server.test:8080@evil.test/m",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "/a b",
        ] {
            assert!(matches!(target.resolve(reference), Err(Error::Malformed(_))), "{reference}");
        }
    }
}
