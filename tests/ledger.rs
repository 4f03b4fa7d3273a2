//! The ledger on both databases: reservations, outcomes, and the history that later decisions see.

use reprieve::history::{History, PastBatches, Question};
use reprieve::ledger::{Ledger, LedgerError, Outcome};
use reprieve::model::{BatchState, FaultCause, HistoryFacts, Mode, PastBatch, Timestamp, Verdict};
use reprieve::policy::EnvironmentSettings;
use reprieve::{Decision, Permit};
use reprieve_ledger::{Filter, SqlLedger};
use reprieve_tests::postgres::Server;
use reprieve_tests::stores::{Store, gate, gate_of, request, request_in, size_of};
use std::sync::Barrier;
use std::sync::atomic::{AtomicI64, Ordering};

pub fn allowed(decision: Decision) -> Permit {
    match decision {
        Decision::Allow(permit) => permit,
        Decision::Deny(withheld) | Decision::Undecided(withheld) => panic!("{:#?}", withheld.document()),
    }
}

fn states(ledger: &SqlLedger) -> Vec<BatchState> {
    ledger.decisions(&Filter::default()).unwrap().into_iter().map(|summary| summary.state).collect()
}

fn question(kind: &str) -> Question<'_> {
    Question {
        mode: Mode::Soft,
        environment: "production",
        environments: Default::default(),
        kind: kind.into(),
        actor: Some("svc-tests"),
        campaign: Some("tests"),
        override_id: None,
    }
}

fn history(ledger: &SqlLedger) -> HistoryFacts {
    ledger.view(&question("app")).unwrap().history
}

#[test]
fn an_allow_counts_from_its_decision_until_it_is_aborted() {
    for store in Store::each() {
        let ledger = store.open();
        let gate = gate(store.open(), 5);
        let permit = allowed(gate.vet(request("first", 3)));
        assert_eq!(permit.document().ledger.as_ref().unwrap().entry, 1);
        assert_eq!(gate.vet(request("second", 3)).verdict(), Verdict::Deny, "three are reserved");
        permit.abort("no time").unwrap();
        let permit = allowed(gate.vet(request("third", 3)));
        permit.commit(&Outcome::succeeded(3)).unwrap();
        assert_eq!(gate.vet(request("fourth", 3)).verdict(), Verdict::Deny, "three were deleted");
        assert_eq!(
            states(&ledger),
            [BatchState::Aborted, BatchState::NotAllowed, BatchState::Committed, BatchState::NotAllowed]
        );
        let history = history(&ledger);
        assert_eq!((history.same_mode.day.batches, history.same_kind.month.tenants), (1, 3));
        assert_eq!((history.campaign_batches, history.same_actor.hour.targets), (1, 3));
        assert_eq!(history.last.as_ref().unwrap().succeeded, Some(true));
        assert_eq!(history.last, history.campaign_last);
        assert_eq!(ledger.verify(None).unwrap().unwrap().decisions, 4);
    }
}

#[test]
fn open_batches_count_and_are_listed_with_an_unknown_result() {
    for store in Store::each() {
        let ledger = store.open();
        let gate = gate(store.open(), 5);
        let entry = allowed(gate.vet(request("first", 3))).hand_over().unwrap();
        let open = ledger.decisions(&Filter { open: true, ..Filter::default() }).unwrap();
        assert_eq!(open.iter().map(|summary| summary.entry).collect::<Vec<_>>(), [entry.entry]);
        assert_eq!(history(&ledger).last.unwrap().succeeded, None);
        // Another process records the outcome, once.
        let outcome = Outcome::Committed { succeeded: false, deleted: Some(1), note: Some("one".into()) };
        ledger.record_outcome(entry.entry, &outcome).unwrap();
        assert_eq!(history(&ledger).last.unwrap().succeeded, Some(false));
        let again = ledger.record_outcome(entry.entry, &outcome).unwrap_err();
        assert_eq!(again.to_string(), "the batch of entry 1 is already committed");
        assert_eq!(ledger.record_outcome(17, &outcome).unwrap_err().to_string(), "there is no decision in entry 17");
        assert_eq!(ledger.decision(1).unwrap().outcome, Some(outcome));
    }
}

#[test]
fn dropping_a_permit_aborts_only_if_its_batch_was_not_read() {
    for store in Store::each() {
        let ledger = store.open();
        let gate = gate(store.open(), 100);
        drop(gate.vet(request("unused", 3)));
        let permit = allowed(gate.vet(request("used", 3)));
        assert_eq!(permit.batch().len(), 3);
        drop(permit);
        assert_eq!(states(&ledger), [BatchState::Aborted, BatchState::Open]);
    }
}

