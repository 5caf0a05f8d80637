//! Running many short programs on a few threads.

use std::{sync::Mutex, thread};

/// Does `work` for every item on a few threads, and returns what came of it in the order of the items.
///
/// # Panics
///
/// When `work` panics.
pub(crate) fn for_all<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let workers = thread::available_parallelism().map_or(2, usize::from).min(MOST);
    let next = Mutex::new(items.iter().enumerate());
    let done = Mutex::new(Vec::new());
    let take = || next.lock().expect("no worker panics while it takes an item").next();
    let run = || {
        while let Some((index, item)) = take() {
            let result = work(item);
            done.lock().expect("no worker panics while it adds a result").push((index, result));
        }
    };
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(run);
        }
    });
    let mut done = done.into_inner().expect("no worker panics while it adds a result");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The programs mostly wait, but a machine with many processors is no reason to start as many interpreters.
const MOST: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_done_once_and_the_results_keep_the_order() {
        let items: Vec<u32> = (0..100).collect();
        assert_eq!(for_all(&items, |item| item * 2), (0..200).step_by(2).collect::<Vec<_>>());
        assert_eq!(for_all(&[], |item: &u32| *item), Vec::<u32>::new());
    }
}
