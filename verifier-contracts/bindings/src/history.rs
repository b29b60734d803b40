//! What happened on the rollup, from its events: batches, proofs, rewards, settled jobs.

use crate::abi::{BatchInfo, Rollup};
use crate::client::{L1, Located};
use crate::error::L1Error;
use crate::event_tree;
use crate::sender::Call;
use alloy::primitives::{Address, B256, Bytes, TxHash, U256};

/// A committed batch as it stands on L1: what was sent, and what the contract made of it.
#[derive(Clone, Debug)]
pub struct CommittedBatch {
    /// The contract's record.
    pub info: BatchInfo,
    /// The call: parent, committed bytes (header and L2 transactions), digest, event offsets, queue hashes.
    pub call: Rollup::commitBatchCall,
    /// L1 block.
    pub block: u64,
    /// Transaction.
    pub transaction: TxHash,
}

/// A proof as it stands on L1.
#[derive(Clone, Debug)]
pub struct ProvenRange {
    /// The contract's event: range, roots, payee, reward.
    pub event: Rollup::BatchesProven,
    /// The call: records, D*, new root, payee, proof.
    pub call: Rollup::proveBatchesCall,
    /// L1 block.
    pub block: u64,
    /// Transaction.
    pub transaction: TxHash,
}

/// What a prover was paid for one proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reward {
    /// First batch of the proven range.
    pub first: u64,
    /// Last batch of the range.
    pub last: u64,
    /// Who was paid: the address that the proof names.
    pub payee: Address,
    /// Wei of JCT; less than the terms say, or zero, when the pool was empty.
    pub amount: U256,
    /// L1 block.
    pub block: u64,
    /// Transaction.
    pub transaction: TxHash,
}

/// A `Settle` in a proven batch: what `publishOutput` wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettledJob {
    /// The job.
    pub job: u32,
    /// Its output root.
    pub output_root: B256,
    /// Record of the batch that holds the `Settle`.
    pub info: BatchInfo,
    /// Which event of the batch it is.
    pub index: u32,
    /// Its two blocks.
    pub blocks: Bytes,
    /// Its path in the batch's tree of events.
    pub path: Vec<B256>,
}

impl SettledJob {
    /// The call that makes the output root readable for other contracts. Anyone may send it.
    pub fn publish(&self, l1: &L1) -> Call {
        l1.publish_output(self.info.clone(), self.index, self.blocks.clone(), self.path.clone())
    }
}

impl L1 {
    /// Every batch that stands committed, in order: commits in `from..=to` without those that were reverted later in
    /// the range.
    ///
    /// # Errors
    /// [`L1Error::UnexpectedCalldata`] when a batch was not committed by a direct call, or of the connection.
    pub async fn committed_batches(&self, from: u64, to: u64) -> Result<Vec<CommittedBatch>, L1Error> {
        let mut standing: Vec<(BatchInfo, Located)> = Vec::new();
        for located in self.events(from, to).await? {
            match &located.event {
                Rollup::RollupEvents::BatchCommitted(e) if e.number > 0 => {
                    standing.push((e.info.clone(), located))
                }
                Rollup::RollupEvents::BatchesReverted(e) => {
                    standing.retain(|(info, _)| info.number <= e.last)
                }
                _ => {}
            }
        }
        let mut batches = Vec::with_capacity(standing.len());
        for (info, at) in standing {
            let call = self.calldata::<Rollup::commitBatchCall>(at.transaction, "commitBatch").await?;
            batches.push(CommittedBatch { info, call, block: at.block, transaction: at.transaction });
        }
        Ok(batches)
    }

    /// Every proof that was accepted in the L1 blocks `from..=to`, in order.
    ///
    /// # Errors
    /// As for [`L1::committed_batches`].
    pub async fn proven_ranges(&self, from: u64, to: u64) -> Result<Vec<ProvenRange>, L1Error> {
        let mut ranges = Vec::new();
        for located in self.events(from, to).await? {
            if let Rollup::RollupEvents::BatchesProven(event) = located.event {
                let call =
                    self.calldata::<Rollup::proveBatchesCall>(located.transaction, "proveBatches").await?;
                ranges.push(ProvenRange {
                    event,
                    call,
                    block: located.block,
                    transaction: located.transaction,
                });
            }
        }
        Ok(ranges)
    }

    /// What provers were paid in the L1 blocks `from..=to`, in order; with `payee` only what that one was.
    ///
    /// # Errors
    /// [`L1Error::UnreadableLog`], or of the connection.
    pub async fn rewards(&self, from: u64, to: u64, payee: Option<Address>) -> Result<Vec<Reward>, L1Error> {
        let mut rewards = Vec::new();
        for located in self.events(from, to).await? {
            let Rollup::RollupEvents::BatchesProven(e) = located.event else { continue };
            if payee.is_none_or(|payee| payee == e.payee) {
                rewards.push(Reward {
                    first: e.first,
                    last: e.last,
                    payee: e.payee,
                    amount: e.reward,
                    block: located.block,
                    transaction: located.transaction,
                });
            }
        }
        Ok(rewards)
    }

    /// The `Settle` of a job among the batches that were committed in `from..=to` and are proven; `None` while there
    /// is none.
    ///
    /// # Errors
    /// As for [`L1::committed_batches`].
    pub async fn settled_job(&self, from: u64, to: u64, job: u32) -> Result<Option<SettledJob>, L1Error> {
        let proven = self.state(Some(to)).await?.proven;
        let batches = self.committed_batches(from, to).await?;
        Ok(batches.iter().filter(|batch| batch.info.number <= proven).find_map(|batch| find(batch, job)))
    }
}

/// The `Settle` of a job in a batch.
fn find(batch: &CommittedBatch, job: u32) -> Option<SettledJob> {
    let events = event_tree::events(&batch.call.committed, &batch.call.eventOffsets)?;
    let settled = |event: &&[u8]| event_tree::settle(event).filter(|(settled, _)| *settled == job);
    let (index, output_root) =
        events.iter().enumerate().find_map(|(i, event)| Some((i, settled(event)?.1)))?;
    Some(SettledJob {
        job,
        output_root,
        info: batch.info.clone(),
        index: u32::try_from(index).ok()?,
        blocks: Bytes::copy_from_slice(events[index]),
        path: event_tree::path(&events, index)?,
    })
}
