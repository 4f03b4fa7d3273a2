//! The requests that every engine decides.

use anyhow::Result;
use peers_rules::{MAX_TENANTS, MAX_TENANTS_SOFT, Rule, Rules};
use std::fmt::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use tempfile::TempDir;

/// The maximum number of targets that are inline in the request that Reprieve reads.
const MAX_INLINE: usize = 1_000;
/// The number of tenants of an allowed request.
const ALLOWED_TENANTS: usize = 50;

/// Whether a request satisfies the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// It satisfies all of them.
    Allowed,
    /// Its last target is of another kind, and its row count is off by one.
    Denied,
}

impl Variant {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Allowed, Self::Denied];
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        })
    }
}

/// The parameters of a generated request. Everything else satisfies the rules.
#[derive(Clone, Copy, Debug)]
struct Recipe {
    targets: usize,
    tenants: usize,
    soft: bool,
    wrong_kind: bool,
    wrong_count: bool,
    empty_id: bool,
    duplicate_id: bool,
}

const RECIPE: Recipe = Recipe {
    targets: 10,
    tenants: ALLOWED_TENANTS,
    soft: false,
    wrong_kind: false,
    wrong_count: false,
    empty_id: false,
    duplicate_id: false,
};

/// A request in the forms that engines read.
#[derive(Debug)]
pub struct Input {
    /// Its name in messages.
    pub name: String,
    /// The rules it violates.
    pub broken: Rules,
    /// The whole request as one JSON document.
    pub json: Rc<Vec<u8>>,
    /// The request that Reprieve reads: the same document, or one that names a file of targets if there are many.
    pub request: Rc<Vec<u8>>,
    /// The folder of that file.
    pub folder: PathBuf,
    /// Deletes a folder that was created for the request.
    _temporary: Option<TempDir>,
}

impl Input {
    /// A request of a size.
    ///
    /// # Errors
    /// The error of the file system.
    pub fn of(targets: usize, variant: Variant) -> Result<Self> {
        let denied = variant == Variant::Denied;
        let recipe = Recipe { targets, wrong_kind: denied, wrong_count: denied, ..RECIPE };
        Self::make(format!("a request of {targets} that is {variant}"), recipe)
    }

    /// Requests at the limit of each rule and just above it.
    ///
    /// # Errors
    /// The error of the file system.
    pub fn probes() -> Result<Vec<Self>> {
        let tenants = |tenants, soft| Recipe { targets: tenants, tenants, soft, ..RECIPE };
        let probes = [
            ("nothing wrong", RECIPE),
            ("a wrong kind", Recipe { wrong_kind: true, ..RECIPE }),
            ("a wrong count", Recipe { wrong_count: true, ..RECIPE }),
            ("an empty id", Recipe { empty_id: true, ..RECIPE }),
            ("a duplicated id", Recipe { duplicate_id: true, ..RECIPE }),
            ("60 tenants, hard", tenants(MAX_TENANTS, false)),
            ("61 tenants, hard", tenants(MAX_TENANTS + 1, false)),
            ("500 tenants, soft", tenants(MAX_TENANTS_SOFT, true)),
            ("501 tenants, soft", tenants(MAX_TENANTS_SOFT + 1, true)),
        ];
        probes.into_iter().map(|(name, recipe)| Self::make(name.to_owned(), recipe)).collect()
    }

    fn make(name: String, recipe: Recipe) -> Result<Self> {
        let Recipe { targets, tenants, soft, .. } = recipe;
        let max = if soft { MAX_TENANTS_SOFT } else { MAX_TENANTS };
        let broken = Rules::which(|rule| match rule {
            Rule::KindMismatch => recipe.wrong_kind,
            Rule::TooManyTenants => tenants.min(targets) > max,
            Rule::BadIds => recipe.empty_id || recipe.duplicate_id,
            Rule::CountMismatch => recipe.wrong_count,
        });
        let rows = recipe.rows()?;
        let inline = format!("[{}]", rows.join(","));
        let json = Rc::new(recipe.document(&inline).into_bytes());
        let temporary = tempfile::tempdir()?;
        let folder = temporary.path().to_owned();
        let request = if targets <= MAX_INLINE {
            Rc::clone(&json)
        } else {
            std::fs::write(folder.join("targets.ndjson"), rows.join("\n") + "\n")?;
            Rc::new(recipe.document(r#"{"path":"targets.ndjson"}"#).into_bytes())
        };
        std::fs::write(folder.join("request.json"), request.as_slice())?;
        Ok(Self { name, broken, json, request, folder, _temporary: Some(temporary) })
    }

    /// Writes the whole document into the folder as well, and returns its path.
    ///
    /// # Errors
    /// The error of the file system.
    pub fn write_whole(&self) -> Result<PathBuf> {
        let path = self.folder.join("whole.json");
        std::fs::write(&path, self.json.as_slice())?;
        Ok(path)
    }

    /// Reads a request from a file, for a process that decides one request.
    ///
    /// # Errors
    /// The error of the file system.
    pub fn open(path: &Path) -> Result<Self> {
        let json = Rc::new(std::fs::read(path)?);
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let name = path.display().to_string();
        Ok(Self { name, broken: Rules::default(), request: Rc::clone(&json), json, folder, _temporary: None })
    }
}

impl Recipe {
    /// The targets as JSON objects, with unordered ids.
    fn rows(&self) -> Result<Vec<String>> {
        let mut rows = Vec::with_capacity(self.targets);
        for row in 0..self.targets {
            let last = row + 1 == self.targets;
            let mut id = String::with_capacity(20);
            match last {
                true if self.empty_id => {}
                true if self.duplicate_id => write!(id, "app-{:016x}", scramble(0))?,
                _ => write!(id, "app-{:016x}", scramble(row as u64))?,
            }
            let kind = if last && self.wrong_kind { "site" } else { "app" };
            rows.push(format!(r#"{{"id":"{id}","kind":"{kind}","tenant":"t-{}"}}"#, row % self.tenants));
        }
        Ok(rows)
    }

    fn document(&self, targets: &str) -> String {
        let (mode, rows) = (if self.soft { "soft" } else { "hard" }, self.targets + usize::from(self.wrong_count));
        format!(
            r#"{{"id":"peers/1","mode":"{mode}","environment":"production","target_kind":"app","provenance":{{"row_count":{rows}}},"targets":{targets}}}"#
        )
    }
}

/// A different number for each number: the finalizer of SplitMix64.
const fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
