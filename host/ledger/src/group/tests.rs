//! The protocol of the writers, on a database that records what it is told and fails where it should.

use super::{MAX_MEMBERS, Work, Writers};
use crate::database::{Database, Row, Transaction, Value};
use crate::{Reload, SqlLedger};
use reprieve::ledger::LedgerError;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

const POLL: Duration = Duration::from_micros(100);

/// A database. It records what it is told, in order.
#[derive(Clone, Default)]
struct Fake(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    log: Vec<String>,
    /// What fails.
    failing: Option<&'static str>,
    /// What panics.
    panicking: Option<&'static str>,
}

impl Fake {
    fn failing(line: &'static str) -> Self {
        let fake = Self::default();
        fake.state(|state| state.failing = Some(line));
        fake
    }

    fn panicking(line: &'static str) -> Self {
        let fake = Self::default();
        fake.state(|state| state.panicking = Some(line));
        fake
    }

    fn state<T>(&self, then: impl FnOnce(&mut State) -> T) -> T {
        then(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn told(&self, line: &str) -> Result<(), LedgerError> {
        self.state(|state| {
            state.log.push(line.to_owned());
            assert!(state.panicking != Some(line), "a bug in `{line}`");
            match state.failing {
                Some(failing) if failing == line => Err(LedgerError::unavailable(format!("`{line}` failed"))),
                _ => Ok(()),
            }
        })
    }

    fn count(&self, line: &str) -> usize {
        self.state(|state| state.log.iter().filter(|found| *found == line).count())
    }

    fn log(&self) -> Vec<String> {
        self.state(|state| state.log.clone())
    }
}

impl Database for Fake {
    fn read(&self) -> Result<Box<dyn Transaction>, LedgerError> {
        Err(LedgerError::misuse("nobody reads"))
    }

    fn write(&self) -> Result<Box<dyn Transaction>, LedgerError> {
        self.told("begin")?;
        Ok(Box::new(Open { database: self.clone(), committed: false }))
    }

    fn column_types(&self) -> (&'static str, &'static str) {
        ("", "")
    }

    fn expected_objects(&self) -> &'static str {
        ""
    }
}

struct Open {
    database: Fake,
    committed: bool,
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.committed {
            drop(self.database.told("rollback"));
        }
    }
}

impl Transaction for Open {
    fn query(&mut self, _: &'static str, _: &[Value]) -> Result<Vec<Row>, LedgerError> {
        Ok(Vec::new())
    }

    fn execute(&mut self, sql: &'static str, _: &[Value]) -> Result<u64, LedgerError> {
        self.database.told(sql).map(|()| 1)
    }

    fn objects(&mut self) -> Result<Vec<String>, LedgerError> {
        self.database.told("check")?;
        Ok(Vec::new())
    }

    fn store_blob(&mut self, _: &str, _: &mut dyn Read, _: u64) -> Result<(), LedgerError> {
        Ok(())
    }

    fn has_table(&mut self, _: &str) -> Result<bool, LedgerError> {
        Ok(false)
    }

    fn define(&mut self, sql: &str) -> Result<(), LedgerError> {
        self.database.told(sql)
    }

    fn clock(&mut self) -> Result<i64, LedgerError> {
        Ok(0)
    }

    fn integrity_flaw(&mut self) -> Result<Option<String>, LedgerError> {
        Ok(None)
    }

    fn commit(mut self: Box<Self>) -> Result<(), LedgerError> {
        self.database.told("commit")?;
        self.committed = true;
        Ok(())
    }
}

/// What a writer does.
#[derive(Clone, Copy)]
enum Member {
    Writes,
    WritesLong,
    Fails,
    Panics,
}

impl Member {
    fn work(self, transaction: &mut dyn Transaction) -> Result<(), LedgerError> {
        transaction.execute("work", &[])?;
        match self {
            Self::Writes | Self::WritesLong => Ok(()),
            Self::Fails => Err(refused()),
            Self::Panics => panic!("a bug in the work"),
        }
    }

    /// Writes, and returns the error also if it is a panic.
    fn write(self, writers: &Writers) -> Result<(), LedgerError> {
        let length = if matches!(self, Self::WritesLong) { Work::Long } else { Work::Short };
        returned(|| writers.write(length, |transaction| self.work(transaction)))
    }
}

fn refused() -> LedgerError {
    LedgerError::conflict("refused")
}

