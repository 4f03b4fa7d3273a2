//! The bounded pool in which the gate does its work: it blocks, and the threads that serve connections must not.

use crate::problem::Problem;
use axum::http::StatusCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

/// Runs blocking work, a bounded amount at once and a bounded amount waiting.
pub(crate) struct Pool {
    running: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    max_waiting: usize,
    timeout: Duration,
}

/// Tells the work whether somebody still waits for it.
pub(crate) struct Waiting<'a, T>(&'a oneshot::Sender<T>);

impl<T> Waiting<'_, T> {
    /// Whether nobody waits any more.
    pub fn is_over(&self) -> bool {
        self.0.is_closed()
    }
}

/// Counts one that waits, also if it stops waiting.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    pub fn new(running: usize, max_waiting: usize, timeout: Duration) -> Self {
        let running = Arc::new(Semaphore::new(running.max(1)));
        Self { running, waiting: Arc::default(), max_waiting, timeout }
    }

    /// Runs the work on a thread that may block. If the call takes too long, or the caller closes the connection, the work that
    /// has begun goes on.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(Waiting<'_, Result<T, Problem>>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let place = Place(Arc::clone(&self.waiting));
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.max_waiting {
            return Err(Problem::unavailable("too many calls wait for the gate").with_help("try again later"));
        }
        let work = async {
            // The semaphore is never closed.
            let permit =
                Arc::clone(&self.running).acquire_owned().await.map_err(|_| Problem::unavailable("closing"))?;
            drop(place);
            let (sender, receiver) = oneshot::channel();
            tokio::task::spawn_blocking(move || {
                let result = work(Waiting(&sender));
                drop(permit);
                // If nobody waits any more, the work has already taken that into account.
                drop(sender.send(result));
            });
            receiver.await.map_err(|_| {
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "bug", "a bug in Reprieve; its log says where")
            })?
        };
        timeout(self.timeout, work).await.unwrap_or_else(|_| {
            let detail = format!("the call took longer than {} s", self.timeout.as_secs());
            let help = "try again with the same `Idempotency-Key`, or set a longer `[serve] timeout`";
            Err(Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", detail).with_help(help))
        })
    }
}
