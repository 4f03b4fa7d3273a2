//! The clock behind the wall-clock limit. It advances the epoch of the engine. Each evaluation has its own deadline in
//! epochs, so none can end another.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use wasmtime::Engine;

/// Milliseconds from one tick to the next.
pub(crate) const TICK_MS: u64 = 5;

#[derive(Debug, Default)]
struct State {
    running: usize,
    stopped: bool,
    /// Whether the thread sleeps until an evaluation starts.
    idle: bool,
}

/// A thread that ticks while an evaluation runs, and sleeps otherwise.
#[derive(Debug)]
pub(crate) struct Ticker {
    state: Arc<(Mutex<State>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub fn start(engine: &Engine) -> std::io::Result<Self> {
        let state = Arc::new((Mutex::new(State::default()), Condvar::new()));
        let (shared, engine) = (Arc::clone(&state), engine.weak());
        let thread = thread::Builder::new().name("reprieve-ticker".to_owned()).spawn(move || {
            let (state, changed) = &*shared;
            loop {
                let guard = state.lock().unwrap_or_else(PoisonError::into_inner);
                let idle = |state: &mut State| {
                    state.idle = state.running == 0 && !state.stopped;
                    state.idle
                };
                let guard = changed.wait_while(guard, idle).unwrap_or_else(PoisonError::into_inner);
                if guard.stopped {
                    return;
                }
                let tick = Duration::from_millis(TICK_MS);
                let waited = changed.wait_timeout_while(guard, tick, |state| !state.stopped);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        })?;
        Ok(Self { state, thread: Some(thread) })
    }

    /// Ticks until the guard is dropped.
    pub fn run(&self) -> Running<'_> {
        self.change(|state| state.running += 1);
        Running(self)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let (state, changed) = &*self.state;
        let mut guard = state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut guard);
        // A thread that ticks sees the change at its next tick, except that stopping must not wait for one.
        let wake = guard.stopped || (guard.idle && guard.running > 0);
        drop(guard);
        if wake {
            changed.notify_one();
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.change(|state| state.stopped = true);
        if let Some(thread) = self.thread.take() {
            // A ticker that panicked has stopped as well.
            drop(thread.join());
        }
    }
}

/// An evaluation that is running.
#[derive(Debug)]
pub(crate) struct Running<'a>(&'a Ticker);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.change(|state| state.running -= 1);
    }
}