fn panicked() -> LedgerError {
    LedgerError::misuse("panicked")
}

fn returned(write: impl FnOnce() -> Result<(), LedgerError>) -> Result<(), LedgerError> {
    catch_unwind(AssertUnwindSafe(write)).unwrap_or_else(|_| Err(panicked()))
}

/// Begins with the first member, and ends its work when all others wait. They begin one after the other. Returns what each
/// returned.
fn together(fake: &Fake, members: &[Member]) -> Vec<Result<(), LedgerError>> {
    // However slow this machine is, a group takes all of them.
    let writers = Writers { max_open: Duration::from_secs(600), ..Writers::new(fake.clone()) };
    let wait_until = |is_so: &dyn Fn() -> bool| {
        while !is_so() {
            sleep(POLL);
        }
    };
    let results = std::thread::scope(|scope| {
        let (writers, wait_until) = (&writers, &wait_until);
        let first = scope.spawn(move || {
            returned(|| {
                writers.write(Work::Short, |transaction| {
                    wait_until(&|| writers.queue().waiting == members.len() - 1);
                    members[0].work(transaction)
                })
            })
        });
        wait_until(&|| writers.queue().is_taken);
        let others = members[1..].iter().enumerate().map(|(i, member)| {
            let thread = scope.spawn(move || member.write(writers));
            wait_until(&|| writers.queue().waiting > i || first.is_finished());
            thread
        });
        let others: Vec<_> = others.collect();
        std::iter::once(first).chain(others).map(|thread| thread.join().unwrap()).collect()
    });
    let queue = writers.queue();
    assert!(!queue.is_taken && queue.open.is_none() && queue.waiting == 0, "nothing is left open");
    results
}

/// It has a transaction of its own, without savepoints.
#[test]
fn a_lone_writer_waits_for_nobody() {
    let fake = Fake::default();
    let writers = Writers::new(fake.clone());
    assert_eq!(Member::Writes.write(&writers), Ok(()));
    assert_eq!(fake.log(), ["begin", "work", "check", "commit"]);
    assert_eq!(Member::Fails.write(&writers), Err(refused()));
    assert_eq!(Member::Panics.write(&writers), Err(panicked()));
    assert_eq!(fake.log()[4..], ["begin", "work", "rollback", "begin", "work", "rollback"]);
    assert_eq!(Member::WritesLong.write(&writers), Ok(()));
    assert_eq!(fake.log()[10..], ["begin", "work", "check", "commit"]);
}

#[test]
fn writers_that_wait_share_a_commit() {
    let fake = Fake::default();
    assert_eq!(together(&fake, &[Member::Writes; 3]), [Ok(()), Ok(()), Ok(())]);
    let member = ["SAVEPOINT member", "work", "RELEASE member"];
    let expected = [&["begin", "work"][..], &member, &member, &["check", "commit"]].concat();
    assert_eq!(fake.log(), expected);
}

#[test]
fn a_group_has_a_maximum_of_members() {
    let fake = Fake::default();
    assert_eq!(together(&fake, &[Member::Writes; MAX_MEMBERS + 1]), vec![Ok(()); MAX_MEMBERS + 1]);
    assert_eq!((fake.count("work"), fake.count("commit")), (MAX_MEMBERS + 1, 2));
}

#[test]
fn members_that_fail_or_panic_are_undone_alone() {
    for (member, error) in [(Member::Fails, refused()), (Member::Panics, panicked())] {
        let fake = Fake::default();
        let results = together(&fake, &[Member::Writes, member]);
        assert_eq!(results, [Ok(()), Err(error.clone())]);
        let undone = ["SAVEPOINT member", "work", "ROLLBACK TO member; RELEASE member"];
        assert_eq!(fake.log(), [&["begin", "work"][..], &undone, &["check", "commit"]].concat());
        // The first of a group takes its transaction along, and the next one begins another.
        let fake = Fake::default();
        assert_eq!(together(&fake, &[member, Member::Writes]), [Err(error), Ok(())]);
        assert_eq!(fake.log(), ["begin", "work", "rollback", "begin", "work", "check", "commit"]);
    }
}

