//! Group commit: the concurrent writers of a process share transactions, so that one synchronization of the disk serves
//! several entries.
//!
//! One writer at a time has the *turn*. It does its work on its own thread, in the open transaction if there is one. Then it
//! passes the turn and the transaction on to a writer that waits, and waits for the commit itself. If none waits, or the group
//! is [full](Turn::admits), it commits for all. So a group consists of those who came while the one before was committed: a
//! lone writer waits for nobody, and there is no timer.
//!
//! # Invariants
//!
//! - [`Writers::write`] returns only after the commit of everything that its work has read or written. If the commit fails,
//!   every member of the group returns its error. This includes a member whose own work failed, because it may have failed for
//!   what another member wrote.
//! - The work of a member sees what the members before it wrote, and nothing sees what a failed member wrote: its work is in a
//!   savepoint, also if it panics.
//! - A group is open only while a writer has the turn, or while one waits for it. A writer that gets the turn ends in one of three
//!   ways: it passes the turn on, it commits, or it drops the group, which tells every member that it failed.

use crate::database::{Database, Transaction};
use crate::schema::check_objects;
use reprieve::ledger::LedgerError;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The maximum number of entries that are committed together.
const MAX_MEMBERS: usize = 64;

/// How long a group may be open before it takes no more members. Until then, writers of other processes wait.
const MAX_OPEN: Duration = Duration::from_millis(10);

/// How long the other members of a group wait for one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Not noticeably.
    Short,
    /// So long that it is in a group of its own.
    Long,
}

/// A database, and those who write to it.
pub(crate) struct Writers {
    pub database: Box<dyn Database>,
    max_open: Duration,
    queue: Mutex<Queue>,
    turn_ended: Condvar,
}

#[derive(Default)]
struct Queue {
    /// Whether a writer has the turn.
    is_taken: bool,
    waiting: usize,
    /// The group that is passed on.
    open: Option<Group>,
}

impl Writers {
    pub fn new(database: impl Database + 'static) -> Self {
        let database = Box::new(database);
        Self { database, max_open: MAX_OPEN, queue: Mutex::default(), turn_ended: Condvar::new() }
    }

    /// Begins a transaction that reads what is committed.
    pub fn read(&self) -> Result<Box<dyn Transaction>, LedgerError> {
        self.database.read()
    }

    /// Does the work in a transaction that writes, and returns its result after the commit. Nothing is written if it fails.
    pub fn write<T, E: From<LedgerError>>(
        &self,
        length: Work,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut turn = self.turn();
        if length == Work::Long {
            // Its members have their results. An error is theirs alone.
            drop(turn.commit());
        }
        let done = catch_unwind(AssertUnwindSafe(|| turn.perform(work)));
        if !matches!(done, Ok(Ok(_))) {
            turn.undo();
        }
        let committed = turn.end(length);
        match done {
            Ok(result) => committed.map_err(E::from).and(result),
            Err(panic) => resume_unwind(panic),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the turn.
    fn turn(&self) -> Turn<'_> {
        let mut queue = self.queue();
        if queue.is_taken {
            queue.waiting += 1;
            queue = self.turn_ended.wait_while(queue, |queue| queue.is_taken).unwrap_or_else(PoisonError::into_inner);
            queue.waiting -= 1;
        }
        queue.is_taken = true;
        Turn { writers: self, group: queue.open.take() }
    }
}

/// An open transaction, and those who wrote in it.
struct Group {
    transaction: Box<dyn Transaction>,
    opened: Instant,
    members: usize,
    end: Promise,
}

/// The turn of a writer: nobody else writes until it is dropped.
struct Turn<'a> {
    writers: &'a Writers,
    group: Option<Group>,
}

impl Turn<'_> {
    /// Does the work in the open group, or begins one.
    fn perform<T, E: From<LedgerError>>(
        &mut self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, E>,
    ) -> Result<T, E> {
        let group = match &mut self.group {
            Some(group) => {
                group.transaction.define("SAVEPOINT member")?;
                group
            }
            None => {
                let transaction = self.writers.database.write()?;
                self.group.insert(Group { transaction, opened: Instant::now(), members: 0, end: Promise::default() })
            }
        };
        let result = work(&mut *group.transaction)?;
        if group.members > 0 {
            group.transaction.define("RELEASE member")?;
        }
        group.members += 1;
        Ok(result)
    }

    /// Undoes the work that failed.
    fn undo(&mut self) {
        let Some(group) = &mut self.group else { return };
        if group.members == 0 {
            // The work was the first in its transaction, which is rolled back.
            self.group = None;
        } else if let Err(error) = group.transaction.define("ROLLBACK TO member; RELEASE member") {
            // The database ended the whole transaction, for example because the disk is full or the connection was lost.
            let message = format!("the ledger: an error of another writer ended the transaction: {error}");
            self.fail(LedgerError::unavailable(message).with_help("try again"));
        }
    }

    /// Whether another writer may join the group.
    fn admits(&self, group: &Group) -> bool {
        group.members < MAX_MEMBERS && group.opened.elapsed() < self.writers.max_open
    }

    /// Passes the turn on, and waits for the commit; or commits, if nobody waits.
    fn end(mut self, length: Work) -> Result<(), LedgerError> {
        if length == Work::Short && self.group.as_ref().is_some_and(|group| self.admits(group)) {
            let mut queue = self.writers.queue();
            if queue.waiting > 0
                && let Some(group) = self.group.take()
            {
                let end = Arc::clone(&group.end.0);
                queue.open = Some(group);
                drop(queue);
                drop(self);
                return end.wait();
            }
        }
        self.commit()
    }

    /// Commits for all members. The locks of the transaction keep the tables as they are, so what is checked here is what was
    /// written through.
    fn commit(&mut self) -> Result<(), LedgerError> {
        let Some(Group { mut transaction, end, .. }) = self.group.take() else { return Ok(()) };
        let result = check_objects(&*self.writers.database, &mut *transaction).and_then(|()| transaction.commit());
        end.0.set(result.clone());
        result
    }

    fn fail(&mut self, error: LedgerError) {
        if let Some(Group { transaction, end, .. }) = self.group.take() {
            drop(transaction);
            end.0.set(Err(error));
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // Rolls back what is neither committed nor passed on, before another writer begins.
        self.group = None;
        let mut queue = self.writers.queue();
        queue.is_taken = false;
        let wake = queue.waiting > 0;
        drop(queue);
        if wake {
            self.writers.turn_ended.notify_one();
        }
    }
}

/// How a group ended, once it has.
#[derive(Default)]
struct End {
    result: Mutex<Option<Result<(), LedgerError>>>,
    known: Condvar,
}

impl End {
    /// Tells all members, unless they were told before.
    fn set(&self, result: Result<(), LedgerError>) {
        self.result.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(result);
        self.known.notify_all();
    }

    fn wait(&self) -> Result<(), LedgerError> {
        let mut result = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(result) = &*result {
                return result.clone();
            }
            result = self.known.wait(result).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The end of an open group. If it is dropped, the members are told that the group failed, so that none waits without end.
#[derive(Default)]
struct Promise(Arc<End>);

impl Drop for Promise {
    fn drop(&mut self) {
        self.0
            .set(Err(LedgerError::unavailable("the ledger: another writer failed before the commit")
                .with_help("try again")));
    }
}

#[cfg(test)]
mod tests;
