//! A store as a server keeps it: [`TaskStore`] with its futures in boxes.
//!
//! The surprising thing: nobody implements it. Every [`TaskStore`] is one, so that stores are plain `async fn`s.

use std::time::SystemTime;

use futures::future::{BoxFuture, FutureExt as _};

use super::record::{TaskChange, TaskRecord};
use super::store::{TaskStore, TaskStoreError};

/// A [`TaskStore`] whose type is not known, as a server keeps it.
pub(crate) trait AnyTaskStore: Send + Sync {
    fn keeps(&self) -> bool;

    fn create(&self, record: TaskRecord, now: SystemTime) -> BoxFuture<'_, Result<(), TaskStoreError>>;

    fn get<'a>(&'a self, id: &'a str, now: SystemTime) -> BoxFuture<'a, Result<Option<TaskRecord>, TaskStoreError>>;

    fn apply<'a>(
        &'a self,
        id: &'a str,
        change: TaskChange,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Option<TaskRecord>, TaskStoreError>>;

    fn changed<'a>(&'a self, id: &'a str, seen: u64) -> BoxFuture<'a, Result<(), TaskStoreError>>;
}

impl<S: TaskStore> AnyTaskStore for S {
    fn keeps(&self) -> bool {
        TaskStore::keeps(self)
    }

    fn create(&self, record: TaskRecord, now: SystemTime) -> BoxFuture<'_, Result<(), TaskStoreError>> {
        TaskStore::create(self, record, now).boxed()
    }

    fn get<'a>(&'a self, id: &'a str, now: SystemTime) -> BoxFuture<'a, Result<Option<TaskRecord>, TaskStoreError>> {
        TaskStore::get(self, id, now).boxed()
    }

    fn apply<'a>(
        &'a self,
        id: &'a str,
        change: TaskChange,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Option<TaskRecord>, TaskStoreError>> {
        TaskStore::apply(self, id, change, now).boxed()
    }

    fn changed<'a>(&'a self, id: &'a str, seen: u64) -> BoxFuture<'a, Result<(), TaskStoreError>> {
        TaskStore::changed(self, id, seen).boxed()
    }
}
