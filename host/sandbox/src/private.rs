//! A folder that only this user can write to, and the files in it. Another user who could write there could replace a
//! file between two calls; so the folder is opened once, everything is checked on what was opened, and every file is
//! opened in it.

pub(crate) use folder::{PrivateFile, PrivateFolder};

#[cfg(unix)]
mod folder {
    use rustix::fs::{
        AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, linkat, open, openat, renameat, statat, unlinkat,
    };
    use std::fs::{DirBuilder, File};
    use std::io::{Error, ErrorKind, Read, Write};
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::os::unix::fs::DirBuilderExt;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Write permission for the group and for others.
    const WRITABLE_BY_OTHERS: Mode = Mode::WGRP.union(Mode::WOTH);
    /// Any permission for the group and for others.
    const ACCESSIBLE_TO_OTHERS: Mode = Mode::RWXG.union(Mode::RWXO);
    /// Only owners may rename or remove entries.
    const STICKY: Mode = Mode::SVTX;
    /// The maximum depth of a folder below the root.
    const MAX_PARENTS: usize = 128;

    /// A folder that only this user can write to.
    #[derive(Debug)]
    pub(crate) struct PrivateFolder(OwnedFd);

    fn refuse<T>(message: impl Into<String>) -> Result<T, Error> {
        Err(Error::new(ErrorKind::PermissionDenied, message.into()))
    }

    fn is_own(stat: &Stat) -> bool {
        stat.st_uid == rustix::process::geteuid().as_raw()
    }

    fn check(stat: &Stat) -> Result<(), Error> {
        if !is_own(stat) {
            return refuse("it belongs to another user");
        }
        if Mode::from_raw_mode(stat.st_mode).intersects(WRITABLE_BY_OTHERS) {
            return refuse("others can write to it (chmod go-w it)");
        }
        Ok(())
    }

    impl PrivateFolder {
        /// Opens a folder, and creates it if it does not exist.
        ///
        /// # Errors
        /// It is a link or not a folder, or another user can write to it, or can put another folder in its place.
        pub fn open(path: &Path) -> Result<Self, Error> {
            DirBuilder::new().recursive(true).mode(0o700).create(path)?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let folder = Self(open(path, flags, Mode::empty())?);
            let mut below = fstat(&folder.0)?;
            check(&below)?;
            let mut parents = String::from("..");
            for _ in 0..MAX_PARENTS {
                let parent = statat(&folder.0, parents.as_str(), AtFlags::empty())?;
                if (parent.st_dev, parent.st_ino) == (below.st_dev, below.st_ino) {
                    return Ok(folder);
                }
                check_parent(&parent)
                    .map_err(|error| Error::new(error.kind(), format!("its parent {parents}: {error}")))?;
                below = parent;
                parents += "/..";
            }
            refuse("it has too many parents")
        }

        /// Opens a file. `None` if it does not exist.
        ///
        /// # Errors
        /// It is not a regular file, belongs to another user, or others can write to it.
        pub fn file(&self, name: &str) -> Result<Option<PrivateFile>, Error> {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let file = match openat(&self.0, name, flags, Mode::empty()) {
                Err(rustix::io::Errno::NOENT) => return Ok(None),
                opened => File::from(opened?),
            };
            let stat = fstat(&file)?;
            check(&stat)?;
            if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                return refuse("it is not a regular file");
            }
            Ok(Some(PrivateFile { file, stat }))
        }

        /// Whether there is something of this name.
        pub fn has(&self, name: &str) -> bool {
            statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
        }

        /// Writes a file. It replaces a file of this name as a whole.
        pub fn write(&self, name: &str, parts: &[&[u8]]) -> Result<(), Error> {
            let written = self.write_new(parts)?;
            Ok(renameat(&self.0, written.as_str(), &self.0, name)?)
        }

        /// Writes a file, unless there is one of this name.
        pub fn write_first(&self, name: &str, parts: &[&[u8]]) -> Result<(), Error> {
            let written = self.write_new(parts)?;
            let linked = linkat(&self.0, written.as_str(), &self.0, name, AtFlags::empty());
            unlinkat(&self.0, written.as_str(), AtFlags::empty())?;
            match linked {
                Err(rustix::io::Errno::EXIST) => Ok(()),
                linked => Ok(linked?),
            }
        }

