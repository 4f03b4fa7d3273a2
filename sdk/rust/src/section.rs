//! The review, read where it is looked at: its text is split into sections once, and a section is parsed when a
//! policy first asks for it. A policy pays for what it uses, in time and in the size of its module.

use crate::model::{
    Actor, Approval, Closure, DryRun, Estimate, HistoryFacts, IdFacts, Migration, Mode, Notice, Operation, Pool,
    Provenance, Reason, Recovery, Schedule, Tally, TenantFacts, Timestamp,
};
use miniserde::Deserialize;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

/// The objects whose fields are sections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parent {
    Review,
    Claims,
    Facts,
    Inventory,
}

/// Where the sections of a review are in its text.
#[derive(Clone, Debug)]
struct Index {
    text: Rc<str>,
    fields: Vec<(Parent, Range<usize>, Range<usize>)>,
}

impl Index {
    /// Finds the sections in one pass. The host wrote the text, so it is JSON without white space; of anything else
    /// nothing is found, and what is required is then missing.
    fn new(text: &str) -> Self {
        let mut index = Self { text: text.into(), fields: Vec::with_capacity(48) };
        index.object(text.as_bytes(), 0, Parent::Review);
        index
    }

    /// Takes down the fields of the object that begins at `at`; gives the place behind it.
    fn object(&mut self, bytes: &[u8], at: usize, parent: Parent) -> usize {
        let mut at = at + 1;
        while bytes.get(at) == Some(&b'"') {
            let key = at + 1..string_end(bytes, at + 1);
            let start = key.end + 2;
            let inner = match (parent, bytes.get(key.clone())) {
                (Parent::Review, Some(b"claims")) => Some(Parent::Claims),
                (Parent::Review, Some(b"facts")) => Some(Parent::Facts),
                (Parent::Facts, Some(b"inventory")) => Some(Parent::Inventory),
                _ => None,
            };
            let end = match inner {
                Some(inner) => self.object(bytes, start, inner),
                None => value_end(bytes, start),
            };
            self.fields.push((parent, key, start..end));
            if bytes.get(end) != Some(&b',') {
                return end + 1;
            }
            at = end + 1;
        }
        at + 1
    }

    fn field(&self, of: Parent, name: &str) -> Option<Range<usize>> {
        let found = self.fields.iter().find(|(parent, key, _)| {
            *parent == of && key.len() == name.len() && self.text.get(key.clone()) == Some(name)
        });
        found.map(|(_, _, value)| value.clone())
    }
}

/// Where the string ends that begins at `at`: the place of its closing quote. Looks at eight bytes at a time, because
/// every turn of a loop costs fuel.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // The lowest of the high bits that are set marks the first byte of `word` that is `byte`.
    let places = |word: u64, byte: u8| {
        let differing = word ^ (ONES * u64::from(byte));
        differing.wrapping_sub(ONES) & !differing & (ONES << 7)
    };
    loop {
        let mut eight = [b'"'; 8];
        match bytes.get(at..) {
            Some([]) | None => return bytes.len(),
            Some(rest) => match rest.first_chunk() {
                Some(chunk) => eight = *chunk,
                // The last few, with quotes behind them.
                None => rest.iter().zip(&mut eight).for_each(|(byte, place)| *place = *byte),
            },
        }
        let word = u64::from_le_bytes(eight);
        match places(word, b'"') | places(word, b'\\') {
            0 => at += 8,
            found => {
                at += found.trailing_zeros() as usize / 8;
                match bytes.get(at) {
                    Some(b'\\') => at += 2,
                    _ => return at,
                }
            }
        }
    }
}

/// Where the value ends that begins at `at`: the place of the comma or bracket behind it.
fn value_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_u32;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let structural = |byte: &u8| matches!(byte, b'"' | b',' | b'{' | b'}' | b'[' | b']');
        let Some(offset) = rest.iter().position(structural) else { return bytes.len() };
        at += offset;
        match bytes.get(at) {
            Some(b'"') => at = string_end(bytes, at + 1),
            Some(b'{' | b'[') => depth += 1,
            Some(b',') if depth > 0 => {}
            Some(b'}' | b']') if depth > 0 => depth -= 1,
            _ => return at,
        }
        at += 1;
    }
}

/// One section: absent, or text that is parsed at the first look.
#[derive(Clone, Debug)]
struct Section<T> {
    text: Rc<str>,
    place: Option<Range<usize>>,
    value: OnceCell<Box<T>>,
}

impl<T: Deserialize> Section<T> {
    fn new(index: &Index, of: Parent, name: &str) -> Self {
        Self { text: Rc::clone(&index.text), place: index.field(of, name), value: OnceCell::new() }
    }

    fn get(&self) -> Option<&T> {
        let text = self.text.get(self.place.clone()?)?;
        // A section that cannot be read must not pass for one that is not there: the policy ends in a fault.
        #[allow(clippy::panic)]
        let parse = || Box::new(miniserde::json::from_str(text).unwrap_or_else(|_| panic!("cannot read {text}")));
        Some(self.value.get_or_init(parse))
    }

    fn required(&self) -> &T {
        #[allow(clippy::expect_used)]
        self.get().expect("a field that every review has")
    }
}

