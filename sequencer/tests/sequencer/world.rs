//! People, keys and shorthands.

use std::path::Path;
use std::sync::Arc;

use janction_blobs::BlobStore;
use janction_protocol::claim::Claim;
use janction_protocol::crypto::SecretKey;
use janction_protocol::state::{Index, Key};
use janction_protocol::transaction::{SignedTransaction, Transaction, Transfer, Withdraw};
use janction_protocol::transition::Role;
use janction_protocol::{Address, Amount, Deployment};
use janction_sequencer::batcher::admit::Submission;
use janction_sequencer::batcher::{BatchConfig, Engine, EngineConfig, LeaseConfig};
use janction_sequencer::gate::AuditGate;
use janction_sequencer::l1::L1Config;
use janction_sequencer::l1::follower::{View, follow};
use janction_sequencer::l1::poster::{PostError, Poster};
use janction_sequencer::mempool::MempoolConfig;
use janction_sequencer::refusal::Refusal;
use janction_sequencer::shared::Shared;
use janction_sequencer::store::Store;

use crate::fake_l1::{FakeL1, MAX_BATCH_AGE, rollup};

pub const FEE: u64 = 10_000;

pub fn deployment() -> Deployment {
    Deployment::new(31_337, rollup()).unwrap()
}

pub fn secret(n: u8) -> SecretKey {
    SecretKey::from_entropy(&[n; 64]).unwrap()
}

pub fn key(n: u8) -> Key {
    secret(n).public().into()
}

pub fn units(units: u64) -> Amount {
    Amount::new(units).unwrap()
}

pub fn sign(n: u8, nonce: u32, transaction: impl Into<Transaction>) -> SignedTransaction {
    SignedTransaction::sign(transaction, nonce, &deployment(), Role::Owner, &secret(n)).unwrap()
}

/// Account and key have the same number.
pub fn transfer(from: u8, nonce: u32, to: Index, value: u64) -> SignedTransaction {
    transfer_paying(from, nonce, to, value, FEE)
}

pub fn transfer_paying(from: u8, nonce: u32, to: Index, value: u64, fee: u64) -> SignedTransaction {
    let transfer = Transfer { fee: units(fee), from: from.into(), to, value: units(value) };
    sign(from, nonce, transfer)
}

pub fn withdraw(from: u8, nonce: u32, value: u64) -> SignedTransaction {
    let withdraw =
        Withdraw { fee: units(FEE), account: from.into(), value: units(value), address: Address([7; 20]) };
    sign(from, nonce, withdraw)
}

pub fn submission(signed: &SignedTransaction) -> Submission {
    Submission::new(signed.encode().unwrap(), vec![]).unwrap()
}

pub fn admit(engine: &mut Engine, signed: &SignedTransaction) -> Result<[u8; 32], Refusal> {
    engine.admit(submission(signed))
}

pub fn engine_config() -> EngineConfig {
    EngineConfig {
        deployment: deployment(),
        mempool: MempoolConfig::default(),
        batch: BatchConfig::default(),
        lease: LeaseConfig::default(),
        max_batch_age: MAX_BATCH_AGE,
    }
}

pub fn l1_config() -> L1Config {
    L1Config {
        rollup: rollup(),
        confirmations: 2,
        bump_after_ms: 200,
        poll_ms: 20,
        max_backoff_ms: 100,
        ..L1Config::default()
    }
}

/// Takes the one audit proof that there is.
pub struct OneProof;

pub const PROOF: &[u8] = b"an audit proof";

impl AuditGate for OneProof {
    fn check(&self, _: &Claim, proof: &[u8]) -> Result<(), String> {
        if proof == PROOF { Ok(()) } else { Err("it does not verify".into()) }
    }
}

/// A blob store in this folder.
pub fn blobs(folder: &Path) -> BlobStore {
    BlobStore::local(&folder.join("blobs")).unwrap()
}

/// A sequencer whose parts a test moves one by one.
pub struct Stage {
    pub l1: Arc<FakeL1>,
    pub shared: Arc<Shared>,
    pub poster: Poster,
}

impl Stage {
    pub fn open(folder: &Path) -> Self {
        Self::with(folder, engine_config(), l1_config())
    }

    pub fn with(folder: &Path, engine_config: EngineConfig, l1_config: L1Config) -> Self {
        let l1 = Arc::new(FakeL1::open(folder));
        let store = Arc::new(Store::open(&folder.join("database"), deployment()).unwrap());
        let engine = Engine::open(store.clone(), engine_config).unwrap();
        let shared = Shared::new(store, engine);
        let poster = Poster::new(l1.clone(), l1_config, shared.clone());
        Self { l1, shared, poster }
    }

    pub async fn follow(&self) -> View {
        follow(&*self.l1, &l1_config(), &self.shared).await.unwrap()
    }

    pub async fn step(&mut self) -> Result<(), PostError> {
        let view = self.follow().await;
        self.poster.step(&view).await
    }

    pub async fn engine<T: Send + 'static>(&self, work: impl FnOnce(&mut Engine) -> T + Send + 'static) -> T {
        self.shared.engine(|engine| Ok::<T, Refusal>(work(engine))).await.unwrap()
    }

    /// Three wallets with money, in a sealed batch that is not on L1 yet.
    pub async fn found(&self) {
        (1..=3).for_each(|n| self.l1.deposit(key(n), 1_000_000_000));
        self.l1.mine_many(2);
        self.follow().await;
        assert_eq!(self.engine(|engine| engine.seal().unwrap()).await, Some(1));
    }

    pub async fn seal_transfer(&self, from: u8, nonce: u32) -> Option<u64> {
        self.engine(move |engine| {
            admit(engine, &transfer(from, nonce, 3, 5)).unwrap();
            engine.seal().unwrap()
        })
        .await
    }
}
