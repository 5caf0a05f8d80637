//! Credentials as headers, in the kinds and spellings of LiteLLM.
//!
//! A scheme that is written in front already is not written twice, and white space around a credential is dropped. The
//! surprising thing: names of headers are told apart without their case, so that no request carries two credentials of
//! which nobody knows which one counts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mcp_client::Secret;

/// A kind of credential, which decides the header and the scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthKind {
    /// `X-API-Key: …`
    ApiKey,
    /// `Authorization: …`, as it is.
    Authorization,
    /// `Authorization: Basic …`, of `user:password` or of its Base64.
    Basic,
    /// `Authorization: Bearer …`
    BearerToken,
    /// `Authorization: token …`
    Token,
}

impl AuthKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::ApiKey, Self::Authorization, Self::Basic, Self::BearerToken, Self::Token];

    /// Returns the word for it, as `auth_type` has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Authorization => "authorization",
            Self::Basic => "basic",
            Self::BearerToken => "bearer_token",
            Self::Token => "token",
        }
    }

    /// Finds the kind that a word names; `oauth2` is a bearer token that somebody has fetched.
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "oauth2" => Some(Self::BearerToken),
            word => Self::ALL.into_iter().find(|kind| kind.as_str() == word),
        }
    }

    /// Returns the header of a credential, and its value.
    pub(crate) fn header(self, credential: &str) -> (&'static str, String) {
        let credential = credential.trim();
        let bare = |scheme: &str| match credential.split_once(char::is_whitespace) {
            Some((first, rest)) if first.eq_ignore_ascii_case(scheme) => rest.trim(),
            _ => credential,
        };
        match self {
            Self::ApiKey => ("X-API-Key", credential.to_owned()),
            Self::Authorization => (AUTHORIZATION, credential.to_owned()),
            Self::Basic => (AUTHORIZATION, format!("Basic {}", encoded(bare("basic")))),
            Self::BearerToken => (AUTHORIZATION, format!("Bearer {}", bare("bearer"))),
            Self::Token => (AUTHORIZATION, format!("token {}", bare("token"))),
        }
    }
}

/// Returns the Base64 of a user and a password, which may be encoded already.
fn encoded(pair: &str) -> String {
    // A colon is in no Base64, so a text with one is what is to be encoded.
    let is_encoded = !pair.contains(':') && STANDARD.decode(pair).is_ok();
    if is_encoded { pair.to_owned() } else { STANDARD.encode(pair) }
}

/// What a client shows a server to be let in.
///
/// # Examples
///
/// ```
/// use mcp_openai_bridge::client::Auth;
///
/// let auth = Auth::bearer_token("hunter2").in_header("X-Gateway-Authorization");
/// assert!(!format!("{auth:?}").contains("hunter2"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Auth {
    headers: Vec<(String, Secret)>,
    /// Whether somebody said which header it is.
    is_moved: bool,
}

impl Auth {
    /// Shows a credential of a kind.
    pub fn new(kind: AuthKind, credential: impl AsRef<str>) -> Self {
        let (name, value) = kind.header(credential.as_ref());
        Self { headers: vec![(name.to_owned(), value.into())], is_moved: false }
    }

    /// Shows a key: `X-API-Key: …`.
    pub fn api_key(key: impl AsRef<str>) -> Self {
        Self::new(AuthKind::ApiKey, key)
    }

    /// Shows a credential of a scheme of one's own: `Authorization: …`, as it is.
    pub fn authorization(credential: impl AsRef<str>) -> Self {
        Self::new(AuthKind::Authorization, credential)
    }

    /// Shows a user and a password, as `user:password` or as the Base64 of it: `Authorization: Basic …`.
    pub fn basic(pair: impl AsRef<str>) -> Self {
        Self::new(AuthKind::Basic, pair)
    }

    /// Shows a token: `Authorization: Bearer …`.
    pub fn bearer_token(token: impl AsRef<str>) -> Self {
        Self::new(AuthKind::BearerToken, token)
    }

    /// Shows a token the way some code forges want it: `Authorization: token …`.
    pub fn token(token: impl AsRef<str>) -> Self {
        Self::new(AuthKind::Token, token)
    }

    /// Shows headers as they are.
    pub fn headers<N: AsRef<str>, V: AsRef<str>>(headers: impl IntoIterator<Item = (N, V)>) -> Self {
        let headers = headers.into_iter().map(|(name, value)| trimmed(name.as_ref(), value.as_ref())).collect();
        Self { headers, is_moved: false }
    }

