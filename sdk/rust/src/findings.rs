//! Findings: what a policy objects to.

use crate::{Rows, Rule, Severity};

/// One objection, as it goes to the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The code of the rule.
    pub rule: &'static str,
    /// Whether it denies.
    pub severity: Severity,
    /// What is wrong, with the numbers, in one sentence.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// JSON pointer of the request field it is about.
    pub field: Option<String>,
    /// The setting it was compared with.
    pub setting: Option<&'static str>,
    /// How many targets offend.
    pub rows: u64,
    /// A few of their row numbers.
    pub examples: Vec<u64>,
}

/// The findings of a policy. Each begins with [`deny`](Self::deny) or [`warn`](Self::warn) and is completed in the
/// same expression.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// The batch must not run.
    pub fn deny(&mut self, rule: &'static Rule, message: impl Into<String>) -> Draft<'_> {
        self.add(rule, Severity::Deny, message.into())
    }

    /// The operator should know.
    pub fn warn(&mut self, rule: &'static Rule, message: impl Into<String>) -> Draft<'_> {
        self.add(rule, Severity::Warn, message.into())
    }

    /// Denies a hard delete and warns of a soft one: what an unknown does.
    pub fn deny_if(&mut self, denies: bool, rule: &'static Rule, message: impl Into<String>) -> Draft<'_> {
        self.add(rule, if denies { Severity::Deny } else { Severity::Warn }, message.into())
    }

    /// The findings so far.
    pub fn as_slice(&self) -> &[Finding] {
        &self.0
    }

    pub(crate) fn into_vec(self) -> Vec<Finding> {
        self.0
    }

    fn add(&mut self, rule: &'static Rule, severity: Severity, message: String) -> Draft<'_> {
        self.0.push(Finding {
            rule: rule.code,
            severity,
            message,
            help: String::new(),
            field: None,
            setting: None,
            rows: 0,
            examples: Vec::new(),
        });
        let last = self.0.len() - 1;
        Draft(&mut self.0[last])
    }
}

/// A finding being written. It counts from the moment it is begun; the rest only explains it.
#[derive(Debug)]
pub struct Draft<'a>(&'a mut Finding);

impl Draft<'_> {
    /// What to do about it.
    pub fn help(self, help: impl Into<String>) -> Self {
        self.0.help = help.into();
        self
    }

    /// JSON pointer of the request field it is about.
    pub fn field(self, pointer: impl Into<String>) -> Self {
        self.0.field = Some(pointer.into());
        self
    }

    /// The setting it was compared with.
    pub fn setting(self, name: &'static str) -> Self {
        self.0.setting = Some(name);
        self
    }

    /// The targets that offend.
    pub fn rows(self, rows: &Rows) -> Self {
        self.0.rows = rows.count;
        self.0.examples.clone_from(&rows.examples);
        self
    }
}
