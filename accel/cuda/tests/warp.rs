//! Operations of a warp, in the register layouts of the PTX manual, and copies that arrive later.
#![allow(unsafe_code)] // Launches.

mod common;

use std::error::Error;

use common::{Words, on_devices};
use janction_accel_cuda::{Argument, CudaError, Device, File, Grid, Module, Source, texts};

on_devices!(matrices_come_as_documented, products_are_laid_out_as_documented, sums_of_lanes, copies_arrive);

const TEXT: &str = r#"
extern "C" __global__ void matrices(const u8* bytes, const u32* rows, u32* out) {
    __shared__ uint4 lines[32];
    lines[threadIdx.x] = ((const uint4*)bytes)[threadIdx.x];
    __syncthreads();
    u32 words[4];
    warp::load_matrices(words, &lines[rows[threadIdx.x]]);
    for (int i = 0; i < 4; i++) out[4 * threadIdx.x + i] = words[i];
}
extern "C" __global__ void products(const u32* left, const u32* right, u32* sums, u32 rounds) {
    u32 thread = threadIdx.x;
    warp::Left a;
    warp::Right b;
    warp::Sums c;
    for (int i = 0; i < 4; i++) a[i] = left[4 * thread + i];
    for (int i = 0; i < 2; i++) b[i] = right[2 * thread + i];
    for (int i = 0; i < 4; i++) c[i] = (int)sums[4 * thread + i];
    // Warps need not do the same number of them.
    for (u32 round = 0; round < rounds + thread / 32; round++) warp::multiply(c, a, b);
    for (int i = 0; i < 4; i++) sums[4 * thread + i] = (u32)c[i];
}
extern "C" __global__ void lane_sums(u32* values) {
    values[threadIdx.x] = (u32)warp::sum((int)values[threadIdx.x]);
}
// Lines of 64 words; each block adds up the words that its threads' neighbours have copied.
extern "C" __global__ void pipeline(const u32* words, u32* out, u32 lines) {
    __shared__ uint4 stages[3][16];
    u32 thread = threadIdx.x, total = 0;
    for (u32 line = 0; line < lines + 2; line++) {
        if (thread < 16 && line < lines) warp::start_copy(&stages[line % 3][thread], words + 64 * line + 4 * thread, 16);
        if (thread >= 16 && line < lines) warp::start_copy(&stages[line % 3][thread - 16], words, 0);
        warp::close_group();
        warp::finish_groups<LEFT>();
        __syncthreads();
        if (line >= 2) {
            const u32* stage = (const u32*)stages[(line - 2) % 3];
            total = 3 * total + stage[2 * (31 - thread)] + stage[2 * (31 - thread) + 1];
        }
        __syncthreads();
    }
    out[thread] = total;
}
"#;

fn source(text: &str) -> Source {
    Source::new("warp-test")
        .with(texts::goldilocks())
        .with(texts::mma())
        .with(File::new("warp.cu", text))
        .with_kernels(&["matrices", "products", "lane_sums", "pipeline"])
}

/// Copies of a line are waited for two lines later. Two threads copy to each place, so only 16 of them are to run.
fn module(device: &Device) -> Module {
    let text = TEXT.replace("LEFT", "2").replace("thread >= 16 && line < lines", "false");
    device.compile(&source(&text)).expect("the test's kernels compile")
}

fn warps(count: u32) -> Grid {
    Grid { blocks: (1, 1, 1), threads: 32 * count }
}

