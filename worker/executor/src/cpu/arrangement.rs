//! Rows that are cells of other rows in another order: what the views share.

use janction_program::{Tensor, Value};

use super::parallel::by_rows;

/// Neighbours that stay neighbours. Rows have at most 2^20 cells.
#[derive(Clone, Copy)]
pub(super) struct Run {
    operand: u32,
    place: u32,
    length: u32,
}

/// Where the cells of a row come from.
pub(super) enum Arrangement {
    /// Long runs, one after the other.
    Runs(Box<[Run]>),
    /// For each cell its place in the only operand's row.
    Places(Box<[u32]>),
}

/// Runs at least so long on average are copied as such.
const LONG: usize = 4;

impl Arrangement {
    /// Bytes that an arrangement of `columns` cells of one operand takes, at most.
    pub(super) const fn bytes_of_one(columns: usize) -> usize {
        // Fewer bytes where there are runs.
        const { assert!(size_of::<Run>() <= LONG * size_of::<u32>()) };
        columns * size_of::<u32>()
    }

    /// Bytes that `runs` runs take.
    pub(super) const fn bytes_of_runs(runs: usize) -> usize {
        runs * size_of::<Run>()
    }

    /// From the operand and the place in its row of each cell, in order.
    pub(super) fn new(order: impl Iterator<Item = (usize, usize)>) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        let mut cells = 0;
        for (operand, place) in order {
            cells += 1;
            let (operand, place) = (operand as u32, place as u32);
            match runs.last_mut() {
                Some(run) if run.operand == operand && run.place + run.length == place => run.length += 1,
                _ => runs.push(Run { operand, place, length: 1 }),
            }
        }
        if runs.len() * LONG <= cells || runs.iter().any(|run| run.operand != 0) {
            return Self::Runs(runs.into());
        }
        Self::Places(runs.iter().flat_map(|run| run.place..run.place + run.length).collect())
    }

    /// Bytes that it takes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Runs(runs) => size_of_val(&**runs),
            Self::Places(places) => size_of_val(&**places),
        }
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
                        for run in runs {
                            let [operand, place, length] =
                                [run.operand, run.place, run.length].map(|number| number as usize);
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

#[cfg(test)]
mod tests {
    use janction_program::{DType, Operation, Step, builder::Builder, test_utils::Random};

    use super::super::{concat, transpose};
    use super::Arrangement;

    /// What is set aside in the cache is what is taken: for cells one by one as for long runs.
    #[test]
    fn no_arrangement_takes_more_than_it_says() {
        for (extents, axis) in
            [([1, 40, 50], 0), ([40, 50, 1], 2), ([10, 2, 3], 1), ([7, 1, 1], 2), ([3, 5, 2], 0)]
        {
            let mut b = Builder::new("views", 1);
            let x = b.input("x", DType::I8, &extents);
            let y = b.transpose("turned", x, &[2, 0, 1]);
            let z = b.transpose("back", y, &[1, 2, 0]);
            let both = b.concat("both", &[x, z, z, x], axis);
            let table = b.constant("table", Random::new(1).tensor(DType::I8, 1, 256));
            b.lookup("out", both, table);
            let program = b.build().unwrap();
            for Step { operation, output, .. } in program.steps() {
                let (arrangement, said) = match operation {
                    Operation::Transpose(op) => {
                        (transpose::arrangement(&program, op), Arrangement::bytes_of_one(output.columns()))
                    }
                    Operation::Concat(op) => (concat::arrangement(&program, op), concat::bytes(&program, op)),
                    _ => continue,
                };
                assert!(
                    arrangement.bytes() <= said,
                    "{} > {said} for {extents:?}, {axis}",
                    arrangement.bytes()
                );
            }
        }
    }
}
