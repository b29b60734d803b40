//! The database: RocksDB, one column family per kind of record, one atomic and synced write per step of progress.
//!
//! RocksDB checks a CRC of every block that it reads. On top of that the sequencer compares, when it starts, the roots
//! of the leaves that it reads with the ledger state that stands beside them.

pub mod backup;
pub mod column;
mod error;
pub mod record;

pub use error::StoreError;

use std::path::{Path, PathBuf};

use janction_protocol::Deployment;
use janction_protocol::state::LedgerState;
use janction_rpc::encoding;
use rocksdb::{
    ColumnFamily, DB, DBCompressionType, Direction, IteratorMode, Options, WriteBatch, WriteOptions,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failpoint;
use column::{COLUMNS, Column, ColumnKey, Leases};
use record::{Heads, L1Cursor, LeaseId};

/// The schema that this version writes. Schema 2 has the columns of jobs, and leases with a holder; a database of schema
/// 1 is brought up to it when it is opened (leases end, since provers ask again).
pub const SCHEMA: u32 = 2;

/// The column family of the few values that there is one of.
pub const META: &str = "meta";

/// A value that there is one of.
pub trait Single {
    /// Its key in the column family [`META`].
    const KEY: &'static str;
}

impl Single for LedgerState {
    const KEY: &'static str = "ledger";
}

impl Single for Heads {
    const KEY: &'static str = "heads";
}

impl Single for L1Cursor {
    const KEY: &'static str = "l1";
}

impl Single for Deployment {
    const KEY: &'static str = "deployment";
}

const SCHEMA_KEY: &str = "schema";

/// The open database.
pub struct Store {
    db: DB,
    path: PathBuf,
}

/// Writes that take effect together or not at all.
pub struct Progress<'a> {
    store: &'a Store,
    batch: WriteBatch,
}

fn options() -> Options {
    let mut options = Options::default();
    options.set_compression_type(DBCompressionType::Lz4);
    options
}

fn is_lock(error: &rocksdb::Error) -> bool {
    let why = error.as_ref();
    why.contains("lock") && (why.contains("LOCK") || why.contains("lock hold"))
}

impl Store {
    /// Opens the database of `deployment` at `path`; makes it if there is none.
    ///
    /// # Errors
    /// [`StoreError::Newer`], [`StoreError::OtherDeployment`], [`StoreError::InUse`] and what the engine says.
    pub fn open(path: &Path, deployment: Deployment) -> Result<Self, StoreError> {
        if path.join("CURRENT").exists() {
            check_schema(path)?;
        } else {
            std::fs::create_dir_all(path).map_err(|e| StoreError::folder(path, &e))?;
        }
        let mut options = options();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        let columns = std::iter::once(META).chain(COLUMNS.iter().copied());
        let db = DB::open_cf(&options, path, columns).map_err(|e| match is_lock(&e) {
            true => StoreError::InUse { path: path.to_owned() },
            false => e.into(),
        })?;
        let store = Self { db, path: path.to_owned() };
        match store.single::<Deployment>()? {
            Some(found) if found != deployment => {
                return Err(StoreError::OtherDeployment { path: path.to_owned(), found, wanted: deployment });
            }
            Some(_) => store.upgrade()?,
            None => {
                let mut progress = store.begin();
                progress.put_meta(SCHEMA_KEY, &SCHEMA)?;
                progress.set(&deployment)?;
                progress.commit()?;
            }
        }
        Ok(store)
    }

    /// Brings a database of an older schema up to this one.
    fn upgrade(&self) -> Result<(), StoreError> {
        let bytes = self.db.get_pinned_cf(self.family(META)?, SCHEMA_KEY)?;
        let found: Option<u32> = bytes.map(|bytes| encoding::decode(&bytes)).transpose()?;
        if found == Some(SCHEMA) {
            return Ok(());
        }
        tracing::info!(?found, schema = SCHEMA, "upgrading the database");
        let mut progress = self.begin();
        progress.delete_range::<Leases>(&LeaseId([0; 16]), &LeaseId([0xff; 16]))?;
        progress.put_meta(SCHEMA_KEY, &SCHEMA)?;
        progress.commit()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A value that there is one of.
    ///
    /// # Errors
    /// What the engine says; a damaged value.
    pub fn single<T: Single + DeserializeOwned>(&self) -> Result<Option<T>, StoreError> {
        let bytes = self.db.get_pinned_cf(self.family(META)?, T::KEY)?;
        Ok(bytes.map(|bytes| encoding::decode(&bytes)).transpose()?)
    }

    /// The value at `key`.
    ///
    /// # Errors
    /// What the engine says; a damaged value.
    pub fn get<C: Column>(&self, key: &C::Key) -> Result<Option<C::Value>, StoreError> {
        let bytes = self.db.get_pinned_cf(self.family(C::NAME)?, key.to_bytes())?;
        Ok(bytes.map(|bytes| encoding::decode(&bytes)).transpose()?)
    }

    /// Values from `key` on, in the order of their keys.
    ///
    /// # Errors
    /// What the engine says, also later from the iterator; a damaged value.
    pub fn from<C: Column>(
        &self,
        key: &C::Key,
    ) -> Result<impl Iterator<Item = Result<Entry<C>, StoreError>> + '_, StoreError> {
        let start = key.to_bytes();
        let family = self.family(C::NAME)?;
        let iterator = self.db.iterator_cf(family, IteratorMode::From(&start, Direction::Forward));
        Ok(iterator.map(read::<C>))
    }