fn matrices_come_as_documented(device: &Device) {
    let bytes: Vec<u8> = (0..512u32).map(|i| (i * 7 + i / 256) as u8).collect();
    // Any row for any lane, one of them twice.
    let rows: Vec<u32> = (0..32).map(|lane| if lane == 5 { 0 } else { lane * 11 % 32 }).collect();
    let out = device.zeros::<u32>(128).unwrap();
    let (input, places) = (device.upload(&bytes).unwrap(), device.upload(&rows).unwrap());
    let arguments = [(&input).into(), (&places).into(), (&out).into()];
    // SAFETY: 32 rows of 16 bytes, their numbers, four words a thread.
    unsafe { device.launch(&module(device), "matrices", warps(1), &arguments) }.unwrap();
    let words = device.read(out.all()).unwrap();
    for lane in 0..32 {
        for matrix in 0..4 {
            // "ldmatrix": thread T of the warp holds bytes 4 (T % 4).. of row T / 4 of each matrix.
            let row = rows[8 * matrix + lane / 4] as usize;
            let at = 16 * row + 4 * (lane % 4);
            let expected = u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
            assert_eq!(words[4 * lane + matrix], expected, "lane {lane}, matrix {matrix}");
        }
    }
}

/// Where the manual says that element i of a lane's fragment lies: "Matrix Fragments for mma.m16n8k32", 8-bit types.
fn left_place(lane: usize, i: usize) -> (usize, usize) {
    let (group, thread) = (lane >> 2, lane % 4);
    let row = if i < 4 || (8..12).contains(&i) { group } else { group + 8 };
    let column = if i < 8 { 4 * thread + (i & 3) } else { 4 * thread + (i & 3) + 16 };
    (row, column)
}

fn right_place(lane: usize, i: usize) -> (usize, usize) {
    let (group, thread) = (lane >> 2, lane % 4);
    let row = if i < 4 { 4 * thread + (i & 3) } else { 4 * thread + (i & 3) + 16 };
    (row, group)
}

fn sum_place(lane: usize, i: usize) -> (usize, usize) {
    let (group, thread) = (lane >> 2, lane % 4);
    (if i < 2 { group } else { group + 8 }, 2 * thread + (i & 1))
}

fn products_are_laid_out_as_documented(device: &Device) {
    let mut words = Words(3);
    // Two warps with matrices of their own, the ends of the cells' range among them.
    let mut cell = || [words.next() as i8, i8::MIN, i8::MAX, words.next() as i8][words.next() as usize % 4];
    let left: Vec<[[i8; 32]; 16]> = (0..2).map(|_| [[0; 32]; 16].map(|row| row.map(|_| cell()))).collect();
    let right: Vec<[[i8; 8]; 32]> = (0..2).map(|_| [[0; 8]; 32].map(|row| row.map(|_| cell()))).collect();
    let start = |row: usize, column: usize| i32::MAX - 5 + (row * 8 + column) as i32 % 6;
    let pack = |cells: &dyn Fn(usize) -> i8, count: usize| -> Vec<u32> {
        (0..count / 4).map(|w| u32::from_le_bytes([0, 1, 2, 3].map(|i| cells(4 * w + i) as u8))).collect()
    };
    let lanes = || (0..2).flat_map(|warp| (0..32).map(move |lane| (warp, lane)));
    let at = |matrix: &[[i8; 32]; 16], (row, column): (usize, usize)| matrix[row][column];
    let a: Vec<u32> =
        lanes().flat_map(|(warp, lane)| pack(&|i| at(&left[warp], left_place(lane, i)), 16)).collect();
    let b: Vec<u32> = lanes()
        .flat_map(|(warp, lane)| {
            pack(
                &|i| {
                    let (row, column) = right_place(lane, i);
                    right[warp][row][column]
                },
                8,
            )
        })
        .collect();
    let places: Vec<(usize, usize, usize)> = lanes()
        .flat_map(|(warp, lane)| (0..4).map(move |i| (warp, sum_place(lane, i).0, sum_place(lane, i).1)))
        .collect();
    let c: Vec<u32> = places.iter().map(|&(_, row, column)| start(row, column) as u32).collect();
    let sums = device.upload(&c).unwrap();
    let (a, b) = (device.upload(&a).unwrap(), device.upload(&b).unwrap());
    let arguments = [(&a).into(), (&b).into(), (&sums).into(), Argument::Word(2)];
    // SAFETY: as many words for each thread of two warps as the kernel reads.
    unsafe { device.launch(&module(device), "products", warps(2), &arguments) }.unwrap();
    for (&(warp, row, column), got) in places.iter().zip(device.read(sums.all()).unwrap()) {
        let product: i32 =
            (0..32).map(|k| i32::from(left[warp][row][k]) * i32::from(right[warp][k][column])).sum();
        let expected = start(row, column).wrapping_add((2 + warp as i32) * product);
        assert_eq!(got as i32, expected, "warp {warp}, row {row}, column {column}");
    }
}

