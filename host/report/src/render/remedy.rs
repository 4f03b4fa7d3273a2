//! What adds something that is missing: the one command, or the field to set.

use reprieve::model::Finding;

/// The file of a request, as it was submitted.
#[derive(Clone, Debug)]
pub struct RequestFile {
    /// Its name.
    pub name: String,
    /// The command that writes a request, if the file is of another tool.
    pub made_by: Option<String>,
}

/// Where `made_by` writes the request.
const MADE: &str = "FOLDER/request.json";

impl RequestFile {
    /// The file of a request.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), made_by: None }
    }

    /// A file of another tool, of this format.
    pub fn of_tool(name: String, format: &str) -> Self {
        let made_by = Some(format!("reprieve read {format} {name} --out FOLDER"));
        Self { name, made_by }
    }

    /// The request that commands add evidence to.
    fn in_commands(&self) -> &str {
        match (&self.made_by, self.name.as_str()) {
            (Some(_), _) => MADE,
            (None, "-") => "REQUEST",
            (None, name) => name,
        }
    }

    /// What comes before every command of a checklist, if anything does.
    pub fn first(&self) -> Option<String> {
        self.made_by.as_ref().map(|command| format!("{command}; then {MADE} is the request"))
    }
}

/// Where evidence belongs in a request, and the command that adds it.
const COMMANDS: [(&str, &str); 6] = [
    ("/dry_run/token", "reprieve attest dry-run REQUEST --key NAME.key"),
    ("/dry_run", "reprieve attest dry-run REQUEST"),
    ("/approvals", "reprieve approve REQUEST --key NAME.key"),
    ("/recovery/checkpoints", "reprieve attest backup REQUEST …"),
    ("/recovery/restore", "reprieve attest restore REQUEST …"),
    ("/notice", "reprieve attest notice REQUEST …"),
];

/// Returns what adds everything that findings of one code miss.
pub fn remedy(findings: &[&Finding], request: &RequestFile) -> Vec<String> {
    let mut remedies: Vec<String> = Vec::new();
    let mut fields: Vec<String> = Vec::new();
    for finding in findings {
        match finding.field.as_deref() {
            Some(field) if !["/targets", "/campaign"].contains(&field) => {
                match COMMANDS.iter().find(|(of, _)| is_below(field, of)) {
                    Some((_, command)) => push(&mut remedies, command.replace("REQUEST", request.in_commands())),
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
