//! Work on several threads. The results are in the order of the items, so they do not depend on the threads.

use std::num::NonZero;
use std::sync::mpsc::sync_channel;
use std::sync::{Condvar, LazyLock, Mutex, PoisonError};

/// Returns the number of cores. Querying it takes longer than a small decision, so it is done once.
pub fn threads() -> usize {
    static THREADS: LazyLock<usize> = LazyLock::new(|| std::thread::available_parallelism().map_or(1, NonZero::get));
    *THREADS
}

/// Runs `work` on every item, on `threads` threads, and passes the results to `each` in the order of the items. The
/// iterator is used by one thread at a time. The first error of `each` ends the work.
pub fn in_order<T: Send, R: Send, E>(
    threads: usize,
    items: impl IntoIterator<Item = T, IntoIter: Send>,
    work: impl Fn(T) -> R + Sync,
    mut each: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let mut items = items.into_iter();
    // One item or one thread needs no other threads.
    let Some(first) = items.next() else { return Ok(()) };
    let second = if threads > 1 { items.next() } else { None };
    let Some(second) = second else {
        return std::iter::once(first).chain(items).map(work).try_for_each(each);
    };

    let items = Mutex::new([first, second].into_iter().chain(items).zip(0_u64..));
    // The threads must not run further ahead, or waiting results would fill the memory.
    let window = Window::new(2 * threads as u64);
    let (sender, results) = sync_channel(threads);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, items, window, work) = (sender.clone(), &items, &window, &work);
            scope.spawn(move || {
                let _stop = StopOnDrop { window, only_on_panic: true };
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
        let _stop = StopOnDrop { window: &window, only_on_panic: false };
        let mut waiting = std::collections::BTreeMap::new();
        let mut next = 0;
        for (number, result) in results {
            waiting.insert(number, result);
            while let Some(result) = waiting.remove(&next) {
                next += 1;
                window.advance_to(next);
                each(result)?;
            }
        }
        Ok(())
    })
}

/// The range of items that may be worked on.
struct Window {
    size: u64,
    /// The number of the next result; `None` once the work has ended.
    next: Mutex<Option<u64>>,
    moved: Condvar,
}

impl Window {
    const fn new(size: u64) -> Self {
        Self { size, next: Mutex::new(Some(0)), moved: Condvar::new() }
    }

    /// Waits until an item may be worked on. Returns false once the work has ended.
    fn wait_for(&self, number: u64) -> bool {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let too_far = |next: &mut Option<u64>| next.is_some_and(|next| number >= next + self.size);
        self.moved.wait_while(next, too_far).unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn advance_to(&self, number: u64) {
        self.set(|next| *next = next.map(|_| number));
    }

    fn set(&self, change: impl FnOnce(&mut Option<u64>)) {
        change(&mut self.next.lock().unwrap_or_else(PoisonError::into_inner));
        self.moved.notify_all();
    }
}

/// Wakes all threads when the work has ended: every result was passed on, `each` failed, or a thread panicked.
struct StopOnDrop<'a> {
    window: &'a Window,
    /// A worker without items left does not end the work of the others.
    only_on_panic: bool,
}

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        if !self.only_on_panic || std::thread::panicking() {
            self.window.set(|next| *next = None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Work that takes longer for earlier items.
    fn slow(i: u64) -> u64 {
        std::thread::sleep(Duration::from_micros(20 * (100 - i.min(100)) % 700));
        i
    }

    #[test]
    fn returns_results_in_the_order_of_the_items() {
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
    fn stops_at_the_first_error() {
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
    fn passes_a_panic_on_to_the_caller() {
        for threads in [1, 2, 5] {
            let work = |i: u64| if i == 9 { panic!("nine") } else { i };
            let done = std::panic::catch_unwind(|| in_order(threads, 0..1_000, work, |_| Ok::<(), ()>(())));
            assert!(done.is_err(), "{threads} threads");
        }
    }
}