fn sums_of_lanes(device: &Device) {
    let values: Vec<u32> = Words(4).take(64).into_iter().map(|word| word as u32).collect();
    let buffer = device.upload(&values).unwrap();
    // SAFETY: a word for each thread.
    unsafe { device.launch(&module(device), "lane_sums", warps(2), &[(&buffer).into()]) }.unwrap();
    let sum = |warp: &[u32]| warp.iter().fold(0u32, |sum, value| sum.wrapping_add(*value));
    let expected: Vec<u32> = values.chunks(32).flat_map(|warp| [sum(warp); 32]).collect();
    assert_eq!(device.read(buffer.all()).unwrap(), expected);
}

fn lines() -> (Vec<u32>, Vec<u32>) {
    let words: Vec<u32> = Words(5).take(64 * 7).into_iter().map(|word| word as u32).collect();
    let total = |thread: usize| {
        words.chunks(64).fold(0u32, |total, line| {
            let own = line[2 * (31 - thread)].wrapping_add(line[2 * (31 - thread) + 1]);
            total.wrapping_mul(3).wrapping_add(own)
        })
    };
    let totals = (0..32).map(total).collect();
    (words, totals)
}

fn run_pipeline(device: &Device, module: &Module) -> (Vec<u32>, Vec<u32>) {
    let (words, expected) = lines();
    let (input, out) = (device.upload(&words).unwrap(), device.zeros::<u32>(32).unwrap());
    let arguments = [(&input).into(), (&out).into(), Argument::Word(7)];
    // SAFETY: 7 lines of 64 words, a word for each thread.
    unsafe { device.launch(module, "pipeline", warps(1), &arguments) }.unwrap();
    (device.read(out.all()).unwrap(), expected)
}

fn copies_arrive(device: &Device) {
    let (got, expected) = run_pipeline(device, &module(device));
    assert_eq!(got, expected);
}

/// A kernel that does not wait long enough finds what was there before; one that copies nothing, zeros.
#[test]
fn the_host_makes_copies_late() {
    let device = common::host();
    let compile = |text: String| device.compile(&source(&text)).unwrap();
    let one = TEXT.replace("thread >= 16 && line < lines", "false");
    let (got, expected) = run_pipeline(&device, &compile(one.replace("LEFT", "3")));
    assert_ne!(got, expected);
    // The second copy to a place comes later, or another thread's does: either way zeros are among them.
    let (got, expected) = run_pipeline(&device, &compile(TEXT.replace("LEFT", "2")));
    assert_ne!(got, expected);
}

/// Threads that do not come to what their warp does together are found.
#[test]
fn the_host_finds_a_warp_that_is_not_together() -> Result<(), Box<dyn Error>> {
    let device = common::host();
    let buffer = device.zeros::<u32>(64)?;
    for condition in ["threadIdx.x % 2 == 0", "threadIdx.x % 2 == 1", "threadIdx.x >= 40"] {
        let text = format!(
            "extern \"C\" __global__ void odd(u32* x) {{ if ({condition}) x[threadIdx.x] = (u32)warp::sum(1); }}"
        );
        let source = Source::new("odd-warp")
            .with(texts::goldilocks())
            .with(texts::mma())
            .with(File::new("odd.cu", text))
            .with_kernels(&["odd"]);
        let odd = device.compile(&source)?;
        // SAFETY: a word for each thread.
        let result = unsafe { device.launch(&odd, "odd", warps(2), &[(&buffer).into()]) };
        assert!(matches!(result, Err(CudaError::Host(_))), "{condition}: {result:?}");
    }
    Ok(())
}
