//! Selectors, queries and ids that reach further than anyone means.

/// A selector or query, taken apart: its words in lower case, and its text in lower case without white space.
struct Parts {
    words: Vec<String>,
    bare: String,
}

impl Parts {
    fn of(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
        Self {
            words: words.map(str::to_owned).collect(),
            bare: text.chars().filter(|c| !c.is_whitespace()).collect(),
        }
    }

    fn has(&self, word: &str) -> bool {
        self.words.iter().any(|other| other == word)
    }

    fn has_pair(&self, first: &str, second: &str) -> bool {
        self.words.windows(2).any(|pair| pair == [first, second])
    }

    fn verb(&self) -> &str {
        self.words.first().map(String::as_str).unwrap_or_default()
    }

    /// A statement that reaches every row of its table.
    fn is_unconditional(&self) -> bool {
        match self.verb() {
            "truncate" | "drop" => self.words.len() > 1,
            "delete" | "select" if self.has("from") => {
                !["where", "having", "join", "using"].iter().any(|word| self.has(word))
            }
            _ => false,
        }
    }

    /// What always holds, alone behind `where` or `or`: mostly a comparison of a literal with itself.
    fn has_tautology(&self) -> bool {
        const ALWAYS: [&str; 2] = ["true", "not(false)"];
        let equal = |rest: &str| {
            let literal = rest.get(..literal(rest)).filter(|literal| !literal.is_empty())?;
            Some(2 * literal.len() + 1).filter(|end| rest.get(literal.len()..*end) == Some(&format!("={literal}")))
        };
        let behind = |word: &str| {
            self.bare.match_indices(word).any(|(at, _)| {
                let rest = self.bare.get(at + word.len()..).unwrap_or_default();
                let always = ALWAYS.iter().find(|always| rest.starts_with(*always)).map(|always| always.len());
                let end = always.or_else(|| equal(rest));
                end.is_some_and(|end| matches!(rest.as_bytes().get(end), None | Some(b';' | b')' | b'-')))
            })
        };
        behind("where") || behind("or")
    }
}

/// The length of the number or the quoted text that something begins with; 0 if it is neither.
fn literal(text: &str) -> usize {
    match text.strip_prefix('\'') {
        Some(quoted) => quoted.find('\'').map_or(0, |end| end + 2),
        None => text.bytes().take_while(u8::is_ascii_digit).count(),
    }
}

/// Why a selector has no bound, if it has none: a filter, a pattern or a path that the call expands by itself.
pub fn unbounded(selector: &str) -> Option<&'static str> {
    let text = selector.trim();
    let parts = Parts::of(text);
    let bare = parts.bare.as_str();
    if bare.is_empty() {
        return Some("is empty, which many interfaces read as everything");
    }
    let is_pattern = |byte: u8| matches!(byte, b'*' | b'%' | b'.' | b'?' | b'/' | b'^' | b'$' | b'(' | b')' | b'+');
    const ALL: [&str; 11] =
        ["true", "all", "any", "1", "1=1", "'1'='1'", "{}", "[]", "null", "match_all", "0.0.0.0/0"];
    if bare.bytes().all(is_pattern) || ALL.contains(&bare) {
        return Some("matches everything");
    }
    if parts.has_tautology() {
        return Some("has a condition that always holds");
    }
    if parts.is_unconditional() {
        return Some("is a statement without a condition");
    }
    path(text)
}

/// What there is to say about the query behind a list.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Why it selects everything, if it does.
    pub unconditional: Option<&'static str>,
    /// Whether it selects what another set does not hold.
    pub is_complement: bool,
}

/// Reads a query, as far as can be done without knowing its language.
pub fn query(text: &str) -> Query {
    let parts = Parts::of(text);
    let unconditional = if parts.is_unconditional() {
        Some("has no condition")
    } else {
        parts.has_tautology().then_some("has a condition that always holds")
    };
    let is_complement = parts.has("except")
        || parts.has("minus")
        || parts.has_pair("not", "in")
        || parts.has_pair("not", "exists")
        || (parts.has_pair("left", "join") && parts.has_pair("is", "null"));
    Query { unconditional, is_complement }
}

/// Why a path or an id reaches too far, if it does: a root, a top-level folder, a home folder, a variable that was
/// not set, two paths where a space slipped in, a pattern.
pub fn path(text: &str) -> Option<&'static str> {
    if text.contains("${")
        || text.contains("$(")
        || (text.starts_with('$') && !text.contains(' '))
        || text.contains("/$")
        || text.contains("%%")
    {
        return Some("holds a variable that was not filled in");
    }
    if text == "*" || text == "%" || text.ends_with("/*") && depth(&text[..text.len() - 2]) <= 1 {
        return Some("is a pattern over a root");
    }
    if text.starts_with('/') && text.split_whitespace().skip(1).any(|word| word.starts_with('/')) {
        return Some("is more than one path: a space slipped in");
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

/// Names below the root of a path: 0 for `/` and `~`, 1 for `/usr`.
fn depth(path: &str) -> usize {
    path.trim_start_matches('~').split('/').filter(|name| !name.is_empty() && *name != ".").count()
}

/// `C:`, `C:\` and `C:\boot.ini`: at the root of a drive.
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
    fn what_has_no_bound_is_found() {
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
    fn what_has_a_bound_passes() {
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
    fn queries_are_read_for_their_condition() {
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
