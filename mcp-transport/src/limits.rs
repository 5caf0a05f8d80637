//! Every bound of the transports, the server and the client, in one struct.
//!
//! Nothing that a peer sends, asks for or leaves open is unbounded; each buffer, queue, table,
//! retry and wait reads its bound here. The values follow the specification digest, section 11, and
//! the security plan, section 4. The surprising thing: [`Limits::unlimited`] is not `usize::MAX`
//! and `Duration::MAX`, because those overflow as soon as somebody adds to them.

use std::fmt;
use std::time::Duration;

/// Stands for "no bound" in a number of bytes or things.
///
/// It is small enough for `limit + 1`, for a semaphore's permits and for a channel's capacity.
/// Never allocate up front by a limit.
pub const UNBOUNDED: usize = usize::MAX >> 3;

/// Stands for "no bound" in a time: thirty years, which every clock can add to now.
pub const FOREVER: Duration = Duration::from_secs(30 * 365 * 86_400);

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// The value of one limit, as listed by [`Limits::entries`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A number of bytes or things; the name of the limit says which.
    Count(usize),
    /// A length of time.
    Time(Duration),
}

/// What a limit may be made of.
trait LimitValue: Copy {
    const UNLIMITED: Self;

    fn bound(self) -> Bound;
}

impl LimitValue for usize {
    const UNLIMITED: Self = UNBOUNDED;

    fn bound(self) -> Bound {
        Bound::Count(self)
    }
}

impl LimitValue for Duration {
    const UNLIMITED: Self = FOREVER;

    fn bound(self) -> Bound {
        Bound::Time(self)
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Count(UNBOUNDED) | Self::Time(FOREVER) => f.write_str("unlimited"),
            Self::Count(count) => count.fmt(f),
            Self::Time(time) => write!(f, "{time:?}"),
        }
    }
}

