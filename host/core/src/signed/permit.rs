//! A permit for another process: a token that is bound to a batch and used once.

use super::keys::{Key, KeySet, TokenError};
use crate::decision::Permit;
use crate::ledger::{DecisionRecord, PermitReference};
use reprieve_batch::{ListSection, ReadError};
use reprieve_model::{Claims, DecisionDocument, Duration, LedgerEntry, Mode, Timestamp, Verdict};
use serde::{Deserialize, Serialize};

/// The type of its token.
const TYPE: &str = "reprieve-permit+jwt";

/// The maximum lifetime of a permit in seconds: one day, because what was vetted becomes stale.
const MAX_SECONDS: u64 = 86_400;

/// The claims of a permit. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitClaims {
    /// Its id: the hash of the ledger's entry, lower-case hex.
    pub jti: String,
    /// The request's `id`.
    pub sub: String,
    /// When it was issued.
    pub iat: i64,
    /// From when on it is valid, if that is later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
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
    /// Upper bound of the tenants that the batch reaches.
    pub tenants: u64,
    /// SHA-256 of the request document, lower-case hex.
    pub request_sha256: String,
    /// SHA-256 of the target list, lower-case hex.
    pub targets_sha256: String,
    /// SHA-256 of the policy set, lower-case hex.
    pub policy_set_sha256: String,
    /// The number of the section that it is for, counted from 0; `targets` and `targets_sha256` are those of the section.
    /// `None`: the whole list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<u32>,
}

/// What the bearer of a permit is about to do.
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    /// SHA-256 of the list, lower-case hex.
    pub targets_sha256: &'a str,
    /// The mode; `None` if the caller does not choose it.
    pub mode: Option<Mode>,
    /// The environment; `None` if the caller does not choose it.
    pub environment: Option<&'a str>,
}

/// Why a permit is not accepted, or not issued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PermitError {
    /// It is not signed by a trusted key.
    #[error("foreign: {0}")]
    Token(#[from] TokenError),
    /// It is for another list.
    #[error("other list: it is for the list `{permitted}`, and this one is `{given}`")]
    OtherList {
        /// The digest it names.
        permitted: String,
        /// That of the list at hand.
        given: String,
    },
    /// It is for another mode.
    #[error("other mode: it is for mode `{}`, and this is mode `{}`", .permitted.as_str(), .given.as_str())]
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
    /// The decision is not recorded, so nothing could tell whether the permit was used.
    #[error("a permit is used once, which only a ledger can ensure, and the gate has none")]
    NoLedger,
    /// The decision is not an allow.
    #[error("the batch was not allowed")]
    NotAllowed,
    /// It is for the whole list, and this process has a section.
    #[error("whole list: it is not for a section")]
    NotOfSection,
    /// Its list is not in files, so it has no sections.
    #[error("the list is not in files, so it has no sections")]
    NoSections,
    /// The format of its list cannot escape the ids in it.
    #[error(transparent)]
    List(#[from] ReadError),
    /// Its lifetime is too long.
    #[error("a permit is valid for at most {MAX_SECONDS} seconds, not {0}")]
    TooLong(u64),
}

impl PermitError {
    /// What to do about it, if that is known.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::NoLedger => Some("name a ledger in the policy set"),
            Self::TooLong(_) => Some("set a shorter `lifetime`"),
            Self::NotOfSection => Some("issue a permit for each section"),
            Self::NoSections => Some("put the targets into files, or issue one permit for the whole list"),
            Self::List(error) => error.help.as_deref(),
            _ => None,
        }
    }
}

impl PermitClaims {
    /// Verifies a permit and compares it with what its bearer is about to do. Only the ledger can tell whether it has
    /// expired or was used before: [`Ledger::redeem`](crate::ledger::Ledger::redeem).
    ///
    /// # Errors
    /// [`PermitError`].
    pub fn verify(token: &str, keys: &KeySet, expected: &Expected<'_>) -> Result<Self, PermitError> {
        let claims = Self::open(token, keys)?;
        claims.check(expected)?;
        Ok(claims)
    }

    /// Verifies the signature of a permit, and nothing else. [`check`](Self::check) compares it with what its bearer is about to
    /// do.
    ///
    /// # Errors
    /// [`PermitError::Token`].
    pub fn open(token: &str, keys: &KeySet) -> Result<Self, PermitError> {
        let (_, claims) = keys.verify(TYPE, token)?;
        Ok(claims)
    }

