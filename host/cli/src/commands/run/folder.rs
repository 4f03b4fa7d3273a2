//! The folder in which the command of `run` finds its list. Only this user can look into it. It is locked while Reprieve or
//! anything that Reprieve started lives; an unlocked one is left over from a run that was killed, and is removed.

use anyhow::{Context, bail, ensure};
use rustix::fs::{AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, Stat, flock, fstat, mkdirat, openat, statat};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::process::geteuid;
use std::fs::{File, Permissions};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What its name begins with.
const PREFIX: &str = "reprieve-run-";
/// The maximum size of a file that the command writes for Reprieve, in bytes.
const MAX_REPORT_BYTES: u64 = 64 << 10;
/// How often a folder is created again because another process took it for a leftover before it was locked.
const ATTEMPTS: usize = 10;

/// A private, locked folder. It is removed when it is dropped.
pub struct PrivateFolder {
    folder: TempDir,
    /// The folder itself, whatever its path leads to by now. It holds the lock.
    handle: OwnedFd,
}

impl PrivateFolder {
    /// Creates a folder, and removes those that are left over.
    pub fn create() -> anyhow::Result<Self> {
        let base = std::env::temp_dir();
        check_base(&base)?;
        sweep(&base);
        for _ in 0..ATTEMPTS {
            let folder = tempfile::Builder::new()
                .prefix(PREFIX)
                .permissions(Permissions::from_mode(0o700))
                .tempdir_in(&base)
                .with_context(|| format!("no folder can be created in {}", base.display()))?;
            let shown = folder.path().display().to_string();
            let handle = open_folder(folder.path()).context(shown.clone())?;
            ensure!(is_private(&fstat(&handle)?), "{shown}: this file system does not keep it private");
            match flock(&handle, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => continue,
                Err(error) => return Err(anyhow::Error::from(error).context(format!("{shown}: cannot be locked"))),
            }
            let created = Self { folder, handle };
            if created.is_in_place() {
                // A process that is started from now on keeps the lock, because it may still need the list.
                fcntl_setfd(&created.handle, FdFlags::empty())?;
                return Ok(created);
            }
        }
        bail!("{}: every new folder is removed at once", base.display())
    }

    /// The path of a file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Creates a file that only this user can read and write, and the folders in its name that do not exist.
    pub fn create_file(&self, name: &str) -> anyhow::Result<File> {
        for (end, _) in name.match_indices('/') {
            match mkdirat(&self.handle, name.get(..end).unwrap_or_default(), Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(&self.handle, name, flags, Mode::RUSR | Mode::WUSR)?.into())
    }

    /// Reads a small file that the command wrote. `None` if it does not exist.
    pub fn read(&self, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file: File = match openat(&self.handle, name, flags, Mode::empty()) {
            Ok(file) => file.into(),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => bail!("it is a link"),
            Err(error) => return Err(error.into()),
        };
        ensure!(file.metadata()?.is_file(), "it is not a regular file");
        let mut bytes = Vec::new();
        file.take(MAX_REPORT_BYTES + 1).read_to_end(&mut bytes)?;
        ensure!(bytes.len() as u64 <= MAX_REPORT_BYTES, "it is larger than {} KiB", MAX_REPORT_BYTES >> 10);
        Ok(Some(bytes))
    }

    /// Checks that its path still leads to this folder, and that only this user can look into it.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(self.is_in_place(), "{}: another folder took its place", self.folder.path().display());
        Ok(())
    }

    fn is_in_place(&self) -> bool {
        let (own, named) = (fstat(&self.handle), statat(CWD, self.folder.path(), AtFlags::SYMLINK_NOFOLLOW));
        matches!((own, named), (Ok(own), Ok(named)) if is_private(&own) && (own.st_dev, own.st_ino) == (named.st_dev, named.st_ino))
    }
}

/// Whether a folder belongs to this user, and no one else can look into it.
fn is_private(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
        && stat.st_uid == geteuid().as_raw()
        && stat.st_mode & 0o777 == 0o700
}

fn open_folder(path: &Path) -> rustix::io::Result<OwnedFd> {
    openat(CWD, path, OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

/// Checks that no other user can replace a folder in the folder for temporary files.
fn check_base(base: &Path) -> anyhow::Result<()> {
    let stat = statat(CWD, base, AtFlags::empty()).with_context(|| base.display().to_string())?;
    let is_ours = [0, geteuid().as_raw()].contains(&stat.st_uid);
    let others_replace = stat.st_mode & 0o002 != 0 && stat.st_mode & 0o1000 == 0;
    if is_ours && !others_replace {
        return Ok(());
    }
    let message = format!("{}: other users can replace what is in it, so the list is not safe there", base.display());
    Err(crate::error::fail(message, "set TMPDIR to a folder that only you can write to"))
}

/// Removes the folders of runs that were killed. What cannot be removed stays, because it does no harm.
fn sweep(base: &Path) {
    let entries = std::fs::read_dir(base).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        let Ok(handle) = open_folder(&entry.path()) else { continue };
        let is_ours = fstat(&handle).is_ok_and(|stat| is_private(&stat));
        if is_ours && flock(&handle, FlockOperation::NonBlockingLockExclusive).is_ok() {
            // The lock is held until the folder is gone, so its name is not taken by a new run meanwhile.
            drop(std::fs::remove_dir_all(entry.path()));
        }
    }
}
