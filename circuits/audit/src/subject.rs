//! What an audit is about, and the states of the chain of its pieces.

use janction_gadgets::{Builder, F, sponge};
use janction_protocol::{Digest, claim::Claim, hash::hash};
use janction_trace::Commitment;
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

/// The subject of an audit: which execution of which program, how its rows are chosen, and what Freivalds' checks go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub program: Digest,
    pub input_root: Digest,
    pub trace_root: Digest,
    pub output_root: Digest,
    pub beacon: [F; 4],
    pub rows: u32,
    pub mode: Mode,
    /// Position where every stage of rows ends.
    pub end: u32,
    /// What Freivalds' challenge is made of: [`Subject::challenge`] of what the pieces check.
    pub challenge: Digest,
    /// Digest of all folds of weights under that challenge.
    pub folds: Digest,
}

/// A place on the chain of pieces: everything about a piece's ends that the subject does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// Number of the stage, or [`State::DONE`].
    pub stage: u32,
    /// Position in the stage: rows, draws of each operation, or rows of weights.
    pub position: u32,
    /// Running digest of the accumulators that Freivalds' checks were made of.
    pub checked: Digest,
    /// Running digest of the folds of the stage's weights.
    pub folded: Digest,
}

impl State {
    /// The stage after the last one.
    pub const DONE: u32 = u32::MAX;

    /// Where every audit begins.
    pub const START: Self = Self { stage: 0, position: 0, checked: Digest::ZERO, folded: Digest::ZERO };

    /// Where an audit ends that has checked these accumulators.
    pub const fn done(checked: Digest) -> Self {
        Self { stage: Self::DONE, position: 0, checked, folded: Digest::ZERO }
    }
}

impl Subject {
    /// The subject of the audit of `claim` whose stages of rows end at `end`, that checks accumulators of digest `checked` with
    /// folds of digest `folds`.
    pub fn of(claim: &Claim, end: u32, checked: Digest, folds: Digest) -> Self {
        let subject = Self {
            program: claim.program,
            input_root: claim.input_root,
            trace_root: claim.trace_root,
            output_root: claim.output_root,
            beacon: claim.beacon.map(F::from_canonical_u64),
            rows: claim.input_rows,
            mode: Mode::of(claim.policy),
            end,
            challenge: Digest::ZERO,
            folds,
        };
        subject.checking(checked)
    }

    /// The same of an execution of `program` that `commitment` commits to, whether or not it is a job's.
    pub fn of_execution(
        program: Digest,
        commitment: &Commitment,
        end: u32,
        checked: Digest,
        folds: Digest,
    ) -> Self {
        let subject = Self {
            program,
            input_root: commitment.input_root,
            trace_root: commitment.trace_root,
            output_root: commitment.output_root,
            beacon: commitment.beacon.unwrap_or_default(),
            // At most 2^24.
            rows: commitment.rows as u32,
            mode: Mode::of(commitment.policy.code()),
            end,
            challenge: Digest::ZERO,
            folds,
        };
        subject.checking(checked)
    }

    /// The same with the challenge that follows from accumulators of digest `checked`.
    fn checking(mut self, checked: Digest) -> Self {
        self.challenge = self.challenge_for(checked);
        self
    }

    /// What does not depend on the challenge.
    fn fixed(&self) -> Vec<F> {
        let mut data =
            [self.program, self.input_root, self.trace_root, self.output_root].map(|d| d.0).concat();
        data.extend(self.beacon);
        data.extend([F::from_canonical_u32(self.rows), self.mode.element(), F::from_canonical_u32(self.end)]);
        data
    }

    /// `H(JCHALL, roots, beacon, rows, mode, end, checked)`: known only once everything that is checked is fixed.
    pub fn challenge_for(&self, checked: Digest) -> Digest {
        let mut data = self.fixed();
        data.extend(checked.0);
        hash(tags::CHALLENGE, &data)
    }

    /// The audit state at `state`: `H(JAUDST, subject[31] ++ [stage, position] ++ checked ++ folded)`.
    pub fn state(&self, state: &State) -> Digest {
        let mut data = self.fixed();
        data.extend(self.challenge.0);
        data.extend(self.folds.0);
        data.extend([state.stage, state.position].map(F::from_canonical_u32));
        data.extend(state.checked.0);
        data.extend(state.folded.0);
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
    pub end: Target,
    pub challenge: HashOutTarget,
    pub folds: HashOutTarget,
}

/// A [`State`] in a circuit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StateTargets {
    pub stage: Target,
    pub position: Target,
    pub checked: HashOutTarget,
    pub folded: HashOutTarget,
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
            end: builder.add_virtual_target(),
            challenge: builder.add_virtual_hash(),
            folds: builder.add_virtual_hash(),
        }
    }

    fn fixed(&self) -> Vec<Target> {
        let roots = [self.program, self.input_root, self.trace_root, self.output_root];
        let mut data: Vec<Target> = roots.iter().flat_map(|root| root.elements).collect();
        data.extend(self.beacon);
        data.extend([self.rows, self.mode, self.end]);
        data
    }

    /// [`Subject::challenge_for`]. Four rows.
    pub fn challenge_for(&self, builder: &mut Builder, checked: HashOutTarget) -> HashOutTarget {
        let mut data = self.fixed();
        data.extend(checked.elements);
        sponge::hash(builder, tags::CHALLENGE, &data)
    }

    /// [`Subject::state`]. Six rows.
    pub fn state(&self, builder: &mut Builder, state: &StateTargets) -> HashOutTarget {
        let mut data = self.fixed();
        data.extend(self.challenge.elements);
        data.extend(self.folds.elements);
        data.extend([state.stage, state.position]);
        data.extend(state.checked.elements);
        data.extend(state.folded.elements);
        sponge::hash(builder, tags::STATE, &data)
    }

    /// Sets what [`Self::of_piece`] leaves open.
    pub fn assign(&self, inputs: &mut PartialWitness<F>, subject: &Subject) -> anyhow::Result<()> {
        for (target, digest) in [
            (self.input_root, subject.input_root),
            (self.trace_root, subject.trace_root),
            (self.output_root, subject.output_root),
            (self.challenge, subject.challenge),
            (self.folds, subject.folds),
        ] {
            inputs.set_hash_target(target, HashOut { elements: digest.0 })?;
        }
        inputs.set_target_arr(&self.beacon, &subject.beacon)?;
        inputs.set_target(self.rows, F::from_canonical_u32(subject.rows))?;
        inputs.set_target(self.end, F::from_canonical_u32(subject.end))
    }
}
