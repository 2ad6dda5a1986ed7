use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::Error;

/// The file of the database, as it was when it was opened.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl DatabaseFile {
    pub fn at(path: PathBuf) -> io::Result<Self> {
        let identity = identity(&path)?;
        Ok(Self { path, identity })
    }

    /// How many bytes its write-ahead log takes on the disk.
    pub fn log_size(&self) -> u64 {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        fs::metadata(log).map_or(0, |log| log.len())
    }

    /// What is written after the file was removed, or replaced by another, is written nowhere.
    pub fn check(&self) -> Result<(), Error> {
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            return Ok(());
        }
        let path = self.path.clone();
        Err(Error::Replaced { path })
    }

    /// What the file and its log are called where they are: SQLite follows links, too.
    pub fn with_log(&self) -> io::Result<[PathBuf; 2]> {
        let file = fs::canonicalize(&self.path)?;
        let mut log = file.clone().into_os_string();
        log.push("-wal");
        Ok([file, log.into()])
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}
