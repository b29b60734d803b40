//! A real GPU, through cudarc: the driver and NVRTC are loaded when they are first used.
//!
//! cudarc panics when a library or one of its functions is missing, so both libraries are looked for first, and what
//! a too old one still makes panic is caught and becomes an error.
#![allow(unsafe_code)] // Foreign functions; each block says why it is sound.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use cudarc::{
    driver::{
        CudaContext, CudaFunction, CudaSlice, CudaStream, DriverError, LaunchConfig, PushKernelArg, result,
        sys::{CUdevice_attribute, CUresult},
    },
    nvrtc::{CompileError, CompileOptions, Ptx, compile_ptx_with_opts},
};

use super::{Argument, CudaError, Gpu, kernels};
use crate::Device;

/// The kernels' names.
const KERNELS: [&str; 2] = ["hash_rows", "matmul"];

/// An open GPU with its compiled kernels.
pub struct Driver {
    ordinal: usize,
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    functions: HashMap<&'static str, CudaFunction>,
}

/// Whether the NVIDIA driver's library can be loaded.
fn driver_present() -> bool {
    // SAFETY: only loads the library; the NVIDIA driver's initialisers are meant to be run by any program.
    unsafe { cudarc::driver::sys::is_culib_present() }
}

/// Whether CUDA's run-time compiler can be loaded.
#[must_use]
pub fn nvrtc_present() -> bool {
    // SAFETY: as above.
    unsafe { cudarc::nvrtc::sys::is_culib_present() }
}

fn failed(action: &'static str) -> impl FnOnce(DriverError) -> CudaError {
    move |error| CudaError::Driver { action, reason: error.to_string() }
}

/// The same for something that takes `bytes` bytes of memory.
fn failed_with(action: &'static str, bytes: usize) -> impl FnOnce(DriverError) -> CudaError {
    move |error| match error.0 {
        CUresult::CUDA_ERROR_OUT_OF_MEMORY => CudaError::OutOfMemory { bytes },
        _ => failed(action)(error),
    }
}

/// Compiles the kernels for a compute capability.
///
/// # Errors
/// No compiler, or what it says.
pub fn compile((major, minor): (i32, i32)) -> Result<Ptx, CudaError> {
    if !nvrtc_present() {
        return Err(CudaError::NoCompiler);
    }
    let options = CompileOptions {
        options: vec![format!("--gpu-architecture=compute_{major}{minor}")],
        ..Default::default()
    };
    compile_ptx_with_opts(kernels(), options).map_err(|error| CudaError::Compile {
        capability: format!("{major}.{minor}"),
        log: match error {
            CompileError::CompileError { log, .. } => log.to_string_lossy().into_owned(),
            other => other.to_string(),
        },
    })
}

/// Runs what cudarc may panic in when the driver lacks a function. Nothing of a failed attempt is used afterwards.
fn guarded<T>(attempt: impl FnOnce() -> Result<T, CudaError>) -> Result<T, CudaError> {
    if !driver_present() {
        return Err(CudaError::NoDriver);
    }
    catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).into()));
        Err(CudaError::Incompatible(text.unwrap_or_else(|| "it has not all functions".into())))
    })
}

/// The GPUs that the driver sees, by ordinal. Takes no memory on them and needs no compiler.
///
/// # Errors
/// No driver, or one that fails.
pub fn devices() -> Result<Vec<Device>, CudaError> {
    guarded(|| {
        result::init().map_err(failed("starting the driver"))?;
        let count = result::device::get_count().map_err(failed("counting GPUs"))?;
        (0..count).map(device).collect()
    })
}

fn device(number: i32) -> Result<Device, CudaError> {
    let asking = failed("asking a GPU for its properties");
    let ask = || {
        let device = result::device::get(number)?;
        // SAFETY: the handle is the driver's own, made one line above, and devices do not go away.
        let attribute = |which| unsafe { result::device::get_attribute(device, which) };
        let capability = (
            attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
            attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
        );
        // SAFETY: as above.
        let memory = unsafe { result::device::total_mem(device) }? as u64;
        Ok((result::device::get_name(device)?, memory, capability))
    };
    let (name, memory, capability) = ask().map_err(asking)?;
    Ok(Device::Cuda { ordinal: usize::try_from(number).unwrap_or(0), name, memory, capability })
}

