//! From accumulators to cells: zero points taken out, bias added, scaled, rounded, clamped, a line of [`COLUMNS`] at a time.
//!
//! The bytes a and b that were multiplied are cells moved to the unsigned and the signed range, with zero points moved alike, so
//!
//! ```text
//! sum_k (a_k - za) * (b_k - zb) = sum_k a_k * b_k - zb * sum_k a_k + (K * za * zb - za * sum_k b_k)
//! ```
//!
//! The bracket and the bias are one *offset*, known when the program is prepared; the sums of a are needed where zb is not 0.

use janction_program::{MatMul, Program, Requantise, Rounding};

use super::{gemm::COLUMNS, instructions::Loop};

/// [`Rounding::divide`] in steps that a vector can take.
///
/// With n = floor(value / 2^shift), a half goes up when the rounding's bias is added before the division, and down when less is: one
/// less, or by the width of what counts as a half. So that is added, and then the width where n has the parity that is not wanted.
#[derive(Clone, Copy)]
pub(super) struct Division {
    half: i64,
    shift: u32,
    /// The width, as a power of two, where halves go to a quotient of the parity `parity`; 0 where they go up.
    mask: i64,
    parity: i64,
}

impl Division {
    pub(super) fn new(shift: u8, rounding: Rounding) -> Self {
        let mask = if rounding.parity().is_some() { 1 << rounding.near_bits() } else { 0 };
        let parity = rounding.parity().unwrap_or(0).into();
        Self { half: rounding.bias(shift) - mask, shift: shift.into(), mask, parity }
    }

    /// Whether halves go to a quotient of one parity.
    pub(super) const fn is_to_parity(self) -> bool {
        self.mask != 0
    }

    /// The rounded quotient. `PARITY` must be set where halves go to a parity.
    #[inline(always)]
    pub(super) fn apply<const PARITY: bool>(self, value: i64) -> i64 {
        let mut sum = value.wrapping_add(self.half);
        if PARITY {
            let is_other = (value.wrapping_shr(self.shift) ^ self.parity) & 1;
            sum = sum.wrapping_add(is_other.wrapping_neg() & self.mask);
        }
        sum.wrapping_shr(self.shift)
    }
}

/// [`Requantise::apply`] in such steps.
#[derive(Clone, Copy)]
pub(super) struct Factor {
    multiplier: i64,
    pub(super) division: Division,
}

impl Factor {
    pub(super) fn new(requantise: Requantise) -> Self {
        let division = Division::new(requantise.shift, requantise.rounding);
        Self { multiplier: requantise.multiplier.into(), division }
    }

    /// The accumulator, scaled and rounded. `PARITY` as in [`Division::apply`].
    #[inline(always)]
    pub(super) fn apply<const PARITY: bool>(self, acc: i32) -> i64 {
        self.division.apply::<PARITY>(i64::from(acc).wrapping_mul(self.multiplier))
    }
}

/// The range of an output, and its zero point.
#[derive(Clone, Copy)]
pub(super) struct Range {
    zero: i64,
    low: i64,
    high: i64,
}

impl Range {
    pub(super) fn new(zero: i32, clamp: (i32, i32)) -> Self {
        Self { zero: zero.into(), low: clamp.0.into(), high: clamp.1.into() }
    }

    /// The cell for a scaled accumulator, as a byte.
    #[inline(always)]
    pub(super) fn settle(self, scaled: i64) -> u8 {
        scaled.wrapping_add(self.zero).max(self.low).min(self.high) as u8
    }
}

/// How the accumulators of a product's columns become cells. Entries are filled up to whole panels.
pub(super) struct Scale {
    offsets: Vec<i32>,
    /// Zero points of the signed factor; empty when all are 0.
    zeros: Vec<i32>,
    multipliers: Vec<i32>,
    halves: Vec<i64>,
    shifts: Vec<u32>,
    /// As in [`Division`]; empty when all halves go up.
    masks: Vec<i64>,
    parities: Vec<i64>,
    range: Range,
}

impl Scale {
    /// Bytes that it takes for `columns` columns.
    pub(super) const fn bytes(columns: usize) -> usize {
        columns.next_multiple_of(COLUMNS) * 40
    }

