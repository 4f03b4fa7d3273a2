//! Bounds the number of evaluations that run at once to the number of slots in the pool of instances. A further one waits
//! instead of failing.

use std::sync::{Condvar, Mutex, PoisonError};

#[derive(Debug)]
struct State {
    free: usize,
    waiting: usize,
}

/// A counting semaphore.
#[derive(Debug)]
pub(crate) struct Slots {
    state: Mutex<State>,
    freed: Condvar,
}

impl Slots {
    pub fn new(count: usize) -> Self {
        Self { state: Mutex::new(State { free: count.max(1), waiting: 0 }), freed: Condvar::new() }
    }

    /// Waits for a free slot and holds it until the guard is dropped.
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

/// A slot that is in use.
#[derive(Debug)]
pub(crate) struct Slot<'a>(&'a Slots);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.free += 1;
        let wake = state.waiting > 0;
        drop(state);
        // Without a waiting thread, waking would only be a system call.
        if wake {
            self.0.freed.notify_one();
        }
    }
}
