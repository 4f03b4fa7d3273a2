//! The arguments that several subcommands share: a policy set, a ledger and a request.

use crate::drafting::{ClaimArguments, From, FromArguments, format};
use crate::error::{fail, with_help};
use crate::files::{Readers, write_whole};
use crate::reading::{ReadingArguments, Resources};
use anyhow::Context;
use clap::Args;
use reprieve::history::PastBatches;
use reprieve::inventory::open_inventory_within;
use reprieve::ledger::LedgerError;
use reprieve::model::{Facts, Timestamp};
use reprieve::policy::{ModuleCache, Worker};
use reprieve::signed::{Override, OverrideDraft, Signing};
use reprieve::{Batch, Folder, Gate, GateBuilder, ReadAs};
use reprieve_ledger::SqlLedger;
use reprieve_readers::Format;
use reprieve_report::output::plain;
use reprieve_report::render::RequestFile;
use std::path::{Path, PathBuf};

/// The policy set that is used if none is named.
pub const DEFAULT_CONFIG: &str = "reprieve.toml";

/// The hidden subcommand that compiles a module for a gate.
pub const WORKER: &str = "compile-worker";

/// The policy set.
#[derive(Args, Debug, Default)]
pub struct PolicyArguments {
    /// The policy set [default: `reprieve.toml` in this folder if it exists, else every built-in policy with its
    /// default settings]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl PolicyArguments {
    /// Uses the policy set in a file.
    pub fn of(path: &Path) -> Self {
        Self { config: Some(path.to_owned()) }
    }

    /// Begins a gate with these policies and without the ledger that the set names. Its decisions are not recorded.
    pub fn builder_without_ledger(&self) -> anyhow::Result<GateBuilder> {
        Ok(self.configured_builder()?.without_ledger())
    }

    /// Begins a gate exactly as configured. If the set names a ledger, the caller has to open it.
    fn configured_builder(&self) -> anyhow::Result<GateBuilder> {
        let builder = equipped(Gate::builder());
        let config = match &self.config {
            Some(path) => Some(path.as_path()),
            // A broken link of that name is an error, and not a reason to use the defaults.
            None => Path::new(DEFAULT_CONFIG).symlink_metadata().is_ok().then_some(Path::new(DEFAULT_CONFIG)),
        };
        match config {
            Some(path) => Ok(builder.config(path)?),
            None => Ok(builder),
        }
    }
}

/// What to do if a command requires a ledger.
pub const NAME_A_LEDGER: &str = "set `ledger = \"reprieve.db\"` in reprieve.toml, or use `--ledger FILE`";

/// The name of a ledger that the policy set does not name yet.
const DEFAULT_LEDGER: &str = "reprieve.db";

/// Returns the text of a policy set that names no ledger, with the line that names it: where `reprieve init` left it as a
/// comment, or else at the top, before every table.
fn naming_ledger(text: &str) -> String {
    let line = format!("ledger = \"{DEFAULT_LEDGER}\"\n");
    let comment = format!("\n# {line}");
    if text.contains(&comment) { text.replacen(&comment, &format!("\n{line}"), 1) } else { line + text }
}

fn no_ledger() -> anyhow::Error {
    fail("no ledger is named", NAME_A_LEDGER)
}

/// The ledger.
#[derive(Args, Debug)]
pub struct LedgerArguments {
    #[command(flatten)]
    policies: PolicyArguments,
    /// The ledger, instead of the one that the policy set names: an SQLite file or a postgres:// URL. A password that
    /// the URL does not contain is read from PGPASSWORD
    #[arg(long, value_name = "FILE|URL")]
    ledger: Option<String>,
}

impl LedgerArguments {
    /// Uses the ledger that these policies name.
    pub const fn of_policies(policies: PolicyArguments) -> Self {
        Self { policies, ledger: None }
    }

    /// Uses this ledger, or the one that the policy set of this folder names.
    pub const fn of(ledger: Option<String>) -> Self {
        Self { policies: PolicyArguments { config: None }, ledger }
    }

