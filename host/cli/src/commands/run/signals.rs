//! Signals that stop `reprieve run` are meant for its command. A signal before the command starts keeps it from starting;
//! later ones are events that `supervise.rs` passes on.

use rustix::process::Signal;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock};

/// Catches the signals that ask a process to end, and those that tell about its children.
pub struct Signals {
    /// The first signal that asked this process to end.
    stopped: Arc<OnceLock<i32>>,
    pub events: Receiver<Event>,
}

/// What a signal tells.
pub enum Event {
    /// A child has ended.
    Child,
    /// This process is asked to end.
    Stop {
        signal: Signal,
        /// Whether a key of the terminal asks. The terminal asks every process of its foreground group.
        by_key: bool,
    },
}

impl Signals {
    /// Begins to catch these signals.
    pub fn catch() -> std::io::Result<Self> {
        let stopped = Arc::new(OnceLock::new());
        let (send, events) = channel();
        let mut caught = SignalsInfo::<WithOrigin>::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGCHLD])?;
        let first = Arc::clone(&stopped);
        std::thread::spawn(move || {
            for origin in &mut caught {
                let event = match Signal::from_named_raw(origin.signal) {
                    None | Some(Signal::CHILD) => Event::Child,
                    Some(signal) => {
                        first.get_or_init(|| origin.signal);
                        Event::Stop { signal, by_key: origin.process.is_none() }
                    }
                };
                if send.send(event).is_err() {
                    break;
                }
            }
        });
        Ok(Self { stopped, events })
    }

    /// The first signal that asked this process to end, if there is one.
    pub fn stopped(&self) -> Option<i32> {
        self.stopped.get().copied()
    }
}
