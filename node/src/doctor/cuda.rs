//! NVIDIA driver, GPUs and NVRTC, asked through the driver's own library.
//!
//! The libraries are opened by hand, because a machine without them is an ordinary case and must be an answer, not a
//! panic. Only queries are made: no context is created and no device memory is taken.

// The driver has no other interface than C.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int};

use libloading::Library;

use super::Check;

/// The oldest driver interface that the kernels ask for: CUDA 13.0.
const DRIVER_WANTED: c_int = 13_000;
/// Compute capability from which on products run on tensor cores.
const TENSOR_CORES: (c_int, c_int) = (7, 5);
/// `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR` and `_MINOR` of cuda.h.
const CAPABILITY: [c_int; 2] = [75, 76];

/// A GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// As the driver names it.
    pub name: String,
    /// Memory in bytes.
    pub vram: usize,
    /// Compute capability, (major, minor).
    pub capability: (c_int, c_int),
}

/// What the driver says.
#[derive(Debug)]
pub struct Driver {
    /// The newest CUDA version that it supports: 1000 major + 10 minor.
    pub version: c_int,
    /// Its devices.
    pub gpus: Vec<Gpu>,
}

/// The loader's own words, which libloading keeps as the cause.
fn words(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// Asks the driver.
///
/// # Errors
/// No driver library, or a driver that answers with an error (its number is in the text).
pub fn driver() -> Result<Driver, String> {
    // SAFETY: loading the driver's library runs its initialisers, which it is made for.
    let library = unsafe { Library::new("libcuda.so.1") }.map_err(|e| words(&e))?;
    let call = |name: &'static str, result: c_int| match result {
        0 => Ok(()),
        error => Err(format!("{name} answered CUDA error {error}")),
    };
    macro_rules! symbol {
        ($name:literal, $type:ty) => {
            // SAFETY: the signature is the one of cuda.h.
            unsafe { library.get::<$type>($name.as_bytes()) }.map_err(|e| e.to_string())?
        };
    }
    type One<T> = unsafe extern "C" fn(*mut T) -> c_int;
    let init = symbol!("cuInit", unsafe extern "C" fn(u32) -> c_int);
    let get_version = symbol!("cuDriverGetVersion", One<c_int>);
    let get_count = symbol!("cuDeviceGetCount", One<c_int>);
    let get_device = symbol!("cuDeviceGet", unsafe extern "C" fn(*mut c_int, c_int) -> c_int);
    let get_name = symbol!("cuDeviceGetName", unsafe extern "C" fn(*mut c_char, c_int, c_int) -> c_int);
    let get_memory = symbol!("cuDeviceTotalMem_v2", unsafe extern "C" fn(*mut usize, c_int) -> c_int);
    let get_attribute =
        symbol!("cuDeviceGetAttribute", unsafe extern "C" fn(*mut c_int, c_int, c_int) -> c_int);

    let (mut version, mut count) = (0, 0);
    // SAFETY: cuInit takes no pointers; the others write one value through a pointer to a local.
    unsafe {
        call("cuInit", init(0))?;
        call("cuDriverGetVersion", get_version(&mut version))?;
        call("cuDeviceGetCount", get_count(&mut count))?;
    }
    let gpus = (0..count)
        .map(|ordinal| {
            let (mut device, mut vram, mut capability) = (0, 0, [0; 2]);
            let mut name = [0 as c_char; 256];
            // SAFETY: pointers to locals; the name's length is passed, and the driver terminates it with a zero.
            let name = unsafe {
                call("cuDeviceGet", get_device(&mut device, ordinal))?;
                call("cuDeviceGetName", get_name(name.as_mut_ptr(), 255, device))?;
                call("cuDeviceTotalMem", get_memory(&mut vram, device))?;
                for (value, attribute) in capability.iter_mut().zip(CAPABILITY) {
                    call("cuDeviceGetAttribute", get_attribute(value, attribute, device))?;
                }
                CStr::from_ptr(name.as_ptr()).to_string_lossy().into_owned()
            };
            Ok(Gpu { name, vram, capability: (capability[0], capability[1]) })
        })
        .collect::<Result<_, String>>()?;
    Ok(Driver { version, gpus })
}

