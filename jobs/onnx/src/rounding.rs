//! Where halves go when results become cells.
//!
//! `QuantizeLinear` divides, rounds to even and adds the zero point, and so do the quantised operators; but onnxruntime's
//! `QLinearAdd` and `QLinearAveragePool` (unless its window is the whole plane) add the zero point first. Halves up costs less to audit, so that is what operations
//! get whose results never lie at a half: nearly all whose scales come from data.

use janction_program::{DType, Requantise, Rounding};

use crate::{flow::Quantisation, node::Node};

/// Where `node` takes halves when it makes cells of `output`.
pub fn of(node: &Node, output: Quantisation) -> Rounding {
    match node.operator.as_str() {
        "QLinearAdd" | "QLinearAveragePool" => Rounding::half_even_with(output.zero),
        _ => Rounding::HalfEven,
    }
}

/// `requantise` with `rounding`, if an accumulator of at most `bound` in absolute value can lie at a half.
pub fn of_accumulators(rounding: Rounding, requantise: Requantise, bound: i64) -> Requantise {
    if requantise.meets_halves(bound) { requantise.rounded(rounding) } else { requantise }
}

/// The rounding of sums of one of `left` and one of `right`, each times its multiplier, over 2^shift.
pub fn of_sums(node: &Node, output: Quantisation, terms: [&[i64]; 2], shift: u8) -> Rounding {
    let half = 1i64 << (shift - 1);
    // Terms are below 2^40, so that sums of them and half of 2^62 do not overflow.
    let is_half = |(left, right): (i64, i64)| (left + right + half) & (2 * half - 1) == 0;
    let mut sums = terms[0].iter().flat_map(|&left| terms[1].iter().map(move |&right| (left, right)));
    if sums.any(is_half) { of(node, output) } else { Rounding::HalfUp }
}

/// What cells of type `dtype` count for: all of them, minus the zero point, times a multiplier.
pub fn terms(dtype: DType, zero: i32, multiplier: i32) -> Vec<i64> {
    (dtype.min()..=dtype.max()).map(|cell| i64::from(cell - zero) * i64::from(multiplier)).collect()
}

impl Quantisation {
    /// Largest distance of a cell from the zero point.
    pub(crate) fn reach(&self) -> i64 {
        i64::from((self.dtype.max() - self.zero).max(self.zero - self.dtype.min()))
    }
}
