//! Random programs and inputs for tests, reproducible from a seed.

mod products;
mod programs;

pub use products::random_products;
pub use programs::{Extent, random_program, random_program_of};

use crate::{
    commitment::Scheme,
    program::Program,
    requantise::{PerColumn, Requantise},
    rounding::Rounding,
    tensor::{Cells, DType, Tensor},
};

/// A small generator of numbers (SplitMix64): tests need spread, not secrecy.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts at `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `low..=high`.
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        low + (self.bits() % (high - low + 1) as u64) as i64
    }

    /// True once in `n`.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.bits().is_multiple_of(n)
    }

    fn byte_dtype(&mut self) -> DType {
        if self.one_in(2) { DType::I8 } else { DType::U8 }
    }

    /// A cell of type `dtype`, every fourth one at an end of its range.
    fn cell(&mut self, dtype: DType) -> i64 {
        let (low, high) = (i64::from(dtype.min()), i64::from(dtype.max()));
        match self.range(0, 7) {
            0 => low,
            1 => high,
            _ => self.range(low, high),
        }
    }

    fn zero(&mut self, dtype: DType) -> i32 {
        if self.one_in(2) { 0 } else { self.cell(dtype) as i32 }
    }

    /// A tensor of random cells.
    pub fn tensor(&mut self, dtype: DType, rows: usize, columns: usize) -> Tensor {
        let values: Vec<i64> = (0..rows * columns).map(|_| self.cell(dtype)).collect();
        let cells = Cells::from_values(dtype, &values).expect("cells are in range");
        Tensor::new(rows, columns, cells).expect("as many cells as asked for")
    }

    /// One entry, or one for each column.
    fn per_column<T>(&mut self, columns: usize, mut entry: impl FnMut(&mut Self) -> T) -> PerColumn<T> {
        if self.one_in(2) {
            PerColumn::All(entry(self))
        } else {
            PerColumn::Each((0..columns).map(|_| entry(self)).collect())
        }
    }

    /// Some rounding, and for each of `factors` perhaps a power of two, with which halves are met, or one over an even number, with
    /// which nearly so. Drawn from a generator of its own.
    fn rounding<const N: usize>(&self, factors: [f64; N]) -> ([f64; N], Rounding) {
        let r = &mut Self(self.0 ^ 0x6a09_e667_f3bc_c908);
        let power = |factor: f64| factor.signum() * factor.abs().log2().round().exp2();
        let part = |factor: f64| factor.signum() / (2.0 * (0.5 / factor.abs()).round().max(1.0));
        let factors = match r.range(0, 2) {
            0 => factors.map(power),
            1 => factors.map(part),
            _ => factors,
        };
        (factors, Rounding::ALL[r.range(0, Rounding::ALL.len() as i64 - 1) as usize])
    }

    /// A requantisation by `factor` or the power of two that is nearest, of some rounding.
    fn rounded(&self, factor: f64) -> Requantise {
        let ([factor], rounding) = self.rounding([factor]);
        let requantise = Requantise::from_factor(factor).expect("the factor is between 2^-62 and 2^30");
        matching(requantise.rounded(rounding))
    }

    /// A requantisation that spreads the accumulators of `inner` products over some 8-bit range; sometimes an
    /// extreme one.
    fn requantise(&mut self, inner: usize) -> Requantise {
        match self.range(0, 9) {
            0 => Requantise::new(self.range(1, (1 << 31) - 1) as u32, self.range(1, 62) as u8),
            _ => {
                let spread = 60.0 * 60.0 * (inner as f64).sqrt();
                let factor = self.range(20, 400) as f64 / spread;
                self.rounded(factor)
            }
        }
    }
}

/// With a shift that goes with the rounding: one less, or, where there is none, another rounding.
pub(crate) const fn matching(requantise: Requantise) -> Requantise {
    let Requantise { multiplier, shift, rounding } = requantise;
    match (rounding.takes(shift), rounding.takes(shift - 1)) {
        (true, _) => requantise,
        (false, true) if multiplier > 1 => {
            Requantise { multiplier: multiplier / 2, shift: shift - 1, rounding }
        }
        _ => Requantise { multiplier, shift, rounding: Rounding::HalfOdd },
    }
}

/// A random input for `program`, of up to as many rows as it takes.
#[must_use]
pub fn random_input(program: &Program, seed: u64) -> Tensor {
    let r = &mut Random::new(seed);
    let rows = r.range(1, program.max_rows() as i64) as usize;
    r.tensor(program.input().dtype, rows, program.input().columns())
}

/// The program with a commitment scheme that follows from the seed: that of rows, or blocks of up to 16 of them.
///
/// # Panics
/// When a block of the program's rows would be too large, which no random program's is.
#[must_use]
pub fn with_random_scheme(program: Program, seed: u64) -> Program {
    let scheme = match seed % 2 {
        0 => Scheme::Rows,
        _ => Scheme::Sketch { block_bits: (seed / 2 % u64::from(program.depth().min(4) + 1)) as u8 },
    };
    program.with_scheme(scheme).expect("blocks of a job's rows")
}
