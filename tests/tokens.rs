//! When permits and overrides are valid, by the clock of the ledger, and when they can be used again.

use crate::ledger::allowed;
use reprieve::ledger::{Ledger, MAX_CLOCK_SKEW, PermitReference, RedeemError};
use reprieve::model::{Timestamp, Verdict};
use reprieve::signed::{Key, KeySet, Override, OverrideDraft};
use reprieve::{Batch, Decision, VetOptions};
use reprieve_ledger::SqlLedger;
use reprieve_tests::stores::{Store, gate, request};

const NOW: i64 = 1_772_452_800;
const TOO_FAST: &str = "timing/too-fast";

/// An override of this batch that two people sign at this time.
fn signed_at(batch: Batch, at: i64) -> Override {
    let people = ["ann", "ben"].map(|name| Key::generate(name).unwrap());
    let mut trusted = KeySet::default();
    people.iter().for_each(|key| trusted.add(key).unwrap());
    let until = Timestamp::from_seconds(at + 3_600);
    let batch = batch.at(Timestamp::from_seconds(at));
    let mut draft =
        OverrideDraft::new([TOO_FAST.to_owned()], &batch, "a test", until, &people[0], |_| false).unwrap();
    draft.sign(&people[1], &trusted).unwrap();
    draft.verify(&trusted).unwrap()
}

#[test]
fn a_token_may_be_dated_a_minute_ahead_but_not_more() {
    let store = Store::sqlite();
    let open = || SqlLedger::open_sqlite_with_clock(store.name().as_ref(), || NOW).unwrap();
    let gate = gate(open(), 5);
    for (ahead, verdict) in [(MAX_CLOCK_SKEW + 1, Verdict::Deny), (MAX_CLOCK_SKEW, Verdict::Allow)] {
        let with = signed_at(request("override", 6), NOW + ahead);
        let decision =
            gate.vet_with(request("override", 6), VetOptions { with_override: Some(&with), ..VetOptions::default() });
        assert_eq!(decision.verdict(), verdict, "dated {ahead} s ahead");
        if let Decision::Allow(permit) = decision {
            permit.abort("a test").unwrap();
        }
    }
    let permit = allowed(gate.vet(request("permit", 2)));
    let recorded = permit.document().ledger.clone().unwrap();
    permit.hand_over();
    let redeem = |ahead: i64| {
        let at = |seconds: i64| Timestamp::from_seconds(NOW + seconds);
        let (valid_from, expires_at) = (at(ahead), at(ahead + 3_600));
        let id = &recorded.sha256;
        open().redeem(&PermitReference { entry: recorded.entry, id, section: None, valid_from, expires_at })
    };
    let early = redeem(MAX_CLOCK_SKEW + 1);
    assert!(matches!(early, Err(RedeemError::NotYetValid { .. })), "{early:?}");
    redeem(MAX_CLOCK_SKEW).unwrap();
    let again = redeem(MAX_CLOCK_SKEW);
    assert!(matches!(again, Err(RedeemError::Replayed { .. })), "{again:?}");
}

#[test]
fn an_override_is_used_up_until_its_allow_is_aborted() {
    for store in Store::each() {
        let gate = gate(store.open(), 5);
        let now = gate.vet(request("small", 1)).document().evaluated_at.seconds();
        let with = signed_at(request("large", 6), now);
        let vet =
            || gate.vet_with(request("large", 6), VetOptions { with_override: Some(&with), ..VetOptions::default() });
        let first = allowed(vet());
        assert_eq!(vet().verdict(), Verdict::Deny, "it is used");
        first.abort("a test").unwrap();
        let second = allowed(vet());
        assert_eq!(vet().verdict(), Verdict::Deny, "it is used again");
        second.hand_over();
        assert_eq!(vet().verdict(), Verdict::Deny, "it stays used");
        store.open().verify(None).unwrap().unwrap();
    }
}

/// Of many processes that use one override at the same time, one is allowed.
#[test]
fn an_override_is_used_by_one_of_many() {
    for store in Store::each() {
        let now = gate(store.open(), 5).vet(request("small", 1)).document().evaluated_at.seconds();
        let with = signed_at(request("large", 6), now);
        let allows = std::thread::scope(|scope| {
            let vet = || {
                let decision = gate(store.open(), 5).vet_with(
                    request("large", 6),
                    VetOptions { with_override: Some(&with), ..VetOptions::default() },
                );
                if let Decision::Allow(permit) = decision {
                    permit.hand_over();
                    return 1;
                }
                0
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(vet)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<u32>()
        });
        assert_eq!(allows, 1);
        store.open().verify(None).unwrap().unwrap();
    }
}
