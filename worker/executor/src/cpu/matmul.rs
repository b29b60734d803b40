//! Matrix product on the CPU: blocks of rows, or of panels where there are few rows, on all cores; accumulators stay in cache.

use janction_program::{MatMul, Program, Tensor, Value};
use rayon::prelude::*;

use super::{
    bytes::{bytes, tensor, to_signed, to_unsigned},
    gemm::{COLUMNS, Left, Panels, QUAD, ROWS, Signed, multiply},
    instructions::{Instructions, Loop},
    parallel::threads_for,
    requantise::{FinishColumns, Scale},
};

/// Most rows of a block: with the [`COLUMNS`] columns of a panel 24 KiB of accumulators.
const MOST_ROWS: usize = 16 * ROWS;
/// A block's rows take at most so many bytes: they stay in the second cache while all panels go by.
const BLOCK_BYTES: usize = 768 << 10;
/// Rows at least so long are always copied, to a distance at which they do not displace each other from the first cache.
const LONG: usize = 1024;

/// A product's weights, ready to be multiplied with.
pub(super) struct Prepared {
    inner: usize,
    columns: usize,
    /// What makes the input's bytes unsigned.
    flip: u8,
    panels: Panels,
    scale: Scale,
}

/// Sums of the columns of a matrix of signed bytes, each with `flip` exclusively or'ed.
pub(super) fn column_sums(columns: usize, cells: &[u8], flip: u8) -> Vec<i32> {
    let mut sums = vec![0; columns];
    for row in cells.chunks_exact(columns) {
        for (sum, &cell) in sums.iter_mut().zip(row) {
            // At most 2^20 rows of at most 2^7.
            *sum += i32::from((cell ^ flip) as i8);
        }
    }
    sums
}

/// A thread's buffers.
#[derive(Default)]
struct Scratch {
    rows: Vec<u8>,
    sums: Vec<i32>,
    acc: Vec<i32>,
}

/// Sums of the bytes of rows of `inner` bytes, `pitch` apart.
struct RowSums<'a> {
    bytes: &'a [u8],
    pitch: usize,
    inner: usize,
    sums: &'a mut [i32],
}

impl Loop for RowSums<'_> {
    #[inline(always)]
    fn run(self) {
        for (row, sum) in self.bytes.chunks(self.pitch).zip(self.sums) {
            *sum = row[..self.inner].iter().fold(0i32, |sum, &byte| sum.wrapping_add(byte.into()));
        }
    }
}

impl Prepared {
    /// Bytes that the preparation of `op` takes.
    pub(super) fn bytes(program: &Program, op: &MatMul) -> usize {
        let weights = program.constant(op.weights);
        Panels::bytes(weights.rows(), weights.columns()) + Scale::bytes(weights.columns())
    }

    pub(super) fn new(program: &Program, op: &MatMul) -> Self {
        let weights = program.constant(op.weights);
        let (inner, columns) = (weights.rows(), weights.columns());
        let (flip, activations) = to_unsigned(program.value(op.input).dtype);
        let (weight_flip, added) = to_signed(weights.dtype());
        let cells = bytes(weights.cells());
        let sums = column_sums(columns, cells, weight_flip);
        Self {
            inner,
            columns,
            flip,
            panels: Panels::new(inner, columns, cells, weight_flip),
            scale: Scale::new(program, op, &sums, (activations, added)),
        }
    }

