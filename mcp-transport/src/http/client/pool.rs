//! Connections that wait for their next request.
//!
//! The last one back is the first one out, so that a client that has calmed down lets the others go stale.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::connection::Connection;

/// Idle connections to one server.
#[derive(Default)]
pub(super) struct Pool {
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    /// Takes out a connection of which it is not known, without a look at it, that the server has closed it.
    pub(super) fn take(&self) -> Option<Connection> {
        loop {
            let mut connection = self.lock().pop()?;
            if connection.is_usable() {
                return Some(connection);
            }
        }
    }

    /// Puts a connection back whose last response was read to its end.
    pub(super) fn put(&self, mut connection: Connection) {
        if !connection.finish() {
            return;
        }
        let mut idle = self.lock();
        if idle.len() < MAX_IDLE {
            idle.push(connection);
        }
    }

    /// Closes what is idle.
    pub(super) fn clear(&self) {
        let idle = std::mem::take(&mut *self.lock());
        drop(idle);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Connection>> {
        // Every change is one call, so poisoning means nothing.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Idle connections that are kept; one above is closed.
const MAX_IDLE: usize = 64;
