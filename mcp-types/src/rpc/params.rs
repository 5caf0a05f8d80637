//! The parameters of a message: raw JSON, and the few members that decide where it goes.

use std::borrow::Cow;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::error::RpcError;
use super::id::{ProgressToken, RequestId};
use crate::json::scan::{ScanError, Scanner, Span, find_special};
use crate::json::{RawJson, read_scanned};
use crate::meta;

/// The `params` of a request or a notification.
///
/// They stay bytes until the method is known. Where the members that route stand is remembered from the walk that
/// checked the message, so looking at them costs no second walk.
#[derive(Clone, Debug, Default)]
pub struct Params {
    raw: Option<RawJson>,
    /// Where `raw` begins in the text that was walked over.
    start: usize,
    peek: Peek,
}

/// Where the members that route stand in the text of the message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Peek {
    /// Whether there is a member `inputResponses` or `requestState`.
    resumes: bool,
    meta: Option<Span>,
    name: Option<Span>,
    uri: Option<Span>,
    task_id: Option<Span>,
    request_id: Option<Span>,
    token: Option<Span>,
    arguments: Option<Span>,
    cursor: Option<Span>,
    in_meta: MetaPeek,
}

#[derive(Clone, Copy, Debug, Default)]
struct MetaPeek {
    protocol_version: Option<Span>,
    client_capabilities: Option<Span>,
    client_info: Option<Span>,
    log_level: Option<Span>,
    progress_token: Option<Span>,
    subscription_id: Option<Span>,
}

impl PartialEq for Params {
    /// What stands where follows from the text.
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl Params {
    /// Returns parameters that are absent.
    pub const fn absent() -> Self {
        Self { raw: None, start: 0, peek: Peek::NONE }
    }

    /// Takes parameters that are already encoded.
    ///
    /// # Errors
    ///
    /// Fails when they are not an object, or when a member that routes stands twice.
    pub fn from_raw(raw: RawJson) -> Result<Self, ScanError> {
        let mut scanner = Scanner::new(raw.as_bytes())?;
        scanner.space();
        let mut peek = Peek::default();
        peek.scan(&mut scanner, 0)?;
        Ok(Self { raw: Some(raw), start: 0, peek })
    }

    pub(super) fn scanned(text: Bytes, span: Span, peek: Peek) -> Self {
        Self { raw: Some(RawJson::of_scanned(text, span)), start: span.start(), peek }
    }

    /// Returns the parameters as they were sent.
    pub fn raw(&self) -> Option<&RawJson> {
        self.raw.as_ref()
    }

    /// Decodes the parameters; absent ones decode like `{}`.
    ///
    /// # Errors
    ///
    /// Returns *invalid params* (−32602) that says which member is wrong.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, RpcError> {
        let decoded = match &self.raw {
            Some(raw) => raw.decode(),
            None => serde_json::from_str("{}"),
        };
        decoded.map_err(|error| RpcError::invalid_params(format!("invalid params: {error}")))
    }

    /// Returns the member `_meta`.
    pub fn meta(&self) -> MetaView<'_> {
        MetaView { params: self }
    }

    /// Returns the member `name`, when it is a string.
    pub fn name(&self) -> Option<Cow<'_, str>> {
        self.text(self.peek.name)
    }

    /// Returns the member `uri`, when it is a string.
    pub fn uri(&self) -> Option<Cow<'_, str>> {
        self.text(self.peek.uri)
    }

    /// Returns the member `taskId`, when it is a string.
    pub fn task_id(&self) -> Option<Cow<'_, str>> {
        self.text(self.peek.task_id)
    }

    /// Returns the member `requestId`, when it is an id.
    pub fn request_id(&self) -> Option<RequestId> {
        RequestId::read(self.bytes(self.peek.request_id)?)
    }

    /// Returns the member `progressToken`, when it is a token.
    pub fn progress_token(&self) -> Option<ProgressToken> {
        ProgressToken::read(self.bytes(self.peek.token)?)
    }

    /// Returns the member `arguments` as it was sent.
    pub fn arguments(&self) -> Option<RawJson> {
        self.part(self.peek.arguments)
    }

    /// Returns the member `cursor` as it was sent; the last one counts.
    pub fn cursor(&self) -> Option<RawJson> {
        self.part(self.peek.cursor)
    }

    /// Returns whether the request brings something of an earlier round of itself: `inputResponses` or `requestState`.
    pub fn resumes(&self) -> bool {
        self.peek.resumes
    }

    fn bytes(&self, span: Option<Span>) -> Option<&[u8]> {
        self.raw.as_ref()?.as_bytes().get(span?.range_from(self.start))
    }

    fn part(&self, span: Option<Span>) -> Option<RawJson> {
        self.raw.as_ref()?.part(span?.range_from(self.start))
    }

    fn text(&self, span: Option<Span>) -> Option<Cow<'_, str>> {
        text_of(self.bytes(span)?)
    }
}

/// A look at `params._meta` that decodes nothing it is not asked for.
#[derive(Clone, Copy, Debug)]
pub struct MetaView<'a> {
    params: &'a Params,
}

impl<'a> MetaView<'a> {
    /// Returns `_meta` as it was sent.
    pub fn raw(&self) -> Option<RawJson> {
        self.params.part(self.params.peek.meta)
    }