    /// The columns of the panels `panels` for the rows that lie in `rows`, one after the other: `cells` has room for these rows
    /// and columns.
    fn block(
        &self,
        instructions: Instructions,
        rows: &[u8],
        panels: std::ops::Range<usize>,
        scratch: &mut Scratch,
        cells: &mut [u8],
    ) {
        let Scratch { rows: copy, sums, acc } = scratch;
        let count = rows.len() / self.inner;
        let padded = self.inner.next_multiple_of(QUAD);
        let left = if self.flip == 0 && padded == self.inner && self.inner < LONG {
            Left { bytes: rows, pitch: self.inner, rows: count }
        } else {
            // An odd number of cache lines apart: rows do not fall on the same places of the cache.
            let pitch = if self.inner < LONG { padded } else { padded.next_multiple_of(128) + 64 };
            copy.resize(count * pitch, 0);
            for (copy, row) in copy.chunks_exact_mut(pitch).zip(rows.chunks_exact(self.inner)) {
                for (copy, &cell) in copy.iter_mut().zip(row) {
                    *copy = cell ^ self.flip;
                }
                copy[self.inner..padded].fill(0);
            }
            Left { bytes: copy, pitch, rows: count }
        };
        sums.resize(count, 0);
        if self.scale.needs_sums() {
            instructions.run(RowSums { bytes: left.bytes, pitch: left.pitch, inner: self.inner, sums });
        }
        let first = panels.start * COLUMNS;
        let pitch = cells.len() / count;
        for p in panels {
            let (panel, columns) = self.panels.get(p);
            let acc = multiply(instructions, Signed::Panel, left, panel, columns, acc);
            let cells = &mut cells[p * COLUMNS - first..];
            let scale = &self.scale;
            instructions.run(FinishColumns { scale, first: p * COLUMNS, acc, sums, columns, cells, pitch });
        }
    }

    /// Rows of a block so that every thread has several, as far as the cache lets it.
    fn block_rows(&self, rows: usize, threads: usize) -> usize {
        let fitting = (BLOCK_BYTES / self.inner).clamp(ROWS, MOST_ROWS);
        let shared = rows.div_ceil(4 * threads);
        fitting.min(shared.next_multiple_of(ROWS)) / ROWS * ROWS
    }

    /// The operation's result.
    pub(super) fn run(&self, instructions: Instructions, operand: &Tensor, output: &Value) -> Tensor {
        let input = bytes(operand.cells());
        let rows = input.len() / self.inner;
        let products = input.len().saturating_mul(self.columns) / 128;
        let threads = threads_for(products.saturating_add(rows.saturating_mul(self.columns)));
        let block = self.block_rows(rows, threads);
        let panels = self.panels.count();
        tensor(operand.rows(), output, |cells| {
            if threads == 1 {
                let mut scratch = Scratch::default();
                let blocks = cells.chunks_mut(block * self.columns).zip(input.chunks(block * self.inner));
                blocks
                    .for_each(|(cells, rows)| self.block(instructions, rows, 0..panels, &mut scratch, cells));
                return;
            }
            if rows.div_ceil(block) >= 2 * threads || panels == 1 {
                cells
                    .par_chunks_mut(block * self.columns)
                    .zip(input.par_chunks(block * self.inner))
                    .for_each_init(Scratch::default, |scratch, (cells, rows)| {
                        self.block(instructions, rows, 0..panels, scratch, cells);
                    });
                return;
            }
            // Few rows: each thread takes some panels, and its columns are copied to their places.
            let share = panels.div_ceil(2 * threads);
            let parts: Vec<Vec<u8>> = (0..panels)
                .into_par_iter()
                .step_by(share)
                .map(|first| {
                    let panels = first..panels.min(first + share);
                    let columns = self.columns.min(panels.end * COLUMNS) - first * COLUMNS;
                    let (mut scratch, mut part) = (Scratch::default(), vec![0; rows * columns]);
                    let blocks = part.chunks_mut(MOST_ROWS * columns);
                    for (part, rows) in blocks.zip(input.chunks(MOST_ROWS * self.inner)) {
                        self.block(instructions, rows, panels.clone(), &mut scratch, part);
                    }
                    part
                })
                .collect();
            for (part, first) in parts.iter().zip((0..).step_by(share * COLUMNS)) {
                let columns = part.len() / rows;
                for (row, part) in cells.chunks_exact_mut(self.columns).zip(part.chunks_exact(columns)) {
                    row[first..first + columns].copy_from_slice(part);
                }
            }
        })
    }
}