/// Concurrent checks, each within the limit and together above it.
#[test]
fn concurrent_checks_never_exceed_the_limit() {
    for store in Store::each() {
        let gates: Vec<_> = (0..8).map(|_| gate(store.open(), 17)).collect();
        let start = Barrier::new(40);
        let verdicts: Vec<Verdict> = std::thread::scope(|scope| {
            let check = |i: usize| {
                let (gate, start) = (&gates[i % gates.len()], &start);
                scope.spawn(move || {
                    let batch = request(&format!("r-{i}"), 2);
                    start.wait();
                    match gate.vet(batch) {
                        Decision::Allow(permit) => {
                            permit.hand_over();
                            Verdict::Allow
                        }
                        other => other.verdict(),
                    }
                })
            };
            let threads: Vec<_> = (0..40).map(check).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Allow).count(), 8, "8 times 2 of 17");
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Deny).count(), 32);
        let verified = store.open().verify(None).unwrap().unwrap();
        assert_eq!((verified.decisions, verified.open), (40, 8));
    }
}

#[test]
fn a_halt_denies_every_decision_until_it_is_lifted() {
    for store in Store::each() {
        let ledger = store.open();
        let gate = gate(store.open(), 100);
        drop(allowed(gate.vet(request("before", 1))));
        ledger.halt("a wrong list", "ann").unwrap();
        let halted = gate.vet(request("during", 1));
        assert_eq!(halted.verdict(), Verdict::Deny);
        let finding = &halted.document().findings[0];
        assert_eq!(
            (finding.code.as_str(), finding.message.as_str()),
            ("gate/halted", "everything is halted by ann: a wrong list")
        );
        ledger.halt("and the wrong mode", "bob").unwrap();
        let ambiguous = ledger.resume(None, "found it", "ann").unwrap_err();
        let several = "several halts are in force: entry 3 by ann: a wrong list; entry 5 by bob: and the wrong mode";
        assert_eq!(ambiguous.to_string(), several);
        assert_eq!(ambiguous.help(), Some("name the entry of the halt to lift"));
        ledger.resume(Some(3), "found it", "ann").unwrap();
        assert!(ledger.resume(Some(3), "again", "ann").is_err(), "it is no longer in force");
        let still = gate.vet(request("still", 1));
        let halts = still.document().findings.iter().filter(|finding| finding.code == "gate/halted").count();
        assert_eq!((still.verdict(), halts), (Verdict::Deny, 1), "one halt is still in force");
        ledger.resume(None, "found that as well", "bob").unwrap();
        assert_eq!(ledger.resume(None, "again", "ann").unwrap_err().to_string(), "nothing is halted");
        drop(allowed(gate.vet(request("after", 1))));
        ledger.verify(None).unwrap().unwrap();
    }
}

#[test]
fn decisions_can_be_replayed_from_the_record_alone() {
    for store in Store::each() {
        let ledger = store.open();
        {
            let gate = gate(store.open(), 5);
            for i in 0..3 {
                drop(gate.vet(request(&format!("r-{i}"), i * 3 + 1)));
            }
        }
        let mut replayed = 0;
        ledger
            .each_decision::<LedgerError>(None, |recorded| {
                let gate = recorded.gate_builder()?.build().unwrap();
                assert_eq!(recorded.replay(&gate)?, recorded.record.decision);
                replayed += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!(replayed, 3);
    }
}

#[test]
fn a_ledger_refuses_a_time_that_the_caller_set() {
    for store in Store::each() {
        let gate = gate(store.open(), 5);
        let decision = gate.vet(request("then", 1).at(Timestamp::from_seconds(0)));
        assert_eq!(decision.verdict(), Verdict::Undecided);
        assert_eq!(decision.document().faults[0].cause, FaultCause::Clock);
        assert_eq!(store.open().verify(None).unwrap().unwrap().entries, 0);
    }
}

/// Every session of the ledger is lost at once, and each call that takes one of them goes on with a new one.
#[test]
fn every_caller_goes_on_after_the_server_restarts() {
    let mut server = Server::start();
    let name = server.database("ledger");
    let gate = gate(SqlLedger::create(&name, None, None).unwrap(), 1_000);
    let all_at_once = |round: u64| {
        let start = Barrier::new(8);
        let check = |i: u64| {
            start.wait();
            gate.vet(request(&format!("round-{round}-{i}"), 1)).verdict()
        };
        let check = &check;
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|i| scope.spawn(move || check(i))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        })
    };
    for round in 0..4 {
        assert_eq!(all_at_once(round), [Verdict::Allow; 8], "round {round}");
        server.stop();
        server.run();
    }
    let verified = SqlLedger::open(&name, None, None).unwrap().verify(None).unwrap().unwrap();
    assert_eq!((verified.decisions, verified.open), (32, 0), "an allow that is dropped is aborted");
}

