//! Number-theoretic transforms of many columns (`kernels/ntt.cu`), with Plonky2's roots of unity.
//!
//! Values on a coset are in **bit-reversed** order. In a low-degree extension by 2^r, coset c of the polynomials' own
//! size is rows c·2^n.. of 2^n: the extension can be had coset by coset, and so can everything that is made of it.

use std::sync::{Arc, PoisonError};

use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::types::{Field, PrimeField64};

use crate::device::{Argument, Buffer, Device, Grid, Slice};
use crate::error::CudaError;
use crate::library::{Family, fits, word};
use crate::matrix::View;

/// log2 of the elements that a block works on.
const TILE: u32 = 12;
/// log2 of the most elements, apart in their column, that a block takes: more would leave too few neighbours.
const APART: u32 = 10;
const THREADS: u32 = 256;

/// Levels of a transform that are taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pass {
    level: u32,
    levels: u32,
    /// log2 of the neighbours that are taken with each element.
    width: u32,
}

/// The passes from the top level down.
fn passes(log2: u32) -> Vec<Pass> {
    if log2 <= TILE {
        return vec![Pass { level: 0, levels: log2, width: 0 }];
    }
    let above = log2 - TILE;
    let count = above.div_ceil(APART);
    let mut passes = Vec::new();
    let mut level = 0;
    for i in 0..count {
        let levels = (above - level).div_ceil(count - i);
        passes.push(Pass { level, levels, width: TILE - levels });
        level += levels;
    }
    passes.push(Pass { level, levels: TILE, width: 0 });
    passes
}

/// Powers base^i times a factor, as two tables for the upper and the lower half of i.
struct Powers {
    table: Buffer,
    split: u32,
}

impl Powers {
    fn new(device: &Device, base: F, factor: F, log2: u32) -> Result<Self, CudaError> {
        let split = log2.div_ceil(2);
        let count = (1usize << split) + (1 << (log2 - split));
        let table = device.allocate(count)?;
        let arguments = [
            Argument::Long(base.to_canonical_u64()),
            Argument::Long(factor.to_canonical_u64()),
            Argument::Word(split),
            Argument::Word(word(count)?),
            (&table).into(),
        ];
        device.run(Family::Ntt, "power_table", Grid::over(count, THREADS)?, &arguments)?;
        Ok(Self { table, split })
    }
}

/// base^i for i below 2^`log2`, as a table for the lower half of i's bits (`split` of them) and one for the upper.
pub(crate) fn power_table(device: &Device, base: F, log2: u32) -> Result<(Buffer, u32), CudaError> {
    let powers = Powers::new(device, base, F::ONE, log2)?;
    Ok((powers.table, powers.split))
}

/// Coefficients of the polynomials that take the values `values` on the subgroup of their size, both in natural order.
/// As `ifft` of Plonky2. The views must not overlap.
///
/// # Errors
/// [`CudaError::Misfit`] for views of other shapes, or what the device says.
pub fn interpolate(device: &Device, values: View<'_>, coefficients: View<'_>) -> Result<(), CudaError> {
    let log2 = same_shape(values, coefficients)?;
    let blocks = if log2 < 10 { 1 } else { 1 << (log2 - 10) };
    let arguments = [
        values.into(),
        values.stride_argument(),
        coefficients.into(),
        coefficients.stride_argument(),
        Argument::Word(log2),
    ];
    let grid = Grid { blocks: (blocks, word(values.columns())?, 1), threads: THREADS };
    device.run(Family::Ntt, "bit_reverse", grid, &arguments)?;
    up(device, coefficients, log2, F::ONE)
}

/// Values on `shift` times the subgroup of their size, in bit-reversed order, to coefficients in natural order, in place.
///
/// # Errors
/// As [`interpolate`].
pub fn interpolate_coset(device: &Device, values: View<'_>, shift: F) -> Result<(), CudaError> {
    up(device, values, log2_rows(values)?, shift)
}

