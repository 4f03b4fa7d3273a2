//! The clock behind the wall-clock limit. It advances the engine's epoch; each run has a deadline of its own in
//! epochs, so no run can end another's.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use wasmtime::Engine;

/// Milliseconds between two ticks.
pub(super) const TICK_MS: u64 = 5;

#[derive(Debug, Default)]
struct State {
    running: usize,
    stopped: bool,
    /// Whether the thread sleeps until something runs.
    idle: bool,
}

/// A thread that ticks while anything runs, and sleeps otherwise.
#[derive(Debug)]
pub(super) struct Ticker {
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
        // Waking a thread that ticks anyway would only be a system call; stopping must not wait for the tick.
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
            // A ticker that panicked has stopped, which is all that is wanted here.
            drop(thread.join());
        }
    }
}

/// Something is running.
#[derive(Debug)]
pub(super) struct Running<'a>(&'a Ticker);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.change(|state| state.running -= 1);
    }
}
