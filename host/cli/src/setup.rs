//! What several subcommands take: a policy set, and a request.

use crate::reading::ReadingArguments;
use anyhow::{Context, bail};
use clap::Args;
use reprieve::model::{Duration, Timestamp};
use reprieve::{
    Batch, Cache, Draft, Folder, Gate, GateBuilder, Key, KeySet, Overrides, PastBatches, Permits, open_inventory,
};
use reprieve_ledger::SqlLedger;
use std::path::{Path, PathBuf};

/// The policy set that is taken where none is named.
const CONFIG: &str = "reprieve.toml";

/// Which policies.
#[derive(Args, Debug)]
pub struct PolicyArguments {
    /// The policy set. Without it `reprieve.toml` in this folder is taken, and without that every built-in policy
    /// with its defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl PolicyArguments {
    /// The policy set in a file.
    pub fn of(path: &Path) -> Self {
        Self { config: Some(path.to_owned()) }
    }

    /// Begins a gate with these policies, to look at or to try something with: nothing of what it says is recorded.
    pub fn builder(&self) -> anyhow::Result<GateBuilder> {
        Ok(self.begin()?.without_ledger())
    }

    fn begin(&self) -> anyhow::Result<GateBuilder> {
        let mut builder = Gate::builder();
        if let Some(cache) = cache() {
            builder = builder.cache(cache);
        }
        let config = match &self.config {
            Some(path) => Some(path.as_path()),
            // Whatever is there under that name, even a broken link, is meant.
            None => Path::new(CONFIG).symlink_metadata().is_ok().then_some(Path::new(CONFIG)),
        };
        match config {
            Some(path) => Ok(builder.config(path)?),
            None => Ok(builder),
        }
    }
}

const NO_LEDGER: &str =
    "no ledger is named\nhelp: `ledger = \"reprieve.db\"` in reprieve.toml, or `--ledger reprieve.db`";

/// Which ledger.
#[derive(Args, Debug)]
pub struct LedgerArguments {
    #[command(flatten)]
    policies: PolicyArguments,
    /// The ledger, instead of the one that the policy set names: an SQLite file, or postgres://… (a password that is
    /// not in it is taken from PGPASSWORD)
    #[arg(long, value_name = "FILE|URL")]
    ledger: Option<String>,
}

impl LedgerArguments {
    /// This ledger, or the one that the policy set of this folder names.
    pub const fn of(ledger: Option<String>) -> Self {
        Self { policies: PolicyArguments { config: None }, ledger }
    }

    /// Opens the ledger, if one is named.
    fn find(&self, builder: &GateBuilder) -> anyhow::Result<Option<SqlLedger>> {
        let password = std::env::var("PGPASSWORD").ok();
        let open = |(name, folder)| SqlLedger::open(name, folder, password.as_deref());
        Ok(self.named(builder).map(open).transpose()?)
    }

    /// Makes the ledger; gives its name.
    pub fn create(&self) -> anyhow::Result<String> {
        let (builder, password) = (self.policies.begin()?, std::env::var("PGPASSWORD").ok());
        let (name, folder) = self.named(&builder).context(NO_LEDGER)?;
        SqlLedger::create(name, folder, password.as_deref())?;
        Ok(name.to_owned())
    }

    fn named<'a>(&'a self, builder: &'a GateBuilder) -> Option<(&'a str, Option<&'a Folder>)> {
        self.ledger.as_deref().map(|name| (name, None)).or_else(|| builder.ledger_named())
    }

    /// Opens the ledger.
    pub fn open(&self) -> anyhow::Result<SqlLedger> {
        Ok(self.open_with_keys()?.0)
    }

    /// Opens the ledger, and says what the policy set says of keys.
    pub fn open_with_keys(&self) -> anyhow::Result<(SqlLedger, Signing)> {
        let builder = self.policies.begin()?;
        let ledger = self.find(&builder)?.context(NO_LEDGER)?;
        Ok((ledger, Signing::of(&builder)))
    }
}

/// What the policy set says of keys.
#[derive(Debug)]
pub struct Signing {
    permits: Option<Permits>,
    overrides: Option<Overrides>,
    folder: Option<Folder>,
}

/// How long a permit is good for where nobody says.
const LIFETIME: Duration = Duration::from_seconds(15 * 60);

impl Signing {
    fn of(builder: &GateBuilder) -> Self {
        let (permits, overrides, folder) = builder.signed();
        Self { permits: permits.cloned(), overrides: overrides.cloned(), folder: folder.cloned() }
    }

    fn folder(&self) -> anyhow::Result<&Folder> {
        self.folder.as_ref().context("a key is named, but no folder to find it in")
    }

    /// Whether a key is named that signs permits.
    pub fn signs_permits(&self) -> bool {
        self.permits.as_ref().is_some_and(|permits| permits.key.is_some())
    }

