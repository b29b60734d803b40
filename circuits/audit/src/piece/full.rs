//! A piece under `full`: every operation's rows `from .. from + n`, n = m 2^k, those that the job has.
//!
//! The piece's rows are m aligned blocks, so one path from each block's subtree opens all rows of a tensor. Positions
//! beyond the job's rows hold [`janction_program::commitment::EMPTY`], and which positions these are follows from `from` and
//! the row count alone:
//!
//! ```text
//! from = 2^k sum bits_i 2^i           active_0 = 1      active_i active_{i+1} = active_{i+1}      active_i a bit
//! c = sum active_i                    to = from + c     0 <= rows - to < 2^24                 (n - c)(rows - to) = 0
//! leaf_i = active_i digest_i          subtree of a block's leaves, then the path along the block's bits = the tensor's root
//! 2^k sum bits_ji 2^i = from + j 2^k  for blocks j > 0 whose first row is active; others are of no tensor
//! ```
//!
//! So c = min(n, rows - from). Inactive positions still hold some rows with a true row check (those of the all-smallest
//! input); they are of no tensor.

use janction_gadgets::merkle::{self, PathTarget};
use janction_gadgets::{Builder, F, sponge};
use janction_program::Cells;
use janction_protocol::{Digest, hash::tag};
use janction_trace::{CommittedTensor, Trace};
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::freivalds::{StageFolds, StageFoldsTargets, checked_after};
use crate::layout::Layout;
use crate::operation::{CheckTargets, ProgramPlan};
use crate::piece::{RootTargets, Stretch, set_bits, set_digest, tensor};
use crate::preparation::Preparation;
use crate::range::Ranges;
use crate::row::{RowShape, RowTargets};
use crate::stage::RowStage;
use crate::subject::{State, SubjectTargets};

/// Where a block of rows stands.
#[derive(Clone, Debug)]
pub(crate) struct BlockTargets {
    /// Bits of its number.
    pub bits: Vec<BoolTarget>,
    /// For each tensor the siblings above it.
    pub siblings: Vec<Vec<HashOutTarget>>,
}

impl BlockTargets {
    /// Sets the place of block number `index` of 2^`level` rows, or of none.
    fn assign(
        &self,
        inputs: &mut PartialWitness<F>,
        stage: &RowStage,
        trace: &Trace,
        level: usize,
        index: Option<usize>,
    ) -> anyhow::Result<()> {
        set_bits(inputs, &self.bits, index.unwrap_or(0))?;
        for (&t, siblings) in stage.tensors.iter().zip(&self.siblings) {
            let tree = tensor(trace, t).tree();
            for (i, &sibling) in siblings.iter().enumerate() {
                let node = |index: usize| tree.node(level + i, (index >> i) ^ 1);
                set_digest(inputs, sibling, index.map_or(Digest::ZERO, node))?;
            }
        }
        Ok(())
    }
}

/// What the prover sets.
#[derive(Clone, Debug)]
pub(crate) struct FullTargets {
    pub subject: SubjectTargets,
    pub roots: RootTargets,
    /// The first block, at from / 2^k.
    pub first: BlockTargets,
    /// Those behind it.
    pub others: Vec<BlockTargets>,
    /// Whether the job has the row; n of them.
    pub active: Vec<BoolTarget>,
    /// `rows[i][t]`: row i of the block, tensor t of the stage.
    pub rows: Vec<Vec<RowTargets>>,
    /// `checks[i][k]`: row i of the block, operation k of the stage.
    pub checks: Vec<Vec<CheckTargets>>,
    /// What Freivalds' checks use.
    pub folds: Option<StageFoldsTargets>,
    /// The running digest of accumulators before and after the piece.
    pub checked: [HashOutTarget; 2],
}

