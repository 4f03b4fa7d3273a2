//! Rules: the reasons for which a policy may object.

/// One rule. Declare them with [`rules!`](crate::rules).
#[derive(Debug)]
pub struct Rule {
    /// Kebab-case, unique within the policy.
    pub code: &'static str,
    /// The lines of its documentation, as written.
    #[doc(hidden)]
    pub doc: &'static [&'static str],
    /// The settings that steer it.
    pub settings: &'static [&'static str],
}

impl Rule {
    /// One sentence: the first paragraph of its documentation.
    pub fn summary(&self) -> String {
        paragraph(self.doc.split(|line| line.trim().is_empty()).next().unwrap_or_default())
    }

    /// Why it exists and where its default comes from: the paragraphs after the first.
    pub fn explanation(&self) -> String {
        let paragraphs = self.doc.split(|line| line.trim().is_empty()).skip(1);
        paragraphs.map(paragraph).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n")
    }
}

pub(crate) fn paragraph(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// Declares the rules of a policy: one constant each, and all of them together as `RULES`.
///
/// The first paragraph of a rule's documentation is what it denies; the others say why it exists and where its
/// default comes from. In brackets stand the settings that steer it.
#[macro_export]
macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal [$($setting:ident),* $(,)?];)+) => {
        $(
            $(#[doc = $doc])+
            pub static $name: $crate::Rule =
                $crate::Rule { code: $code, doc: &[$($doc),+], settings: &[$(stringify!($setting)),*] };
        )+

        /// Every rule of this policy.
        pub static RULES: &[$crate::Rule] = &[
            $($crate::Rule { code: $code, doc: &[$($doc),+], settings: &[$(stringify!($setting)),*] }),+
        ];
    };
    // What is not as above comes here, for an error that names the rule.
    (@rule $(#[doc = $doc:literal])+ $name:ident = $code:literal [$($setting:ident),* $(,)?]; $($rest:tt)*) => {
        $crate::rules!(@rule $($rest)*);
    };
    (@rule $(#[doc = $doc:literal])+ $name:ident $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "the rule `", stringify!($name), "` is not written as `NAME = \"code\" [settings that steer it];`"
        ));
    };
    (@rule $name:ident $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "the rule `", stringify!($name), "` needs a documentation comment (`///`): what it denies, and why"
        ));
    };
    (@rule $($other:tt)*) => {
        ::core::compile_error!("rules! takes one rule or more: `/// what it denies`, then `NAME = \"code\" [settings];`");
    };
    ($($rules:tt)*) => {
        $crate::rules!(@rule $($rules)*);
    };
}