/// A clock that a test sets.
static NOW: AtomicI64 = AtomicI64::new(0);

/// Batches count at the time of their end, and open ones at the time of the question.
#[test]
fn sums_equal_the_total_of_all_batches_at_any_time() {
    const START: i64 = 1_772_452_800;
    let store = Store::sqlite();
    let path = store.name();
    let open = || SqlLedger::open_sqlite_with_clock(path.as_ref(), || NOW.load(Ordering::Relaxed)).unwrap();
    let ledger = open();
    let gate = gate(open(), 1_000_000);
    let mut ended: Vec<PastBatch> = Vec::new();
    let mut running: Vec<(Permit, PastBatch)> = Vec::new();
    // A fixed generator makes the steps irregular but reproducible.
    let mut state = 17_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut now = START;
    for i in 0..300 {
        now += [1, 59, 600, 3_599, 3_600, 20_000, 100_000][random(7)];
        NOW.store(now, Ordering::Relaxed);
        let at = Timestamp::from_seconds(now);
        let still = running.iter().map(|(_, batch)| PastBatch { at, ..batch.clone() });
        let expected = PastBatches::new(ended.iter().cloned().chain(still).collect());
        let expected = expected.facts(&question("app"), at).unwrap();
        let found = history(&ledger);
        assert_eq!((&found.same_mode, &found.same_kind), (&expected.same_mode, &expected.same_kind), "step {i}");
        assert_eq!((&found.same_actor, found.campaign_batches), (&expected.same_actor, expected.campaign_batches));
        assert_eq!((&found.last, &found.campaign_last), (&expected.last, &expected.campaign_last), "step {i}");
        assert_eq!(found.kind_last, expected.kind_last, "step {i}");
        let apps = random(4) as u64 + 1;
        let environment = ["production", "prod-eu", "stagging", "test"][random(4)];
        let batch = PastBatch {
            at,
            mode: Mode::Soft,
            environment: environment.to_owned(),
            kind: "app".to_owned(),
            targets: apps,
            tenants: apps,
            bytes: (0..apps).filter_map(size_of).reduce(|a, b| a + b),
            campaign: Some("tests".to_owned()),
            actor: Some("svc-tests".to_owned()),
            succeeded: None,
            source: None,
            keep_set: None,
        };
        running.push((allowed(gate.vet(request_in(environment, &format!("r-{i}"), apps))), batch));
        while running.len() > random(4) {
            let (permit, batch) = running.remove(random(running.len()));
            if random(3) == 0 {
                permit.abort("not this one").unwrap();
                continue;
            }
            permit.commit(&Outcome::Committed { succeeded: true, deleted: None, note: None }).unwrap();
            ended.push(PastBatch { at, succeeded: Some(true), ..batch });
        }
    }
    // If the clock goes back, the ledger's time does not.
    NOW.store(START, Ordering::Relaxed);
    let decision = gate.vet(request("back", 1));
    assert_eq!(decision.document().evaluated_at, Timestamp::from_seconds(now));
    drop(decision);
    ledger.verify(None).unwrap().unwrap();
}

/// A batch that was decided before the failure does not show that its cause was corrected.
#[test]
fn a_failure_counts_until_a_batch_decided_after_it_succeeds() {
    for store in Store::each() {
        let ledger = store.open();
        let gate = gate(store.open(), 100);
        let last = || history(&ledger).campaign_last.unwrap();
        let [one, two] = ["one", "two"].map(|id| allowed(gate.vet(request(id, 1))));
        one.commit(&Outcome::failed("wrong ids")).unwrap();
        two.commit(&Outcome::succeeded(1)).unwrap();
        assert_eq!(last().succeeded, Some(false));
        let three = allowed(gate.vet(request("three", 2)));
        assert_eq!((last().succeeded, last().tenants), (None, 2), "it is running");
        three.commit(&Outcome::succeeded(2)).unwrap();
        assert_eq!((last().succeeded, last().tenants), (Some(true), 2));
        ledger.verify(None).unwrap().unwrap();
    }
}

