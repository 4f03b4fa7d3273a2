//! The review, read where it is looked at: its text is split into sections once, and a section is parsed when a
//! policy first asks for it. A policy pays for what it uses, in time and in the size of its module.

use crate::index::{Index, Parent};
use crate::model::{
    Actor, Approval, Closure, DryRun, Estimate, HistoryFacts, IdFacts, Migration, Mode, Notice, Operation, Pool,
    Provenance, Reason, Recovery, Schedule, Tally, TenantFacts, Timestamp, Whole,
};
use miniserde::Deserialize;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The fields of one object of the review.
#[derive(Clone, Debug)]
struct Sections {
    index: Rc<Index>,
    of: Parent,
}

impl Sections {
    /// The section `name`: absent, or parsed at the first look and kept in `cell`.
    fn get<'a, T: Deserialize>(&self, name: &str, cell: &'a OnceCell<Option<Box<T>>>) -> Option<&'a T> {
        let parse = || {
            let text = self.index.text.get(self.index.field(self.of, name)?)?;
            // A section that cannot be read must not pass for one that is not there: the policy ends in a fault.
            #[allow(clippy::panic)]
            Some(Box::new(miniserde::json::from_str(text).unwrap_or_else(|_| panic!("cannot read {text}"))))
        };
        cell.get_or_init(parse).as_deref()
    }

    fn required<'a, T: Deserialize>(&self, name: &str, cell: &'a OnceCell<Option<Box<T>>>) -> &'a T {
        #[allow(clippy::expect_used)]
        self.get(name, cell).expect("a field that every review has")
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
            sections: Sections,
            $($copied: OnceCell<Option<Box<$copied_type>>>,)*
            $($required: OnceCell<Option<Box<$required_type>>>,)*
            $($optional: OnceCell<Option<Box<$optional_type>>>,)*
        }

        impl $name {
            fn new(index: &Rc<Index>, of: Parent) -> Self {
                Self {
                    sections: Sections { index: Rc::clone(index), of },
                    $($copied: OnceCell::new(),)*
                    $($required: OnceCell::new(),)*
                    $($optional: OnceCell::new(),)*
                }
            }

            $(#[doc = $copied_doc] pub fn $copied(&self) -> $copied_type {
                *self.sections.required(stringify!($copied), &self.$copied)
            })*

            $(#[doc = $required_doc] pub fn $required(&self) -> &$required_type {
                self.sections.required(stringify!($required), &self.$required)
            })*

            $(#[doc = $optional_doc] pub fn $optional(&self) -> Option<&$optional_type> {
                self.sections.get(stringify!($optional), &self.$optional)
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
        optional "The list that this batch is a wave of; see `Case::evidence`." whole: Whole,
        optional "Seconds that the clocks of zones are ahead of UTC; see `Case::local`." zones: BTreeMap<String, i64>,
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
        let index = Rc::new(Index::new(text));
        if index.field(Parent::Review, "claims").is_none() || index.field(Parent::Review, "facts").is_none() {
            return Err("the review has no claims or no facts".to_owned());
        }
        let inventory = index.field(Parent::Facts, "inventory");
        Ok(Self {
            claims: Claims::new(&index, Parent::Claims),
            facts: Facts::new(&index, Parent::Facts),
            inventory: inventory.map(|_| InventoryFacts::new(&index, Parent::Inventory)),
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
