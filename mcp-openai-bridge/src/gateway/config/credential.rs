//! The header that a server of the file is shown a credential in.
//!
//! LiteLLM's kinds and spellings: a scheme that is written in front already is not written twice. The surprising thing:
//! a static header of the same name replaces the credential, whatever its case, so that one request never carries two.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mcp_client::Secret;

use super::place::Place;
use super::reader::{Members, Reader, shortened};
use super::yaml::Node;

/// Reads `auth_type`, the credential and `static_headers` as the headers of every request.
pub(super) fn headers(reader: &Reader<'_>, entry: &Members<'_>) -> Vec<(String, Secret)> {
    let mut headers = Vec::new();
    if let Some((node, path)) = entry.at("static_headers") {
        headers.extend(map(reader, node, &path));
    }
    if let Some((name, secret, place)) = credential(reader, entry) {
        if headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
            reader.warn(
                place,
                format!("`{}`: the static header `{name}` is sent in place of the credential", entry.path),
            );
        } else {
            headers.push((name, secret));
        }
    }
    headers
}

/// Reads a map of headers.
pub(super) fn map(reader: &Reader<'_>, node: &Node, path: &str) -> Vec<(String, Secret)> {
    let mut headers: Vec<(String, Secret)> = Vec::new();
    for (name, value) in reader.map(node, path, |node, path| reader.text(node, path)) {
        let (line, text) = (name.place, value.value);
        let is_twice = headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name.value));
        if name.value.parse::<http::HeaderName>().is_err() {
            reader.fault(line, format!("`{path}`: `{}` is no name of a header", shortened(&name.value)));
        } else if http::HeaderValue::from_str(text.trim()).is_err() {
            // The value may be secret, so only its name is said.
            reader.fault(
                value.place,
                format!("`{path}.{}` cannot be sent as a header: it has control characters", name.value),
            );
        } else if is_twice {
            reader.fault(line, format!("`{path}`: the header `{}` stands twice, in another case", name.value));
        } else {
            headers.push((name.value, Secret::from(text.trim())));
        }
    }
    headers
}

fn credential(reader: &Reader<'_>, entry: &Members<'_>) -> Option<(String, Secret, Place)> {
    let kind = entry.at("auth_type");
    let token = entry.at("authentication_token");
    let value = entry.at("auth_value");
    let header = entry.at("auth_header_name").and_then(|(node, path)| reader.name(node, &path));
    if let (Some(_), Some((node, path))) = (&token, &value) {
        reader.fault(node.place, format!("`{path}` and `authentication_token` are the same; keep one of them"));
    }
    let credential = token.or(value);
    let Some((node, path)) = kind else {
        if let Some((node, path)) = credential {
            reader.fault(node.place, format!("`{path}` needs an `auth_type`, such as `bearer_token`"));
        }
        return None;
    };
    let kind = reader.word(node, &path, KINDS)?;
    if kind == "none" {
        return None;
    }
    if UNSUPPORTED.contains(&kind) {
        reader.fault(node.place, format!("`{path}`: `{kind}` is not supported; give a token with `bearer_token`"));
        return None;
    }
    let Some((value, path)) = credential else {
        reader.fault(node.place, format!("`{}` has an `auth_type` and no `authentication_token`", entry.path));
        return None;
    };
    let secret = reader.name(value, &path)?;
    let (name, text) = formed(kind, secret.value.trim());
    if http::HeaderValue::from_str(&text).is_err() {
        reader.fault(value.place, format!("`{path}` cannot be sent as a header: it has control characters"));
        return None;
    }
    let name = header.map_or_else(|| name.to_owned(), |header| header.value.trim().to_owned());
    if name.parse::<http::HeaderName>().is_err() {
        reader.fault(value.place, format!("`{}.auth_header_name` is no name of a header", entry.path));
        return None;
    }
    Some((name, Secret::from(text), value.place))
}

/// Returns the header and its value.
fn formed(kind: &str, credential: &str) -> (&'static str, String) {
    match kind {
        "api_key" => ("X-API-Key", credential.to_owned()),
        "authorization" => ("Authorization", credential.to_owned()),
        "basic" => {
            let pair = without_scheme(credential, "basic");
            // A colon is in no Base64, so a text with one is what is to be encoded.
            let is_encoded = !pair.contains(':') && STANDARD.decode(pair).is_ok();
            let encoded = if is_encoded { pair.to_owned() } else { STANDARD.encode(pair) };
            ("Authorization", format!("Basic {encoded}"))
        }
        "token" => ("Authorization", format!("token {}", without_scheme(credential, "token"))),
        _ => ("Authorization", format!("Bearer {}", without_scheme(credential, "bearer"))),
    }
}

fn without_scheme<'a>(credential: &'a str, scheme: &str) -> &'a str {
    match credential.split_once(char::is_whitespace) {
        Some((first, rest)) if first.eq_ignore_ascii_case(scheme) => rest.trim(),
        _ => credential,
    }
}

/// The kinds of LiteLLM.
const KINDS: &[&str] = &[
    "api_key",
    "authorization",
    "aws_sigv4",
    "basic",
    "bearer_token",
    "none",
    "oauth2",
    "oauth2_token_exchange",
    "oauth_delegate",
    "token",
    "true_passthrough",
];

/// Those that need a conversation with somebody else first.
const UNSUPPORTED: &[&str] = &["aws_sigv4", "oauth_delegate", "oauth2_token_exchange", "true_passthrough"];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: &str, credential: &str, expected: (&str, &str)) {
        let (name, text) = formed(kind, credential);
        assert_eq!((name, text.as_str()), expected, "{kind} {credential}");
    }

    #[test]
    fn a_credential_becomes_the_header_that_its_kind_says() {
        check("bearer_token", "tok", ("Authorization", "Bearer tok"));
        check("bearer_token", "Bearer tok", ("Authorization", "Bearer tok"));
        check("bearer_token", "bearer   tok", ("Authorization", "Bearer tok"));
        check("oauth2", "tok", ("Authorization", "Bearer tok"));
        check("basic", "user:pw", ("Authorization", "Basic dXNlcjpwdw=="));
        check("basic", "Basic user:pw", ("Authorization", "Basic dXNlcjpwdw=="));
        check("basic", "Basic dXNlcjpwdw==", ("Authorization", "Basic dXNlcjpwdw=="));
        check("basic", "dXNlcjpwdw==", ("Authorization", "Basic dXNlcjpwdw=="));
        check("api_key", "k", ("X-API-Key", "k"));
        check("authorization", "Custom x", ("Authorization", "Custom x"));
        check("token", "t", ("Authorization", "token t"));
    }
}
