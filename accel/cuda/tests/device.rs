//! Memory, copies, launches and their errors.
#![allow(unsafe_code)] // Launches.

mod common;

use std::error::Error;

use common::{Words, on_devices};
use janction_accel_cuda::{Argument, CudaError, Device, File, Grid, Module, Source};

on_devices!(
    all_kernels_compile,
    copies,
    ranges,
    launches,
    streams,
    loans,
    staging_is_handed_on,
    budgets,
    misfits,
    barriers
);

const TEXT: &str = r#"
extern "C" __global__ void add_all(const u64* a, const u32* b, u64 c, u32 d, u64* out, u32 n) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[(u64)blockIdx.y * n + i] = a[i] + b[i] + c + d + blockIdx.y;
}
extern "C" __global__ void reverse(u64* data) {
    __shared__ u64 tile[256];
    data += (u64)blockDim.x * blockIdx.x;
    tile[threadIdx.x] = data[threadIdx.x];
    __syncthreads();
    for (u32 round = 0; round < 3; round++) {
        u64 there = tile[blockDim.x - 1 - threadIdx.x];
        __syncthreads();
        tile[threadIdx.x] = there;
        __syncthreads();
    }
    data[threadIdx.x] = tile[threadIdx.x];
}
"#;

fn source() -> Source {
    Source::new("device-test")
        .with(janction_accel_cuda::texts::goldilocks())
        .with(File::new("test.cu", TEXT))
        .with_kernels(&["add_all", "reverse"])
}

fn module(device: &Device) -> Module {
    device.compile(&source()).expect("the test's kernels compile")
}

fn all_kernels_compile(device: &Device) {
    device.prepare().unwrap();
    device.fork().unwrap().prepare().unwrap();
}

fn copies(device: &Device) {
    let words = Words(1).take(1000);
    let buffer = device.upload(&words).unwrap();
    assert_eq!(device.read(buffer.all()).unwrap(), words);
    let other = device.zeros::<u64>(1000).unwrap();
    assert_eq!(device.read(other.all()).unwrap(), [0; 1000]);
    device.copy(buffer.slice(10..20), other.slice(990..1000)).unwrap();
    assert_eq!(device.read(other.slice(990..1000)).unwrap(), words[10..20]);
    device.clear(buffer.slice(0..999)).unwrap();
    assert_eq!(device.read(buffer.slice(998..1000)).unwrap(), [0, words[999]]);
    let bytes = device.upload(&[1u8, 2, 3]).unwrap();
    assert_eq!(device.read(bytes.slice(1..3)).unwrap(), [2, 3]);
    assert_eq!(device.read(device.upload::<u32>(&[]).unwrap().all()).unwrap(), []);
}

fn ranges(device: &Device) {
    let buffer = device.upload(&(0..100u32).collect::<Vec<_>>()).unwrap();
    let part = buffer.slice(10..90).slice(5..10);
    assert_eq!(device.read(part).unwrap(), [15, 16, 17, 18, 19]);
    assert_eq!((part.len(), part.is_empty(), part.slice(5..5).is_empty()), (5, false, true));
}

fn launches(device: &Device) {
    let module = module(device);
    let a = device.upload(&(0..1000u64).collect::<Vec<_>>()).unwrap();
    let b = device.upload(&vec![7u32; 1000]).unwrap();
    let out = device.allocate::<u64>(2000).unwrap();
    let arguments = [
        a.all().into(),
        b.slice(10..1000).into(),
        Argument::Long(1 << 40),
        Argument::Word(5),
        (&out).into(),
        990u32.into(),
    ];
    let grid = Grid::over(990, 128).unwrap().by(2);
    // SAFETY: the kernel's arguments, and 990 elements in all of them.
    unsafe { device.launch(&module, "add_all", grid, &arguments) }.unwrap();
    let expected: Vec<u64> =
        (0..2).flat_map(|y| (0..990u64).map(move |i| i + 7 + (1 << 40) + 5 + y)).collect();
    assert_eq!(device.read(out.slice(0..1980)).unwrap(), expected);
}

fn barriers(device: &Device) {
    let module = module(device);
    let data = device.upload(&(0..1024u64).collect::<Vec<_>>()).unwrap();
    // SAFETY: 4 blocks of 256.
    unsafe { device.launch(&module, "reverse", Grid { blocks: (4, 1, 1), threads: 256 }, &[(&data).into()]) }
        .unwrap();
    let expected: Vec<u64> = (0..4).flat_map(|b| (0..256).rev().map(move |i| 256 * b + i)).collect();
    assert_eq!(device.read(data.all()).unwrap(), expected);
}

