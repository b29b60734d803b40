//! A GPU made of the host's C++ compiler: the kernels' own text, compiled as C++ with `host.hpp` in front, loaded as a
//! library. Undefined behaviour and reads or writes behind a buffer end the test.
#![allow(unsafe_code)] // Calls into the library that is compiled here.

use std::{ffi::CString, process::Command, sync::Mutex};

use janction_executor::{
    Device,
    cuda::{Argument, CudaError, Gpu, kernels},
};
use libloading::{Library, Symbol};

type Launch = unsafe extern "C" fn(*const std::ffi::c_char, u32, u32, u32, *const u64, usize) -> bool;
type Allocate = unsafe extern "C" fn(usize) -> *mut u8;
type Release = unsafe extern "C" fn(*mut u8, usize);
type Field = unsafe extern "C" fn(*const u64, *const u64, *mut u64, *mut u64, usize);

/// The compiled kernels. The fibres and `static` shared memory of `host.hpp` serve one launch at a time.
pub struct Emulated {
    library: &'static Library,
    one_at_a_time: Mutex<()>,
    free_memory: u64,
}

/// Memory from the library's `allocate`.
pub struct Buffer {
    address: *mut u8,
    length: usize,
    release: Release,
}

// SAFETY: a buffer is plain memory that only its owner and the launches that borrow it touch.
unsafe impl Send for Buffer {}
// SAFETY: as above; launches are made one at a time.
unsafe impl Sync for Buffer {}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: address and length are those of `allocate`, and the library is never unloaded.
        unsafe { (self.release)(self.address, self.length) }
    }
}

/// The C++ compiler: `$CXX` or `c++`.
fn compiler() -> String {
    std::env::var("CXX").unwrap_or_else(|_| "c++".into())
}

impl Emulated {
    /// Compiles the kernels. The device says that it has `free_memory` bytes free, which decides how many rows are
    /// computed at once.
    pub fn new(free_memory: u64) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (source, object) = (folder.path().join("kernels.cpp"), folder.path().join("libkernels.so"));
        let text = [include_str!("host.hpp"), &kernels(), include_str!("launch.cpp")].concat();
        std::fs::write(&source, text).expect("the folder can be written");
        let status = Command::new(compiler())
            .args(["-std=c++17", "-O1", "-shared", "-fPIC", "-Wno-unknown-pragmas"])
            .args(["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"])
            .arg(&source)
            .arg("-o")
            .arg(&object)
            .status()
            .expect("a C++ compiler is needed for this test: install g++ or set CXX");
        assert!(status.success(), "the kernels must compile as C++");
        // SAFETY: the library was compiled here and has no initialisers.
        let library = unsafe { Library::new(&object) }.expect("the library can be loaded");
        Self { library: Box::leak(Box::new(library)), one_at_a_time: Mutex::new(()), free_memory }
    }

    /// The kernels' products and sums of field elements.
    pub fn field(&self, a: &[u64], b: &[u64]) -> (Vec<u64>, Vec<u64>) {
        assert_eq!(a.len(), b.len());
        let (mut products, mut sums) = (vec![0; a.len()], vec![0; a.len()]);
        let field = self.symbol::<Field>("field");
        // SAFETY: all four have as many elements as the count says.
        unsafe { field(a.as_ptr(), b.as_ptr(), products.as_mut_ptr(), sums.as_mut_ptr(), a.len()) };
        (products, sums)
    }

    fn symbol<T>(&self, name: &str) -> Symbol<'static, T> {
        // SAFETY: the types are those of the declarations in `launch.cpp`.
        unsafe { self.library.get(name.as_bytes()) }.expect("the library has this function")
    }
}

impl Gpu for Emulated {
    type Buffer = Buffer;

    fn device(&self) -> Device {
        Device::Cuda { ordinal: 0, name: "emulated".into(), memory: self.free_memory, capability: (0, 0) }
    }

    fn free_memory(&self) -> Result<u64, CudaError> {
        Ok(self.free_memory)
    }

    fn upload(&self, bytes: &[u8]) -> Result<Buffer, CudaError> {
        let buffer = self.zeros(bytes.len())?;
        // SAFETY: the buffer has as many bytes.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.address, bytes.len()) };
        Ok(buffer)
    }

    fn zeros(&self, length: usize) -> Result<Buffer, CudaError> {
        let (allocate, release) = (self.symbol::<Allocate>("allocate"), self.symbol::<Release>("release"));
        // SAFETY: takes any length; fresh pages are zero.
        let address = unsafe { allocate(length) };
        assert!(!address.is_null(), "{length} bytes of memory");
        Ok(Buffer { address, length, release: *release })
    }

    fn download(&self, buffer: &Buffer) -> Result<Vec<u8>, CudaError> {
        // SAFETY: the buffer has as many bytes, all of them written (zero at first).
        Ok(unsafe { std::slice::from_raw_parts(buffer.address, buffer.length) }.to_vec())
    }

    fn launch(
        &self,
        name: &'static str,
        grid: (u32, u32),
        threads: u32,
        arguments: &[Argument<'_, Buffer>],
    ) -> Result<(), CudaError> {
        let words: Vec<u64> = arguments
            .iter()
            .map(|argument| match argument {
                Argument::Buffer(buffer) => buffer.address as u64,
                Argument::Word(word) => u64::from(*word),
                Argument::Long(long) => *long,
            })
            .collect();
        let launch = self.symbol::<Launch>("launch");
        let name = CString::new(name).expect("names have no zero byte");
        let guard = self.one_at_a_time.lock().expect("no launch panics");
        // SAFETY: the words are addresses of live buffers and integers, as the kernel's declaration asks.
        let started = unsafe { launch(name.as_ptr(), grid.0, grid.1, threads, words.as_ptr(), words.len()) };
        drop(guard);
        assert!(started, "{name:?} with {} arguments is no kernel", arguments.len());
        Ok(())
    }
}
