//! The CPU as a device, for tests: the kernels' own text, compiled as C++ between `host/runtime.hpp`,
//! `host/warp.hpp` and `host/launch.hpp`, loaded as a library.
#![allow(unsafe_code)] // Calls into the libraries that are compiled here, and raw memory.

use std::collections::HashMap;
use std::ffi::{CString, c_char, c_void};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use libloading::Library;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

use super::{Argument, Card, Grid};
use crate::error::CudaError;
use crate::source::Source;

/// Undefined behaviour ends the test. Kernels keep to one definition each, so warnings about unused ones are noise.
const OPTIONS: [&str; 8] = [
    "-std=c++17",
    "-O2",
    "-shared",
    "-fPIC",
    "-fvisibility=hidden",
    "-w",
    "-fsanitize=undefined",
    "-fsanitize-undefined-trap-on-error",
];
/// What no kernel should read: fresh memory of a card is not zero either.
const FRESH: u8 = 0xa5;
/// The end of an allocation is rounded up to this, like what a kernel may read at once.
const ALIGNMENT: usize = 16;
const PAGE: usize = 4096;
/// Bytes of a piece that is read.
const PIECE: usize = 1000;

type Launch = unsafe extern "C" fn(*const c_char, *const u32, u32, *const u64, *const u8, usize) -> u32;

/// A device made of the CPU. Forks share it: what they are asked happens one after the other.
pub struct Host {
    memory: u64,
    used: Mutex<u64>,
    order: Mutex<()>,
    /// How many uploads there are to be before one that a bit is flipped of.
    fault: Mutex<Option<usize>>,
}

/// A library of kernels. Its `static` variables stand for shared memory, so one launch at a time.
pub struct Loaded {
    launch: Launch,
    one_at_a_time: Mutex<()>,
    /// Holds the code; never unloaded while `launch` may be called.
    _library: Library,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Host {
    pub fn new(memory: u64) -> Result<Self, CudaError> {
        folder()?;
        Ok(Self { memory, used: Mutex::default(), order: Mutex::default(), fault: Mutex::default() })
    }

    pub fn card(&self) -> Card {
        Card { ordinal: 0, name: "host".into(), memory: self.memory, capability: (0, 0), multiprocessors: 2 }
    }

    pub fn free_memory(&self) -> u64 {
        self.memory - *lock(&self.used)
    }

    pub fn clear(&self, address: u64, bytes: u64) {
        let _order = lock(&self.order);
        // SAFETY: the range is that of a slice whose buffer is borrowed.
        unsafe { std::ptr::write_bytes(address as *mut u8, 0, bytes as usize) }
    }

    pub fn write(&self, address: u64, bytes: &[u8]) {
        let _order = lock(&self.order);
        // SAFETY: as above; nobody has a reference to a buffer's memory.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), address as *mut u8, bytes.len()) }
        let mut fault = lock(&self.fault);
        if *fault == Some(0) {
            // SAFETY: as above; what was written is not empty.
            unsafe { *(address as *mut u8) ^= 1 }
        }
        *fault = fault.and_then(|uploads| uploads.checked_sub(1));
    }

    /// From now on, `uploads` of them go well, and of the next one the lowest bit is flipped: once.
    pub fn corrupt(&self, uploads: usize) {
        *lock(&self.fault) = Some(uploads);
    }

    pub fn read(&self, address: u64, to: &mut [u8]) {
        let _order = lock(&self.order);
        // SAFETY: as above.
        unsafe { std::ptr::copy_nonoverlapping(address as *const u8, to.as_mut_ptr(), to.len()) }
    }

    pub fn read_pieces(&self, address: u64, bytes: u64, take: &mut dyn FnMut(&[u8])) {
        for first in (0..bytes).step_by(PIECE) {
            let mut piece = vec![0; PIECE.min((bytes - first) as usize)];
            self.read(address + first, &mut piece);
            take(&piece);
        }
    }

    pub fn copy(&self, from: u64, to: u64, bytes: u64) {
        let _order = lock(&self.order);
        // SAFETY: as above; the caller has checked that the ranges do not overlap.
        unsafe { std::ptr::copy_nonoverlapping(from as *const u8, to as *mut u8, bytes as usize) }
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
        let (words, kinds): (Vec<u64>, Vec<u8>) = arguments
            .iter()
            .map(|argument| match argument {
                Argument::Address(address) => (address.address, 0),
                Argument::Word(word) => (u64::from(*word), 4),
                Argument::Long(long) => (*long, 8),
            })
            .unzip();
        let name = CString::new(kernel).map_err(|_| CudaError::Misfit("a kernel's name".into()))?;
        let (x, y, z) = grid.blocks;
        let (_order, _alone) = (lock(&self.order), lock(&loaded.one_at_a_time));
        // SAFETY: the caller's promise; the function checks number and kinds of the arguments.
        let status = unsafe {
            let (words, kinds) = (words.as_ptr(), kinds.as_ptr());
            (loaded.launch)(name.as_ptr(), [x, y, z].as_ptr(), grid.threads, words, kinds, arguments.len())
        };
        match status {
            0 => Ok(()),
            1 => Err(CudaError::Misfit(format!("there is no kernel {kernel}"))),
            2 => Err(CudaError::Misfit(format!("{kernel} does not take {} arguments", arguments.len()))),
            3 => Err(CudaError::Host(format!("{kernel}: threads of a block ended while others wait"))),
            n => Err(CudaError::Misfit(format!("argument {} of {kernel} is of another kind", n - 4))),
        }
    }
}

/// Memory that ends (up to 15 bytes before) where a page begins that nobody may touch, so that a kernel that reads or
/// writes behind it ends the test.
#[derive(Debug)]
pub struct Allocation {
    host: HostReference,
    address: u64,
    bytes: u64,
}

struct HostReference(Arc<Host>);

impl std::fmt::Debug for HostReference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("host")
    }
}

