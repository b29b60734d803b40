//! The contracts of the demonstration, deployed with the deployment script.

use std::fs;
use std::process::Stdio;

use alloy::primitives::{Address, B256};
use janction_protocol::Deployment;
use janction_protocol::ledger::Ledger;
use serde::Deserialize;

use super::DemoError;
use super::house::{CHAIN, Folders, OPERATOR};

/// The deployment script, and where its words go.
const DEPLOY: &str = "script/deploy.mjs";
const LOG: &str = "deploy.log";

/// What was deployed.
#[derive(Clone, Debug, Deserialize)]
pub struct Deployed {
    /// JCT.
    pub token: Address,
    /// The rollup.
    pub rollup: Address,
}

/// Where the rollup will be.
#[derive(Deserialize)]
struct Prediction {
    rollup: Address,
}

/// The verifier that is checked in. That it is the one of this source's keys is for the auditor to find out, at the end.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verifier {
    proof_length: u64,
    srs_hash: B256,
    bytecode: String,
}

/// Deploys token, verifier, wrapper and rollup.
///
/// # Errors
/// The script fails, or its answer cannot be read.
pub async fn deploy(folders: &Folders, url: &str) -> Result<Deployed, DemoError> {
    let generated = folders.root.join("verifier-contracts/generated/Halo2Verifier.json");
    let contract: Verifier =
        read(&fs::read(&generated).map_err(|source| DemoError::File { file: generated, source })?)?;
    let text = script(folders, DEPLOY, LOG, &["--predict", "--rpc", url]).await?;
    let Prediction { rollup } = read(&text)?;
    let address = janction_protocol::Address(rollup.into_array());
    let deployment = Deployment::new(CHAIN, address)
        .map_err(|e| DemoError::Unreadable { what: "the prediction", reason: e.to_string() })?;
    let root = B256::from(Ledger::genesis(deployment).state().root().to_bytes()).to_string();

    let verifier = folders.demo.join("Halo2Verifier.bin");
    fs::write(&verifier, &contract.bytecode)
        .map_err(|source| DemoError::File { file: verifier.clone(), source })?;
    let (verifier, rollup, srs) = (path(&verifier), rollup.to_string(), contract.srs_hash.to_string());
    let proof_length = contract.proof_length.to_string();
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
        &proof_length,
        "--srs-hash",
        &srs,
        "--development-srs",
        "--out",
        &out_text,
    ];
    script(folders, DEPLOY, LOG, &arguments).await?;
    read(&fs::read(&out).map_err(|source| DemoError::File { file: out, source })?)
}

fn path(path: &std::path::Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

fn read<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, DemoError> {
    serde_json::from_slice(text)
        .map_err(|e| DemoError::Unreadable { what: "the deployment's answer", reason: e.to_string() })
}

/// Runs a script of the contracts with the deployer's key; what it printed.
///
/// # Errors
/// It does not start, or fails.
pub async fn script(
    folders: &Folders,
    script: &str,
    log: &str,
    arguments: &[&str],
) -> Result<Vec<u8>, DemoError> {
    let log = folders.logs.join(log);
    let mut command = tokio::process::Command::new("node");
    command.arg(script).args(arguments).current_dir(folders.root.join("verifier-contracts"));
    command.env("JANCTION_DEPLOYER_KEY", OPERATOR).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|source| DemoError::Start { name: script.into(), source })?;
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    fs::write(&log, text).map_err(|source| DemoError::File { file: log, source })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let reason = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("no message").to_owned();
    Err(DemoError::Deployment { reason })
}
