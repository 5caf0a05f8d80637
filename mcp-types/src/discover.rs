//! What a server is, without a handshake (*Discovery*, T-152); since 2026-07-28.
//!
//! The surprising thing: who the server is stands in `_meta`. Early drafts put it into the body, and
//! [`DiscoverResult::server_info`] reads both (T-29).

use crate::base::{CacheScope, ResultType};
use crate::capabilities::ServerCapabilities;
use crate::implementation::Implementation;
use crate::meta::ResultMeta;
use crate::object::{Milliseconds, object};
use crate::revision::ProtocolVersion;

object! {
    /// The answer to `server/discover`.
    pub struct DiscoverResult {
        required {
            /// The versions that the server speaks in the modern era.
            supported_versions: Vec<ProtocolVersion> = "supportedVersions",
            /// What the server offers.
            capabilities: ServerCapabilities = "capabilities",
        }
        optional {
            /// How to use the server, for the language model.
            instructions: String = "instructions",
            /// For how many milliseconds it may be kept.
            ttl_ms: u64 = "ttlMs" via Milliseconds,
            /// Who may share it.
            cache_scope: CacheScope = "cacheScope",
            /// What kind of result it is.
            result_type: ResultType = "resultType",
            /// What every result may carry.
            meta: ResultMeta = "_meta",
        }
    }
}

impl DiscoverResult {
    /// Returns who the server is: from `_meta`, or from the body where early drafts had it.
    pub fn server_info(&self) -> Option<Implementation> {
        let in_meta = self.meta.as_ref().and_then(|meta| meta.server_info.as_deref().cloned());
        in_meta.or_else(|| self.extra.member("serverInfo")?.decode().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_named_in_meta_or_in_the_body_of_early_drafts() {
        let check = |rest: &str, name: Option<&str>| {
            let text = format!(r#"{{"supportedVersions":["2026-07-28"],"capabilities":{{}}{rest}}}"#);
            let result: DiscoverResult = serde_json::from_str(&text).unwrap();
            assert_eq!(result.server_info().map(|info| info.name).as_deref(), name, "{rest}");
        };
        check("", None);
        check(r#","serverInfo":{"name":"body","version":"1"}"#, Some("body"));
        check(
            r#","serverInfo":{"name":"body","version":"1"},
            "_meta":{"io.modelcontextprotocol/serverInfo":{"name":"meta","version":"1"}}"#,
            Some("meta"),
        );
        check(r#","serverInfo":7"#, None);
    }

    #[test]
    fn a_time_to_live_is_read_however_it_is_written() {
        let check = |ttl: &str, expected: u64| {
            let text = format!(r#"{{"supportedVersions":[],"capabilities":{{}},"ttlMs":{ttl}}}"#);
            assert_eq!(serde_json::from_str::<DiscoverResult>(&text).unwrap().ttl_ms, Some(expected), "{ttl}");
        };
        check("0", 0);
        check("60000", 60_000);
        check("6e4", 60_000);
        check("60000.0", 60_000);
        check("-1", 0);
        check("-0.5", 0);
        check("1e300", u64::MAX);
    }
}
