//! Signed evidence: approvals by people, and a dry run and backups that a person or a system vouches for. Who signs a piece of
//! evidence signs with it what the request is about: its name and environment, who deletes, why, and the selector that the
//! call expands. The signature is a JSON Web Token beside the evidence, in its field `token`.
//!
//! The token does not name the digest of the request, because that changes with every piece of evidence that is added.

use super::keys::{Key, KeySet, TokenError};
use crate::ledger::MAX_CLOCK_SKEW;
use reprieve_batch::normalize_name;
use reprieve_model::{
    ActorType, Approval, Checkpoint, Claims, DryRun, Facts, Reason, Review, Signature, Signatures, Timestamp,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Evidence that can be signed.
pub trait Evidence: Clone + PartialEq + Serialize + DeserializeOwned {
    /// The type of its tokens.
    const TYPE: &'static str;
    /// Returns it with another token.
    #[must_use]
    fn with_token(self, token: Option<String>) -> Self;
    /// Its token.
    fn token(&self) -> Option<&str>;
    /// The person it is by, if only that person may sign it.
    fn author(&self) -> Option<Option<&str>> {
        None
    }
}

macro_rules! evidence {
    ($evidence:ty, $token_type:literal $(, $author:item)?) => {
        impl Evidence for $evidence {
            const TYPE: &'static str = $token_type;
            fn with_token(self, token: Option<String>) -> Self {
                Self { token, ..self }
            }
            fn token(&self) -> Option<&str> {
                self.token.as_deref()
            }
            $($author)?
        }
    };
}

evidence!(
    Approval,
    "reprieve-approval+jwt",
    fn author(&self) -> Option<Option<&str>> {
        Some(self.by.as_deref())
    }
);
evidence!(DryRun, "reprieve-dry-run+jwt");
evidence!(Checkpoint, "reprieve-backup+jwt");

/// What somebody signs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement<T> {
    iat: i64,
    /// The name of the request.
    request: String,
    environment: String,
    /// The account that deletes.
    actor: Option<String>,
    campaign: Option<String>,
    reason: Option<Reason>,
    selector: Option<String>,
    evidence: T,
}

impl<T> Statement<T> {
    fn new(evidence: T, claims: &Claims, iat: i64) -> Self {
        Self {
            iat,
            request: claims.id.clone(),
            environment: claims.environment.clone(),
            actor: claims.actor.as_ref().and_then(|actor| actor.id.clone()),
            campaign: claims.campaign.clone(),
            reason: claims.reason.clone(),
            selector: claims.operation.as_ref().and_then(|operation| operation.selector.clone()),
            evidence,
        }
    }
}

/// Signs evidence of a request at a time, and returns it with its token. An approval has to be by the name of the key.
///
/// # Errors
/// [`TokenError`] if it cannot be signed.
pub fn sign_evidence<T: Evidence>(evidence: T, claims: &Claims, at: Timestamp, key: &Key) -> Result<T, TokenError> {
    let statement = Statement::new(evidence.with_token(None), claims, at.seconds());
    let token = key.sign(T::TYPE, &statement)?;
    Ok(statement.evidence.with_token(Some(token)))
}

/// What an approver signs of a request that was recorded: the header and the claims of the token, each as JSON. `key` is the id
/// of the approver's key, which is their name.
///
/// # Errors
/// [`serde_json::Error`] if the approval cannot be written as JSON.
pub fn approval_to_sign(review: &Review, key: &str, at: Timestamp) -> Result<(String, String), serde_json::Error> {
    let Review { claims, facts, .. } = review;
    let kinds = serde_json::from_value(serde_json::to_value(&facts.kinds.counts)?)?;
    let approval = Approval {
        by: Some(key.to_owned()),
        approver_type: Some(ActorType::Human),
        at: Some(at),
        targets_sha256: Some(facts.targets_sha256.clone()),
        mode: Some(claims.mode),
        kinds: Some(kinds),
        tenants: Some(facts.tenants.at_most().max(facts.tenants_at_most)),
        program_sha256: claims.operation.as_ref().and_then(|operation| operation.program_sha256.clone()),
        token: None,
    };
    let header = serde_json::json!({ "typ": Approval::TYPE, "alg": "EdDSA", "kid": key });
    let statement = Statement::new(approval, claims, at.seconds());
    Ok((serde_json::to_string(&header)?, serde_json::to_string(&statement)?))
}

/// An approval that a person is asked to sign.
#[derive(Clone, Debug)]
pub struct ApprovalToSign(Statement<Approval>);

impl ApprovalToSign {
    /// Reads the claims that [`approval_to_sign`] returned.
    ///
    /// # Errors
    /// [`serde_json::Error`] if they are not those of an approval.
    pub fn parse(claims: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(claims).map(Self)
    }

    /// What is approved.
    pub const fn approval(&self) -> &Approval {
        &self.0.evidence
    }

    /// The request's `id`.
    pub fn request(&self) -> &str {
        &self.0.request
    }

    /// Where it will run.
    pub fn environment(&self) -> &str {
        &self.0.environment
    }

    /// Why it is deleted.
    pub const fn reason(&self) -> Option<&Reason> {
        self.0.reason.as_ref()
    }

