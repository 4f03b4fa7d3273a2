//! Work on several threads whose results come out in the order of the work, so that nothing depends on the threads.

use std::num::NonZero;
use std::sync::mpsc::sync_channel;
use std::sync::{Condvar, LazyLock, Mutex, PoisonError};

/// The threads that there is a core for. Asking takes longer than a small decision, so it is done once.
pub(crate) fn threads() -> usize {
    static THREADS: LazyLock<usize> = LazyLock::new(|| std::thread::available_parallelism().map_or(1, NonZero::get));
    *THREADS
}

/// Does `work` on every item, on so many threads, and hands what came out to `each` in the order of the items. Taking
/// the next item is done by one thread at a time. The first error of `each` ends it.
pub(crate) fn in_order<T: Send, R: Send, E>(
    threads: usize,
    items: impl IntoIterator<Item = T, IntoIter: Send>,
    work: impl Fn(T) -> R + Sync,
    mut each: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let mut items = items.into_iter();
    // One item, or one thread, needs no other.
    let Some(first) = items.next() else { return Ok(()) };
    let second = if threads > 1 { items.next() } else { None };
    let Some(second) = second else {
        return std::iter::once(first).chain(items).map(work).try_for_each(each);
    };

    let items = Mutex::new([first, second].into_iter().chain(items).zip(0_u64..));
    // Nobody runs further ahead than this, or the results that wait would fill the memory.
    let window = Window::new(2 * threads as u64);
    let (sender, results) = sync_channel(threads);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, items, window, work) = (sender.clone(), &items, &window, &work);
            scope.spawn(move || {
                let _alarm = Alarm { window, only_panics: true };
                loop {
                    let mut items = items.lock().unwrap_or_else(PoisonError::into_inner);
                    let Some((item, number)) = items.next() else { break };
                    drop(items);
                    if !window.wait_for(number) || sender.send((number, work(item))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let _alarm = Alarm { window: &window, only_panics: false };
        let mut waiting = std::collections::BTreeMap::new();
        let mut next = 0;
        for (number, result) in results {
            waiting.insert(number, result);
            while let Some(result) = waiting.remove(&next) {
                next += 1;
                window.is_at(next);
                each(result)?;
            }
        }
        Ok(())
    })
}

/// How far the results have come.
struct Window {
    size: u64,
    /// The next result that is awaited; nothing once all is over.
    at: Mutex<Option<u64>>,
    moved: Condvar,
}

impl Window {
    const fn new(size: u64) -> Self {
        Self { size, at: Mutex::new(Some(0)), moved: Condvar::new() }
    }

    /// Waits until this number may be worked on; false once all is over.
    fn wait_for(&self, number: u64) -> bool {
        let at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        let too_far = |at: &mut Option<u64>| at.is_some_and(|at| number >= at + self.size);
        self.moved.wait_while(at, too_far).unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn is_at(&self, number: u64) {
        self.set(|at| *at = at.map(|_| number));
    }

    fn set(&self, change: impl FnOnce(&mut Option<u64>)) {
        change(&mut self.at.lock().unwrap_or_else(PoisonError::into_inner));
        self.moved.notify_all();
    }
}

/// Wakes everybody when all is over: the results are in, nobody wants more of them, or a thread panicked.
struct Alarm<'a> {
    window: &'a Window,
    /// A worker that merely has nothing left to do does not end it for the others.
    only_panics: bool,
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if !self.only_panics || std::thread::panicking() {
            self.window.set(|at| *at = None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Work that takes the longer the earlier it comes.
    fn slow(i: u64) -> u64 {
        std::thread::sleep(Duration::from_micros(20 * (100 - i.min(100)) % 700));
        i
    }

    #[test]
    fn results_come_in_the_order_of_the_items() {
        for threads in [1, 2, 3, 8] {
            for items in [0, 1, 2, 3, 100] {
                let mut found = Vec::new();
                let done: Result<(), ()> = in_order(threads, 0..items, slow, |i| {
                    found.push(i);
                    Ok(())
                });
                assert_eq!(done, Ok(()));
                assert_eq!(found, (0..items).collect::<Vec<_>>(), "{threads} threads");
            }
        }
    }

    #[test]
    fn the_first_error_ends_it() {
        for threads in [1, 2, 5] {
            let mut last = 0;
            let done = in_order(threads, 0.., slow, |i| {
                last = i;
                if i == 17 { Err("seventeen") } else { Ok(()) }
            });
            assert_eq!((done, last), (Err("seventeen"), 17), "{threads} threads");
        }
    }

    #[test]
    fn a_panic_of_the_work_is_one_of_the_caller() {
        for threads in [1, 2, 5] {
            let work = |i: u64| if i == 9 { panic!("nine") } else { i };
            let done = std::panic::catch_unwind(|| in_order(threads, 0..1_000, work, |_| Ok::<(), ()>(())));
            assert!(done.is_err(), "{threads} threads");
        }
    }
}
