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
//! Under commitment scheme 2 a leaf is a block of 2^b rows, b <= k, opened as [`crate::sketch`] says; what it is hashed from
//! counts as zero where no row of it is active, like the leaf.
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
use crate::sketch::{BlockRow, Challenge, Opened, Opening, SketchPlan, SketchTargets};
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
    /// Sets the place of block number `index` of 2^`level` rows, or of none, with trees whose leaves are 2^`leaf_bits` rows.
    fn assign(
        &self,
        inputs: &mut PartialWitness<F>,
        stage: &RowStage,
        trace: &Trace,
        [level, leaf_bits]: [usize; 2],
        index: Option<usize>,
    ) -> anyhow::Result<()> {
        set_bits(inputs, &self.bits, index.unwrap_or(0))?;
        for (&t, siblings) in stage.tensors.iter().zip(&self.siblings) {
            let tree = tensor(trace, t).tree();
            for (i, &sibling) in siblings.iter().enumerate() {
                let node = |index: usize| tree.node(level - leaf_bits + i, (index >> i) ^ 1);
                set_digest(inputs, sibling, index.map_or(Digest::ZERO, node))?;
            }
        }
        Ok(())
    }
}

/// The blocks of scheme 2 of a piece, opened.
struct Sketched<'a> {
    /// log2 of the rows of a block.
    block_bits: usize,
    active: &'a [BoolTarget],
    /// `opened[t][g]`: tensor t of the stage, g-th block of the piece.
    opened: Vec<Vec<Opened>>,
    targets: Vec<Vec<SketchTargets>>,
}

impl<'a> Sketched<'a> {
    fn new(
        builder: &mut Builder,
        challenge: &Challenge,
        sketch: &SketchPlan,
        (plan, stage): (&ProgramPlan, &RowStage),
        (rows, active): (&[Vec<RowTargets>], &'a [BoolTarget]),
    ) -> Self {
        let block = sketch.block_rows();
        let counts: Vec<Target> = active
            .chunks(block)
            .map(|active| builder.add_many(active.iter().map(|bit| bit.target)))
            .collect();
        let (mut opened, mut targets) = (Vec::new(), Vec::new());
        for (slot, &t) in stage.tensors.iter().enumerate() {
            let shape = plan.shapes[t];
            let blocks = rows.chunks(block).zip(active.chunks(block)).zip(&counts);
            let blocks = blocks.map(|((rows, active), &count)| {
                let mut of_block = Vec::with_capacity(block);
                for (b, (row, &active)) in rows.iter().zip(active).enumerate() {
                    let constants = challenge.of_row(b, shape.columns).to_vec();
                    of_block.push(BlockRow { row: &row[slot], constants, active });
                }
                SketchTargets::new(builder, challenge, shape, &of_block, count)
            });
            let (these, what): (Vec<_>, Vec<_>) = blocks.unzip();
            targets.push(these);
            opened.push(what);
        }
        Self { block_bits: sketch.block_bits, active, opened, targets }
    }

    /// Whether the piece has a row of its block number `block`.
    fn is_used(&self, block: usize) -> Target {
        self.active[block << self.block_bits].target
    }

    /// Root of the subtree over the rows `span` of the piece, where blocks without a row are the empty leaf.
    fn subtree(&self, builder: &mut Builder, slot: usize, span: std::ops::Range<usize>) -> HashOutTarget {
        let blocks = span.start >> self.block_bits..span.end >> self.block_bits;
        let leaves = blocks.map(|g| times(builder, self.opened[slot][g].leaf, self.is_used(g))).collect();
        root_of(builder, leaves)
    }

    /// What the challenge has to be made of; zero for blocks without a row.
    fn digests(&self, builder: &mut Builder) -> Vec<HashOutTarget> {
        let mut digests = Vec::new();
        for blocks in &self.opened {
            for (g, opened) in blocks.iter().enumerate() {
                digests.push(times(builder, opened.digest, self.is_used(g)));
            }
        }
        digests
    }
}

/// The digest, or zero.
fn times(builder: &mut Builder, digest: HashOutTarget, bit: Target) -> HashOutTarget {
    HashOutTarget { elements: digest.elements.map(|e| builder.mul(e, bit)) }
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
    /// What Freivalds' checks and sketches use.
    pub folds: Option<StageFoldsTargets>,
    /// `sketches[t][g]`: tensor t of the stage, g-th block of scheme 2 of the piece.
    pub sketches: Vec<Vec<SketchTargets>>,
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
        let sketched = plan.sketch.as_ref().map(|sketch| {
            let folds = folds.as_ref().expect("under scheme 2 every stage uses the constants' fold");
            let challenge = Challenge::new(builder, folds.r, folds.fold(sketch.fold));
            Sketched::new(builder, &challenge, sketch, (plan, stage), (&rows, &active))
        });
        // The root of a tensor's tree from one block, along its bits.
        let root = |builder: &mut Builder, block: &mut BlockTargets, number: usize, slot: usize| {
            let span = number << row_bits..(number + 1) << row_bits;
            let subtree = match &sketched {
                None => {
                    let cells = rows[span.clone()].iter().map(|row| &row[slot]);
                    subtree(builder, plan.shapes[stage.tensors[slot]], cells, &active[span])
                }
                Some(sketched) => sketched.subtree(builder, slot, span),
            };
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
        let sketches = sketched.map_or_else(Vec::new, |sketched| {
            digests.extend(sketched.digests(builder));
            sketched.targets
        });
        let checked = [before, checked_after(builder, before, &digests)];
        let folds = folds.map(|folds| folds.targets());
        (Self { subject, roots, first, others, active, rows, checks, folds, sketches, checked }, stretch)
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
        // Leaves of scheme 2 are blocks of rows.
        let bits = plan.sketch.as_ref().map_or(0, |sketch| sketch.block_bits);
        self.first.assign(inputs, stage, trace, [level, bits], Some(from >> level))?;
        for (i, block) in self.others.iter().enumerate() {
            let start = from + ((i + 1) << level);
            let index = (start < subject.rows as usize).then_some(start >> level);
            block.assign(inputs, stage, trace, [level, bits], index)?;
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
        for (&t, sketches) in stage.tensors.iter().zip(&self.sketches) {
            for (g, targets) in sketches.iter().enumerate() {
                let first = from + (g << bits);
                let end = (first + (1 << bits)).min(trace.rows()).min(subject.rows as usize);
                let rows: Vec<Cells> = (first..end).map(|row| tensor(trace, t).tensor().row(row)).collect();
                targets.assign(inputs, &Opening::of(&rows.iter().collect::<Vec<_>>()))?;
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
    let level: Vec<HashOutTarget> = rows
        .zip(active)
        .map(|(row, active)| {
            let digest = row.digest(builder, shape);
            // EMPTY is the zero digest.
            let elements: Vec<Target> =
                digest.elements.iter().map(|&e| builder.mul(e, active.target)).collect();
            HashOutTarget::from_vec(elements)
        })
        .collect();
    root_of(builder, level)
}

/// Root over leaves, a power of two of them.
fn root_of(builder: &mut Builder, mut level: Vec<HashOutTarget>) -> HashOutTarget {
    let unswapped = builder._false();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| sponge::node(builder, tag::NODE_ROW, pair[0], pair[1], unswapped))
            .collect();
    }
    level[0]
}
