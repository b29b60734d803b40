//! Convolution on the CPU: the weights of the output channels by panels of [`COLUMNS`] windows, on all cores.
//!
//! Windows are counted through all rows, so that planes smaller than a panel share one. For each place of the kernel in one
//! channel (a row of the weights) the cells that the windows have there become a *line* ([`lines`]); four lines become the quads of the
//! panels.

mod lines;

use std::ops::Range;

use janction_program::{Conv, Program, Tensor, Value, Window};
use rayon::prelude::*;

use super::{
    bytes::{bytes, tensor, to_signed, to_unsigned},
    gemm::{COLUMNS, Left, QUAD, ROWS, Signed, multiply},
    instructions::{Instructions, Loop},
    matmul::column_sums,
    parallel::threads_for,
    requantise::{FinishRows, Scale},
    windows::Windows,
};
use lines::{Part, Segment, WIDE, sized};

/// Panels of windows take at most so many bytes together, so that they stay in the second cache.
const PANEL_BYTES: usize = 128 << 10;
/// Output channels whose accumulators are finished together.
const CHANNELS: usize = 16 * ROWS;
/// A convolution's weights, ready to be multiplied with.
pub(super) struct Prepared {
    windows: Windows,
    groups: usize,
    /// Input channels, output channels and rows of the weights of one group.
    seen: usize,
    made: usize,
    inner: usize,
    /// The weights of each output channel, one after the other, filled up to whole quads: `pitch` bytes each.
    weights: Vec<u8>,
    pitch: usize,
    scale: Scale,
    /// What makes the input's bytes unsigned; the byte outside the planes.
    flip: u8,
    outside: u8,
}

/// A thread's buffers.
#[derive(Default)]
struct Scratch {
    segments: Vec<Segment>,
    parts: Vec<Part>,
    unfolded: Vec<u8>,
    lines: Vec<u8>,
    panels: Vec<u8>,
    acc: Vec<i32>,
    cells: Vec<[u8; COLUMNS]>,
}

/// Lines as quads of panels, each byte with `flip` exclusively or'ed.
struct Interleave<'a> {
    /// `pitch` bytes each, as many as a panel has quads by four; `count` bytes, for whole panels, are read.
    lines: &'a [u8],
    pitch: usize,
    count: usize,
    flip: u8,
    panels: &'a mut [u8],
}

impl Loop for Interleave<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { lines, pitch, count, flip, panels } = self;
        let panel = panels.len() / (count / COLUMNS);
        let flip = u32::from_ne_bytes([flip; QUAD]);
        for (quad, lines) in lines.chunks_exact(QUAD * pitch).enumerate() {
            let [a, b, c, d] = std::array::from_fn(|k| lines[k * pitch..][..count].as_chunks::<COLUMNS>().0);
            let lines = a.iter().zip(b).zip(c.iter().zip(d));
            for (((a, b), (c, d)), panel) in lines.zip(panels.chunks_exact_mut(panel)) {
                let out = panel[quad * QUAD * COLUMNS..][..QUAD * COLUMNS].as_chunks_mut::<QUAD>().0;
                for j in 0..COLUMNS {
                    out[j] = (u32::from_le_bytes([a[j], b[j], c[j], d[j]]) ^ flip).to_le_bytes();
                }
            }
        }
    }
}

/// For each column the sum of the bytes of a panel.
struct PanelSums<'a> {
    panel: &'a [u8],
    sums: &'a mut [i32; COLUMNS],
}

impl Loop for PanelSums<'_> {
    #[inline(always)]
    fn run(self) {
        *self.sums = [0; COLUMNS];
        for quads in self.panel.as_chunks::<{ COLUMNS * QUAD }>().0 {
            for (sum, quad) in self.sums.iter_mut().zip(quads.as_chunks::<QUAD>().0) {
                let [a, b, c, d] = quad.map(i32::from);
                *sum = sum.wrapping_add(a.wrapping_add(b).wrapping_add(c.wrapping_add(d)));
            }
        }
    }
}

/// The windows, with a plane as one line where each window is one cell and each cell one window.
fn flattened(window: Window) -> Window {
    let each = window.kernel == [1, 1] && window.strides == [1, 1] && window.pads == [0; 4];
    let line = [1, window.plane()];
    if each { Window { input: line, output: line, dilations: [1, 1], ..window } } else { window }
}

impl Prepared {
    /// Bytes that the preparation of `op` takes.
    pub(super) fn bytes(program: &Program, op: &Conv) -> usize {
        let weights = program.constant(op.product.weights);
        let padded = weights.rows().next_multiple_of(QUAD) * weights.columns();
        padded + Scale::bytes(weights.columns()) + Windows::bytes(&op.window(program))
    }

    pub(super) fn new(program: &Program, op: &Conv) -> Self {
        let product = &op.product;
        let (weights, window) = (program.constant(product.weights), flattened(op.window(program)));
        let (inner, columns) = (weights.rows(), weights.columns());
        let (flip, activations) = to_unsigned(program.value(product.input).dtype);
        let (weight_flip, added) = to_signed(weights.dtype());
        let cells = bytes(weights.cells());
        let pitch = inner.next_multiple_of(QUAD);
        let mut turned = vec![0; columns * pitch];
        for (k, row) in cells.chunks_exact(columns).enumerate() {
            for (channel, &cell) in row.iter().enumerate() {
                turned[channel * pitch + k] = cell ^ weight_flip;
            }
        }
        let sums = column_sums(columns, cells, weight_flip);
        let groups = op.groups as usize;
        Self {
            groups,
            seen: window.channels / groups,
            made: columns / groups,
            inner,
            weights: turned,
            pitch,
            scale: Scale::new(program, product, &sums, (activations, added)),
            flip,
            // The zero point is a cell of the input: its byte is its lowest.
            outside: product.input_zero as u8,
            windows: Windows::new(window),
        }
    }