    /// Sends the credential in another header. It wins over a header of that name that is set otherwise.
    pub fn in_header(mut self, name: impl AsRef<str>) -> Self {
        for (known, _) in &mut self.headers {
            name.as_ref().trim().clone_into(known);
        }
        self.is_moved = true;
        self
    }

    /// Puts the credential and further headers together, one of each name.
    ///
    /// A further header wins, because whoever set it meant it for this server; unless somebody said which header the
    /// credential is sent in. Of two further headers of one name, the last one stands.
    pub(super) fn merged(auth: Option<&Self>, further: &[(String, Secret)]) -> Vec<(String, Secret)> {
        let credential = auth.map(|auth| auth.headers.as_slice()).unwrap_or_default();
        let is_first = auth.is_some_and(|auth| auth.is_moved);
        let (weak, strong) = if is_first { (further, credential) } else { (credential, further) };
        let mut merged: Vec<(String, Secret)> = Vec::new();
        for (name, value) in weak.iter().chain(strong) {
            merged.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            merged.push((name.clone(), value.clone()));
        }
        merged
    }
}

pub(super) fn trimmed(name: &str, value: &str) -> (String, Secret) {
    (name.trim().to_owned(), value.trim().into())
}

const AUTHORIZATION: &str = "Authorization";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_becomes_the_header_that_its_kind_says() {
        let check = |word: &str, credential: &str, expected: (&str, &str)| {
            let (name, value) = AuthKind::named(word).unwrap().header(credential);
            assert_eq!((name, value.as_str()), expected, "{word} {credential}");
        };
        check("bearer_token", "tok", ("Authorization", "Bearer tok"));
        check("bearer_token", "Bearer tok", ("Authorization", "Bearer tok"));
        check("bearer_token", "bearer   tok ", ("Authorization", "Bearer tok"));
        check("bearer_token", "\ttok\n", ("Authorization", "Bearer tok"));
        check("bearer_token", "bearertok", ("Authorization", "Bearer bearertok"));
        check("oauth2", "tok", ("Authorization", "Bearer tok"));
        check("basic", "user:pw", ("Authorization", "Basic dXNlcjpwdw=="));
        check("basic", "Basic user:pw", ("Authorization", "Basic dXNlcjpwdw=="));
        check("basic", "Basic dXNlcjpwdw==", ("Authorization", "Basic dXNlcjpwdw=="));
        check("basic", "dXNlcjpwdw==", ("Authorization", "Basic dXNlcjpwdw=="));
        check("basic", "user:p w", ("Authorization", "Basic dXNlcjpwIHc="));
        check("api_key", " k ", ("X-API-Key", "k"));
        check("authorization", "Custom x", ("Authorization", "Custom x"));
        check("token", "t", ("Authorization", "token t"));
        check("token", "Token t", ("Authorization", "token t"));
        assert_eq!(AuthKind::named("Bearer_Token"), None);
    }

    #[test]
    fn a_request_has_one_header_of_each_name() {
        let check = |auth: Option<Auth>, further: &[(&str, &str)], expected: &[(&str, &str)]| {
            let own = |all: &[(&str, &str)]| all.iter().map(|(name, value)| trimmed(name, value)).collect::<Vec<_>>();
            assert_eq!(Auth::merged(auth.as_ref(), &own(further)), own(expected), "{auth:?} {further:?}");
        };
        let bearer = || Auth::bearer_token("a");
        check(None, &[], &[]);
        check(Some(bearer()), &[], &[("Authorization", "Bearer a")]);
        check(Some(bearer()), &[("X-Trace", "1")], &[("Authorization", "Bearer a"), ("X-Trace", "1")]);
        check(Some(bearer()), &[("authorization", "b")], &[("authorization", "b")]);
        check(Some(bearer().in_header(" X-Key ")), &[("x-key", "b")], &[("X-Key", "Bearer a")]);
        check(
            Some(bearer().in_header("X-Key")),
            &[("authorization", "b")],
            &[("authorization", "b"), ("X-Key", "Bearer a")],
        );
        check(None, &[("A", "1"), (" a ", " 2 ")], &[("a", "2")]);
        let two = Auth::headers([("X-API-Key", "key123"), ("X-Custom-Header", " value ")]);
        check(Some(two), &[], &[("X-API-Key", "key123"), ("X-Custom-Header", "value")]);
    }
}
