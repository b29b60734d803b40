//! Row check of a matrix product by recomputation, with the weights as constants of the circuit.
//!
//! With a_k the operand's cells as bytes and w_kj = B[k][j] - weight_zero[j]:
//!
//! ```text
//! acc_j = base_j + sum_k a_k w_kj        base_j = bias[j] + (smallest - input_zero) sum_k w_kj
//! ```

use janction_program::{MatMul, Program, Requantise};

use crate::AuditError;
use crate::limits::MAX_RECOMPUTED_WEIGHTS;
use crate::linear::{Accumulator, Group, Linear};
use crate::requantise::Rescale;
use crate::row::RowShape;

/// What the check of one matrix product depends on.
#[derive(Clone, Debug)]
pub(crate) struct MatMulPlan {
    /// Products of a row: the operand's cells are that many vectors.
    vectors: usize,
    inner: usize,
    columns: Vec<Column>,
}

#[derive(Clone, Debug)]
struct Column {
    weights: Vec<i64>,
    base: i64,
    bound: i64,
    requantise: Requantise,
}

impl MatMulPlan {
    /// The plan for `op`, whose output is named `name`.
    ///
    /// # Errors
    /// [`AuditError::TooLarge`] beyond [`MAX_RECOMPUTED_WEIGHTS`].
    pub fn new(program: &Program, op: &MatMul, name: &str, operand: RowShape) -> Result<Self, AuditError> {
        let weights = program.constant(op.weights);
        let bias = op.bias.map(|id| program.constant(id));
        let (inner, outer) = (weights.rows(), weights.columns());
        if inner * outer > MAX_RECOMPUTED_WEIGHTS {
            return Err(AuditError::TooLarge {
                operation: name.into(),
                got: inner * outer,
                limit: MAX_RECOMPUTED_WEIGHTS,
            });
        }
        let smallest = i64::from(operand.dtype.min()) - i64::from(op.input_zero);
        let columns = op
            .accumulator_bounds(operand.dtype, weights, bias)
            .into_iter()
            .enumerate()
            .map(|(j, bound)| {
                let zero = i64::from(op.weight_zero.get(j));
                let weights: Vec<i64> = (0..inner).map(|k| i64::from(weights.get(k, j)) - zero).collect();
                let base =
                    bias.map_or(0, |bias| i64::from(bias.get(0, j))) + smallest * weights.iter().sum::<i64>();
                Column { weights, base, bound, requantise: op.requantise.get(j) }
            })
            .collect();
        Ok(Self { vectors: operand.columns / inner, inner, columns })
    }

    /// What becomes of the accumulators.
    pub fn rescale(op: &MatMul, output: RowShape) -> Rescale {
        Rescale { output_zero: op.output_zero, clamp: op.clamp, output: output.dtype }
    }
}

impl Linear for MatMulPlan {
    fn groups(&self) -> usize {
        self.vectors
    }

    fn group(&self, index: usize) -> Group {
        let accumulator = |(j, column): (usize, &Column)| Accumulator {
            output: index * self.columns.len() + j,
            base: column.base,
            bound: column.bound,
            requantise: column.requantise,
            weights: column.weights.clone(),
        };
        let first = index * self.inner;
        Group {
            cells: (first..first + self.inner).collect(),
            accumulators: self.columns.iter().enumerate().map(accumulator).collect(),
        }
    }
}
