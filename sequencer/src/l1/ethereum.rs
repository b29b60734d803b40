//! L1 as it is: the contract's bindings behind [`L1`].

use std::time::Duration;

use alloy::eips::BlockNumberOrTag;
use alloy::primitives::{Address as L1Address, B256, Bytes};
use alloy::providers::Provider;
use alloy::signers::local::PrivateKeySigner;
use async_trait::async_trait;
use janction_bindings::abi::Rollup::RollupEvents;
use janction_bindings::{BatchInfo, Call, Fees, L1 as Client, L1Error, Located, SignedCall};
use janction_protocol::state::{Index, Key};
use janction_protocol::{Address, Amount, Digest};

use super::{Event, EventKind, GasPrice, L1, L1Config, Receipt, Terms, Unsigned};
use crate::store::record::{
    Attempt, BatchRecord, BeaconEntry, Commitment, L1Block, OperationEntry, ProofRecord,
};

/// The rollup on L1, with the operator's key.
pub struct Ethereum {
    client: Client,
    signer: PrivateKeySigner,
    timeout: Duration,
}

impl Ethereum {
    /// Connects, and compares chain and contract with the configuration.
    ///
    /// # Errors
    /// [`L1Error`]: not reachable, another chain, no or another contract.
    pub async fn connect(config: &L1Config, signer: PrivateKeySigner) -> Result<Self, L1Error> {
        let timeout = Duration::from_millis(config.timeout_ms);
        let connecting = Client::connect(&config.url, config.chain_id, L1Address::from(config.rollup.0));
        let client = within(timeout, &config.url, connecting).await?;
        Ok(Self { client, signer, timeout })
    }

    /// The typed client, for what this interface does not cover.
    pub fn client(&self) -> &Client {
        &self.client
    }

    async fn ask<T>(&self, answer: impl Future<Output = Result<T, L1Error>>) -> Result<T, L1Error> {
        within(self.timeout, self.client.endpoint(), answer).await
    }

    fn call(&self, data: &[u8]) -> Call {
        Call { to: self.client.rollup(), data: data.to_vec().into() }
    }
}

async fn within<T>(
    timeout: Duration,
    endpoint: &str,
    answer: impl Future<Output = Result<T, L1Error>>,
) -> Result<T, L1Error> {
    let late = |_| L1Error::Unreachable {
        endpoint: endpoint.into(),
        reason: format!("no answer within {} ms", timeout.as_millis()),
    };
    tokio::time::timeout(timeout, answer).await.map_err(late)?
}

#[async_trait]
impl L1 for Ethereum {
    async fn check(&self) -> Result<Terms, L1Error> {
        self.ask(self.client.check_randomness()).await?;
        let parameters = self.ask(self.client.parameters()).await?;
        let state = self.ask(self.client.state(None)).await?;
        Ok(Terms {
            genesis_root: (state.proven == 0).then_some(state.state_root.0),
            max_batch_age: parameters.max_batch_age,
            operator: Address(parameters.operator.into()),
            sender: Address(self.signer.address().into()),
        })
    }

    async fn head(&self) -> Result<L1Block, L1Error> {
        Ok(block(self.ask(self.client.head()).await?))
    }

