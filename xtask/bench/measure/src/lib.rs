//! What a client that is measured is told, and what it says of itself: one line of JSON on standard output.
//!
//! The surprising thing: CPU time is that of this process alone, the sum over its threads of what the scheduler gave
//! them. A server that it started is another process and does not count.

use std::{
    env, fs,
    future::poll_fn,
    pin::{Pin, pin},
    sync::atomic::{AtomicU64, Ordering},
    task::Poll,
    time::{Duration, Instant},
};

/// What a client is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// How it speaks.
    pub era: Era,
    /// The base URL of a model, for loops.
    pub model: Option<String>,
    /// How many requests are measured.
    pub requests: u64,
    /// How many bytes of text a call carries.
    pub size: usize,
    /// Where the server is.
    pub target: Target,
    /// How many requests come first and are not measured.
    pub warm: u64,
    /// How many requests are on their way at once.
    pub window: u64,
    /// The flags that stand alone.
    pub flags: Vec<String>,
}

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// After `initialize`.
    Legacy,
    /// Every request says all there is to say.
    Modern,
}

/// Where the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A program, started by the client.
    Command(Vec<String>),
    /// Nowhere: the program needs none.
    None,
    /// An HTTP endpoint.
    Url(String),
}

impl Options {
    /// Reads the arguments of the program.
    ///
    /// # Panics
    ///
    /// When they are not what a client is told; the message says which.
    #[must_use]
    pub fn read() -> Self {
        let mut options = Self {
            era: Era::Modern,
            model: None,
            requests: 1_000,
            size: 32,
            target: Target::None,
            warm: 0,
            window: 1,
            flags: Vec::new(),
        };
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            if argument == "--" {
                options.target = Target::Command(arguments.collect());
                break;
            }
            let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} needs a value"));
            match argument.as_str() {
                "--era" => options.era = if value() == "legacy" { Era::Legacy } else { Era::Modern },
                "--model" => options.model = Some(value()),
                "--requests" => options.requests = number(&value()),
                "--size" => options.size = usize::try_from(number(&value())).expect("a size of this machine"),
                "--url" => options.target = Target::Url(value()),
                "--warm" => options.warm = number(&value()),
                "--window" => options.window = number(&value()).max(1),
                flag => options.flags.push(flag.to_owned()),
            }
        }
        options
    }

    /// Returns whether a flag was given.
    #[must_use]
    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|given| given == flag)
    }

    /// Returns a text of the size that a call carries, with nothing to escape.
    #[must_use]
    pub fn text(&self) -> String {
        let words = (0u64..).map(|index| format!("{index:08x} "));
        words.flat_map(String::into_bytes).take(self.size).map(char::from).collect()
    }
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("{text} is no number"))
}

/// Hands out so many turns to those who ask, whoever asks.
#[derive(Debug)]
pub struct Turns(AtomicU64);

impl Turns {
    /// So many turns.
    #[must_use]
    pub fn new(count: u64) -> Self {
        Self(AtomicU64::new(count))
    }

    /// Takes one, when there is one left.
    pub fn take(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// A measured part that has begun.
#[derive(Debug)]
pub struct Measure {
    begun: Instant,
    cpu: u64,
}

impl Measure {
    /// Begins.
    #[must_use]
    pub fn begin() -> Self {
        Self { cpu: cpu_ns(), begun: Instant::now() }
    }

    /// Ends, and prints the line; `took` is how long each request took.
    ///
    /// # Panics
    ///
    /// When a thread ended meanwhile and took its time with it, so that there is less than before.
    pub fn end(self, mut took: Vec<Duration>) {
        let wall = self.begun.elapsed().as_nanos();
        let cpu = cpu_ns().checked_sub(self.cpu).expect("no thread ends while it is measured");
        took.sort_unstable();
        let at = |percent: usize| {
            let index = (took.len() * percent / 100).min(took.len().saturating_sub(1));
            took.get(index).map_or(0.0, |took| took.as_secs_f64() * 1e6)
        };
        let (requests, p50, p99) = (took.len(), at(50), at(99));
        println!(r#"{{"requests":{requests},"cpu_ns":{cpu},"wall_ns":{wall},"p50_us":{p50:.2},"p99_us":{p99:.2}}}"#);
    }
}

/// Waits for an exchange over a connection that nobody else drives: a task of its own would be woken for each answer.
pub async fn driving<T>(connection: Pin<&mut impl Future>, exchange: impl Future<Output = T>) -> T {
    let (mut connection, mut exchange) = (connection, pin!(exchange));
    poll_fn(|context| match exchange.as_mut().poll(context) {
        Poll::Pending => {
            // When it has ended, the exchange says so.
            let _ends = connection.as_mut().poll(context);
            exchange.as_mut().poll(context)
        }
        outcome => outcome,
    })
    .await
}

/// The time that the scheduler has given to the threads of this process.
fn cpu_ns() -> u64 {
    let of = |task: fs::DirEntry| -> Option<u64> {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    };
    fs::read_dir("/proc/self/task").map(|tasks| tasks.flatten().filter_map(of).sum()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_turns_as_were_given() {
        let turns = Turns::new(3);
        assert_eq!(std::iter::repeat_with(|| turns.take()).take_while(|&taken| taken).count(), 3);
        assert!(!turns.take());
    }
}
