//! Group commit: threads of one process share transactions of the ledger. Each test has a second value for the same ledger, as
//! another process would.

use crate::ledger::allowed;
use reprieve::history::Question;
use reprieve::ledger::{DecisionRecord, Ledger, LedgerError, Outcome, PermitReference, RedeemError};
use reprieve::model::{FaultCause, LedgerEntry, Mode, Timestamp, Verdict};
use reprieve::{Decision, VetOptions};
use reprieve_ledger::{Reload, SqlLedger};
use reprieve_tests::stores::{Store, gate, request};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

fn reload(by: &str) -> Reload {
    Reload { from: "a".to_owned(), to: "b".to_owned(), by: by.to_owned() }
}

/// Runs `work` with the numbers below `threads`, at once, and returns what it returned.
fn at_once<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(threads);
    std::thread::scope(|scope| {
        let (start, work) = (&start, &work);
        let run = |i| {
            scope.spawn(move || {
                start.wait();
                work(i)
            })
        };
        let threads: Vec<_> = (0..threads).map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// The number of commits in the write-ahead log of an SQLite file. Each is one synchronization of the disk.
fn commits(store: &Store) -> usize {
    const HEADER: usize = 32;
    const FRAME_HEADER: usize = 24;
    let log = std::fs::read(store.name() + "-wal").unwrap();
    if log.is_empty() {
        return 0;
    }
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let page = number(8) as usize;
    let frames = (HEADER..).step_by(FRAME_HEADER + page).take_while(|at| at + FRAME_HEADER + page <= log.len());
    // The last frame of a commit has the size of the database. What an earlier log left has other salts.
    frames.filter(|at| number(at + 4) > 0 && log[at + 8..at + 16] == log[16..24]).count()
}

#[test]
fn threads_share_synchronizations_of_the_disk() {
    const THREADS: usize = 32;
    const ENTRIES: usize = 20;
    let store = Store::sqlite();
    let ledger = store.open();
    // While this one reads, the log begins not anew.
    let reader = rusqlite::Connection::open(store.name()).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let count = || reader.query_row("SELECT count(*) FROM entries", [], |row| row.get::<_, u64>(0)).unwrap();
    assert_eq!(count(), 0);
    let before = commits(&store);
    for entry in 1..=3 {
        assert_eq!(ledger.reload(&reload("alone")).unwrap().entry, entry);
    }
    assert_eq!(commits(&store) - before, 3, "one after the other, each has its own");
    at_once(THREADS, |_| (0..ENTRIES).for_each(|_| drop(ledger.reload(&reload("together")).unwrap())));
    let shared = commits(&store) - before - 3;
    assert!(shared * 2 <= THREADS * ENTRIES, "{shared} commits");
    assert_eq!(ledger.verify(None).unwrap().unwrap().entries, (3 + THREADS * ENTRIES) as u64);
}

/// Members of a group see each other: together they are allowed no more than the limit.
#[test]
fn concurrent_checks_of_one_gate_never_exceed_the_limit() {
    for store in Store::each() {
        let gate = gate(store.open(), 17);
        let verdicts = at_once(40, |i| match gate.vet(request(&format!("r-{i}"), 2)) {
            Decision::Allow(permit) => permit.hand_over().map(|_| Verdict::Allow).unwrap(),
            other => other.verdict(),
        });
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Allow).count(), 8, "8 times 2 of 17");
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Deny).count(), 32);
        let verified = store.open().verify(None).unwrap().unwrap();
        assert_eq!((verified.decisions, verified.open), (40, 8));
    }
}

fn question() -> Question<'static> {
    Question {
        mode: Mode::Soft,
        environment: "production",
        environments: Default::default(),
        kind: "app".into(),
        actor: Some("svc-tests"),
        campaign: Some("tests"),
        override_id: None,
    }
}

/// Makes a decision that panics when it is made again, inside the transaction, because something was recorded meanwhile.
fn panic_inside(ledger: &SqlLedger, record: &DecisionRecord, meanwhile: impl Fn()) {
    let mut calls = 0;
    let decide = || {
        ledger.decide(&question(), &[], &mut |_| {
            calls += 1;
            assert!(calls == 1, "a bug in a policy");
            meanwhile();
            record.clone()
        })
    };
    catch_unwind(AssertUnwindSafe(decide)).unwrap_err();
    assert_eq!(calls, 2);
}

