//! Row check of a matrix product by recomputation, with the weights as constants of the circuit.
//!
//! With a_k the operand's cells as bytes (cell minus smallest value of the type) and w_kj = B[k][j] - weight_zero[j]:
//!
//! ```text
//! acc_j = base_j + sum_k a_k w_kj        base_j = bias[j] + (smallest - input_zero) sum_k w_kj
//! u_j   = acc_j + 2^(b_j - 1)            0 <= u_j < 2^(b_j), by the program's bound on |acc_j|
//! ```
//!
//! Neighbouring columns share a dot product: `sum_j u_j 2^(t_j)`, t_j the sum of the widths b before column j, is one
//! linear form of the cells. The form is an integer below 2^63 < p, the u_j but the first are witnesses, and each is
//! checked to be below 2^(b_j), so the u_j are the digits of the form and nothing else. A column that shares with no
//! other needs neither witness nor check.

use janction_gadgets::{Builder, F};
use janction_program::{Cells, MatMul, Program};
use plonky2::field::types::Field;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::AuditError;
use crate::limits::MAX_RECOMPUTED_WEIGHTS;
use crate::range::Ranges;
use crate::requantise::{RequantisePlan, RequantiseTargets};
use crate::row::{RowShape, RowTargets};

/// Bits of a shared dot product: below the field's order.
const FORM_BITS: u32 = 63;

/// What the check of one matrix product depends on.
#[derive(Clone, Debug)]
pub(crate) struct MatMulPlan {
    /// Smallest value of the operand's type.
    smallest: i64,
    /// w, row-major: `columns.len()` entries for each cell of the operand.
    weights: Vec<i64>,
    columns: Vec<Column>,
    /// Lengths of the runs of columns that share a dot product.
    runs: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Column {
    base: i64,
    /// b: bits of u.
    bits: u32,
    requantise: RequantisePlan,
}

impl Column {
    /// u - acc.
    const fn half(&self) -> i64 {
        1 << (self.bits - 1)
    }
}

/// The witness of one check.
#[derive(Clone, Debug)]
pub(crate) struct MatMulTargets {
    /// u of each column; `None` for the first one of a run, which is computed.
    accumulators: Vec<Option<Target>>,
    requantise: Vec<RequantiseTargets>,
}

/// An integer below p/2 in absolute value as a field element.
fn element(value: i64) -> F {
    let magnitude = F::from_canonical_u64(value.unsigned_abs());
    if value < 0 { -magnitude } else { magnitude }
}

/// Cuts the columns into runs whose widths add up to at most [`FORM_BITS`].
fn runs(columns: &[Column]) -> Vec<usize> {
    let mut runs: Vec<usize> = Vec::new();
    let mut free = 0;
    for column in columns {
        match runs.last_mut() {
            Some(run) if column.bits <= free => {
                *run += 1;
                free -= column.bits;
            }
            _ => {
                runs.push(1);
                free = FORM_BITS - column.bits;
            }
        }
    }
    runs
}

impl MatMulPlan {
    /// The plan for `op`, whose output is named `name`.
    ///
    /// # Errors
    /// [`AuditError::TooLarge`] beyond [`MAX_RECOMPUTED_WEIGHTS`].
    pub fn new(
        program: &Program,
        op: &MatMul,
        name: &str,
        operand: RowShape,
        output: RowShape,
    ) -> Result<Self, AuditError> {
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
        let bounds = op.accumulator_bounds(operand.dtype, weights, bias);
        let weight = |k: usize, j: usize| i64::from(weights.get(k, j)) - i64::from(op.weight_zero.get(j));
        let smallest = i64::from(operand.dtype.min());
        let columns: Vec<Column> = bounds
            .iter()
            .enumerate()
            .map(|(j, &bound)| {
                let sum: i64 = (0..inner).map(|k| weight(k, j)).sum();
                let bias = bias.map_or(0, |bias| i64::from(bias.get(0, j)));
                Column {
                    base: bias + (smallest - i64::from(op.input_zero)) * sum,
                    // |acc| <= bound <= 2^(b-1) - 1.
                    bits: i64::BITS - bound.leading_zeros() + 1,
                    requantise: RequantisePlan::new(op, j, bound, output.dtype),
                }
            })
            .collect();
        let weights = (0..inner).flat_map(|k| (0..outer).map(move |j| weight(k, j))).collect();
        let runs = runs(&columns);
        Ok(Self { smallest, weights, columns, runs })
    }

