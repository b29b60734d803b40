//! Averages of windows on the CPU.

use janction_program::{AveragePool, PerColumn, Program, Tensor, Value, Window};

use super::{
    bytes::to_unsigned,
    instructions::{Instructions, Loop},
    parallel::by_rows,
    requantise::{Factor, Range},
    windows::{Windows, strided},
};

/// The operation, ready to be run.
pub(super) struct Prepared {
    windows: Windows,
    /// What makes cells unsigned, and the zero point of such.
    flip: u8,
    zero: i32,
    /// For each position of a plane, or, where all have the same one, of one line of them.
    factors: Vec<Factor>,
    is_to_parity: bool,
    range: Range,
}

/// How many factors are kept: of each position, or of a line where all have the same one.
fn factors(op: &AveragePool, window: &Window) -> usize {
    match op.requantise {
        PerColumn::All(_) => window.output[1],
        PerColumn::Each(_) => window.positions(),
    }
}

impl Prepared {
    /// Bytes that the preparation of `op` takes.
    pub(super) fn bytes(program: &Program, op: &AveragePool) -> usize {
        let window = op.window(program);
        Windows::bytes(&window) + factors(op, &window) * size_of::<Factor>()
    }

    pub(super) fn new(program: &Program, op: &AveragePool) -> Self {
        let window = op.window(program);
        let (flip, added) = to_unsigned(program.value(op.input).dtype);
        let factors: Vec<Factor> =
            (0..factors(op, &window)).map(|position| Factor::new(op.requantise.get(position))).collect();
        Self {
            flip,
            zero: op.input_zero + added,
            is_to_parity: factors.iter().any(|factor| factor.division.is_to_parity()),
            factors,
            range: Range::new(op.output_zero, op.clamp),
            windows: Windows::new(window),
        }
    }

    /// The operation's result.
    pub(super) fn run(&self, instructions: Instructions, operand: &Tensor, output: &Value) -> Tensor {
        let turns = output.columns().saturating_mul(self.windows.window.kernel_cells());
        by_rows(&[operand], output, turns, |inputs, cells| {
            let mut sums = vec![0; self.windows.window.output[1]];
            instructions.run(Planes { pool: self, planes: inputs[0], cells, sums: &mut sums });
        })
    }
}

/// Planes, of which each gives one.
struct Planes<'a> {
    pool: &'a Prepared,
    planes: &'a [u8],
    cells: &'a mut [u8],
    /// Of one line of windows.
    sums: &'a mut [i32],
}

impl Planes<'_> {
    #[inline(always)]
    fn averages<const PARITY: bool>(self) {
        let Self { pool, planes, cells, sums } = self;
        let (window, flip, zero) = (&pool.windows.window, pool.flip, pool.zero);
        let [width, length] = [window.input[1], window.output[1]];
        let planes = planes.chunks_exact(window.plane());
        for (plane, results) in planes.zip(cells.chunks_exact_mut(window.positions())) {
            let factors = pool.factors.chunks_exact(length).cycle();
            for ((y, results), factors) in results.chunks_exact_mut(length).enumerate().zip(factors) {
                sums.fill(0);
                for kh in pool.windows.down(y) {
                    let line = &plane[pool.windows.line(y, kh) * width..][..width];
                    for &kw in pool.windows.across() {
                        let (inside, place) = pool.windows.place(kw);
                        strided(&mut sums[inside], line, place, window.strides[1], |sum, cell| {
                            *sum = sum.wrapping_add(i32::from(cell ^ flip).wrapping_sub(zero));
                        });
                    }
                }
                for ((cell, &sum), factor) in results.iter_mut().zip(&*sums).zip(factors) {
                    *cell = pool.range.settle(factor.apply::<PARITY>(sum));
                }
            }
        }
    }
}

impl Loop for Planes<'_> {
    #[inline(always)]
    fn run(self) {
        if self.pool.is_to_parity { self.averages::<true>() } else { self.averages::<false>() }
    }
}
