//! Files that survive a crash and cannot be half-read: proving keys and finished proofs.
//!
//! A file is `magic[8] ++ blake3(payload)[32] ++ payload`, written under another name, synced and renamed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::failpoint;

const MAGIC: &[u8; 8] = b"JANCACH1";
const HEAD: usize = MAGIC.len() + blake3::OUT_LEN;

/// Why a cached file was not read or written.
#[derive(Debug, Error)]
pub enum CacheError {
    /// The file is not what was written: cut off, overwritten or of another version.
    #[error("{path} is corrupt ({reason}): delete it and it will be made again")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file system refused.
    #[error("cannot {action} {path}: {source}; check the disk's free space and the folder's permissions")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// A folder of checksummed files.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Opens a folder and makes it where it is missing.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, CacheError> {
        let folder = folder.into();
        fs::create_dir_all(&folder).map_err(|e| CacheError::io("create", &folder, e))?;
        Ok(Self { folder })
    }

    /// The payload stored under `name`, or `None` where there is none.
    ///
    /// # Errors
    /// [`CacheError::Corrupt`] when the checksum does not hold, [`CacheError::Io`].
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, CacheError> {
        let path = self.folder.join(name);
        let mut bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(CacheError::io("read", &path, e)),
        };
        let corrupt = |reason| CacheError::Corrupt { path: path.clone(), reason };
        if bytes.len() < HEAD {
            return Err(corrupt("too short"));
        }
        if &bytes[..MAGIC.len()] != MAGIC {
            return Err(corrupt("not a file of this version"));
        }
        if blake3::hash(&bytes[HEAD..]).as_bytes() != &bytes[MAGIC.len()..HEAD] {
            return Err(corrupt("the checksum differs"));
        }
        bytes.drain(..HEAD);
        Ok(Some(bytes))
    }

    /// Stores `payload` under `name`: afterwards the old or the new content is there, never a part.
    ///
    /// # Errors
    /// [`CacheError::Io`], for example on a full disk; what was there before stays.
    pub fn write(&self, name: &str, payload: &[u8]) -> Result<(), CacheError> {
        let path = self.folder.join(name);
        let partial = self.folder.join(format!("{name}.{}.part", std::process::id()));
        failpoint::hit();
        let write = || -> io::Result<()> {
            let mut file = File::create(&partial)?;
            file.write_all(MAGIC)?;
            file.write_all(blake3::hash(payload).as_bytes())?;
            file.write_all(payload)?;
            file.sync_all()?;
            failpoint::hit();
            fs::rename(&partial, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|e| {
            // What is left of the attempt only takes space; the error that matters is the first.
            let _ = fs::remove_file(&partial);
            CacheError::io("write", &path, e)
        })?;
        failpoint::hit();
        Ok(())
    }

    /// Removes whatever is stored under `name`.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub fn remove(&self, name: &str) -> Result<(), CacheError> {
        let path = self.folder.join(name);
        failpoint::hit();
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(CacheError::io("remove", &path, e)),
            _ => Ok(()),
        }
    }
}

impl Cache {
    /// A folder of this folder.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub fn sub(&self, name: &str) -> Result<Self, CacheError> {
        Self::open(self.folder.join(name))
    }

    /// Removes the folder with all that is in it.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub fn destroy(self) -> Result<(), CacheError> {
        failpoint::hit();
        fs::remove_dir_all(&self.folder).map_err(|e| CacheError::io("remove", &self.folder, e))
    }

    /// Removes all but the `count` files and folders that changed last.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub fn keep_newest(&self, count: usize) -> Result<(), CacheError> {
        let list = || -> io::Result<Vec<_>> {
            let aged = |entry: io::Result<fs::DirEntry>| {
                let entry = entry?;
                Ok((entry.metadata()?.modified()?, entry.path()))
            };
            fs::read_dir(&self.folder)?.map(aged).collect()
        };
        let mut entries = list().map_err(|e| CacheError::io("read", &self.folder, e))?;
        entries.sort_by(|a, b| b.cmp(a));
        for (_, path) in entries.into_iter().skip(count) {
            failpoint::hit();
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(|e| CacheError::io("remove", &path, e))?;
        }
        Ok(())
    }

    /// Removes every file of this folder; sub-folders stay.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub fn clear(&self) -> Result<(), CacheError> {
        let list = || -> io::Result<Vec<PathBuf>> {
            let entries = fs::read_dir(&self.folder)?.collect::<io::Result<Vec<_>>>()?;
            Ok(entries.iter().map(fs::DirEntry::path).filter(|path| path.is_file()).collect())
        };
        for path in list().map_err(|e| CacheError::io("read", &self.folder, e))? {
            failpoint::hit();
            fs::remove_file(&path).map_err(|e| CacheError::io("remove", &path, e))?;
        }
        Ok(())
    }
}

