//! Memory of a card, in the order of its streams.
#![allow(unsafe_code)] // Foreign functions; each block says why it is sound.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cudarc::driver::{
    CudaContext, CudaStream, result,
    sys::{CUmemPool_attribute, CUmemoryPool},
};

use super::card::{Stream, failed, failed_with, guarded};
use crate::error::CudaError;

/// Where a card's allocations come from.
#[derive(Clone, Copy)]
pub struct Pool(CUmemoryPool);

// SAFETY: a handle of the driver's, whose functions may be called from any thread.
unsafe impl Send for Pool {}
// SAFETY: as above.
unsafe impl Sync for Pool {}

impl Pool {
    /// The card's pool, told to keep what is freed: a proof allocates what the one before it has freed.
    pub fn of(context: &CudaContext) -> Result<Self, CudaError> {
        let mut keep = u64::MAX;
        let mut pool = || {
            // SAFETY: the context is open, so its device and the pool of that are valid; the attribute is 64 bits.
            unsafe {
                let pool = result::device::get_default_mem_pool(context.cu_device())?;
                let threshold = CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
                result::mem_pool::set_attribute(pool, threshold, (&raw mut keep).cast::<c_void>())?;
                Ok(pool)
            }
        };
        pool().map(Self).map_err(failed("setting up the pool of memory"))
    }

    /// Bytes that the pool holds and nobody uses.
    pub fn reserve(self) -> Result<u64, CudaError> {
        let read = |attribute| {
            let mut value = 0u64;
            // SAFETY: the pool is that of a device; both attributes are 64 bits.
            unsafe { result::mem_pool::get_attribute(self.0, attribute, (&raw mut value).cast::<c_void>()) }
                .map(|()| value)
                .map_err(failed("asking for the pool's memory"))
        };
        let reserved = read(CUmemPool_attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT)?;
        let used = read(CUmemPool_attribute::CU_MEMPOOL_ATTR_USED_MEM_CURRENT)?;
        Ok(reserved.saturating_sub(used))
    }
}

/// Memory of a card.
pub struct Allocation {
    address: u64,
    stream: Arc<CudaStream>,
    ordered: bool,
    shared: AtomicBool,
    /// Other streams that use it, until it is freed.
    borrowers: Mutex<Vec<Arc<CudaStream>>>,
}

impl std::fmt::Debug for Allocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#x} on the GPU", self.address)
    }
}

impl Allocation {
    pub fn new(stream: &Stream, bytes: u64) -> Result<Self, CudaError> {
        let ordered = stream.pool.is_some();
        let allocation = |address| Self {
            address,
            stream: Arc::clone(&stream.stream),
            ordered,
            shared: AtomicBool::new(false),
            borrowers: Mutex::default(),
        };
        if bytes == 0 {
            return Ok(allocation(0));
        }
        let attempt = || {
            let size = bytes as usize;
            // SAFETY: what is in the memory does not matter: elements are integers.
            let address = stream.context.bind_to_thread().and_then(|()| unsafe {
                if ordered {
                    result::malloc_async(stream.stream.cu_stream(), size)
                } else {
                    result::malloc_sync(size)
                }
            });
            address.map(allocation).map_err(failed_with("allocating memory", bytes))
        };
        guarded(|| match (attempt(), stream.pool) {
            (Err(CudaError::OutOfMemory { .. }), Some(pool)) => {
                // Other streams may have freed what their pool still holds: give it back and try once more.
                stream.context.synchronize().map_err(failed("waiting for memory"))?;
                // SAFETY: the pool is that of the open device.
                unsafe { result::mem_pool::trim_to(pool.0, 0) }.map_err(failed("giving memory back"))?;
                attempt()
            }
            (result, _) => result,
        })
    }

    pub fn address(&self) -> u64 {
        self.address
    }

    pub fn share(&self) {
        self.shared.store(true, Ordering::Release);
    }

    /// `stream` uses it from now on; it is freed behind what that stream was asked.
    pub fn lend(&self, stream: &Stream) {
        let mut borrowers = self.borrowers.lock().unwrap_or_else(PoisonError::into_inner);
        if !borrowers.contains(&stream.stream) {
            borrowers.push(Arc::clone(&stream.stream));
        }
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        if self.address == 0 {
            return;
        }
        let freed = guarded(|| {
            let context = self.stream.context();
            context.bind_to_thread().map_err(failed("freeing memory"))?;
            if self.shared.load(Ordering::Acquire) {
                // Other streams may still read it.
                context.synchronize().map_err(failed("freeing memory"))?;
            }
            for borrower in self.borrowers.get_mut().unwrap_or_else(PoisonError::into_inner) {
                self.stream.join(borrower).map_err(failed("freeing memory"))?;
            }
            // SAFETY: nobody has the address any more; work that was asked for before comes first on the stream.
            unsafe {
                if self.ordered {
                    result::free_async(self.address, self.stream.cu_stream())
                } else {
                    result::free_sync(self.address)
                }
            }
            .map_err(failed("freeing memory"))
        });
        if let Err(error) = freed {
            // A context that a fault has ended frees everything by itself.
            tracing::warn!(%error, "GPU memory was not freed");
        }
    }
}
