//! The SDK's index of a review: sections that it finds must be those that a JSON reader finds.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use reprieve_sdk::{Context, Findings, Policy, Rule, Session, rules, settings};
use serde_json::{Value, json};

settings! {
    /// Settings of the policy.
    pub struct Settings {
        /// Not used.
        unused: u64 = 1, min = 0, max = 1, unit = "targets";
    }
}

rules! {
    /// Reports what the policy read.
    ///
    /// For the comparison.
    READ = "read": wrong, request [unused];
}

struct Reader;

impl Policy for Reader {
    const NAME: &'static str = "reader";
    const VERSION: &'static str = "1.0.0";
    const SUMMARY: &'static str = "Reports what it read.";
    const RULES: &'static [Rule] = RULES;
    type Settings = Settings;
    type State = ();

    fn check(context: &Context<Settings>, _: &(), findings: &mut Findings) {
        let claims = &context.claims;
        findings.deny(&READ, claims.id().clone());
        findings.deny(&READ, claims.environment().clone());
        findings.deny(&READ, claims.campaign().cloned().unwrap_or_default());
        findings.deny(&READ, claims.reason().and_then(|reason| reason.text.clone()).unwrap_or_default());
        findings.deny(&READ, context.facts.targets_sha256().clone());
    }
}

/// Texts and a value that come before, between and after the sections that are read.
#[derive(Arbitrary, Debug)]
struct Input<'a> {
    id: &'a str,
    environment: &'a str,
    campaign: &'a str,
    text: &'a str,
    sha256: &'a str,
    json: &'a str,
}

fuzz_target!(|input: Input<'_>| {
    let value: Value = serde_json::from_str(input.json).unwrap_or_else(|_| json!({ input.id: [input.text, {}] }));
    // `serde_json` sorts the keys, so the value is between the texts.
    let review = json!({
        "claims": { "annotations": { "x": value }, "id": input.id, "mode": "soft", "environment": input.environment,
                    "target_kind": "app", "reason": { "text": input.text }, "campaign": input.campaign },
        "facts": { "targets": 1, "targets_sha256": input.sha256, "extra": value },
        "more": value,
    });
    let session = Session::<Reader>::begin(&review.to_string(), "{}", Vec::new()).expect("a review");
    let findings = session.finish();
    let read: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(read, [input.id, input.environment, input.campaign, input.text, input.sha256]);
});
