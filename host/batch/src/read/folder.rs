//! A folder and the files below it. Files that a document names are opened here.

use crate::error::{ReadError, describe};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder that files are opened in. A path that leaves it (`..`, an absolute path, a symbolic link out) is refused
/// by the system call that opens it, not by comparing names.
#[derive(Clone, Debug)]
pub struct Folder {
    dir: Arc<Dir>,
    /// Its path in messages.
    path: PathBuf,
}

impl Folder {
    /// Opens a folder that the operator or the embedding program named.
    ///
    /// # Errors
    /// [`ReadError`] if there is no such folder.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let shown = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let dir = Dir::open_ambient_dir(shown, ambient_authority())
            .map_err(|error| ReadError::of_file(&shown.display().to_string(), describe(&error)))?;
        Ok(Self { dir: Arc::new(dir), path: path.to_owned() })
    }

    /// Opens the folder of a file that the operator or the embedding program named. Returns it with the file's name in it.
    /// Links in that path are followed, because the caller chose the path.
    ///
    /// # Errors
    /// [`ReadError`] if there is no such file.
    pub fn of(path: &Path) -> Result<(Self, String), ReadError> {
        let shown = path.display().to_string();
        let real = path.canonicalize().map_err(|error| ReadError::of_file(&shown, describe(&error)))?;
        let name = real
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(|| ReadError::of_file(&shown, "not the name of a file"))?;
        let mut folder = Self::open(real.parent().unwrap_or(Path::new("/")))?;
        folder.path = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok((folder, name.to_owned()))
    }

    /// Returns the name of a file of this folder in messages.
    pub fn display_name(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }

    /// Opens a file below this folder.
    pub fn file(&self, name: &str) -> Result<File, ReadError> {
        let shown = self.display_name(name);
        let path = Path::new(name);
        if path.is_absolute() || path.components().any(|part| part.as_os_str() == "..") {
            return Err(ReadError::of_file(&shown, "the path leaves its folder")
                .with_help("name a file below the folder of the document that names it, without `..`"));
        }
        let file = self.dir.open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => {
                ReadError::of_file(&shown, "the path leaves its folder through a link")
                    .with_help("put the file itself into the folder")
            }
            _ => ReadError::of_file(&shown, describe(&error)),
        })?;
        let metadata = file.metadata().map_err(|error| ReadError::of_file(&shown, describe(&error)))?;
        if !metadata.is_file() {
            let found = if metadata.is_dir() { "this is a folder" } else { "this is not a regular file" };
            return Err(ReadError::of_file(&shown, found));
        }
        Ok(file)
    }

    /// Returns the path of a file below this folder, for a library that opens files itself. The file is a regular file in
    /// this folder and not a link out of it; links within the folder are resolved.
    ///
    /// # Errors
    /// [`ReadError`] if there is no such file below this folder.
    pub fn real_path(&self, name: &str) -> Result<PathBuf, ReadError> {
        self.file(name)?;
        let shown = self.display_name(name);
        let failed = |error: std::io::Error| ReadError::of_file(&shown, describe(&error));
        let below = self.dir.canonicalize(name).map_err(failed)?;
        let folder = if self.path.as_os_str().is_empty() { Path::new(".") } else { &self.path };
        folder.canonicalize().map(|folder| folder.join(below)).map_err(failed)
    }

    /// Returns the path of a file below this folder, as [`real_path`](Self::real_path) does. If there is no such file, it
    /// creates an empty one that only its owner can read.
    ///
    /// # Errors
    /// [`ReadError`] if the path leaves the folder, or the file cannot be created.
    pub fn place(&self, name: &str) -> Result<PathBuf, ReadError> {
        let mut options = cap_std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        cap_std::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match self.dir.open_with(name, &options) {
            Ok(_) => {}
            // `real_path` checks the file that exists.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                self.file(name)?;
                return Err(ReadError::of_file(&self.display_name(name), describe(&error)));
            }
        }
        self.real_path(name)
    }

    /// Reads a file of at most `max_bytes` bytes.
    pub fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, ReadError> {
        let file = self.file(name)?;
        read_bounded(file, max_bytes, &self.display_name(name))
    }

    /// Reads a file of at most `max_bytes` bytes that only its owner can read. The permissions are those of the opened file,
    /// so the file cannot be replaced between the check and the reading.
    pub fn read_private(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, ReadError> {
        let (file, shown) = (self.file(name)?, self.display_name(name));
        #[cfg(unix)]
        {
            use cap_std::fs::MetadataExt;
            let metadata = file.metadata().map_err(|error| ReadError::of_file(&shown, describe(&error)))?;
            if metadata.mode() & 0o077 != 0 {
                return Err(ReadError::of_file(&shown, "users other than its owner can read this private key")
                    .with_help("allow only its owner to read it (mode 600); if others may have read it, replace it with a new key"));
            }
        }
        read_bounded(file, max_bytes, &shown)
    }
}

/// Writes a new file that only its owner can read. It fails if the file exists.
pub fn create_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Reads a stream of at most `max_bytes` bytes; more bytes are an error.
pub(super) fn read_bounded(reader: impl Read, max_bytes: u64, shown: &str) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    reader
        .take(max_bytes.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| ReadError::of_file(shown, describe(&error)))?;
    if bytes.len() as u64 > max_bytes {
        return Err(ReadError::of_file(shown, format!("larger than {} MiB", max_bytes >> 20)));
    }
    Ok(bytes)
}
