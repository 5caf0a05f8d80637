//! The process group of a child: the child and all that it started.
//!
//! The surprising thing: an id is only known to be the group's until the child was waited for, and so it is forgotten
//! with the first kill. A signal that came later could hit a stranger that got the same number.

#[cfg(unix)]
pub(super) use unix::Group;

#[cfg(not(unix))]
pub(super) use other::Group;

/// Kills a group when it is dropped.
pub(super) struct Leash<'a>(pub(super) &'a Group);

impl Drop for Leash<'_> {
    fn drop(&mut self) {
        self.0.kill();
    }
}

/// Says in words how a process ended.
pub(super) fn in_words(status: std::io::Result<std::process::ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => format!("its status is unknown: {error}"),
    }
}

#[cfg(unix)]
mod unix {
    use std::io;
    use std::process::ExitStatus;
    use std::sync::{Mutex, PoisonError};

    use rustix::process::{Pid, Signal, kill_process_group};

    /// A group that can be signalled until it is killed.
    #[derive(Debug)]
    pub(in super::super) struct Group {
        leader: Mutex<Option<Pid>>,
    }

    impl Group {
        pub(in super::super) fn of(leader: Option<u32>) -> Self {
            let leader = leader.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
            Self { leader: Mutex::new(leader) }
        }

        /// Asks every member to end.
        pub(in super::super) fn terminate(&self) {
            let leader = self.leader.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(leader) = *leader {
                // It fails when there are no members any more.
                let _ = kill_process_group(leader, Signal::TERM);
            }
        }

        /// Ends every member, once.
        pub(in super::super) fn kill(&self) {
            let mut leader = self.leader.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(leader) = leader.take() {
                let _ = kill_process_group(leader, Signal::KILL);
            }
        }

        /// Waits for the leader to end, and says how it did.
        pub(in super::super) async fn wait_for(&self, process: &mut tokio::process::Child) -> io::Result<ExitStatus> {
            process.wait().await
        }
    }
}

#[cfg(not(unix))]
mod other {
    use std::io;
    use std::process::ExitStatus;

    use tokio::sync::Notify;

    /// Only the child itself: this system has no process groups in the standard library.
    #[derive(Debug)]
    pub(in super::super) struct Group {
        killed: Notify,
    }

    impl Group {
        pub(in super::super) fn of(_leader: Option<u32>) -> Self {
            Self { killed: Notify::new() }
        }

        /// There is no polite way here; the end of its input was the request to end.
        pub(in super::super) fn terminate(&self) {}

        pub(in super::super) fn kill(&self) {
            self.killed.notify_one();
        }

        pub(in super::super) async fn wait_for(&self, process: &mut tokio::process::Child) -> io::Result<ExitStatus> {
            tokio::select! {
                status = process.wait() => return status,
                () = self.killed.notified() => {}
            }
            // It fails when the process has ended meanwhile.
            let _ = process.start_kill();
            process.wait().await
        }
    }
}
