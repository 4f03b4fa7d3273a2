//! The words of a command text. Nothing here parses a shell: a text is cut into words in several ways, and a word that shows
//! in any of them counts. So quotes, escapes, variables and blanks that are none hide no word.

use std::collections::BTreeSet;

/// The maximum length of a text that is looked at, in bytes.
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// The words of one simple command, as far as separators show it: in lower case, with the program first.
pub type Segment = Vec<String>;

/// A text, cut into words in several ways.
#[derive(Debug)]
pub struct Words {
    /// The segments of each way.
    pub views: Vec<Vec<Segment>>,
    /// Whether a part of the text is made when it runs: a variable, a substitution, or a program that runs what it reads.
    pub is_indirect: bool,
    /// Whether it decodes something and runs it.
    pub runs_decoded: bool,
    /// Whether a program is named by a variable or a substitution, or a text is run as a command.
    is_hidden: bool,
    /// The words that a variable or a substitution follows, without quotes or with them.
    before_variables: BTreeSet<(String, bool)>,
}

/// Programs that run the text or the names that they read.
const RUNNERS: &[&str] =
    &["eval", "source", "xargs", "parallel", "base64", "printf", "env", "alias", "find", "fd", "watch", "ssh"];
const DECODERS: &[&str] =
    &["base32", "base64", "basenc", "openssl", "rev", "uudecode", "xxd", "gunzip", "zcat", "tr"];
/// Programs that run a text.
pub const INTERPRETERS: &[&str] = &[
    "bash",
    "dash",
    "deno",
    "eval",
    "fish",
    "ksh",
    "node",
    "osascript",
    "perl",
    "php",
    "pwsh",
    "powershell",
    "python*",
    "ruby",
    "sh",
    "zsh",
];

impl Words {
    /// Cuts a text.
    pub fn of(text: &str) -> Self {
        let text = text.replace("\\\r\n", "").replace("\\\n", "").to_lowercase();
        let text = text.replace("${ifs}", " ").replace("$ifs", " ").replace("$()", "").replace("``", "");
        let mut texts = vec![text.clone()];
        let decoded = unescaped(&text);
        if decoded != text {
            texts.push(decoded);
        }
        let mut views = BTreeSet::new();
        for text in &texts {
            for quotes in [Marks::Removed, Marks::Blank] {
                for expansions in [Marks::Removed, Marks::Blank] {
                    views.insert(segments(&bare(text, quotes, expansions)));
                }
            }
        }
        let views: Vec<Vec<Segment>> = views.into_iter().collect();
        let programs = |names: &[&str]| views.iter().flatten().flatten().any(|word| names.contains(&base(word)));
        let has_expansion = text.contains('`')
            || text.contains("<(")
            || text
                .match_indices('$')
                .any(|(at, _)| text[at + 1..].starts_with(|c: char| c.is_alphanumeric() || "_{(@*'\"".contains(c)));
        let runs = views.iter().flatten().flatten().any(|word| is_interpreter(base(word)));
        let (before_variables, is_program) = variables(&text);
        Self {
            is_indirect: has_expansion || programs(RUNNERS),
            runs_decoded: (programs(DECODERS) || texts.len() > 1) && runs,
            is_hidden: is_program || programs(&["eval"]),
            before_variables,
            views,
        }
    }

    /// Whether it cannot be seen which program is run.
    pub const fn is_hidden(&self) -> bool {
        self.is_hidden || self.runs_decoded
    }

    /// Whether a variable or a substitution follows a program: without quotes, or in any form.
    pub fn hides_after(&self, program: &str, in_any_form: bool) -> bool {
        let is = |quoted| self.before_variables.contains(&(program.to_owned(), quoted));
        is(false) || in_any_form && is(true)
    }

    /// Every word of every way, with whether it is where a program is named.
    pub fn all(&self) -> impl Iterator<Item = (bool, &str)> {
        self.views.iter().flatten().flat_map(|segment| {
            let program = position(segment);
            segment.iter().enumerate().map(move |(i, word)| (i == program, word.as_str()))
        })
    }
}