fn streams(device: &Device) {
    let fork = device.fork().unwrap();
    let buffer = device.upload(&[1u64, 2, 3]).unwrap();
    assert!(matches!(fork.read(buffer.all()), Err(CudaError::Misfit(_))));
    assert!(matches!(fork.clear(buffer.all()), Err(CudaError::Misfit(_))));
    device.share(&buffer).unwrap();
    assert_eq!(fork.read(buffer.all()).unwrap(), [1, 2, 3]);
    let own = fork.upload(&[0u64; 3]).unwrap();
    fork.copy(buffer.all(), own.all()).unwrap();
    drop(buffer);
    assert_eq!(fork.read(own.all()).unwrap(), [1, 2, 3]);
    assert_eq!(fork.card(), device.card());
}

/// A buffer of one stream on others, without waiting for any of them.
fn loans(device: &Device) {
    let (first, second) = (device.fork().unwrap(), device.fork().unwrap());
    for length in [1, 2500, 40 << 20] {
        let bytes: Vec<u8> = (0..length).map(|i| (i * 7 + i / 251) as u8).collect();
        let buffer = device.upload(&bytes).unwrap();
        let ready = device.record().unwrap();
        first.borrow(&buffer, &ready).unwrap();
        second.borrow(&buffer, &ready).unwrap();
        let copied = first.allocate::<u8>(length).unwrap();
        first.copy(buffer.all(), copied.all()).unwrap();
        let ready = first.record().unwrap();
        // What was copied is read on a third stream, after the original is gone.
        drop(buffer);
        second.borrow(&copied, &ready).unwrap();
        let mut got = Vec::new();
        second.read_pieces(copied.all(), |piece| got.extend_from_slice(piece)).unwrap();
        assert!(got == bytes, "{length} bytes");
        assert!(matches!(second.borrow(&copied, &device.record().unwrap()), Err(CudaError::Misfit(_))));
        assert!(matches!(device.read(copied.all()), Err(CudaError::Misfit(_))));
    }
}

/// A stream that ends leaves its page-locked memory to the next one while copies from it wait behind other work.
fn staging_is_handed_on(device: &Device) {
    let third = device.fork().unwrap();
    for round in 0..3u64 {
        let first = device.fork().unwrap();
        let [from, to] = [(); 2].map(|()| first.zeros::<u64>(1 << 22).unwrap());
        for _ in 0..100 {
            first.copy(from.all(), to.all()).unwrap();
        }
        let sent: Vec<u64> = (0..1 << 17).map(|i| i << 8 | round).collect();
        let buffer = first.upload(&sent).unwrap();
        let ready = first.record().unwrap();
        drop(first);
        // More than all pieces hold.
        let second = device.fork().unwrap();
        let other = vec![u64::MAX; 5 << 20];
        let kept = second.upload(&other).unwrap();
        third.borrow(&buffer, &ready).unwrap();
        assert!(third.read(buffer.all()).unwrap() == sent, "round {round}");
        assert!(second.read(kept.all()).unwrap() == other, "round {round}");
    }
}

fn budgets(device: &Device) {
    let small = device.with_budget(1000).unwrap();
    let fork = small.fork().unwrap();
    assert_eq!((small.free_memory().unwrap(), small.memory_limit()), (1000, 1000));
    let first = small.zeros::<u64>(50).unwrap();
    let second = fork.zeros::<u8>(600).unwrap();
    assert_eq!(small.free_memory().unwrap(), 0);
    let error = small.allocate::<u8>(1).unwrap_err();
    assert_eq!(error, CudaError::OverBudget { bytes: 1, taken: 1000, budget: 1000 });
    assert!(error.is_out_of_memory());
    drop(first);
    assert_eq!(fork.free_memory().unwrap(), 400);
    // Others are not concerned, and neither is the budget by what a card does not have.
    device.zeros::<u8>(1 << 20).unwrap();
    assert!(small.require_memory(1001).unwrap_err().is_out_of_memory());
    drop(second);
    assert_eq!(fork.free_memory().unwrap(), 1000);
}

