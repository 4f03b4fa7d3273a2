//! What both sides say is compared: each claim with the other claims and the facts that can contradict it.
//!
//! `docs/rules.md` has the table; [`table`] makes it.

mod pairs;

use crate::silence::{name, pointers, set};
use pairs::{Pair, UNCOMPARED, pairs};
use reprieve::model::Severity;
use reprieve_tests::in_order::{Case, decide, usual_gate};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;

fn contradicting(pair: &Pair) -> Value {
    let right = pair.case.request("hard", &pair.case.targets());
    set(&right, pair.claim, pair.contradicts.clone())
}

#[test]
fn every_contradiction_is_found_by_its_rule() {
    let gate = usual_gate();
    let missed = pairs().into_iter().filter_map(|pair| {
        let Pair { case, claim, code, severity, contradicts, .. } = &pair;
        let what = format!("{case:?} with {claim} as {contradicts}");
        let Some(document) = decide(&gate, &contradicting(&pair)) else {
            return Some(format!("{what} cannot be read"));
        };
        let found = document.findings.iter().any(|finding| finding.code == *code && finding.severity == *severity);
        let codes: Vec<_> = document.findings.iter().map(|finding| (&finding.code, finding.severity)).collect();
        (!found).then(|| format!("{what}: {codes:?}, but not {severity:?} {code}"))
    });
    let missed: Vec<String> = missed.collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_claim_is_compared_or_says_why_not() {
    let mut claims = BTreeSet::new();
    for case in Case::ALL {
        let mut found = Vec::new();
        let request = case.request("hard", &case.targets());
        pointers(&request, "", &mut found);
        claims.extend(found.iter().filter(|at| is_leaf(&request, at)).map(|pointer| name(pointer)));
    }
    let of_request = |pair: &Pair| name(pair.claim);
    let compared: BTreeSet<String> = pairs().iter().map(of_request).collect();
    let uncompared: BTreeSet<String> = UNCOMPARED.iter().map(|(claim, _)| (*claim).to_owned()).collect();
    let known: BTreeSet<String> = compared.union(&uncompared).cloned().collect();
    let missing: Vec<_> = claims.difference(&known).collect();
    assert!(missing.is_empty(), "nothing says what contradicts {missing:?}");
    let both: Vec<_> = compared.intersection(&uncompared).collect();
    assert!(both.is_empty(), "{both:?}");
}

/// Whether a claim is not made of others. A map of names is one claim.
fn is_leaf(request: &Value, pointer: &str) -> bool {
    let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
    let is_map = |at: &str| at.ends_with("/by_kind") || at.ends_with("/kinds") || at.ends_with("/sample");
    let value = request.pointer(pointer);
    !is_map(parent) && (is_map(pointer) || !matches!(value, Some(Value::Object(_) | Value::Array(_))))
}

/// The table of what is compared, as a part of `docs/rules.md`.
pub fn table() -> String {
    let mut out = String::from(
        "\n## What is compared\n\n\
         Wherever a claim and a fact, or two claims, can contradict each other, a rule compares them. A test changes each claim \
         of a request\nin order to a value that contradicts the other side, and requires the finding.\n\n\
         | claim | compared with | rule | effect |\n|---|---|---|---|\n",
    );
    for Pair { claim, with, code, severity, .. } in pairs() {
        let claim = match claim.strip_prefix("/targets/0/") {
            Some(column) => format!("`{column}` of the list"),
            None => format!("`{}`", name(claim).replacen('/', "", 1).replace('/', ".")),
        };
        let effect = if severity == Severity::Deny { "denies" } else { "warns" };
        writeln!(out, "| {claim} | {with} | `{code}` | {effect} |").unwrap();
    }
    out.push_str("\nThese claims are not compared:\n\n| claim | why |\n|---|---|\n");
    for (claim, why) in UNCOMPARED {
        writeln!(out, "| `{}` | {why} |", claim.replacen('/', "", 1).replace('/', ".")).unwrap();
    }
    out
}
