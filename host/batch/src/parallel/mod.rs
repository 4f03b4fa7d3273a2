//! Work on several threads. The results are in the order of the items, so they do not depend on the threads.

mod queue;

use queue::{Queue, Step, Thread};
use std::num::NonZero;
use std::sync::LazyLock;

/// Returns the number of cores. Querying it takes longer than a small decision, so it is done once.
pub fn threads() -> usize {
    static THREADS: LazyLock<usize> = LazyLock::new(|| std::thread::available_parallelism().map_or(1, NonZero::get));
    *THREADS
}

/// Runs `work` on every item, on `threads` threads, and passes the results to `each` in the order of the items. The thread
/// that calls is one of them, and the only one that calls `each`. The iterator is used by one thread at a time. The first
/// error of `each` ends the work.
pub fn in_order<T: Send, R: Send, E>(
    threads: usize,
    items: impl IntoIterator<Item = T, IntoIter: Send>,
    work: impl Fn(T) -> R + Sync,
    each: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    in_order_within(u64::MAX, |_| 0, threads, items, work, each)
}

/// Does what [`in_order`] does, but starts an item only while the weights of the items that were started, and whose results
/// were not passed on, total at most `max_weight`. An item that is heavier than that is worked on alone.
pub(crate) fn in_order_within<T: Send, R: Send, E>(
    max_weight: u64,
    weigh: impl Fn(&T) -> u64 + Sync,
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

    // The threads must not run further ahead, or waiting results would fill the memory.
    let queue = Queue::new([first, second].into_iter().chain(items), weigh, 2 * threads as u64, max_weight);
    let help = || {
        let _end = OnDrop(|| {
            if std::thread::panicking() {
                queue.end();
            }
        });
        while let Step::Work(item) = queue.next(Thread::Helper) {
            queue.finish(item.map(&work));
        }
    };
    std::thread::scope(|scope| {
        (1..threads).for_each(|_| drop(scope.spawn(help)));
        let _end = OnDrop(|| queue.end());
        loop {
            match queue.next(Thread::Caller) {
                Step::Work(item) => queue.finish(item.map(&work)),
                Step::Pass(result) => {
                    each(result.value)?;
                    queue.unload(result.weight);
                }
                Step::Done => return Ok(()),
            }
        }
    })
}

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
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
    fn limits_the_weight_of_what_is_not_passed_on() {
        use std::sync::atomic::{AtomicU64, Ordering};
        for threads in [1, 2, 8] {
            let (load, max, mut found) = (AtomicU64::new(0), AtomicU64::new(0), Vec::new());
            let work = |i: u64| {
                max.fetch_max(load.fetch_add(i % 7, Ordering::SeqCst) + i % 7, Ordering::SeqCst);
                slow(i)
            };
            // An item may be heavier than the maximum.
            let done: Result<(), ()> = in_order_within(
                5,
                |i| i % 7,
                threads,
                0..200,
                work,
                |i| {
                    // A result weighs until it was passed on.
                    std::thread::sleep(Duration::from_micros(200));
                    found.push(i);
                    load.fetch_sub(i % 7, Ordering::SeqCst);
                    Ok(())
                },
            );
            assert_eq!((done, found), (Ok(()), (0..200).collect::<Vec<_>>()), "{threads} threads");
            assert!(max.into_inner() <= 6, "{threads} threads");
        }
    }

    #[test]
    fn makes_an_item_only_when_it_has_room() {
        use std::sync::atomic::{AtomicU64, Ordering};
        for threads in [2, 8] {
            let (load, max) = (AtomicU64::new(0), AtomicU64::new(0));
            let make = |i: u64| {
                let now = load.fetch_add(3, Ordering::SeqCst) + 3;
                // The first two are made before any work.
                if i > 1 {
                    max.fetch_max(now, Ordering::SeqCst);
                }
                i
            };
            let each = |_| {
                load.fetch_sub(3, Ordering::SeqCst);
                Ok::<_, ()>(())
            };
            assert_eq!(in_order_within(5, |_| 3, threads, (0..100).map(make), slow, each), Ok(()));
            assert_eq!(max.into_inner(), 3, "{threads} threads");
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
