//! Backups: incremental copies of the database with checksums, made while it runs.
//!
//! A backup folder holds several; each new one copies only what changed. The L1 key and the configuration are not in it.

use std::path::Path;

use rocksdb::Env;
use rocksdb::backup::{BackupEngine, BackupEngineOptions, RestoreOptions};

use super::{Store, StoreError};

/// A backup that can be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Its number.
    pub id: u32,
    /// When it was made, unix seconds.
    pub time: i64,
    /// Bytes that it refers to.
    pub bytes: u64,
}

fn engine(folder: &Path) -> Result<BackupEngine, StoreError> {
    std::fs::create_dir_all(folder)
        .map_err(|e| StoreError::Engine(format!("cannot create {}: {e}", folder.display())))?;
    Ok(BackupEngine::open(&BackupEngineOptions::new(folder)?, &Env::new()?)?)
}

/// The backups in `folder`, oldest first.
///
/// # Errors
/// What the engine says.
pub fn list(folder: &Path) -> Result<Vec<Backup>, StoreError> {
    let infos = engine(folder)?.get_backup_info();
    Ok(infos.iter().map(|i| Backup { id: i.backup_id, time: i.timestamp, bytes: i.size }).collect())
}

/// Makes a backup of the running database in `folder`, checks it, keeps the newest `keep` (at least 1) and removes
/// older ones.
///
/// # Errors
/// [`StoreError::DiskFull`], [`StoreError::Corrupt`] when the copy does not match its checksums, and what the engine
/// says.
pub fn create(store: &Store, folder: &Path, keep: usize) -> Result<Backup, StoreError> {
    let mut engine = engine(folder)?;
    engine.create_new_backup_flush(&store.db, true)?;
    let newest =
        engine.get_backup_info().last().map(|i| Backup { id: i.backup_id, time: i.timestamp, bytes: i.size });
    let newest = newest.ok_or_else(|| StoreError::Engine("the backup that was made is not there".into()))?;
    engine.verify_backup(newest.id)?;
    engine.purge_old_backups(keep.max(1))?;
    Ok(newest)
}

/// Restores backup `id` (the newest without one) from `folder` to `path`, where nothing may be yet. Checksums are
/// compared.
///
/// A sequencer that starts on a restored database compares it with L1 and refuses when L1 knows batches that it does
/// not: those that were sealed after the backup.
///
/// # Errors
/// [`StoreError::Engine`] when `path` is not empty or there is no such backup; [`StoreError::Corrupt`].
pub fn restore(folder: &Path, id: Option<u32>, path: &Path) -> Result<(), StoreError> {
    let occupied = path.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    if occupied {
        return Err(StoreError::Engine(format!("{} is not empty: move it away first", path.display())));
    }
    let mut engine = engine(folder)?;
    let id = match (id, engine.get_backup_info().last()) {
        (Some(id), _) => id,
        (None, Some(newest)) => newest.backup_id,
        (None, None) => {
            return Err(StoreError::Engine(format!("there is no backup in {}", folder.display())));
        }
    };
    engine.verify_backup(id)?;
    engine.restore_from_backup(path, path, &RestoreOptions::default(), id)?;
    Ok(())
}
