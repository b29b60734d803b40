//! Where a drawn row stands in its block, under commitment scheme 2.
//!
//! The block's other rows have wires of their own, in order: the j-th of them is row j of the block if j < d, else row j + 1, with
//! d the drawn row's place. B rows a block, the draw's row is i = B b + d:
//!
//! ```text
//! d = the low bits of i            t_j a bit, t_j t_(j+1) = t_(j+1), sum t_j = d                so t_j says j < d
//! p_j a bit, p_j p_(j+1) = p_(j+1)   n = 1 + sum p_j   0 <= rows - (B b + n) < 2^24   (B - n)(rows - (B b + n)) = 0
//! ```
//!
//! So n = min(B, rows - B b) is the number of the block's rows, and p_j says that there is a j-th other one.

use janction_gadgets::{Builder, D, F};
use janction_program::Cells;
use plonky2::field::types::Field;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::draw::DrawTargets;
use crate::range::Ranges;
use crate::row::RowTargets;
use crate::sketch::{BlockRow, Challenge, SketchPlan};

/// The place of one drawn row.
#[derive(Clone, Debug)]
pub(crate) struct PlaceTargets {
    /// t: which of the other rows stand before the drawn one.
    pub before: Vec<BoolTarget>,
    /// p: which of the other rows there are.
    pub present: Vec<BoolTarget>,
    /// n.
    pub count: Target,
}

/// Bits of which none is set behind one that is not, and their sum.
fn falling(builder: &mut Builder, count: usize) -> (Vec<BoolTarget>, Target) {
    let bits: Vec<BoolTarget> = (0..count).map(|_| builder.add_virtual_bool_target_safe()).collect();
    for pair in bits.windows(2) {
        let both = builder.mul(pair[0].target, pair[1].target);
        builder.connect(both, pair[1].target);
    }
    let sum = builder.add_many(bits.iter().map(|bit| bit.target));
    (bits, sum)
}

/// The number with these bits, the lowest one first.
fn number(builder: &mut Builder, bits: &[BoolTarget]) -> Target {
    let (zero, one) = (builder.zero(), builder.one());
    bits.iter().rev().fold(zero, |sum, bit| builder.arithmetic(F::TWO, F::ONE, sum, one, bit.target))
}

impl PlaceTargets {
    /// *Enforced*: what the module says. *The caller must ensure*: `rows` is below 2^24, and the draw's upper bits are used in a
    /// Merkle path, which checks that they are bits.
    pub fn new(
        builder: &mut Builder,
        ranges: &mut Ranges,
        plan: &SketchPlan,
        draw: &DrawTargets,
        rows: Target,
    ) -> Self {
        let (low, high) = draw.bits.split_at(plan.block_bits);
        low.iter().for_each(|&bit| builder.assert_bool(bit));
        let others = plan.block_rows() - 1;
        let (before, sum) = falling(builder, others);
        let place = number(builder, low);
        builder.connect(sum, place);

        let (present, sum) = falling(builder, others);
        let count = builder.add_const(sum, F::ONE);
        let block = number(builder, high);
        let size = F::from_canonical_usize(plan.block_rows());
        let end = builder.mul_const_add(size, block, count);
        let left = builder.sub(rows, end);
        ranges.check(builder, left, 24);
        let size = builder.constant(size);
        let missing = builder.sub(size, count);
        let product = builder.mul(missing, left);
        builder.assert_zero(product);
        Self { before, present, count }
    }

    /// log2 of the rows of a block.
    pub fn block_bits(&self) -> usize {
        (self.before.len() + 1).trailing_zeros() as usize
    }

    /// The drawn row and the others, each with the constants of its place.
    pub fn rows<'a>(
        &self,
        builder: &mut Builder,
        challenge: &Challenge,
        row: &'a RowTargets,
        others: &'a [RowTargets],
    ) -> Vec<BlockRow<'a>> {
        let columns = row.cells.len();
        let mut own: Vec<ExtensionTarget<D>> = challenge.of_row(0, columns).to_vec();
        let mut rows = Vec::new();
        for (j, other) in others.iter().enumerate() {
            let (this, next) = (challenge.of_row(j, columns), challenge.of_row(j + 1, columns));
            let mut constants = Vec::new();
            for (own, (&this, &next)) in own.iter_mut().zip(this.iter().zip(next)) {
                // The drawn row's: this of row 0, and a step further for each row before it. The other's: this or the next.
                let step = builder.sub_extension(next, this);
                let step = builder.scalar_mul_ext(self.before[j].target, step);
                *own = builder.add_extension(*own, step);
                constants.push(builder.sub_extension(next, step));
            }
            rows.push(BlockRow { row: other, constants, active: self.present[j] });
        }
        rows.insert(0, BlockRow { row, constants: own, active: builder._true() });
        rows
    }

    /// Sets the place of row `row` of `rows`.
    pub fn assign(&self, inputs: &mut PartialWitness<F>, row: usize, rows: usize) -> anyhow::Result<()> {
        let size = self.before.len() + 1;
        let (place, first) = (row % size, row / size * size);
        let count = size.min(rows - first);
        for (j, (&before, &present)) in self.before.iter().zip(&self.present).enumerate() {
            inputs.set_bool_target(before, j < place)?;
            inputs.set_bool_target(present, j + 1 < count)?;
        }
        Ok(())
    }
}

/// The rows that stand at a block's wires: the drawn one, then as many others as there can be.
pub(crate) fn wires<'a>(cells: &'a Cells, others: &'a [Cells], block_rows: usize) -> Vec<Option<&'a Cells>> {
    let mut wires: Vec<Option<&Cells>> = std::iter::once(cells).chain(others).map(Some).collect();
    wires.resize(block_rows, None);
    wires
}
