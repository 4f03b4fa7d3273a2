//! A folder, and the files below it.

use super::{Place, Unreadable};
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
    /// For messages.
    path: PathBuf,
}

impl Folder {
    /// Opens a folder that the operator or the embedding program named.
    ///
    /// # Errors
    /// [`Unreadable`] where there is no such folder.
    pub fn open(path: &Path) -> Result<Self, Unreadable> {
        let shown = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let dir = Dir::open_ambient_dir(shown, ambient_authority())
            .map_err(|error| Unreadable::new(&shown.display().to_string(), Place::Whole, describe(&error)))?;
        Ok(Self { dir: Arc::new(dir), path: path.to_owned() })
    }

    /// The folder of a file that the operator or the embedding program named, and the file's name in it. Links in
    /// that path are followed: whoever typed it meant it.
    ///
    /// # Errors
    /// [`Unreadable`] where there is no such file.
    pub fn of(path: &Path) -> Result<(Self, String), Unreadable> {
        let wrong = |message: String| Unreadable::new(&path.display().to_string(), Place::Whole, message);
        let real = path.canonicalize().map_err(|error| wrong(describe(&error)))?;
        let name =
            real.file_name().and_then(|name| name.to_str()).ok_or_else(|| wrong("not the name of a file".into()))?;
        let mut folder = Self::open(real.parent().unwrap_or(Path::new("/")))?;
        folder.path = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok((folder, name.to_owned()))
    }

    /// How a file in this folder is named in messages.
    pub(crate) fn shown(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }

    /// Opens a file below this folder.
    pub(crate) fn file(&self, name: &str) -> Result<File, Unreadable> {
        let shown = self.shown(name);
        let wrong = |message: String| Unreadable::new(&shown, Place::Whole, message);
        let path = Path::new(name);
        if path.is_absolute() || path.components().any(|part| part.as_os_str() == "..") {
            return Err(wrong("the path leaves its folder".into())
                .help("name a file below the folder of the document that names it, without `..`"));
        }
        let file = self.dir.open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => {
                wrong("the path leaves its folder through a link".into()).help("put the file itself into the folder")
            }
            _ => wrong(describe(&error)),
        })?;
        let metadata = file.metadata().map_err(|error| wrong(describe(&error)))?;
        if !metadata.is_file() {
            return Err(wrong(
                if metadata.is_dir() { "this is a folder" } else { "this is not a regular file" }.into(),
            ));
        }
        Ok(file)
    }

    /// The path of a file below this folder, for a library that opens files itself. That it is a regular file in here,
    /// and no link out, has been seen to; links within the folder are resolved.
    ///
    /// # Errors
    /// [`Unreadable`] where there is no such file below this folder.
    pub fn real_path(&self, name: &str) -> Result<PathBuf, Unreadable> {
        self.file(name)?;
        let shown = self.shown(name);
        let unreadable = |error: &std::io::Error| Unreadable::new(&shown, Place::Whole, describe(error));
        let below = self.dir.canonicalize(name).map_err(|error| unreadable(&error))?;
        let folder = if self.path.as_os_str().is_empty() { Path::new(".") } else { &self.path };
        folder.canonicalize().map(|folder| folder.join(below)).map_err(|error| unreadable(&error))
    }

    /// The path of a file below this folder for a library that opens files itself, like [`real_path`](Self::real_path);
    /// an empty file that only its owner can read is made if there is none.
    ///
    /// # Errors
    /// [`Unreadable`] where the path leaves the folder, or the file cannot be made.
    pub fn place(&self, name: &str) -> Result<PathBuf, Unreadable> {
        let mut options = cap_std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        cap_std::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match self.dir.open_with(name, &options) {
            Ok(_) => {}
            // What is wrong with a name that leaves the folder is said below, too.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                self.file(name)?;
                return Err(Unreadable::new(&self.shown(name), Place::Whole, describe(&error)));
            }
        }
        self.real_path(name)
    }

    /// Reads a file of at most `most` bytes.
    pub(crate) fn read(&self, name: &str, most: u64) -> Result<Vec<u8>, Unreadable> {
        let file = self.file(name)?;
        bounded(file, most, &self.shown(name))
    }

    /// Reads a file of at most `most` bytes that nobody but its owner can read. What is looked at is what is read.
    pub(crate) fn read_private(&self, name: &str, most: u64) -> Result<Vec<u8>, Unreadable> {
        let (file, shown) = (self.file(name)?, self.shown(name));
        #[cfg(unix)]
        {
            use cap_std::fs::MetadataExt;
            let wrong = |message: String| Unreadable::new(&shown, Place::Whole, message);
            let metadata = file.metadata().map_err(|error| wrong(describe(&error)))?;
            if metadata.mode() & 0o077 != 0 {
                return Err(wrong("others than its owner can read this private key".into())
                    .help(format!("chmod 600 {shown}; and if somebody may have read it, make a new one")));
            }
        }
        bounded(file, most, &shown)
    }
}

/// Writes a new file that only its owner can read.
pub(crate) fn create_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Reads at most `most` bytes; more is an error.
pub(crate) fn bounded(reader: impl Read, most: u64, shown: &str) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = Vec::new();
    reader
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Unreadable::new(shown, Place::Whole, describe(&error)))?;
    if bytes.len() as u64 > most {
        return Err(Unreadable::new(shown, Place::Whole, format!("larger than {} MiB", most >> 20)));
    }
    Ok(bytes)
}

/// What the system said, in words.
pub(crate) fn describe(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "it may not be read".to_owned(),
        std::io::ErrorKind::IsADirectory => "this is a folder".to_owned(),
        std::io::ErrorKind::NotADirectory => "a part of the path is not a folder".to_owned(),
        _ => error.to_string(),
    }
}