    /// Returns `io.modelcontextprotocol/protocolVersion`: the claim that a request is modern.
    pub fn protocol_version(&self) -> Option<RawJson> {
        self.params.part(self.params.peek.in_meta.protocol_version)
    }

    /// Returns whether the request claims to be modern.
    pub fn has_protocol_version(&self) -> bool {
        self.params.peek.in_meta.protocol_version.is_some()
    }

    /// Returns `io.modelcontextprotocol/protocolVersion`, when it is a string.
    pub fn version(&self) -> Option<Cow<'a, str>> {
        self.params.text(self.params.peek.in_meta.protocol_version)
    }

    /// Returns `io.modelcontextprotocol/clientCapabilities`.
    pub fn client_capabilities(&self) -> Option<RawJson> {
        self.params.part(self.params.peek.in_meta.client_capabilities)
    }

    /// Returns `io.modelcontextprotocol/clientInfo`.
    pub fn client_info(&self) -> Option<RawJson> {
        self.params.part(self.params.peek.in_meta.client_info)
    }

    /// Returns `io.modelcontextprotocol/logLevel`.
    pub fn log_level(&self) -> Option<RawJson> {
        self.params.part(self.params.peek.in_meta.log_level)
    }

    /// Returns `progressToken`, when it is a token.
    pub fn progress_token(&self) -> Option<ProgressToken> {
        ProgressToken::read(self.params.bytes(self.params.peek.in_meta.progress_token)?)
    }

    /// Returns `io.modelcontextprotocol/subscriptionId`, when it is an id.
    pub fn subscription_id(&self) -> Option<RequestId> {
        RequestId::read(self.params.bytes(self.params.peek.in_meta.subscription_id)?)
    }
}

impl Peek {
    const NONE: Self = Self {
        resumes: false,
        meta: None,
        name: None,
        uri: None,
        task_id: None,
        request_id: None,
        token: None,
        arguments: None,
        cursor: None,
        in_meta: MetaPeek {
            protocol_version: None,
            client_capabilities: None,
            client_info: None,
            log_level: None,
            progress_token: None,
            subscription_id: None,
        },
    };

    /// Walks over an object and remembers the members that route.
    pub(super) fn scan(&mut self, scanner: &mut Scanner<'_>, depth: u32) -> Result<(), ScanError> {
        scanner.object(depth, |scanner, key| {
            let slot = match &*key.name() {
                b"_meta" => return self.scan_meta(scanner, depth + 1),
                b"name" => &mut self.name,
                b"uri" => &mut self.uri,
                b"taskId" => &mut self.task_id,
                b"requestId" => &mut self.request_id,
                b"progressToken" => &mut self.token,
                b"arguments" => &mut self.arguments,
                b"cursor" => {
                    // It routes nothing, so a second one is no fault: the last one counts, as for the typed decoder.
                    self.cursor = Some(scanner.value(depth + 1)?);
                    return Ok(());
                }
                b"inputResponses" | b"requestState" => {
                    self.resumes = true;
                    return scanner.value(depth + 1).map(drop);
                }
                _ => return scanner.value(depth + 1).map(drop),
            };
            fill(slot, scanner, depth + 1)
        })
    }

    fn scan_meta(&mut self, scanner: &mut Scanner<'_>, depth: u32) -> Result<(), ScanError> {
        if self.meta.is_some() {
            return Err(scanner.duplicate());
        }
        if scanner.peek() != Some(b'{') {
            return fill(&mut self.meta, scanner, depth);
        }
        let before = scanner.place();
        let inner = &mut self.in_meta;
        scanner.object(depth, |scanner, key| {
            let slot = match std::str::from_utf8(&key.name()).unwrap_or_default() {
                meta::PROTOCOL_VERSION => &mut inner.protocol_version,
                meta::CLIENT_CAPABILITIES => &mut inner.client_capabilities,
                meta::CLIENT_INFO => &mut inner.client_info,
                meta::LOG_LEVEL => &mut inner.log_level,
                meta::PROGRESS_TOKEN => &mut inner.progress_token,
                meta::SUBSCRIPTION_ID => &mut inner.subscription_id,
                _ => return scanner.value(depth + 1).map(drop),
            };
            fill(slot, scanner, depth + 1)
        })?;
        self.meta = Some(scanner.since(before));
        Ok(())
    }
}

/// Walks over a value and remembers where it stands; a second value for the same slot is a fault.
pub(super) fn fill(slot: &mut Option<Span>, scanner: &mut Scanner<'_>, depth: u32) -> Result<(), ScanError> {
    if slot.is_some() {
        return Err(scanner.duplicate());
    }
    *slot = Some(scanner.value(depth)?);
    Ok(())
}

/// Returns what stands between the quotes of a string that the scan has walked over.
pub(super) fn quoted(value: &[u8]) -> Option<&[u8]> {
    value.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

/// Returns the content of a string that the scan has walked over; `None` for any other value.
pub(crate) fn text_of(value: &[u8]) -> Option<Cow<'_, str>> {
    let content = quoted(value)?;
    // Of what is special in a string, only a backslash stands within the quotes.
    if find_special(content) < content.len() {
        return read_scanned(value).ok().map(Cow::Owned);
    }
    std::str::from_utf8(content).ok().map(Cow::Borrowed)
}
