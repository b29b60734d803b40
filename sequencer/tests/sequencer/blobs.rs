//! Blobs over gRPC: hostile uploads, and the way of a job from its upload to its settlement.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use janction_protocol::Digest;
use janction_protocol::claim::Claim;
use janction_protocol::state::{Job, JobStatus};
use janction_protocol::transaction::SignedTransaction;
use janction_rpc::encoding::decode;
use janction_rpc::status;
use janction_rpc::v1::blobs_client::BlobsClient;
use janction_rpc::v1::ledger_client::LedgerClient;
use janction_rpc::v1::proving_client::ProvingClient;
use janction_rpc::v1::put_blob_request::Part;
use janction_rpc::v1::{self, BlobClass};
use janction_sequencer::{Config, Handle, Sequencer};
use janction_trace::Policy;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::fake_l1::FakeL1;
use crate::market::*;
use crate::world::*;

const PIECE: usize = 1 << 20;

fn config(folder: &Path) -> Config {
    let mut config = Config { database: folder.join("database"), l1: l1_config(), ..Config::default() };
    config.api.listen = "127.0.0.1:0".parse().unwrap();
    config.batch.max_wait_ms = 20;
    config.incoming = folder.join("incoming");
    config
}

struct World {
    handle: Handle,
    l1: Arc<FakeL1>,
    blobs: BlobsClient<Channel>,
    ledger: LedgerClient<Channel>,
    proving: ProvingClient<Channel>,
}

impl World {
    /// On what a stage has left in this folder.
    async fn start(config: Config, folder: &Path) -> Self {
        let l1 = Arc::new(FakeL1::open(folder));
        let started = Sequencer::start(config, l1.clone(), Arc::new(OneProof), blobs(folder)).await;
        let handle = started.unwrap();
        let channel = Channel::from_shared(format!("http://{}", handle.address())).unwrap();
        let channel = channel.connect().await.unwrap();
        let blobs = BlobsClient::new(channel.clone());
        let (ledger, proving) = (LedgerClient::new(channel.clone()), ProvingClient::new(channel));
        Self { handle, l1, blobs, ledger, proving }
    }

    /// The code word that an upload is refused with; `known` and `stored` when it is not.
    async fn put(&mut self, header: v1::PutBlobHeader, content: &[u8]) -> String {
        let header = v1::PutBlobRequest { part: Some(Part::Header(header)) };
        let piece = |bytes: &[u8]| v1::PutBlobRequest { part: Some(Part::Bytes(bytes.to_vec().into())) };
        let parts: Vec<_> = std::iter::once(header).chain(content.chunks(PIECE).map(piece)).collect();
        self.send(parts).await
    }

    async fn send(&mut self, parts: Vec<v1::PutBlobRequest>) -> String {
        match self.blobs.put_blob(tokio_stream::iter(parts)).await {
            Ok(response) if response.get_ref().known => "known".into(),
            Ok(response) => {
                assert_eq!(response.get_ref().id.len(), 32);
                "stored".into()
            }
            Err(refused) => {
                assert!(!refused.message().contains('\n'), "{refused}");
                status::code(&refused).unwrap_or(refused.message()).to_owned()
            }
        }
    }

    async fn get(&mut self, class: BlobClass, digest: Digest) -> Result<Vec<u8>, String> {
        let request = v1::GetBlobRequest { name: Some(name(class, digest)) };
        let code = |refused: tonic::Status| status::code(&refused).unwrap_or("none").to_owned();
        let mut parts = self.blobs.get_blob(request).await.map_err(code)?.into_inner();
        let (mut size, mut bytes) = (None, Vec::new());
        while let Some(part) = parts.message().await.map_err(code)? {
            size.get_or_insert(part.size);
            bytes.extend(part.bytes);
        }
        assert_eq!(size, Some(bytes.len() as u64));
        Ok(bytes)
    }

    async fn submit(&mut self, signed: &SignedTransaction, attachment: &[u8]) -> String {
        let transaction = signed.encode().unwrap().into();
        let request = v1::SubmitTransactionRequest { transaction, attachment: attachment.to_vec().into() };
        match self.ledger.submit_transaction(request).await {
            Ok(_) => "taken".into(),
            Err(refused) => status::code(&refused).unwrap_or(refused.message()).to_owned(),
        }
    }

    async fn watch(&mut self) -> Streaming<v1::GetJobResponse> {
        self.ledger.watch_jobs(v1::WatchJobsRequest {}).await.unwrap().into_inner()
    }

