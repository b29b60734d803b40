//! The sequencer against a real node and the real contracts. Only the verifier accepts everything: proofs have their
//! own tests.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::{Address as L1Address, U256};
use alloy::providers::Provider;
use alloy::sol_types::SolCall;
use janction_bindings::abi::JCT;
use janction_bindings::{Call, L1 as Client, L1Error};
use janction_protocol::Address;
use janction_protocol::Deployment;
use janction_protocol::crypto::SecretKey;
use janction_protocol::ledger::{Ledger, apply_batch};
use janction_protocol::transaction::{SignedTransaction, Transaction, Transfer, Withdraw};
use janction_protocol::transition::Role;
use janction_rpc::v1::ledger_client::LedgerClient;
use janction_rpc::v1::proving_client::ProvingClient;
use janction_rpc::v1::{self, BatchStage};
use janction_sequencer::batcher::Engine;
use janction_sequencer::l1::ethereum::Ethereum;
use janction_sequencer::refusal::Refusal;
use janction_sequencer::store::record::BatchRecord;
use janction_sequencer::{Config, Error, Handle, Sequencer};
use tonic::transport::Channel;

use crate::support::{Anvil, account, deploy};
use crate::world::{OneProof, blobs, key, secret, units};

const UNIT: u64 = 1_000_000_000;

fn config(folder: &Path, l1: &Client) -> Config {
    let mut config = Config { database: folder.join("database"), ..Config::default() };
    config.api.listen = "127.0.0.1:0".parse().unwrap();
    config.batch.max_wait_ms = 50;
    config.l1.url = l1.endpoint().into();
    config.l1.rollup = Address(l1.rollup().into());
    config.l1.confirmations = 0;
    config.l1.poll_ms = 50;
    config.incoming = folder.join("incoming");
    config
}

pub async fn start(folder: &Path, l1: &Client) -> Handle {
    let config = config(folder, l1);
    let ethereum = Ethereum::connect(&config.l1, account(0)).await.unwrap();
    Sequencer::start(config, Arc::new(ethereum), Arc::new(OneProof), blobs(folder)).await.unwrap()
}

async fn channel(handle: &Handle) -> Channel {
    Channel::from_shared(format!("http://{}", handle.address())).unwrap().connect().await.unwrap()
}

/// From account 1, so that the sequencer's key is the sequencer's alone.
async fn execute(l1: &Client, call: Call) {
    l1.execute(&call, &account(1), Duration::from_secs(20)).await.unwrap();
}

pub async fn deposit(l1: &Client, token: L1Address, n: u8, units: u64) {
    let amount = U256::from(units) * U256::from(UNIT);
    execute(l1, l1.approve(token, amount)).await;
    execute(l1, l1.deposit(key(n).to_u64s(), 0, amount)).await;
}

struct World {
    deployment: Deployment,
    ledger: LedgerClient<Channel>,
}

impl World {
    async fn send(&mut self, owner: &SecretKey, nonce: u32, transaction: impl Into<Transaction>) {
        let signed =
            SignedTransaction::sign(transaction, nonce, &self.deployment, Role::Owner, owner).unwrap();
        let transaction = signed.encode().unwrap().into();
        let request = v1::SubmitTransactionRequest { transaction, attachment: Default::default() };
        self.ledger.submit_transaction(request).await.unwrap();
    }