/// What is written, fails and panics at once, by threads that share a ledger and by others that have it open, too: each result
/// is true, and nothing else is recorded.
#[test]
fn every_result_is_what_the_ledger_has() {
    for store in Store::each() {
        let ledgers = [store.open(), store.open()];
        let gates = ledgers.clone().map(|ledger| gate(ledger, 1_000_000));
        allowed(gates[0].vet(request("record", 1))).hand_over();
        let record = ledgers[0].decision(1).unwrap().record;
        let entries = AtomicU64::new(1);
        let written = |count| entries.fetch_add(count, Ordering::Relaxed);
        let allow = |i: usize| {
            written(1);
            allowed(gates[i % 2].vet(request(&format!("r-{}", entries.load(Ordering::Relaxed)), 1)))
        };
        let run = |i: usize, step: usize| -> Option<LedgerEntry> {
            let ledger = &ledgers[i % 2];
            match (i + step) % 8 {
                0 => {
                    let permit = allow(i);
                    let entry = permit.document().ledger.clone();
                    permit.commit(&Outcome::succeeded(1)).unwrap();
                    written(1);
                    entry
                }
                1 => allow(i).hand_over(),
                2 => {
                    // Two outcomes of one batch, at once: one is recorded.
                    let entry = allow(i).hand_over().unwrap();
                    let outcomes = at_once(2, |_| ledger.record_outcome(entry.entry, &Outcome::succeeded(1)));
                    written(1);
                    let conflicts = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
                    let conflicts: Vec<String> = conflicts.map(LedgerError::to_string).collect();
                    assert_eq!(conflicts, [format!("the batch of entry {} is already committed", entry.entry)]);
                    Some(entry)
                }
                3 => {
                    panic_inside(ledger, &record, || drop(allow(i).hand_over()));
                    None
                }
                4 => {
                    written(1);
                    Some(ledger.reload(&reload("a thread")).unwrap())
                }
                5 => {
                    // Two decisions of one call, at once: one is recorded, and the entry of the other is undone.
                    let key = format!("{i}-{step}");
                    let decisions = at_once(2, |one| {
                        let options = VetOptions { idempotency_sha256: Some(&key), ..VetOptions::default() };
                        gates[i % 2].vet_with(request(&format!("{key}-{one}"), 1), options)
                    });
                    written(1);
                    let entries = decisions.into_iter().filter_map(|decision| match decision {
                        Decision::Allow(permit) => permit.hand_over(),
                        Decision::Deny(withheld) | Decision::Undecided(withheld) => {
                            let faults = &withheld.document().faults;
                            assert!(faults.iter().any(|fault| fault.cause == FaultCause::Ledger), "{faults:?}");
                            None
                        }
                    });
                    let entries: Vec<LedgerEntry> = entries.collect();
                    assert_eq!(entries.len(), 1);
                    entries.into_iter().next()
                }
                6 => {
                    let unknown = ledger.record_outcome(1 << 40, &Outcome::succeeded(1)).unwrap_err();
                    assert!(matches!(unknown, LedgerError::NotFound { .. }), "{unknown:?}");
                    None
                }
                _ => {
                    let (from, until) = (Timestamp::from_seconds(0), Timestamp::from_seconds(1 << 40));
                    let permit = PermitReference {
                        entry: 1 << 40,
                        id: "f00",
                        section: None,
                        valid_from: from,
                        expires_at: until,
                    };
                    assert_eq!(ledger.redeem(&permit), Err(RedeemError::Unknown(1 << 40)));
                    None
                }
            }
        };
        let found = at_once(16, |i| (0..16).filter_map(|step| run(i, step)).collect::<Vec<_>>());
        let found: Vec<LedgerEntry> = found.into_iter().flatten().collect();
        let by_number: BTreeMap<u64, &str> = found.iter().map(|entry| (entry.entry, entry.sha256.as_str())).collect();
        assert_eq!(by_number.len(), found.len(), "every entry has one writer");
        let verified = store.open().verify(None).unwrap().unwrap();
        assert_eq!(verified.entries, entries.into_inner());
        let (number, sha256) = by_number.last_key_value().unwrap();
        let anchor = format!("{number}:{sha256}").parse().unwrap();
        store.open().verify(Some(&anchor)).unwrap().unwrap();
        for (number, sha256) in by_number {
            if let Ok(decision) = ledgers[0].decision(number) {
                assert_eq!(decision.sha256, sha256);
            }
        }
    }
}