/// Bytes of whole pages that hold an allocation, and of the page behind it.
fn mapped(bytes: u64) -> usize {
    (bytes as usize).next_multiple_of(PAGE) + PAGE
}

impl Allocation {
    pub fn new(host: &Arc<Host>, bytes: u64) -> Result<Self, CudaError> {
        let out_of_memory = CudaError::OutOfMemory { bytes };
        let mut used = lock(&host.used);
        if bytes > host.memory - *used {
            return Err(out_of_memory);
        }
        let reference = HostReference(Arc::clone(host));
        if bytes == 0 {
            return Ok(Self { host: reference, address: 0, bytes });
        }
        let length = mapped(bytes);
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: fresh pages, of which the last is made inaccessible before anybody has their address.
        let address = unsafe {
            let start = mmap_anonymous(std::ptr::null_mut(), length, protection, MapFlags::PRIVATE)
                .map_err(|_| out_of_memory.clone())?;
            let guard: *mut c_void = start.byte_add(length - PAGE);
            let address = guard.byte_sub((bytes as usize).next_multiple_of(ALIGNMENT));
            std::ptr::write_bytes(start.cast::<u8>(), FRESH, length - PAGE);
            if mprotect(guard, PAGE, MprotectFlags::empty()).is_err() {
                let _ = munmap(start, length);
                return Err(out_of_memory);
            }
            address as u64
        };
        *used += bytes;
        Ok(Self { host: reference, address, bytes })
    }

    pub fn address(&self) -> u64 {
        self.address
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let length = mapped(self.bytes);
        let guard = self.address as usize + (self.bytes as usize).next_multiple_of(ALIGNMENT);
        // SAFETY: the pages that `new` has mapped; nobody has the address any more.
        let _ = unsafe { munmap((guard + PAGE - length) as *mut c_void, length) };
        *lock(&self.host.0.used) -= self.bytes;
    }
}

