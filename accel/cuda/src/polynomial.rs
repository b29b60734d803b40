//! Polynomials by their coefficients: values at points of the extension field, combinations over it, division, folding
//! (`kernels/polynomial.cu`, `kernels/scan.cu`).
//!
//! A column over the extension field is a view of two columns, one for each component.

use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::types::{Field, PrimeField64};

use crate::device::{Argument, Buffer, Device, Grid};
use crate::error::CudaError;
use crate::library::{Family, fits, word};
use crate::matrix::{View, elements, words};

/// The extension field that challenges come from.
pub type E = QuadraticExtension<F>;

/// Coefficients that a block of the first step of an evaluation takes: 16 for each of its threads.
const PART: usize = 4096;
const THREADS: u32 = 256;

/// point^0, point^1, ..: pairs of components.
#[derive(Debug)]
pub struct Powers {
    table: Buffer,
    count: usize,
}

impl Powers {
    /// `count` powers of `point`.
    ///
    /// # Errors
    /// As [`Device::allocate`].
    pub fn new(device: &Device, point: E, count: usize) -> Result<Self, CudaError> {
        let table = device.allocate::<u64>(2 * count)?;
        let [a, b] = extension(point);
        let arguments = [a, b, Argument::Word(word(count)?), (&table).into()];
        device.run(Family::Polynomial, "extension_powers", Grid::over(count, THREADS)?, &arguments)?;
        Ok(Self { table, count })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }
}

fn extension(x: E) -> [Argument<'static>; 2] {
    x.0.map(|c| Argument::Long(c.to_canonical_u64()))
}

/// The values of all polynomials at `point`: one for each column of coefficients.
///
/// # Errors
/// What the device says.
pub fn evaluate(device: &Device, coefficients: View<'_>, point: E) -> Result<Vec<E>, CudaError> {
    let (rows, columns) = (coefficients.rows(), coefficients.columns());
    if rows == 0 || columns == 0 {
        return Ok(vec![E::ZERO; columns]);
    }
    let count = rows.div_ceil(PART);
    let low = Powers::new(device, point, THREADS as usize)?;
    let high = Powers::new(device, point.exp_u64(u64::from(THREADS)), PART / THREADS as usize)?;
    let outer = Powers::new(device, point.exp_u64(PART as u64), count)?;
    let parts = device.allocate::<u64>(2 * count * columns)?;
    let arguments = [
        coefficients.into(),
        coefficients.stride_argument(),
        Argument::Word(word(rows)?),
        (&low.table).into(),
        (&high.table).into(),
        (&parts).into(),
    ];
    let grid = Grid { blocks: (word(count)?, word(columns)?, 1), threads: THREADS };
    device.run(Family::Polynomial, "evaluate_parts", grid, &arguments)?;
    let values = device.allocate::<u64>(2 * columns)?;
    let arguments = [(&parts).into(), Argument::Word(word(count)?), (&outer.table).into(), (&values).into()];
    let grid = Grid { blocks: (word(columns)?, 1, 1), threads: THREADS };
    device.run(Family::Polynomial, "evaluate_finish", grid, &arguments)?;
    let values = device.read(values.all())?;
    Ok(values.chunks_exact(2).map(|x| QuadraticExtension([F(x[0]), F(x[1])])).collect())
}

/// The values of all polynomials at points of the base field: for each point, one for each column of coefficients. A few
/// rows of an extension cost less this way than by a transform; [`crate::ntt::row_point`] is a row's point.
///
/// # Errors
/// What the device says.
pub fn evaluate_at(device: &Device, coefficients: View<'_>, points: &[F]) -> Result<Vec<Vec<F>>, CudaError> {
    let (rows, columns) = (coefficients.rows(), coefficients.columns());
    if rows == 0 || columns == 0 || points.is_empty() {
        return Ok(vec![vec![F::ZERO; columns]; points.len()]);
    }
    let count = rows.div_ceil(PART);
    let there = device.upload(words(points))?;
    let powers = |step: usize, count: usize| -> Result<Buffer, CudaError> {
        let table = device.allocate(points.len() * count)?;
        let arguments =
            [(&there).into(), Argument::Long(step as u64), Argument::Word(word(count)?), (&table).into()];
        let grid = Grid::over(count, THREADS)?.by(word(points.len())?);
        device.run(Family::Polynomial, "base_powers", grid, &arguments)?;
        Ok(table)
    };
    let low = powers(1, THREADS as usize)?;
    let high = powers(THREADS as usize, PART / THREADS as usize)?;
    let outer = powers(PART, count)?;
    let parts = device.allocate::<u64>(points.len() * columns * count)?;
    let arguments = [
        coefficients.into(),
        coefficients.stride_argument(),
        Argument::Word(word(rows)?),
        (&low).into(),
        (&high).into(),
        Argument::Word(word(points.len())?),
        (&parts).into(),
    ];
    let blocks = (word(count)?, word(columns)?, word(points.len().div_ceil(4))?);
    device.run(Family::Polynomial, "evaluate_base_parts", Grid { blocks, threads: THREADS }, &arguments)?;
    let values = device.allocate::<u64>(points.len() * columns)?;
    let arguments = [(&parts).into(), Argument::Word(word(count)?), (&outer).into(), (&values).into()];
    let grid = Grid { blocks: (word(columns)?, word(points.len())?, 1), threads: THREADS };
    device.run(Family::Polynomial, "evaluate_base_finish", grid, &arguments)?;
    let values = elements(device.read(values.all())?);
    Ok(values.chunks_exact(columns).map(<[_]>::to_vec).collect())
}

