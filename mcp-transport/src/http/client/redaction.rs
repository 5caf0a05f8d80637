//! What the texts of a server are cleaned of before they become part of an error (house 2.8).
//!
//! The surprising thing: servers and the proxies in front of them repeat what they were sent, headers and all, in the
//! pages by which they refuse it. So whatever was secret on the way out is secret on the way back.

use bytes::Bytes;
use http::header::HeaderMap;

use super::target::Target;
use crate::secret::Secret;

/// The secrets of one client.
pub(super) struct Redaction(Vec<Secret>);

impl Redaction {
    /// Collects what is secret: the values of sensitive headers, with and without the scheme in front, and the values of
    /// the query.
    pub(super) fn new(headers: &HeaderMap, target: &Target) -> Self {
        let values = headers.values().filter(|value| value.is_sensitive()).filter_map(|value| value.to_str().ok());
        // What stands behind a scheme is secret without it, and a scheme is not.
        let bare = |value: &'_ str| value.split_once(' ').map(|(_, bare)| bare.trim_start().to_owned());
        let values = values.flat_map(|value| std::iter::once(value.to_owned()).chain(bare(value)));
        let query = target.path_and_query.split_once('?').map(|(_, query)| query).unwrap_or_default();
        let query = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value).to_owned());
        let mut secrets: Vec<String> = values.chain(query).filter(|text| text.len() >= SHORTEST).collect();
        // The longest first, so that a part of one does not leave the rest of it behind.
        secrets.sort_unstable_by_key(|text| std::cmp::Reverse(text.len()));
        secrets.dedup();
        Self(secrets.into_iter().map(Secret::from).collect())
    }

    /// Takes the secrets out of a text.
    pub(super) fn text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| secret.redact(&text))
    }

    /// Takes the secrets out of a body.
    pub(super) fn body(&self, body: Bytes) -> Bytes {
        let text = String::from_utf8_lossy(&body);
        let clean = self.text(&text);
        if clean == text { body } else { clean.into() }
    }
}

/// What is shorter stands in every text by chance, and is no secret worth the name.
const SHORTEST: usize = 4;

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn redaction(url: &str, headers: &[&str]) -> Redaction {
        let mut map = HeaderMap::new();
        for value in headers {
            let mut value = HeaderValue::try_from(*value).unwrap();
            value.set_sensitive(true);
            map.append("x-secret", value);
        }
        map.insert("accept", HeaderValue::from_static("public"));
        Redaction::new(&map, &Target::parse(url).unwrap())
    }

    #[test]
    fn what_was_sent_is_not_told_again() {
        let check = |url: &str, headers: &[&str], text: &str, expected: &str| {
            assert_eq!(redaction(url, headers).text(text), expected, "{url} {headers:?}");
        };
        check("http://a/", &["Bearer hunter2"], "bad token hunter2 in Bearer hunter2", "bad token … in …");
        check("http://a/?key=hunter2&b=1", &[], "GET /?key=hunter2&b=1", "GET /?key=…&b=1");
        check("http://a/?hunter2", &[], "GET /?hunter2", "GET /?…");
        check("http://a/", &["abcd", "abcdef"], "abcdef abcd", "… …");
        check("http://a/", &["x", ""], "x marks the spot", "x marks the spot");
        check("http://a/public", &[], "public", "public");
    }

    #[test]
    fn a_body_without_secrets_stays_as_it_came() {
        let redaction = redaction("http://a/", &["hunter2"]);
        let bytes = Bytes::from_static(b"\xff not text");
        assert_eq!(redaction.body(bytes.clone()), bytes);
        assert_eq!(redaction.body(Bytes::from_static(b"no hunter2")), "no …".as_bytes());
    }
}
