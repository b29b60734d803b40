//! A real card, through cudarc: the driver is loaded when it is first used.
//!
//! cudarc panics when the library or one of its functions is missing, so the library is looked for first, and what
//! an old one still makes panic is caught and becomes an error.
#![allow(unsafe_code)] // Foreign functions; each block says why it is sound.

use std::collections::HashMap;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cudarc::driver::{
    CudaContext, CudaFunction, CudaStream, DriverError, LaunchConfig, PushKernelArg, result,
    sys::{CUdevice_attribute, CUmemPool_attribute, CUmemoryPool, CUresult, cuDriverGetVersion},
};
use cudarc::nvrtc::Ptx;

use super::staging::{Idle, Staging};
use super::{Argument, Grid, nvrtc};
use crate::cache::Cache;
use crate::error::CudaError;
use crate::source::Source;

/// What a card is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its number, as the driver counts.
    pub ordinal: usize,
    /// What the driver calls it.
    pub name: String,
    /// Memory in bytes.
    pub memory: u64,
    /// Compute capability, major and minor.
    pub capability: (i32, i32),
    /// Multiprocessors: how many blocks run side by side, at least.
    pub multiprocessors: usize,
}

impl std::fmt::Display for Card {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { ordinal, name, memory, capability: (major, minor), .. } = self;
        write!(f, "GPU {ordinal}: {name}, {} MiB, compute capability {major}.{minor}", memory >> 20)
    }
}

/// Whether the NVIDIA driver's library can be loaded.
fn driver_present() -> bool {
    // SAFETY: only loads the library; the NVIDIA driver's initialisers are meant to be run by any program.
    unsafe { cudarc::driver::sys::is_culib_present() }
}

/// The CUDA version that the driver serves.
fn driver_version() -> String {
    let mut version = 0;
    // SAFETY: writes one integer. Called within `guarded` only, or after it has succeeded.
    match unsafe { cuDriverGetVersion(&raw mut version) } {
        CUresult::CUDA_SUCCESS => format!("CUDA {}.{}", version / 1000, version % 1000 / 10),
        _ => "unknown".into(),
    }
}

fn too_old(reason: impl Into<String>) -> CudaError {
    CudaError::DriverTooOld { driver: driver_version(), reason: reason.into() }
}

fn failed(action: &'static str) -> impl FnOnce(DriverError) -> CudaError {
    move |error| match error.0 {
        CUresult::CUDA_ERROR_UNSUPPORTED_PTX_VERSION
        | CUresult::CUDA_ERROR_SYSTEM_DRIVER_MISMATCH
        | CUresult::CUDA_ERROR_INVALID_IMAGE
        | CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU => too_old(format!("{action}: {error}")),
        _ => CudaError::Driver { action, reason: error.to_string() },
    }
}

/// The same for something that takes `bytes` bytes of memory.
fn failed_with(action: &'static str, bytes: u64) -> impl FnOnce(DriverError) -> CudaError {
    move |error| match error.0 {
        CUresult::CUDA_ERROR_OUT_OF_MEMORY => CudaError::OutOfMemory { bytes },
        _ => failed(action)(error),
    }
}

/// Runs what cudarc may panic in when the driver lacks a function. Nothing of a failed attempt is used afterwards.
fn guarded<T>(attempt: impl FnOnce() -> Result<T, CudaError>) -> Result<T, CudaError> {
    catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).into()));
        let reason = text.unwrap_or_else(|| "it has not all functions".into());
        Err(CudaError::DriverTooOld { driver: "unknown".into(), reason })
    })
}

/// Starts the driver and counts its cards.
fn start() -> Result<usize, CudaError> {
    if !driver_present() {
        return Err(CudaError::NoDriver);
    }
    guarded(|| {
        result::init().map_err(failed("starting the driver"))?;
        let count = CudaContext::device_count().map_err(failed("counting GPUs"))?;
        Ok(usize::try_from(count).unwrap_or(0))
    })
}

/// The cards that the driver sees, by ordinal. Takes no memory on them and needs no compiler.
///
/// # Errors
/// No driver, or one that fails.
pub fn cards() -> Result<Vec<Card>, CudaError> {
    let count = start()?;
    guarded(|| (0..count).map(describe).collect())
}