    /// Signs it. The approval has to be by the name of the key.
    ///
    /// # Errors
    /// [`TokenError`] if it cannot be signed.
    pub fn sign(&self, key: &Key) -> Result<String, TokenError> {
        key.sign(Approval::TYPE, &self.0)
    }
}

/// Whose signatures are accepted, and whether what is not signed counts.
#[derive(Debug, Default)]
pub(crate) struct Signers {
    /// Their public keys. None: no token can be verified.
    pub keys: Option<KeySet>,
    /// Whether only signed evidence counts.
    pub required: bool,
}

/// Who may sign which evidence.
#[derive(Debug, Default)]
pub(crate) struct EvidenceSigners {
    /// The people who approve.
    pub approvals: Signers,
    /// The people and systems that vouch for dry runs and backups.
    pub attestations: Signers,
}

impl EvidenceSigners {
    /// What policies are told about the signatures of a request's evidence. None: nothing is signed, and nothing has to be.
    pub fn facts(&self, claims: &Claims, facts: &Facts) -> Option<Signatures> {
        let Self { approvals, attestations } = self;
        let about = (claims, facts);
        let stated = claims.approvals.iter().flatten().enumerate();
        let mut tokens: Vec<Signature> =
            stated.filter_map(|(i, approval)| approvals.check(approval, format!("/approvals/{i}"), about)).collect();
        let dry_run = claims.dry_run.iter();
        tokens.extend(dry_run.filter_map(|dry_run| attestations.check(dry_run, "/dry_run".to_owned(), about)));
        let backups = claims.recovery.iter().flat_map(|recovery| &recovery.checkpoints).flatten().enumerate();
        tokens.extend(
            backups.filter_map(|(i, backup)| attestations.check(backup, format!("/recovery/checkpoints/{i}"), about)),
        );
        let signatures = Signatures {
            approvals_required: approvals.required,
            attestations_required: attestations.required,
            tokens,
        };
        (approvals.required || attestations.required || !signatures.tokens.is_empty()).then_some(signatures)
    }
}

impl EvidenceSigners {
    /// Reads a signed approval of a request that was recorded.
    pub fn read_approval(&self, review: &Review, token: &str, at: Timestamp) -> Result<Approval, String> {
        let keys = self.approvals.keys.as_ref().ok_or("the policy set names no keys of approvers")?;
        let (_, signed): (String, Statement<Approval>) =
            keys.verify(Approval::TYPE, token).map_err(|error| error.to_string())?;
        let approval = signed.evidence.with_token(Some(token.to_owned()));
        let facts = Facts { evaluated_at: at, ..review.facts.clone() };
        self.approvals.verify(token, &approval, (&review.claims, &facts))?;
        if approval.targets_sha256.as_ref() != Some(&facts.targets_sha256) {
            return Err("it approves another list".to_owned());
        }
        Ok(approval)
    }
}

impl Signers {
    /// Verifies the token of evidence, if it has one.
    fn check<T: Evidence>(&self, stated: &T, field: String, about: (&Claims, &Facts)) -> Option<Signature> {
        let token = stated.token()?;
        Some(match self.verify(token, stated, about) {
            Ok(by) => Signature { field, by: Some(by), issue: None },
            Err(issue) => Signature { field, by: None, issue: Some(issue) },
        })
    }

    /// The name of the key that signed this evidence of this request, or why the token does not show that it did.
    fn verify<T: Evidence>(
        &self,
        token: &str,
        stated: &T,
        (claims, facts): (&Claims, &Facts),
    ) -> Result<String, String> {
        let keys = self.keys.as_ref().ok_or("the policy set names no keys for it, so it cannot be verified")?;
        let (by, signed): (String, Statement<T>) = keys.verify(T::TYPE, token).map_err(|error| error.to_string())?;
        let now = Statement::new(stated.clone().with_token(None), claims, signed.iat);
        if let Some(author) = stated.author().filter(|author| *author != Some(by.as_str())) {
            let author = author.unwrap_or("nobody");
            return Err(format!("it is signed by `{by}`, but the approval is by `{author}`"));
        }
        if signed.iat > facts.evaluated_at.plus(MAX_CLOCK_SKEW).seconds() {
            return Err(format!("`{by}` signed it in the future"));
        }
        if !is_request(&claims.id, &signed.request, facts.whole.is_some()) {
            return Err(format!("`{by}` signed it for the request `{}`", signed.request));
        }
        let same = [
            ("with other values", now.evidence == signed.evidence),
            ("for another environment", same_name(Some(&now.environment), Some(&signed.environment))),
            ("for another actor", same_name(now.actor.as_deref(), signed.actor.as_deref())),
            ("for another campaign", same_name(now.campaign.as_deref(), signed.campaign.as_deref())),
            ("for another reason", now.reason == signed.reason),
            ("for another selector", now.selector == signed.selector),
        ];
        match same.into_iter().find(|(_, is_same)| !is_same) {
            Some((difference, _)) => Err(format!("`{by}` signed it {difference}")),
            None => Ok(by),
        }
    }
}

fn same_name(a: Option<&str>, b: Option<&str>) -> bool {
    a.map(normalize_name) == b.map(normalize_name)
}

/// Whether a request is the one that evidence was signed for, or a wave of it.
fn is_request(id: &str, signed: &str, is_wave: bool) -> bool {
    id == signed || (is_wave && id.strip_prefix(signed).is_some_and(|rest| rest.starts_with("/wave-")))
}
