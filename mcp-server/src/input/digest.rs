//! What a request asks for, as a number: the same for the same request however it was written (P-15).
//!
//! A client repeats its parameters, but nothing says that it repeats their spelling. Here white space, the order of
//! members and escapes in strings count for nothing; the digits of a number count, because a float would make two
//! long numbers one. The surprising thing: it reads text, not a tree, for the same reason.

use std::borrow::Cow;

use mcp_types::RawJson;
use sha2::{Digest, Sha256};

/// A SHA-256 digest.
pub(super) type Hash = [u8; 32];

/// The members of params that differ between the rounds of one request (P-12).
const OF_THE_ROUND: [&str; 3] = ["_meta", "inputResponses", "requestState"];

/// Returns the digest of parameters without what belongs to one round; absent ones count as `{}`.
pub(super) fn params(params: Option<&RawJson>) -> Hash {
    let text = params.map_or("{}", RawJson::as_str);
    let mut hasher = Sha256::new();
    Walk { rest: text }.value(&mut hasher, &OF_THE_ROUND);
    hasher.finalize().into()
}

/// Returns the digest of parts, so that no two lists of parts have the same.
pub(super) fn parts(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| put(&mut hasher, b'p', part));
    hasher.finalize().into()
}

/// Adds a token, so that none is the beginning of another.
fn put(hasher: &mut Sha256, kind: u8, token: &[u8]) {
    hasher.update([kind]);
    hasher.update((token.len() as u64).to_be_bytes());
    hasher.update(token);
}

/// A walk over a text that the validating scan has passed: it is JSON, and at most 128 deep.
struct Walk<'t> {
    rest: &'t str,
}

impl<'t> Walk<'t> {
    fn value(&mut self, hasher: &mut Sha256, without: &[&str]) {
        match self.peek() {
            Some(b'{') => self.object(hasher, without),
            Some(b'[') => {
                hasher.update(b"[");
                self.each(b']', |walk| walk.value(hasher, &[]));
                hasher.update(b"]");
            }
            Some(b'"') => put(hasher, b's', self.string().as_bytes()),
            _ => put(hasher, b'w', self.word().as_bytes()),
        }
    }

    fn object(&mut self, hasher: &mut Sha256, without: &[&str]) {
        let mut members: Vec<Hash> = Vec::new();
        self.each(b'}', |walk| {
            let key = walk.string();
            walk.skip_mark();
            let mut member = Sha256::new();
            put(&mut member, b's', key.as_bytes());
            walk.value(&mut member, &[]);
            if !without.contains(&&*key) {
                members.push(member.finalize().into());
            }
        });
        // Sorted, so that their order counts for nothing. A member that stands twice counts twice.
        members.sort_unstable();
        put(hasher, b'{', members.as_flattened());
    }

    /// Steps over a container and visits each of its members.
    fn each(&mut self, end: u8, mut visit: impl FnMut(&mut Self)) {
        self.skip_mark();
        while self.peek().is_some_and(|byte| byte != end) {
            visit(self);
            if self.peek() == Some(b',') {
                self.skip_mark();
            }
        }
        self.skip_mark();
    }

    fn string(&mut self) -> Cow<'t, str> {
        self.peek();
        let mut escaped = false;
        let end = self.rest.bytes().skip(1).position(|byte| {
            let is_end = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            is_end
        });
        // Both quotes are part of the token.
        let token = self.split(end.map_or(self.rest.len(), |end| end + 2));
        let inner = token.get(1..token.len().saturating_sub(1)).unwrap_or_default();
        if !inner.contains('\\') {
            return Cow::Borrowed(inner);
        }
        serde_json::from_str(token).map_or(Cow::Borrowed(inner), Cow::Owned)
    }

    /// Steps over a number, `true`, `false` or `null`.
    fn word(&mut self) -> &'t str {
        let is_end = |byte: u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t');
        let end = self.rest.bytes().position(is_end).unwrap_or(self.rest.len());
        self.split(end)
    }

    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_start_matches([' ', '\n', '\r', '\t']);
        self.rest.bytes().next()
    }

    /// Steps over one of `{ } [ ] : ,`.
    fn skip_mark(&mut self) {
        self.peek();
        self.split(1);
    }

    fn split(&mut self, at: usize) -> &'t str {
        let (token, rest) = self.rest.split_at_checked(at).unwrap_or((self.rest, ""));
        self.rest = rest;
        token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Hash {
        params(Some(&RawJson::parse(text.to_owned()).unwrap()))
    }

    #[test]
    fn spelling_counts_for_nothing() {
        let expected = of(r#"{"name":"t","arguments":{"a":[1,{"b":null}],"ü":"x\"y"}}"#);
        for text in [
            " {\n\"arguments\" : { \"ü\" : \"x\\u0022y\" , \"a\" : [ 1 , { \"b\" : null } ] } , \"name\" : \"t\" }\r\n",
            r#"{"n\u0061me":"\u0074","arguments":{"a":[1,{"b":null}],"\u00fc":"x\"y"}}"#,
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
        let backslash = of(r#"{"a":"x\\","b":"\""}"#);
        assert_eq!(of(r#"{"b":"\u0022","a":"x\u005c"}"#), backslash, "a string ends where it ends");
    }

    #[test]
    fn what_belongs_to_one_round_counts_for_nothing_p_12() {
        let first = of(r#"{"name":"t","_meta":{"progressToken":1}}"#);
        let retry = r#"{"name":"t","_meta":{},"inputResponses":{"who":{"action":"accept"}},"requestState":"s"}"#;
        assert_eq!(of(retry), first);
        assert_eq!(params(None), of("{}"));
        let nested = of(r#"{"name":"t","arguments":{"_meta":1}}"#);
        assert_ne!(nested, of(r#"{"name":"t","arguments":{}}"#), "only at the top");
    }

    #[test]
    fn any_difference_in_meaning_is_a_difference() {
        let texts = [
            "{}",
            r#"{"a":1}"#,
            r#"{"a":1.0}"#,
            r#"{"a":"1"}"#,
            r#"{"a":[1]}"#,
            r#"{"a":{"1":1}}"#,
            r#"{"a":null}"#,
            r#"{"a":true}"#,
            r#"{"a":"true"}"#,
            r#"{"a":[]}"#,
            r#"{"a":{}}"#,
            r#"{"a":[[]]}"#,
            r#"{"a":[1,2]}"#,
            r#"{"a":[2,1]}"#,
            r#"{"a":[[1],2]}"#,
            r#"{"a":[[1,2]]}"#,
            r#"{"a":12}"#,
            r#"{"b":1}"#,
            r#"{"a":1,"b":1}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":100000000000000000000001}"#,
            r#"{"a":100000000000000000000002}"#,
            r#"{"a":"x\\"}"#,
            r#"{"a":"x\\\""}"#,
            r#"{"a":"x,\"b\":1"}"#,
            r#"{"a":"\u0000"}"#,
        ];
        for (at, text) in texts.iter().enumerate() {
            for other in texts.get(..at).unwrap() {
                assert_ne!(of(text), of(other), "{text} and {other}");
            }
        }
    }

    #[test]
    fn the_deepest_text_that_the_scan_lets_through_is_walked() {
        let deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
        assert_ne!(of(&deep), of("[]"));
    }
}
