//! `Host` and `Origin`: the defence against web pages that reach a local server (H-2, HL-12, T-001, T-002, T-067).
//!
//! Both are compared as parsed, never as text. The surprising thing: an entry without a port means
//! any port for a host, but the default port of its scheme for an origin, because that is what an
//! origin without a port is; `:*` means any port in both.

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{HeaderField, excerpt};

/// The hosts that a server answers to.
///
/// By default `localhost`, `127.0.0.1` and `[::1]`, with any port.
///
/// # Examples
///
/// ```
/// use mcp_transport::header::{HeaderField, HostPolicy};
///
/// let policy = HostPolicy::default().allow("mcp.example.com:443")?;
/// assert!(policy.check(HeaderField::Value("LOCALHOST:8080")).is_ok());
/// assert!(policy.check(HeaderField::Value("mcp.example.com:443")).is_ok());
/// assert!(policy.check(HeaderField::Value("evil.example")).is_err());
/// # Ok::<(), mcp_transport::header::RuleFault>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPolicy {
    rules: Vec<HostRule>,
    allows_any: bool,
}

/// The web origins that a server answers to. A request without an origin, which no web page sends, passes.
///
/// By default `http` and `https` on `localhost`, `127.0.0.1` and `[::1]`, with any port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPolicy {
    rules: Vec<OriginRule>,
    allows_any: bool,
    allows_null: bool,
}

/// Why a `Host` is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostFault {
    /// There is more than one; 400.
    Duplicated,
    /// It is not a host with an optional port; 400.
    Malformed(String),
    /// There is none; 400.
    Missing,
    /// The server does not answer to this host; 403.
    NotAllowed(String),
}

/// Why an `Origin` is refused; 403.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OriginFault {
    /// There is more than one.
    Duplicated,
    /// It is not a scheme and a host with an optional port.
    Malformed(String),
    /// The server does not answer to this origin.
    NotAllowed(String),
    /// It is `null`, which any sandboxed page can send.
    Null,
}

/// An entry of an allow list that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFault {
    rule: String,
    expected: &'static str,
}

impl HostPolicy {
    /// Answers to every host that is well formed. Only for a server that demands authentication.
    #[must_use]
    pub fn any() -> Self {
        Self { rules: Vec::new(), allows_any: true }
    }

    /// Answers to no host until some are allowed.
    #[must_use]
    pub fn none() -> Self {
        Self { rules: Vec::new(), allows_any: false }
    }

    /// Answers also to a host: `example.com` or `example.com:*` with any port, `example.com:8080` with
    /// this one. A client leaves out the default port of its scheme, so `example.com:443` alone does
    /// not do for `https`.
    ///
    /// # Errors
    ///
    /// Fails when the rule is not a host with an optional port.
    pub fn allow(mut self, rule: &str) -> Result<Self, RuleFault> {
        let (authority, _) = strip_any_port(rule);
        let Authority { host, port } = Authority::parse(authority).ok_or_else(|| RuleFault::new(rule, HOST_RULE))?;
        self.rules.push(HostRule { host: host.into_owned(), port });
        Ok(self)
    }

    /// Checks the `Host` of a request.
    ///
    /// # Errors
    ///
    /// Fails when there is not exactly one, when it is malformed, and when it is not allowed.
    pub fn check(&self, field: HeaderField<'_>) -> Result<(), HostFault> {
        let value = match field {
            HeaderField::Absent => return Err(HostFault::Missing),
            HeaderField::Duplicated => return Err(HostFault::Duplicated),
            HeaderField::NotVisibleAscii => {
                return Err(HostFault::Malformed(UNREADABLE.to_owned()));
            }
            HeaderField::Value(value) => value,
        };
        let authority = Authority::parse(value).ok_or_else(|| HostFault::Malformed(excerpt(value)))?;
        if self.allows_any || self.rules.iter().any(|rule| rule.matches(&authority)) {
            return Ok(());
        }
        Err(HostFault::NotAllowed(excerpt(value)))
    }
}

impl OriginPolicy {
    /// Answers to every origin that is well formed, and to `null`. Only for a server that demands authentication.
    #[must_use]
    pub fn any() -> Self {
        Self { rules: Vec::new(), allows_any: true, allows_null: true }
    }

    /// Answers to no origin until some are allowed.
    #[must_use]
    pub fn none() -> Self {
        Self { rules: Vec::new(), allows_any: false, allows_null: false }
    }

    /// Answers also to an origin: `https://example.com` with the default port of the scheme,
    /// `https://example.com:8443` with this one, `https://example.com:*` with any, or `null`.
    ///
    /// # Errors
    ///
    /// Fails when the rule is none of these.
    pub fn allow(mut self, rule: &str) -> Result<Self, RuleFault> {
        if rule == NULL {
            self.allows_null = true;
            return Ok(self);
        }
        let (text, any_port) = strip_any_port(rule);
        let origin = Origin::parse(text).ok_or_else(|| RuleFault::new(rule, ORIGIN_RULE))?;
        let origin = Origin { scheme: origin.scheme, host: origin.host.into_owned(), port: origin.port };
        self.rules.push(OriginRule { origin, any_port });
        Ok(self)
    }

    /// Checks the `Origin` of a request; an absent one passes.
    ///
    /// # Errors
    ///
    /// Fails when there is more than one, when it is malformed, and when it is not allowed.
    pub fn check(&self, field: HeaderField<'_>) -> Result<(), OriginFault> {
        let value = match field {
            HeaderField::Absent => return Ok(()),
            HeaderField::Duplicated => return Err(OriginFault::Duplicated),
            HeaderField::NotVisibleAscii => {
                return Err(OriginFault::Malformed(UNREADABLE.to_owned()));
            }
            HeaderField::Value(value) => value,
        };
        if value.eq_ignore_ascii_case(NULL) {
            return self.allows_null.then_some(()).ok_or(OriginFault::Null);
        }
        let origin = Origin::parse(value).ok_or_else(|| OriginFault::Malformed(excerpt(value)))?;
        if self.allows_any || self.rules.iter().any(|rule| rule.matches(&origin)) {
            return Ok(());
        }
        Err(OriginFault::NotAllowed(excerpt(value)))
    }
}