/// Returns the words that variables and substitutions follow, with whether they are quoted, and whether one of them is where
/// a program is named.
fn variables(text: &str) -> (BTreeSet<(String, bool)>, bool) {
    let (mut before, mut is_program) = (BTreeSet::new(), false);
    for (at, c) in text.char_indices().filter(|(_, c)| matches!(c, '$' | '`')) {
        let after = text[at + 1..].chars().next().unwrap_or(' ');
        if c == '$' && !(after.is_alphanumeric() || "_{(@*".contains(after)) {
            continue;
        }
        let unquoted = text[..at].trim_end_matches('"');
        let is_quoted = unquoted.len() < at;
        let ahead = unquoted.trim_end_matches([' ', '\t']);
        let word = ahead.rsplit(|c: char| c.is_whitespace() || ";&|()`\"'{}".contains(c)).next().unwrap_or_default();
        if word.is_empty() || WRAPPERS.contains(&base(word)) || word.contains('=') && ahead.len() < unquoted.len() {
            // After an assignment with a value, or at the beginning of a command. `$(` at its end closes nothing.
            is_program |= !ahead.ends_with(['"', '\'']) || word.is_empty();
        } else if ahead.len() < unquoted.len() {
            before.insert((base(word).to_owned(), is_quoted));
        }
    }
    (before, is_program)
}

/// What becomes of a mark.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Marks {
    Removed,
    Blank,
}

/// The text without quotes, backslashes and expansions.
fn bare(text: &str, quotes: Marks, expansions: Marks) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        match c {
            '"' | '\'' | '\\' | '`' if quotes == Marks::Removed => rest = after,
            '$' if expansions == Marks::Removed => rest = after_expansion(after),
            '[' | ']' if quotes == Marks::Removed => rest = after,
            '=' => {
                out.push_str(" = ");
                rest = after;
            }
            '"' | '\'' | '\\' | '`' | '[' | ']' | '$' | '{' | '}' | '(' | ')' | ',' => {
                out.push(' ');
                rest = after;
            }
            // `${x:-word}`: the word counts.
            ':' if after.starts_with(['-', '=', '+', '?']) => {
                out.push(' ');
                rest = &after[1..];
            }
            '<' | '>' => {
                out.push(' ');
                out.push(c);
                if after.starts_with(c) {
                    out.push(c);
                }
                out.push(' ');
                rest = after.strip_prefix(c).unwrap_or(after);
            }
            c => {
                out.push(if c.is_whitespace() && c != '\n' { ' ' } else { c });
                rest = after;
            }
        }
    }
    out
}

/// What follows an expansion without a value: `$x`, `${x}`, `$@`. Of `$(` and `${x:-word}` what is in it remains.
fn after_expansion(after: &str) -> &str {
    if let Some(inner) = after.strip_prefix('{') {
        return match inner.find('}') {
            Some(end) if inner[..end].chars().all(|c| c.is_alphanumeric() || "_@*#!".contains(c)) => {
                &inner[end + 1..]
            }
            _ => after,
        };
    }
    let name = after.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(after.len());
    if name > 0 {
        // `$1rm` is `$1` and `rm`.
        return if after.starts_with(|c: char| c.is_ascii_digit()) { &after[1..] } else { &after[name..] };
    }
    after.strip_prefix(['@', '*', '#', '!', '-', '?', '$']).unwrap_or(after)
}

/// The text with `\x72`, `\162` and `\u0072` as the characters they stand for.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let digits = |from: usize, max: usize, radix: u32| {
            let digits = after.get(from..).unwrap_or_default();
            let length = digits.chars().take(max).take_while(|c| c.is_digit(radix)).count();
            let value = u32::from_str_radix(&digits[..length], radix).ok().and_then(char::from_u32);
            value.map(|c| (c, from + length))
        };
        let escaped = match after.chars().next() {
            Some('x') => digits(1, 2, 16),
            Some('u') => digits(1, 8, 16),
            Some('0'..='7') => digits(0, if after.starts_with('0') { 4 } else { 3 }, 8),
            Some('n') => Some(('\n', 1)),
            Some('t') => Some((' ', 1)),
            _ => None,
        };
        match escaped {
            Some((c, length)) => {
                out.extend(c.to_lowercase());
                rest = &after[length..];
            }
            None => {
                out.push('\\');
                // A backslash that is escaped escapes nothing.
                let skipped = after.starts_with('\\');
                if skipped {
                    out.push('\\');
                }
                rest = if skipped { &after[1..] } else { after };
            }
        }
    }
    out.push_str(rest);
    out
}

fn segments(text: &str) -> Vec<Segment> {
    let segments = text.split([';', '&', '|', '\n']).map(|segment| {
        let words = segment.split(' ').map(|word| word.trim_start_matches(['!', '@', '%', '+', '#']));
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect::<Segment>()
    });
    segments.filter(|segment| !segment.is_empty()).collect()
}

