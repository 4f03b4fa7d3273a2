//! Limits how much a batch may delete, including everything that is deleted along with its targets.
//!
//! In reading order: the number of tenants, everything of a kind, the share of a kind, the dependents, and the capacity
//! pools.

mod rules;
#[cfg(test)]
mod tests;

use reprieve_sdk::model::Pool;
use reprieve_sdk::{Context, Findings, InventoryFacts, Limit, Measure, Policy, Rule, same_name};
use rules::{
    CAPACITY_FLOOR, CLOSURE_UNKNOWN, RULES, Settings, TOO_LARGE_SHARE, TOO_MANY_TENANTS, UNDECLARED_DEPENDENTS,
    WHOLE_KIND,
};

/// The policy `blast-radius`. It limits the number of tenants and the share of each kind that a batch may delete,
/// counted over the targets and all their dependents. It also denies dependents that are unknown or not on the list,
/// and pools that would be left too small.
#[derive(Debug)]
pub struct BlastRadius;

impl Policy for BlastRadius {
    const NAME: &'static str = "blast-radius";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str =
        "Limits how much the batch may delete, including everything that is deleted along with its targets.";
    const RULES: &'static [Rule] = RULES;
    const LIMITS: &'static [Limit] = &[
        Limit { measure: Measure::TenantsHard, setting: "max_tenants" },
        Limit { measure: Measure::TenantsSoft, setting: "max_tenants_soft" },
    ];
    type Settings = Settings;
    type State = ();

    fn check(context: &Context<Settings>, _: &(), findings: &mut Findings) {
        check_tenants(context, findings);
        match &context.inventory {
            None => {
                findings
                    .deny_if(
                        !context.is_soft(),
                        &CLOSURE_UNKNOWN,
                        "without an inventory, it is unknown what is deleted along with the targets",
                    )
                    .help("name an inventory with `--inventory`, or `inventory` in reprieve.toml");
            }
            Some(inventory) => {
                check_whole_kinds(context, inventory, findings);
                check_share(context, inventory, findings);
                check_closure(context, inventory, findings);
                inventory.pools().iter().for_each(|pool| check_pool(context, pool, findings));
            }
        }
    }
}

fn check_tenants(context: &Context<Settings>, findings: &mut Findings) {
    let tenants = context.facts.tenants_at_most();
    let max = context.by_mode(context.settings.max_tenants, context.settings.max_tenants_soft);
    if tenants <= max {
        return;
    }
    let unknown = context.facts.tenants().unknown;
    let note = if unknown > 0 { format!(" ({unknown} of them have no name)") } else { String::new() };
    let help = match max {
        0 => "these settings allow no tenant at all".to_owned(),
        _ => format!("split the list into {} batches of at most {max} tenants", tenants.div_ceil(max)),
    };
    findings
        .deny(&TOO_MANY_TENANTS, format!("the batch reaches {tenants} tenants{note}, but at most {max} are allowed"))
        .field("/targets")
        .setting(context.by_mode("max_tenants", "max_tenants_soft"))
        .help(help);
}

/// The number of resources from which taking all of a kind is more than deleting one thing.
const WHOLE_FROM: u64 = 2;

fn check_whole_kinds(context: &Context<Settings>, inventory: &InventoryFacts, findings: &mut Findings) {
    let kinds = &inventory.closure().kinds;
    let declared = context.claims.operation().and_then(|operation| operation.all_of.as_deref()).unwrap_or_default();
    let is_approved = !context.approvers(context.settings.max_approval_age).is_empty();
    let (mut undeclared, mut unapproved) = (Vec::new(), Vec::new());
    let listed = &context.evidence().kinds.counts;
    // A list that takes all there is does so in waves as well.
    let of_waves = context.facts.whole().and_then(|whole| whole.all_of.as_deref()).unwrap_or_default();
    for (kind, count) in &kinds.counts {
        // A thing that goes with its replicas or children is one thing.
        let parts = inventory.closure().parts.counts.get(kind).copied().unwrap_or_default();
        if *count == parts + 1 && parts > 0 {
            continue;
        }
        let mut all = inventory.population().get(kind).copied().unwrap_or_default();
        if of_waves.contains(kind) {
            all = listed.get(kind).copied().unwrap_or_default();
        } else if all < WHOLE_FROM || *count < all {
            continue;
        }
        let named = format!("{all} `{kind}`");
        // An approval counts only if it names every kind of the list with its number.
        let is_named = listed.get(kind).is_some_and(|listed| *listed >= all);
        if !declared.iter().any(|declared| same_name(declared, kind)) {
            undeclared.push(named);
        } else if !is_approved || !is_named {
            unapproved.push(named);
        }
    }
    if !undeclared.is_empty() {
        findings
            .deny(&WHOLE_KIND, format!("the batch deletes everything there is of a kind: {}", undeclared.join(", ")))
            .field("/operation/all_of")
            .help(
                "if that is intended, list the kind in `operation.all_of`, and get an approval that names the number",
            );
    }
    if !unapproved.is_empty() {
        findings
            .deny(
                &WHOLE_KIND,
                format!(
                    "no approval names everything there is of a kind, which is deleted: {}",
                    unapproved.join(", ")
                ),
            )
            .missing()
            .field("/approvals")
            .setting("max_approval_age")
            .help("put all of it on the list, and get an approval for this list, mode, kinds and number of tenants");
    }
    if kinds.others > 0 {
        findings
            .deny_if(
                !context.is_soft(),
                &WHOLE_KIND,
                format!("how many there are of the kinds of {} more resources is unknown", kinds.others),
            )
            .missing()
            .field("/targets")
            .help("split the list by kind");
    }
}