/// Also one whose own work failed: it may have failed for what was not committed.
#[test]
fn all_members_return_the_error_of_the_commit() {
    for failing in ["check", "commit"] {
        let fake = Fake::failing(failing);
        let error = || Err(LedgerError::unavailable(format!("`{failing}` failed")));
        let results = together(&fake, &[Member::Writes, Member::Fails, Member::Writes]);
        assert_eq!(results, [error(), error(), error()]);
        assert_eq!(fake.count("rollback"), 1);
    }
}

#[test]
fn all_members_return_an_error_if_the_database_ends_their_transaction() {
    let fake = Fake::failing("ROLLBACK TO member; RELEASE member");
    let results = together(&fake, &[Member::Writes, Member::Fails]);
    let message =
        "the ledger: an error of another writer ended the transaction: `ROLLBACK TO member; RELEASE member` failed";
    assert_eq!(results, [Err(LedgerError::unavailable(message).with_help("try again")), Err(refused())]);
    assert_eq!((fake.count("commit"), fake.count("rollback")), (0, 1));
}

#[test]
fn a_savepoint_that_fails_ends_the_group() {
    for failing in ["SAVEPOINT member", "RELEASE member"] {
        let fake = Fake::failing(failing);
        let results = together(&fake, &[Member::Writes, Member::Writes]);
        assert_eq!(results[1], Err(LedgerError::unavailable(format!("`{failing}` failed"))));
        // What failed is undone if the database can do that.
        assert_eq!(results[0], Ok(()), "{failing}");
        assert_eq!((fake.count("commit"), fake.count("rollback")), (1, 0));
    }
}

#[test]
fn a_bug_in_the_commit_leaves_nobody_waiting() {
    for panicking in ["check", "commit"] {
        let fake = Fake::panicking(panicking);
        let results = together(&fake, &[Member::Writes, Member::Writes]);
        let message = "the ledger: another writer failed before the commit";
        assert_eq!(results, [Err(LedgerError::unavailable(message).with_help("try again")), Err(panicked())]);
        assert_eq!((fake.count("begin"), fake.count("rollback")), (1, 1));
    }
}

#[test]
fn a_transaction_that_cannot_begin_is_the_error_of_one() {
    let fake = Fake::failing("begin");
    let writers = Writers::new(fake.clone());
    assert_eq!(Member::Writes.write(&writers), Err(LedgerError::unavailable("`begin` failed")));
    fake.state(|state| state.failing = None);
    assert_eq!(Member::Writes.write(&writers), Ok(()));
}

#[test]
fn long_work_is_in_a_group_of_its_own() {
    let fake = Fake::default();
    assert_eq!(together(&fake, &[Member::Writes, Member::WritesLong, Member::Writes]), vec![Ok(()); 3]);
    // Whichever of the two that wait comes first, the long one shares its transaction with none.
    let log = fake.log().join(" ");
    let alone = "begin work check commit";
    let shared = "begin work SAVEPOINT member work RELEASE member check commit";
    assert!([format!("{alone} {alone} {alone}"), format!("{shared} {alone}")].contains(&log), "{log}");
}

/// SQLite may end a whole transaction if the disk is full. A caller that was told that an entry is recorded finds it.
#[test]
fn what_a_full_disk_refuses_is_not_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = SqlLedger::create_sqlite(&folder.path().join("reprieve.db")).unwrap();
    let define =
        |sql: &str| ledger.0.write::<_, LedgerError>(Work::Short, |transaction| transaction.define(sql)).unwrap();
    define("PRAGMA max_page_count = 200");
    let write = &|thread: usize| {
        let write = |round: usize| {
            let by = "x".repeat(if (thread + round).is_multiple_of(4) { 60_000 } else { 10 });
            ledger.reload(&Reload { from: String::new(), to: String::new(), by })
        };
        (0..40).map(write).collect::<Vec<_>>()
    };
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|thread| scope.spawn(move || write(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let (written, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert!(!written.is_empty() && !refused.is_empty(), "{} and {}", written.len(), refused.len());
    for error in refused.into_iter().filter_map(Result::err) {
        assert!(matches!(error, LedgerError::Unavailable { .. }), "{error:?}");
    }
    assert_eq!(ledger.verify(None).unwrap().unwrap().entries, written.len() as u64);
    define("PRAGMA max_page_count = 1000000");
    let next = ledger.reload(&Reload { from: String::new(), to: String::new(), by: String::new() }).unwrap();
    assert_eq!(next.entry, written.len() as u64 + 1);
    ledger.verify(None).unwrap().unwrap();
}
