//! The whole sequencer in this process, spoken to over gRPC.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use janction_protocol::binding::PUBLIC_INPUTS;
use janction_protocol::ledger::Ledger;
use janction_protocol::state::{Account, RunState};
use janction_protocol::transition::{StepWitness, replay};
use janction_rpc::encoding::decode;
use janction_rpc::status;
use janction_rpc::v1::blobs_client::BlobsClient;
use janction_rpc::v1::ledger_client::LedgerClient;
use janction_rpc::v1::proving_client::ProvingClient;
use janction_rpc::v1::put_blob_request::Part as Piece;
use janction_rpc::v1::witness_part::Part;
use janction_rpc::v1::{self, BatchStage, TransactionStage};
use janction_sequencer::api::{ApiError, LEAST_MESSAGE_BYTES, Tls};
use janction_sequencer::l1::FULL_TAIL;
use janction_sequencer::{Config, Error, Handle, Sequencer};
use tonic::Code;
use tonic::transport::{Certificate, Channel, ClientTlsConfig};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::fake_l1::FakeL1;
use crate::world::*;

fn config(folder: &Path) -> Config {
    let mut config = Config { database: folder.join("database"), l1: l1_config(), ..Config::default() };
    config.api.listen = "127.0.0.1:0".parse().unwrap();
    config.batch.max_wait_ms = 50;
    config.incoming = folder.join("incoming");
    config
}

async fn start(folder: &Path) -> (Handle, Arc<FakeL1>) {
    let l1 = Arc::new(FakeL1::open(folder));
    let handle =
        Sequencer::start(config(folder), l1.clone(), Arc::new(OneProof), blobs(folder)).await.unwrap();
    (handle, l1)
}

async fn channel(handle: &Handle) -> Channel {
    Channel::from_shared(format!("http://{}", handle.address())).unwrap().connect().await.unwrap()
}

/// Mines every 20 ms until dropped.
struct Miner(tokio::task::JoinHandle<()>);

