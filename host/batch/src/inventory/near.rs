//! Near misses: ids that the inventory does not know, but for another spelling.

use crate::text::canonical;
use hashbrown::HashMap;

/// Ids that are compared with every id of an inventory.
#[derive(Debug)]
pub(super) struct NearIds {
    canonical: Vec<String>,
    /// The known id of each canonical form.
    known: HashMap<String, Option<String>>,
}

impl NearIds {
    /// Begins to compare these ids.
    pub fn of(ids: &[&str]) -> Self {
        let canonical: Vec<String> = ids.iter().map(|id| canonical(id)).collect();
        let known = canonical.iter().filter(|form| !form.is_empty()).map(|form| (form.clone(), None)).collect();
        Self { canonical, known }
    }

    /// Compares them with an id of the inventory.
    pub fn compare(&mut self, id: &str) {
        if let Some(known) = self.known.get_mut(canonical(id).as_str())
            && known.as_deref().is_none_or(|known| id < known)
        {
            *known = Some(id.to_owned());
        }
    }

    /// Returns the known id of each id.
    pub fn finish(self) -> Vec<Option<String>> {
        self.canonical.iter().map(|form| self.known.get(form).cloned().flatten()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_id_that_is_the_same_in_another_spelling() {
        let mut near = NearIds::of(&["BOB", "alice ", "carol", "", "d\u{430}ve"]);
        ["bob", "Bob", "Alice", "dave", "", "carols"].iter().for_each(|id| near.compare(id));
        let found = near.finish();
        assert_eq!(found, [Some("Bob".to_owned()), Some("Alice".to_owned()), None, None, None]);
    }
}
