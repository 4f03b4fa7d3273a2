//! Work that takes a while: on a thread of its own, without the GIL. The thread that called waits for it, handles signals
//! and shows the progress.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use reprieve::Progress;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often signals are handled, and the progress is shown.
const INTERVAL: Duration = Duration::from_millis(50);

/// The latest progress of reading a list.
#[derive(Clone, Default)]
pub struct Meter(Arc<Mutex<Option<Progress>>>);

impl Meter {
    /// Notes the progress.
    pub fn set(&self, progress: Progress) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    }

    fn show(&self, callback: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let latest = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (latest, callback) {
            (Some(Progress { rows, bytes, of }), Some(callback)) => callback.call1((rows, bytes, of)).map(drop),
            _ => Ok(()),
        }
    }
}

/// Runs `work` and returns its result. If a signal handler or the callback raises, as Ctrl-C does, that exception is raised at
/// once. The work then ends by itself, and its result is dropped.
pub fn run<T: Send + 'static>(
    py: Python<'_>,
    progress: Option<(&Meter, &Bound<'_, PyAny>)>,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::Builder::new().name("reprieve".to_owned());
    thread.spawn(move || drop(sender.send(work()))).map_err(PyErr::from)?;
    let receiver = Mutex::new(receiver);
    let wait = || receiver.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(INTERVAL);
    loop {
        match py.detach(wait) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) => {
                py.check_signals()?;
                if let Some((meter, callback)) = progress {
                    meter.show(Some(callback))?;
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PyRuntimeError::new_err("reprieve failed internally; nothing was allowed"));
            }
        }
    }
}
