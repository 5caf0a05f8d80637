//! The address of an API: a base URL, with the path of a request behind it.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use http::uri::Scheme;

use crate::error::ModelError;

/// Where an API is, such as `https://api.openai.com/v1`. A query is kept.
///
/// It is shown without its query, in which some providers want a key.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    is_tls: bool,
    host: String,
    authority: String,
    folder: String,
    query: String,
}

impl BaseUrl {
    /// Reads a base URL. One that leads to `/chat/completions` or to `/responses` means what stands before it.
    ///
    /// # Errors
    ///
    /// Fails when it is no `http` or `https` URL or has credentials in it, which are not repeated.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let text = text.trim();
        // Nothing of a query is shown.
        let shown = text.split('?').next().unwrap_or_default();
        let wrong = |why: &str| ModelError::new(format!("the base URL {shown:?} {why}; give one like `{USUAL}`"));
        if text.contains('@') {
            return Err(ModelError::new("the base URL has credentials in it; give the key as the key"));
        }
        let uri: Uri = text.parse().map_err(|_| wrong("is no URL"))?;
        let is_tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(wrong("does not begin with http:// or https://")),
        };
        let authority = uri.authority().filter(|authority| !authority.host().is_empty());
        let authority = authority.ok_or_else(|| wrong("has no host"))?;
        let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        if !matches!(port, "" | ":") && authority.port_u16().is_none() {
            // Not repeated: it may be a password whose `@` was forgotten.
            return Err(ModelError::new(format!("the port of the base URL is no number; give one like `{USUAL}`")));
        }
        let folder = uri.path().trim_end_matches('/');
        // Some people paste the whole address.
        let folder = ENDS.iter().find_map(|end| folder.strip_suffix(end)).unwrap_or(folder);
        Ok(Self {
            is_tls,
            host: authority.host().trim_matches(['[', ']']).to_ascii_lowercase(),
            authority: authority.as_str().to_owned(),
            folder: folder.to_owned(),
            query: uri.query().map(|query| format!("?{query}")).unwrap_or_default(),
        })
    }

    /// Returns whether it is `https`.
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Returns whether it is on this machine, as far as its name tells.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Returns whether it is OpenAI's own, which always wants a key.
    pub fn is_openai(&self) -> bool {
        self.host == "api.openai.com"
    }

    /// Returns where a request goes.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{self}{path}{}", self.query)
    }

    /// Returns the values in the query that may be secrets.
    pub(super) fn query_values(&self) -> impl Iterator<Item = &str> {
        self.query.split(['?', '&']).filter_map(|pair| Some(pair.split_once('=')?.1))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.folder)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({self})")
    }
}

const ENDS: [&str; 2] = ["/chat/completions", "/responses"];
const USUAL: &str = "https://api.openai.com/v1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_go_behind_the_base_url() {
        let check = |base: &str, url: &str| assert_eq!(BaseUrl::parse(base).unwrap().url("/responses"), url, "{base}");
        check("https://api.openai.com/v1", "https://api.openai.com/v1/responses");
        check(" http://127.0.0.1:11434/v1/ ", "http://127.0.0.1:11434/v1/responses");
        check("http://[::1]:8080", "http://[::1]:8080/responses");
        check("https://h/x?api-version=1", "https://h/x/responses?api-version=1");
        check("https://h/v1/chat/completions", "https://h/v1/responses");
        check("https://h/v1/responses", "https://h/v1/responses");
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_secrets() {
        for base in [
            "",
            "api.openai.com/v1",
            "ftp://h/v1",
            "https://",
            "/v1",
            "https://u:s3cret@h/v1",
            "https://u:s3cret",
            "h?k=s3cret",
        ] {
            let error = BaseUrl::parse(base).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{base}");
        }
        let base = BaseUrl::parse("https://h/v1?key=s3cret").unwrap();
        assert_eq!(format!("{base} {base:?}"), "https://h/v1 BaseUrl(https://h/v1)");
        assert_eq!(base.query_values().collect::<Vec<_>>(), ["s3cret"]);
    }

    #[test]
    fn a_name_says_whether_it_is_this_machine() {
        let check = |base: &str, expected: bool| assert_eq!(BaseUrl::parse(base).unwrap().is_loopback(), expected);
        check("http://LocalHost:1/v1", true);
        check("http://127.9.9.9/v1", true);
        check("http://[::1]/v1", true);
        check("http://192.168.0.1/v1", false);
        check("http://localhost.example/v1", false);
    }
}