fn check_share(context: &Context<Settings>, inventory: &InventoryFacts, findings: &mut Findings) {
    let closure = inventory.closure();
    if closure.things < context.settings.share_from {
        return;
    }
    let max = context.settings.max_share;
    let kinds = closure.kinds.counts.iter().filter_map(|(kind, count)| {
        let population = inventory.population().get(kind)?;
        Some((format!("resources of kind `{kind}`"), *count, *population))
    });
    let gone = inventory.tenants_gone().copied().unwrap_or(closure.tenants.distinct);
    let tenants = ("tenants".to_owned(), gone, inventory.population_tenants());
    let share = |count: u64, population: u64| count as f64 * 100.0 / population.max(1) as f64;
    for (what, count, population) in kinds.chain([tenants]) {
        if share(count, population) > max {
            findings
                .deny(
                    &TOO_LARGE_SHARE,
                    format!(
                        "the batch deletes {}{count} of {population} {what}: {:.1} %, but at most {max} % is allowed",
                        if what == "tenants" { "everything of " } else { "" },
                        share(count, population)
                    ),
                )
                .field("/targets")
                .setting("max_share")
                .help("delete them in smaller batches, and check what is left after each");
        }
    }
}

fn check_closure(context: &Context<Settings>, inventory: &InventoryFacts, findings: &mut Findings) {
    let closure = inventory.closure();
    if closure.unknown > 0 || closure.truncated {
        let message = if closure.truncated {
            "the dependents go deeper than the depth limit, so not all of them are known".to_owned()
        } else {
            format!("the dependents of {} of {} resources are unknown", closure.unknown, closure.things)
        };
        findings
            .deny_if(!context.is_soft(), &CLOSURE_UNKNOWN, message)
            .field("/targets")
            .help("list their dependents in the inventory; write an empty list if there are none");
    }
    let undeclared = closure.undeclared;
    if undeclared > context.settings.max_undeclared {
        let kinds: Vec<String> =
            closure.undeclared_kinds.counts.iter().map(|(kind, count)| format!("{count} `{kind}`")).collect();
        let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
        findings
            .deny(
                &UNDECLARED_DEPENDENTS,
                format!(
                    "the batch would also delete {undeclared} resources that are not on the list{kinds}, \
                     for example `{}`",
                    closure.examples.join("`, `")
                ),
            )
            .field("/targets")
            .setting("max_undeclared")
            .help("add them to the list if they should be deleted, or detach them first");
    }
}

fn check_pool(context: &Context<Settings>, pool: &Pool, findings: &mut Findings) {
    let left = pool.members.saturating_sub(pool.removed);
    let floor = (pool.members as f64 * context.settings.capacity_floor / 100.0).ceil() as u64;
    let minimum = pool.minimum.unwrap_or(floor);
    if pool.removed > 0 && left < minimum {
        let source = if pool.minimum.is_some() { "minimum" } else { "default minimum" };
        findings
            .deny(
                &CAPACITY_FLOOR,
                format!(
                    "the batch would leave {left} of {} members in pool `{}`, but its {source} is {minimum}",
                    pool.members, pool.name
                ),
            )
            .field("/targets")
            .setting("capacity_floor")
            .help(match pool.members.saturating_sub(minimum) {
                0 => "add members before removing any".to_owned(),
                spare => format!("remove at most {spare} members"),
            });
    }
}
