//! Running programs: a command to its end, a child with a deadline, and what went wrong.
//!
//! A child gets its own process group, and the whole group ends with it: a peer that starts a server of its own must
//! not leave it behind.

use std::{
    env,
    ffi::OsStr,
    fmt,
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// Why a command failed, and the exit code that says so.
#[derive(Debug)]
pub(crate) struct Red {
    /// The exit code of xtask: 1 for a red check, 2 for a wrong command line, or the code of the program we ran.
    pub(crate) code: u8,
    /// What failed and what to do, one or more lines.
    pub(crate) message: String,
}

impl Red {
    /// A check that did not hold.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    /// A command line that we do not understand.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self { code: 2, message: format!("{message}; `cargo xtask help` lists what there is") }
    }
}

impl fmt::Display for Red {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What every command of xtask returns.
pub(crate) type Outcome<T = ()> = Result<T, Red>;

/// Whether this is a run where nothing may be skipped.
pub(crate) fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true")
}

/// Returns the cargo that runs us, so that a chosen toolchain stays chosen.
pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Returns whether a program can be started at all.
pub(crate) fn is_installed(program: impl AsRef<OsStr>, version_flag: &str) -> bool {
    Command::new(program)
        .arg(version_flag)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs a command to its end with our standard streams.
///
/// # Errors
///
/// When it cannot be started or does not succeed; its exit code becomes ours.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| cannot_start(command, &error))?;
    if status.success() {
        return Ok(());
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Err(Red { code, message: format!("`{}` failed ({status})", line(command)) })
}

/// Runs a command to its end and returns what it printed; its standard error is part of the failure.
///
/// # Errors
///
/// When it cannot be started or does not succeed.
pub(crate) fn capture(command: &mut Command) -> Outcome<Captured> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| cannot_start(command, &error))?;
    let captured = Captured {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    if output.status.success() {
        return Ok(captured);
    }
    Err(Red::new(format!("`{}` failed ({})\n{}", line(command), output.status, captured.stderr.trim_end())))
}

/// What a command printed.
#[derive(Debug)]
pub(crate) struct Captured {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Writes a command the way a person would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = command.get_program();
    let program = if Some(program) == env::var_os("CARGO").as_deref() { OsStr::new("cargo") } else { program };
    let mut words = vec![program.to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy().into_owned()));
    words.join(" ")
}

fn cannot_start(command: &Command, error: &std::io::Error) -> Red {
    Red::new(format!("cannot start `{}`: {error}", line(command)))
}

/// A child in its own process group. Dropping it ends the group.
#[derive(Debug)]
pub(crate) struct Group {
    child: Child,
    /// The lines of both its streams, in the order they came.
    lines: Receiver<Line>,
    /// The lines of both streams that were read so far.
    seen: Vec<Line>,
}

/// One line that a child printed.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) text: String,
    /// Whether it came from the standard output, where programs put their answer.
    pub(crate) is_output: bool,
}

impl Group {
    /// Starts a command with nothing to read and both its output streams piped to us.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub(crate) fn start(command: &mut Command) -> Outcome<Self> {
        own_group(command);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| cannot_start(command, &error))?;
        let (sender, lines) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            forward(stdout, true, sender.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            forward(stderr, false, sender);
        }
        Ok(Self { child, lines, seen: Vec::new() })
    }

    /// Returns the id of the child, which leads its group.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line that `choose` turns into a value, such as the URL that a server prints.
    ///
    /// # Errors
    ///
    /// When the child ends or `patience` is over before such a line; the message holds what was printed.
    pub(crate) fn wait_for<T>(&mut self, patience: Duration, mut choose: impl FnMut(&Line) -> Option<T>) -> Outcome<T> {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let why = match self.lines.recv_timeout(left) {
                Ok(line) => {
                    let chosen = choose(&line);
                    self.seen.push(line);
                    match chosen {
                        Some(value) => return Ok(value),
                        None => continue,
                    }
                }
                Err(RecvTimeoutError::Timeout) => format!("no answer in {} s", patience.as_secs()),
                Err(RecvTimeoutError::Disconnected) => "it ended".to_owned(),
            };
            return Err(Red::new(format!("{why}; it printed:\n{}", self.transcript())));
        }
    }

    /// Waits until `is_ready` says so, such as when a port of the child takes connections.
    ///
    /// # Errors
    ///
    /// When the child ends or `patience` is over first; the message holds what was printed.
    pub(crate) fn wait_until(&mut self, patience: Duration, mut is_ready: impl FnMut() -> bool) -> Outcome {
        let deadline = Instant::now() + patience;
        loop {
            self.check_alive()?;
            if is_ready() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                self.take_lines(Duration::ZERO);
                return Err(Red::new(format!(
                    "not ready in {} s; it printed:\n{}",
                    patience.as_secs(),
                    self.transcript()
                )));
            }
            thread::sleep(POLL);
        }
    }

    /// Looks whether the child still runs.
    ///
    /// # Errors
    ///
    /// When it has ended; the message holds its exit status and what it printed.
    pub(crate) fn check_alive(&mut self) -> Outcome {
        let Ok(Some(status)) = self.child.try_wait() else {
            return Ok(());
        };
        self.take_lines(LAST_WORDS);
        Err(Red::new(format!("it ended ({status}); it printed:\n{}", self.transcript())))
    }

    /// Takes the lines that are there, and those that come within `patience` of each other.
    fn take_lines(&mut self, patience: Duration) {
        while let Ok(line) = self.lines.recv_timeout(patience) {
            self.seen.push(line);
        }
    }

    /// Waits until the child ends by itself, and returns its exit code and its lines.
    ///
    /// # Errors
    ///
    /// When `patience` is over first; the message holds what was printed.
    pub(crate) fn finish(mut self, patience: Duration) -> Outcome<(Option<i32>, Vec<Line>)> {
        let deadline = Instant::now() + patience;
        loop {
            self.take_lines(Duration::ZERO);
            if let Ok(Some(status)) = self.child.try_wait() {
                // The pipes may outlive the child when it left a process behind; what counts came before.
                self.take_lines(LAST_WORDS);
                return Ok((status.code(), std::mem::take(&mut self.seen)));
            }
            if Instant::now() >= deadline {
                let seconds = patience.as_secs();
                return Err(Red::new(format!("not done in {seconds} s; it printed:\n{}", self.transcript())));
            }
            thread::sleep(POLL);
        }
    }

    fn transcript(&self) -> String {
        tail(&self.seen)
    }

    /// Asks the group to end, waits a moment, then kills it.
    fn end(&mut self) {
        signal_group(self.child.id(), "-TERM");
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline {
            if let Ok(Some(_)) = self.child.try_wait() {
                break;
            }
            thread::sleep(POLL);
        }
        // The leader may be gone while others of its group are not; the group keeps its id as long as one lives.
        signal_group(self.child.id(), "-KILL");
        // What is left to fail here is that the child is gone already, which is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

/// Writes the last lines of a child, indented, for a failure.
pub(crate) fn tail(lines: &[Line]) -> String {
    let skipped = lines.len().saturating_sub(TRANSCRIPT_LINES);
    lines.iter().skip(skipped).map(|line| format!("    {}", line.text)).collect::<Vec<_>>().join("\n")
}

fn forward(stream: impl Read + Send + 'static, is_output: bool, sender: mpsc::Sender<Line>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            bytes.clear();
            if sender.send(Line { text, is_output }).is_err() {
                break;
            }
        }
    });
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(not(unix))]
fn own_group(_command: &mut Command) {}

