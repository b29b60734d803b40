//! An anvil of the test's own, and a deployment on it whose verifier is a test double.

use alloy::network::EthereumWallet;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::{Provider, ProviderBuilder};
use alloy::rpc::types::TransactionRequest;
use alloy::signers::local::PrivateKeySigner;
use janction_bindings::L1;
use janction_bindings::abi::{JCT, Rollup, VerifierWrapper};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Bytes of a proof under the test double.
pub const PROOF_BYTES: usize = 8;
/// Seconds that a batch may be old.
pub const MAX_BATCH_AGE: u64 = 3600;
/// Wei per proven batch.
pub const REWARD: u64 = 5_000_000_000;
/// L1 blocks from Submit to beacon.
pub const BEACON_DELAY: u64 = 2;

/// A running anvil; killed when dropped.
pub struct Anvil {
    child: Child,
    /// Its endpoint.
    pub endpoint: String,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Anvil {
    /// Starts one on a free port. Panics when anvil is not installed: a test that is skipped in silence tests nothing.
    pub fn start() -> Self {
        let mut child = Command::new(find())
            .args(["--port", "0", "--host", "127.0.0.1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("anvil starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut endpoint = None;
        let mut rest = lines.map_while(Result::ok);
        for line in rest.by_ref() {
            if let Some(address) = line.strip_prefix("Listening on ") {
                endpoint = Some(format!("http://{}", address.trim()));
                break;
            }
        }
        // Keep reading, else anvil would block on a full pipe.
        std::thread::spawn(move || rest.for_each(drop));
        Self { child, endpoint: endpoint.expect("anvil says where it listens") }
    }
}

/// anvil as npm installed it for this platform, else the one on the PATH. Not npm's `.bin/anvil`: that is a script that
/// starts the program as a child, which would outlive it.
fn find() -> PathBuf {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let package = format!("verifier-contracts/node_modules/@foundry-rs/anvil-linux-{architecture}/bin/anvil");
    // This file serves the tests of several crates, at different depths below the root.
    let local = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join(&package));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path)
        .filter(|folder| !folder.ends_with("node_modules/.bin"))
        .map(|folder| folder.join("anvil"));
    local
        .chain(installed)
        .find(|file| file.exists())
        .expect("anvil is in verifier-contracts/node_modules or on the PATH: run `make setup`")
}

/// Keys of anvil's well-known accounts.
const KEYS: [&str; 3] = [
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
];

/// Anvil's well-known account `index`.
pub fn account(index: usize) -> PrivateKeySigner {
    KEYS[index].parse().expect("a key")
}

/// What `script/read-output.mjs` prints, from account 2, which sends nothing else.
pub fn read_output(endpoint: &str, rollup: Address, job: u32) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../script/read-output.mjs");
    let output = Command::new("node")
        .arg(script)
        .args(["--rpc", endpoint, "--rollup", &rollup.to_string(), "--job", &job.to_string()])
        .env("JANCTION_DEPLOYER_KEY", KEYS[2])
        .output()
        .expect("node starts");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// Deploys the contracts from account 0, who is the operator. The verifier is a test double of a single STOP, which
/// accepts everything: what is tested here is the client, not proofs.
pub async fn deploy(endpoint: &str) -> (L1, Address) {
    let operator = account(0);
    let provider = ProviderBuilder::new()
        .wallet(EthereumWallet::from(operator.clone()))
        .connect_http(endpoint.parse().unwrap());
    let token = *JCT::deploy(provider.clone(), operator.address()).await.unwrap().address();
    // PUSH1 0, PUSH1 0, MSTORE8, PUSH1 1, PUSH1 0, RETURN: creates a contract whose code is one STOP.
    let stop: Bytes = alloy::hex!("600060005360016000f3").into();
    let receipt = provider
        .send_transaction(TransactionRequest {
            input: stop.into(),
            to: Some(alloy::primitives::TxKind::Create),
            ..Default::default()
        })
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    let verifier = receipt.contract_address.unwrap();
    let wrapper = VerifierWrapper::deploy(
        provider.clone(),
        verifier,
        U256::from(PROOF_BYTES),
        B256::repeat_byte(7),
        true,
    )
    .await
    .unwrap();
    let rollup = Rollup::deploy(
        provider,
        token,
        *wrapper.address(),
        operator.address(),
        B256::with_last_byte(1),
        U256::from(MAX_BATCH_AGE),
        U256::from(REWARD),
        U256::from(BEACON_DELAY),
    )
    .await
    .unwrap();
    (L1::connect(endpoint, 31337, *rollup.address()).await.unwrap(), token)
}
