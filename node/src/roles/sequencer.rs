//! `janction sequencer`.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use janction_blobs::{BlobError, BlobStore};
use janction_sequencer::api::ApiError;
use janction_sequencer::batcher::EngineError;
use janction_sequencer::gate::ProofGate;
use janction_sequencer::l1::ethereum::Ethereum;
use janction_sequencer::store::StoreError;
use janction_sequencer::{Error, Sequencer};

use crate::config::Config;
use crate::failure::{Advice, Exit, Outcome};
use crate::{keys, net, telemetry};

/// Runs a sequencer until a signal stops it.
///
/// # Errors
/// A port in use, a key that does not open, L1 that is not what the configuration says, a database that cannot be used.
pub async fn run(config: &Config, passwords: Option<&Path>) -> Outcome {
    let own = config.sequencer()?;
    telemetry::start(&config.telemetry)?;
    let shutdown = net::shutdown()?;
    net::must_be_free(own.api.listen, "sequencer.listen")?;
    let signer = keys::l1_signer(config, passwords)?;
    let l1 = Arc::new(Ethereum::connect(&own.l1, signer).await?);
    let blobs = BlobStore::local(&config.blobs_dir())?;
    let handle = Sequencer::start(own, l1, Arc::new(ProofGate::new(&config.keys_dir)), blobs).await?;
    let stopper = handle.stopper();
    let waiting = tokio::spawn(async move {
        shutdown.cancelled().await;
        stopper.cancel();
    });
    let result = handle.wait().await;
    waiting.abort();
    tracing::info!("stopped");
    Ok(result?)
}

impl Advice for BlobError {
    fn code(&self) -> Cow<'static, str> {
        "sequencer.blobs".into()
    }

    fn remedy(&self) -> String {
        "make the folder data_dir/blobs writable, with free space".into()
    }
}

impl Advice for Error {
    fn code(&self) -> Cow<'static, str> {
        let code = match self {
            Error::Config { .. } => "config.invalid",
            Error::L1(error) => return error.code(),
            Error::NotOperator { .. } => "l1.not_operator",
            Error::Genesis { .. } => "l1.wrong_genesis",
            Error::Api(ApiError::Listen { .. }) => "net.cannot_listen",
            Error::Api(ApiError::Tls { .. }) => "sequencer.tls",
            Error::Api(_) => "sequencer.api",
            Error::Store(error) | Error::Engine(EngineError::Store(error)) => match error {
                StoreError::Newer { .. } => "database.newer",
                StoreError::OtherDeployment { .. } => "database.other_deployment",
                StoreError::InUse { .. } => "database.in_use",
                StoreError::DiskFull { .. } => "database.disk_full",
                StoreError::Corrupt { .. } => "database.corrupt",
                StoreError::Encode(_) | StoreError::Engine(_) => "database.engine",
            },
            Error::Engine(_) => "sequencer.engine",
            Error::Blobs(_) => "sequencer.blobs",
        };
        code.into()
    }

    fn remedy(&self) -> String {
        let remedy = match self {
            Error::L1(error) => return error.remedy(),
            Error::Genesis { .. } => {
                "set l1.rollup to a rollup that was deployed for this version's empty ledger"
            }
            Error::NotOperator { .. } => "set l1.key to the key of the rollup's operator",
            Error::Config { .. } => "see docs/operations.md for every key and its form",
            Error::Api(ApiError::Listen { .. }) => "set sequencer.listen to another address",
            Error::Api(_) => "check the files that sequencer.tls names",
            Error::Store(error) | Error::Engine(EngineError::Store(error)) => match error {
                StoreError::Newer { .. } => "run the version that wrote the database, or restore a backup",
                StoreError::OtherDeployment { .. } => "use another data_dir for each deployment",
                StoreError::InUse { .. } => "stop the other process, or use another data_dir",
                StoreError::DiskFull { .. } => {
                    "free space and start again; nothing that was acknowledged is lost"
                }
                StoreError::Corrupt { .. } => "restore the last backup",
                StoreError::Encode(_) | StoreError::Engine(_) => {
                    "check disk and permissions of data_dir and start again"
                }
            },
            Error::Blobs(_) => "make the folder data_dir/blobs writable, with free space",
            Error::Engine(_) => "read the log; nothing that was acknowledged is lost",
        };
        remedy.into()
    }

    fn exit(&self) -> Exit {
        match self {
            Error::Config { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}
