//! Signed approvals. A person signs what they approve: the list, its kinds and tenants, the mode, the environment, the name
//! of the request, who deletes, why, and the selector that the call expands. The signature is a JSON Web Token beside the
//! approval, in its field `token`.
//!
//! The token does not name the digest of the request, because that changes with every approval that is added.

use super::keys::{Key, KeySet, TokenError};
use crate::ledger::MAX_CLOCK_SKEW;
use reprieve_batch::normalize_name;
use reprieve_model::{Approval, ApprovalToken, Claims, Facts, Reason, SignedApprovals, Timestamp};
use serde::{Deserialize, Serialize};

/// The type of its tokens.
const TYPE: &str = "reprieve-approval+jwt";

/// What a person signs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignedApproval {
    iat: i64,
    /// The name of the request.
    request: String,
    environment: String,
    /// The account that deletes.
    actor: Option<String>,
    campaign: Option<String>,
    reason: Option<Reason>,
    selector: Option<String>,
    approval: Approval,
}

impl SignedApproval {
    fn new(approval: Approval, at: Timestamp, claims: &Claims) -> Self {
        Self {
            iat: at.seconds(),
            request: claims.id.clone(),
            environment: claims.environment.clone(),
            actor: claims.actor.as_ref().and_then(|actor| actor.id.clone()),
            campaign: claims.campaign.clone(),
            reason: claims.reason.clone(),
            selector: claims.operation.as_ref().and_then(|operation| operation.selector.clone()),
            approval,
        }
    }
}

/// Whose signed approvals are accepted, and whether others count.
#[derive(Debug, Default)]
pub(crate) struct Approvers {
    /// Their public keys. None: no token can be verified.
    pub keys: Option<KeySet>,
    /// Whether only signed approvals count.
    pub signed_only: bool,
}

/// Signs an approval of a request. The approver is the name of the key.
///
/// # Errors
/// [`TokenError`] if it cannot be signed.
pub fn sign_approval(approval: Approval, claims: &Claims, key: &Key) -> Result<Approval, TokenError> {
    let approval = Approval { by: Some(key.id().to_owned()), token: None, ..approval };
    let at = approval.at.ok_or_else(|| TokenError::Signing("the approval is not dated".to_owned()))?;
    let token = key.sign(TYPE, &SignedApproval::new(approval.clone(), at, claims))?;
    Ok(Approval { token: Some(token), ..approval })
}

impl Approvers {
    /// What policies are told about the signatures of a request's approvals. None: none is signed, and none has to be.
    pub fn facts(&self, claims: &Claims, facts: &Facts) -> Option<SignedApprovals> {
        let approvals = claims.approvals.iter().flatten();
        let tokens: Vec<ApprovalToken> = (0..)
            .zip(approvals)
            .filter_map(|(approval, stated)| {
                let token = stated.token.as_deref()?;
                Some(ApprovalToken { approval, issue: self.issue(token, stated, claims, facts) })
            })
            .collect();
        (self.signed_only || !tokens.is_empty()).then_some(SignedApprovals { required: self.signed_only, tokens })
    }

    /// Why a token does not show that its approver made this approval.
    fn issue(&self, token: &str, stated: &Approval, claims: &Claims, facts: &Facts) -> Option<String> {
        let Some(keys) = &self.keys else {
            return Some("the policy set names no keys of approvers, so it cannot be verified".to_owned());
        };
        let (person, signed): (String, SignedApproval) = match keys.verify(TYPE, token) {
            Ok(verified) => verified,
            Err(error) => return Some(error.to_string()),
        };
        let unsigned = Approval { token: None, ..stated.clone() };
        if signed.approval != unsigned {
            return Some(format!("`{person}` signed another approval than the one that it stands beside"));
        }
        if stated.by.as_deref() != Some(person.as_str()) {
            return Some(format!("it is signed by `{person}`, but the approval is by another person"));
        }
        let Some(at) = stated.at.filter(|at| at.seconds() == signed.iat) else {
            return Some(format!("`{person}` signed it at another time than the approval says"));
        };
        if signed.iat > facts.evaluated_at.plus(MAX_CLOCK_SKEW).seconds() {
            return Some(format!("`{person}` signed it in the future"));
        }
        if !is_request(&claims.id, &signed.request, facts.whole.is_some()) {
            return Some(format!("`{person}` signed it for the request `{}`", signed.request));
        }
        if normalize_name(&claims.environment) != normalize_name(&signed.environment) {
            return Some(format!("`{person}` signed it for the environment `{}`", signed.environment));
        }
        let now = SignedApproval::new(unsigned, at, claims);
        let same = [
            ("actor", same_name(now.actor.as_deref(), signed.actor.as_deref())),
            ("campaign", same_name(now.campaign.as_deref(), signed.campaign.as_deref())),
            ("reason", now.reason == signed.reason),
            ("selector", now.selector == signed.selector),
        ];
        let (name, _) = same.into_iter().find(|(_, is_same)| !is_same)?;
        Some(format!("`{person}` signed it for another {name} than the request states"))
    }
}

fn same_name(a: Option<&str>, b: Option<&str>) -> bool {
    a.map(normalize_name) == b.map(normalize_name)
}

/// Whether a request is the one that was approved, or a wave of it.
fn is_request(id: &str, approved: &str, is_wave: bool) -> bool {
    id == approved || (is_wave && id.strip_prefix(approved).is_some_and(|rest| rest.starts_with("/wave-")))
}
