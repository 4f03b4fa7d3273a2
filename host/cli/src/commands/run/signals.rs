//! Signals that stop `reprieve run` are meant for its command. A signal before the command starts keeps it from starting.
//! A signal from another process while it runs is passed on. A key on the terminal reaches the command directly.

use anyhow::bail;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Catches the signals that ask a process to end.
pub struct Signals(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// The command, while it runs.
    running: Option<Pid>,
    /// The first signal that was caught.
    stopped: Option<i32>,
}

impl Signals {
    /// Begins to catch these signals.
    pub fn catch() -> std::io::Result<Self> {
        let signals = Self(Arc::default());
        let mut caught = SignalsInfo::<WithOrigin>::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
        let state = Arc::clone(&signals.0);
        std::thread::spawn(move || {
            for origin in &mut caught {
                let mut state = lock(&state);
                state.stopped.get_or_insert(origin.signal);
                let signal = Signal::from_named_raw(origin.signal);
                if let (Some(pid), Some(signal), Some(_)) = (state.running, signal, origin.process) {
                    // This fails if the command has just ended, and then there is nothing to do.
                    kill_process(pid, signal).ok();
                }
            }
        });
        Ok(signals)
    }

    /// The first signal that was caught, if there is one.
    pub fn stopped(&self) -> Option<i32> {
        lock(&self.0).stopped
    }

    /// Runs a command to its end, unless a signal was caught before. An error means that it was not started.
    pub fn run(&self, command: &mut Command) -> anyhow::Result<ExitStatus> {
        let mut state = lock(&self.0);
        if let Some(signal) = state.stopped {
            bail!("signal {signal} was caught before it was started");
        }
        let mut child = command.spawn()?;
        let pid = Pid::from_child(&child);
        state.running = Some(pid);
        drop(state);
        // The process id is reused only after the process is reaped, so it is not signalled from then on.
        while waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
            .is_err_and(|error| error == rustix::io::Errno::INTR)
        {}
        lock(&self.0).running = None;
        // It was started. An error now must not be reported as if it was not.
        Ok(child.wait().unwrap_or_else(|_| std::os::unix::process::ExitStatusExt::from_raw(255 << 8)))
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