        /// Writes a file under a new name, which no other writer uses.
        fn write_new(&self, parts: &[&[u8]]) -> Result<String, Error> {
            static NUMBER: AtomicU64 = AtomicU64::new(0);
            let name = format!(".{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mut file = File::from(openat(&self.0, name.as_str(), flags, Mode::RUSR | Mode::WUSR)?);
            let written = parts.iter().try_for_each(|part| file.write_all(part)).and_then(|()| file.sync_all());
            if written.is_err() {
                unlinkat(&self.0, name.as_str(), AtFlags::empty())?;
            }
            written.map(|()| name)
        }

        /// Removes the oldest files, until there are at most `max` of them.
        pub fn remove_oldest(&self, max: usize) -> Result<(), Error> {
            let mut files = Vec::new();
            for entry in Dir::read_from(&self.0)? {
                let entry = entry?;
                // Another process may have renamed or removed it.
                let Ok(stat) = statat(&self.0, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) else { continue };
                if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
                    files.push((stat.st_mtime, stat.st_mtime_nsec, entry.file_name().to_owned()));
                }
            }
            files.sort();
            let surplus = files.len().saturating_sub(max);
            files.iter().take(surplus).try_for_each(|(_, _, name)| {
                unlinkat(&self.0, name.as_c_str(), AtFlags::empty()).map_err(Error::from)
            })
        }
    }

    /// A file of this user, which is open.
    #[derive(Debug)]
    pub(crate) struct PrivateFile {
        file: File,
        stat: Stat,
    }

    impl PrivateFile {
        /// Whether no other user can read it.
        pub fn is_secret(&self) -> bool {
            !Mode::from_raw_mode(self.stat.st_mode).intersects(ACCESSIBLE_TO_OTHERS)
        }

        /// Reads all of it, if it has at most `max_bytes` bytes.
        pub fn read(&self, max: u64) -> Result<Vec<u8>, Error> {
            let mut bytes = Vec::new();
            (&self.file).take(max).read_to_end(&mut bytes)?;
            if i64::try_from(bytes.len()) == Ok(self.stat.st_size) {
                Ok(bytes)
            } else {
                refuse("it is too large, or was changed")
            }
        }

        /// What changes whenever its content does: no program can set the time of a change.
        pub fn stamp(&self) -> String {
            let Stat { st_dev, st_ino, st_size, st_ctime, st_ctime_nsec, .. } = self.stat;
            format!("{st_dev} {st_ino} {st_size} {st_ctime} {st_ctime_nsec}")
        }

        /// A path to this very file, whatever its name refers to now.
        pub fn path(&self) -> PathBuf {
            PathBuf::from(format!("/dev/fd/{}", self.file.as_raw_fd()))
        }
    }

    /// A parent in which another user can rename entries could have another folder in place of this one at any time.
    fn check_parent(stat: &Stat) -> Result<(), Error> {
        if !is_own(stat) && stat.st_uid != 0 {
            return refuse("it belongs to another user");
        }
        let mode = Mode::from_raw_mode(stat.st_mode);
        if mode.intersects(WRITABLE_BY_OTHERS) && !mode.contains(STICKY) {
            return refuse("others can write to it (chmod go-w it)");
        }
        Ok(())
    }
}

#[cfg(not(unix))]
mod folder {
    use std::io::{Error, ErrorKind};
    use std::path::{Path, PathBuf};

    /// Does not exist: on this system it is not known how to check who can write to a folder.
    #[derive(Debug)]
    pub(crate) enum PrivateFolder {}

    impl PrivateFolder {
        pub fn open(_: &Path) -> Result<Self, Error> {
            Err(Error::from(ErrorKind::Unsupported))
        }

        pub fn file(&self, _: &str) -> Result<Option<PrivateFile>, Error> {
            match *self {}
        }

        pub fn has(&self, _: &str) -> bool {
            match *self {}
        }

        pub fn write(&self, _: &str, _: &[&[u8]]) -> Result<(), Error> {
            match *self {}
        }

        pub fn write_first(&self, _: &str, _: &[&[u8]]) -> Result<(), Error> {
            match *self {}
        }

        pub fn remove_oldest(&self, _: usize) -> Result<(), Error> {
            match *self {}
        }
    }

    /// A file in such a folder.
    #[derive(Debug)]
    pub(crate) enum PrivateFile {}

    impl PrivateFile {
        pub fn is_secret(&self) -> bool {
            match *self {}
        }

        pub fn read(&self, _: u64) -> Result<Vec<u8>, Error> {
            match *self {}
        }

        pub fn stamp(&self) -> String {
            match *self {}
        }

        pub fn path(&self) -> PathBuf {
            match *self {}
        }
    }
}
