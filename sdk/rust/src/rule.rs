//! Rules: the reasons for which a policy may object.

use crate::model::Nature;

/// One rule. Declare rules with [`rules!`](crate::rules).
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Kebab-case, unique within the policy.
    pub code: &'static str,
    /// The lines of its documentation, as written.
    #[doc(hidden)]
    pub doc: &'static [&'static str],
    /// The settings that control it.
    pub settings: &'static [&'static str],
    /// The nature of its findings, unless a finding has another.
    pub nature: Nature,
    /// What its findings are about.
    pub subject: Subject,
    /// Whether no override may lift its findings.
    pub never_lifted: bool,
}

/// What the findings of a rule are about, and so what clears them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// The request as a whole: its evidence, its mode, its time. Correct the request.
    #[default]
    Request,
    /// The size of the batch. A smaller batch may pass, and `reprieve split` makes one.
    Size,
    /// Ids that are blank or duplicated. `reprieve split` excludes these rows.
    Ids,
    /// Single targets, whatever else is in the batch. `reprieve split` excludes the rows that are reported.
    Targets,
}

/// A setting that limits the size of a batch. `reprieve split` keeps to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What it limits. A policy declares at most one limit for each measure.
    pub measure: Measure,
    /// The name of the setting, which is a number.
    pub setting: &'static str,
}

/// What a setting limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Measure {
    /// The number of tenants that a hard delete may reach.
    TenantsHard,
    /// The number of tenants that a soft delete may reach.
    TenantsSoft,
    /// The share of all tenants that the first batch of a campaign may reach, in percent.
    CanaryShare,
    /// The number of tenants that the first batch of a campaign may reach.
    CanaryTenants,
    /// How many times as many tenants as the batch before a batch may reach.
    Growth,
}

impl Rule {
    /// One sentence: the first paragraph of its documentation.
    pub fn summary(&self) -> String {
        paragraph(self.doc.split(|line| line.trim().is_empty()).next().unwrap_or_default())
    }

    /// Why the rule exists and where its default comes from: the other paragraphs of its documentation.
    pub fn explanation(&self) -> String {
        let paragraphs = self.doc.split(|line| line.trim().is_empty()).skip(1);
        paragraphs.map(paragraph).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n")
    }
}

