//! The contracts of the demonstration, deployed with the deployment script.
//!
//! Until the prover's keys give a generated verifier, a contract that reverts on every call stands in its place: it
//! accepts no proof, so nothing can be claimed, and the report says that this was not reached.

use std::fs;
use std::process::Stdio;

use alloy::primitives::{Address, B256};
use janction_protocol::Deployment;
use janction_protocol::ledger::Ledger;
use serde::Deserialize;

use super::DemoError;
use super::house::{CHAIN, Folders, OPERATOR};

/// Creation code of a contract whose whole code is `revert(0, 0)`.
const REFUSES: &str = "0x600580600b6000396000f360006000fd";

/// What was deployed.
#[derive(Clone, Debug, Deserialize)]
pub struct Deployed {
    /// JCT.
    pub token: Address,
    /// The rollup.
    pub rollup: Address,
    /// Whether its verifier can accept a proof.
    #[serde(skip)]
    pub proves: bool,
}

/// Where the rollup will be.
#[derive(Deserialize)]
struct Prediction {
    rollup: Address,
}

/// Deploys token, verifier, wrapper and rollup.
///
/// # Errors
/// The script fails, or its answer cannot be read.
pub async fn deploy(folders: &Folders, url: &str) -> Result<Deployed, DemoError> {
    let text = script(folders, &["--predict", "--rpc", url]).await?;
    let Prediction { rollup } = read(&text)?;
    let address = janction_protocol::Address(rollup.into_array());
    let deployment = Deployment::new(CHAIN, address)
        .map_err(|e| DemoError::Unreadable { what: "the prediction", reason: e.to_string() })?;
    let root = B256::from(Ledger::genesis(deployment).state().root().to_bytes()).to_string();

    let verifier = folders.demo.join("verifier.hex");
    fs::write(&verifier, REFUSES).map_err(|source| DemoError::File { file: verifier.clone(), source })?;
    let (verifier, rollup, srs) = (path(&verifier), rollup.to_string(), B256::ZERO.to_string());
    let out = folders.demo.join("deployment.json");
    let out_text = path(&out);
    let arguments = [
        "--rpc",
        url,
        "--genesis-root",
        &root,
        "--rollup",
        &rollup,
        "--verifier",
        &verifier,
        "--proof-length",
        "1",
        "--srs-hash",
        &srs,
        "--development-srs",
        "--out",
        &out_text,
    ];
    script(folders, &arguments).await?;
    read(&fs::read(&out).map_err(|source| DemoError::File { file: out, source })?)
}

fn path(path: &std::path::Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

fn read<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, DemoError> {
    serde_json::from_slice(text)
        .map_err(|e| DemoError::Unreadable { what: "the deployment's answer", reason: e.to_string() })
}

/// Runs the script; what it printed.
async fn script(folders: &Folders, arguments: &[&str]) -> Result<Vec<u8>, DemoError> {
    let log = folders.logs.join("deploy.log");
    let mut command = tokio::process::Command::new("node");
    command.arg("script/deploy.mjs").args(arguments).current_dir(folders.root.join("verifier-contracts"));
    command.env("JANCTION_DEPLOYER_KEY", OPERATOR).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await;
    let output =
        output.map_err(|source| DemoError::Start { name: "the deployment script".into(), source })?;
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    fs::write(&log, text).map_err(|source| DemoError::File { file: log, source })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let reason = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("no message").to_owned();
    Err(DemoError::Deployment { reason })
}
