//! Breaking the glass: two people lift findings of one decision. What they sign names the codes, the request, its list,
//! and when it ends; it is used once, and some things it can never lift.

use super::{Key, KeySet, NotVouched};
use crate::batch::Batch;
use crate::source::{Folder, Place, Unreadable};
use reprieve_model::{BreakGlass, Mode, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;

/// The type of its tokens.
const TYPE: &str = "reprieve-override+jwt";
/// The largest file.
const MOST_BYTES: u64 = 1 << 20;
/// The longest that an override may be good for, in seconds: a day.
const MOST_SECONDS: i64 = 86_400;
/// People who have to sign.
const SIGNERS: usize = 2;
/// Policies whose findings nobody can lift, and the gate itself, which finds that everything is halted.
const NEVER: &[&str] = &["retention", "gate"];

/// An override that enough trusted people have signed. There is no other way to make one than to verify it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override(pub(crate) BreakGlass);

/// An override as a file: what each of its signers has signed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    signatures: Vec<String>,
}

/// What each of them signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Claims {
    jti: String,
    iat: i64,
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
pub enum Unlawful {
    /// A signature that does not hold.
    #[error("signature {number}: {cause}")]
    Signature {
        /// Which, counted from 1.
        number: usize,
        /// What is wrong with it.
        cause: NotVouched,
    },
    /// Too few people have signed.
    #[error(
        "it takes the signatures of {SIGNERS} people, and has {0}\nhelp: `reprieve override sign` adds a signature"
    )]
    TooFew(usize),
    /// They signed different things.
    #[error("its signatures are not for the same override")]
    Different,
    /// It names nothing to lift.
    #[error("it names no code to lift")]
    NoCodes,
    /// What it names is no code.
    #[error("`{0}` is no code; they are written `policy/rule`, as in a report")]
    NotACode(String),
    /// It names what nobody can lift.
    #[error("nobody can lift `{0}`")]
    Never(String),
    /// It does not say why.
    #[error("it does not say why")]
    NoReason,
    /// It is good for too long.
    #[error("it is good for {0} seconds, and at most {MOST_SECONDS} are allowed")]
    TooLong(i64),
    /// It cannot be signed.
    #[error("it cannot be signed: {0}")]
    Signing(String),
}

impl Claims {
    fn check(&self) -> Result<(), Unlawful> {
        if self.codes.iter().all(|code| code.trim().is_empty()) {
            return Err(Unlawful::NoCodes);
        }
        let policy = |code: &str| code.split('/').next().unwrap_or_default().to_owned();
        let is_code = |code: &&String| {
            code.split_once('/').is_some_and(|(policy, rule)| !policy.is_empty() && !rule.is_empty())
        };
        if let Some(code) = self.codes.iter().find(|code| !is_code(code)) {
            return Err(Unlawful::NotACode(code.clone()));
        }
        if let Some(code) = self.codes.iter().find(|code| NEVER.contains(&policy(code).as_str())) {
            return Err(Unlawful::Never(code.clone()));
        }
        if self.reason.trim().is_empty() {
            return Err(Unlawful::NoReason);
        }
        match self.exp.saturating_sub(self.iat) {
            length @ (..=0 | 86_401..) => Err(Unlawful::TooLong(length)),
            _ => Ok(()),
        }
    }
}

impl Draft {
    /// Writes an override of these codes for one request and its list, good until then, and signs it as the first.
    ///
    /// # Errors
    /// [`Unlawful`].
    pub fn new(
        codes: impl IntoIterator<Item = String>,
        batch: &Batch,
        reason: &str,
        until: Timestamp,
        key: &Key,
    ) -> Result<Self, Unlawful> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| Unlawful::Signing(error.to_string()))?;
        let claims = Claims {
            jti: hex::encode(id),
            iat: batch.evaluated_at().seconds(),
            exp: until.seconds(),
            codes: codes.into_iter().collect(),
            request_sha256: batch.digests.request.clone(),
            targets_sha256: batch.digests.targets.clone(),
            mode: batch.claims.mode,
            environment: batch.claims.environment.clone(),
            reason: reason.to_owned(),
        };
        claims.check()?;
        Ok(Self { signatures: vec![key.sign(TYPE, &claims).map_err(Unlawful::Signing)?] })
    }

    /// Reads an override, signed as far as it is.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn open(path: &Path) -> Result<Self, Unreadable> {
        let (folder, name) = Folder::of(path)?;
        let text = folder.read(&name, MOST_BYTES)?;
        serde_json::from_slice(&text).map_err(|error| {
            let message = format!("this is not an override as `reprieve override new` writes it: {error}");
            Unreadable::new(&folder.shown(&name), Place::Whole, message)
        })
    }

    /// Adds a signature to what others have signed.
    ///
    /// # Errors
    /// [`Unlawful`] where theirs do not hold.
    pub fn sign(&mut self, key: &Key, trusted: &KeySet) -> Result<(), Unlawful> {
        let (claims, _) = self.claims(trusted)?;
        self.signatures.push(key.sign(TYPE, &claims).map_err(Unlawful::Signing)?);
        Ok(())
    }

    /// What it says, without asking whether enough people have signed.
    ///
    /// # Errors
    /// [`Unlawful`] where a signature does not hold.
    pub fn read(&self, trusted: &KeySet) -> Result<BreakGlass, Unlawful> {
        let (claims, signed_by) = self.claims(trusted)?;
        Ok(BreakGlass {
            id: claims.jti,
            codes: claims.codes.into_iter().collect(),
            request_sha256: claims.request_sha256,
            targets_sha256: claims.targets_sha256,
            mode: claims.mode,
            environment: claims.environment,
            reason: claims.reason,
            expires_at: Timestamp::from_seconds(claims.exp),
            signed_by: signed_by.into_iter().collect(),
        })
    }

    /// The override, if enough people have signed it.
    ///
    /// # Errors
    /// [`Unlawful`].
    pub fn verify(&self, trusted: &KeySet) -> Result<Override, Unlawful> {
        let glass = self.read(trusted)?;
        match glass.signed_by.len() {
            SIGNERS.. => Ok(Override(glass)),
            fewer => Err(Unlawful::TooFew(fewer)),
        }
    }

    /// The override as a file.
    pub fn to_json(&self) -> String {
        // Texts alone; writing them does not fail.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    fn claims(&self, trusted: &KeySet) -> Result<(Claims, BTreeSet<String>), Unlawful> {
        let mut signed_by = BTreeSet::new();
        let mut same: Option<Claims> = None;
        for (i, token) in self.signatures.iter().enumerate() {
            let (person, claims): (String, Claims) =
                trusted.verify(TYPE, token).map_err(|cause| Unlawful::Signature { number: i + 1, cause })?;
            signed_by.insert(person);
            match &same {
                Some(same) if *same != claims => return Err(Unlawful::Different),
                _ => same = Some(claims),
            }
        }
        let claims = same.ok_or(Unlawful::TooFew(0))?;
        claims.check()?;
        Ok((claims, signed_by))
    }
}
