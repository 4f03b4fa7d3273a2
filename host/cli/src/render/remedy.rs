//! What adds something that is missing: the one command, or the field to set.

use reprieve::model::Finding;

/// Where evidence belongs in a request, and the command that adds it.
const COMMANDS: [(&str, &str); 5] = [
    ("/dry_run", "reprieve attest dry-run REQUEST"),
    ("/approvals", "reprieve approve REQUEST --key NAME.key"),
    ("/recovery/checkpoints", "reprieve attest backup REQUEST …"),
    ("/recovery/restore", "reprieve attest restore REQUEST …"),
    ("/notice", "reprieve attest notice REQUEST …"),
];

/// Returns what adds everything that findings of one code miss.
pub fn remedy(findings: &[&Finding], request: &str) -> Vec<String> {
    let mut remedies: Vec<String> = Vec::new();
    let mut fields: Vec<String> = Vec::new();
    for finding in findings {
        match finding.field.as_deref() {
            Some(field) if !["/targets", "/campaign"].contains(&field) => {
                match COMMANDS.iter().find(|(of, _)| is_below(field, of)) {
                    Some((_, command)) => push(&mut remedies, command.replace("REQUEST", request)),
                    None => push(&mut fields, format!("`{}`", field.trim_start_matches('/').replace('/', "."))),
                }
            }
            _ => push(&mut remedies, finding.help.clone()),
        }
    }
    if !fields.is_empty() {
        remedies.insert(0, format!("set {}", fields.join(", ")));
    }
    remedies
}

fn is_below(field: &str, parent: &str) -> bool {
    field.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn push(items: &mut Vec<String>, item: String) {
    if !items.contains(&item) {
        items.push(item);
    }
}
