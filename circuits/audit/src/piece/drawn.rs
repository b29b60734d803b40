//! A piece under `rows`: draws `from .. from + m` of every operation, m a multiple of four.
//!
//! ```text
//! from = 4 b       to = from + m       draw d of operation k: h = H(BEACON, beacon ++ [k, floor(d / 4)])[d mod 4]
//! row = floor(h rows / 2^64)           operand's and output's rows opened along the bits of row
//! ```
//!
//! Under commitment scheme 2 the row's block is opened ([`crate::sketch`]) along the upper bits of row, and its place in the block
//! follows from the lower ones ([`crate::place`]).
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
use crate::place::PlaceTargets;
use crate::preparation::Preparation;
use crate::row::{RowShape, RowTargets};
use crate::sketch::{Challenge, Opening, SketchTargets};
use crate::stage::RowStage;
use crate::subject::{State, SubjectTargets};

/// A row of a tensor, opened.
#[derive(Clone, Debug)]
pub(crate) struct OpenedTargets {
    pub row: RowTargets,
    /// Under scheme 2 the other rows of its block, and the block's sketch.
    pub block: Option<(Vec<RowTargets>, SketchTargets)>,
    pub siblings: Vec<HashOutTarget>,
}

impl OpenedTargets {
    /// *Enforced*: the row whose number has these bits, in the tree with this root, has the row's cells; under scheme 2 if the
    /// challenge is random and made of what is returned.
    fn new(
        builder: &mut Builder,
        shape: RowShape,
        draw: &DrawTargets,
        place: Option<(&Challenge, &PlaceTargets)>,
        root: HashOutTarget,
    ) -> (Self, Option<HashOutTarget>) {
        let row = RowTargets::new(builder, shape);
        let (leaf, block, digest) = match place {
            None => (row.digest(builder, shape), None, None),
            Some((challenge, place)) => {
                let others: Vec<RowTargets> =
                    place.before.iter().map(|_| RowTargets::new(builder, shape)).collect();
                let rows = place.rows(builder, challenge, &row, &others);
                let (sketch, opened) = SketchTargets::new(builder, challenge, shape, &rows, place.count);
                (opened.leaf, Some((others, sketch)), Some(opened.digest))
            }
        };
        // The row's place in its block is no part of the path.
        let bits = draw.bits[place.map_or(0, |(_, place)| place.block_bits())..].to_vec();
        let path = PathTarget { siblings: builder.add_virtual_hashes(bits.len()), bits };
        let opened = merkle::root(builder, tag::NODE_ROW, leaf, &path);
        builder.connect_hashes(opened, root);
        (Self { row, block, siblings: path.siblings }, digest)
    }

    /// `dummy` is what stands where the block has no row.
    fn assign(
        &self,
        inputs: &mut PartialWitness<F>,
        opened: &RowOpening,
        dummy: &Cells,
    ) -> anyhow::Result<()> {
        self.row.assign(inputs, &opened.cells)?;
        if let Some((others, sketch)) = &self.block {
            for (j, targets) in others.iter().enumerate() {
                targets.assign(inputs, opened.others.get(j).unwrap_or(dummy))?;
            }
            sketch.assign(inputs, &Opening::of(&opened.block_of(others.len() + 1)))?;
        }
        let siblings = self.siblings.iter().zip(&opened.path);
        siblings.into_iter().try_for_each(|(&target, &sibling)| set_digest(inputs, target, sibling))
    }
}

/// One draw: the row, opened in operand and output, and its check.
#[derive(Clone, Debug)]
pub(crate) struct DrawnRowTargets {
    pub draw: DrawTargets,
    /// Under scheme 2 where the row stands in its block.
    pub place: Option<PlaceTargets>,
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
        let challenge = plan
            .sketch
            .as_ref()
            .zip(folds.as_ref())
            .map(|(sketch, folds)| (sketch, Challenge::new(builder, folds.r, folds.fold(sketch.fold))));
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
                    let place = challenge.as_ref().map(|(sketch, _)| {
                        PlaceTargets::new(builder, &mut layout.ranges, sketch, &draw, subject.rows)
                    });
                    let of_block = challenge.as_ref().map(|(_, challenge)| challenge).zip(place.as_ref());
                    let mut sketches = Vec::new();
                    let mut open = |t: usize| {
                        let (opened, digest) =
                            OpenedTargets::new(builder, plan.shapes[t], &draw, of_block, roots.0[t]);
                        sketches.extend(digest);
                        opened
                    };
                    let operands: Vec<OpenedTargets> = step.operands.iter().map(|&t| open(t)).collect();
                    let output = open(step.output);
                    let rows: Vec<&RowTargets> = operands.iter().map(|opened| &opened.row).collect();
                    let check = step.build(builder, layout, folds.as_mut(), &rows, &output.row);
                    digests.extend(check.digest());
                    digests.extend(sketches);
                    of_step.push(DrawnRowTargets { draw, place, operands, output, check });
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
                if let Some(place) = &targets.place {
                    place.assign(inputs, output.row, subject.rows as usize)?;
                }
                let step = &plan.steps[k];
                for ((targets, opened), &t) in targets.operands.iter().zip(operands).zip(&step.operands) {
                    targets.assign(inputs, opened, &plan.dummy[t])?;
                }
                targets.output.assign(inputs, output, &plan.dummy[step.output])?;
                let operands: Vec<&Cells> = operands.iter().map(|opened| &opened.cells).collect();
                plan.steps[k].assign(inputs, &targets.check, &operands, &output.cells)?;
            }
        }
        Ok(())
    }
}
