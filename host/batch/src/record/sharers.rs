//! The tenants that share a thing: a list of names, or a number where only that is known.

use super::fields::{SharersOf, Texts};
use crate::text::is_unknown;
use hashbrown::HashSet;
use serde::{Deserialize, Serialize};

/// The maximum number of tenants that one thing may have without naming them.
const MAX_UNNAMED: u64 = 1_000_000_000;

/// The tenants that share a thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sharers {
    /// Those that are named.
    pub names: Vec<String>,
    /// The number of the others. They are other tenants than those of any other thing, as far as anyone knows.
    pub unnamed: u64,
}

impl Sharers {
    /// From the items of a list, each name once. An item that is blank or a word for nothing is a tenant without a name. An
    /// empty list is unknown, because everything is someone's.
    pub(crate) fn of_names(items: impl IntoIterator<Item = Option<String>>) -> Option<Self> {
        let (mut sharers, mut seen) = (Self::default(), HashSet::new());
        for item in items {
            match item.filter(|name| !is_unknown(name)) {
                None => sharers.unnamed += 1,
                Some(name) if seen.insert(name.clone()) => sharers.names.push(name),
                Some(_) => {}
            }
        }
        (sharers != Self::default()).then_some(sharers)
    }

    /// From a number. 0 is unknown, because everything is someone's.
    pub(crate) fn of_number(number: u64) -> Result<Option<Self>, String> {
        if number > MAX_UNNAMED {
            return Err(format!("{number} tenants, at most {MAX_UNNAMED} are allowed"));
        }
        Ok((number > 0).then_some(Self { names: Vec::new(), unnamed: number }))
    }

    /// From names separated by semicolons, or a number. What may be a list in another form is an error, because it would
    /// be read as one name.
    pub(crate) fn of_text(text: &str) -> Result<Option<Self>, String> {
        if is_unknown(text) {
            return Ok(None);
        }
        if let Ok(number) = text.parse() {
            return Self::of_number(number);
        }
        let is_digit = |c: char| c.is_numeric() || c.is_ascii_punctuation() || c.is_whitespace();
        let looks_like_a_number = !text.contains(';') && text.chars().all(is_digit);
        if text.contains([',', '|']) || text.starts_with(['[', '{', '"']) || looks_like_a_number {
            return Err(format!("expected names separated by `;`, or a whole number, found `{text}`"));
        }
        Ok(Self::of_names(text.split(';').map(|name| Some(name.trim().to_owned()))))
    }

    pub(super) fn borrowed(&self) -> SharersOf<'_> {
        SharersOf { names: Texts::Owned(&self.names), unnamed: self.unnamed }
    }

    /// The number of them.
    pub fn count(&self) -> u64 {
        self.unnamed.saturating_add(self.names.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Record, reached};

    fn sharers(names: &[&str], unnamed: u64) -> Option<Sharers> {
        Some(Sharers { names: names.iter().map(|name| (*name).to_owned()).collect(), unnamed })
    }

    #[test]
    fn reads_names_or_a_number() {
        for (text, expected) in [
            ("t-1", sharers(&["t-1"], 0)),
            ("t-1; t 2;t-1", sharers(&["t-1", "t 2"], 0)),
            ("t-1;;NULL;n/a", sharers(&["t-1"], 3)),
            ("42;43", sharers(&["42", "43"], 0)),
            ("7f3a-2", sharers(&["7f3a-2"], 0)),
            ("400", sharers(&[], 400)),
            ("1000000000", sharers(&[], MAX_UNNAMED)),
            ("0", None),
            ("", None),
            ("[]", None),
            ("NULL", None),
        ] {
            assert_eq!(Sharers::of_text(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn rejects_what_would_be_read_as_a_shorter_list() {
        let not_names = "expected names separated by `;`, or a whole number";
        for text in
            ["a,b", "a|b", "[a]", r#"["a";"b"]"#, "{a}", "400.0", "1 000", "1'000", "-3", "4-5", ">400", "4_0"]
        {
            let error = Sharers::of_text(text).expect_err(text);
            assert!(error.starts_with(not_names) && error.contains(text), "{error}");
        }
        assert!(Sharers::of_text("1000000001").is_err_and(|error| error.contains("at most 1000000000")));
    }

    #[test]
    fn the_owner_is_one_of_the_tenants() {
        let shared = |tenant: Option<&str>, text| Record {
            tenant: tenant.map(str::to_owned),
            tenants: Sharers::of_text(text).unwrap(),
            ..Record::default()
        };
        let all = |record: Option<&Record>, listed| {
            let fields = record.map(Record::fields);
            let (names, unnamed) = reached(fields.as_ref(), listed);
            (names.map(str::to_owned).collect::<Vec<String>>().join(" "), unnamed)
        };
        let is = |names: &str, unnamed| (names.to_owned(), unnamed);
        assert_eq!(all(Some(&shared(Some("a"), "b;a;c")), Some("x")), is("a b c", 0));
        assert_eq!(all(Some(&shared(None, "b;c;-")), Some("x")), is("b c", 1));
        assert_eq!(all(Some(&shared(Some("a"), "400")), None), is("a", 400));
        assert_eq!(all(Some(&shared(None, "400")), Some("x")), is("", 400));
        assert_eq!(all(Some(&shared(None, "0")), Some("x")), is("x", 0));
        assert_eq!((all(Some(&shared(None, "")), None), all(None, None)), (is("", 1), is("", 1)));
        let whose = |record: &Record, listed| record.fields().tenant_beside(listed).map(str::to_owned);
        assert_eq!(whose(&shared(Some("a"), "b;c"), Some("c ")).as_deref(), Some("c"));
        assert_eq!(whose(&shared(Some("a"), "b;c"), Some("x")).as_deref(), Some("a"));
        assert_eq!(whose(&shared(None, "b;c"), None).as_deref(), Some("b"));
        assert_eq!(whose(&shared(None, "400"), Some("x")), None);
    }
}
