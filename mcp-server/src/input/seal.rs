//! `requestState`: what a server gives a client to bring back, sealed (P-14, P-15, T-111).
//!
//! The text is base64url of: a version, the id of the key, the time of expiry, the digest of the request, the tag of the
//! principal, what was recorded, and an HMAC-SHA256 over all of that. The surprising thing: it is sealed, not hidden. A
//! client can read what it carries, which is what it said itself; put no secret of the server into it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use mcp_types::Params;
use sha2::Sha256;

use super::digest::{self, Hash};
use super::refused::Refused;

/// A key that seals `requestState`. `Debug` shows its id and never the key.
///
/// Give all processes that serve one address the same key, and any of them can go on where another asked.
#[derive(Clone)]
pub struct SealingKey {
    id: KeyId,
    mac: Hmac<Sha256>,
}

type KeyId = [u8; 8];

/// A key of fewer than 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyTooShort {
    /// How many bytes it has.
    pub length: usize,
}

/// The keys of a server: the first one seals, all of them open.
///
/// To rotate, put the new key first, and take the old one out when its last state has expired.
#[derive(Clone, Debug)]
pub struct KeyRing {
    sealing: SealingKey,
    older: Arc<[SealingKey]>,
}

/// What a server was told about its states.
#[derive(Debug, Default)]
pub(crate) struct Sealing {
    pub(crate) keys: Option<KeyRing>,
    pub(crate) life: Option<Duration>,
}

/// Seals and opens the states of a server.
#[derive(Clone, Debug)]
pub(crate) struct Sealer {
    keys: KeyRing,
    /// How long a state may be brought back.
    pub(crate) life: Duration,
    /// Bytes of the text of a state.
    pub(crate) most: usize,
}

/// What a state belongs to: one request of one principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    request: Hash,
    principal: Option<Box<str>>,
}

/// What was recorded does not fit into a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge {
    /// The limit, in bytes of text.
    pub(crate) most: usize,
}