    /// All values, in the order of their keys.
    ///
    /// # Errors
    /// As [`Store::from`].
    pub fn all<C: Column>(
        &self,
    ) -> Result<impl Iterator<Item = Result<Entry<C>, StoreError>> + '_, StoreError> {
        Ok(self.db.iterator_cf(self.family(C::NAME)?, IteratorMode::Start).map(read::<C>))
    }

    /// The last value by key.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub fn last<C: Column>(&self) -> Result<Option<Entry<C>>, StoreError> {
        self.db.iterator_cf(self.family(C::NAME)?, IteratorMode::End).next().map(read::<C>).transpose()
    }

    /// Begins a step of progress.
    pub fn begin(&self) -> Progress<'_> {
        Progress { store: self, batch: WriteBatch::default() }
    }

    fn family(&self, name: &str) -> Result<&ColumnFamily, StoreError> {
        self.db
            .cf_handle(name)
            .ok_or_else(|| StoreError::Corrupt { what: format!("column family {name} is missing") })
    }
}

/// A key and its value.
pub type Entry<C> = (<C as Column>::Key, <C as Column>::Value);

type RawEntry = Result<(Box<[u8]>, Box<[u8]>), rocksdb::Error>;

fn read<C: Column>(entry: RawEntry) -> Result<Entry<C>, StoreError> {
    let (key, value) = entry?;
    let key = C::Key::from_bytes(&key).ok_or_else(|| StoreError::Corrupt {
        what: format!("a key in column family {} is malformed", C::NAME),
    })?;
    Ok((key, encoding::decode(&value)?))
}

/// Looks at the schema before anything else is opened: a later one may have columns that this version cannot open.
fn check_schema(path: &Path) -> Result<(), StoreError> {
    let db = DB::open_cf_for_read_only(&options(), path, [META], false)?;
    let family =
        db.cf_handle(META).ok_or_else(|| StoreError::Corrupt { what: "it has no meta column".into() })?;
    // No schema: the very first write, which holds it, did not happen.
    let Some(bytes) = db.get_pinned_cf(family, SCHEMA_KEY)? else { return Ok(()) };
    let found: u32 = encoding::decode(&bytes)?;
    if found > SCHEMA {
        return Err(StoreError::Newer { path: path.to_owned(), found, supported: SCHEMA });
    }
    Ok(())
}

impl Progress<'_> {
    /// Puts a value.
    ///
    /// # Errors
    /// A value that cannot be written.
    pub fn put<C: Column>(&mut self, key: &C::Key, value: &C::Value) -> Result<(), StoreError> {
        self.batch.put_cf(self.store.family(C::NAME)?, key.to_bytes(), encoding::encode(value)?);
        Ok(())
    }

    /// Removes a value; nothing happens when there is none.
    ///
    /// # Errors
    /// A missing column family.
    pub fn delete<C: Column>(&mut self, key: &C::Key) -> Result<(), StoreError> {
        self.batch.delete_cf(self.store.family(C::NAME)?, key.to_bytes());
        Ok(())
    }

    /// Removes the values from `first` up to, but without, `end`.
    ///
    /// # Errors
    /// A missing column family.
    pub fn delete_range<C: Column>(&mut self, first: &C::Key, end: &C::Key) -> Result<(), StoreError> {
        self.batch.delete_range_cf(self.store.family(C::NAME)?, first.to_bytes(), end.to_bytes());
        Ok(())
    }

    /// Sets a value that there is one of.
    ///
    /// # Errors
    /// A value that cannot be written.
    pub fn set<T: Single + Serialize>(&mut self, value: &T) -> Result<(), StoreError> {
        self.put_meta(T::KEY, value)
    }

    fn put_meta<T: Serialize>(&mut self, key: &str, value: &T) -> Result<(), StoreError> {
        self.batch.put_cf(self.store.family(META)?, key, encoding::encode(value)?);
        Ok(())
    }

    /// Writes everything at once and waits until it is on the disk.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] and what the engine says; then nothing of it has taken effect.
    pub fn commit(self) -> Result<(), StoreError> {
        failpoint::hit("write");
        let mut options = WriteOptions::default();
        options.set_sync(true);
        let start = std::time::Instant::now();
        self.store.db.write_opt(self.batch, &options)?;
        metrics::histogram!("sequencer_store_write_seconds").record(start.elapsed().as_secs_f64());
        failpoint::hit("write");
        Ok(())
    }
}

#[cfg(test)]
mod tests;
