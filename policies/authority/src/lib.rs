//! Checks who submits a batch and who approved it.
//!
//! In reading order: the approvals, the submitter, the environments of an AI agent, and the credential.

mod rules;
#[cfg(test)]
mod tests;

use reprieve_sdk::model::{Actor, ActorType, Approval, Timestamp};
use reprieve_sdk::{ApprovalIssue, Context, Findings, Policy, Rule, non_blank};
use rules::{
    AGENT_NOT_ALLOWED, APPROVAL_DIFFERS, APPROVAL_STALE, CREDENTIAL_PURPOSE, RULES, SELF_APPROVAL, Settings,
    TOO_FEW_APPROVALS, UNKNOWN_ACTOR,
};

/// The policy `authority`. It requires enough fresh approvals of exactly this batch from people other than the
/// submitter. It also checks that the submitter is known, may run the deletion, and uses a credential issued for it.
#[derive(Debug)]
pub struct Authority;

impl Policy for Authority {
    const NAME: &'static str = "authority";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Checks who submits the batch and who approved it.";
    const RULES: &'static [Rule] = RULES;
    type Settings = Settings;
    type State = ();

    fn check(context: &Context<Settings>, _: &(), findings: &mut Findings) {
        check_approvals(context, findings);
        let unknown = Actor::default();
        let actor = context.claims.actor().unwrap_or(&unknown);
        check_actor(context, actor, findings);
        check_own_approval(context, actor, findings);
        check_agent(context, findings);
        check_credential(context, actor, findings);
    }
}

fn check_approvals(context: &Context<Settings>, findings: &mut Findings) {
    let settings = &context.settings;
    let tenants = context.facts.tenants_at_most().max(context.evidence().tenants.at_most());
    let strict = !context.is_soft() || tenants > settings.many_tenants;
    let required = if strict { settings.approvals.max(settings.approvals_soft) } else { settings.approvals_soft };
    let count = context.approvers(settings.max_age).len() as u64;
    if count < required {
        findings
            .deny(&TOO_FEW_APPROVALS, format!("the batch has {count} of {required} required approvals"))
            .field("/approvals")
            .setting(if strict { "approvals" } else { "approvals_soft" })
            .help(format!("get {} more, each for this list, mode, kinds and number of tenants", required - count));
    }
    for (i, approval) in context.claims.approvals().into_iter().flatten().enumerate() {
        check_approval(context, approval, i, count < required, findings);
    }
    check_order(context, findings);
}

/// Warns of approvals that are older than the list. They name its digest, so they are of the same rows: the list was
/// extracted again, or one of the times is wrong.
fn check_order(context: &Context<Settings>, findings: &mut Findings) {
    let Some(extracted) = context.claims.provenance().and_then(|provenance| provenance.extracted_at) else { return };
    let approvals = context.claims.approvals().into_iter().flatten();
    let is_older = |at: Timestamp| at < extracted && context.is_fresh(at, context.settings.max_age);
    let older = approvals.filter(|approval| approval.at.is_some_and(is_older)).count();
    if older > 0 {
        let verb = if older == 1 { "approval is" } else { "approvals are" };
        findings
            .warn(&APPROVAL_STALE, format!("{older} {verb} older than the list, which was extracted at {extracted}"))
            .field("/approvals")
            .help("make sure that the list was extracted again after it was approved");
    }
}

/// Reports why an approval does not count. It denies only if the batch has too few approvals without it.
fn check_approval(context: &Context<Settings>, approval: &Approval, i: usize, denies: bool, findings: &mut Findings) {
    let by = || non_blank(&approval.by).map_or("an unknown person".to_owned(), |by| format!("`{by}`"));
    match context.approval_issue(approval) {
        Some(ApprovalIssue::Own) => {
            findings
                .deny(&SELF_APPROVAL, format!("{} submitted the batch and approved it", by()))
                .field(format!("/approvals/{i}/by"))
                .help("have someone other than the submitter approve it");
        }
        Some(ApprovalIssue::Author) => {
            findings
                .deny(&SELF_APPROVAL, format!("{} made the list and approved it", by()))
                .field(format!("/approvals/{i}/by"))
                .help("have someone other than the author of the list approve it");
        }
        Some(issue @ (ApprovalIssue::BadToken | ApprovalIssue::NotSigned)) => {
            let reason =
                context.signature(&format!("/approvals/{i}")).and_then(|signature| signature.issue.as_deref());
            let reason = reason.map_or(issue.to_string(), |reason| format!("{issue}: {reason}"));
            findings
                .deny_if(denies, &APPROVAL_DIFFERS, format!("the approval by {} does not count: {reason}", by()))
                .field(format!("/approvals/{i}/token"))
                .help("have the approver sign this batch with their own key");
        }
        Some(issue) => {
            findings
                .deny_if(denies, &APPROVAL_DIFFERS, format!("the approval by {} does not count: {issue}", by()))
                .field(format!("/approvals/{i}"))
                .help("request an approval of this batch, with its digest, mode, kinds and number of tenants");
        }
        None => check_approval_age(context, approval, i, denies, findings),
    }
}