    /// What a watcher sees when the job comes to this status; L1 goes on meanwhile.
    async fn until(
        &self,
        watcher: &mut Streaming<v1::GetJobResponse>,
        wanted: JobStatus,
    ) -> (Job, v1::GetJobResponse) {
        for _ in 0..200 {
            let told = tokio::time::timeout(Duration::from_millis(100), watcher.message()).await;
            if let Ok(told) = told {
                let told = told.unwrap().unwrap();
                let job: Job = decode(&told.job).unwrap();
                if job.status == wanted {
                    return (job, told);
                }
            } else {
                self.l1.mine();
            }
        }
        panic!("the job was not {wanted:?}");
    }
}

fn name(class: BlobClass, digest: Digest) -> v1::BlobName {
    v1::BlobName { class: class.into(), digest: digest.to_bytes().to_vec().into() }
}

fn by_transaction(name: v1::BlobName, content: &[u8], signed: &SignedTransaction) -> v1::PutBlobHeader {
    let transaction = signed.encode().unwrap().into();
    v1::PutBlobHeader { name: Some(name), size: content.len() as u64, job: 0, transaction }
}

fn by_job(name: v1::BlobName, content: &[u8], job: u32) -> v1::PutBlobHeader {
    v1::PutBlobHeader { name: Some(name), size: content.len() as u64, job, transaction: Default::default() }
}

