//! Addresses of resources, as Terraform and OpenTofu write them.

/// A step of the path to a module instance: `module.shop["de"]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step<'a> {
    /// The name of the call.
    pub(super) name: &'a str,
    /// The key of the instance with its brackets; empty if it has none.
    pub(super) key: &'a str,
}

/// Splits the path to a module instance into its steps. `None`: it is not one.
pub(super) fn module_path(text: &str) -> Option<Vec<Step<'_>>> {
    let (mut steps, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let after = rest.strip_prefix("module.")?;
        let end = after.find(['.', '[']).unwrap_or(after.len());
        let (name, tail) = after.split_at_checked(end)?;
        let (key, tail) = tail.split_at_checked(key_length(tail)?)?;
        if name.is_empty() {
            return None;
        }
        steps.push(Step { name, key });
        rest = match tail.strip_prefix('.') {
            Some(tail) if !tail.is_empty() => tail,
            None if tail.is_empty() => tail,
            _ => return None,
        };
    }
    Some(steps)
}

/// The length of the key with its brackets that a text begins with; 0 if it begins with none.
fn key_length(text: &str) -> Option<usize> {
    let Some(inner) = text.strip_prefix('[') else { return Some(0) };
    let Some(quoted) = inner.strip_prefix('"') else {
        let end = inner.find(']')?;
        let is_number = end > 0 && inner.bytes().take(end).all(|byte| byte.is_ascii_digit());
        return is_number.then_some(end + 2);
    };
    let mut is_escaped = false;
    for (at, byte) in quoted.bytes().enumerate() {
        match byte {
            b'"' if !is_escaped => return quoted.get(at + 1..)?.starts_with(']').then_some(at + 4),
            _ => is_escaped = byte == b'\\' && !is_escaped,
        }
    }
    None
}

/// The address of a resource without the keys of instances, as `dependencies` have it.
pub(super) fn without_keys(path: &[Step<'_>], resource: &str) -> String {
    let mut address = String::new();
    for step in path {
        address.push_str("module.");
        address.push_str(step.name);
        address.push('.');
    }
    address.push_str(resource);
    address
}

/// Writes the key of `for_each` as an address has it.
pub(super) fn quote(key: &str) -> String {
    let mut text = String::from("[\"");
    let mut rest = key.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '"' | '\\' => text.extend(['\\', c]),
            // The beginning of a template.
            '$' | '%' if rest.peek() == Some(&'{') => text.extend([c, c]),
            _ if c.is_control() || (c.is_whitespace() && c != ' ') => {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => text.push(c),
        }
    }
    text.push_str("\"]");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_at_dots_outside_of_keys() {
        let step = |name, key| Step { name, key };
        assert_eq!(module_path(""), Some(vec![]));
        assert_eq!(
            module_path(r#"module.a["x].module.\"b"].module.c[12].module.d"#),
            Some(vec![step("a", r#"["x].module.\"b"]"#), step("c", "[12]"), step("d", "")])
        );
        for text in
            ["a", "module.", "module.a.", "module.a[", "module.a[]", "module.a[x]", "module.a[\"x]", "module.a[0]b"]
        {
            assert_eq!(module_path(text), None, "{text}");
        }
    }

    #[test]
    fn keys_are_quoted_as_terraform_does() {
        assert_eq!(quote("a\"b\\c\n${d} $e %{f}"), r#"["a\"b\\c\n$${d} $e %%{f}"]"#);
        assert_eq!(quote("\u{7f}"), "[\"\\u007f\"]");
    }
}
