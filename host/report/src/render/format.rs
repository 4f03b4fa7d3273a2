//! The formats of a printed decision.

use super::Ci;
use clap::ValueEnum;
use clap::builder::PossibleValue;

/// The format of a printed decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Human,
    /// The decision document, with what the batch consists of.
    Json,
    /// One file for a browser.
    Html,
    /// For continuous integration.
    Ci(Ci),
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Human,
            Self::Json,
            Self::Html,
            Self::Ci(Ci::Sarif),
            Self::Ci(Ci::Junit),
            Self::Ci(Ci::Github),
            Self::Ci(Ci::Markdown),
            Self::Ci(Ci::Tap),
            Self::Ci(Ci::Atlantis),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Human => ("human", "For people"),
            Self::Json => ("json", "The decision document; see `reprieve schema decision`"),
            Self::Html => ("html", "One file for a browser, with plots"),
            Self::Ci(Ci::Sarif) => ("sarif", "SARIF 2.1.0, for code scanning"),
            Self::Ci(Ci::Junit) => ("junit", "JUnit XML"),
            Self::Ci(Ci::Github) => ("github", "Annotations of GitHub Actions"),
            Self::Ci(Ci::Markdown) => ("markdown", "Markdown, for a step summary or a comment"),
            Self::Ci(Ci::Tap) => ("tap", "The Test Anything Protocol"),
            Self::Ci(Ci::Atlantis) => ("atlantis", "A custom policy check of Atlantis"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}
