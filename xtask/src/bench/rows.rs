//! What is measured: one entry per row of the report, as data.
//!
//! The surprising thing: a curve is a row too. Its points are measured in turn with its subjects, so that a machine that
//! becomes slower meanwhile bends no curve.

use crate::bench::{
    growth::LINEAR,
    row::{Axis, Goal, How, Row, Way},
};

const BASE: Row = Row {
    name: "",
    work: "",
    era: "2026-07-28",
    mode: "",
    how: How::Build,
    subjects: &[],
    axis: Axis::Payload,
    points: &[32],
    goals: &[],
    goals_from: 0,
    note: "",
    missed: "",
};

const HTTP: &[&str] = &["limit", "ours", "rmcp json", "rmcp sse", "typescript", "python"];
const SESSION: &[&str] = &["limit", "ours", "rmcp", "typescript", "python"];
const STDIO: &[&str] = &["limit", "ours", "rmcp stdio", "rmcp pipes", "typescript", "python"];
const COUNTED: &[&str] = &["limit", "ours", "rmcp stdio", "rmcp pipes"];
const CLIENTS: &[&str] = &["limit", "ours", "rmcp"];
/// Four mebibytes less what stands around them, so that a whole message is no larger.
const LARGE: u64 = 4 * 1024 * 1024 - 1024;
const TIMES_2_5: f64 = 1.0 / 2.5;

