//! `janction prover`.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use janction_prover::cache::CacheError;
use janction_prover::progress::{Progress, Stage};
use janction_prover::{EngineError, ProverError, WorkKeys, node};
use janction_wrap::{SrsError, WrapError};

use crate::config::Config;
use crate::demo::progress::TARGET;
use crate::failure::{Advice, Exit, Outcome};
use crate::{net, telemetry};

/// Runs a prover until a signal stops it. With `prepare` it only makes the keys and the SRS that `prover.work` needs (minutes the first time), so that
/// later starts take seconds.
///
/// # Errors
/// No payee, keys or SRS that cannot be had, a data folder that cannot be used.
pub async fn run(config: &Config, prepare: bool) -> Outcome {
    let own = config.prover()?;
    if !prepare && own.payee == janction_protocol::Address::ZERO {
        // Said before the minutes that keys may take.
        return Err(ProverError::Payee.into());
    }
    // So is this.
    let engines = own.engines().map_err(ProverError::from)?;
    telemetry::start(&config.telemetry)?;
    let shutdown = net::shutdown()?;
    let progress = Arc::new(Logged);
    let (own_keys, told) = (own.clone(), Arc::clone(&progress));
    let building = tokio::task::spawn_blocking(move || WorkKeys::load_or_build(&own_keys, told.as_ref()));
    let keys = tokio::select! {
        built = building => built.map_err(|e| ProverError::Panicked { reason: e.to_string() })??,
        // What is already on disk stays; a thread that builds a key cannot be interrupted, and ends with the process.
        () = shutdown.cancelled() => std::process::exit(i32::from(Exit::Success as u8)),
    };
    if prepare {
        tracing::info!(folder = %own.keys.display(), "keys and SRS are there");
        return Ok(());
    }
    node::run(own, engines, keys, progress, shutdown).await?;
    tracing::info!("stopped");
    Ok(())
}

/// Tells the log.
struct Logged;

impl Progress for Logged {
    fn step(&self, stage: Stage, done: usize, total: usize, elapsed: Duration) {
        let (stage, seconds) = (stage.name(), elapsed.as_secs_f64());
        tracing::info!(target: TARGET, stage, done, total, seconds, "proving");
    }
}

impl Advice for ProverError {
    fn code(&self) -> Cow<'static, str> {
        let code = match self {
            ProverError::Payee => "prover.payee",
            ProverError::SrsPin { .. } => "prover.srs_pin",
            ProverError::Cache(CacheError::Corrupt { .. })
            | ProverError::KeyBytes { .. }
            | ProverError::Srs(SrsError::Malformed { .. })
            | ProverError::Wrap(WrapError::CorruptKey { .. }) => "prover.corrupt_key",
            ProverError::Cache(_)
            | ProverError::Srs(SrsError::Io { .. })
            | ProverError::Wrap(WrapError::Io { .. }) => "prover.cache",
            ProverError::Srs(_) => "prover.srs",
            ProverError::Wrap(_) => "prover.wrap",
            ProverError::Engine(_) => "prover.engine",
            ProverError::Client(_) => "prover.client",
            ProverError::Cancelled => "prover.stopped",
            _ => "prover.failed",
        };
        code.into()
    }

    fn remedy(&self) -> String {
        let remedy = match self {
            ProverError::Payee => "set prover.payee to the L1 address that proofs shall pay",
            ProverError::SrsPin { .. } => {
                "set prover.srs_blake3 to the 64 hexadecimal digits that the ceremony published"
            }
            ProverError::Cache(CacheError::Corrupt { .. })
            | ProverError::KeyBytes { .. }
            | ProverError::Srs(SrsError::Malformed { .. })
            | ProverError::Wrap(WrapError::CorruptKey { .. }) => {
                "delete the file: keys are made again; a ceremony's file must be downloaded again"
            }
            ProverError::Cache(_)
            | ProverError::Srs(SrsError::Io { .. })
            | ProverError::Wrap(WrapError::Io { .. }) => {
                "check space and permissions of data_dir and keys_dir, and that prover.srs_file is there"
            }
            ProverError::Srs(_) => {
                "check prover.srs_file, prover.srs_blake3 and l1.chain_id; a development SRS is for chain 31337 only"
            }
            ProverError::Wrap(_) => "read the log; the program and the keys may be of different versions",
            ProverError::Engine(EngineError::Cuda(_)) => {
                "do what the message says, check prover.gpus (--gpu), or set prover.engine to cpu; `janction doctor` says more"
            }
            ProverError::Engine(_) => "unset JANCTION_SIMD, or set it to what this processor has",
            ProverError::Client(_) => "set sequencer.url to something like http://127.0.0.1:50051",
            ProverError::Cancelled => "start it again: what was finished is kept",
            _ => "read the log; finished parts are kept, so starting it again loses nothing",
        };
        remedy.into()
    }

    fn exit(&self) -> Exit {
        match self {
            ProverError::Payee | ProverError::SrsPin { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}