    /// Enforces that `output` is the requantised product of `operand` with the weights.
    pub fn build(
        &self,
        builder: &mut Builder,
        ranges: &mut Ranges,
        operand: &RowTargets,
        output: &RowTargets,
    ) -> MatMulTargets {
        let mut accumulators = Vec::with_capacity(self.columns.len());
        let mut requantise = Vec::with_capacity(self.columns.len());
        let mut first = 0;
        for &length in &self.runs {
            let run = first..first + length;
            let (own, biased) = self.build_run(builder, ranges, &operand.cells, run.clone());
            accumulators.extend(own);
            for (j, u) in run.zip(biased) {
                let column = &self.columns[j];
                let targets = column.requantise.build(builder, ranges, u, column.half(), output.cells[j]);
                requantise.push(targets);
            }
            first += length;
        }
        MatMulTargets { accumulators, requantise }
    }

    /// One shared dot product. Returns the witnesses and u for each of its columns.
    fn build_run(
        &self,
        builder: &mut Builder,
        ranges: &mut Ranges,
        cells: &[Target],
        run: std::ops::Range<usize>,
    ) -> (Vec<Option<Target>>, Vec<Target>) {
        let mut scales = vec![F::ONE];
        for column in &self.columns[run.clone()] {
            scales.push(scales[scales.len() - 1] * F::from_canonical_u64(1 << column.bits));
        }
        let combine = |values: &mut dyn Iterator<Item = i64>| -> F {
            values.zip(&scales).map(|(value, &scale)| element(value) * scale).sum()
        };
        let columns = &self.columns[run.clone()];
        let start = combine(&mut columns.iter().map(|column| column.base + column.half()));
        let mut form = builder.constant(start);
        for (weights, &cell) in self.weights.chunks(self.columns.len()).zip(cells) {
            let weight = combine(&mut weights[run.clone()].iter().copied());
            if weight != F::ZERO {
                let weight = builder.constant(weight);
                form = builder.mul_add(weight, cell, form);
            }
        }
        let one = builder.one();
        let mut own = vec![None];
        let mut biased = vec![form];
        for &scale in &scales[1..run.len()] {
            let u = builder.add_virtual_target();
            // What is left of the form is the first column's.
            form = builder.arithmetic(-scale, F::ONE, u, one, form);
            own.push(Some(u));
            biased.push(u);
        }
        biased[0] = form;
        if run.len() > 1 {
            for (&u, column) in biased.iter().zip(columns) {
                ranges.check(builder, u, column.bits);
            }
        }
        (own, biased)
    }

    /// The accumulators of one row.
    pub(crate) fn accumulators(&self, operand: &Cells) -> Vec<i64> {
        let mut sums: Vec<i64> = self.columns.iter().map(|column| column.base).collect();
        for (k, weights) in self.weights.chunks(self.columns.len()).enumerate() {
            let cell = i64::from(operand.get(k)) - self.smallest;
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += cell * weight;
            }
        }
        sums
    }

    /// Sets the witness for these rows.
    pub fn assign(
        &self,
        inputs: &mut PartialWitness<F>,
        targets: &MatMulTargets,
        operand: &Cells,
        output: &Cells,
    ) -> anyhow::Result<()> {
        for (j, acc) in self.accumulators(operand).into_iter().enumerate() {
            let column = &self.columns[j];
            if let Some(u) = targets.accumulators[j] {
                inputs.set_target(u, element(acc + column.half()))?;
            }
            column.requantise.assign(inputs, &targets.requantise[j], acc, output.get(j))?;
        }
        Ok(())
    }

    /// The output row.
    pub fn run(&self, operand: &Cells) -> Vec<i32> {
        let sums = self.accumulators(operand);
        self.columns.iter().zip(sums).map(|(column, acc)| column.requantise.apply(acc)).collect()
    }
}

#[cfg(test)]
impl MatMulPlan {
    /// The cell of column `j` for an accumulator.
    pub fn apply(&self, j: usize, acc: i64) -> i32 {
        self.columns[j].requantise.apply(acc)
    }

    /// Overwrites the witness of column `j` by that of another accumulator and cell.
    pub fn assign_column(
        &self,
        inputs: &mut PartialWitness<F>,
        targets: &MatMulTargets,
        j: usize,
        acc: i64,
        cell: i32,
    ) {
        let column = &self.columns[j];
        let mut own = PartialWitness::new();
        if let Some(u) = targets.accumulators[j] {
            own.set_target(u, element(acc + column.half())).unwrap();
        }
        column.requantise.assign(&mut own, &targets.requantise[j], acc, cell).unwrap();
        inputs.target_values.extend(own.target_values);
    }
}

#[cfg(test)]
impl MatMulTargets {
    /// The accumulators that are witnesses, with their columns.
    pub fn own_accumulators(&self) -> impl Iterator<Item = (usize, Target)> {
        self.accumulators.iter().enumerate().filter_map(|(j, u)| u.map(|u| (j, u)))
    }

    /// The requantisation of each column.
    pub fn requantise(&self) -> &[RequantiseTargets] {
        &self.requantise
    }
}