fn check_approval_age(
    context: &Context<Settings>,
    approval: &Approval,
    i: usize,
    denies: bool,
    findings: &mut Findings,
) {
    if approval.at.is_some_and(|at| context.is_fresh(at, context.settings.max_age)) {
        return;
    }
    let by = non_blank(&approval.by).unwrap_or_default();
    let finding = match approval.at {
        Some(_) => findings.deny_if(
            denies,
            &APPROVAL_STALE,
            format!("the approval by `{by}` is too old, or dated in the future"),
        ),
        None => findings.deny_if(denies, &APPROVAL_STALE, format!("the approval by `{by}` is not dated")).missing(),
    };
    finding.field(format!("/approvals/{i}/at")).setting("max_age").help("request the approval again");
}

fn check_actor(context: &Context<Settings>, actor: &Actor, findings: &mut Findings) {
    let (message, field) = match actor.actor_type {
        _ if non_blank(&actor.id).is_none() => ("the request does not say who submits it", "/actor/id"),
        None | Some(ActorType::Unknown) => ("the request does not say whether its submitter is human", "/actor/type"),
        Some(ActorType::Human) => return,
        Some(_) if non_blank(&actor.on_behalf_of).is_none() => {
            ("the submitter is a program, and the request does not say for whom it acts", "/actor/on_behalf_of")
        }
        Some(_) => return,
    };
    findings
        .deny_if(!context.is_soft(), &UNKNOWN_ACTOR, message)
        .field(field)
        .help("name the account, the type of actor, and the person it acts for");
}

/// Without the people behind the batch, it is unknown whether one of them approved it.
fn check_own_approval(context: &Context<Settings>, actor: &Actor, findings: &mut Findings) {
    let is_program = actor.actor_type != Some(ActorType::Human);
    let missing = if non_blank(&actor.id).is_none() {
        "id"
    } else if is_program && non_blank(&actor.on_behalf_of).is_none() {
        "on_behalf_of"
    } else {
        return;
    };
    if context.claims.approvals().is_some_and(|approvals| !approvals.is_empty()) {
        findings
            .deny_if(!context.is_soft(), &SELF_APPROVAL, "it is unknown whether the submitter approved the batch")
            .missing()
            .field(format!("/actor/{missing}"))
            .help("name the account that submits the batch, and the person that it acts for");
    }
}

fn check_agent(context: &Context<Settings>, findings: &mut Findings) {
    if context.is_agent() && !context.is_soft() && context.facts.production() {
        findings
            .deny(
                &AGENT_NOT_ALLOWED,
                format!(
                    "an AI agent may not request a batch of the mode `{}` in production, or where it may be production",
                    context.claims.mode().as_str()
                ),
            )
            .field("/actor/type")
            .help(
                "have a human submit the batch, or set `mode` to `soft`; `environments.not_production` of the policy set \
                 names what is not production",
            );
    }
}

fn check_credential(context: &Context<Settings>, actor: &Actor, findings: &mut Findings) {
    // Agents found credentials that were not meant for them, so what an agent does not say is not only warned of.
    let denies = !context.is_soft() || context.is_agent();
    let credential = actor.credential.clone().unwrap_or_default();
    let help = "use a credential that was issued only for deletion in this environment";
    match non_blank(&credential.purpose) {
        Some(purpose) if context.settings.purposes.iter().any(|listed| listed == purpose) => {}
        Some(purpose) => {
            findings
                .deny(&CREDENTIAL_PURPOSE, format!("the purpose of the credential is `{purpose}`"))
                .field("/actor/credential/purpose")
                .setting("purposes")
                .help(help);
        }
        None => {
            findings
                .deny_if(denies, &CREDENTIAL_PURPOSE, "the request does not state the purpose of the credential")
                .missing()
                .field("/actor/credential/purpose")
                .setting("purposes")
                .help(help);
        }
    }
    let environment = context.claims.environment();
    match non_blank(&credential.environment) {
        Some(other) if other == environment => {}
        Some(other) => {
            findings
                .deny(
                    &CREDENTIAL_PURPOSE,
                    format!("the credential is valid in `{other}`, but the request says `{environment}`"),
                )
                .field("/actor/credential/environment")
                .help(help);
        }
        None => {
            findings
                .deny_if(
                    denies,
                    &CREDENTIAL_PURPOSE,
                    "the request does not say in which environment the credential is valid",
                )
                .missing()
                .field("/actor/credential/environment")
                .help(help);
        }
    }
}
