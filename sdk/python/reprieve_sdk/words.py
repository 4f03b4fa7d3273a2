"""How names that people write are compared, as in the Rust SDK. `sdk/words.json` has the cases that all SDKs agree on."""

# Unicode white space. `str.strip()` alone would also remove the separators U+001C to U+001F, which are not white space.
_WHITE_SPACE = (
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_NOTHING = frozenset(
    ["null", "\\n", "none", "nil", "nan", "n/a", "undefined", "unknown", "unset", "not set", "unspecified", "tbd"]
    + ["todo", "no value"]
)
_PLURALS = [("", "s"), ("", "es"), ("y", "ies"), ("ex", "ices"), ("ix", "ices")]


def fold_case(text: str) -> bytes:
    """The text in lower case. Changes ASCII letters only."""
    return text.encode().lower()


def non_blank(text: str | None) -> str | None:
    """The text without surrounding white space, or `None` if it is absent, blank, or a word for nothing such as `null` or
    `n/a`."""
    trimmed = (text or "").strip(_WHITE_SPACE)
    word = trimmed.strip(_WHITE_SPACE + "<>()[]\"'`")
    says_nothing = word.strip("-?._") == "" or (word.isascii() and word.lower() in _NOTHING)
    return None if says_nothing else trimmed


def same_kind(name: str, kind: str) -> bool:
    """Whether a kind is one of those that `name` names: its last words are the words of `name`, whatever the case, and the
    last word may be a plural. `aws_rds_cluster`, `AWS::RDS::DBCluster` and `Clusters` are each a `cluster`. Only ASCII
    letters are compared without case."""
    name, kind, is_last = _without_version(name), _without_version(kind), True
    while True:
        name, word = _last_word(name)
        if not word:
            return not is_last
        kind, other = _last_word(kind)
        if word != other and not (is_last and (_is_plural(word, other) or _is_plural(other, word))):
            return False
        is_last = False


def _is_digit(char: str) -> bool:
    return "0" <= char <= "9"


def _is_upper(char: str) -> bool:
    return "A" <= char <= "Z"


def _is_lower(char: str) -> bool:
    return "a" <= char <= "z"


def _is_separator(char: str) -> bool:
    return char.isascii() and not (_is_digit(char) or _is_upper(char) or _is_lower(char))


def _begins_word(text: str, at: int) -> bool:
    """Whether a word begins at an index after the first."""
    before, here, after, last = text[at - 1], text[at], text[at + 1 : at + 2] or " ", text[at + 2 : at + 3] or " "
    if _is_separator(before) or _is_separator(here) or _is_digit(before) != _is_digit(here):
        return True
    # In `DBCluster` the last capital begins a word; in `DBs` it does not.
    is_plural_of_capitals = after == "s" and not _is_lower(last)
    ends_capitals = _is_upper(before) and _is_lower(after) and not is_plural_of_capitals
    return _is_upper(here) and (ends_capitals or not _is_upper(before))


def _last_word(text: str) -> tuple[str, bytes]:
    """Splits the last word from a text. The word is empty if the text has no word."""
    end = len(text)
    while end > 0 and _is_separator(text[end - 1]):
        end -= 1
    text = text[:end]
    start = max(end - 1, 0)
    while start > 0 and not _begins_word(text, start):
        start -= 1
    return text[:start], fold_case(text[start:])


def _without_version(text: str) -> str:
    """Removes `2`, `v2` or `_v2_1` from the end of a kind."""
    while True:
        rest, word = _last_word(text)
        if not word[:1].isdigit():
            return text
        before, letter = _last_word(rest)
        text = before if letter == b"v" else rest


def _is_plural(plural: bytes, word: bytes) -> bool:
    def stem(text: bytes, ending: str) -> bytes | None:
        return text[: len(text) - len(ending)] if text.endswith(ending.encode()) else None

    return bool(word) and any(
        stem(word, one) is not None and stem(word, one) == stem(plural, many) for one, many in _PLURALS
    )
