//! `janction worker run`.

use std::borrow::Cow;
use std::path::Path;

use janction_worker::WorkerError;

use crate::config::{Config, ConfigError};
use crate::failure::{Advice, Exit, Outcome};
use crate::{keys, net, telemetry};

/// Runs this machine's units until a signal stops it.
///
/// # Errors
/// No units or key configured, a key that does not open, what no waiting changes.
pub async fn run(config: &Config, passwords: Option<&Path>) -> Outcome {
    let own = config.worker()?;
    if own.units.is_empty() {
        return Err(WorkerError::NoUnits.into());
    }
    let name = config.worker.key.as_deref().ok_or(ConfigError::Missing { key: "worker.key" })?;
    telemetry::start(&config.telemetry)?;
    let shutdown = net::shutdown()?;
    let key = keys::open_operator(config, name, passwords)?;
    janction_worker::run(own, key, shutdown).await?;
    tracing::info!("stopped");
    Ok(())
}

impl Advice for WorkerError {
    fn code(&self) -> Cow<'static, str> {
        // The crate's words are written with hyphens, those of the command line with underscores.
        WorkerError::code(self).replace('-', "_").into()
    }

    fn remedy(&self) -> String {
        let remedy = match self {
            Self::NoUnits => "set worker.units to the units that `janction worker register` made",
            Self::NoJobs => "set worker.max_concurrent to 1 or more",
            Self::Chain { .. } => "set sequencer.url or l1.chain_id to what is meant",
            Self::Rollup { .. } | Self::NoRollup { .. } => "set l1.rollup to the rollup's address",
            Self::NotAUnit { .. } => "`janction worker status OWNER` lists an owner's units",
            Self::NotTheOperator { .. } => {
                "set worker.key to the operator key that the unit was registered with"
            }
            Self::Falsify { .. } | Self::FalsifyRow { .. } => "leave worker.falsify out",
            Self::InUse { .. } => "stop the other worker, or use another data_dir",
            Self::Io { .. } => "check space and permissions of data_dir",
            Self::Record { .. } => "restore it from a backup; it may hold the salt of an open bid",
            Self::Client(_) => "check sequencer.url, and that the sequencer runs",
            Self::NoVram => "leave worker.vram_mib out, or set it to the MiB that each unit may take",
            Self::Vram { .. } => {
                "leave worker.vram_mib out, or set it so that all units leave the driver a tenth of the GPU's memory, at most 1 GiB"
            }
            Self::Executor(_) => "run `janction doctor`, or set worker.device to cpu",
            _ => "read the log; starting it again goes on with the same jobs",
        };
        remedy.into()
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoUnits
            | Self::NoJobs
            | Self::NoRollup { .. }
            | Self::Falsify { .. }
            | Self::NoVram
            | Self::Vram { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}
