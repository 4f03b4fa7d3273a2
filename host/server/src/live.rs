//! What a reload replaces as a whole: the gate with its policies, the keys, the callers and the certificates.

use crate::auth::Callers;
use crate::error::ServeError;
use crate::settings::check_webhooks;
use crate::signature::SigningKey;
use crate::tls::Tls;
use reprieve::policy::ServeSettings;
use reprieve::signed::Signing;
use reprieve::{Folder, Gate, GateBuilder};
use reprieve_ledger::SqlLedger;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Adds to a builder what the program has: the cache of compiled policies, and the worker that compiles.
pub type Equip = fn(GateBuilder) -> GateBuilder;

/// The policy set that decides now.
pub(crate) struct Live {
    pub gate: Gate,
    pub signing: Signing,
    pub callers: Callers,
    pub tls: Option<Tls>,
    /// The folder of the policy set.
    pub folder: Folder,
    /// The folder below which lists are read.
    pub lists: Option<Folder>,
    pub settings: ServeSettings,
    /// The key of run tasks, if they are set.
    pub run_task_key: Option<SigningKey>,
    /// When it was last read and found valid.
    pub read_at: Instant,
}

/// Where a policy set is read from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub config: PathBuf,
    /// The folder of the lists, instead of the one that the set names.
    pub lists: Option<PathBuf>,
    pub equip: Equip,
    pub password: Option<String>,
}

impl Source {
    /// Adds to a builder what the program has.
    pub fn equip(&self, builder: GateBuilder) -> GateBuilder {
        (self.equip)(builder)
    }

    /// The folder of the policy set.
    pub fn folder(&self) -> &Path {
        self.config.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    fn builder(&self) -> Result<GateBuilder, ServeError> {
        Ok((self.equip)(Gate::builder()).config(&self.config)?)
    }

    /// Reads the settings of the service, and opens the ledger that the set names.
    pub fn open_ledger(&self) -> Result<(ServeSettings, SqlLedger, String), ServeError> {
        let builder = self.builder()?;
        let ledger = SqlLedger::open_named(&builder, self.password.as_deref())?;
        let name = builder.ledger_named().map(|(name, _)| name.to_owned()).unwrap_or_default();
        let ledger = ledger.ok_or_else(|| {
            let message = "the policy set names no ledger, and every decision of a service is recorded";
            ServeError::setting(
                "ledger",
                message,
                "set `ledger = \"reprieve.db\"`, and create it with `reprieve ledger new`",
            )
        })?;
        Ok((builder.service().map(|(settings, _)| settings.clone()).unwrap_or_default(), ledger, name))
    }

    /// Reads and compiles everything. `ledger_name` is the name of the ledger that is open.
    pub fn read(&self, ledger: &SqlLedger, ledger_name: &str) -> Result<Live, ServeError> {
        let builder = self.builder()?;
        let named = builder.ledger_named().map(|(name, _)| name);
        if named != Some(ledger_name) {
            let message =
                format!("the set names the ledger `{}`, and `{ledger_name}` is open", named.unwrap_or("none"));
            return Err(ServeError::setting("ledger", message, "restart the service to use another ledger"));
        }
        let (folder, _) = Folder::of(&self.config)?;
        let settings = builder.service().map(|(settings, _)| settings.clone()).unwrap_or_default();
        check_webhooks(&settings)?;
        let run_task_key =
            settings.terraform.as_ref().map(|terraform| SigningKey::read(&terraform.key, &folder)).transpose()?;
        let callers = Callers::of(&settings, &folder)?;
        let tls = settings.tls.as_ref().map(|tls| Tls::read(tls, &folder)).transpose()?;
        let lists = match (&self.lists, &settings.lists) {
            (Some(path), _) => Some(Folder::open(path)?),
            (None, name) => name.as_ref().map(|name| folder.folder(name)).transpose()?,
        };
        let signing = builder.signing();
        let gate = builder.ledger(ledger.clone()).threads(1).build()?;
        Ok(Live { gate, signing, callers, tls, folder, lists, settings, run_task_key, read_at: Instant::now() })
    }
}

impl Live {
    /// Why the set is too old to decide, if it is.
    pub fn too_old(&self) -> Option<String> {
        let max = Duration::from_secs(self.settings.max_age?.seconds());
        let age = self.read_at.elapsed();
        (age > max).then(|| {
            format!("the policy set was read {} s ago, and its `max_age` is {} s", age.as_secs(), max.as_secs())
        })
    }
}
