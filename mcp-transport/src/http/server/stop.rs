//! The way down: first nothing new begins, then what is left is answered with an error (F95).

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::watch;

/// How far the server is on its way down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// It serves.
    Running,
    /// It takes no new connection, and requests in flight are given time.
    Draining,
    /// The time is over.
    Closing,
}

/// The end that waits; it counts as reached when the other end is gone.
#[derive(Clone, Debug)]
pub(super) struct Stop(watch::Receiver<Stage>);

impl Stop {
    pub(super) fn new() -> (watch::Sender<Stage>, Self) {
        let (sender, receiver) = watch::channel(Stage::Running);
        (sender, Self(receiver))
    }

    pub(super) fn reached(&self, stage: Stage) -> BoxFuture<'static, ()> {
        let mut stages = self.0.clone();
        async move {
            let _ = stages.wait_for(|now| *now >= stage).await;
        }
        .boxed()
    }
}
