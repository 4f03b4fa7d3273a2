//! Plans of Terraform and OpenTofu, as `terraform show -json PLAN` prints them. `state.rs` reads their states.

mod address;
mod plan;
mod state;

pub(crate) use state::read as read_state;

use crate::node::{count, error_at_pointer};
use crate::{Action, Input, Item, Options, Part, Sink, Summary};
use plan::{Module, Plan, ResourceChange};
use reprieve_batch::{Place, ReadError};
use reprieve_model::Timestamp;
use std::collections::HashSet;

const HELP: &str = "pass what `terraform show -json PLAN` or `tofu show -json PLAN` prints, and nothing else";

/// Members of a state, or of the log of `terraform plan -json`. A plan has none of them.
const NOT_OF_A_PLAN: [(&str, &str); 6] = [
    ("values", "a state"),
    ("lineage", "a state"),
    ("serial", "a state"),
    ("resources", "a state"),
    ("modules", "a state"),
    ("@level", "a log"),
];

pub(crate) fn read(input: &Input<'_>, _: &Options, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let plan =
        plan::parse(input).map_err(|error| if error.help.is_some() { error } else { error.with_help(HELP) })?;
    check_document(input, &plan)?;
    check_status(input, &plan)?;
    let mut summary = Summary {
        is_call: true,
        tool: Some(tool(&plan)),
        extracted_at: plan.timestamp.as_deref().map(|time| timestamp(input, time)).transpose()?,
        unseen: vec![
            "what a provider deletes beside a resource: the objects in a bucket, the nodes of a cluster",
            "whether a deletion can be undone: the provider decides that",
        ],
        ..Summary::default()
    };
    let mut kept = Kept::default();
    let mut changed = HashSet::with_capacity(plan.resource_changes.len());
    for (index, change) in plan.resource_changes.iter().enumerate() {
        let at = |message: String| error_at_pointer(input, &format!("/resource_changes/{index}"), message);
        if !changed.insert((change.address.as_str(), change.deposed.as_deref())) {
            return Err(at(format!("`{}` is listed twice", change.address)));
        }
        let Some(action) = action(change, &mut kept).map_err(at)? else { continue };
        summary.verb = Some("destroy".to_owned());
        sink(item(change, action))?;
    }
    check_whole(input, &plan, &changed)?;
    summary.notes = kept.notes(&plan);
    summary.selector = invocations(&plan);
    Ok(summary)
}

/// What stays, by count.
#[derive(Default)]
struct Kept {
    forgotten: usize,
    data: usize,
}

impl Kept {
    fn notes(&self, plan: &Plan) -> Vec<String> {
        let gone =
            plan.resource_drift.iter().filter(|drift| drift.change.actions.iter().any(|word| word == "delete"));
        let (gone, invoked) = (gone.count(), plan.action_invocations.len());
        let mut notes = Vec::new();
        if self.forgotten > 0 {
            let forgotten =
                count(self.forgotten, "object leaves the state and stays", "objects leave the state and stay");
            notes.push(format!("{forgotten}: forget"));
        }
        if self.data > 0 {
            let data = count(self.data, "data source leaves", "data sources leave");
            notes.push(format!("{data} the state: nothing is deleted"));
        }
        if gone > 0 {
            notes.push(format!("{}: drift", count(gone, "resource is gone already", "resources are gone already")));
        }
        if invoked > 0 {
            let invoked = count(invoked, "action is invoked", "actions are invoked");
            notes.push(format!("{invoked}, and the plan does not say what that deletes"));
        }
        notes
    }
}

fn check_document(input: &Input<'_>, plan: &Plan) -> Result<(), ReadError> {
    let whole = |message: &str| Err(input.error(Place::Whole, message).with_help(HELP));
    if let Some((member, what)) = NOT_OF_A_PLAN.iter().find(|(member, _)| plan.rest.contains_key(*member)) {
        return whole(&format!("not a plan: the member `{member}` belongs to {what}"));
    }
    let Some(version) = &plan.format_version else {
        return whole("not a plan: the member `format_version` is missing");
    };
    if plan.planned_values.is_none() && plan.resource_changes.is_empty() {
        return whole(
            "not a plan: it has neither `planned_values` nor `resource_changes`. An empty state is like that",
        );
    }
    let is_known = match version.split_once('.') {
        Some(("0", minor)) => matches!(minor, "1" | "2"),
        Some(("1", minor)) => !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit()),
        _ => false,
    };
    if !is_known {
        let message = format!("the format version is `{version}`; known are 0.1, 0.2 and 1.x");
        return Err(error_at_pointer(input, "/format_version", message));
    }
    let unknown = plan.rest.iter().find(|(_, value)| value.is_array() || value.is_object());
    if let Some((member, _)) = unknown {
        let message = format!("the member `{member}` is not known, and it may hold changes");
        return Err(error_at_pointer(input, &format!("/{member}"), message));
    }
    Ok(())
}

fn check_status(input: &Input<'_>, plan: &Plan) -> Result<(), ReadError> {
    if plan.errored == Some(true) {
        return Err(error_at_pointer(input, "/errored", "planning failed, so changes may be missing")
            .with_help("correct the error that the plan reported, and plan again"));
    }
    let (changes, actions) = (plan.deferred_changes.len(), plan.deferred_action_invocations.len());
    if changes + actions > 0 {
        let deletions = plan.deferred_changes.iter().filter(|deferred| deferred.deletes()).count();
        let message = format!(
            "{} and {} are deferred, so the plan is not complete. Deletions among them: {deletions}",
            count(changes, "change", "changes"),
            count(actions, "action", "actions")
        );
        return Err(input.error(Place::Whole, message).with_help("make a plan that defers nothing"));
    }
    if plan.complete == Some(false) {
        let message = "the plan is not complete: it is limited by -target or -exclude, or changes are deferred";
        return Err(
            error_at_pointer(input, "/complete", message).with_help("plan again without -target and -exclude")
        );
    }
    Ok(())
}