    /// For the product `op`, whose weights' columns sum to `sums` as signed bytes. `flip`: what was added to the cells of the
    /// activations to make them unsigned (0 or 128), and to those of the weights to make them signed (0 or -128).
    pub(super) fn new(program: &Program, op: &MatMul, sums: &[i32], flip: (i32, i32)) -> Self {
        let weights = program.constant(op.weights);
        let (inner, columns) = (weights.rows() as i32, weights.columns());
        let activation_zero = op.input_zero + flip.0;
        let zero = |j: usize| op.weight_zero.get(j) + flip.1;
        let offset = |j: usize| {
            let bias = op.bias.map_or(0, |id| program.constant(id).get(0, j));
            let products = inner.wrapping_mul(zero(j)).wrapping_sub(sums[j]);
            bias.wrapping_add(products.wrapping_mul(activation_zero))
        };
        let factor = |j: usize| Factor::new(op.requantise.get(j));
        let division = |j: usize| factor(j).division;
        let no_zeros = (0..columns).all(|j| zero(j) == 0);
        let all_up = !(0..columns).any(|j| division(j).is_to_parity());
        Self {
            offsets: filled(columns, offset),
            zeros: if no_zeros { Vec::new() } else { filled(columns, zero) },
            multipliers: filled(columns, |j| factor(j).multiplier as i32),
            halves: filled(columns, |j| division(j).half),
            shifts: filled(columns, |j| division(j).shift),
            masks: if all_up { Vec::new() } else { filled(columns, |j| division(j).mask) },
            parities: if all_up { Vec::new() } else { filled(columns, |j| division(j).parity) },
            range: Range::new(op.output_zero, op.clamp),
        }
    }

    /// Whether the sums of the unsigned factor's bytes are needed.
    pub(super) const fn needs_sums(&self) -> bool {
        !self.zeros.is_empty()
    }

    #[inline(always)]
    const fn is_to_parity(&self) -> bool {
        !self.masks.is_empty()
    }
}

/// The entries of all columns, filled up to whole panels.
fn filled<T: Copy + Default>(columns: usize, entry: impl Fn(usize) -> T) -> Vec<T> {
    let mut entries: Vec<T> = (0..columns).map(entry).collect();
    entries.resize(columns.next_multiple_of(COLUMNS), T::default());
    entries
}

/// The entries of a panel, or of half of one, from column `first` on.
#[inline(always)]
fn panel<T, const WIDTH: usize>(entries: &[T], first: usize) -> &[T; WIDTH] {
    entries[first..].first_chunk().expect("entries are filled up to whole panels")
}

/// Cells of a panel of a product whose *columns* are the scale's.
pub(super) struct FinishColumns<'a> {
    pub(super) scale: &'a Scale,
    /// The panel's first column.
    pub(super) first: usize,
    /// [`COLUMNS`] for each row.
    pub(super) acc: &'a [i32],
    /// The sum of each row's bytes; read only where sums are needed.
    pub(super) sums: &'a [i32],
    /// Columns that the panel has.
    pub(super) columns: usize,
    /// Where the cells go: those of a row `pitch` bytes after those of the row before.
    pub(super) cells: &'a mut [u8],
    pub(super) pitch: usize,
}

impl FinishColumns<'_> {
    /// With lines of `WIDTH` columns; `PARITY` as in [`Division::apply`], `SUMS` where sums are needed.
    #[inline(always)]
    fn lines<const WIDTH: usize, const PARITY: bool, const SUMS: bool>(self) {
        let Self { scale, first, acc, sums, columns, cells, pitch } = self;
        let rows = acc.as_chunks::<COLUMNS>().0.iter().zip(cells.chunks_mut(pitch));
        for (r, (acc, cells)) in rows.enumerate() {
            let sum = if SUMS { sums[r] } else { 0 };
            // Cells are written where they belong: reading back what was just written in parts is slow.
            match cells.first_chunk_mut::<WIDTH>() {
                Some(cells) if columns == WIDTH => scale.line::<WIDTH, PARITY, SUMS>(first, acc, sum, cells),
                _ => {
                    let mut line = [0; WIDTH];
                    scale.line::<WIDTH, PARITY, SUMS>(first, acc, sum, &mut line);
                    cells[..columns].copy_from_slice(&line[..columns]);
                }
            }
        }
    }

    #[inline(always)]
    fn with_width<const WIDTH: usize>(self) {
        match (self.scale.is_to_parity(), self.scale.needs_sums()) {
            (false, false) => self.lines::<WIDTH, false, false>(),
            (false, true) => self.lines::<WIDTH, false, true>(),
            (true, false) => self.lines::<WIDTH, true, false>(),
            (true, true) => self.lines::<WIDTH, true, true>(),
        }
    }
}