/// The version of NVRTC, (major, minor), and the library that was found.
///
/// # Errors
/// No library of a known name.
pub fn nvrtc() -> Result<(&'static str, c_int, c_int), String> {
    let mut last = String::new();
    for name in ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"] {
        // SAFETY: loading NVRTC runs its initialisers, which it is made for.
        match unsafe { Library::new(name) } {
            Err(error) => last = words(&error),
            Ok(library) => {
                // SAFETY: the signature is the one of nvrtc.h.
                let version = unsafe {
                    library.get::<unsafe extern "C" fn(*mut c_int, *mut c_int) -> c_int>(b"nvrtcVersion")
                }
                .map_err(|e| e.to_string())?;
                let (mut major, mut minor) = (0, 0);
                // SAFETY: both pointers are to locals.
                let result = unsafe { version(&mut major, &mut minor) };
                if result == 0 {
                    return Ok((name, major, minor));
                }
                last = format!("nvrtcVersion answered error {result}");
            }
        }
    }
    Err(last)
}

/// The version of cuBLASLt, as it counts, and the library that was found.
///
/// # Errors
/// No library of a known name.
pub fn cublaslt() -> Result<(&'static str, usize), String> {
    let mut last = String::new();
    for name in ["libcublasLt.so", "libcublasLt.so.13", "libcublasLt.so.12"] {
        // SAFETY: loading cuBLASLt runs its initialisers, which it is made for.
        match unsafe { Library::new(name) } {
            Err(error) => last = words(&error),
            Ok(library) => {
                // SAFETY: the signature is the one of cublasLt.h.
                let version =
                    unsafe { library.get::<unsafe extern "C" fn() -> usize>(b"cublasLtGetVersion") };
                // SAFETY: it takes nothing.
                return version.map(|version| (name, unsafe { version() })).map_err(|e| e.to_string());
            }
        }
    }
    Err(last)
}

/// What large products of programs run on. Nothing needs the library, so its absence is only noted.
fn products() -> Check {
    match cublaslt() {
        Ok((library, version)) => {
            Check::ok("products", format!("large ones on cuBLASLt ({library}, version {version}), others on own kernels"))
        }
        Err(reason) => Check {
            remedy: "where a GPU runs programs, large products are faster with `pip install nvidia-cublas` and its lib folder on \
                     LD_LIBRARY_PATH"
                .into(),
            ..Check::ok("products", format!("all on own kernels, cuBLASLt is not there ({reason})"))
        },
    }
}

/// The report's lines. A machine without a GPU is served by the CPU executor, so nothing here is a problem.
pub fn checks() -> Vec<Check> {
    let mut checks = Vec::new();
    match driver() {
        Err(reason) => checks.push(Check::warning(
            "gpu driver",
            reason,
            "without an NVIDIA driver everything runs on the CPU; install the driver to use a GPU",
        )),
        Ok(driver) => {
            let found = format!("CUDA {}.{}", driver.version / 1000, driver.version % 1000 / 10);
            checks.push(if driver.version >= DRIVER_WANTED {
                Check::ok("gpu driver", found)
            } else {
                Check::warning(
                    "gpu driver",
                    found,
                    "update the driver to one that supports CUDA 13.0 (580 or newer)",
                )
            });
            if driver.gpus.is_empty() {
                checks.push(Check::warning("gpu", "the driver sees no GPU", "check CUDA_VISIBLE_DEVICES"));
            }
            for Gpu { name, vram, capability: (major, minor) } in driver.gpus {
                let found = format!("{name}, {} MiB, compute capability {major}.{minor}", vram >> 20);
                checks.push(if (major, minor) >= TENSOR_CORES {
                    Check::ok("gpu", found)
                } else {
                    Check::warning(
                        "gpu",
                        found,
                        "it has no tensor cores for integers, and compilers from CUDA 13 on do not serve it: set \
                         worker.device to cpu, or use a GPU of compute capability 7.5 or more",
                    )
                });
            }
        }
    }
    checks.push(match nvrtc() {
        Ok((library, major, minor)) => Check::ok("nvrtc", format!("{library}, version {major}.{minor}")),
        Err(reason) => Check::warning(
            "nvrtc",
            reason,
            "only a GPU needs it: `pip install nvidia-cuda-nvrtc` and put its lib folder on LD_LIBRARY_PATH",
        ),
    });
    checks.push(products());
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_cuda_gets_an_answer() {
        // Whatever this machine has: no panic, and at least a line for the driver, for NVRTC and for products.
        let checks = checks();
        assert!(checks.iter().any(|c| c.name == "gpu driver"));
        assert!(checks.iter().any(|c| c.name == "nvrtc"));
        assert!(checks.iter().any(|c| c.name == "products"));
    }

    #[test]
    #[ignore = "needs an NVIDIA GPU"]
    fn gpu_driver_lists_its_devices() {
        let driver = driver().expect("a driver");
        assert!(driver.version >= 11_000);
        let gpu = driver.gpus.first().expect("a GPU");
        assert!(!gpu.name.is_empty() && gpu.vram > 1 << 30 && gpu.capability.0 >= 5, "{gpu:?}");
    }
}
