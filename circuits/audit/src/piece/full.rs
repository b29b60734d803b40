//! A piece under `full`: every operation's rows `from .. from + n`, n = 2^k, those that the job has.
//!
//! The piece's rows are one aligned block, so one path from the block's subtree opens all rows of a tensor. Positions
//! beyond the job's rows hold [`janction_program::commitment::EMPTY`], and which positions these are follows from `from` and
//! the row count alone:
//!
//! ```text
//! from = 2^k sum bits_i 2^i           active_0 = 1      active_i active_{i+1} = active_{i+1}      active_i a bit
//! c = sum active_i                    to = from + c     0 <= rows - to < 2^24                 (n - c)(rows - to) = 0
//! leaf_i = active_i digest_i          subtree of the leaves, then the path along the bits = the tensor's root
//! ```
//!
//! So c = min(n, rows - from). Inactive positions still hold some rows with a true row check (those of the all-smallest
//! input); they are of no tensor.

use janction_gadgets::merkle::{self, PathTarget};
use janction_gadgets::{Builder, F, sponge};
use janction_program::Cells;
use janction_protocol::hash::tag;
use janction_trace::{CommittedTensor, Trace};
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::layout::Layout;
use crate::operation::{CheckTargets, ProgramPlan};
use crate::piece::{RootTargets, set_bits, set_digest, tensor};
use crate::range::Ranges;
use crate::row::{RowShape, RowTargets};
use crate::subject::{Subject, SubjectTargets};

/// What the prover sets.
#[derive(Clone, Debug)]
pub(crate) struct FullTargets {
    pub subject: SubjectTargets,
    pub roots: RootTargets,
    /// Bits of from / 2^k.
    pub bits: Vec<BoolTarget>,
    /// For each tensor the siblings above its block.
    pub siblings: Vec<Vec<HashOutTarget>>,
    /// Whether the job has the row; n of them.
    pub active: Vec<BoolTarget>,
    /// `rows[i][k]`: row i of the block, tensor k.
    pub rows: Vec<Vec<RowTargets>>,
    /// `checks[i][k]`: row i of the block, operation k.
    pub checks: Vec<Vec<CheckTargets>>,
}

impl FullTargets {
    /// Builds the piece of 2^row_bits rows; `row_bits` is at most `depth`.
    pub fn build(
        builder: &mut Builder,
        plan: &ProgramPlan,
        subject: SubjectTargets,
        depth: usize,
        row_bits: usize,
    ) -> Self {
        let mut layout = Layout::default();
        let roots = RootTargets::new(builder, plan, &subject);
        let bits: Vec<BoolTarget> =
            (row_bits..depth).map(|_| BoolTarget::new_unsafe(builder.add_virtual_target())).collect();
        let active = activity(builder, &mut layout.ranges, &subject, &bits, row_bits);
        let mut rows = Vec::new();
        let mut checks = Vec::new();
        for _ in 0..1 << row_bits {
            let cells: Vec<RowTargets> =
                plan.shapes.iter().map(|&shape| RowTargets::new(builder, shape)).collect();
            let check =
                plan.steps.iter().enumerate().map(|(k, step)| {
                    step.check.build(builder, &mut layout, &cells[step.operand], &cells[k + 1])
                });
            checks.push(check.collect());
            rows.push(cells);
        }
        let mut siblings = Vec::new();
        for (k, &shape) in plan.shapes.iter().enumerate() {
            let block = subtree(builder, shape, rows.iter().map(|row| &row[k]), &active);
            let path = PathTarget { bits: bits.clone(), siblings: builder.add_virtual_hashes(bits.len()) };
            let root = merkle::root(builder, tag::NODE_ROW, block, &path);
            builder.connect_hashes(root, roots.0[k]);
            siblings.push(path.siblings);
        }
        layout.finish(builder);
        Self { subject, roots, bits, siblings, active, rows, checks }
    }

    /// Sets everything for the block that starts at row `from`.
    pub fn assign(
        &self,
        inputs: &mut PartialWitness<F>,
        plan: &ProgramPlan,
        subject: &Subject,
        trace: &Trace,
        from: usize,
    ) -> anyhow::Result<()> {
        self.subject.assign(inputs, subject)?;
        self.roots.assign(inputs, trace.tensors().iter().map(CommittedTensor::root))?;
        let n = self.rows.len();
        set_bits(inputs, &self.bits, from / n)?;
        let first_level = n.trailing_zeros() as usize;
        for (k, siblings) in self.siblings.iter().enumerate() {
            let tree = tensor(trace, k).tree();
            for (i, &sibling) in siblings.iter().enumerate() {
                let level = first_level + i;
                set_digest(inputs, sibling, tree.node(level, (from >> level) ^ 1))?;
            }
        }
        for i in 0..n {
            let row = from + i;
            let is_active = row < subject.rows as usize;
            inputs.set_bool_target(self.active[i], is_active)?;
            let real: Vec<Cells>;
            let cells = if is_active && row < trace.rows() {
                real = (0..plan.shapes.len()).map(|k| tensor(trace, k).tensor().row(row)).collect();
                &real
            } else {
                &plan.dummy
            };
            for (targets, cells) in self.rows[i].iter().zip(cells) {
                targets.assign(inputs, cells)?;
            }
            for (k, step) in plan.steps.iter().enumerate() {
                step.check.assign(inputs, &self.checks[i][k], &cells[step.operand], &cells[k + 1])?;
            }
        }
        Ok(())
    }
}

/// The audit states before and after, as public inputs, and which positions of the block have a row.
fn activity(
    builder: &mut Builder,
    ranges: &mut Ranges,
    subject: &SubjectTargets,
    bits: &[BoolTarget],
    row_bits: usize,
) -> Vec<BoolTarget> {
    let n = 1 << row_bits;
    let (zero, one) = (builder.zero(), builder.one());
    let block =
        bits.iter().rev().fold(zero, |sum, bit| builder.arithmetic(F::TWO, F::ONE, sum, one, bit.target));
    let from = builder.arithmetic(F::from_canonical_u64(n), F::ONE, block, one, zero);
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
    let left = builder.sub(subject.rows, to);
    ranges.check(builder, left, 24);
    let n = builder.constant(F::from_canonical_u64(n));
    let missing = builder.sub(n, count);
    let product = builder.mul(missing, left);
    builder.assert_zero(product);
    for position in [from, to] {
        let state = subject.state(builder, position);
        builder.register_public_inputs(&state.elements);
    }
    active
}

/// Root of the subtree over a tensor's rows, where positions that are not active hold the empty leaf.
fn subtree<'a>(
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
