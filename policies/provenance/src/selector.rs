//! Finds selectors, queries and ids that reach further than intended.

use crate::condition::is_always_true;

/// The words of a selector or query, in lower context.
struct Words(Vec<String>);

impl Words {
    fn of(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
        Self(words.map(str::to_owned).collect())
    }

    fn has(&self, word: &str) -> bool {
        self.0.iter().any(|other| other == word)
    }

    fn has_pair(&self, first: &str, second: &str) -> bool {
        self.0.windows(2).any(|pair| pair == [first, second])
    }

    fn verb(&self) -> &str {
        self.0.first().map(String::as_str).unwrap_or_default()
    }

    /// Whether this is a statement that affects every row of its table.
    fn is_unconditional(&self) -> bool {
        match self.verb() {
            "truncate" | "drop" => self.0.len() > 1,
            "delete" | "select" if self.has("from") => {
                !["where", "having", "join", "using"].iter().any(|word| self.has(word))
            }
            _ => false,
        }
    }
}

/// Why a selector is unbounded, or `None` if it is bounded. A selector is a filter, a pattern or a path that the call
/// expands.
pub fn unbounded(selector: &str) -> Option<&'static str> {
    let text = selector.trim();
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bare = bare.to_ascii_lowercase();
    if bare.is_empty() {
        return Some("is empty, which many interfaces read as \"all\"");
    }
    let is_pattern = |byte: u8| matches!(byte, b'*' | b'%' | b'.' | b'?' | b'/' | b'^' | b'$' | b'(' | b')' | b'+');
    const ALL: [&str; 8] = ["all", "any", "1", "{}", "[]", "null", "match_all", "0.0.0.0/0"];
    if bare.bytes().all(is_pattern) || ALL.contains(&bare.as_str()) {
        return Some("matches everything");
    }
    if is_always_true(text) {
        return Some("has a condition that is always true");
    }
    if Words::of(text).is_unconditional() {
        return Some("is a statement without a condition");
    }
    path(text)
}

/// What is wrong with the query behind a list.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Why it selects everything, or `None` if it does not.
    pub unconditional: Option<&'static str>,
    /// Whether it selects what is not in another set.
    pub is_complement: bool,
}

/// Reads a query without knowing its language, so it finds only the common forms.
pub fn query(text: &str) -> Query {
    let words = Words::of(text);
    let unconditional = if words.is_unconditional() {
        Some("has no condition")
    } else {
        is_always_true(text).then_some("has a condition that is always true")
    };
    let is_complement = words.has("except")
        || words.has("minus")
        || words.has_pair("not", "in")
        || words.has_pair("not", "exists")
        || (words.has_pair("left", "join") && words.has_pair("is", "null"));
    Query { unconditional, is_complement }
}

/// Why a path or an id reaches too far, or `None` if it does not. Denied are a root, a top-level folder, a home
/// folder, an unset variable, two paths that a stray space separates, and a pattern.
pub fn path(text: &str) -> Option<&'static str> {
    if text.contains("${")
        || text.contains("$(")
        || (text.starts_with('$') && !text.contains(' '))
        || text.contains("/$")
        || text.contains("%%")
    {
        return Some("contains an unset variable");
    }
    if text == "*" || text == "%" || text.ends_with("/*") && depth(&text[..text.len() - 2]) <= 1 {
        return Some("is a pattern directly below a root");
    }
    if text.starts_with('/') && text.split_whitespace().skip(1).any(|word| word.starts_with('/')) {
        return Some("is more than one path, separated by a stray space");
    }
    if is_windows_root(text) {
        return Some("is at the root of a drive");
    }
    let rooted =
        text.starts_with('/') || text.starts_with('~') || text == "." || text == ".." || text.starts_with("../");
    if rooted && (text.starts_with('.') || depth(text) <= 1) {
        return Some("is a root, a top-level folder or a home folder");
    }
    None
}

/// The number of names below the root of a path: 0 for `/` and `~`, 1 for `/usr`.
fn depth(path: &str) -> usize {
    path.trim_start_matches('~').split('/').filter(|name| !name.is_empty() && *name != ".").count()
}

/// Whether a path is a drive or directly below one: `C:`, `C:\` and `C:\boot.ini`.
fn is_windows_root(text: &str) -> bool {
    let bytes = text.as_bytes();
    let drive = bytes.len() >= 2
        && bytes[0].is_ascii_alphabetic()
        && bytes[1] == b':'
        && matches!(bytes.get(2), None | Some(b'\\' | b'/'));
    drive && text[2..].split(['\\', '/']).filter(|name| !name.is_empty()).count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_unbounded_selectors() {
        for selector in [
            "",
            " ",
            "*",
            "%",
            ".*",
            "/",
            "//",
            "/*",
            "/usr",
            "/usr /lib/nvidia-current",
            "~",
            "~/",
            "/home/",
            ".",
            "..",
            "../..",
            "C:\\",
            "C:\\boot.ini",
            "c:/",
            "$TARGET/data",
            "${STEAMROOT}/",
            "/srv/$APP",
            "1=1",
            "true",
            "all",
            "{}",
            "TRUNCATE TABLE builds",
            "DELETE FROM users",
            "delete from users where 1 = 1",
            "select id from t where a = 2 or '1'='1'",
            "select id from t where 'a' = 'a'",
            "select id from t where (a = 2 or 17=17)",
            "DROP TABLE x",
        ] {
            assert!(unbounded(selector).is_some(), "`{selector}`");
        }
    }

    #[test]
    fn accepts_bounded_selectors() {
        for selector in [
            "env = 'test' and age > 30",
            "/srv/cache/2021",
            "/var/lib/app/tmp/*",
            "C:\\games\\eve\\boot.ini",
            "app-17",
            "delete from users where id in (1, 2)",
            "name like 'tmp-%'",
            "truncated-logs",
            "~/projects/old",
            "tag:retired",
            "cost < $5",
            "where active = 1 or id = 17",
            "select id from t where 1 = 11",
            "select id from t where 'a' = 'ab'",
            "select id from t where 1 = 1 and retired",
        ] {
            assert_eq!(unbounded(selector), None, "`{selector}`");
        }
    }

    #[test]
    fn finds_queries_without_a_condition_and_complements() {
        assert!(query("SELECT id FROM apps").unconditional.is_some());
        assert_eq!(query("SELECT id FROM apps WHERE retired"), Query::default());
        assert_eq!(query("gcloud images list --filter=retired"), Query::default());
        for complement in [
            "select id from images where id not in (select id from catalogue)",
            "a EXCEPT b",
            "select a.id from a left join b on a.id = b.id where b.id is null",
        ] {
            assert!(query(complement).is_complement, "{complement}");
        }
        assert!(!query("select id from images where retired and not in_use").is_complement);
    }
}
