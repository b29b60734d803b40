//! Row check of a weighted sum: each cell is one of two cells, or of one and a constant.

use std::borrow::Cow;

use janction_program::{Add, DType, Operand, Program, Requantise};

use crate::linear::{Accumulator, Extent, Group, Linear};
use crate::operation::matmul::smallest;
use crate::requantise::Rescale;

/// What the check of one sum depends on.
#[derive(Clone, Debug)]
pub(crate) struct AddPlan {
    columns: usize,
    left: i64,
    right: Right,
    /// What the left cell of byte zero counts for.
    base: i64,
    bound: i64,
    requantise: Requantise,
}

/// The right operand: the factor of a cell and what one of byte zero counts for, or what each constant counts for.
#[derive(Clone, Debug)]
enum Right {
    Value { factor: i64, base: i64 },
    Constant(Vec<i64>),
}

impl AddPlan {
    /// The plan for `op`.
    pub fn new(program: &Program, op: &Add) -> Self {
        let left = program.value(op.left);
        let factor = i64::from(op.right_multiplier);
        let (right, dtype) = match op.right {
            Operand::Value(id) => {
                let dtype = program.value(id).dtype;
                (Right::Value { factor, base: smallest(dtype, op.right_zero) * factor }, dtype)
            }
            Operand::Constant(id) => {
                let row = program.constant(id);
                let counts = |j| (i64::from(row.get(0, j)) - i64::from(op.right_zero)) * factor;
                (Right::Constant((0..row.columns()).map(counts).collect()), row.dtype())
            }
        };
        let factor = i64::from(op.left_multiplier);
        Self {
            columns: left.columns(),
            left: factor,
            right,
            base: smallest(left.dtype, op.left_zero) * factor,
            bound: op.accumulator_bound(left.dtype, dtype),
            requantise: Requantise::new(1, op.shift).rounded(op.rounding),
        }
    }

    /// What becomes of the sums.
    pub const fn rescale(op: &Add, output: DType) -> Rescale {
        Rescale { output_zero: op.output_zero, clamp: op.clamp, output }
    }
}

impl Linear for AddPlan {
    fn extent(&self) -> Extent {
        Extent { groups: self.columns, terms: 2, members: 1 }
    }

    fn kinds(&self) -> Vec<(Requantise, i64)> {
        vec![(self.requantise, self.bound)]
    }

    fn group(&self, index: usize) -> Group<'_> {
        // The left value's cells, then the right one's.
        let (cells, weights, base) = match &self.right {
            Right::Value { factor, base } => {
                (vec![index, self.columns + index], vec![self.left, *factor], *base)
            }
            Right::Constant(counts) => (vec![index], vec![self.left], counts[index]),
        };
        let sum = Accumulator {
            output: index,
            base: self.base + base,
            bound: self.bound,
            requantise: self.requantise,
            weights: Cow::Owned(weights),
        };
        Group { cells, rows: Vec::new(), accumulators: vec![sum] }
    }
}
