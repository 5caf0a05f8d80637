//! Accepts connections, as many as the limits allow, and brings them to an end (F85, F86, F95).
//!
//! The surprising thing: failing to accept is no reason to stop, because the usual cause is a lack of file
//! descriptors, which passes.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};

use super::connection::serve_connection;
use super::endpoint::Endpoint;
use super::stop::Stage;

/// What is open and where it came from.
pub(super) struct Connections {
    endpoint: Arc<Endpoint>,
    tasks: JoinSet<()>,
    peers: HashMap<Id, IpAddr>,
    by_peer: HashMap<IpAddr, usize>,
    /// Connections that are being told that there are too many.
    refused: JoinSet<()>,
}

enum Event {
    Accepted(std::io::Result<(TcpStream, SocketAddr)>),
    Closed(Result<(Id, ()), JoinError>),
    Sweep,
    Shutdown,
}

/// Serves until `shutdown` is ready; then gives what is in flight the time that the limits say.
pub(super) async fn run(
    listener: TcpListener,
    endpoint: Arc<Endpoint>,
    stage: watch::Sender<Stage>,
    mut shutdown: BoxFuture<'static, ()>,
) {
    let limits = endpoint.config.limits.clone();
    let mut sweep = ticks(limits.session_init.min(limits.session_idle) / 2);
    let mut connections = Connections::new(Arc::clone(&endpoint));
    loop {
        let event = tokio::select! {
            accepted = listener.accept() => Event::Accepted(accepted),
            Some(closed) = connections.tasks.join_next_with_id() => Event::Closed(closed),
            Some(_) = connections.refused.join_next() => continue,
            _ = sweep.tick() => Event::Sweep,
            () = &mut shutdown => Event::Shutdown,
        };
        match event {
            Event::Accepted(Ok((stream, peer))) => connections.open(stream, peer.ip()),
            // Waiting gives descriptors a chance to come back; without it this would spin.
            Event::Accepted(Err(error)) if !is_of_connection(&error) => sleep(ACCEPT_PAUSE).await,
            Event::Accepted(Err(_)) => {}
            Event::Closed(closed) => connections.close(closed),
            Event::Sweep => endpoint.sweep(),
            Event::Shutdown => break,
        }
    }
    drop(listener);
    stage.send_replace(Stage::Draining);
    endpoint.service.shutdown();
    if timeout(limits.drain, connections.finish()).await.is_err() {
        stage.send_replace(Stage::Closing);
        let _ = timeout(LAST_WORDS, connections.finish()).await;
    }
}

impl Connections {
    fn new(endpoint: Arc<Endpoint>) -> Self {
        Self {
            endpoint,
            tasks: JoinSet::new(),
            peers: HashMap::new(),
            by_peer: HashMap::new(),
            refused: JoinSet::new(),
        }
    }

    fn open(&mut self, stream: TcpStream, peer: IpAddr) {
        // Without this a small event waits for the acknowledgement of the one before it, 40 ms and more.
        let _ = stream.set_nodelay(true);
        let limits = &self.endpoint.config.limits;
        let of_peer = self.by_peer.get(&peer).copied().unwrap_or(0);
        if self.tasks.len() >= limits.connections {
            return self.refuse(stream);
        }
        if of_peer >= limits.connections_per_address && !peer.is_loopback() {
            return; // Dropping the stream closes it.
        }
        let task = self.tasks.spawn(serve_connection(stream, Arc::clone(&self.endpoint)));
        self.peers.insert(task.id(), peer);
        self.by_peer.insert(peer, of_peer + 1);
    }

    fn refuse(&mut self, mut stream: TcpStream) {
        if self.refused.len() < MAX_REFUSED {
            self.refused.spawn(async move {
                let told = async {
                    let _ = stream.write_all(TOO_MANY).await;
                    let _ = stream.shutdown().await;
                };
                let _ = timeout(LAST_WORDS, told).await;
            });
        }
    }

    fn close(&mut self, closed: Result<(Id, ()), JoinError>) {
        let id = closed.map_or_else(|error| error.id(), |(id, ())| id);
        let Some(peer) = self.peers.remove(&id) else { return };
        let left = self.by_peer.get(&peer).copied().unwrap_or(0).saturating_sub(1);
        if left == 0 {
            self.by_peer.remove(&peer);
        } else {
            self.by_peer.insert(peer, left);
        }
    }

    async fn finish(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Returns whether accepting failed because of the one connection that was to be accepted.
fn is_of_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

fn ticks(period: Duration) -> Interval {
    let mut ticks = interval(period.clamp(MIN_SWEEP, MAX_SWEEP));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

const TOO_MANY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";

/// Connections that are told at the same time that there are too many; further ones are closed without a word.
const MAX_REFUSED: usize = 64;
/// How long the last bytes to a peer may take.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long to wait when the system cannot accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often to look for idle sessions, at most and at least.
const MIN_SWEEP: Duration = Duration::from_secs(1);
const MAX_SWEEP: Duration = Duration::from_secs(60);
