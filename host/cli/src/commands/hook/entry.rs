//! An entry of the table: programs, and the words by which a call of them deletes.

/// A word of a call. Words are in lower case.
#[derive(Clone, Copy, Debug)]
pub enum Word {
    /// The word, or a part of it between colons.
    Is(&'static str),
    /// The beginning of a word.
    Starts(&'static str),
    /// The end of a word.
    Ends(&'static str),
    /// What a word has in it.
    Has(&'static str),
    /// A part of a word between characters that are neither letters nor digits.
    Part(&'static str),
    /// A letter among short options.
    Flag(char),
    /// A pattern of a shell.
    Wild,
}

impl Word {
    /// Whether a word of a call is this one.
    pub fn is(self, word: &str) -> bool {
        match self {
            Self::Is(name) => word == name || word.split(':').any(|part| part == name),
            Self::Starts(start) => word.starts_with(start),
            Self::Ends(end) => word.ends_with(end),
            Self::Has(part) => word.contains(part),
            Self::Part(name) => parts(word).any(|part| part == name),
            Self::Flag(letter) => word.strip_prefix('-').is_some_and(|letters| {
                !letters.is_empty() && letters.chars().all(char::is_alphabetic) && letters.contains(letter)
            }),
            Self::Wild => word.contains(['*', '?']),
        }
    }
}

/// The parts of a word between characters that are neither letters nor digits.
pub fn parts(word: &str) -> impl Iterator<Item = &str> {
    word.split(|c: char| !c.is_alphanumeric())
}

/// What a denial advises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Terraform,
    Kubernetes,
    Aws,
    S3,
    Cloud,
    Sql,
    Files,
    Registry,
    Backup,
    /// A list of what the call deletes.
    List,
    /// A person does it.
    People,
}

/// Programs, and the calls of them that delete.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Names; `*` stands for any text.
    pub programs: &'static [&'static str],
    /// The words of a call that deletes: all of one group.
    pub calls: &'static [&'static [Word]],
    /// What a denial advises.
    pub next: Next,
    /// Whether the words count anywhere in the text, and not only after the program.
    pub is_far: bool,
    /// Whether the first argument says what the program does. If it is a variable, the call cannot be read.
    pub verb_first: bool,
    /// Whether the name counts only where a program is named, because it is a word of English as well.
    pub is_word: bool,
    /// Words after which the name is not that of the program.
    pub not_after: &'static [&'static str],
}
