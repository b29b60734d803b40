//! cuBLASLt, through cudarc: loaded when it is first asked for.
#![allow(unsafe_code)] // Foreign functions; each block says why it is sound.

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::{Mutex, Once, PoisonError};

use cudarc::cublaslt::result::{self, CublasError};
use cudarc::cublaslt::sys::{
    cublasComputeType_t::CUBLAS_COMPUTE_32I,
    cublasLtGetVersion, cublasLtHandle_t, cublasLtMatmulAlgo_t, cublasLtMatmulDesc_t,
    cublasLtMatmulDescAttributes_t::CUBLASLT_MATMUL_DESC_TRANSA,
    cublasLtMatmulPreference_t,
    cublasLtMatmulPreferenceAttributes_t::{
        CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES,
    },
    cublasLtMatrixLayout_t, cublasStatus_t, cudaDataType, is_culib_present,
};

use super::card::{Stream, guarded};
use crate::error::CudaError;

/// Value of `CUBLAS_OP_T`.
static TRANSPOSED: i32 = 1;
/// Bytes of which all addresses are multiples, as [`super::Product`] is checked. Unless it is told, the library counts on 256, which
/// parts of buffers do not keep.
static ALIGNMENT: u32 = super::products::ALIGNMENT as u32;

/// Sizes of a product, all in elements: `rows` lines of the left side and `columns` of the right one, of `inner` cells each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    pub rows: u64,
    pub columns: u64,
    pub inner: u64,
    pub left_pitch: i64,
    pub right_pitch: i64,
    pub sums_pitch: i64,
}

/// The library, open for the context of a card.
pub struct Blas {
    handle: Handle,
    version: usize,
    /// What it takes for a shape; nothing where it has no way for it.
    algorithms: Mutex<HashMap<Shape, Option<cublasLtMatmulAlgo_t>>>,
    /// So that what it does not do is said once.
    warned: Once,
}

/// What a status of the library says of the product that it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// It has no way for such a shape here, and will have none.
    Shape,
    /// Not this time.
    Now,
}

impl Refusal {
    /// Nothing where the card's context, or what was asked of it before, has failed: no other kernel would do better then.
    fn of(status: cublasStatus_t) -> Option<Self> {
        match status {
            cublasStatus_t::CUBLAS_STATUS_NOT_SUPPORTED
            | cublasStatus_t::CUBLAS_STATUS_INVALID_VALUE
            | cublasStatus_t::CUBLAS_STATUS_ARCH_MISMATCH
            | cublasStatus_t::CUBLAS_STATUS_LICENSE_ERROR => Some(Self::Shape),
            cublasStatus_t::CUBLAS_STATUS_ALLOC_FAILED => Some(Self::Now),
            _ => None,
        }
    }
}

struct Handle(cublasLtHandle_t);

// SAFETY: the library says that a handle may be used from any thread, by several at once.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: nobody has the handle any more. An error cannot be helped.
        let _ = guarded(|| unsafe { result::destroy_handle(self.0) }.map_err(failed("closing cuBLASLt")));
    }
}

fn failed(action: &'static str) -> impl FnOnce(CublasError) -> CudaError {
    move |error| CudaError::Driver { action, reason: format!("{:?}", error.0) }
}

/// Something of the library's that is destroyed when dropped.
struct Owned<T: Copy>(T, unsafe fn(T) -> Result<(), CublasError>);

impl<T: Copy> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: made by the library's function that belongs to this one; nobody has it any more.
        let _ = unsafe { (self.1)(self.0) };
    }
}

/// A product as the library is told it. It counts columns first: what it computes is the transposed product, of the right
/// side's lines with the left side's.
struct Description {
    product: Owned<cublasLtMatmulDesc_t>,
    left: Owned<cublasLtMatrixLayout_t>,
    right: Owned<cublasLtMatrixLayout_t>,
    sums: Owned<cublasLtMatrixLayout_t>,
}

impl Description {
    fn new(shape: &Shape) -> Result<Self, CublasError> {
        let layout = |kind, rows, columns, pitch| {
            result::create_matrix_layout(kind, rows, columns, pitch)
                .map(|layout| Owned(layout, result::destroy_matrix_layout))
        };
        let product = Owned(
            result::create_matmul_desc(CUBLAS_COMPUTE_32I, cudaDataType::CUDA_R_32I)?,
            result::destroy_matmul_desc,
        );
        // SAFETY: the description is live, and the attribute is 32 bits.
        unsafe {
            let value = (&raw const TRANSPOSED).cast::<c_void>();
            result::set_matmul_desc_attribute(
                product.0,
                CUBLASLT_MATMUL_DESC_TRANSA,
                value,
                size_of::<i32>(),
            )?;
        }
        Ok(Self {
            product,
            left: layout(cudaDataType::CUDA_R_8I, shape.inner, shape.rows, shape.left_pitch)?,
            right: layout(cudaDataType::CUDA_R_8I, shape.inner, shape.columns, shape.right_pitch)?,
            sums: layout(cudaDataType::CUDA_R_32I, shape.columns, shape.rows, shape.sums_pitch)?,
        })
    }

