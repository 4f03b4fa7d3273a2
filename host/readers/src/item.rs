//! What a reader returns: items, and a summary of the file.

use reprieve_batch::{ReadError, Record};
use reprieve_model::{Mode, Timestamp};
use serde_json::{Map, Value, json};

/// One thing that a file deletes or lists.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    /// Its id as the destructive call takes it: an address, a key, a name.
    pub id: String,
    /// Whether things of other kinds may have the same id. Its id in a target list then begins with its kind.
    pub is_of_kind: bool,
    /// Which part of it, if the call does not delete the whole.
    pub part: Option<Part>,
    /// What the file says happens to it.
    pub action: Action,
    /// What the file says of it. Unknown values are absent.
    pub record: Record,
    /// Further values, which become columns `x_…` of the list; names without the prefix.
    pub details: Vec<(&'static str, String)>,
}

/// A part of a thing that is deleted by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A version of an object; empty for the null version.
    Version(String),
    /// A deposed object of a resource, by its key.
    Deposed(String),
}

/// What happens to an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Action {
    /// It is deleted.
    Delete,
    /// It is destroyed and made again; the old one is gone.
    Replace,
    /// The file only lists it. It is deleted if the request says that this list is.
    #[default]
    Listed,
    /// One version of it is deleted permanently.
    Version,
    /// It gets a delete marker if its bucket has versions. Otherwise it is deleted permanently.
    Marker,
}

impl Action {
    /// The word that documents use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Replace => "replace",
            Self::Listed => "listed",
            Self::Version => "version",
            Self::Marker => "marker",
        }
    }
}

impl Item {
    /// Creates an item of which nothing but its id is known.
    pub fn new(id: impl Into<String>, action: Action) -> Self {
        Self { id: id.into(), action, ..Self::default() }
    }

    /// Sets its kind. A blank kind is unknown.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.record.kind = Some(kind.into()).filter(|kind| !kind.trim().is_empty());
        self
    }

    /// Returns its id in a target list: unique among the kinds, and among the parts of one thing.
    pub fn target_id(&self) -> String {
        match &self.part {
            None => match self.record.kind.as_ref().filter(|_| self.is_of_kind) {
                Some(kind) => format!("{kind}/{}", self.id),
                None => self.id.clone(),
            },
            Some(Part::Version(version)) => format!("{}?versionId={version}", self.id),
            Some(Part::Deposed(key)) => format!("{} (deposed {key})", self.id),
        }
    }

    /// Returns it as a row of a target list.
    pub fn to_row(&self) -> Map<String, Value> {
        let record = &self.record;
        let time = |seconds: Option<i64>| json!(seconds.map(Timestamp::from_seconds));
        let fields = [
            ("id", json!(self.target_id())),
            ("kind", json!(record.kind)),
            ("tenant", json!(record.tenant)),
            ("environment", json!(record.environment)),
            ("state", json!(record.state)),
            ("created_at", time(record.created_at)),
            ("last_used_at", time(record.last_used_at)),
            ("size_bytes", json!(record.size_bytes)),
            ("x_action", json!(self.action.as_str())),
        ];
        let part = self.part.as_ref().map(|part| match part {
            Part::Version(version) => [("x_key", self.id.as_str()), ("x_version", version)],
            Part::Deposed(key) => [("x_address", self.id.as_str()), ("x_deposed", key)],
        });
        let name = self.is_of_kind.then_some([("x_name", self.id.as_str())]);
        let own = |(name, value): (&str, &str)| (name.to_owned(), Value::from(value));
        let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
        let details = self.details.iter().map(|(name, value)| (format!("x_{name}"), value.as_str().into()));
        fields
            .map(|(name, value)| (name.to_owned(), value))
            .chain(part.into_iter().flatten().chain(name.into_iter().flatten()).map(own))
            .chain(details)
            .collect()
    }
}

/// Receives the items of a file in their order. A reader stops at its first error.
pub type Sink<'a> = dyn FnMut(Item) -> Result<(), ReadError> + 'a;

/// What a file says beside its items. What it does not say is `None`, which is unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Whether the file is the call itself, such as a plan: what it does not name is not deleted. Otherwise it is a list,
    /// and an empty list says nothing.
    pub is_call: bool,
    /// Whether the file records what there is, such as a state: it is never a list of deletions.
    pub is_state: bool,
    /// The tool that wrote the file, with its version if the file has it, for example `Terraform 1.13.5`.
    pub tool: Option<String>,
    /// When the items were looked up, in seconds since 1970.
    pub extracted_at: Option<i64>,
    /// The mode of the call.
    pub mode: Option<Mode>,
    /// The verb of the call, for example `destroy`.
    pub verb: Option<String>,
    /// Whether the call deletes dependents as well.
    pub cascade: Option<bool>,
    /// What the call expands itself, for example a query. The items are then not what is deleted.
    pub selector: Option<String>,
    /// Who makes the call, if the file says so.
    pub actor: Option<String>,
    /// For people: what the file holds that is not deleted, with counts. One line each.
    pub notes: Vec<String>,
    /// For people: what this reader cannot see in such a file. One line each.
    pub unseen: Vec<&'static str>,
}