impl CacheError {
    fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let cache = Cache::open(folder.path().join("a/b")).expect("new folder");
        (folder, cache)
    }

    #[test]
    fn reads_what_was_written_last() {
        let (_folder, cache) = cache();
        assert_eq!(cache.read("x").expect("absent"), None);
        cache.write("x", b"one").expect("write");
        cache.write("x", b"two").expect("overwrite");
        assert_eq!(cache.read("x").expect("present").as_deref(), Some(&b"two"[..]));
        cache.remove("x").expect("remove");
        cache.remove("x").expect("remove twice");
        assert_eq!(cache.read("x").expect("absent"), None);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let (folder, cache) = cache();
        cache.write("x", b"payload").expect("write");
        let path = folder.path().join("a/b/x");
        let good = fs::read(&path).expect("raw");
        for i in 0..good.len() {
            let mut bad = good.clone();
            bad[i] ^= 1 << (i % 8);
            fs::write(&path, &bad).expect("raw");
            assert!(matches!(cache.read("x"), Err(CacheError::Corrupt { .. })), "byte {i}");
            fs::write(&path, &good[..i]).expect("raw");
            assert!(matches!(cache.read("x"), Err(CacheError::Corrupt { .. })), "cut at {i}");
        }
    }

    /// `/dev/full` answers each write with ENOSPC, as a full disk does.
    #[test]
    fn a_full_disk_is_an_error_that_names_the_file_and_keeps_what_was_there() {
        let (folder, cache) = cache();
        cache.write("x", b"old").expect("write");
        let partial = folder.path().join(format!("a/b/x.{}.part", std::process::id()));
        std::os::unix::fs::symlink("/dev/full", &partial).expect("a link");
        match cache.write("x", b"new").expect_err("full") {
            CacheError::Io { action: "write", path, source } => {
                assert_eq!((path, source.kind()), (folder.path().join("a/b/x"), io::ErrorKind::StorageFull));
            }
            error => panic!("{error}"),
        }
        assert_eq!(cache.read("x").expect("present").as_deref(), Some(&b"old"[..]));
        assert!(!partial.is_symlink(), "what is left of the attempt is gone");
        cache.write("x", b"new").expect("there is room again");
    }

    #[test]
    fn a_folder_that_is_gone_is_an_error_that_names_the_file() {
        let (folder, cache) = cache();
        fs::remove_dir_all(folder.path().join("a")).expect("gone");
        let error = cache.write("x", b"payload").expect_err("no folder").to_string();
        assert!(error.contains("cannot write") && error.contains("/x"), "{error}");
    }

    #[test]
    fn old_entries_make_room() {
        let (_folder, cache) = cache();
        for name in ["a", "b", "c"] {
            cache.write(name, b"payload").expect("write");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let sub = cache.sub("d").expect("sub-folder");
        sub.write("x", b"payload").expect("write");
        cache.keep_newest(2).expect("prune");
        let left = ["a", "b", "c"].map(|name| cache.read(name).expect("read").is_some());
        assert_eq!(left, [false, false, true]);
        assert!(sub.read("x").expect("read").is_some());
        cache.keep_newest(0).expect("prune");
        assert!(sub.read("x").expect("folder is gone, and so is the file").is_none());
        cache.sub("d").expect("again").destroy().expect("destroy");
    }
}
