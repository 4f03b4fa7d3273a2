//! Who agreed, to what, and who asks.

mod rules;
#[cfg(test)]
mod tests;

use reprieve_sdk::model::{Actor, ActorType, Approval};
use reprieve_sdk::{Case, Findings, Objection, Policy, Rule, policy, said};
use rules::{
    AGENT_NOT_ALLOWED, APPROVAL_DIFFERS, APPROVAL_STALE, CREDENTIAL_PURPOSE, RULES, SELF_APPROVAL, Settings,
    TOO_FEW_APPROVALS, UNKNOWN_ACTOR,
};

/// The policy `authority`.
#[derive(Debug)]
pub struct Authority;

impl Policy for Authority {
    const NAME: &'static str = "authority";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Who agreed, to what, and who asks.";
    const RULES: &'static [Rule] = RULES;
    type Settings = Settings;
    type State = ();

    fn check(case: &Case<Settings>, _: &(), findings: &mut Findings) {
        check_approvals(case, findings);
        let nobody = Actor::default();
        let actor = case.claims.actor().unwrap_or(&nobody);
        check_actor(case, actor, findings);
        check_agent(case, actor, findings);
        check_credential(case, actor, findings);
    }
}

fn check_approvals(case: &Case<Settings>, findings: &mut Findings) {
    let settings = &case.settings;
    let tenants = case.facts.tenants_at_most().max(case.evidence().tenants.at_most());
    let most_needed = case.is_hard() || tenants > settings.many_tenants;
    let needed = if most_needed { settings.approvals.max(settings.approvals_soft) } else { settings.approvals_soft };
    let is_stale = |approval: &Approval| approval.at.is_none_or(|at| !case.is_fresh(at, settings.max_age));
    let approvals = || case.claims.approvals().into_iter().flatten().enumerate();
    let count = case.approvers(settings.max_age).len() as u64;
    if count < needed {
        findings
            .deny(&TOO_FEW_APPROVALS, format!("{needed} approvals are needed, and {count} count"))
            .field("/approvals")
            .setting(if most_needed { "approvals" } else { "approvals_soft" })
            .help(format!("get {} more, each for this list, mode, kinds and tenants", needed - count));
    }
    for (i, approval) in approvals() {
        let by = said(&approval.by).unwrap_or("nobody");
        match case.objection(approval) {
            Some(Objection::Own) => {
                findings
                    .deny(&SELF_APPROVAL, format!("`{by}` submits the batch and approved it"))
                    .field(format!("/approvals/{i}/by"))
                    .help("let somebody else approve it");
            }
            Some(objection) => {
                findings
                    .deny_if(
                        count < needed,
                        &APPROVAL_DIFFERS,
                        format!("the approval by `{by}` does not count: {objection}"),
                    )
                    .field(format!("/approvals/{i}"))
                    .help("ask for an approval of this batch, with its digest, mode, kinds and tenants");
            }
            None if is_stale(approval) => {
                findings
                    .deny_if(
                        count < needed,
                        &APPROVAL_STALE,
                        format!("the approval by `{by}` is too old, or dated in the future"),
                    )
                    .field(format!("/approvals/{i}/at"))
                    .setting("max_age")
                    .help("ask for it again");
            }
            None => {}
        }
    }
}

fn check_actor(case: &Case<Settings>, actor: &Actor, findings: &mut Findings) {
    let (message, field) = match actor.actor_type {
        _ if said(&actor.id).is_none() => ("the request does not say who submits it", "/actor/id"),
        None | Some(ActorType::Unknown) => ("nothing says whether the submitter is human", "/actor/type"),
        Some(ActorType::Automation | ActorType::AiAgent) if said(&actor.on_behalf_of).is_none() => {
            ("the submitter is a program, and nothing says for whom it acts", "/actor/on_behalf_of")
        }
        Some(_) => return,
    };
    findings
        .deny_if(case.is_hard(), &UNKNOWN_ACTOR, message)
        .field(field)
        .help("name the account, what kind of actor it is, and the person it acts for");
}

fn check_agent(case: &Case<Settings>, actor: &Actor, findings: &mut Findings) {
    if actor.actor_type != Some(ActorType::AiAgent) || !case.is_hard() {
        return;
    }
    let may = |environment: &str| case.settings.agent_environments.iter().any(|listed| listed == environment);
    let resolved_elsewhere = case.inventory.as_ref().is_none_or(|inventory| {
        let tally = inventory.environments();
        tally.others + tally.unknown > 0 || tally.counts.keys().any(|environment| !may(environment))
    });
    if !may(case.claims.environment()) || resolved_elsewhere {
        findings
            .deny(&AGENT_NOT_ALLOWED, "an AI agent is about to delete for good, and not only where it may")
            .field("/actor/type")
            .setting("agent_environments")
            .help("let a human submit the batch, or submit it as `soft`");
    }
}

fn check_credential(case: &Case<Settings>, actor: &Actor, findings: &mut Findings) {
    let credential = actor.credential.clone().unwrap_or_default();
    let help = "use a credential that was issued for deleting in this environment and for nothing else";
    match said(&credential.purpose) {
        Some(purpose) if case.settings.purposes.iter().any(|listed| listed == purpose) => {}
        Some(purpose) => {
            findings
                .deny(&CREDENTIAL_PURPOSE, format!("the credential is for `{purpose}`"))
                .field("/actor/credential/purpose")
                .setting("purposes")
                .help(help);
        }
        None => {
            findings
                .deny_if(case.is_hard(), &CREDENTIAL_PURPOSE, "nothing says what the credential is for")
                .field("/actor/credential/purpose")
                .setting("purposes")
                .help(help);
        }
    }
    let environment = case.claims.environment();
    match said(&credential.environment) {
        Some(other) if other == environment => {}
        Some(other) => {
            findings
                .deny(
                    &CREDENTIAL_PURPOSE,
                    format!("the credential is valid in `{other}`, and the request says `{environment}`"),
                )
                .field("/actor/credential/environment")
                .help(help);
        }
        None => {
            findings
                .deny_if(case.is_hard(), &CREDENTIAL_PURPOSE, "nothing says where the credential is valid")
                .field("/actor/credential/environment")
                .help(help);
        }
    }
}

policy!(Authority);
