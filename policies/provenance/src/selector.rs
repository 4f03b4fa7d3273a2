//! Selectors, queries and ids that reach further than anyone means.

/// Why a selector has no bound, if it has none: a filter, a pattern or a path that the call expands by itself.
pub fn unbounded(selector: &str) -> Option<&'static str> {
    let text = selector.trim();
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    if bare.is_empty() {
        return Some("is empty, which many interfaces read as everything");
    }
    if bare.chars().all(|c| matches!(c, '*' | '%' | '.' | '?' | '/' | '^' | '$' | '(' | ')' | '+')) {
        return Some("matches everything");
    }
    if ["true", "all", "any", "1", "1=1", "'1'='1'", "1=1--", "{}", "[]", "null", "match_all", "0.0.0.0/0"]
        .contains(&bare.as_str())
    {
        return Some("matches everything");
    }
    if has_tautology(&bare) {
        return Some("has a condition that always holds");
    }
    if is_statement(text) && !has_condition(text) {
        return Some("is a statement without a condition");
    }
    path(text)
}

/// Why a query selects everything, if it does.
pub fn unconditional(query: &str) -> Option<&'static str> {
    if is_statement(query) && !has_condition(query) {
        return Some("has no condition");
    }
    let bare: String = query.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    has_tautology(&bare).then_some("has a condition that always holds")
}

/// Whether a query selects what another set does not hold.
pub fn is_complement(query: &str) -> bool {
    let words = words(query);
    let pair = |first, second| words.windows(2).any(|pair| pair[0] == first && pair[1] == second);
    words.iter().any(|word| ["except", "minus"].contains(&word.as_str()))
        || pair("not", "in")
        || pair("not", "exists")
        || (pair("left", "join") && pair("is", "null"))
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

fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect()
}

fn is_statement(text: &str) -> bool {
    let words = words(text);
    let verb = words.first().map(String::as_str).unwrap_or_default();
    match verb {
        "truncate" | "drop" => true,
        "delete" | "select" => words.iter().any(|word| word == "from"),
        _ => false,
    }
}

fn has_condition(text: &str) -> bool {
    let words = words(text);
    !matches!(words.first().map(String::as_str), Some("truncate" | "drop"))
        && ["where", "having", "join", "using"].iter().any(|clause| words.iter().any(|word| word == clause))
}

/// Whether text without white space holds a comparison of a literal with itself, alone or behind `or` or `where`.
fn has_tautology(bare: &str) -> bool {
    ["1=1", "'1'='1'", "''=''", "true", "not(false)"].iter().any(|always| {
        ["where", "or"].iter().any(|before| {
            let text = format!("{before}{always}");
            bare.ends_with(&text)
                || bare.contains(&format!("{text};"))
                || bare.contains(&format!("{text})"))
                || bare.contains(&format!("{text}--"))
        })
    })
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
        ] {
            assert_eq!(unbounded(selector), None, "`{selector}`");
        }
    }

    #[test]
    fn queries_are_read_for_their_condition() {
        assert!(unconditional("SELECT id FROM apps").is_some());
        assert_eq!(unconditional("SELECT id FROM apps WHERE retired"), None);
        assert_eq!(unconditional("gcloud images list --filter=retired"), None);
        for query in [
            "select id from images where id not in (select id from catalogue)",
            "a EXCEPT b",
            "select a.id from a left join b on a.id = b.id where b.id is null",
        ] {
            assert!(is_complement(query), "{query}");
        }
        assert!(!is_complement("select id from images where retired and not in_use"));
    }
}
