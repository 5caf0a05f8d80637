//! Signals that end the program.
//!
//! The surprising thing: listening begins before anything is said. Whoever starts this program may send a signal as
//! soon as it sees the first line, and without a listener a signal ends the program on the spot.

use crate::exit::{Failure, Kind};

/// Listens for Ctrl-C, and on Unix for SIGTERM, from the moment it is made.
pub(crate) struct Stop {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// To stop what is under way: Ctrl-C.
    Interrupt,
    /// To end.
    #[cfg_attr(windows, allow(dead_code, reason = "there is only Ctrl-C"))]
    Terminate,
}

impl Stop {
    /// Begins to listen.
    #[cfg(unix)]
    pub(crate) fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt()).map_err(|error| refused(&error))?;
        let terminate = signal(SignalKind::terminate()).map_err(|error| refused(&error))?;
        Ok(Self { interrupt, terminate })
    }

    /// Begins to listen.
    #[cfg(windows)]
    pub(crate) fn listen() -> Result<Self, Failure> {
        Ok(Self { interrupt: tokio::signal::windows::ctrl_c().map_err(|error| refused(&error))? })
    }

    /// Waits for a signal.
    pub(crate) async fn requested(&mut self) {
        self.signal().await;
    }

    /// Waits for a signal and returns which it was.
    #[cfg(unix)]
    pub(crate) async fn signal(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }

    /// Waits for a signal and returns which it was.
    #[cfg(windows)]
    pub(crate) async fn signal(&mut self) -> Signal {
        let _ = self.interrupt.recv().await;
        Signal::Interrupt
    }
}

/// What ends a command that was interrupted.
pub(crate) fn interrupted() -> Failure {
    Failure::new(Kind::Interrupted, "interrupted")
}

fn refused(error: &std::io::Error) -> Failure {
    Failure::unreachable(format!("cannot listen for signals: {error}"))
}
