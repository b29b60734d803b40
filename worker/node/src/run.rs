//! The worker as a process.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use janction_executor::{Executor, open};
use janction_protocol::Deployment;
use janction_protocol::crypto::{PublicKey, SecretKey};
use janction_protocol::state::{AccountKind, Index};
use janction_protocol::transition::Role;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::board::{Board, Claims, RETRY_MAX, RETRY_MIN, follow};
use crate::client::Client;
use crate::execute::{Runner, shares};
use crate::failpoint::Failpoint;
use crate::files::Files;
use crate::prepare::prepare;
use crate::record::{Records, make_folder};
use crate::unit::{Shared, Unit};
use crate::{AuditKeys, WorkerConfig, WorkerError};

/// The only chain on which results may be falsified.
const DEVELOPMENT_CHAIN: u64 = 31_337;

/// What a worker's operator must know before it stakes; said at every start.
pub const WARNING: &str = "stake can be lost without your fault: until transactions can be forced through L1 (submitClaim, \
    forceTransaction), a sequencer that censors or takes back your reveal, Submit or Settle until its window is over \
    causes a forfeit or a slash. Work only for sequencers that you trust in this (docs/worker.md)";

/// What the units of a process share: the device and recompiled audit keys.
#[derive(Clone)]
pub struct Machine {
    /// Runs programs.
    pub executor: Arc<dyn Executor>,
    /// Audit keys.
    pub audit_keys: Arc<AuditKeys>,
}

impl Machine {
    /// Opens the configured device. Takes seconds on a GPU, whose kernels are compiled.
    ///
    /// # Errors
    /// [`WorkerError::Executor`] when a GPU was asked for by number and cannot be used; [`WorkerError::Io`].
    pub fn open(config: &WorkerConfig) -> Result<Self, WorkerError> {
        let opened = open(config.device.into(), Some(&config.data.join("kernels")))?;
        if let Some(reason) = &opened.no_gpu {
            tracing::info!(%reason, "no GPU is used");
        }
        tracing::info!(device = %opened.executor.device(), "programs run on");
        let audit_keys = Arc::new(AuditKeys::on_disk(config.data.join("audit-keys"))?);
        Ok(Self { executor: opened.executor.into(), audit_keys })
    }
}

/// Serves the configured units until `shutdown`.
///
/// `operator_key` is the units' operator key, or their owner's; all configured units have the same. Everything that must
/// survive is on disk before it is sent, so the process may be killed at any time: started again, it goes on with the
/// same jobs.
///
/// # Errors
/// Those of [`WorkerError::is_fatal`]: what is configured cannot work, or a record of an open bid is damaged. Whatever may
/// pass (no answer, a refusal, a full disk) is logged with its code and tried again.
pub async fn run(
    config: WorkerConfig,
    operator_key: SecretKey,
    shutdown: CancellationToken,
) -> Result<(), WorkerError> {
    let own = config.clone();
    let opening = tokio::task::spawn_blocking(move || Machine::open(&own));
    let machine = tokio::select! {
        machine = opening => machine.map_err(WorkerError::panicked)??,
        () = shutdown.cancelled() => return Ok(()),
    };
    run_on(config, machine, operator_key, shutdown).await
}

/// [`run`] on a machine that is open already.
///
/// # Errors
/// As [`run`].
pub async fn run_on(
    config: WorkerConfig,
    machine: Machine,
    operator_key: SecretKey,
    shutdown: CancellationToken,
) -> Result<(), WorkerError> {
    tokio::select! {
        result = serve(config, machine, operator_key, Failpoint::default()) => result,
        () = shutdown.cancelled() => Ok(()),
    }
}

