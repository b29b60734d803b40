//! The running sequencer.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use janction_blobs::BlobStore;
use janction_protocol::ledger::Ledger;
use janction_protocol::{Address, Deployment, Digest, address::AddressError};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::api::{ApiConfig, ApiError, LEAST_MESSAGE_BYTES, Server, report_health};
use crate::batcher::{BatchConfig, Engine, EngineConfig, EngineError, LeaseConfig};
use crate::blobs::{BlobConfig, Blobs};
use crate::clock::unix_ms;
use crate::gate::AuditGate;
use crate::l1::follower::{FollowError, Latest, View, follow};
use crate::l1::poster::{PostError, Poster};
use crate::l1::{FULL_TAIL, L1, L1Config, L1Error};
use crate::mempool::MempoolConfig;
use crate::refusal::Refusal;
use crate::shared::Shared;
use crate::store::{Store, StoreError};

/// How often it is asked whether a batch is due.
const SEAL_TICK: Duration = Duration::from_millis(50);

/// Everything that can be set. Every part has defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the database is: a folder of its own.
    pub database: PathBuf,
    /// The gRPC interface.
    pub api: ApiConfig,
    /// L1.
    pub l1: L1Config,
    /// The mempool.
    pub mempool: MempoolConfig,
    /// Batches.
    pub batch: BatchConfig,
    /// Provers.
    pub lease: LeaseConfig,
    /// What jobs read and write.
    pub blobs: BlobConfig,
    /// Where uploads wait until they have been checked: a folder with room for them, best on the blob store's disk.
    pub incoming: PathBuf,
}

/// Why the sequencer does not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting cannot be used.
    #[error("{key} cannot be used: {why}")]
    Config {
        /// Its place in the configuration.
        key: &'static str,
        /// What is wrong.
        why: String,
    },
    /// L1 is not what the configuration says.
    #[error(transparent)]
    L1(#[from] L1Error),
    /// The key may not commit batches.
    #[error(
        "the L1 key's address {sender} is not the rollup's operator {operator}: configure the operator's key"
    )]
    NotOperator {
        /// The key's address.
        sender: Address,
        /// Who may commit.
        operator: Address,
    },
    /// The contract was deployed with another genesis.
    #[error(
        "the rollup was deployed with genesis root 0x{there}, this protocol's for its address is {expected}: deploy it \
         again with this version"
    )]
    Genesis {
        /// The contract's.
        there: String,
        /// Ours.
        expected: Digest,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The blob store.
    #[error(transparent)]
    Blobs(Refusal),
    /// The interface.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Database and L1 contradict each other, or a write failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<AddressError> for Error {
    fn from(error: AddressError) -> Self {
        Self::Config { key: "l1.chain_id", why: error.to_string() }
    }
}

/// The sequencer.
pub struct Sequencer;

/// A running sequencer. Dropping it stops it without waiting.
pub struct Handle {
    address: SocketAddr,
    shared: Arc<Shared>,
    seal_now: Arc<Notify>,
    stopping: CancellationToken,
    tasks: JoinSet<Result<(), Error>>,
}

