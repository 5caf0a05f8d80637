//! A child and its standard streams: lines out, lines in, a window of requests under way.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use mcp_bench::{
    http::check_message,
    process::Process,
    script::{Era, Script, opening},
    statistics::percentile,
};
use serde_json::{Value, json};

use crate::arguments::{Arguments, report};

/// Starts the command and loads it.
///
/// # Errors
///
/// With the first answer that is not the expected one.
pub(crate) fn run(arguments: &Arguments) -> io::Result<Value> {
    let mut server = Server::start(&arguments.command)?;
    let script = Script::new(arguments.era, &arguments.work);
    if arguments.era == Era::Legacy {
        server.open_session()?;
    }
    server.drive(&script, arguments.window, arguments.warm)?;
    let (cpu, start) = (server.process.cpu_ns()?, Instant::now());
    let walls = server.drive(&script, arguments.window, arguments.measured)?;
    let (cpu, elapsed) = (server.process.cpu_ns_since(cpu)?, start.elapsed());
    report(walls, elapsed, cpu, server.process)
}

/// Starts the command `--count` times and waits each time for one answer.
///
/// # Errors
///
/// As [`run`].
pub(crate) fn start(arguments: &Arguments) -> io::Result<Value> {
    let script = Script::new(arguments.era, &arguments.work);
    let (mut walls, mut cpus, mut resident, mut peak) = (Vec::new(), Vec::new(), 0, 0);
    for _ in 0..arguments.count.max(1) {
        let begun = Instant::now();
        let mut server = Server::start(&arguments.command)?;
        if arguments.era == Era::Legacy {
            server.open_session()?;
        }
        server.drive(&script, 1, Duration::ZERO)?;
        walls.push(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX));
        cpus.push(server.process.cpu_ns()?);
        resident = server.process.memory_kib("VmRSS")?;
        peak = server.process.memory_kib("VmHWM")?.max(peak);
    }
    walls.sort_unstable();
    cpus.sort_unstable();
    Ok(json!({
        "requests": walls.len(),
        "cpu_us": percentile(&cpus, 0.5) as f64 / 1000.0,
        "p50_us": percentile(&walls, 0.5) as f64 / 1000.0,
        "p99_us": percentile(&walls, 0.99) as f64 / 1000.0,
        "rss_kib": resident,
        "peak_kib": peak,
    }))
}

/// A server that is our child. Dropping it closes its input, and ends it when that does not.
struct Server {
    child: Child,
    process: Process,
    /// Taken when it is over.
    input: Option<ChildStdin>,
    output: ChildStdout,
    /// What came and is no whole line yet.
    buffer: Vec<u8>,
    next: u64,
}

impl Server {
    fn start(command: &[String]) -> io::Result<Self> {
        let (program, rest) =
            command.split_first().ok_or_else(|| io::Error::other("`--` and a command are missing"))?;
        let mut child = Command::new(program)
            .args(rest)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| io::Error::other(format!("cannot start {program}: {error}")))?;
        let process = Process(child.id());
        let input = child.stdin.take();
        let output = child.stdout.take().expect("it was asked for");
        Ok(Self { child, process, input, output, buffer: Vec::new(), next: 1 })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let input = self.input.as_mut().ok_or_else(|| io::Error::other("the input is closed"))?;
        input.write_all(bytes)?;
        input.flush()
    }

    fn open_session(&mut self) -> io::Result<()> {
        let [first, second] = opening();
        self.write(format!("{first}\n").as_bytes())?;
        let mut answered = false;
        while !answered {
            self.read(|line| {
                let answer: Value = serde_json::from_slice(line).map_err(io::Error::other)?;
                answered = answer["id"] == "open" && answer["result"].is_object();
                if answered { Ok(()) } else { Err(io::Error::other(format!("initialize: {answer}"))) }
            })?;
        }
        self.write(format!("{second}\n").as_bytes())
    }

    /// Keeps `window` requests under way for a time, and returns the nanoseconds of each.
    fn drive(&mut self, script: &Script, window: usize, time: Duration) -> io::Result<Vec<u64>> {
        let end = Instant::now() + time;
        let mut under_way = UnderWay::default();
        let (mut free, mut request) = (window, Vec::new());
        loop {
            request.clear();
            let now = Instant::now();
            for _ in 0..free {
                script.write(self.next, &mut request);
                request.push(b'\n');
                under_way.begun.push_back((self.next, now, 0));
                self.next += 1;
            }
            if free > 0 {
                self.write(&request)?;
            }
            free = 0;
            self.read(|line| {
                free += usize::from(under_way.take(line, script)?);
                Ok(())
            })?;
            if Instant::now() >= end {
                free = 0;
            }
            if free == 0 && under_way.begun.is_empty() {
                return Ok(under_way.walls);
            }
        }
    }

    /// Reads once, and gives every whole line to `take`.
    fn read(&mut self, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let old = self.buffer.len();
        self.buffer.resize(old + CHUNK, 0);
        let length = self.output.read(&mut self.buffer[old..])?;
        self.buffer.truncate(old + length);
        if length == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server ended"));
        }
        // What was there before has no end of a line.
        let Some(last) = memchr::memrchr(b'\n', &self.buffer[old..]) else { return Ok(()) };
        let whole = old + last + 1;
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &self.buffer[..whole]) {
            if end > start {
                take(&self.buffer[start..end])?;
            }
            start = end + 1;
        }
        self.buffer.drain(..whole);
        Ok(())
    }
}

/// The requests that are under way, and the nanoseconds of those that were answered.
#[derive(Default)]
struct UnderWay {
    /// Answers to calls that take no time may come in any order, so each id has its own beginning; and how many
    /// notifications came.
    begun: VecDeque<(u64, Instant, u64)>,
    walls: Vec<u64>,
}

impl UnderWay {
    /// Takes a line, and returns whether it was the answer to a request.
    fn take(&mut self, line: &[u8], script: &Script) -> io::Result<bool> {
        if is_notification(line) {
            self.begun.front_mut().ok_or_else(|| unasked(line))?.2 += 1;
            return Ok(false);
        }
        let answered = self.begun.iter().position(|(id, ..)| check_message(line, script, *id).is_ok());
        let (_, start, notifications) =
            answered.and_then(|index| self.begun.remove(index)).ok_or_else(|| unasked(line))?;
        if notifications != script.notifications {
            return Err(io::Error::other(format!("{notifications} notifications came before a result")));
        }
        self.walls.push(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX));
        Ok(true)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.input.take();
        let deadline = Instant::now() + Duration::from_millis(500);
        while Instant::now() < deadline {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        // It may be gone by now, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line with a method and without an id. A large answer is not searched: ids stand at the beginning or the end.
fn is_notification(line: &[u8]) -> bool {
    const SHORT: usize = 1024;
    line.len() < SHORT
        && serde_json::from_slice::<Value>(line)
            .is_ok_and(|line| line["method"].is_string() && line.get("id").is_none())
}

fn unasked(line: &[u8]) -> io::Error {
    io::Error::other(format!("this answers nothing: {}", String::from_utf8_lossy(&line[..line.len().min(400)])))
}

/// How much is read at once: what a pipe holds.
const CHUNK: usize = 64 * 1024;
