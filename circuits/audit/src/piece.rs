//! A piece: one circuit that checks a fixed number of rows of one stage of a program's audit under one policy.
//!
//! *Public inputs*: the audit state before and after the piece (a segment). *Enforced*: see [`full`], [`drawn`] and [`fold`];
//! and, whatever is checked:
//!
//! ```text
//! before = state(subject, own stage, from, checked, folded)
//! after = state(subject, own stage, to, ...), or, if the stage ends at `to`, state(subject, next stage, 0, ...)
//! ```

pub(crate) mod drawn;
pub(crate) mod fold;
pub(crate) mod full;

use janction_aggregate::config::{Circuit, Common};
use janction_gadgets::{Builder, F, sponge, uint};
use janction_program::Program;
use janction_protocol::{Digest, hash::tag};
use janction_trace::{CommittedTensor, Openings, OpeningsError, Policy, Trace};
use plonky2::field::types::Field;
use plonky2::gates::lookup_table::LookupTableGate;
use plonky2::gates::noop::NoopGate;
use plonky2::hash::hash_types::{HashOut, HashOutTarget};
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::error::inputs_error;
use crate::freivalds::FoldPlan;
use crate::gate::piece_config;
use crate::layout::Layout;
use crate::operation::ProgramPlan;
use crate::piece::fold::FoldTargets;
use crate::preparation::Preparation;
use crate::stage::{Stage, StageNumber};
use crate::subject::{Mode, State, StateTargets, Subject, SubjectTargets};
use crate::{AuditError, piece::drawn::DrawnTargets, piece::full::FullTargets};

pub(crate) const NAME: &str = "audit piece";

/// Number k of tensors, the input first; roots in that order.
#[derive(Clone, Debug)]
pub(crate) struct RootTargets(pub Vec<HashOutTarget>);

impl RootTargets {
    /// The roots of all tensors.
    ///
    /// *Enforced*: the input's is the subject's input root, the output's its output root, and the committed tensors'
    /// hash to its trace root.
    fn new(builder: &mut Builder, plan: &ProgramPlan, subject: &SubjectTargets) -> Self {
        let mut roots = vec![subject.input_root];
        roots.extend(builder.add_virtual_hashes(plan.steps.len()));
        let data: Vec<_> = roots[1..].iter().flat_map(|root| root.elements).collect();
        let trace_root = sponge::hash(builder, tag::TRACE, &data);
        builder.connect_hashes(trace_root, subject.trace_root);
        builder.connect_hashes(roots[plan.output], subject.output_root);
        Self(roots)
    }

    /// Sets the roots of the committed tensors.
    fn assign(
        &self,
        inputs: &mut PartialWitness<F>,
        roots: impl Iterator<Item = Digest>,
    ) -> anyhow::Result<()> {
        self.0[1..].iter().zip(roots).try_for_each(|(target, root)| set_digest(inputs, *target, root))
    }
}

/// The k-th tensor of a trace, the input first.
pub(crate) fn tensor(trace: &Trace, k: usize) -> &CommittedTensor {
    if k == 0 { trace.input() } else { &trace.tensors()[k - 1] }
}

/// Sets a digest.
pub(crate) fn set_digest(
    inputs: &mut PartialWitness<F>,
    target: HashOutTarget,
    digest: Digest,
) -> anyhow::Result<()> {
    inputs.set_hash_target(target, HashOut { elements: digest.0 })
}

/// Sets `bits` to the low bits of `value`.
pub(crate) fn set_bits(
    inputs: &mut PartialWitness<F>,
    bits: &[BoolTarget],
    value: usize,
) -> anyhow::Result<()> {
    for (i, bit) in bits.iter().enumerate() {
        inputs.set_bool_target(*bit, value >> i & 1 == 1)?;
    }
    Ok(())
}

/// The positions that a piece covers, and what is left of its stage behind them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    pub from: Target,
    pub to: Target,
    pub left: Target,
}

