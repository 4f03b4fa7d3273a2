//! Overrides: two people lift findings of one decision. What they sign names the codes, the request, its list and an
//! expiry time. An override is used once, and some findings it can never lift.

use super::keys::{Key, KeySet, TokenError};
use crate::ledger::MAX_CLOCK_SKEW;
use reprieve_batch::{Batch, Folder, ReadError};
use reprieve_model::{Mode, OverrideTerms, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;

/// The type of its tokens.
const TYPE: &str = "reprieve-override+jwt";
/// The maximum size of an override file in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// The maximum time that an override is valid, in seconds: one day.
const MAX_SECONDS: i64 = 86_400;
/// The number of people who must sign.
const SIGNERS: usize = 2;

/// An override that enough trusted people have signed. [`OverrideDraft::verify`] is the only way to make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    terms: OverrideTerms,
    /// From when on it is valid.
    valid_from: Timestamp,
}

/// An override as a file: the signatures so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideDraft {
    signatures: Vec<String>,
}

/// What each person signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignedTerms {
    jti: String,
    iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    exp: i64,
    codes: BTreeSet<String>,
    request_sha256: String,
    targets_sha256: String,
    mode: Mode,
    environment: String,
    reason: String,
}

/// Why an override cannot be made or used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OverrideError {
    /// A signature is not valid.
    #[error("signature {number}: {cause}")]
    Signature {
        /// Which one, counted from 1.
        number: usize,
        /// What is wrong with it.
        cause: TokenError,
    },
    /// Too few people have signed.
    #[error("it needs the signatures of {SIGNERS} people and has {0}")]
    TooFew(usize),
    /// The signatures are for different overrides.
    #[error("its signatures are not for the same override")]
    Different,
    /// It names no code.
    #[error("it names no code to lift")]
    NoCodes,
    /// A code is malformed.
    #[error("`{0}` is not a code: expected `policy/rule`")]
    NotACode(String),
    /// A code can never be lifted.
    #[error("`{0}` can never be lifted")]
    NeverLifted(String),
    /// It has no reason.
    #[error("it has no reason")]
    NoReason,
    /// It is valid for too long.
    #[error("it is valid for {0} seconds; at most {MAX_SECONDS} are allowed")]
    TooLong(i64),
    /// It cannot be signed.
    #[error("it cannot be signed: {0}")]
    Signing(#[from] TokenError),
}

impl OverrideError {
    /// What to do about it, if that is known.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::TooFew(_) => Some("have another person sign it"),
            _ => None,
        }
    }
}

impl SignedTerms {
    fn check(&self) -> Result<(), OverrideError> {
        if self.codes.iter().all(|code| code.trim().is_empty()) {
            return Err(OverrideError::NoCodes);
        }
        let is_code = |code: &&String| {
            code.split_once('/').is_some_and(|(policy, rule)| !policy.is_empty() && !rule.is_empty())
        };
        if let Some(code) = self.codes.iter().find(|code| !is_code(code)) {
            return Err(OverrideError::NotACode(code.clone()));
        }
        if self.reason.trim().is_empty() {
            return Err(OverrideError::NoReason);
        }
        match self.exp.saturating_sub(self.iat) {
            1..=MAX_SECONDS => Ok(()),
            seconds => Err(OverrideError::TooLong(seconds)),
        }
    }
}

