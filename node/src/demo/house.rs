//! The house of the demonstration: an L1, the contracts on it, and the roles as processes of their own.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use alloy::signers::local::PrivateKeySigner;

use super::DemoError;
use super::deployment::Deployed;
use super::process::{Process, free_port};
use crate::config::{Config, LogFormat};
use crate::tools;

/// Secret keys of anvil's first accounts, of its well-known mnemonic: they hold ether on every anvil, and nothing
/// anywhere else.
pub const OPERATOR: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
/// L1 keys of the people.
pub const PEOPLE: [&str; 5] = [
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
    "0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
    "0x92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e",
];
/// The prover operator's L1 address, which is paid for proofs.
pub const PAYEE: &str = "0x90F79bf6EB2c4f870365E785982E1f101E93b906";

/// The chain id of anvil, the only one for which a development SRS is accepted.
pub const CHAIN: u64 = 31_337;
/// Seconds between L1 blocks: the chain goes on without transactions, as a real one does.
const BLOCK_SECONDS: u64 = 1;
/// How long a process may take to listen.
const PATIENCE: Duration = Duration::from_secs(60);

/// The folders of a demonstration.
#[derive(Clone, Debug)]
pub struct Folders {
    /// The repository.
    pub root: PathBuf,
    /// `target/demo` in it.
    pub demo: PathBuf,
    /// `target/demo/logs`.
    pub logs: PathBuf,
}

impl Folders {
    /// Empties `target/demo` of the repository at `root`.
    ///
    /// # Errors
    /// `root` is no check-out, or the folder cannot be written.
    pub fn fresh(root: &Path) -> Result<Self, DemoError> {
        if !root.join("verifier-contracts/package.json").exists() {
            return Err(DemoError::NoCheckout { folder: root.to_owned() });
        }
        let demo = root.join("target/demo");
        let logs = demo.join("logs");
        let cannot = |source| DemoError::File { file: demo.clone(), source };
        if demo.exists() {
            fs::remove_dir_all(&demo).map_err(cannot)?;
        }
        fs::create_dir_all(&logs).map_err(cannot)?;
        Ok(Folders { root: root.to_owned(), demo, logs })
    }
}

/// Starts anvil.
///
/// # Errors
/// It does not start or listen.
pub async fn start_l1(folders: &Folders) -> Result<(Process, SocketAddr), DemoError> {
    let address = free_port()?;
    let mut command = Command::new(tools::anvil(&folders.root));
    command.args(["--port", &address.port().to_string(), "--chain-id", &CHAIN.to_string()]);
    command.args(["--block-time", &BLOCK_SECONDS.to_string(), "--mixed-mining"]);
    let mut anvil = Process::start("l1", command, &folders.logs)?;
    anvil.listens(address, PATIENCE).await?;
    Ok((anvil, address))
}

/// The one configuration of all roles, written to `target/demo/janction.toml`.
///
/// # Errors
/// No free port, or the file cannot be written.
pub fn configure(
    folders: &Folders,
    base: &Config,
    url: &str,
    deployed: &Deployed,
) -> Result<(Config, PathBuf), DemoError> {
    let mut config = base.clone();
    config.data_dir = folders.demo.join("data");
    config.l1.url = url.to_owned();
    config.l1.chain_id = CHAIN;
    config.l1.rollup = Some(deployed.rollup.to_string());
    config.l1.first_block = 0;
    config.sequencer.listen = free_port()?;
    config.sequencer.url = format!("http://{}", config.sequencer.listen);
    config.prover.payee = Some(PAYEE.to_owned());
    config.prover.poll_seconds = 1;
    config.l1.confirmations = 0;
    config.l1.poll_ms = 200;
    config.sequencer.batch.max_wait_ms = 500;
    // Everything in one proof.
    config.sequencer.lease.max_batches = 256;
    // The demonstration reads the provers' logs for the seconds of each stage.
    config.telemetry.format = LogFormat::Json;
    let file = write_config(folders, "janction", &config)?;
    Ok((config, file))
}

/// Writes a configuration to `target/demo/NAME.toml`.
///
/// # Errors
/// The file cannot be written.
pub fn write_config(folders: &Folders, name: &str, config: &Config) -> Result<PathBuf, DemoError> {
    let file = folders.demo.join(format!("{name}.toml"));
    let text = toml::to_string(config)
        .map_err(|e| DemoError::Unreadable { what: "the configuration", reason: e.to_string() })?;
    fs::write(&file, text).map_err(|source| DemoError::File { file: file.clone(), source })?;
    Ok(file)
}

/// Starts a role of this same binary; `name` is what it is called in the report, `variables` override the configuration.
///
/// # Errors
/// It does not start.
pub fn start_role(
    folders: &Folders,
    config: &Path,
    name: &str,
    role: &[&str],
    variables: &[(&str, &str)],
) -> Result<Process, DemoError> {
    let binary = std::env::current_exe().map_err(|source| DemoError::Start { name: name.into(), source })?;
    let mut command = Command::new(binary);
    command.arg("--config").arg(config).args(role).env("JANCTION_PASSWORD", super::cli::PASSWORD);
    command.envs(variables.iter().copied());
    Process::start(name, command, &folders.logs)
}

/// One of the well-known keys above.
///
/// # Panics
/// Never: they are keys.
pub fn signer(secret: &str) -> PrivateKeySigner {
    secret.parse().expect("a well-known key")
}