fn describe(ordinal: usize) -> Result<Card, CudaError> {
    let ask = || {
        let device = result::device::get(i32::try_from(ordinal).unwrap_or(i32::MAX))?;
        // SAFETY: the handle is the driver's own, made one line above, and devices do not go away.
        let attribute = |which| unsafe { result::device::get_attribute(device, which) };
        let capability = (
            attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
            attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
        );
        // SAFETY: as above.
        let memory = unsafe { result::device::total_mem(device) }? as u64;
        let multiprocessors = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?;
        let multiprocessors = usize::try_from(multiprocessors).unwrap_or(1);
        Ok(Card { ordinal, name: result::device::get_name(device)?, memory, capability, multiprocessors })
    };
    ask().map_err(failed("asking a GPU for its properties"))
}

/// Bytes that starting a kernel may take, as errors say it; the driver does not tell.
const KERNEL: u64 = 1 << 20;

/// A stream of an open card.
pub struct Stream {
    card: Card,
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    cache: Option<Cache>,
    /// Where allocations come from, on cards that order them by stream (all but the oldest).
    pool: Option<Pool>,
    /// For uploads, from the first one on; nothing where page-locked memory could not be had.
    staging: OnceLock<Option<Mutex<Staging>>>,
    /// Of all streams of the card.
    idle: Idle,
}

#[derive(Clone, Copy)]
struct Pool(CUmemoryPool);

// SAFETY: a handle of the driver's, whose functions may be called from any thread.
unsafe impl Send for Pool {}
// SAFETY: as above.
unsafe impl Sync for Pool {}

/// Kernels on the card, by name.
pub struct Loaded(HashMap<String, CudaFunction>);

impl Stream {
    pub fn open(ordinal: usize, cache: Option<Cache>) -> Result<Self, CudaError> {
        let count = start()?;
        if ordinal >= count {
            return Err(CudaError::NoDevice { ordinal, count });
        }
        guarded(|| {
            let card = describe(ordinal)?;
            let context = CudaContext::new(ordinal).map_err(failed("opening the GPU"))?;
            let stream = context.new_stream().map_err(failed("making a stream"))?;
            let pool = context.has_async_alloc().then(|| Pool::of(&context)).transpose()?;
            let (staging, idle) = (OnceLock::new(), Idle::default());
            Ok(Self { card, context, stream, cache, pool, staging, idle })
        })
    }

    pub fn fork(&self) -> Result<Self, CudaError> {
        guarded(|| {
            let stream = self.context.new_stream().map_err(failed("making a stream"))?;
            Ok(Self {
                card: self.card.clone(),
                context: Arc::clone(&self.context),
                stream,
                cache: self.cache.clone(),
                pool: self.pool,
                staging: OnceLock::new(),
                idle: self.idle.clone(),
            })
        })
    }

    pub fn card(&self) -> &Card {
        &self.card
    }

    pub fn free_memory(&self) -> Result<u64, CudaError> {
        guarded(|| {
            let (free, _) = self.context.mem_get_info().map_err(failed("asking for free memory"))?;
            let reserve = self.pool.map_or(Ok(0), Pool::reserve)?;
            Ok(free as u64 + reserve)
        })
    }

    /// Runs a call of the driver in this context.
    fn call<T>(
        &self,
        action: &'static str,
        call: impl FnOnce() -> Result<T, DriverError>,
    ) -> Result<T, CudaError> {
        guarded(|| self.context.bind_to_thread().and_then(|()| call()).map_err(failed(action)))
    }

    pub fn clear(&self, address: u64, bytes: u64) -> Result<(), CudaError> {
        // SAFETY: the range is that of a slice whose buffer is borrowed; a buffer that is dropped later is freed on
        // the same stream, behind this.
        self.call("clearing memory", || unsafe {
            result::memset_d8_async(address, 0, bytes as usize, self.stream.cu_stream())
        })
    }

