//! Findings: what a policy objects to.

use crate::{Nature, Rows, Rule, Severity};

/// One objection, as it is sent to the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The code of the rule.
    pub rule: &'static str,
    /// Whether it denies.
    pub severity: Severity,
    /// Whether something contradicts or something is missing.
    pub nature: Nature,
    /// What is wrong, with the numbers, in one sentence.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// JSON pointer of the request field that it is about.
    pub field: Option<String>,
    /// The setting that it was compared with.
    pub setting: Option<&'static str>,
    /// The number of offending targets.
    pub rows: u64,
    /// A few of their row numbers.
    pub examples: Vec<u64>,
}

/// The findings of a policy. Each is started by [`deny`](Self::deny), [`warn`](Self::warn) or
/// [`deny_if`](Self::deny_if), and completed in the same expression.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Denies: the batch must not run.
    pub fn deny(&mut self, rule: &'static Rule, message: impl Into<String>) -> FindingBuilder<'_> {
        self.add(rule, Severity::Deny, message.into())
    }

    /// Warns: the finding is shown and does not change the decision.
    pub fn warn(&mut self, rule: &'static Rule, message: impl Into<String>) -> FindingBuilder<'_> {
        self.add(rule, Severity::Warn, message.into())
    }

    /// Denies if `denies` holds, and warns otherwise. Use it for unknowns: deny a hard delete, warn of a soft one.
    pub fn deny_if(&mut self, denies: bool, rule: &'static Rule, message: impl Into<String>) -> FindingBuilder<'_> {
        self.add(rule, if denies { Severity::Deny } else { Severity::Warn }, message.into())
    }

    /// The findings so far.
    pub fn as_slice(&self) -> &[Finding] {
        &self.0
    }

    /// The findings with texts that a host accepts: what is too long is shortened, because a fault would hide the finding.
    pub(crate) fn into_vec(mut self) -> Vec<Finding> {
        for finding in &mut self.0 {
            shorten(&mut finding.message);
            shorten(&mut finding.help);
        }
        self.0
    }

    fn add(&mut self, rule: &'static Rule, severity: Severity, message: String) -> FindingBuilder<'_> {
        self.0.push(Finding {
            rule: rule.code,
            severity,
            nature: rule.nature,
            message,
            help: String::new(),
            field: None,
            setting: None,
            rows: 0,
            examples: Vec::new(),
        });
        let last = self.0.len() - 1;
        FindingBuilder(&mut self.0[last])
    }
}

/// The maximum length of a text of a finding in bytes: the default limit of a host.
const MAX_TEXT_BYTES: usize = 2 << 10;
/// What stands for the rest of a text.
const REST: &str = "…";

/// Cuts a text that is too long at the end of a character.
fn shorten(text: &mut String) {
    if text.len() > MAX_TEXT_BYTES {
        let end = text.floor_char_boundary(MAX_TEXT_BYTES - REST.len());
        text.truncate(end);
        text.push_str(REST);
    }
}

/// Completes a finding. The finding counts from the moment it is started; the rest only explains it.
#[derive(Debug)]
pub struct FindingBuilder<'a>(&'a mut Finding);

impl FindingBuilder<'_> {
    /// What to do about it.
    pub fn help(self, help: impl Into<String>) -> Self {
        self.0.help = help.into();
        self
    }

    /// JSON pointer of the request field that it is about.
    pub fn field(self, pointer: impl Into<String>) -> Self {
        self.0.field = Some(pointer.into());
        self
    }

    /// The setting that it was compared with.
    pub fn setting(self, name: &'static str) -> Self {
        self.0.setting = Some(name);
        self
    }

    /// The offending targets.
    pub fn rows(self, rows: &Rows) -> Self {
        self.0.rows = rows.count;
        self.0.examples.clone_from(&rows.examples);
        self
    }

    /// Something contradicts, whatever the nature of the rule.
    pub fn wrong(self) -> Self {
        self.0.nature = Nature::Wrong;
        self
    }

    /// Something is missing, whatever the nature of the rule.
    pub fn missing(self) -> Self {
        self.0.nature = Nature::Missing;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::rules! {
        /// A.
        RULE = "rule": wrong [];
    }

    #[test]
    fn shortens_texts_that_a_host_would_not_accept() {
        let texts = |text: &str| {
            let mut findings = Findings::default();
            findings.deny(&RULE, text).help(text);
            let finding = findings.into_vec().remove(0);
            assert_eq!(finding.message, finding.help);
            finding.message
        };
        assert_eq!(texts(&"a".repeat(2_048)), "a".repeat(2_048));
        assert_eq!(texts(&"a".repeat(2_049)), format!("{}…", "a".repeat(2_045)));
        let wide = texts(&"é".repeat(1_025));
        assert_eq!((wide.len(), wide.chars().last()), (2_047, Some('…')));
        assert_eq!(RULES.len(), 1);
    }
}
