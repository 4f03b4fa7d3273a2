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
    each: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    in_order_within(u64::MAX, |_| 0, threads, items, work, each)
}

/// Does the same, but starts an item only while the weights of the items that were started, and whose results were not
/// passed on, total at most `max_weight`. An item that is heavier than that is worked on alone.
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

    // The items, and the weight of the last one.
    let items = Mutex::new(([first, second].into_iter().chain(items).zip(0_u64..), 0));
    // The threads must not run further ahead, or waiting results would fill the memory.
    let window = Window::new(2 * threads as u64, max_weight);
    let (sender, results) = sync_channel(threads);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, items, window, work, weigh) = (sender.clone(), &items, &window, &work, &weigh);
            scope.spawn(move || {
                let _stop = StopOnDrop { window, only_on_panic: true };
                loop {
                    let mut items = items.lock().unwrap_or_else(PoisonError::into_inner);
                    let (iterator, last_weight) = &mut *items;
                    // What makes an item may take as much memory as the work on it. Most items weigh what the one before did.
                    window.wait_for_room(*last_weight);
                    let Some((item, number)) = iterator.next() else { break };
                    // The other threads take no item meanwhile, so only one waits.
                    let weight = weigh(&item);
                    *last_weight = weight;
                    let may_start = window.wait_for(number, weight);
                    drop(items);
                    if !may_start || sender.send((number, weight, work(item))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let _stop = StopOnDrop { window: &window, only_on_panic: false };
        let mut waiting = std::collections::BTreeMap::new();
        let mut next = 0;
        for (number, weight, result) in results {
            waiting.insert(number, (weight, result));
            while let Some((weight, result)) = waiting.remove(&next) {
                next += 1;
                window.advance_to(next);
                each(result)?;
                window.unload(weight);
            }
        }
        Ok(())
    })
}

/// The range of items that may be worked on.
struct Window {
    size: u64,
    max_weight: u64,
    state: Mutex<WindowState>,
    moved: Condvar,
}

struct WindowState {
    /// The number of the next result; `None` once the work has ended.
    next: Option<u64>,
    /// The weight of the items that were started and whose results were not passed on.
    weight: u64,
}

impl Window {
    const fn new(size: u64, max_weight: u64) -> Self {
        let state = Mutex::new(WindowState { next: Some(0), weight: 0 });
        Self { size, max_weight, state, moved: Condvar::new() }
    }

    /// Waits until an item may be worked on. Returns false once the work has ended. Items start in their order, so what
    /// weighs is always before the item that waits, and the threads cannot wait for each other.
    fn wait_for(&self, number: u64, weight: u64) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let too_early = |state: &mut WindowState| {
            state.next.is_some_and(|next| number >= next + self.size || self.is_full(state, weight))
        };
        let mut state = self.moved.wait_while(state, too_early).unwrap_or_else(PoisonError::into_inner);
        state.weight = state.weight.saturating_add(weight);
        state.next.is_some()
    }

    /// Waits until an item of this weight has room, or the work has ended.
    fn wait_for_room(&self, weight: u64) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |state: &mut WindowState| state.next.is_some() && self.is_full(state, weight);
        drop(self.moved.wait_while(state, is_full));
    }

    const fn is_full(&self, state: &WindowState, weight: u64) -> bool {
        state.weight > 0 && state.weight.saturating_add(weight) > self.max_weight
    }

    fn advance_to(&self, number: u64) {
        self.set(|state| state.next = state.next.map(|_| number));
    }

    fn unload(&self, weight: u64) {
        self.set(|state| state.weight = state.weight.saturating_sub(weight));
    }

    fn set(&self, change: impl FnOnce(&mut WindowState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
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
            self.window.set(|state| state.next = None);
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
