//! The run state in a circuit: the 72 elements of `protocol/core/src/state/run.rs`, in its order.

use janction_gadgets::sponge;
use janction_protocol::F;
use janction_protocol::hash::tag;
use janction_protocol::state::RunState;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::Target;
use plonky2::iop::witness::WitnessWrite;

use crate::config::Builder;

/// Elements of a ledger state, padding included.
pub const LEDGER_ELEMENTS: usize = 20;
/// Elements of a run state, padding included.
pub const RUN_ELEMENTS: usize = 72;
/// Elements of a run state that belong to the open batch; all zero between two batches.
pub const BATCH_ELEMENTS: std::ops::Range<usize> = 20..47;

/// The ledger state: elements 0..20. Its hash under `STATE` is the ledger root.
#[derive(Clone, Copy, Debug)]
pub struct LedgerTargets {
    /// Root of the account tree.
    pub accounts_root: HashOutTarget,
    /// Root of the job tree.
    pub jobs_root: HashOutTarget,
    /// Chain id and rollup address.
    pub deployment: [Target; 4],
    /// The last batch's time.
    pub time: Target,
    /// The last batch's number.
    pub batch: Target,
    /// The next free account index.
    pub next_account: Target,
    /// The next free job index.
    pub next_job: Target,
    /// JCT destroyed so far.
    pub burned: Target,
    /// L1 operations consumed so far.
    pub l1_cursor: Target,
    /// Beacon records consumed so far.
    pub beacon_cursor: Target,
}

impl LedgerTargets {
    fn read(e: &[Target; RUN_ELEMENTS]) -> Self {
        Self {
            accounts_root: HashOutTarget::from_vec(e[..4].to_vec()),
            jobs_root: HashOutTarget::from_vec(e[4..8].to_vec()),
            deployment: [e[8], e[9], e[10], e[11]],
            time: e[12],
            batch: e[13],
            next_account: e[14],
            next_job: e[15],
            burned: e[16],
            l1_cursor: e[17],
            beacon_cursor: e[18],
        }
    }

    /// The nineteen elements in use, in order.
    fn used(&self) -> impl Iterator<Item = Target> {
        let roots = self.accounts_root.elements.into_iter().chain(self.jobs_root.elements);
        roots.chain(self.deployment).chain([
            self.time,
            self.batch,
            self.next_account,
            self.next_job,
            self.burned,
            self.l1_cursor,
            self.beacon_cursor,
        ])
    }

    /// The twenty elements, the last one zero.
    pub fn elements(&self, builder: &mut Builder) -> [Target; LEDGER_ELEMENTS] {
        let mut elements = [builder.zero(); LEDGER_ELEMENTS];
        for (element, target) in elements.iter_mut().zip(self.used()) {
            *element = target;
        }
        elements
    }

    /// The ledger root. Three rows.
    pub fn root(&self, builder: &mut Builder) -> HashOutTarget {
        let elements = self.elements(builder);
        sponge::hash(builder, tag::STATE, &elements)
    }
}

/// The run state. Fields are named and ordered as natively.
#[derive(Clone, Copy, Debug)]
pub struct RunTargets {
    /// 0..20.
    pub ledger: LedgerTargets,
    /// 20: fees collected in the open batch.
    pub fees: Target,
    /// 21: who is credited with them at `Close`.
    pub fee_account: Target,
    /// 22: whether a batch is open.
    pub open: Target,
    /// 23: blocks consumed.
    pub position: Target,
    /// 24: position where the L2 part ends.
    pub l2_end: Target,
    /// 25: position where the L1 operations end.
    pub l1_end: Target,
    /// 26: blocks in the stream.
    pub end: Target,
    /// 27: events still expected.
    pub events: Target,
    /// 28: the L1 cursor that `Close` demands.
    pub batch_l1_end: Target,
    /// 29: the beacon cursor that `Close` demands.
    pub batch_beacon_end: Target,
    /// 30: every L1 operation and beacon record made before this time has been consumed.
    pub l1_time: Target,
    /// 31..43: the sponge over the stream.
    pub stream: [Target; 12],
    /// 43..45: the stream's fingerprint so far.
    pub f: [Target; 2],
    /// 45..47: the point at which it is taken.
    pub r: [Target; 2],
    /// 47..59: the sponge over the list of batches.
    pub list: [Target; 12],
    /// 59: batches in the list.
    pub list_len: Target,
    /// 60..62: the list's fingerprint so far.
    pub f_star: [Target; 2],
    /// 62..64: the point at which it is taken.
    pub r_star: [Target; 2],
    /// 64..68: the chain of claims.
    pub claims: HashOutTarget,
    /// 68: claims in it.
    pub claim_count: Target,
}