macro_rules! view {
    (
        $(#[$about:meta])*
        $name:ident {
            $(copied $copied_doc:literal $copied:ident: $copied_type:ty,)*
            $(required $required_doc:literal $required:ident: $required_type:ty,)*
            $(optional $optional_doc:literal $optional:ident: $optional_type:ty,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $($copied: Section<$copied_type>,)*
            $($required: Section<$required_type>,)*
            $($optional: Section<$optional_type>,)*
        }

        impl $name {
            fn read(index: &Index, of: Parent) -> Self {
                Self {
                    $($copied: Section::new(index, of, stringify!($copied)),)*
                    $($required: Section::new(index, of, stringify!($required)),)*
                    $($optional: Section::new(index, of, stringify!($optional)),)*
                }
            }

            $(#[doc = $copied_doc] pub fn $copied(&self) -> $copied_type {
                *self.$copied.required()
            })*

            $(#[doc = $required_doc] pub fn $required(&self) -> &$required_type {
                self.$required.required()
            })*

            $(#[doc = $optional_doc] pub fn $optional(&self) -> Option<&$optional_type> {
                self.$optional.get()
            })*
        }
    };
}

view! {
    /// What the request says about itself. The fields are those of [`Request`](crate::model::Request).
    Claims {
        copied "Whether the targets stay recoverable." mode: Mode,
        required "A name of the submitter's choosing." id: String,
        required "Where the call will run." environment: String,
        required "What every target is said to be." target_kind: String,
        optional "The destructive call." operation: Operation,
        optional "Why." reason: Reason,
        optional "Who." actor: Actor,
        optional "Where the list of targets came from." provenance: Provenance,
        optional "What a run without effect showed." dry_run: DryRun,
        optional "How this could be undone." recovery: Recovery,
        optional "Who agreed, and to what." approvals: Vec<Approval>,
        optional "The verified copy, where data is deleted because it was moved." migration: Migration,
        optional "When." schedule: Schedule,
        optional "Who was told." notice: Notice,
        optional "The series of batches this one belongs to." campaign: String,
        optional "Free form." annotations: miniserde::json::Object,
    }
}

view! {
    /// What the host found out. The fields are those of [`Facts`](crate::model::Facts).
    Facts {
        copied "The time the decision is made for." evaluated_at: Timestamp,
        copied "Rows in the list." targets: u64,
        copied "The most tenants that the batch can reach." tenants_at_most: u64,
        required "SHA-256 of the request document." request_sha256: String,
        required "SHA-256 of the target list: what every piece of evidence must name." targets_sha256: String,
        required "Whether each row can be told from the others." ids: IdFacts,
        required "Tenants as the list has them." tenants: TenantFacts,
        required "Rows by the kind the list gives them." kinds: Tally,
        required "Rows by the environment the list gives them." environments: Tally,
        required "How long undoing this would take." restore: Estimate,
        optional "What was deleted before; none where nobody knows." history: HistoryFacts,
    }
}

view! {
    /// What the inventory says. The fields are those of [`InventoryFacts`](crate::model::InventoryFacts).
    InventoryFacts {
        copied "Rows whose id the inventory knows." resolved: u64,
        copied "Rows whose id it does not know." unresolved: u64,
        copied "How many tenants there are in all." population_tenants: u64,
        required "SHA-256 of the inventory that answered." sha256: String,
        required "Tenants of the resolved rows." tenants: TenantFacts,
        required "Resolved rows by kind." kinds: Tally,
        required "Resolved rows by environment." environments: Tally,
        required "Resolved rows by life-cycle state." states: Tally,
        required "How many things of each kind there are in all." population: BTreeMap<String, u64>,
        required "Capacity pools that the batch takes members from." pools: Vec<Pool>,
        required "The targets and everything that goes with them." closure: Closure,
    }
}

/// What a policy is handed, split into claims and facts.
#[derive(Clone, Debug)]
pub(crate) struct Review {
    pub claims: Claims,
    pub facts: Facts,
    pub inventory: Option<InventoryFacts>,
}

impl Review {
    /// Splits the text that the host handed over.
    pub fn split(text: &str) -> Result<Self, String> {
        let index = Index::new(text);
        if index.field(Parent::Review, "claims").is_none() || index.field(Parent::Review, "facts").is_none() {
            return Err("the review has no claims or no facts".to_owned());
        }
        let inventory = index.field(Parent::Facts, "inventory");
        Ok(Self {
            claims: Claims::read(&index, Parent::Claims),
            facts: Facts::read(&index, Parent::Facts),
            inventory: inventory.map(|_| InventoryFacts::read(&index, Parent::Inventory)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_review_is_split_where_its_values_end() {
        let tricky = r#"{"id":"a\"b},{","mode":"hard","environment":"[","target_kind":"app\\","campaign":"\u0022"}"#;
        let facts = r#"{"targets":17,"targets_sha256":"5f","inventory":{"resolved":3,"kinds":{"counts":{"a":1},"others":0,"unknown":2}}}"#;
        let review = Review::split(&format!(r#"{{"claims":{tricky},"facts":{facts}}}"#)).unwrap();
        assert_eq!(review.claims.id(), "a\"b},{");
        assert!(review.claims.mode().is_hard());
        assert_eq!(review.claims.environment(), "[");
        assert_eq!(review.claims.target_kind(), "app\\");
        assert_eq!(review.claims.campaign().map(String::as_str), Some("\""));
        assert!(review.claims.reason().is_none());
        assert_eq!((review.facts.targets(), review.facts.targets_sha256().as_str()), (17, "5f"));
        let inventory = review.inventory.unwrap();
        assert_eq!((inventory.resolved(), inventory.kinds().unknown), (3, 2));
    }
}