/// Otherwise `Production` would be another environment with its own limits.
#[test]
fn environments_are_compared_without_case_and_blanks() {
    for store in Store::each() {
        let ledger = store.open();
        allowed(gate(store.open(), 5).vet(request("one", 3))).commit(&Outcome::succeeded(3)).unwrap();
        let other = Question { environment: " Production", actor: Some("SVC-tests "), ..question("App") };
        let found = ledger.view(&other).unwrap().history;
        assert_eq!([&found.same_mode, &found.same_kind, &found.same_actor].map(|spans| spans.day.tenants), [3; 3]);
        assert_eq!(found.last, history(&ledger).last);
        let past = PastBatches::new(found.last.into_iter().collect());
        let again = past.facts(&other, Timestamp::from_seconds(0)).unwrap();
        assert_eq!([&again.same_mode, &again.same_kind, &again.same_actor].map(|spans| spans.day.tenants), [3; 3]);
    }
}

#[test]
fn all_of_production_shares_the_limits_over_time() {
    for store in Store::each() {
        let not_production = vec!["prod-us-test".to_owned(), "Test".to_owned()];
        let gate = gate_of(Some(EnvironmentSettings { not_production }), store.open(), 5);
        allowed(gate.vet(request_in("prod-eu", "eu", 3))).commit(&Outcome::succeeded(3)).unwrap();
        let denied = |environment: &str, apps: u64, before: u64| {
            let decision = gate.vet(request_in(environment, "more", apps));
            assert_eq!(decision.verdict(), Verdict::Deny, "{environment}");
            let message = &decision.document().findings[0].message;
            let expected = format!("{} tenants in 24 hours, {before} of them before this batch", before + apps);
            assert!(message.starts_with(&expected), "{environment}: {message}");
        };
        denied("Production-US", 3, 3);
        // A name that is misspelt, or that the set does not name, is one of production.
        denied("tset", 3, 3);
        denied("staging", 3, 3);
        // What may be running counts as well.
        allowed(gate.vet(request_in("Production-US", "us", 2))).hand_over();
        denied("prod-eu", 1, 5);
        // Each of the others has limits of its own.
        allowed(gate.vet(request_in(" Prod-US-Test", "us-test", 4))).commit(&Outcome::succeeded(4)).unwrap();
        denied("prod-us-test", 2, 4);
        allowed(gate.vet(request_in("test", "test", 5))).commit(&Outcome::succeeded(5)).unwrap();
        // The last batch of production is the open one, whatever ran elsewhere.
        let ledger = store.open();
        let last = ledger.view(&question("app")).unwrap().history.last.unwrap();
        assert_eq!((last.environment.as_str(), last.tenants), ("production-us", 2));
        ledger.verify(None).unwrap().unwrap();
    }
}

/// Two machines whose clocks are an hour apart use one ledger. Its time is the later one, and the reservations of each
/// count for the other.
#[test]
fn the_later_of_two_clocks_decides() {
    const HERE: i64 = 1_772_452_800;
    let store = Store::sqlite();
    let path = store.name();
    let behind = gate(SqlLedger::open_sqlite_with_clock(path.as_ref(), || HERE).unwrap(), 5);
    let ahead = gate(SqlLedger::open_sqlite_with_clock(path.as_ref(), || HERE + 3_600).unwrap(), 5);
    allowed(ahead.vet(request("ahead", 3))).hand_over();
    let denied = behind.vet(request("behind", 3));
    assert_eq!(denied.verdict(), Verdict::Deny, "three of five are reserved");
    assert_eq!(denied.document().evaluated_at, Timestamp::from_seconds(HERE + 3_600));
    allowed(behind.vet(request("small", 2))).hand_over();
    store.open().verify(None).unwrap().unwrap();
}

#[test]
fn a_gate_recovers_when_its_server_restarts() {
    let mut server = Server::start();
    let name = server.database("ledger");
    let gate = gate(SqlLedger::create(&name, None, None).unwrap(), 100);
    allowed(gate.vet(request("before", 1))).commit(&Outcome::succeeded(1)).unwrap();
    let permit = allowed(gate.vet(request("meanwhile", 1)));
    server.stop();
    let decision = gate.vet(request("without", 1));
    assert_eq!((decision.verdict(), decision.document().faults[0].cause), (Verdict::Undecided, FaultCause::Ledger));
    let lost = permit.commit(&Outcome::succeeded(1)).unwrap_err().to_string();
    assert!(lost.starts_with("the ledger (PostgreSQL): "), "{lost}");
    server.run();
    allowed(gate.vet(request("after", 1))).commit(&Outcome::succeeded(1)).unwrap();
    // The batch whose outcome was not recorded is open, and counts.
    let ledger = SqlLedger::open(&name, None, None).unwrap();
    assert_eq!(states(&ledger), [BatchState::Committed, BatchState::Open, BatchState::Committed]);
    assert_eq!(history(&ledger).same_mode.day.tenants, 3);
    ledger.verify(None).unwrap().unwrap();
}
