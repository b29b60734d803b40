//! Products of 8-bit matrices through a library, where there is one.
#![allow(unsafe_code)] // Addresses are handed to the library; the block says why it is sound.

use super::{Backend, Device, Slice, cublas};
use crate::error::CudaError;

/// Bytes that the library may use besides its operands: what its makers advise for the largest cards.
const WORKSPACE: usize = 32 << 20;
/// What its fast ways for integers ask for: cells of lines and bytes between them in such multiples, sums and their lines alike.
const CELLS: usize = 16;
const SUMS: usize = 4;
/// Bytes of which every address must be a multiple.
pub(super) const ALIGNMENT: u64 = 16;

/// A library of products, for the streams of one card.
pub struct Blas(Kind);

enum Kind {
    Card(cublas::Blas),
    /// The host multiplies by itself, so that what stands around the library is tested without it.
    #[cfg(feature = "host")]
    Host,
}

/// Sums of products of signed cells: `sums[i][j]` = sum over k of `left[i][k]` * `right[j][k]`, modulo 2^32.
#[derive(Clone, Copy, Debug)]
pub struct Product<'a> {
    /// Lines of signed cells, and bytes from line to line.
    pub left: (Slice<'a, u8>, usize),
    /// Lines of signed cells, and bytes from line to line.
    pub right: (Slice<'a, u8>, usize),
    /// Lines of sums, and sums from line to line.
    pub sums: (Slice<'a, i32>, usize),
    /// Lines of the left side.
    pub rows: usize,
    /// Lines of the right side.
    pub columns: usize,
    /// Cells of a line.
    pub inner: usize,
}

impl Product<'_> {
    fn check(&self) -> Result<(), CudaError> {
        let Self { left, right, sums, rows, columns, inner } = *self;
        let fits = |length: usize, lines: usize, line: usize, pitch: usize| {
            lines > 0 && line > 0 && line <= pitch && (lines - 1) * pitch + line <= length
        };
        let is_aligned = [inner, left.1, right.1].iter().all(|n| n.is_multiple_of(CELLS))
            && [columns, sums.1].iter().all(|n| n.is_multiple_of(SUMS))
            && [left.0.address(), right.0.address(), sums.0.address()]
                .iter()
                .all(|a| a.is_multiple_of(ALIGNMENT));
        let is_within = fits(left.0.len(), rows, inner, left.1)
            && fits(right.0.len(), columns, inner, right.1)
            && fits(sums.0.len(), rows, columns, sums.1);
        if is_aligned && is_within {
            return Ok(());
        }
        Err(CudaError::Misfit(format!("a product of {rows} x {inner} and {columns} x {inner} cells")))
    }
}

impl Blas {
    /// Opens the library for the card of `device`.
    ///
    /// # Errors
    /// [`CudaError::NoBlas`], or what the library says.
    pub fn open(device: &Device) -> Result<Self, CudaError> {
        match &device.backend {
            Backend::Card(stream) => cublas::Blas::open(stream).map(Kind::Card).map(Self),
            #[cfg(feature = "host")]
            Backend::Host(_) => Ok(Self(Kind::Host)),
        }
    }

    /// The library's name and version.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.0 {
            Kind::Card(blas) => format!("cuBLASLt {}", blas.version()),
            #[cfg(feature = "host")]
            Kind::Host => "host".into(),
        }
    }

    /// Bytes that a product takes on the device while it runs.
    #[must_use]
    pub const fn workspace() -> usize {
        WORKSPACE
    }

    /// Multiplies on the stream of `device`; `false` where the library does not do this product (it has no way for it, or no memory of
    /// its own): then the sums may be anything.
    ///
    /// # Errors
    /// [`CudaError::Misfit`] for slices that are too short, not aligned to 16 bytes or of another stream, or for sizes that are no
    /// multiples of 16 (cells, pitches) or 4 (columns, the sums' pitch); or what the device or the library says.
    pub fn multiply(&self, device: &Device, product: &Product<'_>) -> Result<bool, CudaError> {
        product.check()?;
        let Product { left, right, sums, rows, columns, inner } = *product;
        for memory in [left.0.memory(), right.0.memory(), sums.0.memory()] {
            device.check(memory)?;
        }
        match (&self.0, &device.backend) {
            (Kind::Card(blas), Backend::Card(stream)) => {
                let workspace = device.allocate::<u8>(WORKSPACE)?;
                let shape = cublas::Shape {
                    rows: rows as u64,
                    columns: columns as u64,
                    inner: inner as u64,
                    left_pitch: left.1 as i64,
                    right_pitch: right.1 as i64,
                    sums_pitch: sums.1 as i64,
                };
                let addresses = [left.0.address(), right.0.address(), sums.0.address()];
                let workspace = (workspace.all().address(), WORKSPACE as u64);
                // SAFETY: the slices are borrowed and, as checked, as long as the shape says; they and the workspace are
                // freed on the same stream, behind this.
                unsafe { blas.multiply(stream, &shape, addresses, workspace) }
            }
            #[cfg(feature = "host")]
            (Kind::Host, Backend::Host(_)) => multiply_on_host(device, product).map(|()| true),
            #[cfg(feature = "host")]
            _ => Err(CudaError::Misfit("a library of another device".into())),
        }
    }
}

/// The definition.
#[cfg(feature = "host")]
fn multiply_on_host(device: &Device, product: &Product<'_>) -> Result<(), CudaError> {
    let Product { left, right, sums, rows, columns, inner } = *product;
    let (left_cells, right_cells) = (device.read(left.0)?, device.read(right.0)?);
    for i in 0..rows {
        let sum = |j: usize| {
            let pairs = left_cells[i * left.1..][..inner].iter().zip(&right_cells[j * right.1..][..inner]);
            pairs.fold(0i32, |sum, (a, b)| sum.wrapping_add(i32::from(*a as i8) * i32::from(*b as i8)))
        };
        let line: Vec<i32> = (0..columns).map(sum).collect();
        device.write(sums.0.slice(i * sums.1..i * sums.1 + columns), &line)?;
    }
    Ok(())
}