    /// The windows `windows` of `rows`, counted through them: `put` takes a row, an output channel, the first window's number
    /// in that row, and the cells from there on.
    fn run_windows(
        &self,
        instructions: Instructions,
        rows: &[u8],
        windows: Range<usize>,
        scratch: &mut Scratch,
        mut put: impl FnMut(usize, usize, usize, &[u8]),
    ) {
        let positions = self.windows.window.positions();
        self.cut(windows.clone(), &mut scratch.segments, &mut scratch.parts);
        let count = windows.len().next_multiple_of(COLUMNS);
        let pitch = count + WIDE;
        let mut sums = [0; COLUMNS];
        for group in 0..self.groups {
            let lines = sized(&mut scratch.lines, self.pitch * pitch);
            // Their weights are zeros, and they must not count in sums.
            lines[self.inner * pitch..].fill(self.flip);
            self.set_lines(rows, group * self.seen, scratch, pitch);
            let Scratch { lines, panels, acc, cells, .. } = scratch;
            let panels = sized(panels, count * self.pitch);
            let lines = &lines[..self.pitch * pitch];
            instructions.run(Interleave { lines, pitch, count, flip: self.flip, panels });
            for (p, panel) in panels.chunks_exact(self.pitch * COLUMNS).enumerate() {
                let first = windows.start + p * COLUMNS;
                let columns = COLUMNS.min(windows.end - first);
                if self.scale.needs_sums() {
                    instructions.run(PanelSums { panel, sums: &mut sums });
                }
                for begin in (0..self.made).step_by(CHANNELS) {
                    let count = CHANNELS.min(self.made - begin);
                    let begin = group * self.made + begin;
                    let left =
                        Left { bytes: &self.weights[begin * self.pitch..], pitch: self.pitch, rows: count };
                    let acc = multiply(instructions, Signed::Left, left, panel, columns, acc);
                    cells.resize(count, [0; COLUMNS]);
                    let (scale, sums) = (&self.scale, &sums);
                    instructions.run(FinishRows { scale, first: begin, acc, sums, lines: cells });
                    let mut from = 0;
                    while from < columns {
                        let (row, position) = ((first + from) / positions, (first + from) % positions);
                        let to = columns.min(from + positions - position);
                        for (i, line) in cells.iter().enumerate() {
                            put(row, begin + i, position, &line[from..to]);
                        }
                        from = to;
                    }
                }
            }
        }
    }

    /// The operation's result.
    pub(super) fn run(&self, instructions: Instructions, operand: &Tensor, output: &Value) -> Tensor {
        let input = bytes(operand.cells());
        let (positions, columns) = (self.windows.window.positions(), output.columns());
        let most = (PANEL_BYTES / self.pitch / COLUMNS).max(1) * COLUMNS;
        let products = columns.saturating_mul(self.inner) / 128;
        let turns = products
            .saturating_add(positions.saturating_mul(self.inner * self.groups))
            .saturating_add(columns);
        let threads = threads_for(operand.rows().saturating_mul(turns));
        tensor(operand.rows(), output, |cells| {
            let block = |scratch: &mut Scratch, (cells, input): (&mut [u8], &[u8])| {
                let windows = cells.len() / columns * positions;
                for start in (0..windows).step_by(most) {
                    let part = start..windows.min(start + most);
                    self.run_windows(instructions, input, part, scratch, |row, channel, position, line| {
                        let place = row * columns + channel * positions + position;
                        cells[place..place + line.len()].copy_from_slice(line);
                    });
                }
            };
            if threads == 1 {
                block(&mut Scratch::default(), (cells, input));
            } else if operand.rows() >= 2 * threads {
                let share = operand.rows().div_ceil(4 * threads);
                cells
                    .par_chunks_mut(share * columns)
                    .zip(input.par_chunks(share * operand.columns()))
                    .for_each_init(Scratch::default, block);
            } else {
                self.run_apart(
                    instructions,
                    operand,
                    cells,
                    most.min(operand.rows() * positions / threads).max(1),
                );
            }
        })
    }

    /// All windows of few rows: each thread takes about `most` at a time, and their cells are copied to their places.
    fn run_apart(&self, instructions: Instructions, operand: &Tensor, cells: &mut [u8], most: usize) {
        let (input, rows) = (bytes(operand.cells()), operand.rows());
        let (positions, columns) = (self.windows.window.positions(), cells.len() / rows);
        let (windows, share) = (rows * positions, most.next_multiple_of(COLUMNS));
        let made = |scratch: &mut Scratch, start: usize| {
            let (mut lines, mut made) = (Vec::new(), Vec::new());
            let part = start..windows.min(start + share);
            self.run_windows(instructions, input, part, scratch, |row, channel, position, line| {
                lines.push((row * columns + channel * positions + position, line.len()));
                made.extend_from_slice(line);
            });
            (lines, made)
        };
        // Place and length of each line of cells, and their cells.
        let parts: Vec<_> =
            (0..windows).into_par_iter().step_by(share).map_init(Scratch::default, made).collect();
        for (lines, made) in &parts {
            let mut made = &made[..];
            for &(place, length) in lines {
                let (line, rest) = made.split_at(length);
                cells[place..place + length].copy_from_slice(line);
                made = rest;
            }
        }
    }
}