/// Returns what happens to an object of a resource, if it is destroyed.
fn action(change: &ResourceChange, kept: &mut Kept) -> Result<Option<Action>, String> {
    let words: Vec<&str> = change.change.actions.iter().map(String::as_str).collect();
    let action = match words.as_slice() {
        ["no-op" | "create" | "read" | "update" | "open" | "renew" | "close"] => None,
        ["delete"] => Some(Action::Delete),
        ["delete", "create"] | ["create", "delete"] => Some(Action::Replace),
        ["forget"] | ["create", "forget"] | ["forget", "create"] => {
            kept.forgotten += 1;
            None
        }
        _ => return Err(format!("the actions {words:?} of `{}` are not known", change.address)),
    };
    if change.address.trim().is_empty() || change.kind.trim().is_empty() {
        return Err("the address or the type is blank".to_owned());
    }
    if change.deposed.as_deref().is_some_and(|key| key.trim().is_empty()) {
        return Err(format!("the deposed key of `{}` is blank", change.address));
    }
    match change.mode.as_str() {
        "managed" => Ok(action),
        "data" | "ephemeral" if action.is_none() => Ok(None),
        // Terraform removes what it read from its state. It omits such changes from newer plans.
        "data" if is_data(&change.address) => {
            kept.data += 1;
            Ok(None)
        }
        mode => Err(format!("`{}` of mode `{mode}` is deleted, which is not known", change.address)),
    }
}

/// Whether an address, apart from its modules, names a data source.
fn is_data(address: &str) -> bool {
    let mut rest = address;
    while let Some(module) = rest.strip_prefix("module.") {
        let Some((at, _)) = module.char_indices().find(|(_, c)| matches!(c, '.' | '[')) else { return false };
        let after = module.get(at..).unwrap_or("");
        rest = match after.strip_prefix('[') {
            None => after,
            Some(_) => after.split_once("].").map_or("", |(_, rest)| rest),
        };
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    rest.starts_with("data.")
}

fn item(change: &ResourceChange, action: Action) -> Item {
    let mut item = Item::new(change.address.as_str(), action).kind(change.kind.as_str());
    item.part = change.deposed.clone().map(Part::Deposed);
    let details = [
        ("cloud_id", change.change.cloud_id()),
        ("previous_address", change.previous_address.as_deref()),
        ("reason", change.action_reason.as_deref()),
    ];
    item.details = details.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect();
    item
}

/// Checks that `resource_changes` is not shorter than what the plan says elsewhere.
fn check_whole(input: &Input<'_>, plan: &Plan, changed: &HashSet<(&str, Option<&str>)>) -> Result<(), ReadError> {
    let planned = plan.planned_values.as_ref().map(|values| managed(&values.root_module)).unwrap_or_default();
    let prior = plan.prior_state.as_ref().and_then(|state| state.values.as_ref());
    let prior = prior.map(|values| managed(&values.root_module)).unwrap_or_default();
    if changed.is_empty() && !(planned.is_empty() && prior.is_empty()) {
        let message = "the plan has resources, and no `resource_changes`: what changes is not in the file";
        return Err(input
            .error(Place::Whole, message)
            .with_help("pass the whole plan. A plan of -refresh-only deletes nothing, and needs no check"));
    }
    // Before Terraform 1.8 a plan does not say whether it is limited to some resources.
    if plan.complete != Some(true) {
        return Ok(());
    }
    let planned: HashSet<_> = planned.into_iter().collect();
    let missing = prior.iter().find(|object| !planned.contains(*object) && !changed.contains(*object));
    match missing {
        None => Ok(()),
        Some((address, _)) => {
            let message = format!("`{address}` is in the prior state and not planned, and no change of it is listed");
            Err(input.error(Place::Whole, message).with_help("pass the whole plan, not a part of it"))
        }
    }
}

/// The objects of managed resources in a module and those in it: their address and deposed key.
fn managed(module: &Module) -> Vec<(&str, Option<&str>)> {
    let mut found = Vec::new();
    let mut modules = vec![module];
    while let Some(module) = modules.pop() {
        let managed = module.resources.iter().filter(|resource| resource.mode == "managed");
        found.extend(managed.map(|resource| (resource.address.as_str(), resource.deposed_key.as_deref())));
        modules.extend(module.child_modules.iter().map(|module| &**module));
    }
    found
}

/// The actions of providers that the call invokes. They may delete what is not in the list.
fn invocations(plan: &Plan) -> Option<String> {
    let actions: Vec<String> =
        plan.action_invocations.iter().map(|action| format!("{} ({})", action.address, action.kind)).collect();
    (!actions.is_empty()).then(|| actions.join(", "))
}

fn tool(plan: &Plan) -> String {
    let is_of = |registry: &str| {
        plan.resource_changes
            .iter()
            .any(|change| change.provider_name.as_deref().is_some_and(|p| p.starts_with(registry)))
    };
    let name = match (is_of("registry.terraform.io/"), is_of("registry.opentofu.org/")) {
        (true, false) => "Terraform",
        (false, true) => "OpenTofu",
        _ => "Terraform or OpenTofu",
    };
    plan.terraform_version.as_ref().map_or_else(|| name.to_owned(), |version| format!("{name} {version}"))
}

fn timestamp(input: &Input<'_>, text: &str) -> Result<i64, ReadError> {
    let time = Timestamp::parse(text).map_err(|message| error_at_pointer(input, "/timestamp", message))?;
    Ok(time.seconds())
}