impl FullTargets {
    /// Builds the piece of `blocks` times 2^row_bits rows, at least one block; `row_bits` is at most `depth`. Returns what it covers.
    pub fn build(
        builder: &mut Builder,
        layout: &mut Layout,
        plan: &ProgramPlan,
        stage: &RowStage,
        subject: SubjectTargets,
        [depth, row_bits, blocks]: [usize; 3],
    ) -> (Self, Stretch) {
        let roots = RootTargets::new(builder, plan, &subject);
        let bits = |builder: &mut Builder| -> Vec<BoolTarget> {
            (row_bits..depth).map(|_| BoolTarget::new_unsafe(builder.add_virtual_target())).collect()
        };
        let mut first = BlockTargets { bits: bits(builder), siblings: Vec::new() };
        let (active, stretch) =
            activity(builder, &mut layout.ranges, subject.rows, &first.bits, [row_bits, blocks]);
        let mut folds = StageFolds::new(builder, &subject, plan, &stage.steps);
        let mut rows = Vec::new();
        let mut checks: Vec<Vec<CheckTargets>> = Vec::new();
        for _ in 0..blocks << row_bits {
            let shapes = stage.tensors.iter().map(|&t| plan.shapes[t]);
            let cells: Vec<RowTargets> = shapes.map(|shape| RowTargets::new(builder, shape)).collect();
            let row = |tensor: usize| &cells[stage.slot(tensor)];
            let check = stage.steps.iter().map(|&k| {
                let step = &plan.steps[k];
                let operands: Vec<&RowTargets> = step.operands.iter().map(|&t| row(t)).collect();
                step.build(builder, layout, folds.as_mut(), &operands, row(step.output))
            });
            checks.push(check.collect());
            rows.push(cells);
        }
        // The root of a tensor's tree from one block, along its bits.
        let root = |builder: &mut Builder, block: &mut BlockTargets, number: usize, slot: usize| {
            let span = number << row_bits..(number + 1) << row_bits;
            let cells = rows[span.clone()].iter().map(|row| &row[slot]);
            let subtree = subtree(builder, plan.shapes[stage.tensors[slot]], cells, &active[span]);
            let bits = block.bits.clone();
            let path = PathTarget { siblings: builder.add_virtual_hashes(bits.len()), bits };
            let root = merkle::root(builder, tag::NODE_ROW, subtree, &path);
            block.siblings.push(path.siblings);
            root
        };
        for (slot, &t) in stage.tensors.iter().enumerate() {
            let root = root(builder, &mut first, 0, slot);
            builder.connect_hashes(root, roots.0[t]);
        }
        let mut others = Vec::new();
        for number in 1..blocks {
            let mut block = BlockTargets { bits: bits(builder), siblings: Vec::new() };
            let is_used = active[number << row_bits].target;
            let place = start_of(builder, &block.bits, row_bits);
            let expected = builder.add_const(stretch.from, F::from_canonical_usize(number << row_bits));
            builder.conditional_assert_eq(is_used, place, expected);
            for (slot, &t) in stage.tensors.iter().enumerate() {
                let root = root(builder, &mut block, number, slot);
                for (&got, &expected) in root.elements.iter().zip(&roots.0[t].elements) {
                    builder.conditional_assert_eq(is_used, got, expected);
                }
            }
            others.push(block);
        }
        let before = builder.add_virtual_hash();
        let mut digests = Vec::new();
        for (checks, active) in checks.iter().zip(&active) {
            for digest in checks.iter().filter_map(CheckTargets::digest) {
                let elements = digest.elements.map(|e| builder.mul(e, active.target));
                digests.push(HashOutTarget { elements });
            }
        }
        let checked = [before, checked_after(builder, before, &digests)];
        let folds = folds.map(|folds| folds.targets());
        (Self { subject, roots, first, others, active, rows, checks, folds, checked }, stretch)
    }

