//! The AdmissionReview: what is read of the question, and the answer.

use crate::problem::Problem;
use reprieve::model::{DecisionDocument, Nature, Severity, Verdict};
use reprieve_readers::{Input, Value};
use reprieve_report::output::plain;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The version of the documents that are read and written.
pub(super) const API_VERSION: &str = "admission.k8s.io/v1";

/// What the documents are called.
const KIND: &str = "AdmissionReview";

/// The maximum number of characters in a warning. Clients may cut longer ones.
const MAX_WARNING_CHARS: usize = 120;
/// The maximum number of warnings.
const MAX_WARNINGS: usize = 8;
/// The number of findings that a message has.
const SHOWN: usize = 3;
/// The maximum number of characters of each of them.
const MAX_FINDING_CHARS: usize = 200;

/// An AdmissionReview that asks.
pub(super) struct Question {
    /// The digits and letters by which the API server finds its answer.
    pub uid: String,
    document: Value<'static>,
}

/// An AdmissionReview of `admission.k8s.io/v1` with a request, as the API server sends it.
#[derive(JsonSchema)]
#[schemars(rename = "AdmissionReview", rename_all = "camelCase")]
#[expect(dead_code, reason = "the description of the interface has its fields")]
pub(crate) struct Asked {
    /// `admission.k8s.io/v1`
    api_version: String,
    /// `AdmissionReview`
    kind: String,
    /// The request, with its `uid`.
    request: BTreeMap<String, serde_json::Value>,
}

/// The AdmissionReview with the answer.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AdmissionReviewAnswer")]
pub(crate) struct Answer {
    api_version: &'static str,
    kind: &'static str,
    response: Response,
}

/// Whether the object may be deleted.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AdmissionResponse")]
struct Response {
    /// The `uid` of the request.
    uid: String,
    allowed: bool,
    /// Why it may not.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    /// For the person who deletes. Each has at most 120 characters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// For the audit log of the API server.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: BTreeMap<&'static str, String>,
}

/// Why an object may not be deleted.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AdmissionStatus")]
struct Status {
    code: u16,
    message: String,
}

impl Question {
    /// Reads a review. An error is a problem, and not an answer: without the `uid` there is nothing to answer to.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let none = |file: &str| Err(reprieve::ReadError::of_file(file, "there are no other files"));
        let document = Input { name: "review", bytes, companion: &none }.json()?;
        let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (kind, version, uid) = (text("/kind"), text("/apiVersion"), text("/request/uid"));
        if (kind, version) != (KIND, API_VERSION) {
            let detail = format!("the document is `{}` of `{}`", plain(kind), plain(version));
            return Err(Problem::unreadable(detail)
                .with_help(format!("send an {KIND} of {API_VERSION}: `admissionReviewVersions: [\"v1\"]`"))
                .at("/apiVersion"));
        }
        if !is_uid(uid) {
            return Err(Problem::unreadable("the request has no `uid` of letters, digits and `-`").at("/request/uid"));
        }
        Ok(Self { uid: uid.to_owned(), document: document.into_owned() })
    }

    /// A value of the request. Null and absent are the same.
    pub fn value(&self, pointer: &str) -> Option<&Value<'static>> {
        self.document.get("request")?.pointer(pointer).filter(|value| !value.is_null())
    }

    /// A text of the request that is not empty.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.value(pointer)?.as_str().filter(|text| !text.is_empty())
    }
}

/// Whether a text is the `uid` of a request or an object.
pub(super) fn is_uid(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

impl Answer {
    fn new(uid: &str, allowed: bool, message: Option<String>) -> Self {
        let status = message.map(|message| Status { code: 403, message });
        let (warnings, audit_annotations) = (Vec::new(), BTreeMap::new());
        let response = Response { uid: uid.to_owned(), allowed, status, warnings, audit_annotations };
        Self { api_version: API_VERSION, kind: KIND, response }
    }

    /// Refuses, because there is no decision that allows it.
    pub fn refused(uid: &str, why: &str) -> Self {
        Self::new(uid, false, Some(shorten(&plain(why), 500)))
    }

    /// Lets a deletion pass that follows from an allowed one.
    pub fn followed(uid: &str, entry: u64) -> Self {
        let mut answer = Self::new(uid, true, None);
        answer.response.audit_annotations.insert("follows-entry", entry.to_string());
        answer
    }

    /// Answers with a decision. Nothing but an allow is allowed.
    pub fn decided(uid: &str, document: &DecisionDocument) -> Self {
        let allowed = document.decision == Verdict::Allow;
        let mut answer = Self::new(uid, allowed, (!allowed).then(|| message(document)));
        let mut annotations = BTreeMap::from([
            ("verdict", document.decision.as_str().to_owned()),
            ("request-sha256", document.request_sha256.clone()),
        ]);
        if let Some(entry) = &document.ledger {
            annotations.insert("entry", entry.entry.to_string());
            annotations.insert("decision-sha256", entry.sha256.clone());
        }
        answer.response.audit_annotations = annotations;
        let warns = document.findings.iter().filter(|finding| finding.severity == Severity::Warn && finding.enforced);
        answer.response.warnings = warns
            .take(MAX_WARNINGS)
            .map(|finding| shorten(&format!("{}: {}", finding.code, plain(&finding.message)), MAX_WARNING_CHARS))
            .collect();
        answer
    }
}

/// What denies, in one line: what is wrong before what is missing.
fn message(document: &DecisionDocument) -> String {
    let mut denials: Vec<_> = document.findings.iter().filter(|finding| finding.denies()).collect();
    denials.sort_by_key(|finding| finding.nature == Nature::Missing);
    let findings = denials.iter().map(|finding| (finding.code.as_str(), finding.message.as_str()));
    let faults = document.faults.iter().filter(|fault| fault.enforced);
    let faults = faults.map(|fault| (fault.cause.as_str(), fault.message.as_str()));
    let all: Vec<String> = findings
        .chain(faults)
        .map(|(code, message)| shorten(&format!("{code}: {}", plain(message)), MAX_FINDING_CHARS))
        .collect();
    let mut text = format!("{} by Reprieve", if document.decision == Verdict::Deny { "denied" } else { "undecided" });
    if let Some(entry) = &document.ledger {
        text += &format!(", entry {}", entry.entry);
    }
    for (i, one) in all.iter().take(SHOWN).enumerate() {
        text += if i == 0 { ": " } else { "; " };
        text += one;
    }
    if all.len() > SHOWN {
        text += &format!("; and {} more", all.len() - SHOWN);
    }
    text
}

/// Cuts a text to a number of characters. Control characters, which a header must not have, are blanks.
fn shorten(text: &str, max: usize) -> String {
    let visible = |c: char| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c };
    if text.chars().count() <= max {
        return text.chars().map(visible).collect();
    }
    text.chars().take(max - 1).map(visible).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_short_and_has_no_control_characters() {
        let text = shorten(&"a\n\u{7}é".repeat(100), MAX_WARNING_CHARS);
        assert_eq!(text.chars().count(), MAX_WARNING_CHARS);
        assert!(!text.chars().any(char::is_control) && text.ends_with('…'));
        assert_eq!(shorten("kept", 4), "kept");
    }
}