/// The columns times `powers` from number `first` on, summed row by row into the extension column `sum`, or added to
/// what it holds.
///
/// # Errors
/// [`CudaError::Misfit`] for a sum of another length or too few powers, or what the device says.
pub fn combine(
    device: &Device,
    columns: View<'_>,
    powers: &Powers,
    first: usize,
    sum: View<'_>,
    add: bool,
) -> Result<(), CudaError> {
    let (rows, count) = (columns.rows(), columns.columns());
    fits(sum.columns() == 2 && sum.rows() == rows, || format!("{rows} rows into {}", sum.rows()))?;
    fits(first + count <= powers.count, || format!("powers up to {} of {}", first + count, powers.count))?;
    let arguments = [
        columns.into(),
        columns.stride_argument(),
        Argument::Word(word(count)?),
        Argument::Word(word(rows)?),
        powers.table.slice(2 * first..2 * powers.count).into(),
        sum.into(),
        sum.stride_argument(),
        Argument::Word(u32::from(add)),
    ];
    device.run(Family::Polynomial, "combine", Grid::over(rows, 128)?, &arguments)
}

/// total = `scale`·total + (f - f(`point`)) / (X - `point`), for the polynomial f with coefficients `f`.
///
/// # Errors
/// [`CudaError::Misfit`] for columns of different lengths, or what the device says.
pub fn add_quotient(
    device: &Device,
    f: View<'_>,
    point: E,
    scale: E,
    total: View<'_>,
) -> Result<(), CudaError> {
    fits(f.columns() == 2 && total.columns() == 2 && f.rows() == total.rows(), || {
        format!("{} coefficients into {}", f.rows(), total.rows())
    })?;
    sums_behind(device, f, point, Some(scale), total)
}

/// Elements that a block of a scan takes.
const CHUNK: usize = 1024;

/// Element i becomes the sum of x_j weight^(j - i - 1) over j > i, added to `scale` times what is there.
fn sums_behind(
    device: &Device,
    x: View<'_>,
    weight: E,
    scale: Option<E>,
    to: View<'_>,
) -> Result<(), CudaError> {
    let chunks = x.rows().div_ceil(CHUNK);
    let behind = device.allocate::<u64>(2 * chunks)?;
    let behind = View::new(behind.all(), chunks, 2, chunks)?;
    let [a, b] = extension(weight);
    let length = Argument::Word(word(x.rows())?);
    let grid = Grid { blocks: (word(chunks)?, 1, 1), threads: THREADS };
    if chunks > 1 {
        let arguments =
            [x.into(), x.stride_argument(), length, a, b, behind.into(), behind.stride_argument()];
        device.run(Family::Scan, "extension_chunk_sums", grid, &arguments)?;
        sums_behind(device, behind, weight.exp_u64(CHUNK as u64), None, behind)?;
    }
    let [scale_a, scale_b] = extension(scale.unwrap_or(E::ZERO));
    let arguments = [
        x.into(),
        x.stride_argument(),
        length,
        a,
        b,
        behind.into(),
        behind.stride_argument(),
        Argument::Word(u32::from(chunks > 1)),
        to.into(),
        to.stride_argument(),
        scale_a,
        scale_b,
        Argument::Word(u32::from(scale.is_some())),
    ];
    device.run(Family::Scan, "extension_sums_behind", grid, &arguments)
}

/// Folds 2^`arity_bits` neighbouring coefficients of an extension column into one: Σ c_k β^k. The views must not
/// overlap.
///
/// # Errors
/// [`CudaError::Misfit`] for columns of other lengths, or what the device says.
pub fn fold(
    device: &Device,
    from: View<'_>,
    arity_bits: usize,
    beta: E,
    to: View<'_>,
) -> Result<(), CudaError> {
    fits(from.columns() == 2 && to.columns() == 2 && from.rows() == to.rows() << arity_bits, || {
        format!("{} coefficients folded by 2^{arity_bits} into {}", from.rows(), to.rows())
    })?;
    let [a, b] = extension(beta);
    let arguments = [
        from.into(),
        from.stride_argument(),
        Argument::Word(word(arity_bits)?),
        a,
        b,
        to.into(),
        to.stride_argument(),
        Argument::Word(word(to.rows())?),
    ];
    device.run(Family::Polynomial, "fold", Grid::over(to.rows(), 128)?, &arguments)
}