    /// The key that permits are signed with.
    pub fn permit_key(&self) -> anyhow::Result<Key> {
        let name = self.permits.as_ref().and_then(|permits| permits.key.as_ref());
        let name = name.context("no key signs permits\nhelp: `reprieve keys new permits`, then `[permits] key = \"permits.key\"` in reprieve.toml")?;
        Ok(Key::read(self.folder()?, name)?)
    }

    /// The keys that permits are checked with.
    pub fn permit_keys(&self) -> anyhow::Result<KeySet> {
        let name = self.permits.as_ref().and_then(|permits| permits.keys.as_ref());
        let name = name.context(
            "no keys vouch for permits\nhelp: `--keys FILE`, or `[permits] keys = \"keys.json\"` in reprieve.toml",
        )?;
        Ok(KeySet::read(self.folder()?, name)?)
    }

    /// The keys of those who may lift findings.
    pub fn override_keys(&self) -> anyhow::Result<KeySet> {
        let overrides = self.overrides.as_ref().context(
            "nobody may lift findings here\nhelp: `[overrides] keys = \"overrides.json\"` in reprieve.toml says who may",
        )?;
        Ok(KeySet::read(self.folder()?, &overrides.keys)?)
    }

    /// How long a permit is good for.
    pub fn lifetime(&self) -> Duration {
        self.permits.as_ref().and_then(|permits| permits.lifetime).unwrap_or(LIFETIME)
    }
}

/// Where compiled policies are kept: below the user's cache folder, for the user alone. A folder that others can write
/// to, or that cannot be made, is not used, and that is said.
pub fn cache() -> Option<Cache> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    let warn =
        |error| anstream::eprintln!("warning: policies are compiled at every start, for none can be kept: {error}");
    Cache::open(base.join("reprieve")).map_err(warn).ok()
}

/// A batch, and what it is vetted with.
#[derive(Args, Debug)]
pub struct BatchArguments {
    /// The request, or `-` for standard input
    pub request: PathBuf,
    #[command(flatten)]
    reading: ReadingArguments,
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Leave the ledger aside: nothing is recorded or reserved, and nobody knows what was deleted before
    #[arg(long, conflicts_with = "ledger")]
    no_ledger: bool,
    /// Resolve ids with this inventory, instead of the one that the policy set names
    #[arg(long, value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// What was deleted before, where there is no ledger: a JSON array of batches
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Decide for this time instead of now; only without a ledger, whose clock decides
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    at: Option<Timestamp>,
    /// Lift the findings that this override names; see `reprieve override`
    #[arg(long = "override", value_name = "FILE")]
    glass: Option<PathBuf>,
}

/// A batch, and all that it takes to vet it.
pub struct Vetting {
    /// The batch.
    pub batch: Batch,
    /// The gate.
    pub gate: Gate,
    /// The ledger that the gate records in.
    pub ledger: Option<SqlLedger>,
    /// What the policy set says of keys.
    pub signing: Signing,
}

impl BatchArguments {
    /// Reads the batch and puts the gate together, both at once: neither needs the other.
    pub fn open(&self) -> anyhow::Result<Vetting> {
        let (batch, gate) = std::thread::scope(|scope| {
            let gate = scope.spawn(|| self.gate());
            (self.batch(), gate.join())
        });
        let mut batch = batch?;
        let (gate, ledger, signing) = gate.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        if let Some(path) = &self.glass {
            let glass = Draft::open(path)?.verify(&signing.override_keys()?);
            batch = batch.break_glass(glass.with_context(|| path.display().to_string())?);
            if ledger.is_none() {
                bail!("an override is used once, and only a ledger can see to that\nhelp: `--ledger FILE`");
            }
        }
        Ok(Vetting { batch, gate, ledger, signing })
    }

    fn gate(&self) -> anyhow::Result<(Gate, Option<SqlLedger>, Signing)> {
        let mut builder = self.ledger.policies.begin()?;
        if let Some(threads) = self.reading.threads() {
            builder = builder.threads(threads);
        }
        let signing = Signing::of(&builder);
        if let Some(path) = &self.inventory {
            builder = builder.inventory(open_inventory(path)?);
        }
        if let Some(path) = &self.history {
            builder = builder.history(PastBatches::open(path)?);
        }
        let ledger = if self.no_ledger { None } else { self.ledger.find(&builder)? };
        builder = match &ledger {
            Some(ledger) => builder.ledger(ledger.clone()),
            None => builder.without_ledger(),
        };
        Ok((builder.build()?, ledger, signing))
    }

    fn batch(&self) -> anyhow::Result<Batch> {
        let batch = self.reading.request(&self.request)?;
        Ok(match self.at {
            Some(at) => batch.at(at),
            None => batch,
        })
    }
}