impl SealingKey {
    /// Takes at least 32 random bytes.
    ///
    /// # Errors
    ///
    /// Refuses a shorter key.
    pub fn new(key: &[u8]) -> Result<Self, KeyTooShort> {
        if key.len() < MIN_KEY {
            return Err(KeyTooShort { length: key.len() });
        }
        let mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| KeyTooShort { length: key.len() })?;
        let named = mac.clone().chain_update(OF_KEY_ID).finalize().into_bytes();
        let mut id = KeyId::default();
        id.iter_mut().zip(named).for_each(|(byte, named)| *byte = named);
        Ok(Self { id, mac })
    }

    /// Returns the tag of a principal, which says nothing to whoever does not have the key.
    fn principal(&self, principal: Option<&str>) -> Hash {
        let named = digest::parts(&[
            if principal.is_some() { b"some" } else { b"none" },
            principal.unwrap_or_default().as_bytes(),
        ]);
        self.mac.clone().chain_update(OF_PRINCIPAL).chain_update(named).finalize().into_bytes().into()
    }

    fn sealing(&self, sealed: &[u8]) -> Hmac<Sha256> {
        self.mac.clone().chain_update(OF_STATE).chain_update(sealed)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(")?;
        self.id.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

impl KeyRing {
    /// Makes a ring of the key that seals and those that only open.
    pub fn new(sealing: SealingKey, older: impl IntoIterator<Item = SealingKey>) -> Self {
        Self { sealing, older: older.into_iter().collect() }
    }

    /// Makes a ring of a random key, which no other process has.
    ///
    /// # Errors
    ///
    /// Fails when the operating system gives no random bytes.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut key = [0; MIN_KEY];
        getrandom::fill(&mut key)?;
        let key = SealingKey::new(&key).expect("a key of the least length is long enough");
        Ok(Self::new(key, []))
    }

    fn find(&self, id: &[u8]) -> Option<&SealingKey> {
        std::iter::once(&self.sealing).chain(self.older.iter()).find(|key| key.id == id)
    }
}

impl Binding {
    /// Binds to what a request asks for and to who asks; `principal` is `None` where nobody is authenticated.
    pub(crate) fn new(method: &str, params: &Params, principal: Option<&str>) -> Self {
        let request = digest::parts(&[method.as_bytes(), &digest::params(params.raw())]);
        Self { request, principal: principal.map(Into::into) }
    }
}

impl Sealing {
    /// Makes the sealer, of a random key when none was given.
    ///
    /// # Errors
    ///
    /// Says that the operating system gives no random bytes.
    pub(crate) fn sealer(self) -> Result<Sealer, String> {
        let keys = self.keys.map_or_else(KeyRing::random, Ok);
        let mut sealer = Sealer::new(keys.map_err(|error| format!("no random bytes: {error}"))?);
        sealer.life = self.life.unwrap_or(sealer.life);
        Ok(sealer)
    }
}

impl Sealer {
    /// Makes a sealer whose states live for ten minutes and are at most 64 KiB of text.
    pub(crate) fn new(keys: KeyRing) -> Self {
        Self { keys, life: LIFE, most: MOST }
    }

    /// Seals what was recorded; `now` is the time since 1970.
    ///
    /// # Errors
    ///
    /// Fails when the text would be longer than is accepted back.
    pub(crate) fn seal(&self, record: &[u8], binding: &Binding, now: Duration) -> Result<String, TooLarge> {
        let key = &self.keys.sealing;
        let mut state = Vec::with_capacity(HEAD + record.len() + TAG);
        state.push(VERSION);
        state.extend_from_slice(&key.id);
        state.extend_from_slice(&now.saturating_add(self.life).as_secs().to_be_bytes());
        state.extend_from_slice(&binding.request);
        state.extend_from_slice(&key.principal(binding.principal.as_deref()));
        state.extend_from_slice(record);
        let tag = key.sealing(&state).finalize().into_bytes();
        state.extend_from_slice(&tag);
        let text = BASE64_URL_SAFE_NO_PAD.encode(state);
        if text.len() > self.most { Err(TooLarge { most: self.most }) } else { Ok(text) }
    }

    /// Opens a state that a client brought back; `now` is the time since 1970.
    ///
    /// Nothing of it is looked at before the seal is proved, except which key to prove it with.
    ///
    /// # Errors
    ///
    /// Refuses whatever this server, or another one with the same keys, did not give for this request of this
    /// principal a short while ago.
    pub(crate) fn open(&self, text: &str, binding: &Binding, now: Duration) -> Result<Vec<u8>, Refused> {
        if text.len() > self.most {
            return Err(Refused::TooLong);
        }
        let state = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::Malformed)?;
        let (sealed, tag) = state.split_last_chunk::<TAG>().ok_or(Refused::Malformed)?;
        let (version, rest) = sealed.split_first().ok_or(Refused::Malformed)?;
        let (key, rest) = rest.split_first_chunk::<{ size_of::<KeyId>() }>().ok_or(Refused::Malformed)?;
        let (expiry, rest) = rest.split_first_chunk::<8>().ok_or(Refused::Malformed)?;
        let (request, rest) = rest.split_first_chunk::<32>().ok_or(Refused::Malformed)?;
        let (principal, record) = rest.split_first_chunk::<32>().ok_or(Refused::Malformed)?;
        if *version != VERSION {
            return Err(Refused::Malformed);
        }
        let key = self.keys.find(key).ok_or(Refused::UnknownKey)?;
        // The comparison takes the same time wherever they differ.
        key.sealing(sealed).verify_slice(tag).map_err(|_| Refused::Tampered)?;
        if now > Duration::from_secs(u64::from_be_bytes(*expiry)).saturating_add(SKEW) {
            return Err(Refused::Expired);
        }
        if *principal != key.principal(binding.principal.as_deref()) {
            return Err(Refused::ForeignPrincipal);
        }
        if *request != binding.request {
            return Err(Refused::OtherRequest);
        }
        Ok(record.to_vec())
    }
}

