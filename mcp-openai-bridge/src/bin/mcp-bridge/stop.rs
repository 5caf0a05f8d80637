//! Signals that end the program.

use crate::exit::{Failure, Kind};

/// Waits for Ctrl-C, or on Unix for SIGTERM.
///
/// # Cancel safety
///
/// A signal that comes while nobody waits does what the system does by default, until the first call.
pub(crate) async fn requested() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        // Without a handler for it the signal ends the program by itself.
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// What ends a command that was interrupted.
pub(crate) fn interrupted() -> Failure {
    Failure::new(Kind::Interrupted, "interrupted")
}
