//! Commands that are plain enough to be read word for word: no variable, no substitution, no redirection. Only of those can
//! the hook say that they are harmless, or what exactly they delete.

use super::words::base;

/// Programs that only print, whatever their arguments are.
const READERS: &[&str] = &[
    "basename",
    "cat",
    "cut",
    "date",
    "df",
    "diff",
    "dirname",
    "du",
    "echo",
    "egrep",
    "false",
    "fgrep",
    "file",
    "grep",
    "head",
    "hostname",
    "id",
    "jq",
    "ls",
    "nl",
    "printf",
    "ps",
    "pwd",
    "readlink",
    "realpath",
    "sha256sum",
    "stat",
    "tail",
    "test",
    "true",
    "uname",
    "wc",
    "which",
    "whoami",
];

/// Cuts a text into simple commands of plain words. `None`: something in it has to be run to know what it is.
pub fn commands(text: &str) -> Option<Vec<Vec<String>>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut chars = text.trim().chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '$' | '`' | '\\' | '!' => return None,
                        c => word.push(c),
                    }
                }
            }
            ' ' | '\t' => commands.last_mut()?.extend(word.take()),
            '|' | '&' | ';' => {
                if c == '&' && chars.next() != Some('&') {
                    return None;
                }
                if c == '|' && chars.peek() == Some(&'|') {
                    chars.next();
                }
                commands.last_mut()?.extend(word.take());
                if commands.last()?.is_empty() {
                    return None;
                }
                commands.push(Vec::new());
            }
            c if c.is_ascii_alphanumeric()
                || "-_./:=@%+,{}".contains(c)
                || (!c.is_ascii() && c.is_alphanumeric()) =>
            {
                word.get_or_insert_default().push(c);
            }
            _ => return None,
        }
    }
    commands.last_mut()?.extend(word.take());
    // `{a,b}` is two words, and `{}` is one.
    let is_plain = |word: &String| !word.contains(['{', '}']) || word.contains("{}") && !word.contains(',');
    let is_whole = commands.iter().all(|command| !command.is_empty()) && commands.iter().flatten().all(is_plain);
    is_whole.then_some(commands)
}

/// Commands of git that print, or that record what is there. Their arguments are names and texts.
const OF_GIT: &[&str] = &["add", "commit", "diff", "log", "show", "status"];

/// Whether commands only print, or record in git.
pub fn are_harmless(commands: &[Vec<String>]) -> bool {
    commands.iter().all(|command| {
        let [program, rest @ ..] = command.as_slice() else { return false };
        let is_of_system =
            !program.contains('/') || ["/bin/", "/usr/bin/"].iter().any(|folder| program.starts_with(folder));
        let is_reader = READERS.contains(&base(program));
        let is_git = base(program) == "git" && rest.first().is_some_and(|verb| OF_GIT.contains(&verb.as_str()));
        is_of_system && (is_reader || is_git)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_plain_commands_only() {
        let words = |text: &str| {
            commands(text).map(|commands| commands.into_iter().map(|words| words.join("_")).collect::<Vec<_>>())
        };
        assert_eq!(words("psql -c 'DELETE FROM t;' \"a b\"").unwrap(), ["psql_-c_DELETE FROM t;_a b"]);
        assert_eq!(words("a b | c && d; e").unwrap(), ["a_b", "c", "d", "e"]);
        for text in [
            "", "a $x", "a `b`", "a > b", "a < b", "a & b", "a &", "a;", "(a)", "a \"$x\"", "a 'b", "a*", "a ?",
            "a ~", "a\nb", "a \\b", "a #b", "{a,b}", "a {b,c}", "a [b]", "a !b", "a ;; b",
        ] {
            assert_eq!(words(text), None, "{text}");
        }
        assert_eq!(words("reprieve run r.json -- del {}").unwrap(), ["reprieve_run_r.json_--_del_{}"]);
    }

    #[test]
    fn readers_only_print() {
        let reads = |text: &str| commands(text).is_some_and(|commands| are_harmless(&commands));
        assert!(reads("git add -A && git commit -m 'make delete red, and terraform destroy'"));
        assert!(!reads("git -c core.pager=x log") && !reads("git push --force"));
        assert!(reads("ls -la") && reads("grep -rn 'rm -rf' . | head -5") && reads("/bin/cat x"));
        assert!(!reads("cat x | sh") && !reads("./ls") && !reads("find . -delete") && !reads("env rm"));
    }
}
