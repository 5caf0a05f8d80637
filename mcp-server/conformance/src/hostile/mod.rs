//! The hostile run: bytes that no client would send, aimed at a server in a process of its own.
//!
//! ```text
//! probes ── texts ──> http │ pipe ──> process (this program again) ──> judge ──> report
//! ```
//!
//! After every probe the same holds of every server: a good call works, the process lives, what was opened is closed,
//! and nothing complains (O1, O2, O3, O5 of the fault catalogue; O4 where the probe has a bound). The surprising thing:
//! most of the run is waiting for deadlines of the server, so the probes run at once, each with a server of its own.

mod account;
mod http;
mod judge;
mod pipe;
mod probes;
mod process;
mod report;
mod serve;
mod texts;

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, stream};
use tokio::time::timeout;

pub(crate) use self::report::Report;
pub(crate) use self::serve::{Aim, serve};

use self::http::HttpTarget;
use self::pipe::PipeTarget;
use self::report::{Finding, Row};

/// One thing to do to a server.
struct Probe {
    name: &'static str,
    /// What a good server does.
    goal: &'static str,
    run: Run,
}

/// How a probe reaches its server.
enum Run {
    Http(Aim, for<'a> fn(&'a HttpTarget) -> BoxFuture<'a, Finding>),
    /// The probe may end its side; then the process must end well.
    Pipe(for<'a> fn(&'a mut PipeTarget) -> BoxFuture<'a, Finding>),
}

/// Runs the probes whose names hold a text, some at once.
pub(crate) async fn run(only: Option<&str>) -> Report {
    let start = Instant::now();
    let chosen = probes::all().filter(|probe| only.is_none_or(|only| probe.name.contains(only)));
    let mut at: Vec<_> = chosen.enumerate().collect();
    // Those that wait for long begin first.
    at.sort_by_key(|(_, probe)| !probe.goal.contains(" s"));
    let mut rows: Vec<_> = stream::iter(at)
        .map(|(at, probe)| probe.row().map(move |row| (at, row)))
        .buffer_unordered(JOBS)
        .collect()
        .await;
    rows.sort_by_key(|(at, _)| *at);
    Report { rows: rows.into_iter().map(|(_, row)| row).collect(), took: start.elapsed() }
}

impl Probe {
    async fn row(self) -> Row {
        let start = Instant::now();
        let run = AssertUnwindSafe(timeout(DEADLINE, self.find())).catch_unwind();
        let finding = match run.await {
            Ok(Ok(finding)) => finding,
            Ok(Err(_)) => Err(format!("did not end within {DEADLINE:?} (O1)")),
            Err(_) => Err("the probe panicked".to_owned()),
        };
        let way = match self.run {
            Run::Http(..) => "http",
            Run::Pipe(_) => "stdio",
        };
        Row { way, name: self.name, goal: self.goal, finding, took: start.elapsed() }
    }

    async fn find(&self) -> Finding {
        match self.run {
            Run::Http(aim, run) => over_http(aim, run).await,
            Run::Pipe(run) => over_pipe(run).await,
        }
    }
}

async fn over_http(aim: Aim, run: for<'a> fn(&'a HttpTarget) -> BoxFuture<'a, Finding>) -> Finding {
    let mut target = HttpTarget::start(aim).await?;
    let files = target.process.open_files();
    target.good_call().await.map_err(|fault| format!("before the probe: {fault}"))?;
    let finding = run(&target).await;
    let after = async {
        target.process.check_lives()?;
        target.good_call().await?;
        target.process.settle(files).await?;
        target.process.check_quiet()
    };
    conclude(finding, after.await)
}

async fn over_pipe(run: for<'a> fn(&'a mut PipeTarget) -> BoxFuture<'a, Finding>) -> Finding {
    let mut target = PipeTarget::start(Aim::Stdio)?;
    target.good_call().await.map_err(|fault| format!("before the probe: {fault}"))?;
    let files = target.process.open_files();
    let finding = run(&mut target).await;
    let after = async {
        if target.stdin.is_some() {
            target.process.check_lives()?;
            target.good_call().await?;
            target.process.settle(files).await?;
            let rest = target.end().await?;
            if let Some(one) = rest.first() {
                return Err(format!("an answer too many: {} (O1)", judge::cut(&one.to_string())));
            }
        }
        target.process.check_exit().await?;
        target.process.check_quiet()
    };
    conclude(finding, after.await)
}

/// Joins what a probe saw with what holds of every server.
fn conclude(finding: Finding, after: Result<(), String>) -> Finding {
    match (finding, after) {
        (finding, Ok(())) => finding,
        (Ok(seen), Err(fault)) => Err(format!("{seen}; afterwards: {fault}")),
        (Err(red), Err(fault)) => Err(format!("{red}; afterwards: {fault}")),
    }
}

/// How many probes run at once; most of them wait.
const JOBS: usize = 8;
/// How long one probe may take.
const DEADLINE: Duration = Duration::from_secs(55);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_probes_of_one_transport_have_the_same_name() {
        let name = |probe: &Probe| (matches!(probe.run, Run::Http(..)), probe.name);
        let mut names: Vec<_> = probes::all().map(|probe| name(&probe)).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn what_is_wrong_afterwards_makes_a_probe_red() {
        assert_eq!(conclude(Ok("403".to_owned()), Ok(())), Ok("403".to_owned()));
        assert!(conclude(Ok("403".to_owned()), Err("dead".to_owned())).unwrap_err().contains("dead"));
        assert!(conclude(Err("200".to_owned()), Ok(())).is_err());
    }
}
