//! What the tasks of the sequencer share: database, engine, and what is known of L1's health.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::batcher::Engine;
use crate::store::Store;
use crate::store::record::L1Block;

/// How L1 is, as far as the sequencer can tell.
#[derive(Clone, Debug, Default)]
pub struct L1Health {
    /// The newest block seen.
    pub head: L1Block,
    /// The last batch committed on L1, however deep.
    pub committed: u64,
    /// Whether it answered the last time.
    pub reachable: bool,
    /// What is wrong, in one line; empty when nothing is.
    pub error: String,
}

/// Shared by all tasks.
pub struct Shared {
    store: Arc<Store>,
    engine: Mutex<Engine>,
    l1: Mutex<L1Health>,
}

impl Shared {
    /// Over an open engine.
    pub fn new(store: Arc<Store>, engine: Engine) -> Arc<Self> {
        Arc::new(Self { store, engine: Mutex::new(engine), l1: Mutex::default() })
    }

    /// The database, for what the engine does not write: the outbox.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Does something with the engine on a thread that may block: it writes to disk and hashes.
    ///
    /// # Errors
    /// What `work` returns.
    ///
    /// # Panics
    /// When `work` panics.
    pub async fn engine<T, E, W>(self: &Arc<Self>, work: W) -> Result<T, E>
    where
        T: Send + 'static,
        E: Send + 'static,
        W: FnOnce(&mut Engine) -> Result<T, E> + Send + 'static,
    {
        let shared = self.clone();
        match tokio::task::spawn_blocking(move || work(&mut shared.lock())).await {
            Ok(result) => result,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// The engine, at once. Whoever panicked with it in hand may have left memory ahead of the disk.
    fn lock(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(|poisoned| {
            let mut engine = poisoned.into_inner();
            engine.spoil();
            engine
        })
    }

    /// What is known of L1.
    pub fn l1(&self) -> L1Health {
        self.l1.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what is known of L1.
    pub fn update_l1(&self, update: impl FnOnce(&mut L1Health)) {
        update(&mut self.l1.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
