//! How much goes, counted over everything that goes.

mod rules;
#[cfg(test)]
mod tests;

use reprieve_sdk::model::Pool;
use reprieve_sdk::{Case, Findings, InventoryFacts, Policy, Rule, policy};
use rules::{
    CAPACITY_FLOOR, CLOSURE_UNKNOWN, RULES, Settings, TOO_LARGE_SHARE, TOO_MANY_TENANTS, UNDECLARED_DEPENDENTS,
};

/// The policy `blast-radius`.
#[derive(Debug)]
pub struct BlastRadius;

impl Policy for BlastRadius {
    const NAME: &'static str = "blast-radius";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "How much goes, counted over everything that goes.";
    const RULES: &'static [Rule] = RULES;
    type Settings = Settings;
    type State = ();

    fn check(case: &Case<Settings>, _: &(), findings: &mut Findings) {
        check_tenants(case, findings);
        match &case.inventory {
            None => {
                findings
                    .deny_if(case.is_hard(), &CLOSURE_UNKNOWN, "there is no inventory to say what goes along")
                    .help("name one with `--inventory`, or `inventory` in reprieve.toml");
            }
            Some(inventory) => {
                check_share(case, inventory, findings);
                check_closure(case, inventory, findings);
                inventory.pools().iter().for_each(|pool| check_pool(case, pool, findings));
            }
        }
    }
}

fn check_tenants(case: &Case<Settings>, findings: &mut Findings) {
    let (tenants, most) =
        (case.facts.tenants_at_most(), case.by_mode(case.settings.max_tenants, case.settings.max_tenants_soft));
    if tenants <= most {
        return;
    }
    let unknown = case.facts.tenants().unknown;
    let guess = if unknown > 0 {
        format!(" ({unknown} targets name no tenant and count as one each)")
    } else {
        String::new()
    };
    let help = match most {
        0 => "no tenant may be reached with these settings".to_owned(),
        _ => format!("split the list into {} batches of at most {most} tenants", tenants.div_ceil(most)),
    };
    findings
        .deny(&TOO_MANY_TENANTS, format!("the batch reaches {tenants} tenants{guess}, and {most} are allowed"))
        .field("/targets")
        .setting(case.by_mode("max_tenants", "max_tenants_soft"))
        .help(help);
}

fn check_share(case: &Case<Settings>, inventory: &InventoryFacts, findings: &mut Findings) {
    let closure = inventory.closure();
    if closure.things < case.settings.share_from {
        return;
    }
    let most = case.settings.max_share;
    let kinds = closure.kinds.counts.iter().filter_map(|(kind, count)| {
        inventory.population().get(kind).map(|population| (format!("things of kind `{kind}`"), *count, *population))
    });
    let tenants = ("tenants".to_owned(), closure.tenants.distinct, inventory.population_tenants());
    let share = |count: u64, population: u64| count as f64 * 100.0 / population.max(1) as f64;
    for (what, count, population) in kinds.chain([tenants]) {
        if share(count, population) > most {
            findings
                .deny(
                    &TOO_LARGE_SHARE,
                    format!(
                        "{count} of {population} {what} would go: {:.1} %, and {most} % is allowed",
                        share(count, population)
                    ),
                )
                .field("/targets")
                .setting("max_share")
                .help("delete them in smaller batches, and look at what is left after each");
        }
    }
}

fn check_closure(case: &Case<Settings>, inventory: &InventoryFacts, findings: &mut Findings) {
    let closure = inventory.closure();
    if closure.unknown > 0 || closure.truncated {
        let message = if closure.truncated {
            "dependents were followed to the limit of depth without coming to an end".to_owned()
        } else {
            format!("it is not known what goes along with {} of {} things", closure.unknown, closure.things)
        };
        findings
            .deny_if(case.is_hard(), &CLOSURE_UNKNOWN, message)
            .field("/targets")
            .help("give their dependents in the inventory; write an empty list where there are none");
    }
    let (undeclared, most) = (closure.undeclared, case.settings.max_undeclared);
    if undeclared > most {
        let kinds: Vec<String> =
            closure.undeclared_kinds.counts.iter().map(|(kind, count)| format!("{count} `{kind}`")).collect();
        let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
        findings
            .deny(
                &UNDECLARED_DEPENDENTS,
                format!(
                    "{undeclared} things would go along that are not on the list{kinds}, for example `{}`",
                    closure.examples.join("`, `")
                ),
            )
            .field("/targets")
            .setting("max_undeclared")
            .help("put them on the list if they are meant to go, or detach them first");
    }
}

fn check_pool(case: &Case<Settings>, pool: &Pool, findings: &mut Findings) {
    let left = pool.members.saturating_sub(pool.removed);
    let floor = (pool.members as f64 * case.settings.capacity_floor / 100.0).ceil() as u64;
    let minimum = pool.minimum.unwrap_or(floor);
    if pool.removed > 0 && left < minimum {
        let stated = if pool.minimum.is_some() { "it needs" } else { "by default it keeps" };
        findings
            .deny(
                &CAPACITY_FLOOR,
                format!(
                    "pool `{}` would be left with {left} of {} members, and {stated} {minimum}",
                    pool.name, pool.members
                ),
            )
            .field("/targets")
            .setting("capacity_floor")
            .help(match pool.members.saturating_sub(minimum) {
                0 => "add members before taking any away".to_owned(),
                spare => format!("take away at most {spare}"),
            });
    }
}

policy!(BlastRadius);
