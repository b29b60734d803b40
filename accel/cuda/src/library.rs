//! The kernels of this crate and what they share: compiled on first use, once for all streams of a card.

use std::sync::{Arc, Mutex, PoisonError};

use crate::device::{Argument, Buffer, Device, Grid, Module};
use crate::error::CudaError;
use crate::source::{File, Source};
use crate::texts;

/// Kernels that are compiled together: a file of `kernels/` each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Ntt,
    Merkle,
    Polynomial,
    Scan,
    Columns,
}

impl Family {
    const ALL: [Self; 5] = [Self::Ntt, Self::Merkle, Self::Polynomial, Self::Scan, Self::Columns];

    fn source(self) -> Source {
        let (name, text, kernels): (_, _, &[&str]) = match self {
            Self::Ntt => (
                "ntt",
                include_str!("../kernels/ntt.cu"),
                &["root_table", "power_table", "coset_points", "ntt_down", "ntt_up", "bit_reverse"],
            ),
            Self::Merkle => (
                "merkle",
                include_str!("../kernels/merkle.cu"),
                &["hash_rows", "hash_pairs", "hash_nodes", "gather_paths", "gather_rows", "grind"],
            ),
            Self::Polynomial => (
                "polynomial",
                include_str!("../kernels/polynomial.cu"),
                &[
                    "extension_powers",
                    "evaluate_parts",
                    "evaluate_finish",
                    "base_powers",
                    "evaluate_base_parts",
                    "evaluate_base_finish",
                    "combine",
                    "fold",
                ],
            ),
            Self::Scan => (
                "scan",
                include_str!("../kernels/scan.cu"),
                &[
                    "extension_chunk_sums",
                    "extension_sums_behind",
                    "base_chunk_sums",
                    "base_sums_behind",
                    "chunk_products",
                    "products_before",
                ],
            ),
            Self::Columns => (
                "columns",
                include_str!("../kernels/columns.cu"),
                &["make_canonical", "invert", "multiply_columns", "permutation_factors", "running_products"],
            ),
        };
        let mut source = Source::new(name).with(texts::goldilocks()).with(texts::extension());
        if self == Self::Merkle {
            source = source.with(texts::poseidon_constants()).with(texts::poseidon());
        }
        source.with(File::new(format!("{name}.cu"), text)).with_kernels(kernels)
    }
}

/// The sources of all kernels of this crate, to be compiled elsewhere (tests do, for cards that are not there).
#[must_use]
pub fn sources() -> Vec<Source> {
    Family::ALL.into_iter().map(Family::source).collect()
}

/// What the streams of a card share.
#[derive(Default)]
pub(crate) struct Library {
    /// By family. Each has a lock of its own, so that families are compiled side by side.
    modules: [Mutex<Option<Module>>; Family::ALL.len()],
    /// Roots of unity, by the logarithm of the table's length.
    pub(crate) roots: Mutex<Option<(u32, Arc<Buffer>)>>,
}

impl Device {
    /// Compiles all kernels of this crate, or takes them from the cache. Otherwise they are compiled when they are
    /// first used, which then takes seconds.
    ///
    /// # Errors
    /// As [`Device::compile`].
    pub fn prepare(&self) -> Result<(), CudaError> {
        std::thread::scope(|scope| {
            let compiling = Family::ALL.map(|family| scope.spawn(move || self.module(family)));
            compiling.into_iter().try_for_each(|thread| match thread.join() {
                Ok(module) => module.map(drop),
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })
    }

    fn module(&self, family: Family) -> Result<Module, CudaError> {
        let mut module =
            self.library().modules[family as usize].lock().unwrap_or_else(PoisonError::into_inner);
        if module.is_none() {
            *module = Some(self.compile(&family.source())?);
        }
        module.clone().ok_or_else(|| CudaError::Misfit("no module was made".into()))
    }

    /// Starts a kernel of this crate. The callers, all in this crate, pass the arguments that the kernel declares, and
    /// slices as long as the sizes among them say.
    #[allow(unsafe_code)]
    pub(crate) fn run(
        &self,
        family: Family,
        kernel: &str,
        grid: Grid,
        arguments: &[Argument<'_>],
    ) -> Result<(), CudaError> {
        let module = self.module(family)?;
        // SAFETY: what this function asks of its callers. The tests run the same calls on the host, which checks the
        // arguments' kinds and ends where a kernel leaves its buffers.
        unsafe { self.launch(&module, kernel, grid, arguments) }
    }
}

/// A number of rows, columns or the like, as kernels take it.
pub(crate) fn word(number: usize) -> Result<u32, CudaError> {
    u32::try_from(number).map_err(|_| CudaError::Misfit(format!("{number} does not fit 32 bits")))
}

/// Refuses what does not fit.
pub(crate) fn fits(condition: bool, what: impl FnOnce() -> String) -> Result<(), CudaError> {
    if condition { Ok(()) } else { Err(CudaError::Misfit(what())) }
}
