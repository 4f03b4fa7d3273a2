//! How names that people write are compared: kinds by their words, states by their letters.
//!
//! Host and policies share these functions, so they have no Unicode tables: case is that of ASCII, and any other letter
//! equals only itself. What that leaves open (`is_ascii`) is for the caller to treat as unknown.

/// States of things that no longer serve anyone. They are compared by [`same_letters`].
pub const OUT_OF_USE: [&str; 4] = ["soft-deleted", "disabled", "decommissioning", "decommissioned"];

/// Whether a thing in this state no longer serves anyone.
pub fn is_out_of_use(state: &str) -> bool {
    OUT_OF_USE.iter().any(|listed| same_letters(listed, state))
}

/// Whether two names are the same apart from case and surrounding white space.
pub fn same_name(a: &str, b: &str) -> bool {
    a.trim().eq_ignore_ascii_case(b.trim())
}

/// Whether two names have the same letters and digits, whatever is between them: `soft_deleted` and `Soft Deleted`.
pub fn same_letters(a: &str, b: &str) -> bool {
    letters_of(a).eq(letters_of(b))
}

fn letters_of(text: &str) -> impl Iterator<Item = u8> {
    text.bytes().filter(|byte| !is_separator(*byte)).map(|byte| byte.to_ascii_lowercase())
}

/// Whether a kind is one of those that `name` names: its last words are the words of `name`, whatever the case, and the
/// last word may be a plural. `aws_rds_cluster`, `AWS::RDS::DBCluster` and `Clusters` are each a `cluster`, and
/// `clusterrole` is not.
///
/// Words end at everything that is not a letter or digit, where the case changes (`DBCluster`), and between letters and
/// digits. A version at the end (`cluster_v2`) is not a word.
pub fn same_kind(name: &str, kind: &str) -> bool {
    KindName::of(kind).is(&KindName::of(name))
}

/// The name of a kind, prepared to be compared with many others by [`same_kind`].
#[derive(Clone, Copy, Debug)]
pub struct KindName<'a> {
    /// What precedes the last word.
    rest: &'a [u8],
    /// The last word that is not a version.
    last: &'a [u8],
}

impl<'a> KindName<'a> {
    /// Prepares a name.
    pub fn of(name: &'a str) -> Self {
        let (rest, last) = last_word(without_version(name.as_bytes()));
        Self { rest, last }
    }

    /// Whether this kind is one of those that `name` names.
    pub fn is(&self, name: &Self) -> bool {
        if name.last.is_empty() || !same_last_word(name.last, self.last) {
            return false;
        }
        let (mut name, mut kind) = (name.rest, self.rest);
        loop {
            let (rest, word) = last_word(name);
            if word.is_empty() {
                return true;
            }
            let (other_rest, other) = last_word(kind);
            if !word.eq_ignore_ascii_case(other) {
                return false;
            }
            (name, kind) = (rest, other_rest);
        }
    }
}

/// Whether two last words are the same, or one is the plural of the other.
fn same_last_word(a: &[u8], b: &[u8]) -> bool {
    // Most words differ in the first letter. Only the plural of one of two letters may begin with another one.
    let first = |word: &[u8]| word.first().map(u8::to_ascii_lowercase);
    let may_be_same = first(a) == first(b) || a.len().min(b.len()) <= 2;
    may_be_same && (a.eq_ignore_ascii_case(b) || is_plural(a, b) || is_plural(b, a))
}

/// Removes `2`, `v2` or `_v2_1` from the end of a kind.
fn without_version(mut text: &[u8]) -> &[u8] {
    loop {
        let (rest, word) = last_word(text);
        if !word.first().is_some_and(u8::is_ascii_digit) {
            return text;
        }
        let (before, letter) = last_word(rest);
        text = if letter.eq_ignore_ascii_case(b"v") { before } else { rest };
    }
}

/// Splits the last word from a text. The word is empty if the text has no word.
fn last_word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().rposition(|byte| !is_separator(*byte)).map_or(0, |at| at + 1);
    let text = text.split_at(end).0;
    let start = (1..end).rev().find(|at| begins_word(text, *at)).unwrap_or(0);
    text.split_at(start)
}

