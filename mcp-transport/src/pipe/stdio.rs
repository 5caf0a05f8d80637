//! The standard streams of this process as a way in for the client that started it (S-2).
//!
//! A pipe or a socket is read and written without blocking, which is three times as fast as the threads that other
//! streams need. The surprising thing: non-blocking is a property of the open file and not of the descriptor, and
//! whoever shares it gets it too, a panic in `eprintln!` included. So a pipe is opened anew where the system can do
//! that, and a stream that is shared with standard error is left alone.

use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

use super::Pipe;
use crate::error::Error;
use crate::limits::Limits;
use crate::service::{Serve, Service};

/// Serves the client that started this process, over standard input and output.
///
/// Nothing else may write to standard output. Serving ends when the client closes standard input.
/// It runs as a task of its own, so the runtime must be one that can spawn.
pub fn stdio() -> Stdio {
    Stdio { limits: Limits::default() }
}

/// A way in over the standard streams of this process; [`stdio`] makes one.
#[derive(Debug)]
pub struct Stdio {
    limits: Limits,
}

impl Stdio {
    /// Sets the limits.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits }
    }
}

impl Serve for Stdio {
    async fn serve<S: Service>(self, service: Arc<S>) -> Result<(), Error> {
        let (reader, writer) = open();
        // What a program waits for in `main` is run by none of the workers, so that every wake would cross threads. As a
        // task it is run by the worker that hears of its input. Dropping the set ends the task.
        let mut serving = JoinSet::new();
        serving.spawn(Pipe::new(reader, writer).limits(self.limits).sole().serve(service));
        match serving.join_next().await {
            Some(Ok(served)) => served,
            Some(Err(ended)) if ended.is_panic() => resume_unwind(ended.into_panic()),
            // The runtime is shutting down.
            Some(Err(_)) | None => Ok(()),
        }
    }
}

type Reader = Box<dyn AsyncRead + Send + Unpin>;
type Writer = Box<dyn AsyncWrite + Send + Unpin>;

#[cfg(unix)]
fn open() -> (Reader, Writer) {
    let reader = unix::reader(&std::io::stdin()).unwrap_or_else(|| Box::new(tokio::io::stdin()));
    let writer = unix::writer(&std::io::stdout()).unwrap_or_else(|| Box::new(tokio::io::stdout()));
    (reader, writer)
}

#[cfg(not(unix))]
fn open() -> (Reader, Writer) {
    (Box::new(tokio::io::stdin()), Box::new(tokio::io::stdout()))
}

#[cfg(unix)]
mod unix {
    //! Streams that need no thread. Every failure means that a thread is needed.

    use std::fs::File;
    use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

    use tokio::net::UnixStream;
    use tokio::net::unix::pipe;

    use super::{Reader, Writer};

    /// What a descriptor stands for.
    enum Kind {
        Pipe,
        Socket,
    }

    pub(super) fn reader(stream: &impl AsFd) -> Option<Reader> {
        let (kind, fd) = kind(stream)?;
        match kind {
            Kind::Pipe => match pipe::OpenOptions::new().open_receiver(path(&fd)) {
                Ok(receiver) => Some(Box::new(receiver)),
                Err(_) => Some(Box::new(pipe::Receiver::from_owned_fd(unshared(fd)?).ok()?)),
            },
            Kind::Socket => Some(Box::new(socket(unshared(fd)?)?)),
        }
    }

    pub(super) fn writer(stream: &impl AsFd) -> Option<Writer> {
        let (kind, fd) = kind(stream)?;
        match kind {
            Kind::Pipe => match pipe::OpenOptions::new().open_sender(path(&fd)) {
                Ok(sender) => Some(Box::new(sender)),
                Err(_) => Some(Box::new(pipe::Sender::from_owned_fd(unshared(fd)?).ok()?)),
            },
            Kind::Socket => Some(Box::new(socket(unshared(fd)?)?)),
        }
    }

    fn kind(stream: &impl AsFd) -> Option<(Kind, OwnedFd)> {
        let file = File::from(stream.as_fd().try_clone_to_owned().ok()?);
        let is = file.metadata().ok()?.file_type();
        let kind = match () {
            () if is.is_fifo() => Kind::Pipe,
            () if is.is_socket() => Kind::Socket,
            () => return None,
        };
        Some((kind, file.into()))
    }

    /// Returns where Linux lets a pipe be opened anew.
    fn path(fd: &OwnedFd) -> String {
        format!("/proc/self/fd/{}", fd.as_raw_fd())
    }

    /// Returns the descriptor if making it non-blocking cannot hurt standard error.
    fn unshared(fd: OwnedFd) -> Option<OwnedFd> {
        let file = File::from(fd);
        let ours = file.metadata().ok()?;
        let stderr = File::from(std::io::stderr().as_fd().try_clone_to_owned().ok()?).metadata().ok()?;
        ((ours.dev(), ours.ino()) != (stderr.dev(), stderr.ino())).then(|| file.into())
    }

    fn socket(fd: OwnedFd) -> Option<UnixStream> {
        // Reading and writing is the same for a socket of any family.
        let stream = std::os::unix::net::UnixStream::from(fd);
        stream.set_nonblocking(true).ok()?;
        UnixStream::from_std(stream).ok()
    }

    #[cfg(test)]
    mod tests {
        use std::io::Write as _;

        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

        use super::*;

        #[tokio::test]
        async fn a_pipe_is_read_without_a_thread_and_its_end_is_seen() {
            let (receiving, mut sending) = std::io::pipe().unwrap();
            let mut reader = reader(&receiving).expect("a pipe needs no thread");
            sending.write_all(b"line\n").unwrap();
            let mut read = [0; 5];
            reader.read_exact(&mut read).await.unwrap();
            assert_eq!(&read, b"line\n");
            drop(sending);
            assert_eq!(reader.read(&mut read).await.unwrap(), 0);
        }

        #[cfg(target_os = "linux")]
        #[tokio::test]
        async fn whoever_shares_a_pipe_with_us_still_blocks_on_it() {
            let (receiving, sending) = std::io::pipe().unwrap();
            let mut shared = sending.try_clone().unwrap();
            let mut writer = writer(&sending).expect("a pipe needs no thread");
            let reading = std::thread::spawn(move || {
                let mut receiving = receiving;
                let mut all = Vec::new();
                std::io::Read::read_to_end(&mut receiving, &mut all).map(|_| all.len())
            });
            // More than a pipe holds: a non-blocking writer would fail here.
            shared.write_all(&vec![b'x'; 1 << 20]).unwrap();
            writer.write_all(b"y").await.unwrap();
            drop((shared, sending, writer));
            assert_eq!(reading.join().unwrap().unwrap(), (1 << 20) + 1);
        }

        #[tokio::test]
        async fn a_socket_is_written_without_a_thread() {
            let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
            let mut writer = writer(&ours).expect("a socket needs no thread");
            writer.write_all(b"line\n").await.unwrap();
            let mut read = [0; 5];
            std::io::Read::read_exact(&mut &theirs, &mut read).unwrap();
            assert_eq!(&read, b"line\n");
        }

        #[test]
        fn a_file_needs_a_thread() {
            let file = File::open("/dev/null").unwrap();
            assert!(reader(&file).is_none());
        }
    }
}