impl Miner {
    fn start(l1: Arc<FakeL1>) -> Self {
        Self(tokio::spawn(async move {
            loop {
                l1.mine();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }))
    }
}

impl Drop for Miner {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn submit(signed: &janction_protocol::transaction::SignedTransaction) -> v1::SubmitTransactionRequest {
    v1::SubmitTransactionRequest {
        transaction: signed.encode().unwrap().into(),
        attachment: Default::default(),
    }
}

async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(Duration::from_secs(30), work).await;
    result.unwrap_or_else(|_| panic!("{what}: not within 30 s"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_deposit_to_a_proven_batch() {
    let folder = tempfile::tempdir().unwrap();
    let (handle, l1) = start(folder.path()).await;
    let _miner = Miner::start(l1.clone());
    (1..=3).for_each(|n| l1.deposit(key(n), 1_000_000_000));
    let channel = channel(&handle).await;
    let mut ledger = LedgerClient::new(channel.clone());
    let mut batches = ledger.watch_batches(v1::WatchBatchesRequest { from: 1 }).await.unwrap().into_inner();
    let first = within("the deposits' batch", batches.message()).await.unwrap().unwrap();
    assert_eq!((first.number, first.stage()), (1, BatchStage::Sealed));

    let bytes: Vec<u8> = key(2).to_u64s().into_iter().flat_map(u64::to_be_bytes).collect();
    while ledger.get_account(v1::GetAccountRequest { index: 3 }).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let by_key = v1::GetAccountByKeyRequest { key: bytes.into() };
    let accounts = ledger.get_account_by_key(by_key).await.unwrap().into_inner().accounts;
    assert_eq!((accounts.len(), accounts[0].index, accounts[0].next_nonce), (1, 2, 0));
    let account: Account = decode(&accounts[0].account).unwrap();
    assert_eq!((account.balance.units(), accounts[0].available), (1_000_000_000, 1_000_000_000));

    let id = ledger.submit_transaction(submit(&transfer(1, 0, 2, 5))).await.unwrap().into_inner().id;
    let mut committed = 0;
    while committed < 2 {
        let batch = within("a batch", batches.message()).await.unwrap().unwrap();
        if batch.stage() == BatchStage::Committed {
            assert_eq!(batch.commit_transaction.len(), 32);
            // The deposits may have taken more than one batch.
            if batch.transactions.contains(&id) {
                committed = batch.number;
            }
        }
    }
    let request = v1::GetTransactionRequest { id: id.clone() };
    let transaction = ledger.get_transaction(request.clone()).await.unwrap().into_inner();
    assert_eq!((transaction.stage(), transaction.position), (TransactionStage::Committed, Some(0)));

    let mut proving = ProvingClient::new(channel.clone());
    let lease = v1::LeaseRangeRequest { payee: vec![4; 20].into(), max_batches: 0, ..Default::default() };
    let lease = proving.lease_range(lease).await.unwrap().into_inner();
    assert_eq!((lease.first, lease.last), (1, committed));
    let inputs = witness(&mut proving, &lease).await;
    let beat =
        proving.heartbeat(v1::HeartbeatRequest { lease: lease.id.clone() }).await.unwrap().into_inner();
    assert!(beat.expires_at_ms >= lease.expires_at_ms);
    let proof =
        v1::SubmitProofRequest { lease: lease.id, proof: vec![1; 1_000].into(), public_inputs: inputs };
    proving.submit_proof(proof).await.unwrap();
    loop {
        let batch = within("the proof", batches.message()).await.unwrap().unwrap();
        if batch.stage() == BatchStage::Proven && batch.number == committed {
            assert_eq!(batch.prove_transaction.len(), 32);
            break;
        }
    }
    let transaction = ledger.get_transaction(request).await.unwrap().into_inner();
    assert_eq!(transaction.stage(), TransactionStage::Proven);
    let info = ledger.get_info(v1::GetInfoRequest {}).await.unwrap().into_inner();
    assert!(info.l1.unwrap().reachable && info.heads.unwrap().proven == committed);
    assert_eq!(l1.reverted(), 0);

    handle.stop().await.unwrap();
    let end = batches.message().await;
    assert!(end.is_err() || end.is_ok_and(|m| m.is_none()), "watchers are told");
}

/// Reads the whole witness and replays it; the public inputs.
async fn witness(proving: &mut ProvingClient<Channel>, lease: &v1::Lease) -> Vec<u64> {
    let request = v1::GetWitnessRequest { lease: lease.id.clone() };
    let mut parts = proving.get_witness(request).await.unwrap().into_inner();
    let (mut run, mut inputs, mut steps) = (None::<RunState>, vec![], 0);
    while let Some(part) = parts.message().await.unwrap() {
        match part.part.unwrap() {
            Part::Start(start) => {
                let before: RunState = decode(&start.run).unwrap();
                assert_eq!(before.ledger, *Ledger::genesis(deployment()).state());
                (run, inputs) = (Some(before), start.public_inputs);
            }
            Part::Batch(batch) => assert!(batch.steps > 0 && batch.stream.len() % 56 == 0),
            Part::Steps(part) => {
                for step in part.steps {
                    let step: StepWitness = decode(&step).unwrap();
                    run = Some(replay(&run.unwrap(), &step).unwrap());
                    steps += 1;
                }
            }
            Part::Attachment(_) => panic!("no Settle, no attachment"),
        }
    }
    assert_eq!((steps, inputs.len()), (lease.steps, PUBLIC_INPUTS));
    assert_eq!(run.unwrap().ledger.root().to_u64s(), inputs[4..8]);
    inputs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_travel_with_code_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let (handle, _) = start(folder.path()).await;
    let mut ledger = LedgerClient::new(channel(&handle).await);
    let refused = ledger.submit_transaction(submit(&transfer(1, 0, 2, 5))).await.unwrap_err();
    assert_eq!(
        (refused.code(), status::code(&refused)),
        (Code::FailedPrecondition, Some("insufficient-balance"))
    );
    assert!(!refused.message().contains('\n') && refused.message().len() > 20);
    let malformed =
        v1::SubmitTransactionRequest { transaction: vec![1, 2, 3].into(), attachment: vec![].into() };
    let refused = ledger.submit_transaction(malformed).await.unwrap_err();
    assert_eq!((refused.code(), status::code(&refused)), (Code::InvalidArgument, Some("malformed")));
    let refused = ledger.get_transaction(v1::GetTransactionRequest { id: vec![1].into() }).await.unwrap_err();
    assert_eq!(status::code(&refused), Some("wrong-field"));
    let refused = ledger.get_job(v1::GetJobRequest { index: 9 }).await.unwrap_err();
    assert_eq!((refused.code(), status::code(&refused)), (Code::NotFound, Some("not-found")));
    let huge =
        v1::SubmitTransactionRequest { transaction: vec![0; 5 << 20].into(), attachment: vec![].into() };
    let refused = ledger.submit_transaction(huge).await.unwrap_err();
    assert_eq!((refused.code(), status::code(&refused)), (Code::OutOfRange, Some("message-too-large")));
    let piece = Piece::Bytes(vec![0; (1 << 20) + (8 << 10)].into());
    let piece = v1::PutBlobRequest { part: Some(piece) };
    let refused = BlobsClient::new(channel(&handle).await).put_blob(tokio_stream::iter([piece])).await;
    assert_eq!(status::code(&refused.unwrap_err()), Some("message-too-large"));
    let mut proving = ProvingClient::new(channel(&handle).await);
    let proof = v1::SubmitProofRequest { proof: vec![0; 5 << 20].into(), ..Default::default() };
    let refused = proving.submit_proof(proof).await.unwrap_err();
    assert_eq!(status::code(&refused), Some("message-too-large"));
    let lease = v1::LeaseRangeRequest { payee: vec![4; 20].into(), max_batches: 0, ..Default::default() };
    let refused = proving.lease_range(lease).await.unwrap_err();
    assert_eq!(status::code(&refused), Some("no-work"));
    let lease = v1::LeaseRangeRequest { payee: vec![0; 20].into(), max_batches: 0, ..Default::default() };
    assert_eq!(status::code(&proving.lease_range(lease).await.unwrap_err()), Some("wrong-field"));
    handle.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_says_when_l1_is_dead_and_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let (handle, l1) = start(folder.path()).await;
    let mut health = HealthClient::new(channel(&handle).await);
    let mut is = async |service: &str, wanted: ServingStatus| {
        within("health", async {
            loop {
                let request = tonic_health::pb::HealthCheckRequest { service: service.into() };
                if health.check(request).await.unwrap().into_inner().status() == wanted {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
    };
    is("", ServingStatus::Serving).await;
    l1.set_dead(true);
    is("", ServingStatus::NotServing).await;
    is("janction.v1.Proving", ServingStatus::NotServing).await;
    is("janction.v1.Ledger", ServingStatus::Serving).await;
    l1.set_dead(false);
    is("", ServingStatus::Serving).await;
    handle.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_prevents_a_start_is_said_and_nothing_is_left_running() {
    let folder = tempfile::tempdir().unwrap();
    let (handle, l1) = start(folder.path()).await;
    let try_start = async |config: Config| {
        let blobs = blobs(config.incoming.parent().unwrap());
        Sequencer::start(config, l1.clone(), Arc::new(OneProof), blobs).await.err().expect("must not start")
    };
    let other = tempfile::tempdir().unwrap();
    let mut taken = config(other.path());
    taken.api.listen = handle.address();
    let error = try_start(taken).await;
    assert!(matches!(error, Error::Api(_)) && error.to_string().contains("free the port"), "{error}");
    let error = try_start(config(folder.path())).await;
    assert!(error.to_string().contains("in use by another process"), "{error}");
    let mut wrong = config(other.path());
    wrong.l1.bump_percent = 1;
    assert!(matches!(try_start(wrong).await, Error::Config { key: "l1.bump_percent", .. }));
    let mut few = config(other.path());
    few.batch.max_l1_operations = FULL_TAIL - 1;
    assert!(matches!(try_start(few).await, Error::Config { key: "sequencer.batch.max_l1_operations", .. }));
    let contract = include_str!("../../../verifier-contracts/src/Rollup.sol");
    assert!(contract.contains(&format!("FULL_TAIL = {FULL_TAIL};")));
    let mut small = config(other.path());
    small.api.max_message_bytes = LEAST_MESSAGE_BYTES - 1;
    assert!(matches!(try_start(small).await, Error::Config { key: "sequencer.max_message_bytes", .. }));
    let mut no_certificate = config(other.path());
    let nowhere = other.path().join("nowhere.pem");
    no_certificate.api.tls =
        Some(Tls { certificate: nowhere.clone(), key: nowhere.clone(), client_ca: None });
    let error = try_start(no_certificate).await;
    assert!(matches!(error, Error::Api(ApiError::Tls { .. })), "{error}");
    l1.set_dead(true);
    assert!(matches!(try_start(config(other.path())).await, Error::L1(_)));
    handle.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_reflection_and_the_limit_of_requests() {
    let folder = tempfile::tempdir().unwrap();
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sequencer/tls");
    let mut config = config(folder.path());
    config.api.tls =
        Some(Tls { certificate: files.join("server.pem"), key: files.join("server.key"), client_ca: None });
    config.api.max_requests = 0;
    let l1 = Arc::new(FakeL1::open(folder.path()));
    let handle = Sequencer::start(config, l1, Arc::new(OneProof), blobs(folder.path())).await.unwrap();
    let authority = Certificate::from_pem(std::fs::read(files.join("ca.pem")).unwrap());
    let tls = ClientTlsConfig::new().ca_certificate(authority).domain_name("localhost");
    let endpoint = Channel::from_shared(format!("https://{}", handle.address())).unwrap();
    let channel = endpoint.tls_config(tls).unwrap().connect().await.unwrap();
    let refused = LedgerClient::new(channel.clone()).get_info(v1::GetInfoRequest {}).await.unwrap_err();
    assert_eq!((refused.code(), status::code(&refused)), (Code::ResourceExhausted, Some("busy")));

    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut reflection = ServerReflectionClient::new(channel);
    let mut answers =
        reflection.server_reflection_info(tokio_stream::iter([request])).await.unwrap().into_inner();
    let Some(MessageResponse::ListServicesResponse(services)) =
        answers.message().await.unwrap().unwrap().message_response
    else {
        panic!("a list of services");
    };
    let names: Vec<_> = services.service.iter().map(|service| service.name.as_str()).collect();
    assert!(names.contains(&"janction.v1.Ledger") && names.contains(&"janction.v1.Proving"), "{names:?}");
    drop(answers);
    let plain = Channel::from_shared(format!("http://{}", handle.address())).unwrap().connect().await;
    assert!(match plain {
        Ok(channel) => LedgerClient::new(channel).get_info(v1::GetInfoRequest {}).await.is_err(),
        Err(_) => true,
    });
    handle.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_backup_than_l1_is_refused_while_running() {
    let folder = tempfile::tempdir().unwrap();
    {
        let mut stage = Stage::open(folder.path());
        stage.found().await;
        for _ in 0..3 {
            stage.step().await.unwrap();
            stage.l1.mine_many(2);
        }
        stage.follow().await;
    }
    std::fs::remove_dir_all(folder.path().join("database")).unwrap();
    let (handle, _) = start(folder.path()).await;
    let error = within("the end", handle.wait()).await.unwrap_err();
    assert!(error.to_string().contains("restore a newer backup"), "{error}");
}
