//! What an audit is about: the part of a claim that its pieces prove something of.

use janction_gadgets::{Builder, F, sponge};
use janction_protocol::{Digest, claim::Claim, hash::hash};
use plonky2::field::types::Field;
use plonky2::hash::hash_types::{HashOut, HashOutTarget};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::tags;

/// How rows are chosen; a constant of every piece circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Every row, in order. Positions count rows.
    Full,
    /// Rows drawn by the beacon. Positions count draws of each operation.
    Drawn,
}

impl Mode {
    pub fn of(policy: u32) -> Self {
        if policy == 0 { Self::Full } else { Self::Drawn }
    }

    pub fn element(self) -> F {
        match self {
            Self::Full => F::ZERO,
            Self::Drawn => F::ONE,
        }
    }
}

/// The subject of an audit: which execution of which program, and how its rows are chosen.
///
/// Pieces are links of a chain of *audit states* `H(AUDIT STATE, subject[22] ++ [position])`: a piece proof leads from the
/// state at one position to that at a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub program: Digest,
    pub input_root: Digest,
    pub trace_root: Digest,
    pub output_root: Digest,
    pub beacon: [F; 4],
    pub rows: u32,
    pub mode: Mode,
}

impl Subject {
    pub fn of(claim: &Claim) -> Self {
        Self {
            program: claim.program,
            input_root: claim.input_root,
            trace_root: claim.trace_root,
            output_root: claim.output_root,
            beacon: claim.beacon.map(F::from_canonical_u64),
            rows: claim.input_rows,
            mode: Mode::of(claim.policy),
        }
    }

    /// The audit state at `position`.
    pub fn state(&self, position: u32) -> Digest {
        let mut data =
            [self.program, self.input_root, self.trace_root, self.output_root].map(|d| d.0).concat();
        data.extend(self.beacon);
        data.extend([F::from_canonical_u32(self.rows), self.mode.element(), F::from_canonical_u32(position)]);
        hash(tags::STATE, &data)
    }
}

/// A [`Subject`] in a circuit.
#[derive(Clone, Debug)]
pub(crate) struct SubjectTargets {
    pub program: HashOutTarget,
    pub input_root: HashOutTarget,
    pub trace_root: HashOutTarget,
    pub output_root: HashOutTarget,
    pub beacon: [Target; 4],
    pub rows: Target,
    pub mode: Target,
}

impl SubjectTargets {
    /// The subject of a piece of `program`: program and mode are constants, the rest is the prover's to set.
    pub fn of_piece(builder: &mut Builder, program: Digest, mode: Mode) -> Self {
        Self {
            program: builder.constant_hash(HashOut { elements: program.0 }),
            input_root: builder.add_virtual_hash(),
            trace_root: builder.add_virtual_hash(),
            output_root: builder.add_virtual_hash(),
            beacon: builder.add_virtual_target_arr(),
            rows: builder.add_virtual_target(),
            mode: builder.constant(mode.element()),
        }
    }

    /// The audit state at `position`. Three rows.
    pub fn state(&self, builder: &mut Builder, position: Target) -> HashOutTarget {
        let roots = [self.program, self.input_root, self.trace_root, self.output_root];
        let mut data: Vec<Target> = roots.iter().flat_map(|root| root.elements).collect();
        data.extend(self.beacon);
        data.extend([self.rows, self.mode, position]);
        sponge::hash(builder, tags::STATE, &data)
    }

    /// Sets what [`Self::of_piece`] leaves open.
    pub fn assign(&self, inputs: &mut PartialWitness<F>, subject: &Subject) -> anyhow::Result<()> {
        inputs.set_hash_target(self.input_root, HashOut { elements: subject.input_root.0 })?;
        inputs.set_hash_target(self.trace_root, HashOut { elements: subject.trace_root.0 })?;
        inputs.set_hash_target(self.output_root, HashOut { elements: subject.output_root.0 })?;
        inputs.set_target_arr(&self.beacon, &subject.beacon)?;
        inputs.set_target(self.rows, F::from_canonical_u32(subject.rows))
    }
}