impl Sequencer {
    /// Checks L1, opens the database, takes the port and starts.
    ///
    /// - `l1`: the way to L1, with the operator's key;
    /// - `gate`: checks audit proofs;
    /// - `blobs`: where blobs are.
    ///
    /// # Errors
    /// [`Error`]; nothing runs then. L1 must answer at the start: what it is cannot be checked otherwise.
    pub async fn start(
        config: Config,
        l1: Arc<dyn L1>,
        gate: Arc<dyn AuditGate>,
        blobs: BlobStore,
    ) -> Result<Handle, Error> {
        check(&config)?;
        let terms = l1.check().await?;
        if terms.sender != terms.operator {
            return Err(Error::NotOperator { sender: terms.sender, operator: terms.operator });
        }
        let deployment = Deployment::new(config.l1.chain_id, config.l1.rollup)?;
        let genesis = Ledger::genesis(deployment).state().root();
        if let Some(there) = terms.genesis_root.filter(|there| *there != genesis.to_bytes()) {
            return Err(Error::Genesis { there: crate::batcher::hex(&there), expected: genesis });
        }
        let store = Arc::new(Store::open(&config.database, deployment)?);
        let engine_config = EngineConfig {
            deployment,
            mempool: config.mempool.clone(),
            batch: config.batch.clone(),
            lease: config.lease.clone(),
            max_batch_age: terms.max_batch_age,
        };
        let engine = Engine::open(store.clone(), engine_config)?;
        let heads = engine.heads();
        let shared = Shared::new(store, engine);
        let blobs = Blobs::open(blobs, config.blobs.clone(), config.incoming.clone()).await;
        let blobs = Arc::new(blobs.map_err(Error::Blobs)?);
        let stopping = CancellationToken::new();
        let preparing = gate.clone();
        let server = Server::bind(
            config.api.clone(),
            shared.clone(),
            gate,
            blobs,
            stopping.clone(),
            config.l1.confirmations,
            config.mempool.minimum_fee_per_block,
        )
        .await?;
        let (address, health) = (server.address(), server.health());
        tracing::info!(%address, sealed = heads.sealed, committed = heads.committed, proven = heads.proven, "started");
        tokio::task::spawn_blocking(move || preparing.prepare());
        let seal_now = Arc::new(Notify::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { Ok(server.serve().await?) });
        tasks.spawn(seal_loop(shared.clone(), seal_now.clone(), stopping.clone()));
        let poster = Poster::new(l1.clone(), config.l1.clone(), shared.clone());
        tasks.spawn(l1_loop(l1, config.l1, shared.clone(), poster, health, stopping.clone()));
        Ok(Handle { address, shared, seal_now, stopping, tasks })
    }
}

impl Handle {
    /// Where the interface listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the tasks share: for tools and tests in the same process.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Seals a batch of what waits as soon as one may be sealed.
    pub fn seal_now(&self) {
        self.seal_now.notify_one();
    }

