//! How many runs there may be at once. The pool has so many places; a further run waits instead of failing.

use std::sync::{Condvar, Mutex, PoisonError};

#[derive(Debug)]
struct State {
    free: usize,
    waiting: usize,
}

/// A counting semaphore.
#[derive(Debug)]
pub(super) struct Slots {
    state: Mutex<State>,
    freed: Condvar,
}

impl Slots {
    pub fn new(count: usize) -> Self {
        Self { state: Mutex::new(State { free: count.max(1), waiting: 0 }), freed: Condvar::new() }
    }

    /// Waits for a place and holds it until the guard is dropped.
    pub fn take(&self) -> Slot<'_> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.free == 0 {
            state.waiting += 1;
            state = self.freed.wait_while(state, |state| state.free == 0).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        state.free -= 1;
        Slot(self)
    }
}

/// A place that is held.
#[derive(Debug)]
pub(super) struct Slot<'a>(&'a Slots);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.free += 1;
        let wake = state.waiting > 0;
        drop(state);
        // Waking nobody would still be a system call.
        if wake {
            self.0.freed.notify_one();
        }
    }
}
