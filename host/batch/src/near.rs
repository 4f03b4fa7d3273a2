//! Names of columns that look like those of known ones. Other columns are left alone, but a misspelled one is an error: a
//! column `tennant` must not be read as "no tenant is known".

use strsim::osa_distance;

/// The maximum length of a name that is compared, in bytes. No known name is that long.
const MAX_NAME_BYTES: usize = 64;

/// Returns the known name that another one looks like: but for case and punctuation, or for one letter in a short name
/// and two in a long one. A name of two letters is compared without a wrong letter, because `uid` is a name of its own.
pub(crate) fn looks_like<'a>(name: &str, mut known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > MAX_NAME_BYTES {
        return None;
    }
    let name = letters(name);
    known.find(|known| {
        let known = letters(known);
        let allowed = match known.len() {
            ..3 => 0,
            3..7 => 1,
            _ => 2,
        };
        name == known || (allowed > 0 && osa_distance(&name, &known) <= allowed)
    })
}

/// Returns a name in lower case without punctuation and blanks.
fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_misspelled_names_and_leaves_others_alone() {
        let known = ["id", "kind", "tenant", "environment", "state", "created_at", "last_used_at", "size_bytes"];
        let like = |name| looks_like(name, known.into_iter());
        for (name, known) in [
            ("tennant", "tenant"),
            ("Tenant", "tenant"),
            (" tenant", "tenant"),
            ("kin", "kind"),
            ("kidn", "kind"),
            ("ID", "id"),
            ("_id", "id"),
            ("createdAt", "created_at"),
            ("last-used-at", "last_used_at"),
            ("SizeBytes", "size_bytes"),
            ("enviroment", "environment"),
            ("State", "state"),
        ] {
            assert_eq!(like(name), Some(known), "{name}");
        }
        for name in ["Size", "uid", "username", "domain", "updated_at", "status", "Key", "Bucket", "name", "", "tags"]
        {
            assert_eq!(like(name), None, "{name}");
        }
    }
}
