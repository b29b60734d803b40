//! Which tiles a product is cut into (`kernels/tiles.cu`, `kernels/product.cu`).

use janction_accel_cuda::{CudaError, Grid};

use super::Cuda;

/// What a block makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    pub items: usize,
    pub columns: usize,
    pub threads: u32,
}

/// On tensor cores, for products that fill the GPU with such tiles.
const LARGE: Tile = Tile { items: 128, columns: 128, threads: 128 };
/// On tensor cores, for the others.
const SMALL: Tile = Tile { items: 64, columns: 64, threads: 128 };
/// Without tensor cores.
pub(super) const PLAIN: Tile = Tile { items: 64, columns: 64, threads: 256 };

impl Tile {
    /// The tile on tensor cores for a product of this size.
    pub fn of(cuda: &Cuda, items: usize, columns: usize) -> Self {
        if LARGE.count(items, columns) >= cuda.multiprocessors { LARGE } else { SMALL }
    }

    /// Tiles of a product.
    pub fn count(self, items: usize, columns: usize) -> usize {
        items.div_ceil(self.items) * columns.div_ceil(self.columns)
    }

    /// The one of two kernels that makes such tiles.
    pub fn kernel(self, large: &'static str, small: &'static str) -> &'static str {
        if self == LARGE { large } else { small }
    }

    /// A block for each tile of each of `groups` products, numbered in one direction.
    ///
    /// # Errors
    /// [`CudaError::Misfit`] for more blocks than a grid takes.
    pub fn grid(self, items: usize, columns: usize, groups: usize) -> Result<Grid, CudaError> {
        let blocks = Grid::over(self.count(items, columns) * groups, 1)?.blocks;
        Ok(Grid { blocks, threads: self.threads })
    }
}