/// Bytes and files below a folder.
fn weigh(folder: &Path) -> (u64, usize) {
    let Ok(entries) = folder.read_dir() else { return (0, 0) };
    entries.map(|entry| entry.unwrap()).fold((0, 0), |(bytes, files), entry| {
        let meta = entry.metadata().unwrap();
        let (more, others) = if meta.is_dir() { weigh(&entry.path()) } else { (meta.len(), 1) };
        (bytes + more, files + others)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_need_a_reason_and_the_right_content() {
    let folder = tempfile::tempdir().unwrap();
    let work = Work::new(Policy::Full);
    Stage::open(folder.path()).units().await;
    let mut config = config(folder.path());
    config.blobs.max_tensor_bytes = 1 << 16;
    config.blobs.max_total_bytes = 1 << 17;
    let mut world = World::start(config, folder.path()).await;
    let (program, input) = (work.program_bytes(), work.input_bytes());
    let post = work.post(0);
    let program_name = || name(BlobClass::Program, work.program.digest());
    let input_name = || name(BlobClass::Input, work.trace.input_root());

    // Without a reason.
    let transfer = transfer(1, 0, 2, 5);
    let mut put = async |header, content: &[u8]| world.put(header, content).await;
    assert_eq!(put(by_transaction(program_name(), &program, &transfer), &program).await, "blob-unauthorised");
    assert_eq!(put(by_job(program_name(), &program, 9), &program).await, "not-found");
    let other = name(BlobClass::Program, work.trace.input_root());
    assert_eq!(put(by_transaction(other, &program, &post), &program).await, "blob-unauthorised");
    let output = name(BlobClass::Output, work.trace.output_root());
    assert_eq!(put(by_transaction(output, &program, &post), &program).await, "blob-unauthorised");
    assert_eq!(put(by_transaction(program_name(), &program, &work.post(3)), &program).await, "nonce-gap");
    let forged = SignedTransaction { authorization: transfer.authorization, ..post.clone() };
    assert_eq!(put(by_transaction(program_name(), &program, &forged), &program).await, "signature");
    let nothing = v1::PutBlobHeader { name: Some(program_name()), size: 5, ..Default::default() };
    assert_eq!(put(nothing, &program).await, "malformed");
    let classless = v1::BlobName { class: 0, digest: vec![0; 32].into() };
    assert_eq!(put(by_transaction(classless, &program, &post), &program).await, "wrong-field");
    let oversized = v1::BlobName { class: 1, digest: vec![0xff; 32].into() };
    assert_eq!(put(by_transaction(oversized, &program, &post), &program).await, "wrong-field");
    assert_eq!(world.send(vec![]).await, "wrong-field");

    // With a reason, but the wrong content.
    let mut put = async |header, content: &[u8]| world.put(header, content).await;
    let header = || by_transaction(program_name(), &program, &post);
    let mut damaged = program.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(put(header(), &damaged).await, "blob-content");
    assert_eq!(put(header(), &program[1..]).await, "blob-size");
    assert_eq!(put(header(), &[&program[..], &[0]].concat()).await, "blob-size");
    let needs = put(by_transaction(input_name(), &input, &post), &input).await;
    assert_eq!(needs, "blob-needs", "an input is checked with its program");
    let mut large = by_transaction(input_name(), &input, &post);
    large.size = (1 << 16) + 1;
    assert_eq!(put(large, &input).await, "blob-too-large");
    assert_eq!(weigh(&folder.path().join("blobs")).1, 0, "nothing was stored");
    assert_eq!(weigh(&folder.path().join("incoming")).1, 0);
    assert_eq!(world.get(BlobClass::Program, work.program.digest()).await, Err("not-found".into()));

    // Right.
    let mut put = async |header, content: &[u8]| world.put(header, content).await;
    assert_eq!(put(header(), &program).await, "stored");
    assert_eq!(put(header(), &program).await, "known");
    assert_eq!(put(by_transaction(input_name(), &program, &post), &program).await, "blob-content");
    let longer = Work::new(Policy::Full);
    let tensor = janction_program::npy::encode(longer.trace.tensors()[0].tensor());
    assert_eq!(put(by_transaction(input_name(), &tensor, &post), &tensor).await, "blob-content");
    assert_eq!(put(by_transaction(input_name(), &input, &post), &input).await, "stored");
    assert_eq!(world.get(BlobClass::Program, work.program.digest()).await.unwrap(), program);
    assert_eq!(world.get(BlobClass::Input, work.trace.input_root()).await.unwrap(), input);

    // A job that is live is a reason, too; one watcher sees what is there.
    assert_eq!(world.submit(&post, &[]).await, "taken");
    assert_eq!(world.put(by_transaction(program_name(), &program, &post), &program).await, "known");
    let mut watcher = world.watch().await;
    let (_, told) = world.until(&mut watcher, JobStatus::Posted).await;
    assert_eq!(told.blobs, [program_name(), input_name()]);
    assert_eq!(world.put(by_job(input_name(), &input, JOB), &input).await, "known");
    assert_eq!(world.put(by_job(program_name(), &input, 7), &input).await, "not-found");
    let early = name(BlobClass::Openings, work.program.digest());
    assert_eq!(world.put(by_job(early, &input, JOB), &input).await, "blob-unauthorised");
    world.handle.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_store_refuses_and_stores_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let work = Work::new(Policy::Full);
    Stage::open(folder.path()).units().await;
    let (program, input) = (work.program_bytes(), work.input_bytes());
    let mut config = config(folder.path());
    config.blobs.max_total_bytes = program.len() as u64 + 10;
    let mut world = World::start(config.clone(), folder.path()).await;
    let post = work.post(0);
    let program_name = name(BlobClass::Program, work.program.digest());
    let input_name = || name(BlobClass::Input, work.trace.input_root());
    let mut lying = by_transaction(program_name.clone(), &program, &post);
    lying.size += 11;
    assert_eq!(world.put(lying, &program).await, "blobs-full");
    assert_eq!(world.put(by_transaction(program_name, &program, &post), &program).await, "stored");
    let before = weigh(&folder.path().join("blobs"));
    for _ in 0..3 {
        let full = world.put(by_transaction(input_name(), &input, &post), &input).await;
        assert_eq!(full, "blobs-full");
    }
    assert_eq!(weigh(&folder.path().join("blobs")), before);
    world.handle.stop().await.unwrap();

    // The count is taken anew after a restart, and more room is enough.
    let mut world = World::start(config.clone(), folder.path()).await;
    assert_eq!(world.put(by_transaction(input_name(), &input, &post), &input).await, "blobs-full");
    world.handle.stop().await.unwrap();
    config.blobs.max_total_bytes += input.len() as u64;
    let mut world = World::start(config, folder.path()).await;
    assert_eq!(world.put(by_transaction(input_name(), &input, &post), &input).await, "stored");

    // Damage on the disk is not handed out.
    let file = find_file(&folder.path().join("blobs/blobs"), input.len() as u64);
    std::fs::write(&file, vec![7; input.len()]).unwrap();
    assert_eq!(world.get(BlobClass::Input, work.trace.input_root()).await, Err("blob-store".into()));
    world.handle.stop().await.unwrap();
}

fn find_file(folder: &Path, size: u64) -> std::path::PathBuf {
    let files = folder.read_dir().unwrap().flat_map(|sub| sub.unwrap().path().read_dir().unwrap());
    files.map(|file| file.unwrap()).find(|file| file.metadata().unwrap().len() == size).unwrap().path()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_from_its_output_to_its_settlement_with_two_watchers() {
    let folder = tempfile::tempdir().unwrap();
    let work = Work::new(Policy::Rows(3));
    Stage::open(folder.path()).won(&work).await;
    let mut world = World::start(config(folder.path()), folder.path()).await;
    let (mut one, mut two) = (world.watch().await, world.watch().await);
    for (class, digest, content) in [
        (BlobClass::Program, work.program.digest(), work.program_bytes()),
        (BlobClass::Input, work.trace.input_root(), work.input_bytes()),
    ] {
        assert_eq!(world.put(by_job(name(class, digest), &content, JOB), &content).await, "stored");
    }

    // No Submit before its output is here.
    let (submit, output) = (work.submit(3), work.output_bytes());
    let output_name = || name(BlobClass::Output, work.trace.output_root());
    assert_eq!(world.submit(&submit, &[]).await, "output-missing");
    assert_eq!(world.put(by_job(output_name(), &output, JOB), &output).await, "blob-unauthorised");
    let input = work.input_bytes();
    assert_eq!(world.put(by_transaction(output_name(), &input, &submit), &input).await, "blob-content");
    assert_eq!(world.put(by_transaction(output_name(), &output, &submit), &output).await, "stored");
    assert_eq!(world.submit(&submit, &[]).await, "taken");
    world.until(&mut one, JobStatus::Submitted).await;

    // The sequencer records the beacon by itself; then openings are taken.
    let (job, _) = world.until(&mut one, JobStatus::Proving).await;
    let claim = Claim::of(deployment(), JOB, &job);
    let openings_name = || name(BlobClass::Openings, claim.digest());
    let openings = work.openings_bytes(&claim, 0);
    let payee = || v1::LeaseAuditRequest { payee: vec![4; 20].into(), ..Default::default() };
    assert!(world.proving.lease_audit(payee()).await.is_err(), "no openings yet");
    let mut damaged = openings.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(world.put(by_job(openings_name(), &damaged, JOB), &damaged).await, "blob-content");
    assert_eq!(world.put(by_job(openings_name(), &openings, JOB), &openings).await, "stored");
    let more = work.openings_bytes(&claim, 2);
    assert_eq!(
        world.put(by_job(openings_name(), &more, JOB), &more).await,
        "stored",
        "more draws are better"
    );
    assert_eq!(world.put(by_job(openings_name(), &openings, JOB), &openings).await, "known");
    assert_eq!(world.get(BlobClass::Openings, claim.digest()).await.unwrap(), more);

    // An audit lease, a fault, another payee, the settlement.
    let lease = world.proving.lease_audit(payee()).await.unwrap().into_inner();
    assert_eq!((lease.job, lease.fee, lease.price), (JOB, JOB_FEE, job.second_price.units()));
    assert_eq!(decode::<Claim>(&lease.claim).unwrap(), claim);
    world.proving.heartbeat_audit(v1::HeartbeatRequest { lease: lease.id.clone() }).await.unwrap();
    let fault =
        v1::AuditFault { code: "unprovable".into(), reason: "out of luck".into(), ..Default::default() };
    let release = v1::ReleaseAuditRequest { lease: lease.id, fault: Some(fault) };
    world.proving.release_audit(release).await.unwrap();
    assert!(world.proving.lease_audit(payee()).await.is_err(), "it rests for this payee");
    let long = v1::LeaseAuditRequest { holder: vec![1; 33].into(), ..payee() };
    let refused = world.proving.lease_audit(long).await.unwrap_err();
    assert_eq!(status::code(&refused), Some("wrong-field"));
    let told = world.ledger.get_job(v1::GetJobRequest { index: JOB }).await.unwrap().into_inner();
    assert_eq!((told.faults.len(), &*told.faults[0].reason, told.blobs.len()), (1, "out of luck", 4));
    let settle = settle(&job);
    assert_eq!(world.submit(&settle, &[]).await, "audit-proof");
    assert_eq!(world.submit(&settle, b"something else").await, "audit-proof");
    assert_eq!(world.submit(&settle, PROOF).await, "taken");
    world.until(&mut one, JobStatus::Settled).await;
    let (_, told) = world.until(&mut two, JobStatus::Settled).await;
    assert!(told.events.len() >= 6 && told.events.iter().any(|e| e.kind == 0x11 && e.transaction.is_empty()));
    let list = v1::ListJobsRequest { live: true, ..Default::default() };
    assert!(world.ledger.list_jobs(list).await.unwrap().into_inner().jobs.is_empty());
    let all = world.ledger.list_jobs(v1::ListJobsRequest::default()).await.unwrap().into_inner();
    assert_eq!((all.jobs.len(), all.next), (1, 0));
    assert_eq!(world.l1.reverted(), 0);
    world.handle.stop().await.unwrap();
    let end = loop {
        match two.message().await {
            Ok(Some(_)) => {}
            end => break end,
        }
    };
    assert!(end.is_err() || end.is_ok_and(|m| m.is_none()), "watchers are told");
}