    /// The way that the library takes, with a workspace of so many bytes.
    fn algorithm(&self, handle: &Handle, workspace: usize) -> Result<cublasLtMatmulAlgo_t, CublasError> {
        let preference: Owned<cublasLtMatmulPreference_t> =
            Owned(result::create_matmul_pref()?, result::destroy_matmul_pref);
        for attribute in [
            CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
            CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
            CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
            CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES,
        ] {
            let value = (&raw const ALIGNMENT).cast::<c_void>();
            // SAFETY: the preference is live, and the attribute is 32 bits.
            unsafe {
                result::set_matmul_pref_attribute(preference.0, attribute, value, size_of::<u32>())?;
            }
        }
        // SAFETY: everything is live, and the attribute is as long as a size.
        let found = unsafe {
            result::set_matmul_pref_attribute(
                preference.0,
                CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                (&raw const workspace).cast::<c_void>(),
                size_of::<usize>(),
            )?;
            result::get_matmul_algo_heuristic(
                handle.0,
                self.product.0,
                self.right.0,
                self.left.0,
                self.sums.0,
                self.sums.0,
                preference.0,
            )
        };
        found.map(|found| found.algo)
    }
}

impl Blas {
    pub fn open(stream: &Stream) -> Result<Self, CudaError> {
        // SAFETY: only loads the library; NVIDIA's initialisers are meant to be run by any program.
        if !unsafe { is_culib_present() } {
            return Err(CudaError::NoBlas);
        }
        guarded(|| {
            stream.bind()?;
            let handle = Handle(result::create_handle().map_err(failed("opening cuBLASLt"))?);
            // SAFETY: takes nothing.
            let version = unsafe { cublasLtGetVersion() };
            Ok(Self { handle, version, algorithms: Mutex::default(), warned: Once::new() })
        })
    }

    pub fn version(&self) -> usize {
        self.version
    }

    /// sums = left * transposed right, or `false` where the library does not do it: it has no way for this shape, does not take what
    /// it is told, or has no memory. Then the sums may be anything. The first time is said in the log.
    ///
    /// # Safety
    /// The addresses must be of signed cells and 32-bit sums of the shape, on the card of `stream`, and outlive what is asked of it;
    /// so must the workspace of `workspace.1` bytes at `workspace.0`.
    pub unsafe fn multiply(
        &self,
        stream: &Stream,
        shape: &Shape,
        [left, right, sums]: [u64; 3],
        workspace: (u64, u64),
    ) -> Result<bool, CudaError> {
        let attempt = || -> Result<bool, CublasError> {
            let known = self.known(shape);
            if matches!(known, Some(None)) {
                return Ok(false);
            }
            let description = Description::new(shape)?;
            let algorithm = match known.flatten() {
                Some(known) => known,
                None => {
                    let found = description.algorithm(&self.handle, workspace.1 as usize)?;
                    self.note(shape, Some(found));
                    found
                }
            };
            let (one, zero) = (1i32, 0i32);
            // SAFETY: the caller's promise; scalars are read before this returns.
            unsafe {
                result::matmul(
                    self.handle.0,
                    description.product.0,
                    (&raw const one).cast(),
                    (&raw const zero).cast(),
                    right as *const c_void,
                    description.right.0,
                    left as *const c_void,
                    description.left.0,
                    sums as *const c_void,
                    description.sums.0,
                    sums as *mut c_void,
                    description.sums.0,
                    &raw const algorithm,
                    workspace.0 as *mut c_void,
                    workspace.1 as usize,
                    stream.stream.cu_stream().cast(),
                )?;
            }
            Ok(true)
        };
        guarded(|| {
            stream.bind()?;
            attempt().or_else(|error| {
                let refusal = Refusal::of(error.0).ok_or(error);
                if refusal.map_err(failed("multiplying with cuBLASLt"))? == Refusal::Shape {
                    self.note(shape, None);
                }
                self.warned.call_once(|| {
                    tracing::warn!(status = ?error.0, ?shape, "cuBLASLt does not do a product: own kernels do it");
                });
                Ok(false)
            })
        })
    }

    fn known(&self, shape: &Shape) -> Option<Option<cublasLtMatmulAlgo_t>> {
        self.algorithms.lock().unwrap_or_else(PoisonError::into_inner).get(shape).copied()
    }

    fn note(&self, shape: &Shape, algorithm: Option<cublasLtMatmulAlgo_t>) {
        self.algorithms.lock().unwrap_or_else(PoisonError::into_inner).insert(*shape, algorithm);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_leaves_the_context_alone_is_a_refusal() {
        use cublasStatus_t as S;
        for (status, refusal) in [
            (S::CUBLAS_STATUS_NOT_SUPPORTED, Some(Refusal::Shape)),
            (S::CUBLAS_STATUS_INVALID_VALUE, Some(Refusal::Shape)),
            (S::CUBLAS_STATUS_ARCH_MISMATCH, Some(Refusal::Shape)),
            (S::CUBLAS_STATUS_LICENSE_ERROR, Some(Refusal::Shape)),
            (S::CUBLAS_STATUS_ALLOC_FAILED, Some(Refusal::Now)),
            (S::CUBLAS_STATUS_NOT_INITIALIZED, None),
            (S::CUBLAS_STATUS_MAPPING_ERROR, None),
            (S::CUBLAS_STATUS_EXECUTION_FAILED, None),
            (S::CUBLAS_STATUS_INTERNAL_ERROR, None),
        ] {
            assert_eq!(Refusal::of(status), refusal, "{status:?}");
        }
    }
}