fn up(device: &Device, data: View<'_>, log2: u32, shift: F) -> Result<(), CudaError> {
    if data.columns() == 0 {
        return Ok(());
    }
    let roots = roots(device, log2.saturating_sub(1))?;
    let scale = Powers::new(device, shift.inverse(), F::inverse_2exp(log2 as usize), log2)?;
    for pass in passes(log2).into_iter().rev() {
        let arguments = [
            data.into(),
            data.stride_argument(),
            (&*roots).into(),
            Argument::Word(log2),
            Argument::Word(pass.level),
            Argument::Word(pass.levels),
            Argument::Word(pass.width),
            Argument::Word(0),
            (&scale.table).into(),
            Argument::Word(scale.split),
            Argument::Word(u32::from(pass.level == 0)),
        ];
        device.run(Family::Ntt, "ntt_up", grid(log2, pass, data, 1)?, &arguments)?;
    }
    Ok(())
}

/// Values of polynomials on coset `coset` of their extension by 2^`rate_bits` from `shift`: rows `coset`·2^n.. of the
/// extension, in its order. The views must not overlap.
///
/// # Errors
/// As [`interpolate`].
pub fn extend_coset(
    device: &Device,
    coefficients: View<'_>,
    rate_bits: usize,
    shift: F,
    coset: usize,
    values: View<'_>,
) -> Result<(), CudaError> {
    let log2 = same_shape(coefficients, values)?;
    fits(coset < 1 << rate_bits, || format!("coset {coset} of 2^{rate_bits}"))?;
    down(device, coefficients, log2, rate_bits, shift, coset..coset + 1, values)
}

/// Values of polynomials on the coset `shift`·<w> of 2^`rate_bits` times their size: the rows that Plonky2's
/// `PolynomialBatch` has as leaves, in their order. The views must not overlap.
///
/// # Errors
/// As [`interpolate`].
pub fn extend(
    device: &Device,
    coefficients: View<'_>,
    rate_bits: usize,
    shift: F,
    values: View<'_>,
) -> Result<(), CudaError> {
    let log2 = log2_rows(coefficients)?;
    let rows = coefficients.rows() << rate_bits;
    fits((values.rows(), values.columns()) == (rows, coefficients.columns()), || {
        format!("{} x {} values for {rows} x {}", values.rows(), values.columns(), coefficients.columns())
    })?;
    down(device, coefficients, log2, rate_bits, shift, 0..1 << rate_bits, values)
}

/// Cosets that one launch takes at most.
const COSETS: usize = 1 << 15;

fn down(
    device: &Device,
    coefficients: View<'_>,
    log2: u32,
    rate_bits: usize,
    shift: F,
    cosets: std::ops::Range<usize>,
    values: View<'_>,
) -> Result<(), CudaError> {
    if coefficients.columns() == 0 {
        return Ok(());
    }
    let order = log2 as usize + rate_bits;
    fits(order <= F::TWO_ADICITY, || format!("2^{order} points are more than the field has roots for"))?;
    let roots = roots(device, word(order.saturating_sub(1))?)?;
    let scaled = shift != F::ONE;
    let scale = Powers::new(device, shift, F::ONE, if scaled { log2 } else { 0 })?;
    for first in cosets.clone().step_by(COSETS) {
        let count = COSETS.min(cosets.end - first);
        let skipped = (first - cosets.start) << log2;
        let to = values.some_rows(skipped..skipped + (count << log2));
        for (i, pass) in passes(log2).into_iter().enumerate() {
            // The first pass reads the same coefficients for every coset; later ones work in place.
            let (from, from_coset) = if i == 0 { (coefficients, 0) } else { (to, 1u64 << log2) };
            let arguments = [
                from.into(),
                from.stride_argument(),
                Argument::Long(from_coset),
                to.into(),
                to.stride_argument(),
                (&*roots).into(),
                Argument::Word(log2),
                Argument::Word(pass.level),
                Argument::Word(pass.levels),
                Argument::Word(pass.width),
                Argument::Word(word(first)?),
                (&scale.table).into(),
                Argument::Word(scale.split),
                Argument::Word(u32::from(i == 0 && scaled)),
            ];
            device.run(Family::Ntt, "ntt_down", grid(log2, pass, coefficients, word(count)?)?, &arguments)?;
        }
    }
    Ok(())
}

