//! A folder and the files below it. Every file that Reprieve reads is opened here, and only if it is a regular file: a
//! FIFO, a socket or a device could block, never end, or act when it is opened.

use crate::error::{ReadError, describe};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, Metadata, OpenOptions};
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
        // A path such as `/dev/stdin` may lead to a pipe, which has no path of its own.
        if let Ok(metadata) = std::fs::metadata(path) {
            check_kind(&Metadata::from_just_metadata(metadata), &shown)?;
        }
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

    /// Opens a regular file below this folder, without blocking.
    pub fn file(&self, name: &str) -> Result<File, ReadError> {
        let shown = self.display_name(name);
        let path = Path::new(name);
        if path.is_absolute() || path.components().any(|part| part.as_os_str() == "..") {
            return Err(ReadError::of_file(&shown, "the path leaves its folder")
                .with_help("name a file below the folder of the document that names it, without `..`"));
        }
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => {
                ReadError::of_file(&shown, "the path leaves its folder through a link")
                    .with_help("put the file itself into the folder")
            }
            _ => ReadError::of_file(&shown, describe(&error)),
        };
        // Opening a device may have an effect, so the path is checked first. The opened file is checked again, because
        // the path may name another file by then.
        check_kind(&self.dir.metadata(path).map_err(failed)?, &shown)?;
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        {
            use cap_std::fs::OpenOptionsExt;
            use rustix::fs::OFlags;
            options.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed());
        }
        let file = self.dir.open_with(path, &options).map_err(failed)?;
        check_kind(&file.metadata().map_err(failed)?, &shown)?;
        Ok(file)
    }

    /// Opens a folder below this one.
    ///
    /// # Errors
    /// [`ReadError`] if there is no such folder below this one.
    pub fn folder(&self, name: &str) -> Result<Self, ReadError> {
        let failed = |error: std::io::Error| ReadError::of_file(&self.display_name(name), describe(&error));
        let dir = self.dir.open_dir(name).map_err(failed)?;
        Ok(Self { dir: Arc::new(dir), path: self.path.join(name) })
    }

    /// Returns the path of a database below this folder, for SQLite, which opens files itself. The file is a regular file in
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
        let path = folder.canonicalize().map(|folder| folder.join(below)).map_err(failed)?;
        check_database(&path)?;
        Ok(path)
    }

    /// Returns the path of a file below this folder, as [`real_path`](Self::real_path) does. If there is no such file, it
    /// creates an empty one that only its owner can read.
    ///
    /// # Errors
    /// [`ReadError`] if the path leaves the folder, or the file cannot be created.
    pub fn place(&self, name: &str) -> Result<PathBuf, ReadError> {
        let mut options = OpenOptions::new();
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

    /// Reads a file of at most `max_bytes` bytes that only its owner can read. A file of root may be readable for a group: so
    /// Kubernetes mounts a secret for another user. The permissions are those of the opened file, so the file cannot be
    /// replaced between the check and the reading.
    pub fn read_private(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, ReadError> {
        let (file, shown) = (self.file(name)?, self.display_name(name));
        #[cfg(unix)]
        {
            use cap_std::fs::MetadataExt;
            let metadata = file.metadata().map_err(|error| ReadError::of_file(&shown, describe(&error)))?;
            let is_mounted = metadata.uid() == 0 && !rustix::process::geteuid().is_root();
            let forbidden = if is_mounted { 0o037 } else { 0o077 };
            if metadata.mode() & forbidden != 0 {
                return Err(ReadError::of_file(&shown, "users other than its owner can read this private key")
                    .with_help("allow only its owner to read it (mode 600); if others may have read it, replace it with a new key"));
            }
        }
        read_bounded(file, max_bytes, &shown)
    }
}

/// Checks that a path names a regular file.
fn check_kind(metadata: &Metadata, shown: &str) -> Result<(), ReadError> {
    if metadata.is_file() {
        return Ok(());
    }
    let found = if metadata.is_dir() { "this is a folder" } else { special(metadata) };
    Err(ReadError::of_file(shown, found))
}

/// Names a file that is neither a regular file nor a folder.
#[cfg(unix)]
fn special(metadata: &Metadata) -> &'static str {
    use cap_std::fs::MetadataExt;
    use rustix::fs::FileType;
    match FileType::from_raw_mode(metadata.mode()) {
        FileType::Fifo => "this is a FIFO, not a regular file",
        FileType::Socket => "this is a socket, not a regular file",
        FileType::CharacterDevice => "this is a character device, not a regular file",
        FileType::BlockDevice => "this is a block device, not a regular file",
        _ => "this is not a regular file",
    }
}

#[cfg(not(unix))]
const fn special(_: &Metadata) -> &'static str {
    "this is not a regular file"
}

/// Reads a file of at most `max_bytes` bytes that the operator or the embedding program named.
///
/// # Errors
/// [`ReadError`] if it is not a regular file, or is larger.
pub fn read_file(path: &Path, max_bytes: u64) -> Result<Vec<u8>, ReadError> {
    let (folder, name) = Folder::of(path)?;
    folder.read(&name, max_bytes)
}

/// Checks a database before SQLite opens it: the file and those that SQLite keeps beside it are regular files, as far as
/// they exist.
///
/// # Errors
/// [`ReadError`] that names the file that is not.
pub fn check_database(path: &Path) -> Result<(), ReadError> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut path = path.as_os_str().to_owned();
        path.push(suffix);
        if let Ok(metadata) = std::fs::metadata(&path) {
            check_kind(&Metadata::from_just_metadata(metadata), &path.display().to_string())?;
        }
    }
    Ok(())
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
    let mut bytes = Vec::with_capacity(max_bytes.min(4 << 10) as usize);
    reader
        .take(max_bytes.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| ReadError::of_file(shown, describe(&error)))?;
    if bytes.len() as u64 > max_bytes {
        return Err(ReadError::of_file(shown, format!("larger than {} MiB", max_bytes >> 20)));
    }
    Ok(bytes)
}