    /// Waits until the last sealed batch has come this far and nothing waits.
    async fn reach(&mut self, stage: BatchStage) -> u64 {
        for _ in 0..600 {
            let info = self.ledger.get_info(v1::GetInfoRequest {}).await.unwrap().into_inner();
            let (heads, l1) = (info.heads.unwrap(), info.l1.unwrap());
            let head = if stage == BatchStage::Proven { heads.proven } else { heads.committed };
            let idle = info.pending == 0 && l1.waiting_operations == 0;
            if idle && heads.sealed > 0 && head == heads.sealed {
                return head;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("not {stage:?} within 30 s");
    }
}

async fn record(handle: &Handle, number: u64) -> BatchRecord {
    handle
        .shared()
        .engine(move |engine: &mut Engine| Ok::<_, Refusal>(engine.batch_record(number)?))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deposits_transfers_and_proofs_on_a_real_chain() {
    let anvil = Anvil::start();
    let (l1, token) = deploy_with_genesis(&anvil.endpoint).await;
    let folder = tempfile::tempdir().unwrap();
    let handle = start(folder.path(), &l1).await;
    let deployment = Deployment::new(31_337, Address(l1.rollup().into())).unwrap();
    let mut world = World { deployment, ledger: LedgerClient::new(channel(&handle).await) };
    for n in 1..=2 {
        deposit(&l1, token, n, 1_000_000).await;
    }
    world.reach(BatchStage::Committed).await;
    let fee = units(10_000);
    world.send(&secret(1), 0, Transfer { fee, from: 1, to: 2, value: units(5) }).await;
    let address = Address(account(2).address().into());
    world.send(&secret(2), 0, Withdraw { fee, account: 2, value: units(7), address }).await;
    world.reach(BatchStage::Committed).await;
    handle.stop().await.unwrap();

    // A second life.
    let handle = start(folder.path(), &l1).await;
    world.ledger = LedgerClient::new(channel(&handle).await);
    world.send(&secret(1), 1, Transfer { fee, from: 1, to: 2, value: units(5) }).await;
    let committed = world.reach(BatchStage::Committed).await;
    let mut proving = ProvingClient::new(channel(&handle).await);
    let lease = v1::LeaseRangeRequest { payee: vec![4; 20].into(), max_batches: 0, ..Default::default() };
    let lease = proving.lease_range(lease).await.unwrap().into_inner();
    assert_eq!((lease.first, lease.last), (1, committed));
    let mut parts =
        proving.get_witness(v1::GetWitnessRequest { lease: lease.id.clone() }).await.unwrap().into_inner();
    let Some(v1::witness_part::Part::Start(start)) = parts.message().await.unwrap().unwrap().part else {
        panic!("the start comes first");
    };
    let proof = v1::SubmitProofRequest {
        lease: lease.id,
        proof: vec![1; crate::support::PROOF_BYTES].into(),
        public_inputs: start.public_inputs,
    };
    proving.submit_proof(proof).await.unwrap();
    world.reach(BatchStage::Proven).await;

    // L1 and an auditor, who has only the bytes, come to the same.
    let state = l1.state(None).await.unwrap();
    assert_eq!((state.proven, state.committed), (committed, committed));
    let mut auditor = Ledger::genesis(deployment);
    for number in 1..=committed {
        let record = record(&handle, number).await;
        apply_batch(&mut auditor, &record.stream()).unwrap();
    }
    assert_eq!(state.state_root.0, auditor.state().root().to_bytes());
    assert_eq!(auditor.account(2).balance.units(), 1_000_000 + 5 + 5 - 7 - fee.units());
    let batches = l1.committed_batches(0, l1.head().await.unwrap().number).await.unwrap();
    assert_eq!(batches.len() as u64, committed, "each batch once");
    handle.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_l1_contract_or_key_is_said_at_the_start() {
    let anvil = Anvil::start();
    let (l1, token) = deploy(&anvil.endpoint).await;
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), &l1);
    let mut other = config.l1.clone();
    other.chain_id = 1;
    assert!(matches!(Ethereum::connect(&other, account(0)).await.err(), Some(L1Error::WrongChain { .. })));
    other.chain_id = 31_337;
    other.rollup = Address(token.into());
    assert!(matches!(Ethereum::connect(&other, account(0)).await.err(), Some(L1Error::WrongContract { .. })));
    let start = async |key| {
        let ethereum = Ethereum::connect(&config.l1, key).await.unwrap();
        Sequencer::start(config.clone(), Arc::new(ethereum), Arc::new(OneProof), blobs(folder.path()))
            .await
            .err()
    };
    assert!(matches!(start(account(1)).await, Some(Error::NotOperator { .. })));
    // The bindings' own deployment has a made-up genesis.
    assert!(matches!(start(account(0)).await, Some(Error::Genesis { .. })));
}

/// A deployment whose genesis root is the protocol's, with JCT in account 1's hands.
pub async fn deploy_with_genesis(endpoint: &str) -> (Client, L1Address) {
    use janction_bindings::abi::Rollup;
    let (made_up, token) = deploy(endpoint).await;
    let parameters = made_up.parameters().await.unwrap();
    let operator = account(0);
    let provider = alloy::providers::ProviderBuilder::new()
        .wallet(alloy::network::EthereumWallet::from(operator.clone()))
        .connect_http(endpoint.parse().unwrap());
    let nonce = provider.get_transaction_count(operator.address()).await.unwrap();
    let address = operator.address().create(nonce);
    let deployment = Deployment::new(31_337, Address(address.into())).unwrap();
    let rollup = Rollup::deploy(
        provider,
        token,
        parameters.wrapper,
        operator.address(),
        Ledger::genesis(deployment).state().root().to_bytes().into(),
        U256::from(parameters.max_batch_age),
        parameters.prover_reward,
        U256::from(parameters.beacon_delay),
    )
    .await
    .unwrap();
    assert_eq!(*rollup.address(), address);
    let l1 = Client::connect(endpoint, 31_337, address).await.unwrap();
    let value = U256::from(1_000_000_000u64) * U256::from(UNIT);
    let give = JCT::transferCall { to: account(1).address(), value };
    let give = Call { to: token, data: give.abi_encode().into() };
    l1.execute(&give, &operator, Duration::from_secs(20)).await.unwrap();
    (l1, token)
}
