//! A closed batch and its receipts.

use serde::{Deserialize, Serialize};

use crate::binding::{BatchEntry, challenge, fingerprint};
use crate::claim::Claim;
use crate::state::{Account, Index, Job, LedgerState, RunState};
use crate::stream::{Block, Header, Kind};
use crate::transition::StepWitness;
use crate::{Amount, Deployment, Digest, F};

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Its kind.
    pub kind: Kind,
    /// Its first block's position in the stream.
    pub position: u64,
    /// The account that it created.
    pub account: Option<Index>,
    /// The job that it created.
    pub job: Option<Index>,
    /// The fee that it paid.
    pub fee: Amount,
    /// What it destroyed.
    pub burned: Amount,
    /// What it demands of the audits.
    pub claim: Option<Claim>,
}

/// A batch: its bytes, its steps and its effects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedBatch {
    /// The header.
    pub header: Header,
    /// The committer's part of the stream: header and L2 transactions.
    pub bytes: Vec<u8>,
    /// The tail that the contract will append.
    pub tail: Vec<u8>,
    /// D.
    pub digest: Digest,
    /// Positions of the events' first blocks, strictly increasing: what the committer points the contract at.
    pub events: Vec<u32>,
    /// The steps from `Open` to `Close`; r stands in the first one only after [`ClosedBatch::bind`].
    pub steps: Vec<StepWitness>,
    /// One a transaction: L2 part, L1 operations, beacon records.
    pub receipts: Vec<Receipt>,
    /// The claims in order.
    pub claims: Vec<Claim>,
    /// The ledger state before.
    pub before: LedgerState,
    /// The ledger state after.
    pub after: LedgerState,
    /// The account leaves that changed, as they are after the batch, by index.
    pub accounts: Vec<(Index, Account)>,
    /// The job leaves that changed, as they are after the batch, by index.
    pub jobs: Vec<(Index, Job)>,
}

impl ClosedBatch {
    /// The whole stream.
    pub fn stream(&self) -> Vec<u8> {
        [self.bytes.as_slice(), &self.tail].concat()
    }

    /// r as the contract derives it when this batch is committed.
    pub fn challenge(&self, deployment: &Deployment) -> [F; 2] {
        challenge(self.digest, &self.stream(), deployment)
    }

    /// Binds the batch to the point r: hands it to `Open` and returns the batch's entry of the list.
    pub fn bind(&mut self, r: [F; 2]) -> BatchEntry {
        if let Some(open) = self.steps.first_mut() {
            open.r = r;
        }
        let blocks: Vec<Block> = self.steps.iter().flat_map(|step| step.blocks.iter().copied()).collect();
        BatchEntry { digest: self.digest, r, f: fingerprint(&blocks, r) }
    }

    /// The run state from which a range that begins with this batch is replayed.
    pub fn start(&self, r_star: [F; 2]) -> RunState {
        RunState::start(self.before, r_star)
    }
}
