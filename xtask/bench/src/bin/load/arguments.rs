//! The command line, and what is said of a measured time.

use std::{io, time::Duration};

use mcp_bench::{
    http::Place,
    process::Process,
    script::{Era, Work},
    statistics::percentile,
};
use serde_json::{Value, json};

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) mode: String,
    pub(crate) command: Vec<String>,
    pub(crate) connections: usize,
    pub(crate) count: usize,
    pub(crate) era: Era,
    /// Whether only streams of events are taken.
    pub(crate) events_only: bool,
    pub(crate) place: Option<Place>,
    pub(crate) process: Option<Process>,
    pub(crate) measured: Duration,
    pub(crate) warm: Duration,
    pub(crate) window: usize,
    pub(crate) work: Work,
}

impl Arguments {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// When one is unknown or has no value that fits.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> io::Result<Self> {
        let mut read = Self {
            mode: words.next().unwrap_or_default(),
            command: Vec::new(),
            connections: 1,
            count: 1,
            era: Era::Modern,
            events_only: false,
            place: None,
            process: None,
            measured: Duration::from_secs(1),
            warm: Duration::from_millis(300),
            window: 1,
            work: Work::Echo(32),
        };
        while let Some(option) = words.next() {
            if option == "--" {
                read.command = words.collect();
                break;
            }
            let value = words.next().ok_or_else(|| unfit(&option, ""))?;
            read.set(&option, &value).ok_or_else(|| unfit(&option, &value))?;
        }
        Ok(read)
    }

    fn set(&mut self, option: &str, value: &str) -> Option<()> {
        match option {
            "--accept" if value == "events" => self.events_only = true,
            "--call" => {
                let (name, arguments) = value.split_once(' ')?;
                self.work = Work::Call(name.to_owned(), arguments.to_owned());
            }
            "--connections" => self.connections = value.parse().ok()?,
            "--count" => self.count = value.parse().ok()?,
            "--echo" => self.work = Work::Echo(value.parse().ok()?),
            "--era" if value == "legacy" => self.era = Era::Legacy,
            "--era" if value == "modern" => self.era = Era::Modern,
            "--list" if value == "tools" => self.work = Work::List,
            "--pid" => self.process = Some(Process(value.parse().ok()?)),
            "--progress" => self.work = Work::Progress(value.parse().ok()?),
            "--seconds" => self.measured = Duration::try_from_secs_f64(value.parse().ok()?).ok()?,
            "--url" => self.place = Some(Place::of(value)?),
            "--warm" => self.warm = Duration::try_from_secs_f64(value.parse().ok()?).ok()?,
            "--window" => self.window = value.parse().ok()?,
            _ => return None,
        }
        Some(())
    }

    /// Returns the place and the process of a server that runs already.
    ///
    /// # Errors
    ///
    /// When they were not said.
    pub(crate) fn server(&self) -> io::Result<(&Place, Process)> {
        let both = self.place.as_ref().zip(self.process);
        both.ok_or_else(|| io::Error::other("`--url` and `--pid` say which server is measured"))
    }
}

fn unfit(option: &str, value: &str) -> io::Error {
    io::Error::other(format!("`{option} {value}` is no option"))
}

/// What one run says: the time of each request, and the CPU time of the server for all of them.
pub(crate) fn report(mut walls: Vec<u64>, elapsed: Duration, cpu_ns: u64, server: Process) -> io::Result<Value> {
    walls.sort_unstable();
    let requests = walls.len().max(1) as f64;
    Ok(json!({
        "requests": walls.len(),
        "cpu_us": cpu_ns as f64 / 1000.0 / requests,
        "wall_us": elapsed.as_secs_f64() * 1e6 / requests,
        "p50_us": percentile(&walls, 0.5) as f64 / 1000.0,
        "p99_us": percentile(&walls, 0.99) as f64 / 1000.0,
        "rss_kib": server.memory_kib("VmRSS")?,
        "peak_kib": server.memory_kib("VmHWM")?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> io::Result<Arguments> {
        Arguments::read(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn what_stands_behind_two_dashes_is_the_command() {
        let arguments = read("stdio --window 64 --echo 7 -- server --http x").unwrap();
        assert_eq!((arguments.window, &arguments.work), (64, &Work::Echo(7)));
        assert_eq!(arguments.command, ["server", "--http", "x"]);
    }

    #[test]
    fn what_is_no_option_is_refused() {
        for line in ["http --windows 1", "http --window", "http --window x", "http --era old", "http --url ftp://x/"] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
