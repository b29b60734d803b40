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
use janction_program::Cells;
use janction_protocol::hash::tag;
use janction_trace::draw::{DRAWS_PER_HASH, draw_block};
use janction_trace::{DrawnRows, RowOpening, RowPair};
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::draw::{self, DrawTargets};
use crate::freivalds::{StageFolds, StageFoldsTargets, checked_after};
use crate::layout::Layout;
use crate::operation::{CheckTargets, ProgramPlan};
use crate::piece::{RootTargets, Stretch, set_digest};
use crate::preparation::Preparation;
use crate::row::{RowShape, RowTargets};
use crate::stage::RowStage;
use crate::subject::{State, SubjectTargets};

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
    /// One for each of the step's operands.
    pub operands: Vec<OpenedTargets>,
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
    /// `draws[k][d]`: operation k of the stage, d-th draw of the piece.
    pub draws: Vec<Vec<DrawnRowTargets>>,
    /// What Freivalds' checks use.
    pub folds: Option<StageFoldsTargets>,
    /// The running digest of accumulators before and after the piece.
    pub checked: [HashOutTarget; 2],
}

impl DrawnTargets {
    /// Builds the piece of `4 * blocks` draws of each operation. Returns what it covers.
    pub fn build(
        builder: &mut Builder,
        layout: &mut Layout,
        plan: &ProgramPlan,
        stage: &RowStage,
        subject: SubjectTargets,
        [depth, blocks]: [usize; 2],
    ) -> (Self, Stretch) {
        let roots = RootTargets::new(builder, plan, &subject);
        layout.ranges.check(builder, subject.rows, 24);
        let first_block = builder.add_virtual_target();
        let (zero, one) = (builder.zero(), builder.one());
        let from =
            builder.arithmetic(F::from_canonical_usize(DRAWS_PER_HASH), F::ONE, first_block, one, zero);
        let to = builder.add_const(from, F::from_canonical_usize(DRAWS_PER_HASH * blocks));
        let left = builder.sub(subject.end, to);
        let mut folds = StageFolds::new(builder, &subject, plan, &stage.steps);
        let mut digests = Vec::new();
        let mut draws = Vec::new();
        for &k in &stage.steps {
            let step = &plan.steps[k];
            let mut of_step = Vec::new();
            for b in 0..blocks {
                let block = builder.add_const(first_block, F::from_canonical_usize(b));
                let hash = draw::block(builder, &subject.beacon, k, block);
                for h in hash.elements {
                    let draw = DrawTargets::new(builder, &mut layout.ranges, h, subject.rows, depth);
                    let mut open = |t: usize| OpenedTargets::new(builder, plan.shapes[t], &draw, roots.0[t]);
                    let operands: Vec<OpenedTargets> = step.operands.iter().map(|&t| open(t)).collect();
                    let output = open(step.output);
                    let rows: Vec<&RowTargets> = operands.iter().map(|opened| &opened.row).collect();
                    let check = step.build(builder, layout, folds.as_mut(), &rows, &output.row);
                    digests.extend(check.digest());
                    of_step.push(DrawnRowTargets { draw, operands, output, check });
                }
            }
            draws.push(of_step);
        }
        let before = builder.add_virtual_hash();
        let checked = [before, checked_after(builder, before, &digests)];
        let folds = folds.map(|folds| folds.targets());
        (Self { subject, roots, first_block, draws, folds, checked }, Stretch { from, to, left })
    }

    /// Sets everything for the draws from `state` on, which must be open.
    pub fn assign(
        &self,
        inputs: &mut PartialWitness<F>,
        plan: &ProgramPlan,
        stage: &RowStage,
        preparation: &Preparation,
        rows: &DrawnRows,
        state: &State,
    ) -> anyhow::Result<()> {
        let (subject, from) = (&preparation.subject, state.position as usize);
        self.subject.assign(inputs, subject)?;
        set_digest(inputs, self.checked[0], state.checked)?;
        if let Some(folds) = &self.folds {
            folds.assign(inputs, preparation)?;
        }
        self.roots.assign(inputs, rows.roots.iter().copied())?;
        let first_block = from / DRAWS_PER_HASH;
        inputs.set_target(self.first_block, F::from_canonical_usize(first_block))?;
        for (&k, draws) in stage.steps.iter().zip(&self.draws) {
            for (d, targets) in draws.iter().enumerate() {
                let hash = draw_block(subject.beacon, k, first_block + d / DRAWS_PER_HASH);
                let h = hash.0[d % DRAWS_PER_HASH];
                targets.draw.assign(inputs, h, subject.rows)?;
                let RowPair { inputs: operands, output } = &rows.operations[k][from + d];
                for (targets, opened) in targets.operands.iter().zip(operands) {
                    targets.assign(inputs, opened)?;
                }
                targets.output.assign(inputs, output)?;
                let operands: Vec<&Cells> = operands.iter().map(|opened| &opened.cells).collect();
                plan.steps[k].assign(inputs, &targets.check, &operands, &output.cells)?;
            }
        }
        Ok(())
    }
}