/// The name of a program without its folder.
pub fn base(word: &str) -> &str {
    let name = word.trim_end_matches('/').rsplit('/').next().unwrap_or(word);
    name.strip_suffix(".exe").unwrap_or(name)
}

/// Whether a program runs a text that it is given.
pub fn is_interpreter(name: &str) -> bool {
    INTERPRETERS.iter().any(|pattern| is_like(name, pattern))
}

/// Programs that run another one.
const WRAPPERS: &[&str] = &[
    "-c", "builtin", "busybox", "command", "do", "doas", "else", "env", "exec", "if", "ionice", "nice", "nohup",
    "npx", "setsid", "stdbuf", "sudo", "then", "time", "timeout", "toybox", "until", "while", "xargs",
];

/// Where a segment names its program, after assignments, wrappers, their options and interpreters.
pub fn position(segment: &[String]) -> usize {
    let is_before = |word: &str| {
        let name = base(word);
        let is_duration = name.trim_end_matches(['s', 'm', 'h', 'd']).chars().all(|c| c.is_ascii_digit() || c == '.');
        WRAPPERS.contains(&name) || is_interpreter(name) || name.starts_with('-') || is_duration
    };
    let mut at = 0;
    loop {
        match &segment[at..] {
            [_, equals, _, ..] if equals == "=" => at += 3,
            [word, ..] if is_before(word) => at += 1,
            _ => return at,
        }
    }
}

/// Whether a name is like a pattern with `*` and `?`.
pub fn is_like(name: &str, pattern: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return name == pattern;
    }
    // Most names differ before the first mark.
    let literal = pattern.split(['*', '?']).next().unwrap_or_default();
    if !name.starts_with(literal) {
        return false;
    }
    let (name, pattern): (Vec<char>, Vec<char>) = (name.chars().collect(), pattern.chars().collect());
    let (mut at, mut of, mut star) = (0, 0, None);
    while at < name.len() {
        match pattern.get(of) {
            Some('*') => {
                star = Some((of, at));
                of += 1;
            }
            Some(&c) if c == '?' || c == name[at] => {
                at += 1;
                of += 1;
            }
            _ => match star {
                Some((back, from)) => {
                    star = Some((back, from + 1));
                    at = from + 1;
                    of = back + 1;
                }
                None => return false,
            },
        }
    }
    pattern[of..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(text: &str, words: &[&str]) -> bool {
        Words::of(text).views.iter().flatten().any(|segment| {
            let mut rest = segment.iter();
            words.iter().all(|word| rest.any(|other| base(other) == *word))
        })
    }

    #[test]
    fn words_show_through_quotes_escapes_and_expansions() {
        for text in [
            "terraform destroy",
            "TERRAFORM  destroy",
            "/usr/bin/terraform destroy",
            "te''rra\"form\" 'des'troy",
            "t\\erraform des\\troy",
            "terraform \\\n destroy",
            "terr\\\naform destroy",
            "terraform${IFS}destroy",
            "ter''raform$IFS'destroy'",
            "terraform des${x}troy",
            "terra$()form destr``oy",
            "terraform $'\\x64estroy'",
            "$'\\164erraform' destroy",
            "{terraform,destroy}",
            "sh -c 'cd a && terraform destroy'",
            "[\"terraform\",\"destroy\"]",
            "${x:-terraform} destroy",
            "`terraform destroy`",
            "x=$(terraform destroy)",
            "terraform\tdestroy",
        ] {
            assert!(shows(text, &["terraform", "destroy"]), "{text}: {:?}", Words::of(text).views);
        }
        assert!(!shows("terraform plan; echo destroy", &["terraform", "destroy"]));
    }

    #[test]
    fn what_is_made_when_it_runs_is_indirect() {
        for text in ["$x y", "a `b`", "eval x", "a | xargs b", "echo $(a)", "a <(b)"] {
            assert!(Words::of(text).is_indirect, "{text}");
        }
        assert!(!Words::of("ls -la /tmp").is_indirect && !Words::of("echo 5$").is_indirect);
        assert!(Words::of("echo cm0= | base64 -d | sh").runs_decoded);
    }

    #[test]
    fn patterns_match_whole_names() {
        assert!(is_like("rm", "r?") && is_like("python3.11", "python*") && is_like("rm", "r*m"));
        assert!(!is_like("rmdir", "rm") && !is_like("rm", "rm?") && is_like("", "*"));
    }
}
