//! A piece that folds weights: rows `from .. from + n` of one weight matrix, n = 2^k, those that it has.
//!
//! The rows are an aligned block under the weights' root, a constant; which positions have a row follows from the matrix' row
//! count as in [`crate::piece::full`]. With b_kj the cells as bytes, r the challenge:
//!
//! ```text
//! v_k = active_k (sum_j b_kj r^j + sum_j smallest_j r^j)        smallest_j: what a byte of zero counts for
//! folded' = the running digest, with every block of v appended
//! ```
//!
//! At the last row the running digest must be the subject's for this matrix.

use janction_gadgets::merkle::{self, PathTarget};
use janction_gadgets::{Builder, D, F};
use janction_program::commitment::{RowTree, depth_for, row_digests};
use janction_protocol::hash::tag;
use plonky2::field::types::Field;
use plonky2::hash::hash_types::{HashOut, HashOutTarget};
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::freivalds::{FoldPlan, FoldsTargets, digest_target, fold_at_target, point_target};
use crate::layout::Layout;
use crate::piece::full::{activity, subtree};
use crate::piece::{Stretch, set_bits, set_digest};
use crate::preparation::Preparation;
use crate::requantise::element;
use crate::row::{RowShape, RowTargets};
use crate::subject::{State, SubjectTargets};

/// What the prover sets.
#[derive(Clone, Debug)]
pub(crate) struct FoldTargets {
    pub subject: SubjectTargets,
    pub bits: Vec<BoolTarget>,
    pub siblings: Vec<HashOutTarget>,
    pub active: Vec<BoolTarget>,
    pub rows: Vec<RowTargets>,
    pub folds: FoldsTargets,
    /// The running digest before the piece.
    pub before: HashOutTarget,
    /// The running digest of accumulators, which stays what it is.
    pub checked: HashOutTarget,
}

impl FoldTargets {
    /// Builds the piece of 2^[`FoldPlan::row_bits`] rows of the weights of `plan`, the `index`-th of `count` that are folded. Returns what it
    /// covers, and the running digest after it.
    pub fn build(
        builder: &mut Builder,
        layout: &mut Layout,
        plan: &FoldPlan,
        [index, count]: [usize; 2],
        subject: SubjectTargets,
    ) -> (Self, Stretch, HashOutTarget) {
        let row_bits = plan.row_bits;
        let shape = RowShape { dtype: plan.tensor.dtype(), columns: plan.tensor.columns() };
        let depth = usize::from(depth_for(plan.tensor.rows()));
        let bits: Vec<BoolTarget> =
            (row_bits..depth).map(|_| BoolTarget::new_unsafe(builder.add_virtual_target())).collect();
        let total = builder.constant(F::from_canonical_usize(plan.tensor.rows()));
        let (active, stretch) = activity(builder, &mut layout.ranges, total, &bits, [row_bits, 1]);
        let rows: Vec<RowTargets> = (0..1 << row_bits).map(|_| RowTargets::new(builder, shape)).collect();
        let block = subtree(builder, shape, rows.iter(), &active);
        let path = PathTarget { bits: bits.clone(), siblings: builder.add_virtual_hashes(bits.len()) };
        let root = merkle::root(builder, tag::NODE_ROW, block, &path);
        let expected = builder.constant_hash(HashOut { elements: plan.root.0 });
        builder.connect_hashes(root, expected);

        let r = point_target(&subject);
        let smallest: Vec<Target> =
            plan.smallest.iter().map(|&x| builder.constant(element(x.into()))).collect();
        let smallest = fold_at_target(builder, &smallest, r);
        let fold: Vec<ExtensionTarget<D>> = rows
            .iter()
            .zip(&active)
            .map(|(row, active)| {
                let bytes = fold_at_target(builder, &row.cells, r);
                let folded = builder.add_extension(bytes, smallest);
                builder.scalar_mul_ext(active.target, folded)
            })
            .collect();
        let before = builder.add_virtual_hash();
        let folded = digest_target(builder, before, &fold, plan.row_bits);
        let folds = FoldsTargets::new(builder, &subject, count);
        let is_last = janction_gadgets::uint::is_zero(builder, stretch.left);
        for (&a, &b) in folded.elements.iter().zip(&folds.0[index].elements) {
            builder.conditional_assert_eq(is_last.target, a, b);
        }
        let zero = builder.zero();
        let after = folded.elements.map(|e| builder.select(is_last, zero, e));
        let checked = builder.add_virtual_hash();
        let targets = Self { subject, bits, siblings: path.siblings, active, rows, folds, before, checked };
        (targets, stretch, HashOutTarget { elements: after })
    }

    /// Sets everything for the block that starts at `state`.
    pub fn assign(
        &self,
        inputs: &mut PartialWitness<F>,
        plan: &FoldPlan,
        preparation: &Preparation,
        state: &State,
    ) -> anyhow::Result<()> {
        let from = state.position as usize;
        self.subject.assign(inputs, &preparation.subject)?;
        self.folds.assign(inputs, &preparation.fold_digests)?;
        set_digest(inputs, self.before, state.folded)?;
        set_digest(inputs, self.checked, state.checked)?;
        let n = self.rows.len();
        set_bits(inputs, &self.bits, from / n)?;
        let depth = depth_for(plan.tensor.rows());
        let tree = RowTree::new(row_digests(&plan.tensor), depth)?;
        for (i, &sibling) in self.siblings.iter().enumerate() {
            let level = n.trailing_zeros() as usize + i;
            set_digest(inputs, sibling, tree.node(level, (from >> level) ^ 1))?;
        }
        for (i, (row, &active)) in self.rows.iter().zip(&self.active).enumerate() {
            let is_active = from + i < plan.tensor.rows();
            inputs.set_bool_target(active, is_active)?;
            // A position without a row may hold any.
            row.assign(inputs, &plan.tensor.row(if is_active { from + i } else { 0 }))?;
        }
        Ok(())
    }
}
