//! Which environments are production: all but those that an operator names, however they are spelled.

use crate::text::{canonical, is_unknown, name_flaw};
use reprieve_model::{Claims, Facts, NOT_PRODUCTION, Tally};

/// The environments that are not production. Every other name is one of production, also one that is misspelt or unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environments {
    /// In canonical form.
    not_production: Vec<String>,
}

impl Default for Environments {
    /// `staging`, `test`, `development`, `sandbox`, `preview` and `local` are not production.
    fn default() -> Self {
        Self { not_production: NOT_PRODUCTION.map(str::to_owned).to_vec() }
    }
}

/// The name of production itself.
const PRODUCTION: [&str; 2] = ["production", "prod"];

impl Environments {
    /// Of these names of environments that are not production. They are compared by their [canonical](crate::normalize_name)
    /// form.
    ///
    /// # Errors
    /// A name that names nothing, looks like another, or is that of production.
    pub fn new(not_production: &[String]) -> Result<Self, String> {
        let read = |name: &String| match canonical(name) {
            form if is_unknown(&form) => Err(format!("`{name}` is not the name of an environment")),
            form if PRODUCTION.contains(&form.as_str()) => Err(format!("`{name}` is production")),
            form => name_flaw(name).map_or(Ok(form), |flaw| Err(format!("`{name}`: {flaw}"))),
        };
        Ok(Self { not_production: not_production.iter().map(read).collect::<Result<_, _>>()? })
    }

    /// Those that were known when these facts were made.
    pub fn of(facts: &Facts) -> Self {
        Self { not_production: facts.not_production.clone() }
    }

    /// Their names in canonical form.
    pub fn not_production(&self) -> &[String] {
        &self.not_production
    }

    /// Whether an environment counts as production.
    pub fn is_production(&self, environment: &str) -> bool {
        !self.not_production.contains(&canonical(environment))
    }

    /// Whether batches in two environments count together in what is limited over time: both are production, or they are in
    /// the same environment.
    pub fn count_together(&self, a: &str, b: &str) -> bool {
        (self.is_production(a) && self.is_production(b)) || canonical(a) == canonical(b)
    }

    /// States in the facts which environments are production, and whether any target may be in one: because the request,
    /// the list or the inventory says so, or because the inventory does not know.
    #[must_use]
    pub fn classify(&self, claims: &Claims, facts: Facts) -> Facts {
        let may_be = |tally: &Tally| tally.others > 0 || tally.counts.keys().any(|name| self.is_production(name));
        let resolved = facts.inventory.as_ref().map(|inventory| &inventory.environments);
        let production = self.is_production(&claims.environment)
            || may_be(&facts.environments)
            || resolved.is_none_or(|resolved| resolved.unknown > 0 || may_be(resolved));
        Facts { production, not_production: self.not_production.clone(), ..facts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Result<Environments, String> {
        Environments::new(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn every_other_environment_is_production() {
        let environments = of(&["prod-us-test", "QA"]).unwrap();
        for name in
            ["production", "prod-eu", "Production-US", "stagging", "staging", "", "qa2", "q a", "prod-us-tests"]
        {
            assert!(environments.is_production(name), "{name}");
        }
        for name in ["prod-us-test", " Prod-US-Test ", "qa", "ＱＡ", "q\u{200b}a"] {
            assert!(!environments.is_production(name), "{name}");
        }
        assert!(!Environments::default().is_production("Staging"));
        assert!(of(&[]).unwrap().is_production("staging"), "nothing is named");
    }

    #[test]
    fn production_counts_together_and_any_other_environment_by_itself() {
        let environments = Environments::default();
        for (a, b) in [("prod-eu", "Production-US"), ("stagging", "production"), ("Test", "test ")] {
            assert!(environments.count_together(a, b) && environments.count_together(b, a), "{a} {b}");
        }
        for (a, b) in [("test", "staging"), ("test", "production")] {
            assert!(!environments.count_together(a, b) && !environments.count_together(b, a), "{a} {b}");
        }
    }

    #[test]
    fn rejects_names_that_name_nothing_or_production() {
        for name in ["", " ", "NULL", "n/a", "Production", "PROD ", "te\u{441}t", "a\nb"] {
            assert!(of(&["test", name]).is_err(), "{name:?}");
        }
    }
}
