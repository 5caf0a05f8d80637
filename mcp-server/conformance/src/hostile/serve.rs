//! The server that the probes are aimed at: the full fixture, in a process of its own.
//!
//! The surprising thing: panics are printed here and not kept quiet as in the matrix, because the oracle reads the
//! standard error and knows which panics a probe has asked for.

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use mcp_server::{Http, Limits};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::fixture::Fixture;

/// The server of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// Over the standard streams, with the default limits.
    Stdio,
    /// Over HTTP, with the default limits.
    Http,
    /// Over HTTP, with limits that a run of a minute can reach: an idle time of 2 s, 1 500 sessions that may be opened
    /// as fast as one likes.
    HttpShort,
}

impl Aim {
    /// Every server.
    pub(crate) const ALL: [Self; 3] = [Self::Stdio, Self::Http, Self::HttpShort];

    /// Returns the name that the argument of the child process has.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::Http => "http",
            Self::HttpShort => "http-short",
        }
    }

    /// Finds a server by its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|aim| aim.as_str() == name)
    }

    fn limits(self) -> Limits {
        let limits = Limits::default();
        match self {
            Self::Stdio | Self::Http => limits,
            Self::HttpShort => limits.idle_timeout(SHORT_IDLE).sessions(SESSIONS).sessions_per_second(1_000_000),
        }
    }
}

/// Is the server of a probe until its standard input ends.
pub(crate) fn serve(aim: Aim) -> Result<(), Box<dyn Error>> {
    let server = Fixture::Full.build()?;
    if aim == Aim::Stdio {
        let way_in = mcp_server::stdio().limits(aim.limits());
        Builder::new_current_thread().enable_all().build()?.block_on(server.serve(way_in))?;
        return Ok(());
    }
    Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let http = Http::bind("127.0.0.1:0").await?.limits(aim.limits()).shutdown_on(end_of_input());
        writeln!(std::io::stdout(), "{}", http.local_addr())?;
        server.serve(http).await?;
        Ok(())
    })
}

/// Waits until the process that started this one closes the pipe, or is gone.
async fn end_of_input() {
    let (ended, end) = oneshot::channel();
    // A thread of its own: the runtime would wait for one of its blocking threads when it stops.
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = ended.send(());
    });
    let _ = end.await;
}

/// How long a connection may be idle in a run that does not take 75 s.
pub(super) const SHORT_IDLE: Duration = Duration::from_secs(2);
/// How many sessions there may be at once.
pub(super) const SESSIONS: usize = 1_500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_is_found_by_its_name() {
        for aim in Aim::ALL {
            assert_eq!(Aim::named(aim.as_str()), Some(aim));
        }
    }

    #[test]
    fn only_the_short_server_has_other_limits_than_the_default() {
        assert_eq!((Aim::Stdio.limits(), Aim::Http.limits()), (Limits::default(), Limits::default()));
        assert_ne!(Aim::HttpShort.limits(), Limits::default());
    }
}