impl fmt::Display for KeyTooShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a sealing key has {} bytes; give at least {MIN_KEY} random ones", self.length)
    }
}

impl std::error::Error for KeyTooShort {}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "what the rounds of this request recorded makes a `requestState` of more than {} bytes", self.most)
    }
}

impl std::error::Error for TooLarge {}

/// The form of the state; another form gets another number.
const VERSION: u8 = 1;
/// The bytes before what was recorded, and those of the tag behind it.
const HEAD: usize = 1 + 8 + 8 + 32 + 32;
const TAG: usize = 32;
const MIN_KEY: usize = 32;
/// What the one key is used for, so that no tag can stand for another.
const OF_KEY_ID: &[u8] = b"mcp requestState: key id\0";
const OF_PRINCIPAL: &[u8] = b"mcp requestState: principal\0";
const OF_STATE: &[u8] = b"mcp requestState: state\0";
const LIFE: Duration = Duration::from_secs(600);
const MOST: usize = 64 * 1024;
/// How far the clocks of two servers may be apart (F47).
const SKEW: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use mcp_types::RawJson;

    use super::*;

    const NOW: Duration = Duration::from_secs(1_800_000_000);

    fn key(byte: u8) -> SealingKey {
        SealingKey::new(&[byte; 32]).unwrap()
    }

    fn sealer(first: u8, older: &[u8]) -> Sealer {
        Sealer::new(KeyRing::new(key(first), older.iter().copied().map(key)))
    }

    fn binding(method: &str, params: &str, principal: Option<&str>) -> Binding {
        let params = Params::from_raw(RawJson::parse(params.to_owned()).unwrap()).unwrap();
        Binding::new(method, &params, principal)
    }

    fn of_ann() -> Binding {
        binding("tools/call", r#"{"name":"pay","arguments":{"sum":5}}"#, Some("ann"))
    }

    #[test]
    fn a_state_is_opened_by_any_process_that_has_the_key() {
        let state = sealer(1, &[]).seal(b"answers", &of_ann(), NOW).unwrap();
        assert_eq!(sealer(1, &[]).open(&state, &of_ann(), NOW).unwrap(), b"answers");
        assert_eq!(sealer(2, &[1]).open(&state, &of_ann(), NOW).unwrap(), b"answers", "after a rotation");
        assert_eq!(sealer(2, &[3]).open(&state, &of_ann(), NOW), Err(Refused::UnknownKey));
    }

    #[test]
    fn the_first_key_seals() {
        let state = sealer(2, &[1]).seal(b"", &of_ann(), NOW).unwrap();
        assert_eq!(sealer(1, &[]).open(&state, &of_ann(), NOW), Err(Refused::UnknownKey));
        assert_eq!(sealer(2, &[]).open(&state, &of_ann(), NOW), Ok(Vec::new()));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused_t_111() {
        let sealer = sealer(1, &[]);
        let state = sealer.seal(b"{}", &of_ann(), NOW).unwrap();
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&state).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                let refused = sealer.open(&BASE64_URL_SAFE_NO_PAD.encode(&changed), &of_ann(), NOW).unwrap_err();
                let expected = match at {
                    0 => Refused::Malformed,
                    1..9 => Refused::UnknownKey,
                    _ => Refused::Tampered,
                };
                assert_eq!(refused, expected, "byte {at}, bit {bit}");
            }
            let cut = BASE64_URL_SAFE_NO_PAD.encode(&bytes[..at]);
            assert!(sealer.open(&cut, &of_ann(), NOW).is_err(), "cut at {at}");
        }
        for text in ["", "!", "AAAA", &format!("{state}-TAMPERED"), &format!("{state}="), &state[1..]] {
            assert!(sealer.open(text, &of_ann(), NOW).is_err(), "{text}");
        }
    }

    #[test]
    fn a_state_of_another_request_is_refused() {
        let sealer = sealer(1, &[]);
        let state = sealer.seal(b"", &of_ann(), NOW).unwrap();
        let check = |method: &str, params: &str, expected: Result<Vec<u8>, Refused>| {
            assert_eq!(sealer.open(&state, &binding(method, params, Some("ann")), NOW), expected, "{method} {params}");
        };
        let retry = r#"{"arguments":{"sum":5},"name":"pay","inputResponses":{},"requestState":"x","_meta":{"a/b":1}}"#;
        check("tools/call", retry, Ok(Vec::new()));
        check("prompts/get", retry, Err(Refused::OtherRequest));
        check("tools/call", r#"{"name":"pay","arguments":{"sum":50}}"#, Err(Refused::OtherRequest));
        check("tools/call", r#"{"name":"pay2","arguments":{"sum":5}}"#, Err(Refused::OtherRequest));
        check("tools/call", r#"{"name":"pay"}"#, Err(Refused::OtherRequest));
    }

    #[test]
    fn a_state_of_another_principal_is_refused_and_nobody_is_a_principal_too() {
        let sealer = sealer(1, &[]);
        let params = r#"{"name":"pay"}"#;
        let state = |principal| sealer.seal(b"", &binding("tools/call", params, principal), NOW).unwrap();
        let open = |state: &str, principal| sealer.open(state, &binding("tools/call", params, principal), NOW).err();
        for (given, used) in [(Some("ann"), Some("bob")), (Some("ann"), None), (None, Some("ann")), (None, Some(""))] {
            assert_eq!(open(&state(given), used), Some(Refused::ForeignPrincipal), "{given:?} {used:?}");
            assert_eq!(open(&state(given), given), None);
        }
    }

    #[test]
    fn a_state_lives_for_its_time_and_the_skew_of_clocks() {
        let sealer = sealer(1, &[]);
        let state = sealer.seal(b"", &of_ann(), NOW).unwrap();
        let after = |seconds: u64| sealer.open(&state, &of_ann(), NOW + Duration::from_secs(seconds)).err();
        assert_eq!([after(0), after(600), after(660), after(661)], [None, None, None, Some(Refused::Expired)]);
        assert_eq!(sealer.open(&state, &of_ann(), NOW - Duration::from_secs(86_400)).err(), None, "a clock behind");
    }

    #[test]
    fn length_is_bounded_on_both_ways() {
        let mut sealer = sealer(1, &[]);
        let longest = vec![b'x'; (MOST / 4 * 3) - HEAD - TAG];
        let state = sealer.seal(&longest, &of_ann(), NOW).unwrap();
        assert_eq!(state.len(), MOST);
        assert!(sealer.open(&state, &of_ann(), NOW).is_ok());
        assert_eq!(sealer.seal(&[&longest[..], b"x"].concat(), &of_ann(), NOW), Err(TooLarge { most: MOST }));
        sealer.most -= 1;
        assert_eq!(sealer.open(&state, &of_ann(), NOW), Err(Refused::TooLong));
        assert_eq!(sealer.open(&"A".repeat(1 << 20), &of_ann(), NOW), Err(Refused::TooLong));
    }

    #[test]
    fn a_short_key_is_refused_and_no_key_is_ever_shown() {
        assert_eq!(SealingKey::new(&[1; 31]).unwrap_err(), KeyTooShort { length: 31 });
        let secret = b"correct horse battery staple, twice";
        let shown = format!("{:?}", Sealer::new(KeyRing::new(SealingKey::new(secret).unwrap(), [])));
        assert!(shown.contains("SealingKey("), "{shown}");
        for part in ["correct", "99, 111, 114", "636f72"] {
            assert!(!shown.contains(part), "{shown}");
        }
    }
}
