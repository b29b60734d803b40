//! Loops over columns: inverses, running products and sums, the permutation argument (`kernels/columns.cu`,
//! `kernels/scan.cu`).

use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::types::{Field, PrimeField64};

use crate::device::{Argument, Buffer, Device, Grid, Slice};
use crate::error::CudaError;
use crate::library::{Family, fits, word};
use crate::matrix::{Matrix, View};
use crate::ntt::power_table;

/// Elements that a thread inverts together.
const TOGETHER: usize = 8;
/// Elements that a block of a scan takes.
const CHUNK: usize = 1024;
const THREADS: u32 = 256;

/// Inverts all elements, in place. Waits for the result, to know whether one was zero.
///
/// # Errors
/// [`CudaError::ZeroInverse`] when an element is zero (the columns then hold nothing of use), or what the device says.
pub fn invert(device: &Device, columns: View<'_>) -> Result<(), CudaError> {
    let zero = device.zeros::<u32>(1)?;
    let arguments =
        [columns.into(), columns.stride_argument(), Argument::Word(word(columns.rows())?), (&zero).into()];
    let grid = Grid::over(columns.rows().div_ceil(TOGETHER), 128)?.by(word(columns.columns())?);
    device.run(Family::Columns, "invert", grid, &arguments)?;
    if device.read(zero.all())? == [0] { Ok(()) } else { Err(CudaError::ZeroInverse) }
}

/// Multiplies every column by `by`, row by row, in place.
///
/// # Errors
/// [`CudaError::Misfit`] for another length, or what the device says.
pub fn multiply(device: &Device, columns: View<'_>, by: Slice<'_>) -> Result<(), CudaError> {
    fits(by.len() == columns.rows(), || format!("{} rows by {}", columns.rows(), by.len()))?;
    let arguments =
        [columns.into(), columns.stride_argument(), Argument::Word(word(columns.rows())?), by.into()];
    let grid = Grid::over(columns.rows(), THREADS)?.by(word(columns.columns())?);
    device.run(Family::Columns, "multiply_columns", grid, &arguments)
}

/// Element i becomes the product of the elements before it (one for the first), in place.
///
/// # Errors
/// What the device says.
pub fn products_before(device: &Device, column: Slice<'_>) -> Result<(), CudaError> {
    let chunks = column.len().div_ceil(CHUNK);
    let before = device.allocate(chunks)?;
    let length = Argument::Word(word(column.len())?);
    let grid = Grid { blocks: (word(chunks)?, 1, 1), threads: THREADS };
    if chunks > 1 {
        device.run(Family::Scan, "chunk_products", grid, &[column.into(), length, (&before).into()])?;
        products_before(device, before.all())?;
    }
    let arguments = [column.into(), length, (&before).into(), Argument::Word(u32::from(chunks > 1))];
    device.run(Family::Scan, "products_before", grid, &arguments)
}

/// Element i of `to` becomes the sum of x_j weight^(j - i - 1) over j > i: what a recurrence s_i = x_i + weight·s_(i+1)
/// from the last row up brings into row i. `to` may be `x`.
///
/// # Errors
/// [`CudaError::Misfit`] for columns of different lengths, or what the device says.
pub fn sums_behind(device: &Device, x: Slice<'_>, weight: F, to: Slice<'_>) -> Result<(), CudaError> {
    fits(x.len() == to.len(), || format!("{} elements into {}", x.len(), to.len()))?;
    let chunks = x.len().div_ceil(CHUNK);
    let behind = device.allocate(chunks)?;
    let (length, w) = (Argument::Word(word(x.len())?), Argument::Long(weight.to_canonical_u64()));
    let grid = Grid { blocks: (word(chunks)?, 1, 1), threads: THREADS };
    if chunks > 1 {
        device.run(Family::Scan, "base_chunk_sums", grid, &[x.into(), length, w, (&behind).into()])?;
        sums_behind(device, behind.all(), weight.exp_u64(CHUNK as u64), behind.all())?;
    }
    let arguments = [x.into(), length, w, (&behind).into(), Argument::Word(u32::from(chunks > 1)), to.into()];
    device.run(Family::Scan, "base_sums_behind", grid, &arguments)
}

/// What the permutation argument's products are made of.
#[derive(Clone, Copy, Debug)]
pub struct Permutation<'a> {
    /// The routed wires' values on the subgroup, in natural order.
    pub wires: View<'a>,
    /// The values of the σ on the subgroup, in natural order: as many columns.
    pub sigmas: View<'a>,
    /// The k of each routed wire.
    pub ks: &'a Buffer,
    /// Wires of a chunk: the constraints' degree.
    pub chunk: usize,
}

impl Permutation<'_> {
    /// Chunks of the routed wires: one more than there are partial products.
    #[must_use]
    pub fn chunks(&self) -> usize {
        self.wires.columns().div_ceil(self.chunk)
    }

    /// Fills `z` and `partials` for one pair of challenges: Z(gx) = Z(x)·Π_j (w_j + β k_j x + γ) / (w_j + β σ_j + γ), and
    /// in each row Z times the quotients of the chunks up to each but the last.
    ///
    /// # Errors
    /// [`CudaError::ZeroInverse`] where a denominator is zero, [`CudaError::Misfit`] for columns that do not fit, or
    /// what the device says.
    pub fn fill(
        &self,
        device: &Device,
        beta: F,
        gamma: F,
        z: Slice<'_>,
        partials: View<'_>,
    ) -> Result<(), CudaError> {
        let Self { wires, sigmas, ks, chunk } = *self;
        let (rows, routed, chunks) = (wires.rows(), wires.columns(), self.chunks());
        fits(
            rows.is_power_of_two()
                && chunk > 0
                && routed > 0
                && (sigmas.rows(), sigmas.columns(), ks.len()) == (rows, routed, routed)
                && (partials.rows(), partials.columns() + 1, z.len()) == (rows, chunks, rows),
            || format!("{routed} routed wires of {rows} rows in chunks of {chunk}"),
        )?;
        let log2 = rows.ilog2();
        let (xs, split) = power_table(device, F::primitive_root_of_unity(log2 as usize), log2)?;
        let denominators = Matrix::allocate(device, rows, chunks)?;
        let denominators = denominators.view();
        let rows_argument = Argument::Word(word(rows)?);
        let arguments = [
            wires.into(),
            wires.stride_argument(),
            sigmas.into(),
            sigmas.stride_argument(),
            ks.into(),
            Argument::Word(word(routed)?),
            Argument::Word(word(chunk)?),
            rows_argument,
            (&xs).into(),
            Argument::Word(split),
            Argument::Long(beta.to_canonical_u64()),
            Argument::Long(gamma.to_canonical_u64()),
            partials.into(),
            partials.stride_argument(),
            z.into(),
            denominators.into(),
            denominators.stride_argument(),
        ];
        let grid = Grid::over(rows, 128)?.by(word(chunks)?);
        device.run(Family::Columns, "permutation_factors", grid, &arguments)?;
        invert(device, denominators)?;
        let arguments = [
            partials.into(),
            partials.stride_argument(),
            z.into(),
            denominators.into(),
            denominators.stride_argument(),
            Argument::Word(word(chunks)?),
            rows_argument,
        ];
        device.run(Family::Columns, "running_products", Grid::over(rows, THREADS)?, &arguments)?;
        products_before(device, z)?;
        multiply(device, partials, z)
    }
}
