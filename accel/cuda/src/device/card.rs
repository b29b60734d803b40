//! A real card, through cudarc: the driver is loaded when it is first used.
//!
//! cudarc panics when the library or one of its functions is missing, so the library is looked for first, and what
//! an old one still makes panic is caught and becomes an error.
#![allow(unsafe_code)] // Foreign functions; each block says why it is sound.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cudarc::driver::{
    CudaContext, CudaEvent, CudaFunction, CudaStream, DriverError, LaunchConfig, PushKernelArg, result,
    sys::{CUdevice_attribute, CUresult, cuDriverGetVersion},
};
use cudarc::nvrtc::Ptx;

use super::allocation::Pool;
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

pub(super) fn failed(action: &'static str) -> impl FnOnce(DriverError) -> CudaError {
    move |error| match error.0 {
        CUresult::CUDA_ERROR_UNSUPPORTED_PTX_VERSION
        | CUresult::CUDA_ERROR_SYSTEM_DRIVER_MISMATCH
        | CUresult::CUDA_ERROR_INVALID_IMAGE
        | CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU => too_old(format!("{action}: {error}")),
        _ => CudaError::Driver { action, reason: error.to_string() },
    }
}

/// The same for something that takes `bytes` bytes of memory.
pub(super) fn failed_with(action: &'static str, bytes: u64) -> impl FnOnce(DriverError) -> CudaError {
    move |error| match error.0 {
        CUresult::CUDA_ERROR_OUT_OF_MEMORY => CudaError::OutOfMemory { bytes },
        _ => failed(action)(error),
    }
}

/// Runs what cudarc may panic in when the driver lacks a function. Nothing of a failed attempt is used afterwards.
pub(super) fn guarded<T>(attempt: impl FnOnce() -> Result<T, CudaError>) -> Result<T, CudaError> {
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
    pub(super) context: Arc<CudaContext>,
    pub(super) stream: Arc<CudaStream>,
    cache: Option<Cache>,
    /// Where allocations come from, on cards that order them by stream (all but the oldest).
    pub(super) pool: Option<Pool>,
    /// For copies, from the first one on; nothing where page-locked memory could not be had.
    staging: OnceLock<Option<Mutex<Staging>>>,
    /// Of all streams of the card.
    idle: Idle,
}

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

    /// Makes the card's context the calling thread's.
    pub fn bind(&self) -> Result<(), CudaError> {
        self.context.bind_to_thread().map_err(failed("opening the GPU"))
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
                tracing::warn!(%error, "copies will be slow");
                None
            }
        };
        self.staging.get_or_init(new).as_ref()
    }

    /// Hands the bytes to `take`, piece by piece in order; the next piece is on its way meanwhile.
    pub fn read_pieces(
        &self,
        address: u64,
        bytes: u64,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<(), CudaError> {
        if let Some(staging) = self.staging() {
            let mut staging = staging.lock().unwrap_or_else(PoisonError::into_inner);
            // SAFETY: the range is that of a slice whose buffer stays borrowed until everything has arrived.
            return self.call("copying from the GPU", || unsafe {
                staging.receive(&self.stream, address, bytes as usize, take)
            });
        }
        let mut all = vec![0; bytes as usize];
        self.read(address, &mut all)?;
        take(&all);
        Ok(())
    }

    /// A mark behind what the stream was asked.
    pub fn record(&self) -> Result<CudaEvent, CudaError> {
        guarded(|| self.stream.record_event(None).map_err(failed("marking a moment")))
    }

    /// What this stream is asked from now on happens behind the mark.
    pub fn wait(&self, event: &CudaEvent) -> Result<(), CudaError> {
        guarded(|| self.stream.wait(event).map_err(failed("waiting for another stream")))
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