impl Driver {
    /// Opens GPU `ordinal`.
    ///
    /// # Errors
    /// See [`super::Cuda::open`].
    pub fn open(ordinal: usize) -> Result<Self, CudaError> {
        guarded(|| Self::open_present(ordinal))
    }

    fn open_present(ordinal: usize) -> Result<Self, CudaError> {
        cudarc::driver::result::init().map_err(failed("starting the driver"))?;
        let count = CudaContext::device_count().map_err(failed("counting GPUs"))?;
        let count = usize::try_from(count).unwrap_or(0);
        if ordinal >= count {
            return Err(CudaError::NoDevice { ordinal, count });
        }
        let context = CudaContext::new(ordinal).map_err(failed("opening the GPU"))?;
        let capability = context.compute_capability().map_err(failed("asking for the compute capability"))?;
        let module = context.load_module(compile(capability)?).map_err(failed("loading the kernels"))?;
        let functions = KERNELS
            .into_iter()
            .map(|name| Ok((name, module.load_function(name).map_err(failed("finding a kernel"))?)))
            .collect::<Result<_, CudaError>>()?;
        Ok(Self { ordinal, stream: context.default_stream(), context, functions })
    }
}

impl Gpu for Driver {
    type Buffer = CudaSlice<u8>;

    fn device(&self) -> Device {
        Device::Cuda {
            ordinal: self.ordinal,
            name: self.context.name().unwrap_or_else(|_| "unknown".into()),
            memory: self.context.total_mem().unwrap_or(0) as u64,
            capability: self.context.compute_capability().unwrap_or((0, 0)),
        }
    }

    fn free_memory(&self) -> Result<u64, CudaError> {
        let (free, _) = self.context.mem_get_info().map_err(failed("asking for free memory"))?;
        Ok(free as u64)
    }

    fn upload(&self, bytes: &[u8]) -> Result<Self::Buffer, CudaError> {
        self.stream.clone_htod(bytes).map_err(failed_with("copying to the GPU", bytes.len()))
    }

    fn zeros(&self, length: usize) -> Result<Self::Buffer, CudaError> {
        self.stream.alloc_zeros(length).map_err(failed_with("allocating memory", length))
    }

    fn download(&self, buffer: &Self::Buffer) -> Result<Vec<u8>, CudaError> {
        let bytes = self.stream.clone_dtoh(buffer).map_err(failed("copying from the GPU"))?;
        self.stream.synchronize().map_err(failed("running a kernel"))?;
        Ok(bytes)
    }

    fn launch(
        &self,
        name: &'static str,
        grid: (u32, u32),
        threads: u32,
        arguments: &[Argument<'_, Self::Buffer>],
    ) -> Result<(), CudaError> {
        let unknown =
            || CudaError::Driver { action: "starting a kernel", reason: format!("{name} is unknown") };
        let function = self.functions.get(name).ok_or_else(unknown)?;
        let mut launch = self.stream.launch_builder(function);
        for argument in arguments {
            match argument {
                Argument::Buffer(buffer) => launch.arg(*buffer),
                Argument::Word(word) => launch.arg(word),
                Argument::Long(long) => launch.arg(long),
            };
        }
        let config =
            LaunchConfig { grid_dim: (grid.0, grid.1, 1), block_dim: (threads, 1, 1), shared_mem_bytes: 0 };
        // SAFETY: the callers beside this file pass each kernel the arguments that its declaration names, with
        // buffers as long as the sizes among them say; the tests run the same calls with bounds-checked memory. All
        // work is on one stream, so a buffer is written before it is read.
        unsafe { launch.launch(config) }.map(|_| ()).map_err(failed("starting a kernel"))
    }
}