impl Scale {
    /// Cells of the columns from `first` on for one line of accumulators. All steps of a cell stand in one turn of one loop, which
    /// is what the compiler makes vectors of.
    #[inline(always)]
    fn line<const WIDTH: usize, const PARITY: bool, const SUMS: bool>(
        &self,
        first: usize,
        acc: &[i32; COLUMNS],
        sum: i32,
        cells: &mut [u8; WIDTH],
    ) {
        let (offsets, range) = (panel::<_, WIDTH>(&self.offsets, first), self.range);
        let multipliers = panel::<_, WIDTH>(&self.multipliers, first);
        let (halves, shifts) =
            (panel::<_, WIDTH>(&self.halves, first), panel::<_, WIDTH>(&self.shifts, first));
        let zeros = if SUMS { panel(&self.zeros, first) } else { &[0; WIDTH] };
        let (mut masks, mut parities) = (&[0; WIDTH], &[0; WIDTH]);
        if PARITY {
            (masks, parities) = (panel(&self.masks, first), panel(&self.parities, first));
        }
        for j in 0..WIDTH {
            let mut acc = acc[j].wrapping_add(offsets[j]);
            if SUMS {
                acc = acc.wrapping_sub(zeros[j].wrapping_mul(sum));
            }
            let division =
                Division { half: halves[j], shift: shifts[j], mask: masks[j], parity: parities[j] };
            let factor = Factor { multiplier: multipliers[j].into(), division };
            cells[j] = range.settle(factor.apply::<PARITY>(acc));
        }
    }
}

impl Loop for FinishColumns<'_> {
    #[inline(always)]
    fn run(self) {
        if self.columns <= COLUMNS / 2 {
            self.with_width::<{ COLUMNS / 2 }>();
        } else {
            self.with_width::<COLUMNS>();
        }
    }
}

/// Cells of a panel of a product whose *rows* are the scale's columns.
pub(super) struct FinishRows<'a> {
    pub(super) scale: &'a Scale,
    /// The scale's column that the first row is.
    pub(super) first: usize,
    /// [`COLUMNS`] for each row.
    pub(super) acc: &'a [i32],
    /// The sum of the bytes of each column of the panel; read only where sums are needed.
    pub(super) sums: &'a [i32; COLUMNS],
    /// A line for each row.
    pub(super) lines: &'a mut [[u8; COLUMNS]],
}

impl FinishRows<'_> {
    #[inline(always)]
    fn rows<const PARITY: bool>(self) {
        let Self { scale, first, acc, sums, lines } = self;
        let range = scale.range;
        for (r, (acc, settled)) in acc.as_chunks::<COLUMNS>().0.iter().zip(lines).enumerate() {
            let column = first + r;
            let offset = scale.offsets[column];
            let zero = if scale.needs_sums() { scale.zeros[column] } else { 0 };
            let (mask, parity) = if PARITY { (scale.masks[column], scale.parities[column]) } else { (0, 0) };
            let division = Division { half: scale.halves[column], shift: scale.shifts[column], mask, parity };
            let factor = Factor { multiplier: scale.multipliers[column].into(), division };
            for j in 0..COLUMNS {
                let acc = acc[j].wrapping_add(offset).wrapping_sub(zero.wrapping_mul(sums[j]));
                settled[j] = range.settle(factor.apply::<PARITY>(acc));
            }
        }
    }
}

impl Loop for FinishRows<'_> {
    #[inline(always)]
    fn run(self) {
        if self.scale.is_to_parity() { self.rows::<true>() } else { self.rows::<false>() }
    }
}

#[cfg(test)]
mod tests {
    use janction_program::test_utils::Random;

    use super::*;

    #[test]
    fn factors_are_those_of_the_definition() {
        let r = &mut Random::new(5);
        for _ in 0..20_000 {
            let shift = r.range(1, 62) as u8;
            // Powers of two and small odd multiples meet halves.
            let multiplier = match r.range(0, 2) {
                0 => 1 << r.range(0, 30),
                1 => 3 << r.range(0, 29),
                _ => r.range(1, i64::from(i32::MAX)) as u32,
            };
            let acc = match r.range(0, 4) {
                0 => i32::MIN,
                1 => i32::MAX,
                2 => r.range(-300, 300) as i32,
                // At a half, or as near as an accumulator comes.
                3 => {
                    let half = (2 * r.range(-100, 100) + 1) << (shift - 1);
                    (half / i64::from(multiplier)).clamp(i32::MIN.into(), i32::MAX.into()) as i32
                }
                _ => (r.range(-1000, 1000) << r.range(0, 20)) as i32,
            };
            for rounding in Rounding::ALL.into_iter().filter(|rounding| rounding.takes(shift)) {
                let requantise = Requantise::new(multiplier, shift).rounded(rounding);
                let factor = Factor::new(requantise);
                assert_eq!(factor.apply::<true>(acc), requantise.apply(acc), "{acc} {requantise:?}");
                if rounding == Rounding::HalfUp {
                    assert_eq!(factor.apply::<false>(acc), requantise.apply(acc), "{acc} {requantise:?}");
                }
            }
        }
    }
}