    /// Sets everything for the rows from `state` on.
    pub fn assign(
        &self,
        inputs: &mut PartialWitness<F>,
        plan: &ProgramPlan,
        stage: &RowStage,
        preparation: &Preparation,
        trace: &Trace,
        state: &State,
    ) -> anyhow::Result<()> {
        let (subject, from) = (&preparation.subject, state.position as usize);
        self.subject.assign(inputs, subject)?;
        set_digest(inputs, self.checked[0], state.checked)?;
        if let Some(folds) = &self.folds {
            folds.assign(inputs, preparation)?;
        }
        self.roots.assign(inputs, trace.tensors().iter().map(CommittedTensor::root))?;
        let n = self.rows.len();
        let level = (n / (1 + self.others.len())).trailing_zeros() as usize;
        self.first.assign(inputs, stage, trace, level, Some(from >> level))?;
        for (i, block) in self.others.iter().enumerate() {
            let start = from + ((i + 1) << level);
            let index = (start < subject.rows as usize).then_some(start >> level);
            block.assign(inputs, stage, trace, level, index)?;
        }
        for i in 0..n {
            let row = from + i;
            let is_active = row < subject.rows as usize;
            inputs.set_bool_target(self.active[i], is_active)?;
            let is_real = is_active && row < trace.rows();
            let cells =
                |t: usize| if is_real { tensor(trace, t).tensor().row(row) } else { plan.dummy[t].clone() };
            let cells: Vec<Cells> = stage.tensors.iter().map(|&t| cells(t)).collect();
            for (targets, cells) in self.rows[i].iter().zip(&cells) {
                targets.assign(inputs, cells)?;
            }
            for (&k, targets) in stage.steps.iter().zip(&self.checks[i]) {
                let step = &plan.steps[k];
                let operands: Vec<&Cells> = step.operands.iter().map(|&t| &cells[stage.slot(t)]).collect();
                step.assign(inputs, targets, &operands, &cells[stage.slot(step.output)])?;
            }
        }
        Ok(())
    }
}

/// First row of the block of 2^`row_bits` rows with a number of these bits.
fn start_of(builder: &mut Builder, bits: &[BoolTarget], row_bits: usize) -> Target {
    let (zero, one) = (builder.zero(), builder.one());
    let block =
        bits.iter().rev().fold(zero, |sum, bit| builder.arithmetic(F::TWO, F::ONE, sum, one, bit.target));
    builder.arithmetic(F::from_canonical_u64(1 << row_bits), F::ONE, block, one, zero)
}

/// Which positions of a piece of `blocks` blocks of 2^`row_bits` rows have a row, of `rows` rows in all, and the stretch that
/// those cover. `bits` are those of the first block's number.
pub(crate) fn activity(
    builder: &mut Builder,
    ranges: &mut Ranges,
    rows: Target,
    bits: &[BoolTarget],
    [row_bits, blocks]: [usize; 2],
) -> (Vec<BoolTarget>, Stretch) {
    let n = (blocks as u64) << row_bits;
    let from = start_of(builder, bits, row_bits);
    let zero = builder.zero();
    let mut active = vec![builder.add_virtual_bool_target_unsafe()];
    builder.assert_one(active[0].target);
    for i in 1..n as usize {
        let next = builder.add_virtual_bool_target_safe();
        let both = builder.mul(active[i - 1].target, next.target);
        builder.connect(both, next.target);
        active.push(next);
    }
    let count = active.iter().fold(zero, |sum, bit| builder.add(sum, bit.target));
    let to = builder.add(from, count);
    let left = builder.sub(rows, to);
    ranges.check(builder, left, 24);
    let n = builder.constant(F::from_canonical_u64(n));
    let missing = builder.sub(n, count);
    let product = builder.mul(missing, left);
    builder.assert_zero(product);
    (active, Stretch { from, to, left })
}

/// Root of the subtree over a tensor's rows, where positions that are not active hold the empty leaf.
pub(crate) fn subtree<'a>(
    builder: &mut Builder,
    shape: RowShape,
    rows: impl Iterator<Item = &'a RowTargets>,
    active: &[BoolTarget],
) -> HashOutTarget {
    let mut level: Vec<HashOutTarget> = rows
        .zip(active)
        .map(|(row, active)| {
            let digest = row.digest(builder, shape);
            // EMPTY is the zero digest.
            let elements: Vec<Target> =
                digest.elements.iter().map(|&e| builder.mul(e, active.target)).collect();
            HashOutTarget::from_vec(elements)
        })
        .collect();
    let unswapped = builder._false();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| sponge::node(builder, tag::NODE_ROW, pair[0], pair[1], unswapped))
            .collect();
    }
    level[0]
}