impl OverrideDraft {
    /// Writes an override of these codes for one request and its list, valid until `until`, with a first signature.
    /// `never_lifted` tells which codes no override may lift.
    ///
    /// # Errors
    /// [`OverrideError`].
    pub fn new(
        codes: impl IntoIterator<Item = String>,
        batch: &Batch,
        reason: &str,
        until: Timestamp,
        key: &Key,
        never_lifted: impl Fn(&str) -> bool,
    ) -> Result<Self, OverrideError> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| TokenError::Signing(error.to_string()))?;
        let terms = SignedTerms {
            jti: hex::encode(id),
            iat: batch.evaluated_at().seconds(),
            nbf: None,
            exp: until.seconds(),
            codes: codes.into_iter().collect(),
            request_sha256: batch.request_sha256().to_owned(),
            targets_sha256: batch.targets_sha256().to_owned(),
            mode: batch.claims().mode,
            environment: batch.claims().environment.clone(),
            reason: reason.to_owned(),
        };
        terms.check()?;
        if let Some(code) = terms.codes.iter().find(|code| never_lifted(code)) {
            return Err(OverrideError::NeverLifted(code.clone()));
        }
        Ok(Self { signatures: vec![key.sign(TYPE, &terms)?] })
    }

    /// Reads an override file, signed by however many people.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let (folder, name) = Folder::of(path)?;
        let text = folder.read(&name, MAX_FILE_BYTES)?;
        serde_json::from_slice(&text).map_err(|error| {
            ReadError::of_file(&folder.display_name(&name), format!("not an override file: {error}"))
        })
    }

    /// Adds a signature to those of others.
    ///
    /// # Errors
    /// [`OverrideError`] if theirs are not valid.
    pub fn sign(&mut self, key: &Key, trusted: &KeySet) -> Result<(), OverrideError> {
        let (terms, _) = self.signed_terms(trusted)?;
        self.signatures.push(key.sign(TYPE, &terms)?);
        Ok(())
    }

    /// Its terms, whether enough people have signed or not.
    ///
    /// # Errors
    /// [`OverrideError`] if a signature is not valid.
    pub fn terms(&self, trusted: &KeySet) -> Result<OverrideTerms, OverrideError> {
        let (terms, signed_by) = self.signed_terms(trusted)?;
        Ok(OverrideTerms {
            id: terms.jti,
            codes: terms.codes.into_iter().collect(),
            request_sha256: terms.request_sha256,
            targets_sha256: terms.targets_sha256,
            mode: terms.mode,
            environment: terms.environment,
            reason: terms.reason,
            expires_at: Timestamp::from_seconds(terms.exp),
            signed_by: signed_by.into_iter().collect(),
        })
    }

    /// The override, if enough people have signed it.
    ///
    /// # Errors
    /// [`OverrideError`].
    pub fn verify(&self, trusted: &KeySet) -> Result<Override, OverrideError> {
        let (signed, _) = self.signed_terms(trusted)?;
        let valid_from = Timestamp::from_seconds(signed.nbf.map_or(signed.iat, |from| from.max(signed.iat)));
        let terms = self.terms(trusted)?;
        match terms.signed_by.len() {
            SIGNERS.. => Ok(Override { terms, valid_from }),
            fewer => Err(OverrideError::TooFew(fewer)),
        }
    }

    /// The override as a file.
    pub fn to_json(&self) -> String {
        // It holds only text, so writing it does not fail.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    fn signed_terms(&self, trusted: &KeySet) -> Result<(SignedTerms, BTreeSet<String>), OverrideError> {
        let mut signed_by = BTreeSet::new();
        let mut same: Option<SignedTerms> = None;
        for (i, token) in self.signatures.iter().enumerate() {
            let (person, terms): (String, SignedTerms) =
                trusted.verify(TYPE, token).map_err(|cause| OverrideError::Signature { number: i + 1, cause })?;
            signed_by.insert(person);
            match &same {
                Some(same) if *same != terms => return Err(OverrideError::Different),
                _ => same = Some(terms),
            }
        }
        let terms = same.ok_or(OverrideError::TooFew(0))?;
        terms.check()?;
        Ok((terms, signed_by))
    }
}

impl Override {
    /// What its signers agreed to.
    pub fn terms(&self) -> &OverrideTerms {
        &self.terms
    }

    /// Why it does not hold for this batch at `now`, if it does not. `used` is the entry in which it was used before.
    pub(crate) fn refused_for(
        &self,
        batch: &Batch,
        now: Timestamp,
        used: Option<u64>,
        never_lifted: &dyn Fn(&str) -> bool,
    ) -> Option<String> {
        let terms = &self.terms;
        let id = &terms.id;
        if let Some(code) = terms.codes.iter().find(|code| never_lifted(code)) {
            return Some(format!("the override `{id}` names `{code}`, which can never be lifted"));
        }
        if terms.targets_sha256 != batch.targets_sha256() {
            return Some(format!("the override `{id}` is for another list (`{}`)", terms.targets_sha256));
        }
        let claims = batch.claims();
        let requested = (batch.request_sha256(), claims.mode, claims.environment.as_str());
        if requested != (terms.request_sha256.as_str(), terms.mode, terms.environment.as_str()) {
            let (request, mode, environment) = (&terms.request_sha256, terms.mode.as_str(), &terms.environment);
            return Some(format!(
                "the override `{id}` is for another request (`{request}`, {mode} in {environment})"
            ));
        }
        if terms.expires_at < now {
            return Some(format!("the override `{id}` expired at {}", terms.expires_at));
        }
        // An override that expires later than it may was dated ahead as well.
        if self.valid_from > now.plus(MAX_CLOCK_SKEW)
            || terms.expires_at.seconds() > now.seconds().saturating_add(MAX_SECONDS)
        {
            return Some(format!("the override `{id}` is not valid yet at {now}"));
        }
        used.map(|entry| format!("the override `{id}` was already used, in entry {entry}"))
    }
}
