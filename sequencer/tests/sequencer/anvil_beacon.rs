//! A beacon on a real chain: the poster sends the header, the contract checks it against the chain's own record.

use std::time::{Duration, Instant};

use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use janction_bindings::L1 as Client;
use janction_bindings::abi::Rollup::RollupEvents;
use janction_protocol::state::JobStatus;
use janction_protocol::transaction::{Register, SignedTransaction, Stake, Transfer};
use janction_protocol::transition::Role;
use janction_protocol::{Address, Deployment};
use janction_sequencer::Handle;
use janction_sequencer::batcher::Engine;
use janction_sequencer::refusal::Refusal;
use janction_sequencer::store::column::Outbox;
use janction_sequencer::store::record::Action;
use janction_trace::Policy;

use crate::anvil::{deploy_with_genesis, deposit, start};
use crate::market::*;
use crate::support::{Anvil, BEACON_DELAY};
use crate::world::*;

const PATIENCE: Duration = Duration::from_secs(30);

/// A rollup on anvil with its sequencer.
struct Chain {
    provider: DynProvider,
    l1: Client,
    deployment: Deployment,
    sequencer: Handle,
}

impl Chain {
    async fn engine<T: Send + 'static>(&self, work: impl FnOnce(&mut Engine) -> T + Send + 'static) -> T {
        self.sequencer.shared().engine(|engine| Ok::<T, Refusal>(work(engine))).await.unwrap()
    }

    /// Waits for something of the engine's.
    async fn until(&self, what: &str, holds: impl Fn(&mut Engine) -> bool + Copy + Send + 'static) {
        let start = Instant::now();
        while !self.engine(holds).await {
            assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// One more block, so many seconds later.
    async fn mine(&self, seconds: u64) {
        let _: u64 = self.provider.raw_request("evm_increaseTime".into(), [seconds]).await.unwrap();
        let _: String = self.provider.raw_request("evm_mine".into(), ()).await.unwrap();
    }

    /// Wallet `n` sends what was signed for the stage's rollup to this one, again while it is too early for it.
    async fn send(&self, n: u8, signed: SignedTransaction) {
        let (nonce, kind) = (signed.nonce, signed.transaction.kind());
        let signed =
            SignedTransaction::sign(signed.transaction, nonce, &self.deployment, Role::Owner, &secret(n))
                .unwrap();
        let start = Instant::now();
        loop {
            let signed = signed.clone();
            match self.engine(move |engine| admit(engine, &signed)).await {
                Ok(_) => break,
                Err(refused) => assert!(start.elapsed() < PATIENCE, "{kind:?}: {refused}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until all that was sent is on L1.
    async fn committed(&self) {
        self.until("everything is committed", |engine| {
            let heads = engine.heads();
            engine.pending() == 0 && heads.committed == heads.sealed
        })
        .await;
    }

    /// Job, trace root and beacon of the contract's records.
    async fn records(&self) -> Vec<(u32, [u8; 32], [u8; 28])> {
        let head = self.l1.head().await.unwrap().number;
        let events = self.l1.events(0, head).await.unwrap().into_iter();
        let records = events.filter_map(|located| match located.event {
            RollupEvents::BeaconRecorded(r) => Some((r.job.to(), r.traceRoot.into(), r.beacon.into())),
            _ => None,
        });
        records.collect()
    }

    fn recordings(&self) -> usize {
        let all = self.sequencer.shared().store().all::<Outbox>().unwrap();
        all.filter(|entry| matches!(entry.as_ref().unwrap().1.action, Action::RecordBeacon { .. })).count()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract_takes_the_header_that_the_outbox_sends_and_the_ledger_its_beacon() {
    let anvil = Anvil::start();
    let (l1, token) = deploy_with_genesis(&anvil.endpoint).await;
    let folder = tempfile::tempdir().unwrap();
    let chain = Chain {
        provider: ProviderBuilder::new().connect_http(anvil.endpoint.parse().unwrap()).erased(),
        deployment: Deployment::new(31_337, Address(l1.rollup().into())).unwrap(),
        sequencer: start(folder.path(), &l1).await,
        l1,
    };
    for n in 1..=3 {
        deposit(&chain.l1, token, n, 300_000_000).await;
        // Until its account is there: the next one's number depends on it.
        let index = u32::from(n);
        let taken = move |engine: &mut Engine| engine.account(index).is_ok() && engine.pending() == 0;
        chain.until("the deposit is taken over", taken).await;
    }
    chain.committed().await;
    let fee = units(FEE);
    let register = Register { fee, wallet: 2, operator: key(12), gpu_class: 0, vram: 0, region: 0 };
    chain.send(2, sign(2, 0, register)).await;
    chain.committed().await;
    chain.send(2, sign(2, 1, Transfer { fee, from: 2, to: UNIT, value: units(50_000_000) })).await;
    chain.committed().await;
    chain.send(2, sign(2, 0, Stake { fee, unit: UNIT, value: units(10_000_000) })).await;
    let work = Work::new(Policy::Rows(3));
    chain.send(1, work.post(0)).await;
    chain.committed().await;
    chain.send(2, seal_bid(UNIT, 1, 300_000)).await;
    chain.committed().await;
    chain.mine(62).await;
    chain.send(2, reveal_bid(UNIT, 2, 300_000)).await;
    chain.committed().await;
    chain.mine(62).await;
    assert!(chain.records().await.is_empty());
    chain.send(2, work.submit(3)).await;
    chain.committed().await;

    let root = work.trace.trace_root();
    let target = chain.l1.beacon_block(JOB, root.to_bytes().into()).await.unwrap();
    let head = chain.l1.head().await.unwrap().number;
    assert!(target.is_some_and(|block| block <= head + BEACON_DELAY), "{target:?} at {head}");
    for _ in 0..=BEACON_DELAY {
        chain.mine(1).await;
    }
    chain
        .until("the job is being proven", |engine| engine.job(JOB).unwrap().status == JobStatus::Proving)
        .await;
    chain.committed().await;
    let records = chain.records().await;
    let [(job, trace_root, beacon)] = records[..] else { panic!("{} records", records.len()) };
    assert_eq!((job, trace_root), (JOB, root.to_bytes()));
    let limbs = [0, 1, 2, 3].map(|k| beacon[7 * k..][..7].iter().fold(0, |x, &b| x << 8 | u64::from(b)));
    assert_eq!(chain.engine(|engine| engine.job(JOB).unwrap().beacon).await, limbs);
    assert_eq!(chain.recordings(), 1);

    // A second life does not record it again.
    let Chain { provider, l1, deployment, sequencer } = chain;
    sequencer.stop().await.unwrap();
    let sequencer = start(folder.path(), &l1).await;
    let chain = Chain { provider, l1, deployment, sequencer };
    chain.mine(1).await;
    chain.send(1, transfer(1, 1, 3, 5)).await;
    chain.committed().await;
    assert_eq!((chain.records().await.len(), chain.recordings()), (1, 1));
    chain.sequencer.stop().await.unwrap();
}
