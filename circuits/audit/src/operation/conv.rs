//! Row check of a convolution: each window of each group of channels is multiplied like a vector of a product. Cells
//! outside the plane contribute nothing, to the base neither.

use std::borrow::Cow;

use janction_program::{Conv, Program, Requantise, Window};

use crate::linear::{Accumulator, Extent, Group, Linear, Weights};
use crate::operation::matmul::{Column, columns, smallest, weights};

/// What the check of one convolution depends on.
#[derive(Clone, Debug)]
pub(crate) struct ConvPlan {
    window: Window,
    /// Groups of channels.
    groups: usize,
    smallest: i64,
    columns: Vec<Column>,
    weights: Weights,
}

impl ConvPlan {
    /// The plan for `op`.
    pub fn new(program: &Program, op: &Conv) -> Self {
        let operand = program.value(op.product.input);
        Self {
            window: op.window(program),
            groups: op.groups as usize,
            smallest: smallest(operand.dtype, op.product.input_zero),
            columns: columns(program, &op.product, operand.dtype),
            weights: weights(program, &op.product),
        }
    }
}

impl Linear for ConvPlan {
    fn extent(&self) -> Extent {
        let Self { window, groups, columns, .. } = self;
        Extent {
            groups: groups * window.positions(),
            terms: window.channels / groups * window.most_cells(),
            members: columns.len() / groups,
        }
    }

    fn kinds(&self) -> Vec<(Requantise, i64)> {
        self.columns.iter().map(|column| (column.requantise, column.bound)).collect()
    }

    fn group(&self, index: usize) -> Group<'_> {
        let Self { window, groups, columns, .. } = self;
        let (group, position) = (index / window.positions(), index % window.positions());
        let (y, x) = (position / window.output[1], position % window.output[1]);
        let (inputs, outputs) = (window.channels / groups, columns.len() / groups);
        // Row of the weights, and the operand's cell.
        let cells: Vec<(usize, usize)> = (0..inputs)
            .flat_map(|c| {
                let (row, plane) = (c * window.kernel_cells(), (group * inputs + c) * window.plane());
                window.cells(y, x).map(move |(kernel, cell)| (row + kernel, plane + cell))
            })
            .collect();
        let accumulator = |channel: usize| {
            let column = &columns[channel];
            // All of them, unless the window reaches beyond the plane.
            let (weights, sum) = if cells.len() == column.weights.len() {
                (Cow::Borrowed(&column.weights[..]), column.sum)
            } else {
                let weights: Vec<i64> = cells.iter().map(|&(row, _)| column.weights[row]).collect();
                let sum = weights.iter().sum();
                (Cow::Owned(weights), sum)
            };
            Accumulator {
                output: channel * window.positions() + position,
                base: column.bias + self.smallest * sum,
                bound: column.bound,
                requantise: column.requantise,
                weights,
            }
        };
        Group {
            cells: cells.iter().map(|&(_, cell)| cell).collect(),
            rows: cells.iter().map(|&(row, _)| row).collect(),
            accumulators: (group * outputs..(group + 1) * outputs).map(accumulator).collect(),
        }
    }

    fn weights(&self) -> Option<&Weights> {
        // Each group of channels has columns of its own.
        (self.groups == 1).then_some(&self.weights)
    }
}
