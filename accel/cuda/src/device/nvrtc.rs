//! CUDA's run-time compiler.
#![allow(unsafe_code)] // Foreign functions; each block says why it is sound.

use std::ffi::{CStr, CString, c_char};
use std::panic::catch_unwind;

use cudarc::nvrtc::{result, sys};

use crate::cache::Cache;
use crate::error::CudaError;
use crate::source::Source;

/// What every kernel is compiled with, the architecture apart. `-v` makes the assembler say in the log how many
/// registers and how much memory a kernel takes.
const OPTIONS: [&str; 3] = ["--std=c++17", "--device-int128", "--ptxas-options=-v"];

/// An image for a compute capability, from the cache where it has one.
pub(super) fn image(
    source: &Source,
    capability: (i32, i32),
    cache: Option<&Cache>,
) -> Result<Vec<u8>, CudaError> {
    let build = || compile_image(source, capability).map(|(image, _)| image);
    let Some(cache) = cache else { return build() };
    // Without a compiler there is no version to know an image by; then a cache is of no use.
    let (major, minor) = version()?;
    let text = source.text();
    let target = target(capability);
    let mut key = blake3::Hasher::new();
    for part in [source.name(), &text, &OPTIONS.join(" "), &target, &format!("{major}.{minor}")] {
        key.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    cache.get_or_build(&key.finalize(), build)
}

/// Compiles kernels for a compute capability, without a card. Returns the image and the log, which says what
/// registers and memory each kernel takes.
///
/// # Errors
/// [`CudaError::NoCompiler`], [`CudaError::CompilerTooOld`], or [`CudaError::Compile`] with the log.
pub fn compile_image(source: &Source, capability: (i32, i32)) -> Result<(Vec<u8>, String), CudaError> {
    let (major, minor) = version()?;
    let target = target(capability);
    guarded(|| {
        let compiler = format!("{major}.{minor}");
        if !supported()?.contains(&(10 * capability.0 + capability.1)) {
            return Err(CudaError::CompilerTooOld { compiler, reason: format!("it does not know {target}") });
        }
        let fault =
            |log| CudaError::Compile { source_name: source.name().into(), target: target.clone(), log };
        let text = CString::new(source.text()).map_err(|_| fault("a zero byte in the text".into()))?;
        let program = Program::new(&text, source.name())?;
        let mut options = vec![format!("--gpu-architecture={target}")];
        options.extend(OPTIONS.map(String::from));
        // SAFETY: the program is live.
        let compiled = unsafe { result::compile_program(program.0, &options) };
        let log = program.log();
        compiled.map_err(|error| fault(if log.is_empty() { format!("{error:?}") } else { log.clone() }))?;
        Ok((program.image()?, log))
    })
}

fn target((major, minor): (i32, i32)) -> String {
    format!("sm_{major}{minor}")
}

/// Whether the compiler can be loaded, and its version.
fn version() -> Result<(i32, i32), CudaError> {
    // SAFETY: only loads the library; NVIDIA's initialisers are meant to be run by any program.
    if !unsafe { sys::is_culib_present() } {
        return Err(CudaError::NoCompiler);
    }
    guarded(|| {
        let (mut major, mut minor) = (0, 0);
        // SAFETY: writes two integers.
        unsafe { sys::nvrtcVersion(&raw mut major, &raw mut minor) }.result().map_err(failed)?;
        Ok((major, minor))
    })
}

/// The architectures that it compiles for, as 10 major + minor.
fn supported() -> Result<Vec<i32>, CudaError> {
    let mut count = 0;
    // SAFETY: writes one integer.
    unsafe { sys::nvrtcGetNumSupportedArchs(&raw mut count) }.result().map_err(failed)?;
    let mut archs = vec![0; usize::try_from(count).unwrap_or(0)];
    // SAFETY: writes as many integers as it has said.
    unsafe { sys::nvrtcGetSupportedArchs(archs.as_mut_ptr()) }.result().map_err(failed)?;
    Ok(archs)
}

fn failed(error: result::NvrtcError) -> CudaError {
    CudaError::Driver { action: "asking the run-time compiler", reason: format!("{:?}", error.0) }
}

/// cudarc panics when the library lacks a function. Nothing of a failed attempt is used afterwards.
fn guarded<T>(attempt: impl FnOnce() -> Result<T, CudaError>) -> Result<T, CudaError> {
    catch_unwind(std::panic::AssertUnwindSafe(attempt)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let reason = text.unwrap_or_else(|| "it has not all functions".into());
        Err(CudaError::CompilerTooOld { compiler: "unknown".into(), reason })
    })
}

/// A program of the compiler's, destroyed when dropped.
struct Program(sys::nvrtcProgram);

impl Program {
    fn new(text: &CStr, name: &str) -> Result<Self, CudaError> {
        let name = CString::new(format!("{name}.cu")).ok();
        result::create_program(text, name.as_deref()).map(Self).map_err(failed)
    }

    fn log(&self) -> String {
        // SAFETY: the program is live.
        let log = unsafe { result::get_program_log(self.0) }.unwrap_or_default();
        let bytes: Vec<u8> = log.iter().map(|&c| c as u8).take_while(|&c| c != 0).collect();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }

    fn image(&self) -> Result<Vec<u8>, CudaError> {
        let mut size = 0;
        // SAFETY: the program is live; writes one integer.
        unsafe { sys::nvrtcGetCUBINSize(self.0, &raw mut size) }.result().map_err(failed)?;
        let mut image = vec![0u8; size];
        // SAFETY: writes as many bytes as it has said.
        unsafe { sys::nvrtcGetCUBIN(self.0, image.as_mut_ptr().cast::<c_char>()) }
            .result()
            .map_err(failed)?;
        Ok(image)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: the program is live and nobody has it any more. An error cannot be helped.
        let _ = unsafe { result::destroy_program(self.0) };
    }
}
