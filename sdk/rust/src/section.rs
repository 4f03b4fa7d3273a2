//! The review, parsed lazily: its text is split into sections once, and a section is parsed when a policy first reads
//! it. A policy pays only for what it uses, in fuel and in the size of its module.

use crate::index::{Index, Parent};
use crate::model::{
    Actor, Approval, Closure, DryRun, Estimate, EvidenceFacts, HistoryFacts, IdFacts, InventorySource, Migration,
    Mode, NearMisses, Notice, Operation, Pool, Provenance, Reason, Recovery, Schedule, Signatures, Tally,
    TenantFacts, Timestamp, UniqueMap, Whole,
};
use serde::de::DeserializeOwned;
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
    /// The section `name`, parsed at the first access and cached in `cell`. None: it is absent.
    fn get<'a, T: DeserializeOwned>(&self, name: &str, cell: &'a OnceCell<Option<Box<T>>>) -> Option<&'a T> {
        let parse = || {
            let text = self.index.text.get(self.index.field(self.of, name)?)?;
            // A section that cannot be parsed must not be mistaken for an absent one, so the policy ends in a fault.
            #[allow(clippy::panic)]
            Some(Box::new(serde_json::from_str(text).unwrap_or_else(|_| panic!("cannot parse `{name}`: {text}"))))
        };
        cell.get_or_init(parse).as_deref()
    }

    fn required<'a, T: DeserializeOwned>(&self, name: &str, cell: &'a OnceCell<Option<Box<T>>>) -> &'a T {
        #[allow(clippy::expect_used)]
        self.get(name, cell).expect("a required field of the review")
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
    /// The request without its targets, as submitted. The fields are those of [`Request`](crate::model::Request).
    Claims {
        copied "Whether the targets remain recoverable." mode: Mode,
        required "A name that the submitter chooses." id: String,
        required "The environment in which the call will run." environment: String,
        optional "The claimed kind of every target; see `Context::declared_kinds`." target_kind: String,
        optional "The claimed kinds, if there are several, each with its number of targets if that is stated." target_kinds: UniqueMap<Option<u64>>,
        optional "The destructive call." operation: Operation,
        optional "Why the batch is to be deleted." reason: Reason,
        optional "Who submits the batch." actor: Actor,
        optional "Where the list of targets came from." provenance: Provenance,
        optional "The result of a dry run." dry_run: DryRun,
        optional "How the deletion could be undone." recovery: Recovery,
        optional "Who approved the batch, and what exactly was approved." approvals: Vec<Approval>,
        optional "The verified copy, if data is deleted because it was moved." migration: Migration,
        optional "When the batch may run." schedule: Schedule,
        optional "Who was notified." notice: Notice,
        optional "The series of batches to which this one belongs." campaign: String,
        optional "Any JSON values, for an operator's own policies." annotations: serde_json::Map<String, serde_json::Value>,
    }
}

view! {
    /// What the host computed or looked up. The fields are those of [`Facts`](crate::model::Facts).
    Facts {
        copied "The time for which the decision is made." evaluated_at: Timestamp,
        copied "Number of rows in the list." targets: u64,
        copied "Upper bound of the tenants that the batch can reach." tenants_at_most: u64,
        copied "Whether any target may be in production, as far as the policy set and the inventory know." production: bool,
        required "Environments that are not production, as the policy set names them." not_production: Vec<String>,
        required "SHA-256 of the request document." request_sha256: String,
        required "SHA-256 of the target list. All evidence must name it." targets_sha256: String,
        required "Rows with blank or duplicate ids." ids: IdFacts,
        required "Tenants according to the list, and to the inventory if the list leaves some out." tenants: TenantFacts,
        required "Number of rows by kind, according to the list, and to the request for rows without a kind." kinds: Tally,
        required "Number of rows by environment, according to the list." environments: Tally,
        required "How long undoing the batch would take." restore: Estimate,
        optional "Size in bytes of the targets whose size is known." bytes: u64,
        optional "What was deleted before. None: unknown." history: HistoryFacts,
        optional "The list of which this batch is a wave; see `Context::evidence`." whole: Whole,
        optional "The signatures of evidence; see `Context::signature`." signatures: Signatures,
        optional "Offsets of time zones from UTC in seconds; see `Context::local`." zones: BTreeMap<String, i64>,
    }
}

view! {
    /// Facts from the inventory. The fields are those of [`InventoryFacts`](crate::model::InventoryFacts).
    InventoryFacts {
        copied "Number of rows whose id is in the inventory." resolved: u64,
        copied "Number of rows whose id is not in the inventory." unresolved: u64,
        copied "Total number of tenants in the inventory." population_tenants: u64,
        required "SHA-256 of the inventory that was queried." sha256: String,
        required "Tenants of the targets according to the inventory, or else to the list." tenants: TenantFacts,
        required "Number of resolved rows by kind." kinds: Tally,
        required "Number of resolved rows by environment." environments: Tally,
        required "Number of resolved rows by life-cycle state." states: Tally,
        required "Total number of things of each kind in the inventory." population: BTreeMap<String, u64>,
        required "Capacity pools from which the batch removes members." pools: Vec<Pool>,
        required "The targets and everything that is deleted with them." closure: Closure,
        optional "Size in bytes of the resolved rows whose size is known." bytes: u64,
        optional "The file that the inventory was made from. None: unknown." source: InventorySource,
        optional "The backups and copies that the request's evidence names. None: unknown." evidence: Vec<EvidenceFacts>,
        optional "Number of tenants of which nothing would be left. None: unknown." tenants_gone: u64,
        optional "Targets whose id is nearly one of the inventory. None: unknown." near_misses: NearMisses,
    }
}

/// A review, split into claims and facts.
#[derive(Clone, Debug)]
pub(crate) struct Review {
    pub claims: Claims,
    pub facts: Facts,
    pub inventory: Option<InventoryFacts>,
}

impl Review {
    /// Splits the text of a review.
    pub fn split(text: impl Into<Box<str>>) -> Result<Self, String> {
        let index = Rc::new(Index::new(text));
        if index.field(Parent::Review, "claims").is_none() || index.field(Parent::Review, "facts").is_none() {
            return Err("the review has no `claims` or no `facts`".to_owned());
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
    fn splits_a_review_at_the_ends_of_its_values() {
        let tricky = r#"{"id":"a\"b},{","mode":"hard","environment":"[","target_kind":"app\\","campaign":"\u0022"}"#;
        let facts = r#"{"targets":17,"targets_sha256":"5f","inventory":{"resolved":3,"kinds":{"counts":{"a":1},"others":0,"unknown":2}}}"#;
        let review = Review::split(format!(r#"{{"claims":{tricky},"facts":{facts}}}"#)).unwrap();
        assert_eq!(review.claims.id(), "a\"b},{");
        assert!(review.claims.mode().is_hard());
        assert_eq!(review.claims.environment(), "[");
        assert_eq!(review.claims.target_kind().map(String::as_str), Some("app\\"));
        assert_eq!(review.claims.campaign().map(String::as_str), Some("\""));
        assert!(review.claims.reason().is_none());
        assert_eq!((review.facts.targets(), review.facts.targets_sha256().as_str()), (17, "5f"));
        let inventory = review.inventory.unwrap();
        assert_eq!((inventory.resolved(), inventory.kinds().unknown), (3, 2));
    }
}