fn grid(log2: u32, pass: Pass, data: View<'_>, cosets: u32) -> Result<Grid, CudaError> {
    let tiles = 1 << (log2 - pass.levels - pass.width);
    Ok(Grid { blocks: (tiles, word(data.columns())?, cosets), threads: THREADS })
}

/// The points of rows `first`.. of the coset `shift`·<w> of 2^`log2` points, in bit-reversed order, as many as `points`
/// has room for.
///
/// # Errors
/// As [`interpolate`].
pub fn points(
    device: &Device,
    log2: usize,
    shift: F,
    first: usize,
    points: Slice<'_>,
) -> Result<(), CudaError> {
    let end = first + points.len();
    fits(log2 <= F::TWO_ADICITY && end <= 1 << log2, || format!("rows up to {end} of 2^{log2}"))?;
    let roots = roots(device, word(log2.saturating_sub(1))?)?;
    let arguments = [
        (&*roots).into(),
        Argument::Long(shift.to_canonical_u64()),
        Argument::Word(word(first)?),
        Argument::Word(word(points.len())?),
        points.into(),
    ];
    device.run(Family::Ntt, "coset_points", Grid::over(points.len(), THREADS)?, &arguments)
}

/// The shift of coset `coset` of an extension by 2^`rate_bits` of 2^`log2` rows from `shift`: its points are this times
/// the subgroup of 2^`log2`.
///
/// # Panics
/// When the field has no such subgroup.
#[must_use]
pub fn coset_shift(log2: usize, rate_bits: usize, shift: F, coset: usize) -> F {
    let reversed =
        if rate_bits == 0 { 0 } else { coset.reverse_bits() >> (usize::BITS as usize - rate_bits) };
    shift * F::primitive_root_of_unity(log2 + rate_bits).exp_u64(reversed as u64)
}

/// The point of row `row` of the coset `shift`·<w> of 2^`log2` points, in bit-reversed order.
///
/// # Panics
/// When the field has no such subgroup.
#[must_use]
pub fn row_point(log2: usize, shift: F, row: usize) -> F {
    coset_shift(0, log2, shift, row)
}

/// The table of 2^`log2` roots of unity in bit-reversed order, or a longer one, which begins with it.
fn roots(device: &Device, log2: u32) -> Result<Arc<Buffer>, CudaError> {
    let mut known = device.library().roots.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((length, table)) = &*known
        && *length >= log2
    {
        return Ok(Arc::clone(table));
    }
    let table = device.allocate(1 << log2)?;
    let root = F::primitive_root_of_unity(log2 as usize + 1);
    let arguments = [Argument::Long(root.to_canonical_u64()), Argument::Word(log2), (&table).into()];
    device.run(Family::Ntt, "root_table", Grid::over(1 << log2, THREADS)?, &arguments)?;
    device.share(&table)?;
    let table = Arc::new(table);
    *known = Some((log2, Arc::clone(&table)));
    Ok(table)
}

fn log2_rows(view: View<'_>) -> Result<u32, CudaError> {
    fits(view.rows().is_power_of_two() && view.rows().ilog2() as usize <= F::TWO_ADICITY, || {
        format!("{} rows are no power of two that the field has roots for", view.rows())
    })?;
    Ok(view.rows().ilog2())
}

fn same_shape(a: View<'_>, b: View<'_>) -> Result<u32, CudaError> {
    let shape = |v: View<'_>| (v.rows(), v.columns());
    fits(shape(a) == shape(b), || format!("{:?} rows and columns against {:?}", shape(a), shape(b)))?;
    log2_rows(a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_cover_all_levels() {
        for log2 in 0..=32 {
            let passes = passes(log2);
            assert_eq!(passes.iter().map(|p| p.levels).sum::<u32>(), log2);
            let mut level = 0;
            for pass in &passes {
                assert_eq!(pass.level, level);
                level += pass.levels;
                assert!(pass.levels + pass.width <= TILE && pass.width <= log2 - level);
            }
            assert_eq!(
                passes.len(),
                if log2 <= 12 {
                    1
                } else if log2 <= 22 {
                    2
                } else {
                    3
                }
            );
        }
    }
}
