//! Row check of a matrix product: the weights' columns, for each vector of a row.
//!
//! With a_k the operand's cells as bytes and w_kj = B[k][j] - weight_zero[j]:
//!
//! ```text
//! acc_j = base_j + sum_k a_k w_kj        base_j = bias[j] + (smallest - input_zero) sum_k w_kj
//! ```

use std::borrow::Cow;

use janction_program::{DType, MatMul, Program, Requantise};

use crate::linear::{Accumulator, Extent, Group, Linear, Weights};
use crate::requantise::Rescale;

/// A column of the weights, with what belongs to it.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// w, one for each row of the weights.
    pub weights: Vec<i64>,
    /// Their sum.
    pub sum: i64,
    /// Bias.
    pub bias: i64,
    /// Bound of the accumulators.
    pub bound: i64,
    pub requantise: Requantise,
}

/// The columns of `op`'s weights.
pub(crate) fn columns(program: &Program, op: &MatMul, operand: DType) -> Vec<Column> {
    let weights = program.constant(op.weights);
    let bias = op.bias.map(|id| program.constant(id));
    let bounds = op.accumulator_bounds(operand, weights, bias);
    let column = |(j, bound)| {
        let zero = i64::from(op.weight_zero.get(j));
        let column: Vec<i64> = (0..weights.rows()).map(|k| i64::from(weights.get(k, j)) - zero).collect();
        Column {
            sum: column.iter().sum(),
            weights: column,
            bias: bias.map_or(0, |bias| i64::from(bias.get(0, j))),
            bound,
            requantise: op.requantise.get(j),
        }
    };
    bounds.into_iter().enumerate().map(column).collect()
}

/// What becomes of the accumulators.
pub(crate) const fn rescale(op: &MatMul, output: DType) -> Rescale {
    Rescale { output_zero: op.output_zero, clamp: op.clamp, output }
}

/// Smallest value of the operand's type minus its zero point: what a cell of byte zero counts for.
pub(crate) fn smallest(operand: DType, zero: i32) -> i64 {
    i64::from(operand.min()) - i64::from(zero)
}

/// What the check of one matrix product depends on.
#[derive(Clone, Debug)]
pub(crate) struct MatMulPlan {
    /// Products of a row: the operand's cells are that many vectors.
    vectors: usize,
    inner: usize,
    smallest: i64,
    columns: Vec<Column>,
    weights: Weights,
}

/// The weights of `op` as a constant.
pub(crate) fn weights(program: &Program, op: &MatMul) -> Weights {
    let tensor = program.constant(op.weights);
    let smallest = |j| smallest(tensor.dtype(), op.weight_zero.get(j));
    Weights { constant: op.weights, smallest: (0..tensor.columns()).map(smallest).collect() }
}

impl MatMulPlan {
    /// The plan for `op`.
    pub fn new(program: &Program, op: &MatMul) -> Self {
        let operand = program.value(op.input);
        let inner = program.constant(op.weights).rows();
        Self {
            vectors: operand.columns() / inner,
            inner,
            smallest: smallest(operand.dtype, op.input_zero),
            columns: columns(program, op, operand.dtype),
            weights: weights(program, op),
        }
    }
}

impl Linear for MatMulPlan {
    fn extent(&self) -> Extent {
        Extent { groups: self.vectors, terms: self.inner, members: self.columns.len() }
    }

    fn kinds(&self) -> Vec<(Requantise, i64)> {
        self.columns.iter().map(|column| (column.requantise, column.bound)).collect()
    }

    fn group(&self, index: usize) -> Group<'_> {
        let accumulator = |j: usize| {
            let column = &self.columns[j];
            Accumulator {
                output: index * self.columns.len() + j,
                base: column.bias + self.smallest * column.sum,
                bound: column.bound,
                requantise: column.requantise,
                weights: Cow::Borrowed(&column.weights),
            }
        };
        let first = index * self.inner;
        Group {
            cells: (first..first + self.inner).collect(),
            rows: (0..self.inner).collect(),
            accumulators: (0..self.columns.len()).map(accumulator).collect(),
        }
    }

    fn weights(&self) -> Option<&Weights> {
        Some(&self.weights)
    }
}
