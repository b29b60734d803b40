//! An L1 in a file: blocks, a node's pool, and a rollup contract with the checks that matter here. It lives in a file
//! so that a sequencer that is killed leaves it behind, as it would leave a real one.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use janction_protocol::ledger::Ledger;
use janction_protocol::state::{Index, Key};
use janction_protocol::stream::Kind;
use janction_protocol::{Address, Amount, Digest};
use janction_rpc::encoding::{decode, encode};
use janction_sequencer::l1::{Event, EventKind, GasPrice, L1, L1Error, Receipt, Terms, Unsigned};
use janction_sequencer::store::record::{
    Attempt, BatchRecord, BeaconEntry, Commitment, L1Block, OperationEntry, ProofRecord,
};
use serde::{Deserialize, Serialize};
use sha3::{Digest as _, Keccak256};

pub const MAX_BATCH_AGE: u64 = 3_600;

const OPERATOR: Address = Address([6; 20]);

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Call {
    Commit(Box<Commitment>, Box<BatchRecord>),
    Prove(Vec<Commitment>, Box<ProofRecord>),
    Beacon(Index, Digest, Vec<u8>),
}

/// Blocks from a Submit's first commit to the block whose hash stands for the randomness.
pub const BEACON_DELAY: u64 = 3;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Raw {
    nonce: u64,
    max_fee: u128,
    priority_fee: u128,
    data: Vec<u8>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Block {
    block: L1Block,
    transactions: Vec<([u8; 32], bool)>,
    events: Vec<(EventKind, [u8; 32])>,
    /// Submits that were committed in it for the first time.
    submits: Vec<(Index, Digest)>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Chain {
    blocks: Vec<Block>,
    pool: Vec<Vec<u8>>,
    /// Makes blocks on different branches differ.
    salt: u64,
    base_fee: u128,
    dead: bool,
    /// The node forgets what it is sent.
    forgetful: bool,
    /// How many transactions were handed to the node.
    sent: u64,
}

#[derive(Default)]
struct Contract {
    commitments: Vec<Commitment>,
    proven: u64,
    operations: Vec<OperationEntry>,
    beacons: Vec<BeaconEntry>,
}

impl Contract {
    /// The rolling hash of the beacon records before `end`.
    fn beacon_hash(&self, end: u64) -> Option<[u8; 32]> {
        match end {
            0 => Some([0; 32]),
            end => self.beacons.get(end as usize - 1).map(|b| b.queue_hash),
        }
    }
}

pub struct FakeL1 {
    path: PathBuf,
}

fn keccak(parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().fold(Keccak256::new(), |h, part| h.chain_update(part)).finalize().into()
}

/// The Submits in a batch's committed part, in order.
fn submits(committed: &[u8]) -> Vec<(Index, Digest)> {
    let blocks: Vec<Block56> = committed.as_chunks::<56>().0.to_vec();
    let mut submits = Vec::new();
    for at in (0..blocks.len()).filter(|at| blocks[*at][0] == Kind::Submit.tag()) {
        let payload: Vec<u8> = blocks[at..at + 3]
            .iter()
            .enumerate()
            .flat_map(|(i, block)| if i == 0 { block[21..].to_vec() } else { block[7..].to_vec() })
            .collect();
        let job = u32::from_be_bytes([0, payload[0], payload[1], payload[2]]);
        // p[1..9]: halves of the trace root, in the low 4 bytes of a limb each.
        let halves: Vec<u8> = (1..9).flat_map(|i| payload[7 * i + 3..7 * i + 7].to_vec()).collect();
        submits.push((job, Digest::from_bytes(halves.try_into().unwrap()).unwrap()));
    }
    submits
}

type Block56 = [u8; 56];

fn now() -> u64 {
    janction_sequencer::clock::unix_ms() / 1000
}

impl Chain {
    fn contract(&self) -> Contract {
        let mut contract = Contract { commitments: vec![Commitment::default()], ..Default::default() };
        for (event, _) in self.blocks.iter().flat_map(|b| &b.events) {
            match event {
                EventKind::Operation { entry, .. } => contract.operations.push(*entry),
                EventKind::Beacon { entry, .. } => contract.beacons.push(*entry),
                EventKind::Committed(c) if c.number > 0 => contract.commitments.push(*c),
                EventKind::Reverted { last } => contract.commitments.truncate(*last as usize + 1),
                EventKind::Proven { last, .. } => contract.proven = *last,
                _ => {}
            }
        }
        contract
    }

    fn beacon_block(&self, submit: (Index, Digest)) -> Option<u64> {
        let seen = self.blocks.iter().find(|b| b.submits.contains(&submit));
        seen.map(|b| b.block.number + BEACON_DELAY)
    }

    fn head(&self) -> L1Block {
        self.blocks.last().map(|b| b.block).unwrap_or_default()
    }

    fn nonce(&self) -> u64 {
        self.blocks.iter().map(|b| b.transactions.len() as u64).sum()
    }

    fn next_block(&mut self) -> L1Block {
        self.salt += 1;
        let number = self.blocks.len() as u64;
        let hash = keccak(&[&self.head().hash, &number.to_be_bytes(), &self.salt.to_be_bytes()]);
        L1Block { number, hash, time: now().max(self.head().time + 1) }
    }

    fn mine(&mut self) {
        let block = self.next_block();
        let mut mined = Block { block, ..Default::default() };
        self.blocks.push(mined.clone());
        loop {
            let next = self.nonce() + mined.transactions.len() as u64;
            let base_fee = self.base_fee;
            let willing = self.pool.iter().filter_map(|bytes| Some((bytes, decode::<Raw>(bytes).ok()?)));
            let best = willing
                .filter(|(_, raw)| raw.nonce == next && raw.max_fee >= base_fee)
                .max_by_key(|(_, raw)| raw.priority_fee)
                .map(|(bytes, raw)| (keccak(&[bytes]), raw));
            let Some((hash, raw)) = best else { break };
            let outcome = self.execute(&raw.data, block);
            if let (Ok(_), Ok(Call::Commit(_, batch))) = (&outcome, decode::<Call>(&raw.data)) {
                let seen = |submit: &(Index, Digest)| self.beacon_block(*submit).is_some();
                mined.submits.extend(submits(&batch.committed).into_iter().filter(|s| !seen(s)));
                let last = self.blocks.len() - 1;
                self.blocks[last].submits = mined.submits.clone();
            }
            mined.transactions.push((hash, outcome.is_ok()));
            mined.events.extend(outcome.ok().map(|event| (event, hash)));
            let last = self.blocks.len() - 1;
            self.blocks[last].events = mined.events.clone();
        }
        let nonce = self.nonce() + mined.transactions.len() as u64;
        self.pool.retain(|bytes| decode::<Raw>(bytes).is_ok_and(|raw| raw.nonce >= nonce));
        let last = self.blocks.len() - 1;
        self.blocks[last] = mined;
    }

    fn execute(&self, data: &[u8], block: L1Block) -> Result<EventKind, String> {
        let contract = self.contract();
        match decode::<Call>(data).map_err(|e| e.to_string())? {
            Call::Commit(parent, batch) => {
                let last = contract.commitments.last().copied().unwrap_or_default();
                if batch.number != last.number + 1 {
                    return Err(format!("WrongBatchNumber({}, {})", last.number + 1, batch.number));
                }
                if *parent != last {
                    return Err(format!("UnknownBatch({})", parent.number));
                }
                if batch.time > block.time {
                    return Err(format!("BatchTimeInFuture({}, {})", block.time, batch.time));
                }
                let there = match batch.l1_end {
                    0 => Some([0; 32]),
                    end => contract.operations.get(end as usize - 1).map(|o| o.queue_hash),
                };
                if there != Some(batch.l1_queue_hash) {
                    return Err("WrongL1QueueHash()".into());
                }
                if contract.beacon_hash(batch.beacon_end) != Some(batch.beacon_queue_hash) {
                    return Err("WrongBeaconQueueHash()".into());
                }
                if contract.beacons.get(batch.beacon_end as usize).is_some_and(|b| b.time < batch.time) {
                    return Err(format!("LeftBehind({})", batch.beacon_end));
                }
                if contract.operations.get(batch.l1_end as usize).is_some_and(|o| o.time < batch.time) {
                    return Err(format!("LeftBehind({})", batch.l1_end));
                }
                if batch.time + MAX_BATCH_AGE < block.time {
                    return Err(format!("BatchTooOld({}, {})", block.time - MAX_BATCH_AGE, batch.time));
                }
                Ok(EventKind::Committed(Commitment {
                    number: batch.number,
                    time: batch.time,
                    l1_end: batch.l1_end,
                    beacon_end: batch.beacon_end,
                    l1_queue_hash: batch.l1_queue_hash,
                    beacon_queue_hash: batch.beacon_queue_hash,
                    stream_hash: keccak(&[&batch.stream()]),
                    digest: batch.entry.digest.to_bytes(),
                    evaluation: batch.evaluation(),
                    events_root: [0; 32],
                }))
            }
            Call::Prove(range, proof) => {
                if proof.first != contract.proven + 1 {
                    return Err(format!("WrongBatchNumber({}, {})", contract.proven + 1, proof.first));
                }
                for commitment in &range {
                    if contract.commitments.get(commitment.number as usize) != Some(commitment) {
                        return Err(format!("UnknownBatch({})", commitment.number));
                    }
                }
                if proof.proof == b"invalid" {
                    return Err("InvalidProof()".into());
                }
                Ok(EventKind::Proven { first: proof.first, last: proof.last })
            }
            Call::Beacon(job, trace_root, header) => {
                if contract.beacons.iter().any(|b| (b.job, b.trace_root) == (job, trace_root)) {
                    return Err(format!("BeaconAlreadyRecorded({job}, {trace_root})"));
                }
                let Some(target) = self.beacon_block((job, trace_root)) else {
                    return Err(format!("UnknownSubmit({job}, {trace_root})"));
                };
                if block.number <= target {
                    return Err(format!("BeaconNotYet({target})"));
                }
                if block.number > target + 8_191 {
                    return Err(format!("BeaconTooOld({target})"));
                }
                let hash = self.blocks[target as usize].block.hash;
                if header != hash {
                    return Err(format!("WrongHeader({target})"));
                }
                let before = contract.beacon_hash(contract.beacons.len() as u64).unwrap();
                let limb =
                    |i: usize| hash[7 * i..7 * i + 7].iter().fold(0, |limb, &b| limb << 8 | u64::from(b));
                let entry = BeaconEntry {
                    job,
                    trace_root,
                    beacon: core::array::from_fn(limb),
                    time: block.time,
                    queue_hash: keccak(&[&before, &hash, &job.to_be_bytes()]),
                };
                Ok(EventKind::Beacon { index: contract.beacons.len() as u64, entry })
            }
        }
    }
}

impl FakeL1 {
    /// A chain of a few blocks in a file of this folder, or the one that is there.
    pub fn open(folder: &Path) -> Self {
        let l1 = Self { path: folder.join("l1") };
        l1.with(|chain| {
            if chain.blocks.is_empty() {
                chain.base_fee = 1_000_000_000;
                let event = (EventKind::Committed(Commitment::default()), [0; 32]);
                let time = now() - 100;
                chain
                    .blocks
                    .push(Block { block: L1Block { number: 0, hash: [9; 32], time }, ..Default::default() });
                let block = L1Block { number: 1, hash: [8; 32], time: time + 1 };
                chain.blocks.push(Block { block, events: vec![event], ..Default::default() });
            }
        });
        l1
    }

    fn with<T>(&self, work: impl FnOnce(&mut Chain) -> T) -> T {
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.path.with_extension("lock"));
        let lock: File = lock.unwrap();
        lock.lock().unwrap();
        let mut chain: Chain = std::fs::read(&self.path).map(|b| decode(&b).unwrap()).unwrap_or_default();
        let result = work(&mut chain);
        let next = self.path.with_extension("next");
        std::fs::write(&next, encode(&chain).unwrap()).unwrap();
        std::fs::rename(&next, &self.path).unwrap();
        result
    }

    /// Mines a block with what waits.
    pub fn mine(&self) {
        self.with(Chain::mine);
    }

    pub fn mine_many(&self, blocks: usize) {
        (0..blocks).for_each(|_| self.mine());
    }

    /// A deposit in a block of its own.
    pub fn deposit(&self, key: Key, units: u64) {
        self.with(|chain| {
            let contract = chain.contract();
            let block = chain.next_block();
            let before = contract.operations.last().map_or([0; 32], |o| o.queue_hash);
            let limbs: Vec<u8> = key.to_u64s().into_iter().flat_map(u64::to_be_bytes).collect();
            let queue_hash = keccak(&[&before, &limbs, &units.to_be_bytes(), &block.time.to_be_bytes()]);
            let value = Amount::new(units).unwrap();
            let entry = OperationEntry { hint: 0, key, value, time: block.time, queue_hash };
            let event = EventKind::Operation { index: contract.operations.len() as u64, entry };
            chain.blocks.push(Block { block, events: vec![(event, [1; 32])], ..Default::default() });
        });
    }

    /// Throws the last `depth` blocks away. Their transactions wait again, or are lost.
    pub fn reorganise(&self, depth: usize, lose: bool) {
        self.with(|chain| {
            let keep = chain.blocks.len() - depth;
            chain.blocks.truncate(keep);
            if lose {
                chain.pool.clear();
            }
        });
    }

    pub fn set_dead(&self, dead: bool) {
        self.with(|chain| chain.dead = dead);
    }

    pub fn set_forgetful(&self, forgetful: bool) {
        self.with(|chain| chain.forgetful = forgetful);
    }

    pub fn set_base_fee(&self, base_fee: u128) {
        self.with(|chain| chain.base_fee = base_fee);
    }

    /// Many empty blocks, at once and at one time.
    pub fn jump(&self, blocks: usize) {
        self.with(|chain| {
            for _ in 0..blocks {
                let mut block = chain.next_block();
                block.time = chain.head().time;
                chain.blocks.push(Block { block, ..Default::default() });
            }
        });
    }

    /// Moves the clock of the chain: one block that is `seconds` later.
    pub fn skip_time(&self, seconds: u64) {
        self.with(|chain| {
            let mut block = chain.next_block();
            block.time += seconds;
            chain.blocks.push(Block { block, ..Default::default() });
        });
    }

    /// Somebody else uses the key.
    pub fn foreign_transaction(&self) {
        self.with(|chain| {
            let block = chain.next_block();
            chain.blocks.push(Block { block, transactions: vec![([77; 32], true)], ..Default::default() });
        });
    }

    /// How often each batch was committed, and what is proven, over the whole chain.
    pub fn effects(&self) -> (Vec<u64>, u64) {
        self.with(|chain| {
            let committed =
                chain.blocks.iter().flat_map(|b| &b.events).filter_map(|(event, _)| match event {
                    EventKind::Committed(c) if c.number > 0 => Some(c.number),
                    _ => None,
                });
            (committed.collect(), chain.contract().proven)
        })
    }

    /// The beacon records of the whole chain: job and trace root.
    pub fn beacons(&self) -> Vec<(Index, Digest)> {
        self.with(|chain| chain.contract().beacons.iter().map(|b| (b.job, b.trace_root)).collect())
    }

    /// Somebody else records a beacon that is due, in a block of its own.
    pub fn record_elsewhere(&self, job: Index, trace_root: Digest) {
        self.with(|chain| {
            let target = chain.beacon_block((job, trace_root)).unwrap();
            let header = chain.blocks[target as usize].block.hash.to_vec();
            let block = chain.next_block();
            chain.blocks.push(Block { block, ..Default::default() });
            let data = encode(&Call::Beacon(job, trace_root, header)).unwrap();
            let event = chain.execute(&data, block).unwrap();
            chain.blocks.last_mut().unwrap().events.push((event, [2; 32]));
        });
    }

    /// Transactions that were mined and reverted.
    pub fn reverted(&self) -> usize {
        self.with(|chain| {
            chain.blocks.iter().flat_map(|b| &b.transactions).filter(|(_, success)| !success).count()
        })
    }

    /// Transactions in the node's pool: (nonce, fee cap).
    pub fn waiting(&self) -> Vec<(u64, u128)> {
        self.with(|chain| {
            chain.pool.iter().map(|b| decode::<Raw>(b).unwrap()).map(|r| (r.nonce, r.max_fee)).collect()
        })
    }

    fn ask<T>(&self, work: impl FnOnce(&mut Chain) -> Result<T, L1Error>) -> Result<T, L1Error> {
        self.with(|chain| {
            if chain.dead {
                return Err(L1Error::Unreachable { endpoint: "fake".into(), reason: "it is dead".into() });
            }
            work(chain)
        })
    }
}

fn reverted(reason: String) -> L1Error {
    L1Error::Reverted { contract: "Rollup", reason, data: Default::default() }
}

#[async_trait]
impl L1 for FakeL1 {
    async fn check(&self) -> Result<Terms, L1Error> {
        let genesis_root = Some(Ledger::genesis(crate::world::deployment()).state().root().to_bytes());
        let (operator, sender, max_batch_age) = (OPERATOR, OPERATOR, MAX_BATCH_AGE);
        self.ask(|_| Ok(Terms { max_batch_age, genesis_root, operator, sender }))
    }

    async fn head(&self) -> Result<L1Block, L1Error> {
        self.ask(|chain| Ok(chain.head()))
    }

    async fn block(&self, number: u64) -> Result<Option<L1Block>, L1Error> {
        self.ask(|chain| Ok(chain.blocks.get(number as usize).map(|b| b.block)))
    }

    async fn events(&self, first: u64, last: u64) -> Result<Vec<Event>, L1Error> {
        self.ask(|chain| {
            let blocks = chain.blocks.iter().filter(|b| (first..=last).contains(&b.block.number));
            let events = blocks.flat_map(|b| b.events.iter().map(|e| (b.block, e)));
            Ok(events
                .map(|(block, (kind, transaction))| Event {
                    block: block.number,
                    transaction: *transaction,
                    kind: kind.clone(),
                })
                .collect())
        })
    }

    async fn nonce(&self) -> Result<u64, L1Error> {
        self.ask(|chain| Ok(chain.nonce()))
    }

    async fn gas_price(&self) -> Result<GasPrice, L1Error> {
        self.ask(|chain| Ok(GasPrice { base_fee: chain.base_fee, priority_fee: 1_000_000_000 }))
    }

    async fn estimate(&self, data: &[u8]) -> Result<u64, L1Error> {
        self.ask(|chain| {
            let head = chain.head();
            let next = L1Block { number: head.number + 1, time: now().max(head.time + 1), ..head };
            chain.execute(data, next).map(|_| 100_000).map_err(reverted)
        })
    }

    fn sign(&self, call: &Unsigned<'_>) -> Result<([u8; 32], Vec<u8>), L1Error> {
        let Unsigned { nonce, max_fee, priority_fee, data, .. } = *call;
        let raw = encode(&Raw { nonce, max_fee, priority_fee, data: data.to_vec() }).unwrap();
        Ok((keccak(&[&raw]), raw))
    }

    async fn send(&self, attempt: &Attempt, _: u64) -> Result<(), L1Error> {
        let raw = &attempt.raw[..];
        self.ask(|chain| {
            chain.sent += 1;
            let new: Raw = decode(raw).unwrap();
            if new.nonce < chain.nonce() {
                return Err(L1Error::NonceUsed { address: Default::default(), nonce: new.nonce });
            }
            let rival = chain.pool.iter().position(|b| decode::<Raw>(b).unwrap().nonce == new.nonce);
            if let Some(rival) = rival {
                let old: Raw = decode(&chain.pool[rival]).unwrap();
                if chain.pool[rival] == raw {
                    return Ok(());
                }
                if new.max_fee * 10 < old.max_fee * 11 || new.priority_fee * 10 < old.priority_fee * 11 {
                    return Err(L1Error::Underpriced { address: Default::default(), nonce: new.nonce });
                }
                chain.pool.remove(rival);
            }
            if !chain.forgetful {
                chain.pool.push(raw.to_vec());
            }
            Ok(())
        })
    }

    async fn receipt(&self, hash: [u8; 32]) -> Result<Option<Receipt>, L1Error> {
        self.ask(|chain| {
            let found = chain.blocks.iter().find_map(|b| {
                let (_, success) = b.transactions.iter().find(|(h, _)| *h == hash)?;
                Some(Receipt { block: b.block.number, success: *success, gas_used: 50_000 })
            });
            Ok(found)
        })
    }

    async fn beacon_block(&self, job: Index, trace_root: Digest) -> Result<Option<u64>, L1Error> {
        self.ask(|chain| Ok(chain.beacon_block((job, trace_root))))
    }

    async fn header(&self, number: u64) -> Result<Vec<u8>, L1Error> {
        self.ask(|chain| Ok(chain.blocks[number as usize].block.hash.to_vec()))
    }

    fn beacon_data(&self, job: Index, trace_root: Digest, header: Vec<u8>) -> Vec<u8> {
        encode(&Call::Beacon(job, trace_root, header)).unwrap()
    }

    fn commit_data(&self, parent: &Commitment, batch: &BatchRecord) -> Vec<u8> {
        encode(&Call::Commit(Box::new(*parent), Box::new(batch.clone()))).unwrap()
    }

    fn prove_data(&self, range: &[Commitment], proof: &ProofRecord) -> Vec<u8> {
        encode(&Call::Prove(range.to_vec(), Box::new(proof.clone()))).unwrap()
    }
}

/// The address that stands for the rollup.
pub fn rollup() -> Address {
    Address([5; 20])
}
