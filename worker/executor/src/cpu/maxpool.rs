//! Largest cells of windows on the CPU.

use janction_program::{MaxPool, Program, Tensor, Value};

use super::{
    bytes::to_unsigned,
    instructions::{Instructions, Loop},
    parallel::by_rows,
    windows::{Windows, strided},
};

/// The operation, ready to be run.
pub(super) struct Prepared {
    windows: Windows,
    /// What makes cells unsigned.
    flip: u8,
}

impl Prepared {
    /// Bytes that the preparation of `op` takes.
    pub(super) fn bytes(program: &Program, op: &MaxPool) -> usize {
        Windows::bytes(&op.window(program))
    }

    pub(super) fn new(program: &Program, op: &MaxPool) -> Self {
        let (flip, _) = to_unsigned(program.value(op.input).dtype);
        Self { windows: Windows::new(op.window(program)), flip }
    }

    /// The operation's result.
    pub(super) fn run(&self, instructions: Instructions, operand: &Tensor, output: &Value) -> Tensor {
        let turns = output.columns().saturating_mul(self.windows.window.kernel_cells());
        by_rows(&[operand], output, turns, |inputs, cells| {
            instructions.run(Planes { pool: self, planes: inputs[0], cells });
        })
    }
}

/// Planes, of which each gives one.
struct Planes<'a> {
    pool: &'a Prepared,
    planes: &'a [u8],
    cells: &'a mut [u8],
}

impl Loop for Planes<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { pool: Prepared { windows, flip }, planes, cells } = self;
        let (window, flip) = (&windows.window, *flip);
        let [width, length] = [window.input[1], window.output[1]];
        let planes = planes.chunks_exact(window.plane());
        for (plane, results) in planes.zip(cells.chunks_exact_mut(window.positions())) {
            for (y, results) in results.chunks_exact_mut(length).enumerate() {
                // The least unsigned byte; a window has at least one real cell.
                results.fill(0);
                for kh in windows.down(y) {
                    let line = &plane[windows.line(y, kh) * width..][..width];
                    for &kw in windows.across() {
                        let (inside, place) = windows.place(kw);
                        strided(&mut results[inside], line, place, window.strides[1], |most, cell| {
                            *most = (*most).max(cell ^ flip);
                        });
                    }
                }
                for cell in results {
                    *cell ^= flip;
                }
            }
        }
    }
}
