//! Who drafts a request: a person at a terminal, or a run of continuous integration, which says so in its environment.

use std::io::IsTerminal;
use std::process::{Command, Stdio};

/// Who drafts a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The system of continuous integration.
    pub system: Option<&'static str>,
    /// Its run, by a name that is unique within it.
    pub run: Option<String>,
    /// The person who started it.
    pub person: Option<String>,
}

/// How a system of continuous integration says what runs: the variable that it always sets, those that name the run, and
/// those that name the person. The first that is set counts.
struct System {
    name: &'static str,
    marker: &'static str,
    run: &'static [&'static str],
    person: &'static [&'static str],
}

const SYSTEMS: [System; 4] = [
    System {
        name: "atlantis",
        marker: "ATLANTIS_TERRAFORM_VERSION",
        run: &["BASE_REPO_OWNER", "BASE_REPO_NAME", "PULL_NUM", "HEAD_COMMIT"],
        person: &["USER_NAME", "PULL_AUTHOR"],
    },
    System {
        name: "github-actions",
        marker: "GITHUB_ACTIONS",
        run: &["GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"],
        person: &["GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"],
    },
    System {
        name: "gitlab-ci",
        marker: "GITLAB_CI",
        run: &["CI_PROJECT_PATH", "CI_PIPELINE_ID", "CI_JOB_ID"],
        person: &["GITLAB_USER_LOGIN"],
    },
    System {
        name: "jenkins",
        marker: "JENKINS_URL",
        run: &["JOB_NAME", "BUILD_NUMBER"],
        person: &["BUILD_USER_ID", "CHANGE_AUTHOR"],
    },
];

impl Origin {
    /// Finds out who drafts.
    pub fn find() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        Self::in_environment(variable).unwrap_or_else(|| Self { person: git_user(), ..Self::default() })
    }

    fn in_environment(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let system = SYSTEMS.iter().find(|system| variable(system.marker).is_some())?;
        let run: Vec<String> = system.run.iter().filter_map(|name| variable(name)).collect();
        Some(Self {
            system: Some(system.name),
            run: (run.len() > 1).then(|| run.join("/")),
            person: system.person.iter().find_map(|name| variable(name)),
        })
    }

    /// The type of the actor. A program at no terminal may be anything.
    pub fn actor_type(&self) -> Option<&'static str> {
        match self.system {
            Some(_) => Some("automation"),
            None => (std::io::stdin().is_terminal() && self.person.is_some()).then_some("human"),
        }
    }
}

/// The person that git names as the author of commits in this folder.
fn git_user() -> Option<String> {
    let mut git = Command::new("git");
    let output = git.args(["config", "user.email"]).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let user = String::from_utf8(output.stdout).ok()?;
    Some(user.trim().to_owned()).filter(|user| !user.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continuous_integration_says_what_runs() {
        let of = |variables: &[(&str, &str)]| {
            let found = |name: &str| variables.iter().find(|(other, _)| *other == name);
            Origin::in_environment(|name| found(name).map(|(_, value)| (*value).to_owned()))
        };
        let github = of(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_REPOSITORY", "acme/apps"),
            ("GITHUB_RUN_ID", "17"),
            ("GITHUB_RUN_ATTEMPT", "2"),
            ("GITHUB_ACTOR", "carol"),
        ]);
        let (run, person) = (Some("acme/apps/17/2".to_owned()), Some("carol".to_owned()));
        assert_eq!(github, Some(Origin { system: Some("github-actions"), run, person }));
        let gitlab = of(&[("GITLAB_CI", "true"), ("CI_PROJECT_PATH", "acme/apps"), ("CI_JOB_ID", "5")]);
        let run = Some("acme/apps/5".to_owned());
        assert_eq!(gitlab, Some(Origin { system: Some("gitlab-ci"), run, person: None }));
        assert_eq!(of(&[("GITHUB_REPOSITORY", "acme/apps")]), None);
    }
}
