//! Items that several threads work on, and the results that wait for their turn.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A thread that finds nothing to do sleeps, and is woken only when there is: waking it takes longer than many items.
pub(super) struct Queue<I: Iterator, R, W> {
    weigh: W,
    state: Mutex<State<I, R>>,
    /// Wakes a thread that only works.
    helpers: Condvar,
    /// Wakes the thread that also passes the results on.
    caller: Condvar,
}

struct State<I: Iterator, R> {
    /// `None` while a thread takes an item from it.
    items: Option<I>,
    is_exhausted: bool,
    /// The work ended early: `each` failed, or a thread panicked.
    is_ended: bool,
    /// An item that was taken and waits for room.
    held: Option<Numbered<I::Item>>,
    taken: u64,
    /// The weight of the item that was taken last.
    last_weight: u64,
    results: BTreeMap<u64, Numbered<R>>,
    passed: u64,
    /// The weight of the items that were started and whose results were not passed on.
    weight: u64,
    max_items: u64,
    max_weight: u64,
    helpers_asleep: usize,
    is_caller_asleep: bool,
}

/// An item or its result.
pub(super) struct Numbered<T> {
    number: u64,
    pub weight: u64,
    pub value: T,
}

/// What a thread does next.
pub(super) enum Step<T, R> {
    Work(Numbered<T>),
    Pass(Numbered<R>),
    Done,
}

/// Which thread asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Thread {
    /// It only works.
    Helper,
    /// It also passes the results on.
    Caller,
}

impl<T> Numbered<T> {
    pub fn map<R>(self, work: impl FnOnce(T) -> R) -> Numbered<R> {
        Numbered { number: self.number, weight: self.weight, value: work(self.value) }
    }
}

impl<I: Iterator, R, W: Fn(&I::Item) -> u64> Queue<I, R, W> {
    /// At most `max_items` items are worked on, or have a result that waits. Together they weigh at most `max_weight`, unless
    /// a single one weighs more.
    pub const fn new(items: I, weigh: W, max_items: u64, max_weight: u64) -> Self {
        let state = State {
            items: Some(items),
            is_exhausted: false,
            is_ended: false,
            held: None,
            taken: 0,
            last_weight: 0,
            results: BTreeMap::new(),
            passed: 0,
            weight: 0,
            max_items,
            max_weight,
            helpers_asleep: 0,
            is_caller_asleep: false,
        };
        let (helpers, caller) = (Condvar::new(), Condvar::new());
        Self { weigh, state: Mutex::new(state), helpers, caller }
    }

    /// Waits until there is something to do for this thread.
    pub fn next(&self, thread: Thread) -> Step<I::Item, R> {
        let mut state = self.lock();
        loop {
            if thread == Thread::Caller
                && let Some(result) = state.next_result()
            {
                self.wake_one(&state);
                return Step::Pass(result);
            }
            if state.is_ended || state.has_nothing_left(thread) {
                return Step::Done;
            }
            if let Some(item) = state.start_held() {
                self.wake_one(&state);
                return Step::Work(item);
            }
            state = if let Some(items) = state.take_items() {
                drop(state);
                self.take_from(items)
            } else {
                self.sleep(state, thread)
            };
        }
    }

    /// Takes an item. The other threads take none meanwhile.
    fn take_from(&self, mut items: I) -> MutexGuard<'_, State<I, R>> {
        let item = items.next();
        let weight = item.as_ref().map_or(0, &self.weigh);
        let mut state = self.lock();
        state.items = Some(items);
        if let Some(value) = item {
            state.held = Some(Numbered { number: state.taken, weight, value });
            state.taken += 1;
            state.last_weight = weight;
        } else {
            state.is_exhausted = true;
            self.wake_all();
        }
        state
    }

    /// Adds the result of an item.
    pub fn finish(&self, result: Numbered<R>) {
        let mut state = self.lock();
        if result.number == state.passed && state.is_caller_asleep {
            self.caller.notify_one();
        }
        state.results.insert(result.number, result);
    }

    /// Makes room once a result was passed on.
    pub fn unload(&self, weight: u64) {
        let mut state = self.lock();
        state.weight = state.weight.saturating_sub(weight);
        self.wake_one(&state);
    }

    /// Ends the work of all threads early.
    pub fn end(&self) {
        self.lock().is_ended = true;
        self.wake_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<I, R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep<'a>(&'a self, mut state: MutexGuard<'a, State<I, R>>, thread: Thread) -> MutexGuard<'a, State<I, R>> {
        if thread == Thread::Caller {
            state.is_caller_asleep = true;
            state = self.caller.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.is_caller_asleep = false;
        } else {
            state.helpers_asleep += 1;
            state = self.helpers.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.helpers_asleep -= 1;
        }
        state
    }

    /// Wakes a thread that sleeps if it finds an item. Each that starts one wakes the next.
    fn wake_one(&self, state: &State<I, R>) {
        if !state.has_item() {
            return;
        }
        if state.helpers_asleep > 0 {
            self.helpers.notify_one();
        } else if state.is_caller_asleep {
            self.caller.notify_one();
        }
    }

    fn wake_all(&self) {
        self.helpers.notify_all();
        self.caller.notify_one();
    }
}

impl<I: Iterator, R> State<I, R> {
    fn next_result(&mut self) -> Option<Numbered<R>> {
        let result = self.results.remove(&self.passed)?;
        self.passed += 1;
        Some(result)
    }

    fn has_nothing_left(&self, thread: Thread) -> bool {
        self.is_exhausted && self.held.is_none() && (thread == Thread::Helper || self.passed == self.taken)
    }

    fn start_held(&mut self) -> Option<Numbered<I::Item>> {
        let item = if self.has_item() { self.held.take()? } else { return None };
        self.weight = self.weight.saturating_add(item.weight);
        Some(item)
    }

    fn take_items(&mut self) -> Option<I> {
        if self.has_item() { self.items.take() } else { None }
    }

    /// Whether a thread may start the item that waits or, if none does, take one. What makes an item may take as much memory
    /// as the work on it, and most items weigh what the one before did.
    fn has_item(&self) -> bool {
        match &self.held {
            Some(item) => self.has_room(item.weight),
            None => {
                let may_take = self.items.is_some() && !self.is_exhausted;
                may_take && self.taken < self.passed + self.max_items && self.has_room(self.last_weight)
            }
        }
    }

    const fn has_room(&self, weight: u64) -> bool {
        self.weight == 0 || self.weight.saturating_add(weight) <= self.max_weight
    }
}
