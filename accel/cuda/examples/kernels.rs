//! What each kernel costs on a card, beside its two floors: bytes over bandwidth, operations over rate.
//!
//! ```text
//! cargo run --release -p janction-accel-cuda --example kernels -- [log2 rows] [columns] [GPU]
//! ```
//! With `host` for the GPU the kernels run on the CPU, one thread after the other: to see that all of this runs.
//!
//! Medians of five runs after one that is not counted. Bandwidth and rate are an H100's; set `BANDWIDTH` (bytes a second)
//! and `RATE` (32-bit integer operations a second) for another card.

use std::error::Error;
use std::time::{Duration, Instant};

use janction_accel_cuda::columns::{Permutation, invert, products_before};
use janction_accel_cuda::polynomial::{self, E, Powers};
use janction_accel_cuda::{CudaError, Device, F, Matrix, MerkleTree, grind, ntt};
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;

/// Integer operations of a multiplication, its reduction included.
const MULTIPLICATION: f64 = 20.0;
/// Of an addition.
const ADDITION: f64 = 5.0;
/// Of a permutation: 118 S-boxes of four multiplications, 8 full rounds' matrices, the sparse ones between them.
const PERMUTATION: f64 = 20_000.0;
const RUNS: usize = 5;
const RATE_BITS: usize = 3;
const CAP_HEIGHT: usize = 4;
/// Wires of a chunk of the permutation argument.
const CHUNK: usize = 8;

fn variable(name: &str, default: f64) -> f64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

struct Bench {
    device: Device,
    bandwidth: f64,
    rate: f64,
}