/// The folder of compiled kernels: below the one for temporary files, and nobody else's.
fn folder() -> Result<PathBuf, CudaError> {
    let user = rustix::process::getuid().as_raw();
    let folder = std::env::temp_dir().join(format!("janction-host-kernels-{user}"));
    let fault = |reason: String| CudaError::Host(format!("{}: {reason}; set TMPDIR", folder.display()));
    match fs::DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(fault(error.to_string()));
        }
        _ => {}
    }
    // What is loaded from here runs: it must not be a folder that somebody else has made.
    let metadata = fs::symlink_metadata(&folder).map_err(|error| fault(error.to_string()))?;
    if !metadata.is_dir() || metadata.uid() != user || metadata.mode() & 0o022 != 0 {
        return Err(fault("it is somebody else's".into()));
    }
    Ok(folder)
}

/// The C++ compiler: `$CXX` or `c++`.
fn compiler() -> String {
    std::env::var("CXX").unwrap_or_else(|_| "c++".into())
}

/// The library of a source: loaded once in a process, compiled once until its text changes.
pub fn compile(source: &Source) -> Result<Arc<Loaded>, CudaError> {
    static LOADED: LazyLock<Mutex<HashMap<blake3::Hash, Arc<Loaded>>>> = LazyLock::new(Mutex::default);
    let mut text = String::from(include_str!("../../host/runtime.hpp"));
    text.push_str(include_str!("../../host/warp.hpp"));
    text.push_str(&source.text());
    text.push_str("#line 1 \"launch.hpp\"\n");
    text.push_str(include_str!("../../host/launch.hpp"));
    for kernel in source.kernels() {
        text.push_str(&format!("KERNEL({kernel})\n"));
    }
    text.push_str("KERNELS_END\n");
    let key = blake3::hash(format!("{}{}{text}", compiler(), OPTIONS.join(" ")).as_bytes());
    let mut all = lock(&LOADED);
    if let Some(loaded) = all.get(&key) {
        return Ok(Arc::clone(loaded));
    }
    let object = folder()?.join(format!("{}-{}.so", source.name(), key.to_hex()));
    if !object.exists() {
        build(source, &text, &object)?;
    }
    let loaded = Arc::new(load(&object)?);
    all.insert(key, Arc::clone(&loaded));
    Ok(loaded)
}

/// Compiles under another name and renames: processes may do so at the same time.
fn build(source: &Source, text: &str, object: &Path) -> Result<(), CudaError> {
    let fault = |error: std::io::Error| CudaError::Host(format!("compiling kernels: {error}"));
    let cpp = object.with_extension(format!("{}.cpp", std::process::id()));
    let partial = object.with_extension(format!("{}.partial", std::process::id()));
    fs::write(&cpp, text).map_err(fault)?;
    let output = Command::new(compiler()).args(OPTIONS).arg(&cpp).arg("-o").arg(&partial).output().map_err(
        |error| CudaError::Host(format!("a C++ compiler is needed ({error}): install g++ or set CXX")),
    )?;
    // Best effort: the folder is one for temporary files.
    let _ = fs::remove_file(&cpp);
    if !output.status.success() {
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(CudaError::Compile { source_name: source.name().into(), target: "the host".into(), log });
    }
    fs::rename(&partial, object).map_err(fault)
}

fn load(object: &Path) -> Result<Loaded, CudaError> {
    let fault = |error: libloading::Error| CudaError::Host(format!("{}: {error}", object.display()));
    // SAFETY: the library was compiled here, from text without initialisers that do anything of note.
    let library = unsafe { Library::new(object) }.map_err(fault)?;
    // SAFETY: the type is that of the declaration in `launch.hpp`.
    let launch = *unsafe { library.get::<Launch>(b"launch_kernel") }.map_err(fault)?;
    Ok(Loaded { launch, one_at_a_time: Mutex::new(()), _library: library })
}