impl RunTargets {
    /// A run state to be set by the prover: any 69 elements, until its digest is bound.
    pub fn new(builder: &mut Builder) -> Self {
        let mut e = [builder.zero(); RUN_ELEMENTS];
        for (i, element) in e.iter_mut().enumerate() {
            // What the tables leave free is a constant zero.
            if i != LEDGER_ELEMENTS - 1 && i < 69 {
                *element = builder.add_virtual_target();
            }
        }
        Self::read(&e)
    }

    fn read(e: &[Target; RUN_ELEMENTS]) -> Self {
        Self {
            ledger: LedgerTargets::read(e),
            fees: e[20],
            fee_account: e[21],
            open: e[22],
            position: e[23],
            l2_end: e[24],
            l1_end: e[25],
            end: e[26],
            events: e[27],
            batch_l1_end: e[28],
            batch_beacon_end: e[29],
            l1_time: e[30],
            stream: core::array::from_fn(|i| e[31 + i]),
            f: [e[43], e[44]],
            r: [e[45], e[46]],
            list: core::array::from_fn(|i| e[47 + i]),
            list_len: e[59],
            f_star: [e[60], e[61]],
            r_star: [e[62], e[63]],
            claims: HashOutTarget::from_vec(e[64..68].to_vec()),
            claim_count: e[68],
        }
    }

    /// The elements in use with their indices.
    fn used(&self) -> impl Iterator<Item = (usize, Target)> {
        let batch = [
            self.fees,
            self.fee_account,
            self.open,
            self.position,
            self.l2_end,
            self.l1_end,
            self.end,
            self.events,
            self.batch_l1_end,
            self.batch_beacon_end,
            self.l1_time,
        ];
        let rest = batch
            .into_iter()
            .chain(self.stream)
            .chain(self.f)
            .chain(self.r)
            .chain(self.list)
            .chain([self.list_len])
            .chain(self.f_star)
            .chain(self.r_star)
            .chain(self.claims.elements)
            .chain([self.claim_count]);
        (0..).zip(self.ledger.used()).chain((LEDGER_ELEMENTS..).zip(rest))
    }

    /// The 72 elements, in order; what the tables leave free is zero.
    pub fn elements(&self, builder: &mut Builder) -> [Target; RUN_ELEMENTS] {
        let mut elements = [builder.zero(); RUN_ELEMENTS];
        for (i, target) in self.used() {
            elements[i] = target;
        }
        elements
    }

    /// The digest on which neighbouring segments agree. Nine rows.
    pub fn digest(&self, builder: &mut Builder) -> HashOutTarget {
        let elements = self.elements(builder);
        sponge::hash(builder, tag::RUN, &elements)
    }

    /// Sets every element from a native run state.
    ///
    /// # Errors
    /// When a target already has another value.
    pub fn assign(&self, inputs: &mut impl WitnessWrite<F>, state: &RunState) -> anyhow::Result<()> {
        let values = state.elements();
        for (i, target) in self.used() {
            inputs.set_target(target, values[i])?;
        }
        Ok(())
    }
}
