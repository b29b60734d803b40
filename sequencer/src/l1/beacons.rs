//! Which beacons are due: under `rows`, a `Submit` that is committed on L1 waits for the randomness of a later block, and
//! somebody must record it while the chain can still prove that block's header.
//!
//! Nothing of this is kept: after a restart it follows from ledger and chain.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use janction_protocol::Digest;
use janction_protocol::state::Index;

use super::follower::View;
use super::{EventKind, L1, L1Config, L1Error};

/// How far back the contract can prove a block's header (EIP-2935), less what a transaction may wait to be mined.
const REACH: u64 = 8_191 - 128;

/// How long a beacon rests that L1 refused to record for a reason that may pass.
const REST: Duration = Duration::from_secs(30);

/// A `Submit`: its job and the root of its trace.
pub type Awaited = (Index, Digest);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    /// Its block's number was this when L1 was last asked.
    Block(u64),
    /// L1 refused it; to be tried again later.
    Resting(Instant),
    /// Nothing is left to do: it is recorded, or can no longer be.
    Done,
}

/// What is known of the beacons that the ledger waits for.
#[derive(Debug, Default)]
pub struct Beacons {
    known: HashMap<Awaited, Stand>,
}

impl Beacons {
    /// A beacon that is due, with its block's header.
    ///
    /// - `awaited`: every `Submit` without a beacon, in order of its job;
    /// - `view`: L1 as it is.
    ///
    /// # Errors
    /// [`L1Error`] when L1 does not answer.
    pub async fn due(
        &mut self,
        awaited: &[Awaited],
        view: &View,
        l1: &dyn L1,
        config: &L1Config,
    ) -> Result<Option<(Awaited, Vec<u8>)>, L1Error> {
        self.known.retain(|submit, _| awaited.contains(submit));
        let recorded = |submit: &Awaited| {
            view.recent.iter().any(|event| match &event.kind {
                EventKind::Beacon { entry, .. } => (entry.job, entry.trace_root) == *submit,
                _ => false,
            })
        };
        // The block itself must be as deep as everything else that is taken over. At least one block stands on it: nodes
        // estimate gas as if in their newest block, and the contract wants a later one.
        let deep = |block: u64| block + config.confirmations.max(1) <= view.head.number;
        for submit in awaited.iter().filter(|submit| !recorded(submit)) {
            match self.known.get(submit) {
                Some(Stand::Done) => continue,
                Some(Stand::Resting(until)) if *until > Instant::now() => continue,
                Some(Stand::Block(block)) if !deep(*block) => continue,
                _ => {}
            }
            // Asked again when its time has come: a reorganisation may have moved it.
            let Some(block) = l1.beacon_block(submit.0, submit.1).await? else { continue };
            self.known.insert(*submit, Stand::Block(block));
            if !deep(block) {
                continue;
            }
            if view.head.number > block + REACH {
                self.give_up(*submit, "L1 no longer proves the header of its block");
                continue;
            }
            return Ok(Some((*submit, l1.header(block).await?)));
        }
        Ok(None)
    }

    /// The contract would revert with the error `name`. Whether that is no error: somebody else was quicker, or it is too
    /// early by a block.
    pub fn refused(&mut self, submit: Awaited, name: &str, why: &str) -> bool {
        match name {
            "BeaconAlreadyRecorded" => {
                tracing::info!(job = submit.0, "somebody else has recorded the beacon");
                self.known.insert(submit, Stand::Done);
                return true;
            }
            "BeaconNotYet" => {
                self.known.remove(&submit);
                return true;
            }
            "BeaconTooOld" | "ConstantRandomness" => self.give_up(submit, why),
            _ => {
                self.known.insert(submit, Stand::Resting(Instant::now() + REST));
            }
        }
        false
    }

    /// The beacon can never be recorded: the job will expire, and nobody is slashed for it.
    fn give_up(&mut self, submit: Awaited, why: &str) {
        tracing::error!(
            job = submit.0,
            trace_root = %submit.1,
            why,
            "the job's beacon cannot be recorded any more: the job will expire"
        );
        metrics::counter!("sequencer_beacons_missed_total").increment(1);
        self.known.insert(submit, Stand::Done);
    }
}
