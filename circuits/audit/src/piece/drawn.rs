//! A piece under `rows`: draws `from .. from + m` of every operation, m a multiple of four.
//!
//! ```text
//! from = 4 b       to = from + m       draw d of operation k: h = H(BEACON, beacon ++ [k, floor(d / 4)])[d mod 4]
//! row = floor(h rows / 2^64)           operand's and output's rows opened along the bits of row
//! ```
//!
//! b is the prover's, but the audit state before the piece names `from`, and the chain of states begins at zero. There is
//! no padding: the last piece may check more draws than the policy asks for, never fewer.

use janction_gadgets::merkle::{self, PathTarget};
use janction_gadgets::{Builder, F};
use janction_protocol::hash::tag;
use janction_trace::draw::{DRAWS_PER_HASH, draw_block};
use janction_trace::{DrawnRows, RowOpening, RowPair};
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::draw::{self, DrawTargets};
use crate::layout::Layout;
use crate::operation::{CheckTargets, ProgramPlan};
use crate::piece::{RootTargets, set_digest};
use crate::row::{RowShape, RowTargets};
use crate::subject::{Subject, SubjectTargets};

/// A row of a tensor, opened.
#[derive(Clone, Debug)]
pub(crate) struct OpenedTargets {
    pub row: RowTargets,
    pub siblings: Vec<HashOutTarget>,
}

impl OpenedTargets {
    /// *Enforced*: the row whose number has these bits, in the tree with this root, has the row's cells.
    fn new(builder: &mut Builder, shape: RowShape, draw: &DrawTargets, root: HashOutTarget) -> Self {
        let row = RowTargets::new(builder, shape);
        let digest = row.digest(builder, shape);
        let siblings = builder.add_virtual_hashes(draw.bits.len());
        let path = PathTarget { bits: draw.bits.clone(), siblings };
        let opened = merkle::root(builder, tag::NODE_ROW, digest, &path);
        builder.connect_hashes(opened, root);
        Self { row, siblings: path.siblings }
    }

    fn assign(&self, inputs: &mut PartialWitness<F>, opened: &RowOpening) -> anyhow::Result<()> {
        self.row.assign(inputs, &opened.cells)?;
        let siblings = self.siblings.iter().zip(&opened.path);
        siblings.into_iter().try_for_each(|(&target, &sibling)| set_digest(inputs, target, sibling))
    }
}

/// One draw: the row, opened in operand and output, and its check.
#[derive(Clone, Debug)]
pub(crate) struct DrawnRowTargets {
    pub draw: DrawTargets,
    pub operand: OpenedTargets,
    pub output: OpenedTargets,
    pub check: CheckTargets,
}

/// What the prover sets.
#[derive(Clone, Debug)]
pub(crate) struct DrawnTargets {
    pub subject: SubjectTargets,
    pub roots: RootTargets,
    /// b.
    pub first_block: Target,
    /// `draws[k][d]`: operation k, d-th draw of the piece.
    pub draws: Vec<Vec<DrawnRowTargets>>,
}

impl DrawnTargets {
    /// Builds the piece of `4 * blocks` draws of each operation.
    pub fn build(
        builder: &mut Builder,
        plan: &ProgramPlan,
        subject: SubjectTargets,
        depth: usize,
        blocks: usize,
    ) -> Self {
        let mut layout = Layout::default();
        let roots = RootTargets::new(builder, plan, &subject);
        layout.ranges.check(builder, subject.rows, 24);
        let first_block = builder.add_virtual_target();
        let (zero, one) = (builder.zero(), builder.one());
        let from =
            builder.arithmetic(F::from_canonical_usize(DRAWS_PER_HASH), F::ONE, first_block, one, zero);
        let to = builder.add_const(from, F::from_canonical_usize(DRAWS_PER_HASH * blocks));
        for position in [from, to] {
            let state = subject.state(builder, position);
            builder.register_public_inputs(&state.elements);
        }
        let mut draws = Vec::new();
        for (k, step) in plan.steps.iter().enumerate() {
            let mut of_step = Vec::new();
            for b in 0..blocks {
                let block = builder.add_const(first_block, F::from_canonical_usize(b));
                let hash = draw::block(builder, &subject.beacon, k, block);
                for h in hash.elements {
                    let draw = DrawTargets::new(builder, &mut layout.ranges, h, subject.rows, depth);
                    let mut open = |t: usize| OpenedTargets::new(builder, plan.shapes[t], &draw, roots.0[t]);
                    let (operand, output) = (open(step.operand), open(k + 1));
                    let check = step.check.build(builder, &mut layout, &operand.row, &output.row);
                    of_step.push(DrawnRowTargets { draw, operand, output, check });
                }
            }
            draws.push(of_step);
        }
        layout.finish(builder);
        Self { subject, roots, first_block, draws }
    }

    /// Sets everything for the draws from `from` on, which must be open.
    pub fn assign(
        &self,
        inputs: &mut PartialWitness<F>,
        plan: &ProgramPlan,
        subject: &Subject,
        rows: &DrawnRows,
        from: usize,
    ) -> anyhow::Result<()> {
        self.subject.assign(inputs, subject)?;
        self.roots.assign(inputs, rows.roots.iter().copied())?;
        let first_block = from / DRAWS_PER_HASH;
        inputs.set_target(self.first_block, F::from_canonical_usize(first_block))?;
        for (k, (step, draws)) in plan.steps.iter().zip(&self.draws).enumerate() {
            for (d, targets) in draws.iter().enumerate() {
                let hash = draw_block(subject.beacon, k, first_block + d / DRAWS_PER_HASH);
                let h = hash.0[d % DRAWS_PER_HASH];
                targets.draw.assign(inputs, h, subject.rows)?;
                let RowPair { inputs: operands, output } = &rows.operations[k][from + d];
                // Every operation that has a check has one operand.
                let input = &operands[0];
                targets.operand.assign(inputs, input)?;
                targets.output.assign(inputs, output)?;
                step.check.assign(inputs, &targets.check, &input.cells, &output.cells)?;
            }
        }
        Ok(())
    }
}
