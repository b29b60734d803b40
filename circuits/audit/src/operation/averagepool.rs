//! Row check of an average pool: sums of windows, each with the factor of its position.

use std::borrow::Cow;

use janction_program::{AveragePool, DType, PerColumn, Program, Requantise, Window};

use crate::linear::{Accumulator, Extent, Group, Linear};
use crate::operation::matmul::smallest;
use crate::requantise::Rescale;

/// What the check of one average pool depends on.
#[derive(Clone, Debug)]
pub(crate) struct AveragePoolPlan {
    window: Window,
    smallest: i64,
    bound: i64,
    requantise: PerColumn<Requantise>,
}

impl AveragePoolPlan {
    /// The plan for `op`.
    pub fn new(program: &Program, op: &AveragePool) -> Self {
        let (operand, window) = (program.value(op.input), op.window(program));
        Self {
            window,
            smallest: smallest(operand.dtype, op.input_zero),
            bound: op.accumulator_bound(operand.dtype, &window),
            requantise: op.requantise.clone(),
        }
    }

    /// What becomes of the sums.
    pub const fn rescale(op: &AveragePool, output: DType) -> Rescale {
        Rescale { output_zero: op.output_zero, clamp: op.clamp, output }
    }
}

impl Linear for AveragePoolPlan {
    fn extent(&self) -> Extent {
        let groups = self.window.channels * self.window.positions();
        Extent { groups, terms: self.window.most_cells(), members: 1 }
    }

    fn kinds(&self) -> Vec<(Requantise, i64)> {
        let positions = 0..self.window.positions();
        positions.map(|position| (self.requantise.get(position), self.bound)).collect()
    }

    fn group(&self, index: usize) -> Group<'_> {
        let window = &self.window;
        let (channel, position) = (index / window.positions(), index % window.positions());
        let (y, x) = (position / window.output[1], position % window.output[1]);
        let plane = channel * window.plane();
        let cells: Vec<usize> = window.cells(y, x).map(|(_, cell)| plane + cell).collect();
        let sum = Accumulator {
            output: index,
            base: self.smallest * cells.len() as i64,
            bound: self.bound,
            requantise: self.requantise.get(position),
            weights: Cow::Owned(vec![1; cells.len()]),
        };
        Group { cells, rows: Vec::new(), accumulators: vec![sum] }
    }
}
