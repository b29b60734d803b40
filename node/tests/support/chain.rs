//! An L1 of its own: anvil with JCT and a rollup, whose verifier accepts no proof.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use alloy::network::EthereumWallet;
use alloy::primitives::{Address, B256, U256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::signers::local::PrivateKeySigner;
use janction_bindings::L1;
use janction_bindings::abi::{JCT, Rollup, VerifierWrapper};
use janction_protocol::Deployment;
use janction_protocol::ledger::Ledger;

/// Anvil's first account, of its well-known mnemonic.
pub const SECRET: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
/// Anvil's chain.
pub const CHAIN: u64 = 31_337;

/// A running anvil; dropped, it ends.
pub struct Anvil {
    child: Child,
    /// Its endpoint.
    pub url: String,
    /// Pays for everything, and holds all JCT.
    pub signer: PrivateKeySigner,
    /// A provider that signs with it.
    pub provider: DynProvider,
}

/// The program: the one that npm installed for this platform (its `.bin/anvil` is a script that would leave the program
/// behind when it is killed), else the one on the PATH.
fn anvil() -> PathBuf {
    let packages =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../verifier-contracts/node_modules/@foundry-rs");
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let program = packages.join(format!("anvil-linux-{architecture}/bin/anvil"));
    if program.exists() { program } else { "anvil".into() }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Anvil {
    /// Starts anvil on a free port.
    pub async fn start() -> Self {
        // A port that was free is nobody's until anvil listens on it: one at a time, or two tests share a chain.
        static STARTING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
        let _one = STARTING.lock().await;
        let port =
            TcpListener::bind(("127.0.0.1", 0)).and_then(|l| l.local_addr()).expect("a free port").port();
        let mut child = Command::new(anvil())
            .args(["--port", &port.to_string(), "--silent"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("anvil starts; run `make setup` first");
        let url = format!("http://127.0.0.1:{port}");
        let start = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(start.elapsed() < Duration::from_secs(60), "anvil does not listen");
            assert!(child.try_wait().expect("a child").is_none(), "anvil ended");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(child.try_wait().expect("a child").is_none(), "anvil ended: its port was taken");
        let signer: PrivateKeySigner = SECRET.parse().expect("a key");
        let wallet = EthereumWallet::from(signer.clone());
        let provider =
            ProviderBuilder::new().wallet(wallet).connect_http(url.parse().expect("a URL")).erased();
        provider.client().set_poll_interval(Duration::from_millis(50));
        Anvil { child, url, signer, provider }
    }

    /// Deploys JCT and a rollup. The verifier is a contract that reverts on every proof; with `genesis` the rollup
    /// starts from another root than its own.
    pub async fn deploy(&self, genesis: Option<B256>) -> Address {
        let provider = self.provider.clone();
        let token = JCT::deploy(provider.clone(), self.signer.address()).await.expect("JCT");
        let (proof_length, srs) = (U256::from(1_376), B256::repeat_byte(1));
        let wrapper =
            VerifierWrapper::deploy(provider.clone(), *token.address(), proof_length, srs, true).await;
        let wrapper = *wrapper.expect("the wrapper").address();
        // The genesis root holds the rollup's own address, which follows from the deployer's nonce.
        let nonce = provider.get_transaction_count(self.signer.address()).await.expect("a nonce");
        let address = self.signer.address().create(nonce);
        let deployment =
            Deployment::new(CHAIN, janction_protocol::Address(address.into_array())).expect("a deployment");
        let root =
            genesis.unwrap_or_else(|| B256::from(Ledger::genesis(deployment).state().root().to_bytes()));
        let (age, delay) = (U256::from(3_600), U256::from(4));
        let operator = self.signer.address();
        let rollup =
            Rollup::deploy(provider, *token.address(), wrapper, operator, root, age, U256::ZERO, delay).await;
        assert_eq!(*rollup.expect("the rollup").address(), address);
        address
    }

    /// A client of a rollup.
    pub async fn connect(&self, rollup: Address) -> L1 {
        L1::connect(&self.url, CHAIN, rollup).await.expect("connects")
    }
}