    /// Opens the ledger, if one is named.
    fn find(&self, builder: &GateBuilder) -> anyhow::Result<Option<SqlLedger>> {
        let password = std::env::var("PGPASSWORD").ok();
        let open = |(name, folder)| SqlLedger::open(name, folder, password.as_deref());
        self.named(builder).map(open).transpose().map_err(|error| match error {
            LedgerError::NotFound { .. } => {
                let help = "create it with `reprieve ledger new`; if there was one, find out where it went";
                with_help(error, help)
            }
            error => error.into(),
        })
    }

    /// Creates the ledger and returns its name. A policy set in a file that names none is made to name it.
    pub fn create(&self) -> anyhow::Result<String> {
        let (builder, password) = (self.policies.configured_builder()?, std::env::var("PGPASSWORD").ok());
        if let Some((name, folder)) = self.named(&builder) {
            SqlLedger::create(name, folder, password.as_deref())?;
            return Ok(name.to_owned());
        }
        let config = self.policies.config.as_deref().unwrap_or(Path::new(DEFAULT_CONFIG));
        let text = std::fs::read_to_string(config).map_err(|_| no_ledger())?;
        let (folder, _) = Folder::of(config)?;
        SqlLedger::create(DEFAULT_LEDGER, Some(&folder), None)?;
        write_whole(config, naming_ledger(&text).as_bytes(), Readers::All)
            .with_context(|| format!("cannot write {}", config.display()))?;
        Ok(DEFAULT_LEDGER.to_owned())
    }

    fn named<'a>(&'a self, builder: &'a GateBuilder) -> Option<(&'a str, Option<&'a Folder>)> {
        self.ledger.as_deref().map(|name| (name, None)).or_else(|| builder.ledger_named())
    }

    /// Opens the ledger.
    pub fn open(&self) -> anyhow::Result<SqlLedger> {
        Ok(self.open_with_keys()?.0)
    }

    /// Opens the ledger only to verify it.
    pub fn open_to_verify(&self) -> anyhow::Result<SqlLedger> {
        let (builder, password) = (self.policies.configured_builder()?, std::env::var("PGPASSWORD").ok());
        let (name, folder) = self.named(&builder).ok_or_else(no_ledger)?;
        Ok(SqlLedger::open_to_verify(name, folder, password.as_deref())?)
    }

    /// Opens the ledger, and reads the settings for permits and overrides.
    pub fn open_with_keys(&self) -> anyhow::Result<(SqlLedger, Signing)> {
        let builder = self.policies.configured_builder()?;
        let ledger = self.find(&builder)?.ok_or_else(no_ledger)?;
        Ok((ledger, builder.signing()))
    }
}

/// Builds a gate with every built-in policy and its default settings.
pub fn builtin_gate() -> anyhow::Result<Gate> {
    build(equipped(Gate::builder()))
}

/// Adds the cache of compiled policies, and this program as the worker that compiles modules of unknown origin.
pub fn equipped(builder: GateBuilder) -> GateBuilder {
    let builder = match std::env::current_exe() {
        Ok(program) => builder.worker(Worker::new(program, [WORKER])),
        Err(_) => builder,
    };
    match cache() {
        Some(cache) => builder.cache(cache),
        None => builder,
    }
}

/// Builds a gate, and says what makes its start slow: what was compiled, and what the next start compiles again.
pub fn build(builder: GateBuilder) -> anyhow::Result<Gate> {
    let gate = builder.build()?;
    if let Some(why) = gate.policies().find_map(|policy| policy.unfit) {
        errln!(
            "warning: the built-in policies are compiled, because their code does not fit this machine: {}",
            plain(why)
        );
    }
    if let Some(why) = gate.policies().find_map(|policy| policy.uncached) {
        errln!("warning: every start compiles policies, because they cannot be cached: {}", plain(why));
    }
    for policy in gate.policies().filter(|policy| policy.compiled_by_worker) {
        errln!(
            "note: the policy `{}` is not pinned, so a process of its own compiled it; if you know the module, add",
            plain(&policy.descriptor.name)
        );
        errln!("      sha256 = \"{}\"", policy.sha256);
    }
    Ok(gate)
}