/// Whether a word begins at an index after the first.
fn begins_word(text: &[u8], at: usize) -> bool {
    let byte = |at: usize| text.get(at).copied().unwrap_or(b' ');
    let (before, here, next) = (byte(at - 1), byte(at), byte(at + 1));
    if is_separator(before) || is_separator(here) || before.is_ascii_digit() != here.is_ascii_digit() {
        return true;
    }
    // In `DBCluster` the last capital begins a word; in `DBs` it does not.
    let is_plural_of_capitals = next == b's' && !byte(at + 2).is_ascii_lowercase();
    let ends_capitals = before.is_ascii_uppercase() && next.is_ascii_lowercase() && !is_plural_of_capitals;
    here.is_ascii_uppercase() && (ends_capitals || !before.is_ascii_uppercase())
}

const fn is_separator(byte: u8) -> bool {
    byte.is_ascii() && !byte.is_ascii_alphanumeric()
}

/// Whether `plural` is a plural of `word`.
fn is_plural(plural: &[u8], word: &[u8]) -> bool {
    const ENDINGS: [(&str, &str); 5] = [("", "s"), ("", "es"), ("y", "ies"), ("ex", "ices"), ("ix", "ices")];
    !word.is_empty()
        && ENDINGS.iter().any(|(one, many)| match (stem(word, one), stem(plural, many)) {
            (Some(one), Some(many)) => one.eq_ignore_ascii_case(many),
            _ => false,
        })
}

/// Removes an ending from a word that has it.
fn stem<'a>(word: &'a [u8], ending: &str) -> Option<&'a [u8]> {
    let (stem, end) = word.split_at(word.len().checked_sub(ending.len())?);
    end.eq_ignore_ascii_case(ending.as_bytes()).then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_what_its_last_words_say() {
        for kind in [
            "cluster",
            "Clusters",
            " CLUSTER ",
            "aws_rds_cluster",
            "AWS::RDS::DBCluster",
            "rds.DBClusters",
            "db cluster",
            "RDSCluster2",
            "cluster_v2",
            "ClusterV2",
            "apps/v1/Cluster",
            "k8s-cluster",
            "EKS3Cluster",
            "eks3cluster",
        ] {
            assert!(same_kind("cluster", kind), "{kind}");
        }
        for kind in
            ["clusterrole", "ClusterRole", "cluster-role-binding", "subcluster", "cl\u{fc}ster", "", "2", "v2"]
        {
            assert!(!same_kind("cluster", kind), "{kind}");
        }
    }

    #[test]
    fn several_words_are_compared_from_the_last() {
        for kind in ["google_sql_database_instance", "DatabaseInstances", "database-instance"] {
            assert!(same_kind("database instance", kind), "{kind}");
        }
        assert!(!same_kind("database instance", "instance"));
        assert!(!same_kind("database instance", "databases_instance"), "only the last word may be a plural");
        assert!(same_kind("DB instance", "aws_db_instance") && same_kind("db", "DBs") && same_kind("db", "MyDB"));
    }

    #[test]
    fn the_last_word_may_be_a_plural_on_either_side() {
        for (one, many) in [
            ("bucket", "Buckets"),
            ("address", "addresses"),
            ("registry", "Registries"),
            ("index", "indices"),
            ("alias", "aliases"),
            ("database", "databases"),
        ] {
            assert!(same_kind(one, many) && same_kind(many, one), "{one} {many}");
        }
        assert!(!same_kind("site", "sitemap") && !same_kind("site", "sit"));
    }

    #[test]
    fn a_name_without_words_names_nothing() {
        for name in ["", " ", "::", "_", "2", "v2"] {
            assert!(!same_kind(name, "site") && !same_kind(name, name), "`{name}`");
        }
    }

    #[test]
    fn states_are_compared_by_their_letters() {
        for state in
            ["soft-deleted", "soft_deleted", "SoftDeleted", " SOFT DELETED ", "Decommissioned", "de-commissioning"]
        {
            assert!(is_out_of_use(state), "{state}");
        }
        for state in ["live", "enabled", "staged", "", "not soft-deleted", "d\u{456}sabled"] {
            assert!(!is_out_of_use(state), "{state}");
        }
    }
}
