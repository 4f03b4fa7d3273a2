//! Near misses: ids that the inventory does not know, but for another spelling.

use crate::text::canonical;
use hashbrown::{HashMap, HashSet};

/// Ids that are compared with every id of an inventory.
#[derive(Debug)]
pub(super) struct NearIds {
    canonical: Vec<String>,
    /// The canonical forms that may be found.
    forms: HashSet<String>,
}

/// The known id of each canonical form that was found.
pub(super) type KnownIds<'a> = HashMap<&'a str, String>;

impl NearIds {
    /// Begins to compare these ids.
    pub fn of(ids: &[&str]) -> Self {
        let canonical: Vec<String> = ids.iter().map(|id| canonical(id)).collect();
        let forms = canonical.iter().filter(|form| !form.is_empty()).cloned().collect();
        Self { canonical, forms }
    }

    /// Compares them with an id of the inventory.
    pub fn compare<'a>(&'a self, id: &str, known: &mut KnownIds<'a>) {
        if let Some(form) = self.forms.get(canonical(id).as_str()) {
            self.add(form, id, known);
        }
    }

    /// Keeps the first id in alphabetical order.
    fn add<'a>(&'a self, form: &'a str, id: &str, known: &mut KnownIds<'a>) {
        if known.get(form).is_none_or(|known| id < known.as_str()) {
            known.insert(form, id.to_owned());
        }
    }

    /// Adds what was found among other ids.
    pub fn merge<'a>(&'a self, found: KnownIds<'a>, known: &mut KnownIds<'a>) {
        found.into_iter().for_each(|(form, id)| self.add(form, &id, known));
    }

    /// Returns the known id of each id.
    pub fn finish(&self, known: &KnownIds<'_>) -> Vec<Option<String>> {
        self.canonical.iter().map(|form| known.get(form.as_str()).cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_id_that_is_the_same_in_another_spelling() {
        let near = NearIds::of(&["BOB", "alice ", "carol", "", "d\u{430}ve"]);
        let (mut known, mut later) = (HashMap::new(), HashMap::new());
        ["bob", "Alice", "dave"].iter().for_each(|id| near.compare(id, &mut known));
        ["Bob", "", "carols"].iter().for_each(|id| near.compare(id, &mut later));
        near.merge(later, &mut known);
        let found = near.finish(&known);
        assert_eq!(found, [Some("Bob".to_owned()), Some("Alice".to_owned()), None, None, None]);
    }
}