/// Defines the struct, the defaults, the setters and the list from one line per limit, so that they
/// cannot disagree.
macro_rules! limits {
    ($($(#[$doc:meta])+ $name:ident: $type:ty = $default:expr;)+) => {
        /// The bounds that a transport, a server or a client works within.
        ///
        /// The names end in their unit: `_bytes`; `_timeout`, `_idle` and the like are durations;
        /// anything else counts things.
        ///
        /// # Examples
        ///
        /// ```
        /// use mcp_transport::limits::Limits;
        ///
        /// let limits = Limits::default().body_bytes(64 * 1024).in_flight(8);
        /// assert_eq!(limits.body_bytes, 65_536);
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Limits {
            $($(#[$doc])+ pub $name: $type,)+
        }

        impl Limits {
            /// Returns limits that never strike, for tests and for peers that are trusted like the
            /// program itself.
            #[must_use]
            pub fn unlimited() -> Self {
                Self { $($name: <$type as LimitValue>::UNLIMITED,)+ }
            }

            /// Lists every limit with its name, in the order of this documentation.
            #[must_use]
            pub fn entries(&self) -> Vec<(&'static str, Bound)> {
                vec![$((stringify!($name), self.$name.bound()),)+]
            }

            $(
                #[doc = concat!("Sets [`", stringify!($name), "`](Self#structfield.", stringify!($name), ").")]
                #[must_use]
                pub fn $name(mut self, value: $type) -> Self {
                    self.$name = value;
                    self
                }
            )+
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }
    };
}

limits! {
    // Messages.

    /// Bytes of one HTTP request body; 4 MiB. A larger one is refused with 413 before it is
    /// buffered. Where HTTP is served and the allocator is glibc's, each of its arenas (there are some
    /// for every core) may keep up to four times as much that is free, and 32 MiB at most.
    body_bytes: usize = 4 * MIB;
    /// Bytes of one encoded result, and of one response body read by a client; 16 MiB. A larger
    /// tool result becomes a tool error that says so; a client fails the request.
    result_bytes: usize = 16 * MIB;
    /// Bytes of one line on a byte stream, without its end; 16 MiB. A longer one is dropped as it
    /// comes in, reported once and answered, and reading goes on at the next line (S-1, S-8). As
    /// the answers to a batch are one line, no more of their bytes wait for the rest of their
    /// batches; a result beyond becomes an error.
    line_bytes: usize = 16 * MIB;
    /// Bytes of the lines of one server-sent event, without line ends and comments; 16 MiB. A
    /// larger one fails the stream.
    sse_event_bytes: usize = 16 * MIB;
    /// Bytes of the `id` of a server-sent event, and of a `Last-Event-ID`; 1 KiB. A longer one
    /// fails the stream or the request.
    sse_id_bytes: usize = KIB;
    /// Messages in one batch of revision 2025-03-26; 100. A longer batch is refused as a whole.
    batch: usize = 100;

    // HTTP connections.

    /// Bytes of a request or response head; 32 KiB. A larger one is refused with 431, or fails the
    /// client's request.
    head_bytes: usize = 32 * KIB;
    /// Header lines in a head; 100. A head with more is refused with 431, or fails the client's
    /// request.
    head_count: usize = 100;
    /// Bytes of a request target; 8 KiB. A longer one is refused with 414.
    uri_bytes: usize = 8 * KIB;
    /// Time in which a request head must be complete; 10 s. The connection is closed after it.
    head_timeout: Duration = 10 * SECOND;
    /// Time in which a request body must be complete; 30 s. The request is refused with 408 and the
    /// connection closed after it.
    body_timeout: Duration = 30 * SECOND;
    /// Bytes that a request body must bring each second, on average; 1 KiB. A slower one is treated
    /// as timed out.
    body_rate_bytes: usize = KIB;
    /// Time that a connection may lie idle between requests; 75 s. It is closed after it; an open
    /// event stream is not idle.
    idle_timeout: Duration = 75 * SECOND;
    /// Open connections of one listener; 10 000. The next one is not accepted until another closes.
    connections: usize = 10_000;
    /// Open connections from one address that is not loopback; 256. The next one is closed at once.
    connections_per_address: usize = 256;

    // Sessions, requests and streams.

    /// Open legacy sessions; 10 000. The next `initialize` ends the least recently used one that has no stream and no
    /// call in flight; 503 when all are busy.
    sessions: usize = 10_000;
    /// Legacy sessions opened in one second; 50. An `initialize` beyond is refused with 429.
    sessions_per_second: usize = 50;
    /// Time that a legacy session without an open stream or request is kept; 30 min. Afterwards its
    /// id is unknown (404).
    session_idle: Duration = 30 * MINUTE;
    /// Time from the answer to `initialize` to `notifications/initialized`; 60 s. The session is
    /// dropped after it.
    session_init: Duration = MINUTE;
    /// Requests being worked on for one connection or session; 256. Over HTTP the next is refused
    /// with 429. On a byte stream the next ones wait for their turn, and none is refused: there is
    /// room for `outbox_bytes` of them, a small one counting as 1 KiB, so a cancellation is heard
    /// unless it comes after more than that; as much again is read ahead to hear the end of the
    /// input, and then reading pauses.
    in_flight: usize = 256;
    /// Requests being worked on in the whole server; 10 000. The next one is refused with 503.
    in_flight_total: usize = 10_000;
    /// Messages waiting to be written to one stream, and notifications that an exchange on a byte
    /// stream has not taken; 256. Producers wait at the limit; an exchange that took too long
    /// (`reader_turn`) loses the oldest progress, then the oldest log messages.
    outbox_messages: usize = 256;
    /// Bytes waiting to be written to one stream, and of what an exchange on a byte stream has not
    /// taken; 4 MiB. As `outbox_messages`, but a single larger message still passes alone.
    outbox_bytes: usize = 4 * MIB;
    /// Open `subscriptions/listen` requests of one principal; 64. The next one is refused.
    subscriptions: usize = 64;
    /// Open `subscriptions/listen` requests in the whole server; 10 240. The next one is refused.
    subscriptions_total: usize = 10_240;
    /// Events kept for the replay of one legacy stream; 1 024. The oldest is forgotten, and
    /// resuming from before it is refused.
    replay_events: usize = 1_024;
    /// Bytes of the events kept for the replay of one legacy stream; 4 MiB. The oldest is
    /// forgotten.
    replay_bytes: usize = 4 * MIB;
    /// Bytes of all events kept for replay; 256 MiB. The oldest of any stream is forgotten.
    replay_total_bytes: usize = 256 * MIB;
    /// Time that an event is kept for replay; 5 min. It is forgotten after it.
    replay_age: Duration = 5 * MINUTE;
    /// Quiet time on an event stream after which a comment is sent; 15 s.
    keep_alive: Duration = 15 * SECOND;

    // The server.

    /// Time for one run of a handler; 60 s. The run is dropped and the request answered with an
    /// error after it. It begins when the handler first has to wait: one that blocks its thread
    /// until then is not seen.
    handler_timeout: Duration = MINUTE;
    /// Handlers running at the same time in one server; 1 024. Further requests wait for their
    /// turn, within `in_flight`.
    handlers: usize = 1_024;
    /// Time that requests in flight are given when a server or a client shuts down; 10 s. What is
    /// left is answered with an error.
    drain: Duration = 10 * SECOND;
    /// Rounds in which a server on a legacy session asks the client for input before a handler must
    /// be done; 8. The request fails at the limit.
    input_shim_rounds: usize = 8;

    // The client.

    /// Time to wait for the response to a request; 60 s, started again by progress. The request is
    /// cancelled after it.
    request_timeout: Duration = MINUTE;
    /// Time to wait for the response to a request whatever progress is reported; 10 min. The
    /// request is cancelled after it.
    request_total: Duration = 10 * MINUTE;
    /// Time to open a connection; 10 s. The connect fails after it.
    connect_timeout: Duration = 10 * SECOND;
    /// Time to wait for the answer to the `server/discover` probe on a byte stream; 5 s. No answer
    /// means a legacy server (V-61).
    probe_timeout: Duration = 5 * SECOND;
    /// Time to wait for the answer to the probe over HTTP; 10 s. The connect fails after it: over
    /// HTTP silence is no evidence (V-63).
    http_probe_timeout: Duration = 10 * SECOND;
    /// Time that reading from a byte stream pauses for an exchange which has not taken half of
    /// `outbox_messages` or `outbox_bytes`; 250 ms. Afterwards it loses what does not fit, until it
    /// has taken all.
    reader_turn: Duration = Duration::from_millis(250);
    /// Rounds of `input_required` answered for one request; 10. The request fails at the limit.
    input_rounds: usize = 10;
    /// Pages read by one "list all"; 64. The listing fails at the limit rather than returning a
    /// part.
    pages: usize = 64;
    /// Items read by one "list all"; 10 000. The listing fails at the limit rather than returning a
    /// part.
    items: usize = 10_000;
    /// Results kept in the response cache of one principal; 1 000. The least recently used is
    /// forgotten.
    cache_entries: usize = 1_000;
    /// Time that a result is cached whatever its `ttlMs` says; 24 h. A longer one is cut to this.
    cache_ttl: Duration = (24 * 60) * MINUTE;
    /// Attempts to bring a lost stream back; 10. The stream is given up at the limit.
    reconnects: usize = 10;
    /// Wait before the first attempt to bring a lost stream back, doubled for each further one; 500
    /// ms.
    reconnect_min: Duration = Duration::from_millis(500);
    /// Longest wait between attempts to bring a lost stream back; 30 s. The doubling stops there.
    reconnect_max: Duration = 30 * SECOND;
    /// Longest wait that a server may ask for by `retry`; 60 s. A longer one is cut to this.
    retry_max: Duration = MINUTE;

    // Child processes.

    /// Time for a child to leave after its standard input was closed; 2 s. It is then asked to
    /// terminate (S-6).
    child_eof: Duration = 2 * SECOND;
    /// Time for a child to leave after it was asked to terminate; 3 s. Its process group is then
    /// killed (S-6).
    child_term: Duration = 3 * SECOND;
    /// Bytes of a child's standard error kept for diagnostics; 64 KiB. The oldest are forgotten;
    /// the child never blocks.
    stderr_bytes: usize = 64 * KIB;

    // Documents that a peer publishes.

    /// Bytes of a JSON Schema; 256 KiB. A larger one is refused when it is registered or listed.
    schema_bytes: usize = 256 * KIB;
    /// Subschemas of a JSON Schema; 4 096. A schema with more is refused (T-97).
    schema_subschemas: usize = 4_096;
    /// Nesting of a JSON Schema; 64. A deeper one is refused (T-97).
    schema_depth: usize = 64;
    /// Subschema evaluations estimated for one value after references are followed; 100 000. A
    /// schema with more is refused (T-97).
    schema_expansion: usize = 100_000;
    /// Bytes of a `pattern` in a JSON Schema; 1 KiB. A schema with a longer one is refused.
    pattern_bytes: usize = KIB;
    /// Bytes of a URI template; 8 KiB. A longer one is refused when it is registered.
    template_bytes: usize = 8 * KIB;
    /// Variables in a URI template; 256. A template with more is refused when it is registered.
    template_variables: usize = 256;
    /// Bytes of a URI that is matched with a template; 64 KiB. A longer one matches nothing.
    template_uri_bytes: usize = 64 * KIB;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_security_plan_and_a_change_of_any_is_seen_here() {
        let printed: Vec<String> =
            Limits::default().entries().iter().map(|(name, bound)| format!("{name} {bound}")).collect();
        assert_eq!(
            printed,
            [
                "body_bytes 4194304",
                "result_bytes 16777216",
                "line_bytes 16777216",
                "sse_event_bytes 16777216",
                "sse_id_bytes 1024",
                "batch 100",
                "head_bytes 32768",
                "head_count 100",
                "uri_bytes 8192",
                "head_timeout 10s",
                "body_timeout 30s",
                "body_rate_bytes 1024",
                "idle_timeout 75s",
                "connections 10000",
                "connections_per_address 256",
                "sessions 10000",
                "sessions_per_second 50",
                "session_idle 1800s",
                "session_init 60s",
                "in_flight 256",
                "in_flight_total 10000",
                "outbox_messages 256",
                "outbox_bytes 4194304",
                "subscriptions 64",
                "subscriptions_total 10240",
                "replay_events 1024",
                "replay_bytes 4194304",
                "replay_total_bytes 268435456",
                "replay_age 300s",
                "keep_alive 15s",
                "handler_timeout 60s",
                "handlers 1024",
                "drain 10s",
                "input_shim_rounds 8",
                "request_timeout 60s",
                "request_total 600s",
                "connect_timeout 10s",
                "probe_timeout 5s",
                "http_probe_timeout 10s",
                "reader_turn 250ms",
                "input_rounds 10",
                "pages 64",
                "items 10000",
                "cache_entries 1000",
                "cache_ttl 86400s",
                "reconnects 10",
                "reconnect_min 500ms",
                "reconnect_max 30s",
                "retry_max 60s",
                "child_eof 2s",
                "child_term 3s",
                "stderr_bytes 65536",
                "schema_bytes 262144",
                "schema_subschemas 4096",
                "schema_depth 64",
                "schema_expansion 100000",
                "pattern_bytes 1024",
                "template_bytes 8192",
                "template_variables 256",
                "template_uri_bytes 65536",
            ]
        );
    }

    #[test]
    fn unlimited_values_survive_being_added_to() {
        let now = std::time::Instant::now();
        for (name, bound) in Limits::unlimited().entries() {
            match bound {
                Bound::Count(count) => assert!(count.checked_mul(4).is_some(), "{name}"),
                Bound::Time(time) => assert!(now.checked_add(time).is_some(), "{name}"),
            }
            assert_eq!(bound.to_string(), "unlimited", "{name}");
        }
    }

    #[test]
    fn a_setter_changes_its_own_limit_and_no_other() {
        let changed = Limits::default().line_bytes(7).drain(Duration::from_millis(3));
        let differing: Vec<_> = changed
            .entries()
            .into_iter()
            .zip(Limits::default().entries())
            .filter_map(|(new, old)| (new != old).then_some(new))
            .collect();
        assert_eq!(differing, [("line_bytes", Bound::Count(7)), ("drain", Bound::Time(Duration::from_millis(3)))]);
    }
}