pub(crate) fn paragraph(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// Declares the rules of a policy: a static for each, and a slice of all of them named `RULES`.
///
/// ```
/// reprieve_sdk::rules! {
///     /// The batch holds more targets than one batch may.
///     ///
///     /// A small batch can be watched while it runs.
///     TOO_MANY = "too-many": wrong, size [max_targets];
///
///     /// No owner was notified.
///     NO_NOTICE = "no-notice": missing [];
///
///     /// Targets are under a legal hold.
///     LEGAL_HOLD = "legal-hold": wrong, targets, never_lifted [];
/// }
/// # fn main() {
/// #     let never_lifted: Vec<bool> = RULES.iter().map(|rule| rule.never_lifted).collect();
/// #     assert_eq!(never_lifted, [false, false, true]);
/// # }
/// ```
///
/// The first paragraph of the documentation states what the rule denies. The other paragraphs explain why the rule
/// exists and where its default comes from.
///
/// After the code comes the [`Nature`] of its findings, `wrong` or `missing`; then, if it is not `request`, its
/// [`Subject`]: `size`, `ids` or `targets`; then `never_lifted`, if no override may lift its findings. The brackets
/// list the settings that control it.
#[macro_export]
macro_rules! rules {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident = $code:literal : $nature:ident $(, $word:ident)* [$($setting:ident),* $(,)?];
    )+) => {
        $(
            $(#[doc = $doc])+
            pub static $name: $crate::Rule = $crate::Rule {
                code: $code,
                doc: &[$($doc),+],
                settings: &[$(stringify!($setting)),*],
                nature: $crate::rules!(@nature $name $nature),
                subject: $crate::rules!(@subject $name $($word)*),
                never_lifted: $crate::rules!(@never_lifted $($word)*),
            };
        )+

        /// Every rule of this policy.
        pub static RULES: &[$crate::Rule] = &[$($name),+];
    };

    (@nature $name:ident wrong) => { $crate::Nature::Wrong };
    (@nature $name:ident missing) => { $crate::Nature::Missing };
    (@nature $name:ident $other:ident) => {
        ::core::compile_error!(::core::concat!(
            "the nature of the rule `", stringify!($name), "` is `wrong` or `missing`, not `", stringify!($other), "`"
        ))
    };

    (@subject $name:ident $(never_lifted)?) => { $crate::Subject::Request };
    (@subject $name:ident request $(never_lifted)?) => { $crate::Subject::Request };
    (@subject $name:ident size $(never_lifted)?) => { $crate::Subject::Size };
    (@subject $name:ident ids $(never_lifted)?) => { $crate::Subject::Ids };
    (@subject $name:ident targets $(never_lifted)?) => { $crate::Subject::Targets };
    (@subject $name:ident $($other:ident)+) => {
        ::core::compile_error!(::core::concat!(
            "after the nature of the rule `", stringify!($name), "` comes its subject (`request`, `size`, `ids` or \
             `targets`) and then `never_lifted`, both optional; found `", stringify!($($other),+), "`"
        ))
    };

    (@never_lifted never_lifted) => { true };
    (@never_lifted $subject:ident never_lifted) => { true };
    (@never_lifted $($word:ident)*) => { false };

    // Input that the first arm does not match comes here, for an error that names the rule.
    (@rule
        $(#[doc = $doc:literal])+
        $name:ident = $code:literal : $nature:ident $(, $word:ident)* [$($setting:ident),* $(,)?];
        $($rest:tt)*
    ) => {
        $crate::rules!(@rule $($rest)*);
    };
    (@rule $(#[doc = $doc:literal])+ $name:ident = $code:literal [$($setting:ident),* $(,)?]; $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "the rule `", stringify!($name), "` needs a nature, `wrong` or `missing`: `", stringify!($name), " = ",
            stringify!($code), ": wrong [settings];`"
        ));
    };
    (@rule $(#[doc = $doc:literal])+ $name:ident $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "cannot read the rule `", stringify!($name), "`: expected `NAME = \"code\": nature, subject [settings];`"
        ));
    };
    (@rule $name:ident $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "the rule `", stringify!($name), "` needs a documentation comment (`///`): what it denies, and why"
        ));
    };
    (@rule $($other:tt)*) => {
        ::core::compile_error!(
            "expected at least one rule: `/// What it denies.`, then `NAME = \"code\": nature, subject [settings];`"
        );
    };
    ($($rules:tt)*) => {
        $crate::rules!(@rule $($rules)*);
    };
}

#[cfg(test)]
mod tests {
    use crate::{Nature, Subject};

    rules! {
        /// The first paragraph,
        /// in two lines.
        ///
        /// Why it exists.
        ///
        /// Where its default comes from.
        EXPLAINED = "explained": wrong [];
        /// A.
        REQUEST = "request": missing, request, never_lifted [a, b];
        /// B.
        SIZE = "size": wrong, size [];
        /// C.
        IDS = "ids": wrong, ids, never_lifted [];
        /// D.
        TARGETS = "targets": missing, targets [];
        /// E.
        NEVER = "never": missing, never_lifted [];
    }

    #[test]
    fn documentation_is_summary_and_explanation() {
        assert_eq!(EXPLAINED.summary(), "The first paragraph, in two lines.");
        assert_eq!(EXPLAINED.explanation(), "Why it exists.\n\nWhere its default comes from.");
        assert_eq!(REQUEST.explanation(), "");
    }

    #[test]
    fn reads_nature_subject_and_never_lifted() {
        let all: Vec<_> = RULES.iter().map(|rule| (rule.nature, rule.subject, rule.never_lifted)).collect();
        let expected = [
            (Nature::Wrong, Subject::Request, false),
            (Nature::Missing, Subject::Request, true),
            (Nature::Wrong, Subject::Size, false),
            (Nature::Wrong, Subject::Ids, true),
            (Nature::Missing, Subject::Targets, false),
            (Nature::Missing, Subject::Request, true),
        ];
        assert_eq!(all, expected);
        assert_eq!((RULES[1].code, RULES[1].settings), ("request", ["a", "b"].as_slice()));
    }
}