    pub fn write(&self, address: u64, bytes: &[u8]) -> Result<(), CudaError> {
        if let Some(staging) = self.staging() {
            let mut staging = staging.lock().unwrap_or_else(PoisonError::into_inner);
            // SAFETY: the range is that of a slice whose buffer is borrowed, and later freed on the same stream.
            return self.call("copying to the GPU", || unsafe { staging.send(&self.stream, address, bytes) });
        }
        // SAFETY: as above, and the host's memory stays borrowed until the stream has been waited for.
        self.call("copying to the GPU", || unsafe {
            result::memcpy_htod_async(address, bytes, self.stream.cu_stream())
        })?;
        self.synchronise()
    }

    fn staging(&self) -> Option<&Mutex<Staging>> {
        let new = || match self.call("allocating page-locked memory", || self.idle.take(&self.context)) {
            Ok(staging) => Some(Mutex::new(staging)),
            Err(error) => {
                tracing::warn!(%error, "uploads will be slow");
                None
            }
        };
        self.staging.get_or_init(new).as_ref()
    }

    pub fn read(&self, address: u64, to: &mut [u8]) -> Result<(), CudaError> {
        // SAFETY: as above, and the host's memory stays borrowed until the stream has been waited for.
        self.call("copying from the GPU", || unsafe {
            result::memcpy_dtoh_async(to, address, self.stream.cu_stream())
        })?;
        self.synchronise()
    }

    pub fn copy(&self, from: u64, to: u64, bytes: u64) -> Result<(), CudaError> {
        // SAFETY: as for `clear`; the caller has checked that the ranges do not overlap.
        self.call("copying on the GPU", || unsafe {
            result::memcpy_dtod_async(to, from, bytes as usize, self.stream.cu_stream())
        })
    }

    pub fn synchronise(&self) -> Result<(), CudaError> {
        self.call("running on the GPU", || self.stream.synchronize())
    }

    pub fn compile(&self, source: &Source) -> Result<Loaded, CudaError> {
        let image = nvrtc::image(source, self.card.capability, self.cache.as_ref())?;
        let bytes = image.len() as u64;
        guarded(|| {
            let module = self.context.load_module(Ptx::from_binary(image));
            let module = module.map_err(failed_with("loading kernels", bytes))?;
            let functions = source.kernels().iter().map(|name| {
                let function = module.load_function(name).map_err(failed_with("loading kernels", bytes))?;
                Ok((name.clone(), function))
            });
            Ok(Loaded(functions.collect::<Result<_, CudaError>>()?))
        })
    }

    /// # Safety
    /// As [`super::Device::launch`].
    pub unsafe fn launch(
        &self,
        loaded: &Loaded,
        kernel: &str,
        grid: Grid,
        arguments: &[Argument<'_>],
    ) -> Result<(), CudaError> {
        let unknown = || CudaError::Misfit(format!("there is no kernel {kernel}"));
        let function = loaded.0.get(kernel).ok_or_else(unknown)?;
        let addresses: Vec<u64> = arguments
            .iter()
            .map(|argument| match argument {
                Argument::Address(address) => address.address,
                Argument::Word(_) | Argument::Long(_) => 0,
            })
            .collect();
        let mut launch = self.stream.launch_builder(function);
        for (argument, address) in arguments.iter().zip(&addresses) {
            match argument {
                Argument::Address(_) => launch.arg(address),
                Argument::Word(word) => launch.arg(word),
                Argument::Long(long) => launch.arg(long),
            };
        }
        let config =
            LaunchConfig { grid_dim: grid.blocks, block_dim: (grid.threads, 1, 1), shared_mem_bytes: 0 };
        // SAFETY: the caller's promise. All work on a buffer is on one stream, so it is written before it is read.
        // The driver may want memory for it: for its code, which is loaded when it is first started, or its stack.
        let failed = failed_with("starting a kernel", KERNEL);
        guarded(|| unsafe { launch.launch(config) }.map(|_| ()).map_err(failed))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(Some(staging)) = self.staging.take() {
            self.idle.give(staging.into_inner().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl Pool {
    /// The card's pool, told to keep what is freed: a proof allocates what the one before it has freed.
    fn of(context: &CudaContext) -> Result<Self, CudaError> {
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
    fn reserve(self) -> Result<u64, CudaError> {
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