/// Signals a process group by the id of its leader. The program `kill` does it: the system call needs `unsafe`.
#[cfg(unix)]
fn signal_group(leader: u32, signal: &str) {
    let _ = Command::new("kill")
        .args([signal, "--", &format!("-{leader}")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

#[cfg(not(unix))]
fn signal_group(_leader: u32, _signal: &str) {}

/// Finds a port of 127.0.0.1 for a program that cannot bind port 0. Someone else may take it before the program does.
///
/// # Errors
///
/// When none is free.
pub(crate) fn free_port() -> Outcome<u16> {
    let bound = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    bound.map(|address| address.port()).map_err(|error| Red::new(format!("no port is free: {error}")))
}

/// How often we look whether a child has ended.
const POLL: Duration = Duration::from_millis(10);
/// How long a group may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(3);
/// How long the last lines of a child that has ended may take to come.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How much of what a child printed goes into a failure.
const TRANSCRIPT_LINES: usize = 30;

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_line_that_is_waited_for_is_found_behind_others() {
        let mut group = Group::start(&mut shell("echo one; echo url=7 >&2; exec cat /dev/zero")).unwrap();
        let port = group.wait_for(PATIENCE, |line| line.text.strip_prefix("url=").map(str::to_owned));
        assert_eq!(port.unwrap(), "7");
    }

    #[test]
    fn a_child_that_ends_without_the_line_is_an_error_that_shows_what_it_printed() {
        let mut group = Group::start(&mut shell("echo the reason >&2; exit 3")).unwrap();
        let error = group.wait_for(PATIENCE, |_| None::<()>).unwrap_err();
        assert!(error.message.contains("it ended"), "{error}");
        assert!(error.message.contains("the reason"), "{error}");
    }

    #[test]
    fn the_exit_code_and_both_streams_of_a_finished_child_are_returned() {
        let group = Group::start(&mut shell("echo out; echo err >&2; exit 4")).unwrap();
        let (code, lines) = group.finish(PATIENCE).unwrap();
        assert_eq!(code, Some(4));
        let find = |text: &str| lines.iter().find(|line| line.text == text).unwrap().is_output;
        assert!(find("out"));
        assert!(!find("err"));
    }

    #[test]
    fn a_child_that_ends_before_it_is_ready_is_an_error_that_shows_what_it_printed() {
        let mut group = Group::start(&mut shell("echo the reason >&2; exit 3")).unwrap();
        let error = group.wait_until(PATIENCE, || false).unwrap_err();
        assert!(error.message.contains("the reason"), "{error}");
        assert!(group.check_alive().is_err());
    }

    #[test]
    fn a_child_that_is_never_ready_is_an_error_after_the_patience() {
        let mut group = Group::start(&mut shell("exec cat /dev/zero > /dev/null")).unwrap();
        let error = group.wait_until(Duration::ZERO, || false).unwrap_err();
        assert!(error.message.contains("not ready"), "{error}");
        assert!(group.check_alive().is_ok());
    }

    #[test]
    fn ending_a_group_ends_its_grandchildren_too() {
        let mut group = Group::start(&mut shell("cat /dev/zero > /dev/null & echo ready; wait")).unwrap();
        group.wait_for(PATIENCE, |line| (line.text == "ready").then_some(())).unwrap();
        group.end();
        // The grandchild has our standard error too: it closes when the last process that has it is gone.
        assert_eq!(group.lines.recv_timeout(PATIENCE).unwrap_err(), RecvTimeoutError::Disconnected);
    }

    #[test]
    fn a_failed_command_hands_its_exit_code_on() {
        assert_eq!(run(&mut shell("exit 9")).unwrap_err().code, 9);
    }
}
