//! A decision as continuous integration reads it. Every format starts from the same list of remarks, and none of them can
//! make a denial look like an allow: the exit status is the decision, and text of others is escaped as the format asks.

mod atlantis;
mod github;
mod junit;
mod markdown;
mod sarif;
mod tap;

pub use markdown::escaped;

use crate::render::{RequestFile, counts};
use reprieve::model::{Claims, DecisionDocument, Severity, Verdict};
use std::borrow::Cow;

/// A decision about the request in a file.
pub struct Printed<'a> {
    /// The request.
    pub claims: &'a Claims,
    /// The decision.
    pub document: &'a DecisionDocument,
    /// The file of the request.
    pub request: &'a RequestFile,
}

/// A format of continuous integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ci {
    /// SARIF 2.1.0.
    Sarif,
    /// JUnit XML.
    Junit,
    /// Workflow commands of GitHub Actions.
    Github,
    /// GitHub's Markdown.
    Markdown,
    /// The Test Anything Protocol, version 13.
    Tap,
    /// A custom policy check of Atlantis.
    Atlantis,
}

/// How much a remark weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// It prevents an allow.
    Error,
    /// It does not.
    Warning,
}

/// A finding or a fault.
struct Remark<'a> {
    level: Level,
    /// The policy, or `gate`.
    policy: &'a str,
    /// `policy/rule`, or `policy/fault-cause`.
    code: Cow<'a, str>,
    message: &'a str,
    help: Cow<'a, str>,
    /// JSON pointer into the request.
    field: Option<&'a str>,
}

impl Printed<'_> {
    /// Renders the decision.
    pub fn render(&self, format: Ci) -> anyhow::Result<String> {
        Ok(match format {
            Ci::Sarif => sarif::render(self)?,
            Ci::Junit => junit::render(self)?,
            Ci::Github => github::render(self),
            Ci::Markdown => markdown::render(self),
            Ci::Tap => tap::render(self),
            Ci::Atlantis => atlantis::render(self),
        })
    }

    /// Everything that the decision says, faults first.
    fn remarks(&self) -> Vec<Remark<'_>> {
        let level = |counts: bool| if counts { Level::Error } else { Level::Warning };
        let faults = self.document.faults.iter().map(|fault| Remark {
            level: level(fault.enforced),
            policy: &fault.policy,
            code: format!("{}/fault-{}", fault.policy, fault.cause).into(),
            message: &fault.message,
            help: fault.cause.help().into(),
            field: None,
        });
        let findings = self.document.findings.iter().map(|finding| Remark {
            level: level(finding.severity == Severity::Deny && finding.enforced && !finding.lifted),
            policy: &finding.policy,
            code: Cow::Borrowed(finding.code.as_str()),
            message: &finding.message,
            help: Cow::Borrowed(finding.help.as_str()),
            field: finding.field.as_deref(),
        });
        faults.chain(findings).collect()
    }

    /// Whether the batch may run.
    fn is_allowed(&self) -> bool {
        self.document.decision == Verdict::Allow
    }

    /// The decision in one line.
    fn headline(&self) -> String {
        let DecisionDocument { decision, request, targets, tenants, .. } = self.document;
        let (mode, environment) = (self.claims.mode.phrase(), &self.claims.environment);
        let decision = decision.as_str();
        format!("{decision} {request}: {mode} of {targets} targets of {tenants} tenants in {environment}")
    }

    /// The counts of policies, denials and warnings.
    fn counts(&self) -> String {
        counts(self.document)
    }
}

/// A text in one line, without control characters.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')).collect::<Vec<_>>().join(" ")
}
