//! Why a ledger has no answer.

use reprieve_model::Timestamp;

/// Why a ledger has no answer, or does not record something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// It cannot be reached, or is busy. Try again.
    #[error("{message}")]
    Unavailable {
        /// What happened.
        message: String,
        /// What to do about it, if that is known.
        help: Option<String>,
    },
    /// What was to be recorded contradicts what is recorded already, for example a second outcome of one batch.
    #[error("{message}")]
    Conflict {
        /// What contradicts.
        message: String,
        /// What to do about it, if that is known.
        help: Option<String>,
    },
    /// There is no such ledger, entry, halt or blob.
    #[error("{message}")]
    NotFound {
        /// What is missing.
        message: String,
        /// What to do about it, if that is known.
        help: Option<String>,
    },
    /// What is recorded was altered, or cannot be read.
    #[error("{message}")]
    Damaged {
        /// What is damaged.
        message: String,
        /// What to do about it, if that is known.
        help: Option<String>,
    },
    /// The caller asked for something that no ledger does.
    #[error("{message}")]
    Misuse {
        /// What was asked.
        message: String,
        /// What to do about it, if that is known.
        help: Option<String>,
    },
}

macro_rules! constructors {
    ($($(#[doc = $doc:literal])+ $name:ident $variant:ident),+ $(,)?) => {
        $(
            $(#[doc = $doc])+
            pub fn $name(message: impl Into<String>) -> Self {
                Self::$variant { message: message.into(), help: None }
            }
        )+
    };
}

impl LedgerError {
    constructors! {
        /// An [`Unavailable`](Self::Unavailable) error.
        unavailable Unavailable,
        /// A [`Conflict`](Self::Conflict).
        conflict Conflict,
        /// A [`NotFound`](Self::NotFound) error.
        not_found NotFound,
        /// A [`Damaged`](Self::Damaged) error.
        damaged Damaged,
        /// A [`Misuse`](Self::Misuse) error.
        misuse Misuse,
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_help(mut self, text: impl Into<String>) -> Self {
        let (Self::Unavailable { help, .. }
        | Self::Conflict { help, .. }
        | Self::NotFound { help, .. }
        | Self::Damaged { help, .. }
        | Self::Misuse { help, .. }) = &mut self;
        *help = Some(text.into());
        self
    }

    /// What to do about it, if that is known.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Unavailable { help, .. }
            | Self::Conflict { help, .. }
            | Self::NotFound { help, .. }
            | Self::Damaged { help, .. }
            | Self::Misuse { help, .. } => help.as_deref(),
        }
    }
}

/// Why a ledger does not redeem a permit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedeemError {
    /// It has expired.
    #[error("expired: it could be used until {until}, and the ledger's time is {now}")]
    Expired {
        /// Until when it could be used.
        until: Timestamp,
        /// The ledger's time.
        now: Timestamp,
    },
    /// It is valid later.
    #[error("not valid yet: it can be used from {from} on, and the ledger's time is {now}")]
    NotYetValid {
        /// From when on it can be used.
        from: Timestamp,
        /// The ledger's time.
        now: Timestamp,
    },
    /// It was used before.
    #[error("replayed: it was used at {at} (entry {entry})")]
    Replayed {
        /// When.
        at: Timestamp,
        /// The entry that records the use.
        entry: u64,
    },
    /// The outcome of its batch is recorded.
    #[error("closed: its batch is already {0}")]
    Closed(String),
    /// The ledger does not know it.
    #[error("unknown: the ledger has no allow in entry {0} with the id of the permit")]
    Unknown(u64),
    /// Everything is halted.
    #[error("halted: {0}")]
    Halted(String),
    /// The ledger has no answer.
    #[error("unavailable: {0}")]
    Ledger(#[from] LedgerError),
}

impl RedeemError {
    /// What to do about it, if that is known.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Expired { .. } => Some("vet the batch again"),
            Self::NotYetValid { .. } => Some("compare the clock of the signer with that of the ledger"),
            Self::Replayed { .. } => Some("a permit is used once; vet what is left as a batch of its own"),
            Self::Halted(_) => Some("wait until the halt is lifted"),
            Self::Closed(_) | Self::Unknown(_) => None,
            Self::Ledger(error) => error.help(),
        }
    }
}
