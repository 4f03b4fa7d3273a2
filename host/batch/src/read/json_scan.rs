//! Finds where a value of a JSON text ends, without parsing it.

/// Whether a byte is white space of JSON. A form feed, a vertical tab and a no-break space are not.
pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Returns the first position from `from` on that has no white space.
pub(super) fn skip_blank(text: &[u8], from: usize) -> usize {
    from + text[from..].iter().take_while(|byte| is_blank(**byte)).count()
}

/// Returns the end of the object or array that begins at `at`. It counts brackets of that kind outside strings, many bytes
/// at a time, and does not check anything else; the parser of the value does.
pub(super) fn container_end(text: &[u8], at: usize) -> Option<usize> {
    let (open, close) = if *text.get(at)? == b'[' { (b'[', b']') } else { (b'{', b'}') };
    let mut depth = 0_usize;
    // A position outside strings. All before it was read.
    let mut from = at;
    loop {
        let bracket = from + memchr::memchr2(open, close, text.get(from..)?)?;
        if let Some(end) = end_of_string_around(text, from, bracket) {
            from = end?;
            continue;
        }
        from = bracket + 1;
        depth = if text[bracket] == open { depth + 1 } else { depth.saturating_sub(1) };
        if depth == 0 {
            return Some(from);
        }
    }
}

/// Returns the end of the string that a position is in, if it is in one. The inner option is `None` if the text ends before
/// the string. `from` is a position before it outside strings.
#[inline]
fn end_of_string_around(text: &[u8], from: usize, position: usize) -> Option<Option<usize>> {
    let before = &text[from..position];
    if memchr::memchr(b'\\', before).is_none() {
        // Without escapes, every quote begins or ends a string.
        if memchr::memchr_iter(b'"', before).count().is_multiple_of(2) {
            return None;
        }
        return memchr::memrchr(b'"', before).map(|quote| string_end(text, from + quote));
    }
    let mut at = from;
    while let Some(quote) = memchr::memchr(b'"', &text[at..position]) {
        match string_end(text, at + quote) {
            Some(end) if end <= position => at = end,
            end => return Some(end),
        }
    }
    None
}

/// Returns the end of the string that begins at `at`.
pub(super) fn string_end(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Returns the end of the value that begins at `at`. A number or a word ends where the text ends only if nothing follows.
pub(super) fn value_end(text: &[u8], at: usize, is_last: bool) -> Option<usize> {
    match *text.get(at)? {
        b'{' | b'[' => container_end(text, at),
        b'"' => string_end(text, at),
        _ => {
            let ends = |byte: &u8| is_blank(*byte) || matches!(byte, b',' | b'}' | b']');
            let length = text.get(at..)?.iter().position(ends);
            length.or(is_last.then_some(text.len() - at)).map(|length| at + length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The end of a container, byte by byte.
    fn end_by_bytes(text: &[u8]) -> Option<usize> {
        let (mut depth, mut in_string, mut escaped) = (0, false, false);
        for (at, byte) in text.iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                _ if in_string => {}
                byte if *byte == text[0] => depth += 1,
                byte if *byte == text[0] + 2 => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(at + 1);
            }
        }
        None
    }

    proptest! {
        #[test]
        fn finds_the_bracket_that_closes_a_container(open in "[{\\[]", rest in "[{}\\[\\]\"a:, \\\\]{0,60}") {
            // A backslash outside a string is not JSON, so it may be read either way.
            let text = format!("{open}{rest}");
            let outside = {
                let (mut in_string, mut escaped) = (false, false);
                text.bytes().any(|byte| {
                    let is_wrong = byte == b'\\' && !in_string;
                    match byte {
                        _ if escaped => escaped = false,
                        b'\\' => escaped = in_string,
                        b'"' => in_string = !in_string,
                        _ => {}
                    }
                    is_wrong
                })
            };
            prop_assume!(!outside);
            prop_assert_eq!(container_end(text.as_bytes(), 0), end_by_bytes(text.as_bytes()), "{}", text);
        }
    }
}