fn misfits(device: &Device) {
    let module = module(device);
    let buffer = device.zeros::<u64>(10).unwrap();
    let misfit = |result: Result<(), CudaError>| {
        assert!(matches!(result, Err(CudaError::Misfit(_))), "{result:?}");
    };
    misfit(device.write(buffer.all(), &[0; 9]));
    misfit(device.copy(buffer.slice(0..5), buffer.slice(0..4)));
    misfit(device.copy(buffer.slice(0..5), buffer.slice(4..9)));
    let grid = Grid { blocks: (1, 1, 1), threads: 10 };
    // SAFETY: there is no such kernel.
    misfit(unsafe { device.launch(&module, "none", grid, &[]) });
    // SAFETY: nothing is launched on grids that no card takes.
    misfit(unsafe { device.launch(&module, "reverse", Grid { threads: 1025, ..grid }, &[(&buffer).into()]) });
    // SAFETY: nothing is launched on no blocks.
    unsafe { device.launch(&module, "reverse", Grid { blocks: (0, 1, 1), ..grid }, &[]) }.unwrap();
    assert!(Grid::over(usize::MAX, 1).is_err());
    let broken = Source::new("broken").with(File::new("broken.cu", "int f() { return nothing; }"));
    let Err(error) = device.compile(&broken) else { panic!("it cannot compile") };
    assert!(error.to_string().contains("broken.cu") && error.to_string().contains("nothing"), "{error}");
    let needed = device.card().memory + 1;
    assert!(device.require_memory(needed).unwrap_err().is_out_of_memory());
    assert!(matches!(device.allocate::<u64>(1 << 50), Err(CudaError::OutOfMemory { .. })));
    assert!(matches!(device.allocate::<u64>(usize::MAX), Err(CudaError::OutOfMemory { .. })));
}

/// What a card would do in silence, the host says.
#[test]
fn the_host_checks_arguments_and_barriers() -> Result<(), Box<dyn Error>> {
    let device = common::host();
    let module = module(&device);
    let buffer = device.zeros::<u64>(256)?;
    let grid = Grid { blocks: (1, 1, 1), threads: 256 };
    // SAFETY: refused before it starts.
    let few = unsafe { device.launch(&module, "reverse", grid, &[]) };
    assert!(few.unwrap_err().to_string().contains("does not take 0 arguments"));
    // SAFETY: as above.
    let wrong = unsafe { device.launch(&module, "reverse", grid, &[Argument::Long(0)]) };
    assert!(wrong.unwrap_err().to_string().contains("argument 0"));
    let text =
        r#"extern "C" __global__ void odd(u64* x) { if (threadIdx.x % 2 == PARITY) __syncthreads(); }"#;
    for parity in ["0", "1"] {
        let source = Source::new("odd")
            .with(janction_accel_cuda::texts::goldilocks())
            .with(File::new("odd.cu", text.replace("PARITY", parity)))
            .with_kernels(&["odd"]);
        let odd = device.compile(&source)?;
        // SAFETY: the kernel touches no memory.
        let result = unsafe { device.launch(&odd, "odd", grid, &[(&buffer).into()]) };
        assert!(result.unwrap_err().to_string().contains("threads of a block"));
    }
    Ok(())
}

/// Without its first barrier, the kernel that reverses reads what has not been written yet in some order of the threads.
#[test]
fn the_host_finds_a_missing_barrier() -> Result<(), Box<dyn Error>> {
    let device = common::host();
    let text = TEXT.replacen("__syncthreads();", "", 1);
    let source = Source::new("racy")
        .with(janction_accel_cuda::texts::goldilocks())
        .with(File::new("racy.cu", text))
        .with_kernels(&["reverse"]);
    let module = device.compile(&source)?;
    let data = device.upload(&(0..1024u64).collect::<Vec<_>>())?;
    // SAFETY: 4 blocks of 256.
    unsafe {
        device.launch(&module, "reverse", Grid { blocks: (4, 1, 1), threads: 256 }, &[(&data).into()])
    }?;
    let expected: Vec<u64> = (0..4).flat_map(|b| (0..256).rev().map(move |i| 256 * b + i)).collect();
    assert_ne!(device.read(data.all())?, expected);
    Ok(())
}

#[test]
fn the_host_runs_out_of_memory_and_takes_it_back() -> Result<(), Box<dyn Error>> {
    let device = Device::host_with_memory(1000)?;
    assert_eq!((device.free_memory()?, device.card().memory), (1000, 1000));
    let first = device.zeros::<u8>(600)?;
    assert_eq!(device.free_memory()?, 400);
    assert_eq!(device.zeros::<u8>(401).unwrap_err(), CudaError::OutOfMemory { bytes: 401 });
    drop(first);
    device.zeros::<u8>(1000)?;
    Ok(())
}

/// Without a driver the error says what to do; with one, a card beyond the last does.
#[test]
fn what_is_missing_is_named() {
    match janction_accel_cuda::cards() {
        Ok(cards) => {
            let count = cards.len();
            let error = Device::open(count, None).err();
            assert_eq!(error, Some(CudaError::NoDevice { ordinal: count, count }));
        }
        Err(error) => {
            assert!(error.to_string().contains("install"), "{error}");
            assert_eq!(Device::open(0, None).err(), Some(error));
        }
    }
}