impl Default for HostPolicy {
    fn default() -> Self {
        let rules = loopback_hosts().into_iter().map(|host| HostRule { host, port: None }).collect();
        Self { rules, allows_any: false }
    }
}

impl Default for OriginPolicy {
    fn default() -> Self {
        let origins = |scheme: &'static str| {
            loopback_hosts().into_iter().map(move |host| Origin { scheme: scheme.to_owned(), host, port: None })
        };
        let rules = origins("http").chain(origins("https"));
        Self {
            rules: rules.map(|origin| OriginRule { origin, any_port: true }).collect(),
            allows_any: false,
            allows_null: false,
        }
    }
}

impl fmt::Display for HostFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicated => f.write_str("host is there more than once; send it once"),
            Self::Malformed(value) => {
                write!(f, "host `{value}` is not a host with an optional port")
            }
            Self::Missing => f.write_str("host is missing; send the host of the URL"),
            Self::NotAllowed(value) => {
                write!(f, "host `{value}` is not one that this server answers to; allow it in the server's host policy")
            }
        }
    }
}

impl std::error::Error for HostFault {}

impl fmt::Display for OriginFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicated => f.write_str("origin is there more than once; send it once"),
            Self::Malformed(value) => write!(f, "origin `{value}` is not a scheme and a host with an optional port"),
            Self::NotAllowed(value) => {
                write!(
                    f,
                    "origin `{value}` is not one that this server answers to; allow it in the server's origin policy"
                )
            }
            Self::Null => f.write_str("origin `null` is not one that this server answers to"),
        }
    }
}

impl std::error::Error for OriginFault {}

impl RuleFault {
    fn new(rule: &str, expected: &'static str) -> Self {
        Self { rule: excerpt(rule), expected }
    }
}

impl fmt::Display for RuleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` in an allow list is not {}", self.rule, self.expected)
    }
}

impl std::error::Error for RuleFault {}

#[derive(Clone, Debug, PartialEq, Eq)]
struct HostRule {
    host: Host<'static>,
    /// None for any port.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct OriginRule {
    origin: Origin<'static>,
    any_port: bool,
}

/// The `host:port` of RFC 9112, section 3.2, without user information.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Authority<'a> {
    host: Host<'a>,
    port: Option<u16>,
}

/// The `scheme://host:port` of RFC 6454, section 6.2; the port is the scheme's own when it is not said.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin<'a> {
    scheme: String,
    host: Host<'a>,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host<'a> {
    V4(Ipv4Addr),
    V6(Ipv6Addr),
    /// In lower case, without the dot that may end it.
    Name(Cow<'a, str>),
}

impl HostRule {
    fn matches(&self, authority: &Authority<'_>) -> bool {
        self.host == authority.host && (self.port.is_none() || self.port == authority.port)
    }
}

impl OriginRule {
    fn matches(&self, origin: &Origin<'_>) -> bool {
        let has_port = self.any_port || self.origin.port == origin.port;
        has_port && self.origin.scheme == origin.scheme && self.origin.host == origin.host
    }
}

impl<'a> Origin<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        let Authority { host, port } = Authority::parse(authority).filter(|_| is_scheme)?;
        let scheme = scheme.to_ascii_lowercase();
        let port = port.or_else(|| default_port(&scheme));
        Some(Self { scheme, host, port })
    }
}

impl<'a> Authority<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(bracketed) => {
                let (address, port) = bracketed.split_once(']')?;
                (Host::V6(address.parse().ok()?), port)
            }
            None => {
                let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
                (Host::parse(host)?, port)
            }
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            Some("") => None,
            // A number parser would also take a sign.
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
            _ => return None,
        };
        Some(Self { host, port })
    }
}

impl<'a> Host<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let name = text.strip_suffix('.').unwrap_or(text);
        if let Ok(address) = name.parse() {
            return Some(Self::V4(address));
        }
        // Narrower than RFC 3986, which knows no host that needs more: international names come in ASCII.
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        let has_capitals = name.bytes().any(|byte| byte.is_ascii_uppercase());
        let name = || if has_capitals { name.to_ascii_lowercase().into() } else { name.into() };
        is_name.then(|| Self::Name(name()))
    }

    fn into_owned(self) -> Host<'static> {
        match self {
            Self::V4(address) => Host::V4(address),
            Self::V6(address) => Host::V6(address),
            Self::Name(name) => Host::Name(name.into_owned().into()),
        }
    }
}

/// Cuts off a `:*` and says whether it was there.
fn strip_any_port(rule: &str) -> (&str, bool) {
    rule.strip_suffix(":*").map_or((rule, false), |rest| (rest, true))
}

fn loopback_hosts() -> [Host<'static>; 3] {
    [Host::Name("localhost".into()), Host::V4(Ipv4Addr::LOCALHOST), Host::V6(Ipv6Addr::LOCALHOST)]
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

const NULL: &str = "null";
const UNREADABLE: &str = "unreadable";
const HOST_RULE: &str = "a host with an optional port, like `example.com`, `example.com:8080` or `[::1]:*`";
const ORIGIN_RULE: &str = "an origin without a path, like `https://example.com`, `http://localhost:*` or `null`";

#[cfg(test)]
mod tests;
