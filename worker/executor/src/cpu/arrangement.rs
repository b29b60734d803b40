//! Rows that are cells of other rows in another order: what the views share.

use janction_program::{Tensor, Value};

use super::parallel::by_rows;

/// Neighbours that stay neighbours.
#[derive(Clone, Copy)]
pub(super) struct Run {
    operand: usize,
    place: usize,
    length: usize,
}

/// Where the cells of a row come from.
pub(super) enum Arrangement {
    /// Long runs, one after the other.
    Runs(Vec<Run>),
    /// For each cell its place in the only operand's row.
    Places(Vec<u32>),
}

/// Runs at least so long on average are copied as such.
const LONG: usize = 4;

impl Arrangement {
    /// Bytes that an arrangement of `columns` cells takes.
    pub(super) const fn bytes(columns: usize) -> usize {
        columns / LONG * size_of::<Run>()
    }

    /// From the operand and the place in its row of each cell, in order.
    pub(super) fn new(order: impl Iterator<Item = (usize, usize)>) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        let mut cells = 0;
        for (operand, place) in order {
            cells += 1;
            match runs.last_mut() {
                Some(run) if run.operand == operand && run.place + run.length == place => run.length += 1,
                _ => runs.push(Run { operand, place, length: 1 }),
            }
        }
        if runs.len() * LONG <= cells || runs.iter().any(|run| run.operand != 0) {
            return Self::Runs(runs);
        }
        // Rows have at most 2^20 cells.
        let places = runs.iter().flat_map(|run| run.place..run.place + run.length);
        Self::Places(places.map(|place| place as u32).collect())
    }

    /// The view as a tensor of its own.
    pub(super) fn run(&self, operands: &[&Tensor], output: &Value) -> Tensor {
        let columns = output.columns();
        let widths: Vec<usize> = operands.iter().map(|operand| operand.columns()).collect();
        let turns = match self {
            Self::Runs(runs) => 8 * runs.len() + columns / 16,
            Self::Places(_) => columns,
        };
        by_rows(operands, output, turns, |inputs, cells| {
            for (row, cells) in cells.chunks_exact_mut(columns).enumerate() {
                match self {
                    Self::Runs(runs) => {
                        let mut cells = cells;
                        for &Run { operand, place, length } in runs {
                            let (run, rest) = cells.split_at_mut(length);
                            let start = row * widths[operand] + place;
                            run.copy_from_slice(&inputs[operand][start..start + length]);
                            cells = rest;
                        }
                    }
                    Self::Places(places) => {
                        let input = &inputs[0][row * widths[0]..][..widths[0]];
                        for (cell, &place) in cells.iter_mut().zip(places) {
                            *cell = input[place as usize];
                        }
                    }
                }
            }
        })
    }
}