/// Ends only with an error.
pub(crate) async fn serve(
    config: WorkerConfig,
    machine: Machine,
    operator_key: SecretKey,
    failpoint: Failpoint,
) -> Result<(), WorkerError> {
    check(&config)?;
    make_folder(&config.data)?;
    let _lock = lock(&config.data)?;
    tracing::warn!("{WARNING}");
    let client = Client::new(&config.sequencer)?;
    let deployment = patiently(|| ledger(client.clone(), config.clone())).await?;
    tracing::info!(sequencer = config.sequencer, rollup = %deployment.rollup(), "connected");

    let (sender, board) = watch::channel(Board::new());
    let shares = shares(&*machine.executor, &config)?;
    let shared = Arc::new(Shared {
        deployment,
        files: Files::open(&config.data)?,
        claims: Claims::new(config.max_concurrent),
        audit_keys: machine.audit_keys,
        key: operator_key,
        failpoint,
        config,
    });
    let mut tasks = JoinSet::new();
    for &index in &shared.config.units {
        let role = patiently(|| role(client.clone(), index, shared.key.public())).await?;
        let records = Records::open(&shared.config.data, index, shared.failpoint.clone())?;
        let executor = Arc::clone(shares.get(&index).unwrap_or(&machine.executor));
        let runner = Runner { executor, falsify: shared.config.falsify.clone() };
        let (client, board) = (client.clone(), board.clone());
        let unit = Unit::new(index, role, records, client, board, Arc::clone(&shared), runner)?;
        tasks.spawn(unit.serve());
    }
    let preparing = (client.clone(), board.clone(), Arc::clone(&shared));
    tasks.spawn(async move {
        tokio::join!(follow(client, sender), prepare(preparing.0, preparing.1, preparing.2));
        Ok(())
    });
    // The first end of any of them is an error; dropping the rest stops them where they stand, as a kill would.
    match tasks.join_next().await {
        Some(ended) => ended.map_err(WorkerError::panicked)?,
        None => Ok(()),
    }
}

/// What can be said before anything is opened.
fn check(config: &WorkerConfig) -> Result<(), WorkerError> {
    if config.units.is_empty() {
        return Err(WorkerError::NoUnits);
    }
    if config.max_concurrent == 0 {
        return Err(WorkerError::NoJobs);
    }
    if config.vram_mib == Some(0) {
        return Err(WorkerError::NoVram);
    }
    let chain = config.chain_id;
    if chain != DEVELOPMENT_CHAIN {
        if config.falsify.is_some() {
            return Err(WorkerError::Falsify { chain });
        }
        if config.rollup.is_none() {
            return Err(WorkerError::NoRollup { chain });
        }
    }
    Ok(())
}

/// Two processes with one folder would sign against each other.
fn lock(data: &Path) -> Result<File, WorkerError> {
    let path = data.join("lock");
    let file = File::create(&path).map_err(WorkerError::io("create", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(WorkerError::InUse { folder: data.to_owned() }),
        Err(TryLockError::Error(error)) => Err(WorkerError::io("lock", &path)(error)),
    }
}

/// The ledger that the sequencer serves, if it is the configured one.
async fn ledger(mut client: Client, config: WorkerConfig) -> Result<Deployment, WorkerError> {
    let deployment = client.info().await?.deployment;
    if deployment.chain_id() != config.chain_id {
        return Err(WorkerError::Chain { expected: config.chain_id, got: deployment.chain_id() });
    }
    match config.rollup {
        Some(expected) if expected != deployment.rollup() => {
            Err(WorkerError::Rollup { expected, got: deployment.rollup() })
        }
        _ => Ok(deployment),
    }
}

/// In which role the key signs for a unit.
async fn role(mut client: Client, index: Index, key: PublicKey) -> Result<Role, WorkerError> {
    let account = match client.account(index).await {
        Err(error) if error.refusal() == "not-found" => return Err(WorkerError::NotAUnit { index }),
        answer => answer?.account,
    };
    let public = key.into();
    match account {
        account if account.kind != AccountKind::Unit => Err(WorkerError::NotAUnit { index }),
        account if account.operator == public => Ok(Role::Operator),
        account if account.owner == public => Ok(Role::Owner),
        _ => Err(WorkerError::NotTheOperator { index }),
    }
}

/// Tries until the answer is one that no waiting changes.
async fn patiently<T, F: Future<Output = Result<T, WorkerError>>>(
    mut ask: impl FnMut() -> F,
) -> Result<T, WorkerError> {
    let mut wait: Duration = RETRY_MIN;
    loop {
        match ask().await {
            Err(error) if !error.is_fatal() => {
                tracing::warn!(code = error.code(), %error, retry_in = ?wait, "not started yet");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(RETRY_MAX);
            }
            answer => return answer,
        }
    }
}
