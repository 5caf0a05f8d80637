//! The header that a server of the file is shown a credential in.
//!
//! LiteLLM's kinds and spellings: a scheme that is written in front already is not written twice. The surprising thing:
//! a static header of the same name replaces the credential, whatever its case, so that one request never carries two.

use mcp_client::Secret;

use super::place::Place;
use super::reader::{Members, Reader, shortened};
use super::yaml::Node;
use crate::client::AuthKind;

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
    let (name, text) = AuthKind::named(kind)?.header(&secret.value);
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