    async fn block(&self, number: u64) -> Result<Option<L1Block>, L1Error> {
        match self.ask(self.client.block(number)).await {
            Ok(found) => Ok(Some(block(found))),
            Err(L1Error::NoBlock(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn events(&self, first: u64, last: u64) -> Result<Vec<Event>, L1Error> {
        let located = self.ask(self.client.events(first, last)).await?;
        located.iter().filter_map(|located| event(located).transpose()).collect()
    }

    async fn nonce(&self) -> Result<u64, L1Error> {
        self.ask(self.client.nonce(self.signer.address(), false)).await
    }

    async fn gas_price(&self) -> Result<GasPrice, L1Error> {
        let fees = self.ask(self.client.fees()).await?;
        let newest = self.client.provider().get_block_by_number(BlockNumberOrTag::Latest);
        let newest = self.ask(async {
            let unreachable = |reason: String| {
                let endpoint = self.client.endpoint().into();
                L1Error::Unreachable { endpoint, reason }
            };
            let newest = newest.await.map_err(|e| unreachable(e.to_string()))?;
            newest.ok_or_else(|| unreachable("it has no newest block".into()))
        });
        let base_fee = newest.await?.header.base_fee_per_gas.unwrap_or_default();
        Ok(GasPrice { base_fee: base_fee.into(), priority_fee: fees.priority_fee })
    }

    async fn estimate(&self, data: &[u8]) -> Result<u64, L1Error> {
        self.ask(self.client.estimate_gas(&self.call(data), self.signer.address())).await
    }

    fn sign(&self, call: &Unsigned<'_>) -> Result<([u8; 32], Vec<u8>), L1Error> {
        let Unsigned { nonce, gas, max_fee, priority_fee, data } = *call;
        let fees = Fees { max_fee, priority_fee };
        let signed = self.client.sign(&self.call(data), &self.signer, nonce, gas, fees)?;
        Ok((signed.hash.into(), signed.raw.to_vec()))
    }

    async fn send(&self, attempt: &Attempt, nonce: u64) -> Result<(), L1Error> {
        let signed = SignedCall {
            hash: attempt.hash.into(),
            raw: attempt.raw.clone().into(),
            from: self.signer.address(),
            nonce,
            fees: Fees { max_fee: attempt.max_fee, priority_fee: attempt.priority_fee },
        };
        self.ask(self.client.send(&signed)).await
    }

    async fn receipt(&self, hash: [u8; 32]) -> Result<Option<Receipt>, L1Error> {
        let receipt = self.ask(self.client.receipt(hash.into())).await?;
        Ok(receipt.map(|r| Receipt { block: r.block, success: r.success, gas_used: r.gas_used }))
    }

    async fn beacon_block(&self, job: Index, trace_root: Digest) -> Result<Option<u64>, L1Error> {
        self.ask(self.client.beacon_block(job, trace_root.to_bytes().into())).await
    }

    async fn header(&self, number: u64) -> Result<Vec<u8>, L1Error> {
        Ok(self.ask(self.client.header_rlp(number)).await?.to_vec())
    }

    fn beacon_data(&self, job: Index, trace_root: Digest, header: Vec<u8>) -> Vec<u8> {
        self.client.record_beacon(job, trace_root.to_bytes().into(), header.into()).data.to_vec()
    }

    fn commit_data(&self, parent: &Commitment, batch: &BatchRecord) -> Vec<u8> {
        let call = self.client.commit_batch(
            info(parent),
            batch.committed.clone().into(),
            B256::from(batch.entry.digest.to_bytes()),
            batch.event_offsets.clone(),
            batch.l1_queue_hash.into(),
            batch.beacon_queue_hash.into(),
        );
        call.data.to_vec()
    }

    fn prove_data(&self, range: &[Commitment], proof: &ProofRecord) -> Vec<u8> {
        let call = self.client.prove_batches(
            range.iter().map(info).collect(),
            B256::from(proof.list_digest.to_bytes()),
            B256::from(proof.new_root.to_bytes()),
            L1Address::from(proof.payee.0),
            Bytes::from(proof.proof.clone()),
        );
        call.data.to_vec()
    }
}

fn block(block: janction_bindings::L1Block) -> L1Block {
    L1Block { number: block.number, hash: block.hash.into(), time: block.time }
}

fn info(commitment: &Commitment) -> BatchInfo {
    BatchInfo {
        number: commitment.number,
        time: commitment.time,
        l1End: commitment.l1_end,
        beaconEnd: commitment.beacon_end,
        l1QueueHash: commitment.l1_queue_hash.into(),
        beaconQueueHash: commitment.beacon_queue_hash.into(),
        streamHash: commitment.stream_hash.into(),
        digest: commitment.digest.into(),
        evaluation: commitment.evaluation.into(),
        eventsRoot: commitment.events_root.into(),
    }
}

fn commitment(info: &BatchInfo) -> Commitment {
    Commitment {
        number: info.number,
        time: info.time,
        l1_end: info.l1End,
        beacon_end: info.beaconEnd,
        l1_queue_hash: info.l1QueueHash.into(),
        beacon_queue_hash: info.beaconQueueHash.into(),
        stream_hash: info.streamHash.into(),
        digest: info.digest.into(),
        evaluation: info.evaluation.into(),
        events_root: info.eventsRoot.into(),
    }
}

/// What the sequencer needs of a log; `None` for the others.
fn event(located: &Located) -> Result<Option<Event>, L1Error> {
    let unreadable = |reason: String| L1Error::UnreadableLog { hash: located.transaction, reason };
    let kind = match &located.event {
        RollupEvents::Deposited(d) => {
            let entry = OperationEntry {
                hint: d.hintAccount.to(),
                key: Key::from_u64s(d.key).map_err(|e| unreadable(e.to_string()))?,
                value: Amount::new(d.units).map_err(|e| unreadable(e.to_string()))?,
                time: d.time,
                queue_hash: d.queueHash.into(),
            };
            EventKind::Operation { index: d.index, entry }
        }
        RollupEvents::BeaconRecorded(b) => {
            let entry = BeaconEntry {
                job: b.job.to(),
                trace_root: Digest::from_bytes(b.traceRoot.into()).map_err(|e| unreadable(e.to_string()))?,
                beacon: beacon_limbs(&b.beacon.0),
                time: b.time,
                queue_hash: b.queueHash.into(),
            };
            EventKind::Beacon { index: b.index, entry }
        }
        RollupEvents::BatchCommitted(c) => EventKind::Committed(commitment(&c.info)),
        RollupEvents::BatchesReverted(r) => EventKind::Reverted { last: r.last },
        RollupEvents::BatchesProven(p) => EventKind::Proven { first: p.first, last: p.last },
        _ => return Ok(None),
    };
    Ok(Some(Event { block: located.block, transaction: located.transaction.into(), kind }))
}

/// 28 bytes as four limbs of 7 bytes, big-endian.
fn beacon_limbs(bytes: &[u8; 28]) -> [u64; 4] {
    core::array::from_fn(|i| bytes[7 * i..7 * i + 7].iter().fold(0, |limb, &b| limb << 8 | u64::from(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beacons_are_cut_as_in_the_stream() {
        let bytes: [u8; 28] = core::array::from_fn(|i| i as u8);
        assert_eq!(beacon_limbs(&bytes)[..2], [0x00_01_02_03_04_05_06, 0x07_08_09_0a_0b_0c_0d]);
        assert_eq!(beacon_limbs(&[0xff; 28]), [(1 << 56) - 1; 4]);
    }

    #[test]
    fn records_keep_their_fields_in_both_directions() {
        let record = Commitment {
            number: 1,
            time: 2,
            l1_end: 4,
            beacon_end: 5,
            l1_queue_hash: [6; 32],
            beacon_queue_hash: [7; 32],
            stream_hash: [8; 32],
            digest: [9; 32],
            evaluation: [10; 32],
            events_root: [11; 32],
        };
        assert_eq!(commitment(&info(&record)), record);
        assert_eq!(info(&Commitment::default()), BatchInfo::genesis());
    }
}
