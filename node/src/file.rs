//! Files that commands read and write.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::failure::Advice;

/// A file that could not be read or written.
#[derive(Debug, Error)]
pub enum FileError {
    /// There is no such file.
    #[error("there is no file {}", file.display())]
    Absent {
        /// The file.
        file: PathBuf,
    },
    /// It could not be read.
    #[error("cannot read {}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It could not be written.
    #[error("cannot write {}", file.display())]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Advice for FileError {
    fn code(&self) -> Cow<'static, str> {
        let code = match self {
            FileError::Absent { .. } => "file.absent",
            FileError::Unreadable { .. } => "file.unreadable",
            FileError::Unwritable { .. } => "file.unwritable",
        };
        code.into()
    }

    fn remedy(&self) -> String {
        let remedy = match self {
            FileError::Absent { .. } => "check the path",
            FileError::Unreadable { .. } => "check that it is a file and that you may read it",
            FileError::Unwritable { .. } => "check space and permissions, or write somewhere else",
        };
        remedy.into()
    }
}

/// The content of `file`.
///
/// # Errors
/// [`FileError::Absent`], [`FileError::Unreadable`].
pub fn read(file: &Path) -> Result<Vec<u8>, FileError> {
    fs::read(file).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => FileError::Absent { file: file.to_owned() },
        _ => FileError::Unreadable { file: file.to_owned(), source },
    })
}

/// Makes the folder `folder`, and those that it lies in.
///
/// # Errors
/// [`FileError::Unwritable`].
pub fn create_folder(folder: &Path) -> Result<(), FileError> {
    fs::create_dir_all(folder).map_err(|source| FileError::Unwritable { file: folder.to_owned(), source })
}

/// Writes `bytes` as `file`, whole or not at all.
///
/// # Errors
/// [`FileError::Unwritable`]; what stood there before is untouched then.
pub fn write(file: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let unwritable = |source| FileError::Unwritable { file: file.to_owned(), source };
    let name = file.file_name().ok_or_else(|| unwritable(io::ErrorKind::InvalidFilename.into()))?;
    // Beside it, so that the rename stays on one disk.
    let mut partial = name.to_owned();
    partial.push(format!(".{}.partial", std::process::id()));
    let partial = file.with_file_name(partial);
    fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, file)).map_err(|source| {
        let _ = fs::remove_file(&partial);
        unwritable(source)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_whole_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("x");
        write(&file, b"one").expect("written");
        write(&file, b"two").expect("replaced");
        assert_eq!(read(&file).expect("read"), b"two");
        let names = || fs::read_dir(folder.path()).expect("listed").count();
        assert_eq!(names(), 1);

        assert!(matches!(read(&folder.path().join("y")), Err(FileError::Absent { .. })));
        assert!(matches!(read(folder.path()), Err(FileError::Unreadable { .. })));
        for wrong in ["no/folder", "..", "/"] {
            assert!(matches!(write(&folder.path().join(wrong), b""), Err(FileError::Unwritable { .. })));
        }
        fs::create_dir(folder.path().join("d")).expect("made");
        assert!(matches!(write(&folder.path().join("d"), b""), Err(FileError::Unwritable { .. })));
        assert_eq!(names(), 2, "nothing is left behind");
    }
}
