//! How much faster than stock Plonky2 each backend is, stage by stage, on the threads of the default pool.
//!
//! Stock and all backends take turns, so that whatever else the machine does hits all of them; medians and the
//! quartiles of the ratio are printed. `RAYON_NUM_THREADS=1` measures one core, and then the time is processor
//! time where the system tells it (Linux), so that other processes count less.
//! Arguments: log2 of the rows (default 14), turns (default 9).

use std::cell::Cell;
use std::hint::black_box;
use std::time::Instant;

use janction_accel_cpu::{Backend, Columns, F, MerkleTree, ntt, poseidon};
use plonky2::field::polynomial::{PolynomialCoeffs, PolynomialValues};
use plonky2::field::types::{Field, Sample};
use plonky2::hash::merkle_tree::MerkleTree as StockTree;
use plonky2::hash::poseidon::{Poseidon, PoseidonHash};
use plonky2::util::{reverse_index_bits_in_place, transpose};
use rayon::prelude::*;

const COLUMNS: usize = 135;
const RATE_BITS: usize = 3;
const CAP_HEIGHT: usize = 4;
const STATES: usize = 1 << 14;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|a| a.parse::<usize>().expect("a number"));
    let log2 = arguments.next().unwrap_or(14);
    let turns = arguments.next().unwrap_or(9);
    let rows = 1 << log2;
    let threads = rayon::current_num_threads();
    println!("2^{log2} rows, {COLUMNS} columns, rate {RATE_BITS}, {threads} threads, {turns} turns");

    let states: Vec<[F; 12]> = (0..STATES).map(|_| F::rand_array()).collect();
    compare(
        &format!("poseidon, {STATES} on one thread"),
        turns,
        || {
            let mut states = states.clone();
            states.iter_mut().for_each(|s| *s = F::poseidon(*s));
            black_box(states);
        },
        |backend| {
            let mut states = states.clone();
            poseidon::permute_all(backend, &mut states);
            black_box(states);
        },
    );

    let values: Vec<Vec<F>> = (0..COLUMNS).map(|_| F::rand_vec(rows)).collect();
    let matrix = Columns::from_columns(&values).expect("columns of one length");
    compare(
        "interpolate",
        turns,
        || {
            let coefficients: Vec<_> =
                values.clone().into_par_iter().map(|v| PolynomialValues::new(v).ifft()).collect();
            black_box(coefficients);
        },
        |backend| {
            black_box(ntt::interpolate(backend, &matrix).expect("a power of two"));
        },
    );

    let coefficients: Vec<_> = values.into_iter().map(PolynomialCoeffs::new).collect();
    let extend = || -> Vec<Vec<F>> {
        let extended: Vec<Vec<F>> = coefficients
            .par_iter()
            .map(|p| p.lde(RATE_BITS).coset_fft_with_options(F::coset_shift(), Some(RATE_BITS), None).values)
            .collect();
        let mut leaves = transpose(&extended);
        reverse_index_bits_in_place(&mut leaves);
        leaves
    };
    let extend_fast =
        |backend| ntt::coset_lde(backend, &matrix, RATE_BITS, F::coset_shift()).expect("a size");
    compare(
        "extension to leaves",
        turns,
        || {
            black_box(extend());
        },
        |backend| {
            black_box(extend_fast(backend));
        },
    );

    let extended = extend_fast(Backend::PORTABLE);
    // Stock takes its leaves by value; they are put back for the next turn.
    let leaves = Cell::new(extend());
    let stock_turns = (turns / 3).max(3);
    compare(
        "tree over leaves",
        stock_turns,
        || {
            let tree = StockTree::<F, PoseidonHash>::new(leaves.take(), CAP_HEIGHT);
            leaves.set(black_box(tree).leaves);
        },
        |backend| {
            black_box(MerkleTree::of_columns(backend, &extended, CAP_HEIGHT).expect("a tree"));
        },
    );
}

fn compare(name: &str, turns: usize, stock: impl Fn(), ours: impl Fn(Backend)) {
    let backends = Backend::available();
    let time = |f: &dyn Fn()| {
        let (start, processor) = (Instant::now(), processor_time());
        f();
        match (rayon::current_num_threads(), processor, processor_time()) {
            (1, Some(before), Some(after)) => after - before,
            _ => start.elapsed().as_secs_f64(),
        }
    };
    let mut stock_times = Vec::new();
    let mut times = vec![Vec::new(); backends.len()];
    for _ in 0..turns {
        stock_times.push(time(&stock));
        for (times, backend) in times.iter_mut().zip(&backends) {
            times.push(time(&|| ours(*backend)));
        }
    }
    println!("{name}: stock {:.2} ms", 1e3 * quantile(&stock_times, 0.5));
    for (times, backend) in times.iter().zip(&backends) {
        let ratios: Vec<f64> = stock_times.iter().zip(times).map(|(s, t)| s / t).collect();
        let [low, middle, high] = [0.25, 0.5, 0.75].map(|q| quantile(&ratios, q));
        let median = 1e3 * quantile(times, 0.5);
        println!("  {:8} {median:8.2} ms   {middle:5.2}x ({low:.2} to {high:.2})", backend.name());
    }
}

/// Seconds that this process's threads have been on a processor.
fn processor_time() -> Option<f64> {
    let mut sum = 0;
    for task in std::fs::read_dir("/proc/self/task").ok()? {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        sum += text.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(sum as f64 / 1e9)
}

fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * q).round() as usize]
}