impl Bench {
    fn row(
        &self,
        name: &str,
        bytes: f64,
        operations: f64,
        mut work: impl FnMut() -> Result<(), CudaError>,
    ) -> Result<Duration, CudaError> {
        let mut times = Vec::with_capacity(RUNS);
        for _ in 0..=RUNS {
            self.device.synchronise()?;
            let start = Instant::now();
            work()?;
            self.device.synchronise()?;
            times.push(start.elapsed());
        }
        times.remove(0);
        times.sort();
        let median = times[RUNS / 2];
        let floor = (bytes / self.bandwidth).max(operations / self.rate);
        println!(
            "{name:<22} {:>10.3} ms  bytes {:>8.3} ms  operations {:>8.3} ms  {:>6.1} x its floor",
            1e3 * median.as_secs_f64(),
            1e3 * bytes / self.bandwidth,
            1e3 * operations / self.rate,
            median.as_secs_f64() / floor
        );
        Ok(median)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: usize| arguments.next().map_or(Ok(default), |text| text.parse());
    let (log2, columns) = (number(20)?, number(135)?);
    let gpu = arguments.next().unwrap_or_else(|| "0".into());
    let images = std::env::temp_dir().join("janction-bench-images");
    let device = if gpu == "host" { Device::host()? } else { Device::open(gpu.parse()?, Some(&images))? };
    let start = Instant::now();
    device.prepare()?;
    println!(
        "{}\nkernels ready after {:.2} s\n2^{log2} rows, {columns} columns",
        device.card(),
        start.elapsed().as_secs_f64()
    );
    let bench = Bench {
        bandwidth: variable("BANDWIDTH", 3.35e12),
        rate: variable("RATE", 14.8e12),
        device: device.clone(),
    };
    run(&bench, log2, columns)?;
    Ok(())
}

fn run(bench: &Bench, log2: usize, columns: usize) -> Result<(), Box<dyn Error>> {
    let device = &bench.device;
    let rows = 1usize << log2;
    let (n, words) = (rows as f64, (rows * columns) as f64);
    let column: Vec<F> = (0..rows as u64).map(|i| F(i * i + 1)).collect();
    let values = Matrix::upload(device, rows, (0..columns).map(|_| column.as_slice()))?;
    let coefficients = Matrix::allocate(device, rows, columns)?;
    let coset = Matrix::allocate(device, rows, columns)?;
    // A butterfly is a multiplication and two additions for two elements.
    let levels = log2 as f64 * words / 2.0 * (MULTIPLICATION + 2.0 * ADDITION);
    let passes = if log2 <= 12 { 1.0 } else { 2.0 };
    bench.row("interpolate", (passes + 1.0) * 16.0 * words, levels, || {
        ntt::interpolate(device, values.view(), coefficients.view())
    })?;
    bench.row("extend, one coset", passes * 16.0 * words, levels + MULTIPLICATION * words, || {
        ntt::extend_coset(device, coefficients.view(), RATE_BITS, F::coset_shift(), 1, coset.view())
    })?;
    let tree = MerkleTree::allocate(device, log2 + RATE_BITS, CAP_HEIGHT)?;
    let leaf = columns.div_ceil(8) as f64;
    let time = bench.row("leaves of one coset", 8.0 * words + 32.0 * n, leaf * n * PERMUTATION, || {
        tree.hash_rows(device, coset.view(), rows)
    })?;
    println!("{:<22} {:>10.1} M permutations/s", "", leaf * n / time.as_secs_f64() / 1e6);
    for coset_number in 0..1 << RATE_BITS {
        tree.hash_rows(device, coset.view(), coset_number * rows)?;
    }
    let leaves = (rows << RATE_BITS) as f64;
    bench.row("nodes of the tree", 96.0 * leaves, leaves * PERMUTATION, || tree.finish(device))?;
    let routed = columns.min(80);
    let ks = device.upload(&(1..=routed as u64).collect::<Vec<_>>())?;
    let permutation = Permutation {
        wires: values.view().some_columns(0..routed),
        sigmas: coset.view().some_columns(0..routed),
        ks: &ks,
        chunk: CHUNK,
    };
    let chunks = permutation.chunks();
    let products = Matrix::allocate(device, rows, chunks)?;
    let (pairs, quotients) = (routed as f64 * n, chunks as f64 * n);
    bench.row(
        "permutation argument",
        16.0 * pairs + 8.0 * 9.0 * quotients,
        (4.0 * MULTIPLICATION + 3.0 * ADDITION) * pairs + 22.0 * MULTIPLICATION * quotients,
        || {
            let partials = products.view().some_columns(1..chunks);
            permutation.fill(device, F(3), F(5), products.view().column(0), partials)
        },
    )?;
    bench.row("invert", 16.0 * quotients, 19.0 * MULTIPLICATION * quotients, || {
        invert(device, products.view())
    })?;
    bench.row("running product", 24.0 * n, 3.0 * MULTIPLICATION * n, || {
        products_before(device, products.view().column(0))
    })?;
    let point: E = QuadraticExtension([F(0x1234_5678_9abc_def1), F(0x0fed_cba9_8765_4321)]);
    bench.row("open", 8.0 * words, 2.0 * MULTIPLICATION * words, || {
        polynomial::evaluate(device, coefficients.view(), point).map(drop)
    })?;
    let queries: Vec<F> =
        (0..28).map(|i| ntt::row_point(log2 + RATE_BITS, F::coset_shift(), 7919 * i)).collect();
    bench.row("28 queried rows", 7.0 * 8.0 * words, 28.0 * MULTIPLICATION * words, || {
        polynomial::evaluate_at(device, coefficients.view(), &queries).map(drop)
    })?;
    let sum = Matrix::zeros(device, rows, 2)?;
    let powers = Powers::new(device, point, columns)?;
    bench.row("combine", 8.0 * words + 16.0 * n, 2.0 * MULTIPLICATION * words, || {
        polynomial::combine(device, coefficients.view(), &powers, 0, sum.view(), false)
    })?;
    let total = Matrix::zeros(device, rows, 2)?;
    bench.row("divide", 80.0 * n, 12.0 * 5.0 * MULTIPLICATION * n, || {
        polynomial::add_quotient(device, sum.view(), point, point, total.view())
    })?;
    let codeword = Matrix::allocate(device, rows << RATE_BITS, 2)?;
    bench.row(
        "codeword",
        2.0 * 2.0 * 16.0 * leaves,
        2.0 * leaves * (log2 as f64 / 2.0 * 30.0 + 20.0),
        || ntt::extend(device, total.view(), RATE_BITS, F::coset_shift(), codeword.view()),
    )?;
    // 16 values a leaf: four permutations, and one for its node.
    bench.row("codeword's tree", 16.0 * leaves, leaves / 16.0 * 5.0 * PERMUTATION, || {
        MerkleTree::of_codeword(device, codeword.view(), 4, CAP_HEIGHT).map(drop)
    })?;
    let folded = Matrix::allocate(device, rows >> 4, 2)?;
    bench.row("fold by 16", 17.0 * n, 5.0 * MULTIPLICATION * n, || {
        polynomial::fold(device, total.view(), 4, point, folded.view())
    })?;
    let mut seed = 0;
    bench.row("16 bits of work", 0.0, 65_536.0 * PERMUTATION, || {
        seed += 1;
        grind(device, &[F(seed); 12], 0, 16).map(drop)
    })?;
    Ok(())
}
