//! Paths and addresses.

use super::Reach;

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
    let parts = || text.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".");
    let is_path = text.contains(['/', '\\']) && !text.contains("://");
    if is_path && parts().any(|part| part == "..") {
        return Some("leaves its folder with `..`");
    }
    let is_open = |part: &&str| part.contains(['*', '%']) || *part == "-";
    let begins_with_drive = parts().next().is_some_and(|part| part.len() == 2 && part.ends_with(':'));
    if let Some(fixed) = parts().position(|part| is_open(&part)).filter(|_| is_path || text.len() == 1)
        && fixed <= 1 + usize::from(begins_with_drive || text.starts_with("\\\\"))
    {
        return Some("is a pattern directly below a root");
    }
    if text.starts_with("\\\\") && parts().count() <= 2 {
        return Some("is a whole server or share");
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

/// The reach of an address, `s3://bucket/folder` or `arn:aws:s3:::bucket/key`, or `None` if the text is not one.
pub fn address(text: &str) -> Option<Reach> {
    let path = match text.split_once("://") {
        Some((scheme, path)) if scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '+') => path,
        Some(_) => return None,
        None => text.strip_prefix("arn:")?.splitn(5, ':').last()?,
    };
    let names: Vec<&str> = path.split(['/', ':']).filter(|name| !name.is_empty()).collect();
    let all = Reach::All("is a whole bucket, server or account");
    Some(match names.as_slice() {
        [] | [_] if text.contains("://") => all,
        [] => all,
        // An account comes before the container.
        [_, _] if ["az", "wasb", "abfs", "adl"].iter().any(|scheme| text.starts_with(scheme)) => all,
        [.., last] if last.contains('*') && names.len() <= 2 => all,
        rest if rest.iter().any(|name| *name == "*" || *name == "**") && names.len() <= 2 => all,
        _ => Reach::Bounded,
    })
}
