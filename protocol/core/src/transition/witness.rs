//! All that a step needs besides the run state: enough to replay it and to prove it.

use serde::{Deserialize, Serialize};

use super::Authorization;
use crate::F;
use crate::state::{Account, Job};
use crate::stream::{Block, Kind};
use crate::tree::Opening;

/// One slot: a leaf before and after, and its siblings, which serve both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot<L> {
    /// Index and siblings.
    pub opening: Opening,
    /// The leaf under the root that the step (or the slot before) found.
    pub old: L,
    /// The leaf that it leaves.
    pub new: L,
}

/// A step's witness. The prover is stateless: a run state and a list of these is all it gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepWitness {
    /// The kind.
    pub kind: Kind,
    /// The blocks: as many as the kind has, at most 4.
    pub blocks: Vec<Block>,
    /// Account slot A.
    pub a: Slot<Account>,
    /// Account slot B, opened under the root that A left.
    pub b: Slot<Account>,
    /// Job slot J.
    pub j: Slot<Job>,
    /// Who signed, for signed kinds. The nonce is A's.
    pub authorization: Option<Authorization>,
    /// The point of the stream's fingerprint, for `Open`; zero otherwise and until the batch is committed.
    pub r: [F; 2],
}