    /// A token that stops the sequencer.
    pub fn stopper(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Waits until the sequencer has stopped, by [`Handle::stopper`] or because it cannot go on.
    ///
    /// # Errors
    /// Why it cannot go on.
    ///
    /// # Panics
    /// When a task panicked.
    pub async fn wait(mut self) -> Result<(), Error> {
        let mut result = Ok(());
        while let Some(ended) = self.tasks.join_next().await {
            // Whichever ends first takes the others with it.
            self.stopping.cancel();
            match ended {
                Ok(ended) => result = result.and(ended),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => {}
            }
        }
        result
    }

    /// Stops: requests in work finish first.
    ///
    /// # Errors
    /// As [`Handle::wait`].
    pub async fn stop(self) -> Result<(), Error> {
        self.stopping.cancel();
        self.wait().await
    }
}

fn check(config: &Config) -> Result<(), Error> {
    let wrong = |key, why: &str| Err(Error::Config { key, why: why.into() });
    if config.database.as_os_str().is_empty() {
        return wrong("database", "it is empty; name a folder");
    }
    if config.incoming.as_os_str().is_empty() {
        return wrong("incoming", "it is empty; name a folder");
    }
    if config.batch.max_blocks < janction_protocol::stream::MAX_BLOCKS {
        return wrong("sequencer.batch.max_blocks", "the largest transaction has 4 blocks");
    }
    if !(FULL_TAIL..=usize::from(u16::MAX)).contains(&config.batch.max_l1_operations) {
        let why =
            "it must be between 64, so that a backlog of L1 operations can always be worked off, and 65,535";
        return wrong("sequencer.batch.max_l1_operations", why);
    }
    if config.api.max_message_bytes < LEAST_MESSAGE_BYTES {
        return wrong(
            "sequencer.max_message_bytes",
            "parts of a witness take up to 2 MiB: it must be at least 2,162,688",
        );
    }
    if config.l1.bump_percent < 10 {
        return wrong("l1.bump_percent", "nodes ask for at least 10 % more for a replacement");
    }
    if config.lease.duration_ms == 0 {
        return wrong("sequencer.lease.duration_ms", "it must be positive");
    }
    Ok(())
}

/// Whether the process cannot go on: database and L1 contradict each other, or nothing can be written.
fn is_fatal(error: &EngineError) -> bool {
    !matches!(error, EngineError::Gap { .. } | EngineError::Close(_))
}

/// Keeping house fails only as the database does.
fn house(refusal: Refusal) -> EngineError {
    match refusal {
        Refusal::Store(error) => error.into(),
        _ => EngineError::Spoiled,
    }
}

async fn seal_loop(
    shared: Arc<Shared>,
    seal_now: Arc<Notify>,
    stopping: CancellationToken,
) -> Result<(), Error> {
    let mut asked = false;
    loop {
        tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            () = seal_now.notified() => asked = true,
            () = tokio::time::sleep(SEAL_TICK) => {}
        }
        let (committed, force) = (shared.l1().committed, asked);
        let sealed = shared.engine(move |engine| {
            let now = unix_ms() / 1000;
            engine.keep_house().map_err(house)?;
            let due = engine.is_due(committed, now) || (force && engine.may_seal(committed, now));
            Ok::<_, EngineError>((due, if due { engine.seal()? } else { None }))
        });
        match sealed.await {
            Ok((tried, _)) => asked &= !tried,
            Err(error) if is_fatal(&error) => return Err(error.into()),
            Err(error) => {
                tracing::error!(%error, "no batch could be sealed");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn l1_loop(
    l1: Arc<dyn L1>,
    config: L1Config,
    shared: Arc<Shared>,
    mut poster: Poster,
    health: tonic_health::server::HealthReporter,
    stopping: CancellationToken,
) -> Result<(), Error> {
    let mut wait = config.poll_ms;
    loop {
        let looked = tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            looked = look(&*l1, &config, &shared, &mut poster) => looked,
        };
        let problem = match looked {
            Ok(()) => None,
            Err(Problem::Fatal(error)) => {
                report_health(&health, false, false).await;
                return Err(error);
            }
            Err(Problem::Passing(error)) => Some(error),
        };
        wait = match &problem {
            None => config.poll_ms,
            Some(error) => {
                tracing::warn!(%error, wait_ms = wait, "L1");
                wait.saturating_mul(2).clamp(config.poll_ms, config.max_backoff_ms)
            }
        };
        report_health(&health, true, problem.is_none()).await;
        metrics::gauge!("sequencer_l1_healthy").set(if problem.is_none() { 1.0 } else { 0.0 });
        shared.update_l1(|known| known.error = problem.unwrap_or_default());
        tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            () = tokio::time::sleep(Duration::from_millis(wait)) => {}
        }
    }
}

enum Problem {
    /// It may pass.
    Passing(String),
    /// It cannot.
    Fatal(Error),
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        if is_fatal(&error) { Self::Fatal(error.into()) } else { Self::Passing(error.to_string()) }
    }
}

/// One look at L1 and one step of posting.
async fn look(
    l1: &dyn L1,
    config: &L1Config,
    shared: &Arc<Shared>,
    poster: &mut Poster,
) -> Result<(), Problem> {
    let view = match follow(l1, config, shared).await {
        Ok(view) => view,
        Err(FollowError::Engine(error)) => return Err(error.into()),
        Err(error) => {
            let answers = !matches!(error, FollowError::L1(L1Error::Unreachable { .. }));
            shared.update_l1(|known| known.reachable = answers);
            return Err(Problem::Passing(error.to_string()));
        }
    };
    let (head, asked) = (view.head, view.clone());
    let latest: Latest = shared.engine(move |engine| engine.latest(&asked)).await?;
    shared.update_l1(|known| {
        known.head = head;
        known.reachable = true;
        known.committed = latest.heads.committed;
    });
    metrics::gauge!("sequencer_l1_head").set(head.number as f64);
    post(poster, &view).await
}

async fn post(poster: &mut Poster, view: &View) -> Result<(), Problem> {
    match poster.step(view).await {
        Ok(()) => Ok(()),
        Err(PostError::Engine(error)) => Err(error.into()),
        Err(PostError::Store(error)) => Err(Problem::Fatal(error.into())),
        Err(error) => Err(Problem::Passing(error.to_string())),
    }
}