/// The cache of compiled policies, in the cache folder of the user, with its key in the state folder of the user.
fn cache() -> Option<ModuleCache> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = |name, below_home| absolute(name).or_else(|| absolute("HOME").map(|home| home.join(below_home)));
    let (cache, state) = (base("XDG_CACHE_HOME", ".cache")?, base("XDG_STATE_HOME", ".local/state")?);
    Some(ModuleCache::new(cache.join("reprieve"), state.join("reprieve")))
}

/// The policies, and where facts are looked up.
#[derive(Args, Debug)]
pub struct GateArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Ignore the ledger: record and reserve nothing, and decide without a history
    #[arg(long, conflicts_with = "ledger")]
    no_ledger: bool,
    /// Resolve ids with this inventory, instead of the one that the policy set names
    #[arg(long, value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// The history, if there is no ledger: a JSON array of past batches
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
}

/// A gate, the ledger that it records in, and the settings for permits and overrides.
pub type Opened = (Gate, Option<SqlLedger>, Signing);

impl GateArguments {
    /// Builds the gate.
    pub fn open(&self, resources: &Resources) -> anyhow::Result<Opened> {
        let builder = self.ledger.policies.configured_builder()?;
        let signing = builder.signing();
        let mut builder = self.with_inventory(builder, resources)?;
        if let Some(path) = &self.history {
            builder = builder.history(PastBatches::open(path)?);
        }
        let ledger = if self.no_ledger { None } else { self.ledger.find(&builder)? };
        builder = match &ledger {
            Some(ledger) => builder.ledger(ledger.clone()),
            None => builder.without_ledger(),
        };
        Ok((build(builder)?, ledger, signing))
    }

    /// Builds a gate that records nothing and knows no history.
    pub fn open_without_ledger(&self, resources: &Resources) -> anyhow::Result<Gate> {
        build(self.with_inventory(self.ledger.policies.builder_without_ledger()?, resources)?)
    }

    fn with_inventory(&self, builder: GateBuilder, resources: &Resources) -> anyhow::Result<GateBuilder> {
        let (memory, threads) = (resources.memory(), resources.threads());
        let builder = builder.memory(memory).threads(threads);
        Ok(match &self.inventory {
            Some(path) => builder.inventory(open_inventory_within(path, memory, threads)?),
            None => builder,
        })
    }
}

/// A batch and the facts about it.
#[derive(Args, Debug)]
pub struct BatchArguments {
    /// The request, or `-` for standard input. With `--from`, a file of another tool
    pub request: PathBuf,
    /// Read a plan, an export or a report of another tool and draft the request; `reprieve read --help` lists the formats
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    from: Option<&'static Format>,
    #[command(flatten, next_help_heading = "With --from")]
    claims: ClaimArguments,
    #[command(flatten)]
    from_arguments: FromArguments,
    #[command(flatten, next_help_heading = "Options")]
    reading: ReadingArguments,
    #[command(flatten)]
    gate: GateArguments,
    /// Decide for this time instead of now. Not with a ledger, because its clock decides
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    at: Option<Timestamp>,
    /// Lift the findings that this override names; see `reprieve override`
    #[arg(long = "override", value_name = "FILE")]
    override_file: Option<PathBuf>,
}

/// A batch, and everything that is needed to vet it.
pub struct Vetting {
    /// The batch.
    pub batch: Batch,
    /// The list, if it was made from a file of another tool. It is removed when this is dropped.
    pub from: Option<From>,
    /// The gate.
    pub gate: Gate,
    /// The ledger that the gate records in.
    pub ledger: Option<SqlLedger>,
    /// The settings for permits and overrides.
    pub signing: Signing,
    /// The override that the arguments name.
    pub with_override: Option<Override>,
}

impl BatchArguments {
    /// The file of the request.
    pub fn file(&self) -> RequestFile {
        let name = self.request.display().to_string();
        match self.from {
            Some(format) => RequestFile::of_tool(name, format.name),
            None => RequestFile::named(name),
        }
    }