/// Makes the states before and after a piece its public inputs.
fn register_states(
    builder: &mut Builder,
    subject: &SubjectTargets,
    number: StageNumber,
    stretch: Stretch,
    checked: [HashOutTarget; 2],
    folded: [HashOutTarget; 2],
) {
    let zero = builder.zero();
    let [own, next] = [number.own, number.next].map(|stage| builder.constant(F::from_canonical_u32(stage)));
    let is_last = uint::is_zero(builder, stretch.left);
    let stage = builder.select(is_last, next, own);
    let position = builder.select(is_last, zero, stretch.to);
    for (i, (stage, position)) in [(own, stretch.from), (stage, position)].into_iter().enumerate() {
        let state = StateTargets { stage, position, checked: checked[i], folded: folded[i] };
        let digest = subject.state(builder, &state);
        builder.register_public_inputs(&digest.elements);
    }
}

/// What the prover sets.
#[derive(Clone, Debug)]
pub(crate) enum PieceTargets {
    Full(FullTargets),
    Drawn(DrawnTargets),
    Fold(FoldTargets),
}

/// How much a piece checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// So many neighbouring blocks of 2^row_bits rows of the stage's operations, an odd number; of weights one.
    Rows { row_bits: usize, blocks: usize },
    /// Four times as many draws of each of the stage's operations.
    Draws { blocks: usize },
}

impl Size {
    /// So many rows, at least one, in the largest blocks that these are a multiple of.
    pub const fn of_rows(rows: usize) -> Self {
        let row_bits = rows.trailing_zeros() as usize;
        Self::Rows { row_bits, blocks: rows >> row_bits }
    }

    /// The next smaller one; of rows those that are powers of two.
    pub fn smaller(self) -> Option<Self> {
        match self {
            Self::Rows { row_bits, .. } => Some(Self::of_rows(1 << row_bits.checked_sub(1)?)),
            Self::Draws { blocks: 1 } => None,
            Self::Draws { blocks } => Some(Self::Draws { blocks: blocks.div_ceil(2) }),
        }
    }

    /// Positions that a piece covers.
    pub const fn step(self) -> u32 {
        match self {
            Self::Rows { row_bits, blocks } => (blocks << row_bits) as u32,
            Self::Draws { blocks } => (blocks * janction_trace::draw::DRAWS_PER_HASH) as u32,
        }
    }
}

/// What a piece circuit follows from.
#[derive(Clone, Debug)]
pub(crate) struct PieceShape {
    pub stage: Stage,
    pub number: StageNumber,
    pub size: Size,
}

/// A piece's gates and copies, before they are built.
pub(crate) struct PieceLayout {
    pub builder: Builder,
    pub targets: PieceTargets,
    /// Rows that lookups will take.
    pub lookup_rows: usize,
    /// Lookups into each table.
    pub lookups: Vec<usize>,
}

/// Rows that building adds at most besides lookups: constants and public inputs.
const SPARE_ROWS: usize = 128;

impl PieceLayout {
    /// Rows of the circuit, about.
    pub fn rows(&self) -> usize {
        self.builder.num_gates() + self.lookup_rows + SPARE_ROWS
    }

    /// Adds lookups and empty rows, up to `lookups` of each table and `rows` rows in all.
    pub fn pad(&mut self, lookups: &[usize], rows: usize) {
        let zero = self.builder.zero();
        for (table, &wanted) in lookups.iter().enumerate() {
            for _ in self.lookups.get(table).copied().unwrap_or(0)..wanted {
                self.builder.add_lookup_from_index(zero, table);
            }
        }
        while self.builder.num_gates() < rows {
            self.builder.add_gate(NoopGate, vec![]);
        }
    }
}

