//! A permit that leaves the process: a token that another one can check, bound to the batch and used once.

use super::{Key, KeySet, NotVouched};
use crate::decision::Permit;
use crate::unavailable::Unavailable;
use reprieve_model::{Duration, Mode, Timestamp};
use serde::{Deserialize, Serialize};

/// The type of its token.
const TYPE: &str = "reprieve-permit+jwt";

/// Longer than this no permit is good.
const MOST_SECONDS: u64 = 86_400;

/// What a permit says. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermitClaims {
    /// Its id: the hash of the ledger's entry, lower-case hex.
    pub jti: String,
    /// The request's `id`.
    pub sub: String,
    /// When it was given.
    pub iat: i64,
    /// When it expires.
    pub exp: i64,
    /// The number of the ledger's entry.
    pub entry: u64,
    /// The mode that was allowed.
    pub mode: Mode,
    /// Where the batch may run.
    pub environment: String,
    /// Rows of the list.
    pub targets: u64,
    /// The most tenants that the batch reaches.
    pub tenants: u64,
    /// SHA-256 of the request document, lower-case hex.
    pub request_sha256: String,
    /// SHA-256 of the target list, lower-case hex.
    pub targets_sha256: String,
    /// SHA-256 of the policy set, lower-case hex.
    pub policy_set_sha256: String,
}

/// What whoever is handed a permit is about to do.
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    /// SHA-256 of the list, lower-case hex.
    pub targets_sha256: &'a str,
    /// The mode; `None` if it is not for the caller to choose.
    pub mode: Option<Mode>,
    /// Where; `None` if it is not for the caller to choose.
    pub environment: Option<&'a str>,
}

/// Why a permit is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Nobody trusted has signed it.
    #[error("foreign: {0}")]
    NotVouched(#[from] NotVouched),
    /// It is for another list.
    #[error("other list: it is for the list `{permitted}`, and this one is `{given}`")]
    OtherList {
        /// The digest it names.
        permitted: String,
        /// That of the list at hand.
        given: String,
    },
    /// It is for another mode.
    #[error("other mode: it is for a {} delete, and this is a {} one", .permitted.as_str(), .given.as_str())]
    OtherMode {
        /// The mode it names.
        permitted: Mode,
        /// The one at hand.
        given: Mode,
    },
    /// It is for another environment.
    #[error("other environment: it is for `{permitted}`, and this is `{given}`")]
    OtherEnvironment {
        /// The environment it names.
        permitted: String,
        /// The one at hand.
        given: String,
    },
    /// It has expired.
    #[error("expired: it could be used until {until}, and by the ledger it is {now}\nhelp: vet the batch again")]
    Expired {
        /// Until when it could be used.
        until: Timestamp,
        /// The ledger's time.
        now: Timestamp,
    },
    /// It was used before.
    #[error(
        "replayed: it was used at {at} (entry {entry})\nhelp: a permit is used once; vet what is left as a batch of its own"
    )]
    Replayed {
        /// When.
        at: Timestamp,
        /// The entry that says so.
        entry: u64,
    },
    /// Its reservation is closed.
    #[error("closed: its batch is {0} already")]
    Closed(String),
    /// The ledger does not know it.
    #[error("unknown: this ledger has no allow under entry {0} with the permit's id")]
    Unknown(u64),
    /// Everything is halted.
    #[error("halted: {0}\nhelp: `reprieve resume` lifts it")]
    Halted(String),
    /// The ledger cannot be asked.
    #[error("unavailable: {0}")]
    Unavailable(#[from] Unavailable),
}

impl PermitClaims {
    /// Reads a permit, and holds it against what its bearer is about to do. Whether it has expired or was used before
    /// only the ledger can say: [`Ledger::redeem`](crate::Ledger::redeem).
    ///
    /// # Errors
    /// [`Refused`], each reason its own.
    pub fn verify(token: &str, keys: &KeySet, expected: &Expected<'_>) -> Result<Self, Refused> {
        let (_, claims): (String, Self) = keys.verify(TYPE, token)?;
        if claims.targets_sha256 != expected.targets_sha256 {
            return Err(Refused::OtherList {
                permitted: claims.targets_sha256,
                given: expected.targets_sha256.to_owned(),
            });
        }
        match (expected.mode, expected.environment) {
            (Some(mode), _) if mode != claims.mode => Err(Refused::OtherMode { permitted: claims.mode, given: mode }),
            (_, Some(environment)) if environment != claims.environment => {
                Err(Refused::OtherEnvironment { permitted: claims.environment, given: environment.to_owned() })
            }
            _ => Ok(claims),
        }
    }
}

impl Permit {
    /// The permit as a token for another process, good for `lifetime` from the decision on, a day at most. Without a
    /// ledger there is none: nobody could say whether it was used.
    ///
    /// # Errors
    /// What stands against it.
    pub fn token(&self, key: &Key, lifetime: Duration) -> Result<String, String> {
        let document = self.document();
        let entry = document.ledger.as_ref().ok_or("a permit is used once, and only a ledger can see to that")?;
        if lifetime.seconds() > MOST_SECONDS {
            return Err("a permit is good for a day at most, for what was vetted goes stale\nhelp: give it a shorter `lifetime`".to_owned());
        }
        let issued = document.evaluated_at.seconds();
        let claims = PermitClaims {
            jti: entry.sha256.clone(),
            sub: document.request.clone(),
            iat: issued,
            exp: issued.saturating_add_unsigned(lifetime.seconds()),
            entry: entry.entry,
            mode: self.claims().mode,
            environment: self.claims().environment.clone(),
            targets: document.targets,
            tenants: document.tenants,
            request_sha256: document.request_sha256.clone(),
            targets_sha256: document.targets_sha256.clone(),
            policy_set_sha256: document.policy_set_sha256.clone(),
        };
        key.sign(TYPE, &claims)
    }
}