    /// Compares a permit with what its bearer is about to do.
    ///
    /// # Errors
    /// [`PermitError`] if it is for another list, mode or environment.
    pub fn check(&self, expected: &Expected<'_>) -> Result<(), PermitError> {
        if self.targets_sha256 != expected.targets_sha256 {
            return Err(PermitError::OtherList {
                permitted: self.targets_sha256.clone(),
                given: expected.targets_sha256.to_owned(),
            });
        }
        match (expected.mode, expected.environment) {
            (Some(mode), _) if mode != self.mode => Err(PermitError::OtherMode { permitted: self.mode, given: mode }),
            (_, Some(environment)) if environment != self.environment => Err(PermitError::OtherEnvironment {
                permitted: self.environment.clone(),
                given: environment.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Issues the token of a permit, valid for `lifetime` from the decision on.
    ///
    /// # Errors
    /// [`PermitError`] if the decision is not recorded, or the lifetime is longer than one day.
    pub fn issue(permit: &Permit, key: &Key, lifetime: Duration) -> Result<String, PermitError> {
        permit.check_format()?;
        Ok(key.sign(TYPE, &Self::of(permit.document(), permit.claims(), lifetime)?)?)
    }

    /// Issues a token for each section of the list, in their order. Each is bound to the files of its section, and used once.
    /// After one of them was used, a token for the whole list is refused, and the other way round.
    ///
    /// # Errors
    /// As [`issue`](Self::issue), or if the list is not in files.
    pub fn issue_sections(permit: &Permit, key: &Key, lifetime: Duration) -> Result<Vec<String>, PermitError> {
        permit.check_format()?;
        let whole = Self::of(permit.document(), permit.claims(), lifetime)?;
        let sections = permit.sections();
        if sections.is_empty() {
            return Err(PermitError::NoSections);
        }
        let issue = |(number, ListSection { targets, sha256 })| {
            let claims = Self { targets, targets_sha256: sha256, section: Some(number), ..whole.clone() };
            Ok(key.sign(TYPE, &claims)?)
        };
        (0..).zip(sections).map(issue).collect()
    }

    /// Issues the token of a permit for a recorded decision, as [`issue`](Self::issue) does. Only the ledger can tell whether the
    /// batch is still open.
    ///
    /// # Errors
    /// [`PermitError`] if the decision is not an allow, or not recorded, or the lifetime is longer than one day.
    pub fn issue_recorded(
        record: &DecisionRecord,
        entry: LedgerEntry,
        key: &Key,
        lifetime: Duration,
    ) -> Result<String, PermitError> {
        if record.decision.decision != Verdict::Allow {
            return Err(PermitError::NotAllowed);
        }
        let document = DecisionDocument { ledger: Some(entry), ..record.decision.clone() };
        Ok(key.sign(TYPE, &Self::of(&document, &record.review.claims, lifetime)?)?)
    }

    /// The claims of a permit for the whole list.
    fn of(document: &DecisionDocument, about: &Claims, lifetime: Duration) -> Result<Self, PermitError> {
        let entry = document.ledger.as_ref().ok_or(PermitError::NoLedger)?;
        if lifetime.seconds() > MAX_SECONDS {
            return Err(PermitError::TooLong(lifetime.seconds()));
        }
        let issued = document.evaluated_at.seconds();
        Ok(Self {
            jti: entry.sha256.clone(),
            sub: document.request.clone(),
            iat: issued,
            nbf: None,
            exp: issued.saturating_add_unsigned(lifetime.seconds()),
            entry: entry.entry,
            mode: about.mode,
            environment: about.environment.clone(),
            targets: document.targets,
            tenants: document.tenants,
            request_sha256: document.request_sha256.clone(),
            targets_sha256: document.targets_sha256.clone(),
            policy_set_sha256: document.policy_set_sha256.clone(),
            section: None,
        })
    }

    /// The permit as the ledger knows it.
    pub fn reference(&self) -> PermitReference<'_> {
        PermitReference {
            entry: self.entry,
            id: &self.jti,
            section: self.section,
            valid_from: Timestamp::from_seconds(self.nbf.map_or(self.iat, |from| from.max(self.iat))),
            expires_at: Timestamp::from_seconds(self.exp),
        }
    }
}