/// Every row, in the order of the report.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "http-echo",
        work: "HTTP tools/call echo, 32 B, 64 connections",
        mode: "JSON",
        how: How::Http(&["--connections", "64"]),
        subjects: HTTP,
        goals: &[Goal::Ratio("limit", 1.25), Goal::Ratio("rmcp", TIMES_2_5)],
        ..BASE
    },
    Row {
        name: "http-echo-1",
        work: "HTTP tools/call echo, 32 B, 1 connection",
        mode: "JSON",
        how: How::Http(&[]),
        subjects: HTTP,
        ..BASE
    },
    Row {
        name: "http-echo-session",
        work: "HTTP tools/call echo, 32 B, 64 connections",
        era: "2025-11-25",
        mode: "session",
        how: How::Http(&["--connections", "64", "--era", "legacy"]),
        subjects: SESSION,
        goals: &[Goal::Ratio("limit", 1.5), Goal::Ratio("rmcp", TIMES_2_5)],
        note: "rmcp answers in a session with events; the handler of the TypeScript SDK keeps no session and answers each request by itself.",
        ..BASE
    },
    Row {
        name: "http-echo-sse",
        work: "HTTP tools/call echo, 32 B, 64 connections",
        mode: "SSE",
        how: How::Http(&["--connections", "64"]),
        subjects: &["limit", "ours", "rmcp sse"],
        goals: &[Goal::Ratio("limit", 1.5), Goal::Ratio("rmcp", TIMES_2_5)],
        note: "The limit and we are asked by a client that takes nothing but events. rmcp refuses that client; events are its default. The others answer with JSON what they can.",
        ..BASE
    },
    Row {
        name: "http-echo-notified",
        work: "HTTP tools/call with one notification before its result, 64 connections",
        mode: "SSE",
        how: How::Http(&["--connections", "64", "--progress", "1"]),
        subjects: &["limit", "ours", "rmcp sse", "typescript", "python"],
        goals: &[Goal::Ratio("limit", 1.5), Goal::Ratio("rmcp", TIMES_2_5)],
        note: "The client takes both; the notification makes the answer a stream of events.",
        ..BASE
    },
    Row {
        name: "http-payload",
        work: "HTTP tools/call echo, 1 connection",
        mode: "JSON",
        how: How::Http(&[]),
        subjects: &["limit", "ours", "rmcp json", "typescript", "python"],
        points: &[32, 1024, 65_536, 1_048_576, LARGE],
        goals: &[Goal::Ratio("limit", 1.15), Goal::Ratio("rmcp", 1.0), Goal::Grows(LINEAR)],
        goals_from: 65_536,
        missed: "a body that comes in several parts is joined by one copy, its text is copied into the type of the arguments and once more into the answer. The limit's rounds lie up to twice apart: its allocator gives pages back with each request and gets them anew.",
        ..BASE
    },
    Row {
        name: "stdio-payload",
        work: "stdio tools/call echo, window 1",
        mode: "stdio",
        how: How::Stdio(&[]),
        subjects: STDIO,
        points: &[32, 1024, 65_536, 1_048_576, LARGE],
        goals: &[Goal::Ratio("limit", 1.15), Goal::Ratio("rmcp", 1.0), Goal::Grows(LINEAR)],
        goals_from: 65_536,
        ..BASE
    },
    Row {
        name: "stdio-echo",
        work: "stdio tools/call echo, 32 B, window 1",
        era: "2025-11-25",
        mode: "stdio",
        how: How::Stdio(&["--era", "legacy"]),
        subjects: STDIO,
        goals: &[Goal::Ratio("limit", 1.25)],
        ..BASE
    },
    Row {
        name: "stdio-echo-64",
        work: "stdio tools/call echo, 32 B, window 64",
        era: "2025-11-25",
        mode: "stdio",
        how: How::Stdio(&["--era", "legacy", "--window", "64"]),
        subjects: STDIO,
        goals: &[Goal::Ratio("limit", 1.5), Goal::Ratio("rmcp", 0.25)],
        ..BASE
    },
    Row {
        name: "stdio-echo-modern",
        work: "stdio tools/call echo, 32 B, window 1",
        mode: "stdio",
        how: How::Stdio(&[]),
        subjects: STDIO,
        goals: &[Goal::Ratio("limit", 1.25)],
        ..BASE
    },
    Row {
        name: "stdio-echo-modern-64",
        work: "stdio tools/call echo, 32 B, window 64",
        mode: "stdio",
        how: How::Stdio(&["--window", "64"]),
        subjects: STDIO,
        goals: &[Goal::Ratio("limit", 1.5), Goal::Ratio("rmcp", 0.25)],
        ..BASE
    },
    Row {
        name: "http-list",
        work: "HTTP tools/list, 64 connections",
        mode: "JSON",
        how: How::Http(&["--connections", "64", "--list", "tools"]),
        subjects: HTTP,
        axis: Axis::Tools,
        points: &[100],
        goals: &[Goal::Ratio("limit", 1.15)],
        ..BASE
    },
    Row {
        name: "stdio-list",
        work: "stdio tools/list, window 1",
        mode: "stdio",
        how: How::Stdio(&["--list", "tools"]),
        subjects: STDIO,
        axis: Axis::Tools,
        points: &[100],
        ..BASE
    },
    Row {
        name: "http-progress",
        work: "10 000 progress notifications in one call, HTTP",
        mode: "SSE",
        how: How::Http(&["--progress", "10000"]),
        subjects: &["limit", "ours", "rmcp sse", "typescript", "python"],
        goals: &[Goal::Ratio("rmcp", 0.1), Goal::Most("most_chunks", 100.0)],
        ..BASE
    },
    Row {
        name: "stdio-progress",
        work: "10 000 progress notifications in one call, stdio",
        mode: "stdio",
        how: How::Stdio(&["--progress", "10000"]),
        subjects: STDIO,
        goals: &[Goal::Ratio("rmcp", 0.1)],
        ..BASE
    },
    Row {
        name: "client-http",
        work: "client call, HTTP, 32 B, window 1",
        mode: "JSON",
        how: How::Client(Way::Http, &["--window", "1"]),
        subjects: CLIENTS,
        goals: &[Goal::Ratio("rmcp", 0.2)],
        ..BASE
    },
    Row {
        name: "client-stdio",
        work: "client call, stdio, 32 B, window 1",
        era: "2025-11-25",
        mode: "stdio",
        how: How::Client(Way::Stdio, &["--window", "1", "--era", "legacy"]),
        subjects: CLIENTS,
        goals: &[Goal::Ratio("rmcp", 0.45)],
        missed: "the limit, a client that writes a text that is ready, waits, reads and parses, is itself at the target: the kernel's write, wait and read are most of it. What ours adds is, in that order of size, the task that reads and the check of the line, the request's way out, its encoding, moves of its parts, and the reading of the result. To let the caller read in the place of the task was tried and saves nothing: what it does not wake it locks.",
        ..BASE
    },
    Row {
        name: "client-stdio-64",
        work: "client call, stdio, 32 B, window 64",
        era: "2025-11-25",
        mode: "stdio",
        how: How::Client(Way::Stdio, &["--window", "64", "--era", "legacy"]),
        subjects: CLIENTS,
        goals: &[Goal::Ratio("rmcp", 0.3)],
        ..BASE
    },
    Row {
        name: "sessions",
        work: "idle session",
        era: "2025-11-25",
        mode: "session",
        how: How::Memory(&["sessions"]),
        subjects: &["ours", "rmcp", "typescript", "python"],
        axis: Axis::Sessions,
        points: &[1000, 10_000],
        goals: &[Goal::Most("kib_each", 4.0), Goal::Grows(LINEAR)],
        note: "Each session has made one call. The handler of the TypeScript SDK keeps no sessions.",
        ..BASE
    },
    Row {
        name: "streams",
        work: "open stream (subscriptions/listen)",
        mode: "SSE",
        how: How::Memory(&["streams"]),
        subjects: &["ours", "rmcp sse", "typescript", "python"],
        axis: Axis::Streams,
        points: &[1000, 10_000],
        goals: &[Goal::Most("kib_each", 16.0), Goal::Grows(LINEAR)],
        note: "Each stream is a connection with a request that the server has acknowledged.",
        ..BASE
    },
    Row {
        name: "streams-session",
        work: "session with an open stream (GET)",
        era: "2025-11-25",
        mode: "session",
        how: How::Memory(&["streams", "--era", "legacy"]),
        subjects: &["ours", "rmcp", "typescript", "python"],
        axis: Axis::Streams,
        points: &[1000, 10_000],
        goals: &[Goal::Most("kib_each", 16.0), Goal::Grows(LINEAR)],
        note: "Each session has a connection of its own, on which the server may send at any time.",
        ..BASE
    },
    Row {
        name: "tools",
        work: "HTTP tools/call echo, 32 B, 64 connections, by registered tools",
        mode: "JSON",
        how: How::Http(&["--connections", "64"]),
        subjects: &["ours", "rmcp json", "typescript"],
        axis: Axis::Tools,
        points: &[2, 100, 1000],
        goals: &[Goal::Flat(1.05)],
        ..BASE
    },
    Row {
        name: "start",
        work: "spawn to first reply",
        era: "2025-11-25",
        mode: "stdio",
        how: How::Start,
        subjects: STDIO,
        goals: &[Goal::Ratio("rmcp", 1.0), Goal::Most("rss_kib", 5.0 * 1024.0)],
        note: "Spawn, handshake and one call.",
        missed: "of 6.4 MiB the C library and its parts are 2.1, as in every program, heap and stacks 0.3, tables that the loader relocates 0.25, most of them the validator's. The rest is text of the program: the kernel maps 64 KiB around each first use, 52 such pieces of 105, and none of them runs the validator, which is made when a value first needs it. Without the validator 4.4 MiB are resident.",
        ..BASE
    },
    Row {
        name: "instructions",
        work: "instructions per tools/call echo, 32 B",
        mode: "stdio",
        how: How::Instructions,
        subjects: COUNTED,
        goals: &[Goal::Ratio("limit", 1.0), Goal::Most("allocations", 8.0)],
        ..BASE
    },
    Row {
        name: "instructions-legacy",
        work: "instructions per tools/call echo, 32 B",
        era: "2025-11-25",
        mode: "stdio legacy",
        how: How::Instructions,
        subjects: COUNTED,
        goals: &[Goal::Ratio("limit", 1.0), Goal::Most("allocations", 8.0)],
        ..BASE
    },
    Row {
        name: "instructions-http",
        work: "instructions per tools/call echo, 32 B",
        mode: "http",
        how: How::Instructions,
        subjects: &["limit", "ours", "rmcp json", "rmcp sse"],
        goals: &[Goal::Ratio("limit", 1.2), Goal::Most("allocations", 24.0)],
        ..BASE
    },
    Row {
        name: "loop",
        work: "a question: 2 model calls, 1 tool in process",
        era: "",
        mode: "chat",
        how: How::Loop,
        subjects: &["bare calls", "ours", "ai sdk"],
        goals: &[Goal::Ratio("ai sdk", 0.25), Goal::Ratio("bare calls", 1.15)],
        note: "The tool of ours is called through an MCP server and client in the process, that of the AI SDK is a function. `bare calls` sends the same two requests by hyper, and reads the answers.",
        missed: "the bare calls drive their connection themselves, without a task of its own, as ours does. Counted without link-time optimization, a question is 220 000 instructions: 93 000 are the two exchanges with the model, of which reading the replies is 41 000 and hyper 32 000, the tool's call through client and server is 36 000, the turn 34 000 (what the reply means, what the results become, the next request), and writing the bodies anew for each request 14 000.",
        ..BASE
    },
    Row {
        name: "gateway",
        work: "tools/call through serve --config, 64 connections, to a built-in",
        mode: "JSON",
        how: How::Gateway,
        subjects: &["plain server", "ours"],
        goals: &[Goal::Ratio("plain server", 1.4)],
        note: "The built-in tells the time, since there is none that echoes; the plain server runs `echo`. The program is built as it is published, with overflow checks.",
        ..BASE
    },
    Row {
        name: "gateway-upstream",
        work: "tools/call through serve --config, 64 connections, to one upstream over HTTP",
        mode: "JSON",
        how: How::Gateway,
        subjects: &["plain server", "ours"],
        goals: &[Goal::Ratio("plain server", 2.2)],
        note: "The upstream is the plain server; what it spends is not counted. The program is built as it is published, with overflow checks.",
        missed: "of 110 000 instructions, counted without link-time optimization, 48 000 are the client's call of the upstream, 17 000 of them hyper's and 5 000 the check of what comes back; the result is read and written anew, which is 9 000. The kernel, 53 % of the CPU time, makes two exchanges for one, and the two read buffers of 8 KiB that hyper makes anew for each cannot be kept. Whatever makes the plain server cheaper makes this ratio larger.",
        ..BASE
    },
    Row {
        name: "build",
        work: "clean release build of the README's stdio server",
        era: "",
        mode: "default features",
        how: How::Build,
        subjects: &["ours", "rmcp"],
        goals: &[Goal::Ratio("rmcp", 1.0), Goal::Most("crates", 70.0)],
        note: "CPU time of cargo, the compilers and the linker, without fetching; crates are those of `cargo tree`.",
        missed: "jsonschema brings 48 crates that nothing else needs, none of them optional, and is 49 % of the build. Without it the default server would be about 52 crates; validation stays on by default.",
        ..BASE
    },
    Row {
        name: "build-small",
        work: "clean release build of the README's stdio server",
        era: "",
        mode: "without the schema validator",
        how: How::Build,
        subjects: &["ours"],
        goals: &[Goal::Most("cpu_s", 25.0), Goal::Most("crates", 35.0), Goal::Most("stripped_kib", 2048.0)],
        missed: "what the three crates of ours need (tokio, schemars, serde) is by itself about as many CPU seconds as the target, and the three are as many again. 2.0 MB are machine code: the standard library and tokio more than 350 KB, dropping values 330 KB, of which half are copies that 16 codegen units make, and reading and writing the messages of all revisions 300 KB.",
        ..BASE
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_name_of_its_own_and_subjects_that_its_goals_compare_with() {
        for (index, row) in ROWS.iter().enumerate() {
            assert!(ROWS.iter().skip(index + 1).all(|other| other.name != row.name), "{}", row.name);
            assert!(row.subjects.contains(&"ours") && !row.points.is_empty(), "{}", row.name);
            for goal in row.goals {
                let Goal::Ratio(base, _) = goal else { continue };
                assert!(row.subjects.iter().any(|subject| subject.starts_with(base)), "{}: {base}", row.name);
            }
        }
    }
}
