//! Writes files atomically: a file is complete or absent.

use std::io::Write;
use std::path::Path;

/// Who may read a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Only this user.
    Owner,
    /// Every user.
    All,
}

/// Writes a file, and replaces a regular file that exists.
pub fn write_whole(path: &Path, bytes: &[u8], readers: Readers) -> std::io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(std::io::Error::other("it exists and is not a regular file"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A temporary file has the mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    #[cfg(unix)]
    if readers == Readers::All {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_regular_files_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        write_whole(&path, b"one", Readers::Owner).unwrap();
        write_whole(&path, b"two", Readers::All).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        for special in ["/dev/null", "/"] {
            let link = folder.path().join("link");
            std::os::unix::fs::symlink(special, &link).unwrap();
            assert!(write_whole(&link, b"three", Readers::All).is_err(), "{special}");
            std::fs::remove_file(&link).unwrap();
        }
    }
}