    /// Reads the batch and builds the gate at the same time, because neither needs the other.
    pub fn open(&self) -> anyhow::Result<Vetting> {
        let (batch, gate) = std::thread::scope(|scope| {
            let gate = scope.spawn(|| self.gate.open(self.reading.resources()));
            (self.batch(), gate.join())
        });
        let (batch, from) = batch?;
        let (gate, ledger, signing) = gate.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let with_override = self.override_file.as_deref().map(|path| read_override(path, &signing)).transpose()?;
        if with_override.is_some() && ledger.is_none() {
            return Err(fail("an override is used once, which only a ledger can ensure", NAME_A_LEDGER));
        }
        Ok(Vetting { batch, from, gate, ledger, signing, with_override })
    }

    /// The URL of the ledger, if it is in a database.
    pub fn ledger_url(&self) -> anyhow::Result<Option<String>> {
        let ledger = &self.gate.ledger;
        let builder = ledger.policies.configured_builder()?;
        let name = ledger.named(&builder).map(|(name, _)| name.to_owned());
        Ok(name.filter(|name| name.contains("://")))
    }

    fn batch(&self) -> anyhow::Result<(Batch, Option<From>)> {
        let (batch, from) = match self.from {
            None if !self.claims.is_empty() => {
                let message = "the claims of a request are in its file";
                return Err(fail(
                    message,
                    "use these flags with `--from FORMAT`, or `reprieve draft` to write a request",
                ));
            }
            None => {
                let batch = self.reading.request(&self.request)?;
                let ways = batch.read_as();
                for note in ways.iter().filter_map(|read| how_it_was_read(read, ways.len() > 1)) {
                    errln!("note: {}", plain(&note));
                }
                (batch, None)
            }
            Some(format) => {
                let from =
                    From::read(format, &self.request, &self.claims, &self.from_arguments, self.reading.no_header())?;
                for note in &from.summary.notes {
                    errln!("note: {}", plain(note));
                }
                let shown = format!("{} as {}", self.request.display(), format.name);
                let request = from.request.to_json();
                (self.reading.drafted(&request, &shown, from.folder.path())?, Some(from))
            }
        };
        Ok(match self.at {
            Some(at) => (batch.at(at), from),
            None => (batch, from),
        })
    }

    /// Reads the batch and returns what policies receive about it, without deciding and without recording.
    pub fn facts(&self) -> anyhow::Result<(Batch, Facts)> {
        let gate = self.gate.open_without_ledger(self.reading.resources())?;
        let (batch, _) = self.batch()?;
        let facts = gate.facts(&batch).map_err(|fault| anyhow::Error::msg(fault.message))?;
        Ok((batch, facts))
    }
}

/// Describes how a list was read, if not every column of it was, or if it is not as most lists are.
fn how_it_was_read(read: &ReadAs, names_file: bool) -> Option<String> {
    let delimiter = read.delimiter().filter(|delimiter| *delimiter != ',');
    let is_usual = delimiter.is_none() && matches!(read.encoding(), "" | "UTF-8") && read.array().is_none();
    if is_usual && read.left_alone().is_empty() {
        return None;
    }
    let what = if names_file { read.file() } else { "the list" };
    let mut parts = vec![format!("{what} was read as {}", read.format())];
    if !matches!(read.encoding(), "" | "UTF-8") {
        parts.push(format!("encoded in {}", read.encoding()));
    }
    if let Some(array) = read.array() {
        parts.push(format!("from the array `{array}`"));
    }
    parts.extend(delimiter.map(|delimiter| format!("separated by `{}`", delimiter.escape_default())));
    parts.extend(read.header_line().map(|line| format!("line {line} names its columns")));
    let fields: Vec<&str> = read.columns().iter().map(|column| column.field).collect();
    parts.push(format!("read: {}", fields.join(", ")));
    if !read.left_alone().is_empty() {
        parts.push(format!("left alone: {}", read.left_alone().join(", ")));
    }
    Some(parts.join("; "))
}

/// Reads an override, and verifies its signatures.
pub fn read_override(path: &Path, signing: &Signing) -> anyhow::Result<Override> {
    let draft = OverrideDraft::open(path)?;
    draft.verify(&signing.override_keys()?).with_context(|| path.display().to_string())
}