impl PieceShape {
    /// Gates and copies. With `tables` all lookup tables of the program are there, used or not.
    pub fn lay_out(
        &self,
        program: &Program,
        plan: &ProgramPlan,
        policy: Policy,
        tables: bool,
    ) -> PieceLayout {
        let mut builder = Builder::new(piece_config());
        let mut layout = Layout::default();
        if tables {
            plan.steps.iter().for_each(|step| step.table(&mut builder, &mut layout));
        }
        let mode = if policy == Policy::Full { Mode::Full } else { Mode::Drawn };
        let subject = SubjectTargets::of_piece(&mut builder, program.digest(), mode);
        let states = subject.clone();
        let depth = program.depth().into();
        let zero = builder.zero();
        let zeros = HashOutTarget { elements: [zero; 4] };
        let (targets, stretch, checked, folded) = match (&self.stage, self.size) {
            (Stage::Rows(stage), Size::Rows { row_bits, blocks }) => {
                let sizes = [depth, row_bits, blocks];
                let (targets, stretch) =
                    FullTargets::build(&mut builder, &mut layout, plan, stage, subject, sizes);
                let checked = targets.checked;
                (PieceTargets::Full(targets), stretch, checked, [zeros; 2])
            }
            (Stage::Rows(stage), Size::Draws { blocks }) => {
                let sizes = [depth, blocks];
                let (targets, stretch) =
                    DrawnTargets::build(&mut builder, &mut layout, plan, stage, subject, sizes);
                let checked = targets.checked;
                (PieceTargets::Drawn(targets), stretch, checked, [zeros; 2])
            }
            (Stage::Fold(index), Size::Rows { .. }) => {
                let place = [*index, plan.folds.len()];
                let (targets, stretch, after) =
                    FoldTargets::build(&mut builder, &mut layout, &plan.folds[*index], place, subject);
                let folded = [targets.before, after];
                let checked = [targets.checked; 2];
                (PieceTargets::Fold(targets), stretch, checked, folded)
            }
            (Stage::Fold(_), Size::Draws { .. }) => unreachable!("all rows of weights are folded"),
        };
        let (lookup_rows, lookups) = (layout.lookup_rows(), layout.lookups().to_vec());
        layout.finish(&mut builder);
        register_states(&mut builder, &states, self.number, stretch, checked, folded);
        PieceLayout { builder, targets, lookup_rows, lookups }
    }
}

/// The circuit of the pieces of one stage.
#[derive(Debug)]
pub(crate) struct PieceCircuit {
    pub data: Circuit,
    pub targets: PieceTargets,
    pub shape: PieceShape,
}

impl PieceCircuit {
    /// Builds the circuit.
    pub fn build(layout: PieceLayout, shape: PieceShape) -> Self {
        Self { data: janction_gadgets::build(layout.builder), targets: layout.targets, shape }
    }

    /// Builds the circuit with the gates of `commons`, besides its own.
    ///
    /// A gate that holds a lookup table is named by the row where the table ends, so it is the same in two circuits only if those
    /// have as many rows before their tables, and as many lookups ([`PieceLayout::pad`]). Each brings its own.
    pub fn build_with(mut layout: PieceLayout, shape: PieceShape, commons: &[Common]) -> Self {
        for gate in commons.iter().flat_map(|common| &common.gates) {
            if !gate.0.as_any().is::<LookupTableGate>() {
                layout.builder.add_gate_to_gate_set(gate.clone());
            }
        }
        Self::build(layout, shape)
    }

    /// Positions that a piece covers.
    pub const fn step(&self) -> u32 {
        self.shape.size.step()
    }

    /// The inputs of the piece that starts at `state`, without a look at whether it is true. Rows and paths of the openings are
    /// of the program's form.
    ///
    /// # Errors
    /// [`AuditError::Openings`] when they are of another policy or too few.
    pub fn assign(
        &self,
        plan: &ProgramPlan,
        openings: &Openings,
        preparation: &Preparation,
        state: &State,
    ) -> Result<PartialWitness<F>, AuditError> {
        let mut inputs = PartialWitness::new();
        let other = |policy, wanted| OpeningsError::Policy { policy, wanted };
        let from = state.position as usize;
        let subject: &Subject = &preparation.subject;
        match (&self.targets, &self.shape.stage, openings) {
            (PieceTargets::Fold(targets), Stage::Fold(index), _) => {
                let fold: &FoldPlan = &plan.folds[*index];
                targets.assign(&mut inputs, fold, preparation, state)
            }
            (PieceTargets::Full(targets), Stage::Rows(stage), Openings::Full(trace)) => {
                targets.assign(&mut inputs, plan, stage, preparation, trace, state)
            }
            (PieceTargets::Drawn(targets), Stage::Rows(stage), Openings::Drawn(rows)) => {
                let (end, got) = (from + self.step() as usize, rows.draws());
                if got < end {
                    return Err(OpeningsError::Draws { least: end, most: end, got }.into());
                }
                targets.assign(&mut inputs, plan, stage, preparation, rows, state)
            }
            (PieceTargets::Drawn(_), ..) => {
                return Err(other(Policy::Rows(subject.end), "the drawn rows").into());
            }
            _ => return Err(other(Policy::Full, "the whole trace").into()),
        }
        .map_err(inputs_error(NAME))?;
        Ok(inputs)
    }
}
