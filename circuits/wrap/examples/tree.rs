//! How much faster the hashes of the last layer are, many side by side: permutations, and all trees of a proof.
//!
//! Stock (Plonky2's tree, one hash at a time with arkworks) and every backend take turns, so that whatever else the machine
//! does hits all of them; medians and the quartiles of the ratio are printed, by the clock and by the processor's time,
//! which other processes disturb less. `RAYON_NUM_THREADS` sets the threads.
//!
//! `cargo run --release -p janction-wrap --example tree -- [log2 of the leaves, default 14; the last layer has 17] [turns, default 3]`

use std::cell::RefCell;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use janction_accel_cpu::bn254::Element;
use janction_accel_cpu::{Backend, Columns, TreeHasher};
use janction_wrap::Bn254Hasher;
use janction_wrap::config::{Bn254Digest, Bn254Poseidon2};
use janction_wrap::last_layer::{F, LAST_LAYER_DEGREE_BITS, last_layer_config};
use janction_wrap::poseidon2::{WIDTH, many, permute};
use plonky2::field::types::Sample;
use plonky2::hash::merkle_tree::MerkleTree;

const STATES: usize = 1 << 15;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>().expect("a number"));
    let config = last_layer_config();
    let whole = LAST_LAYER_DEGREE_BITS + config.fri_config.rate_bits;
    let log2_leaves = arguments.next().unwrap_or(whole - 3);
    let turns = arguments.next().unwrap_or(3);
    println!("{} threads, {turns} turns", rayon::current_num_threads());

    let states: Vec<[ark_bn254::Fr; WIDTH]> =
        (0..STATES).map(|i| [3 * i, 3 * i + 1, 3 * i + 2].map(|x| ark_bn254::Fr::from(x as u64))).collect();
    compare(
        &format!("{STATES} permutations on one thread"),
        turns,
        || {
            let mut states = states.clone();
            states.iter_mut().for_each(permute);
            black_box(states);
        },
        |backend| {
            let mut states: Vec<_> = states.iter().map(|state| state.map(|x| Element(x.0.0))).collect();
            many().permute_all(backend, &mut states);
            black_box(states);
        },
    );

    // Wires; Z and partial products; quotient chunks: what a proof of the last layer commits to.
    let products =
        config.num_challenges * config.num_routed_wires.div_ceil(config.max_quotient_degree_factor);
    let quotients = config.num_challenges * config.max_quotient_degree_factor;
    for columns in [config.num_wires, products, quotients] {
        let rows = 1 << log2_leaves;
        let matrix: Vec<Vec<F>> = (0..columns).map(|_| F::rand_vec(rows)).collect();
        let matrix = Columns::from_columns(&matrix).expect("columns of one length");
        // Stock takes its leaves by value; they are put back for the next turn.
        let leaves: RefCell<Vec<Vec<F>>> = RefCell::new((0..rows).map(|i| matrix.row(i)).collect());
        let root = RefCell::new(None);
        compare(
            &format!("tree over 2^{log2_leaves} leaves of {columns} elements (the last layer has 2^{whole})"),
            turns,
            || {
                let tree = MerkleTree::<F, Bn254Poseidon2>::new(leaves.take(), config.fri_config.cap_height);
                root.replace(Some(tree.cap.0[0]));
                leaves.replace(tree.leaves);
            },
            |backend| {
                let hasher: Arc<dyn TreeHasher<Bn254Poseidon2>> =
                    Arc::new(Bn254Hasher::with_backend(backend));
                let mut level: Vec<Bn254Digest> = hasher.rows(&matrix);
                while level.len() > 1 {
                    level = hasher.pairs(&level);
                }
                assert_eq!(Some(level[0]), *root.borrow(), "the roots are the same");
            },
        );
    }
}

/// Seconds by the clock and by the processors.
#[derive(Clone, Copy)]
struct Time {
    clock: f64,
    processor: f64,
}

fn time(run: impl FnOnce()) -> Time {
    let (start, before) = (Instant::now(), processor_time());
    run();
    Time { clock: start.elapsed().as_secs_f64(), processor: processor_time() - before }
}

fn compare(name: &str, turns: usize, stock: impl Fn(), ours: impl Fn(Backend)) {
    let backends = Backend::available();
    let mut stock_times = Vec::new();
    let mut times = vec![Vec::new(); backends.len()];
    for _ in 0..turns {
        stock_times.push(time(&stock));
        for (times, backend) in times.iter_mut().zip(&backends) {
            times.push(time(|| ours(*backend)));
        }
    }
    println!("{name}");
    for (clock, of) in
        [("clock", (|time| time.clock) as fn(&Time) -> f64), ("processor", |time| time.processor)]
    {
        let stock: Vec<f64> = stock_times.iter().map(of).collect();
        println!("  {clock}: stock {:.2} ms", 1e3 * quantile(&stock, 0.5));
        for (times, backend) in times.iter().zip(&backends) {
            let times: Vec<f64> = times.iter().map(of).collect();
            let ratios: Vec<f64> = stock.iter().zip(&times).map(|(stock, ours)| stock / ours).collect();
            let [low, middle, high] = [0.25, 0.5, 0.75].map(|q| quantile(&ratios, q));
            let median = 1e3 * quantile(&times, 0.5);
            println!("    {:8} {median:8.2} ms   {middle:5.2}x ({low:.2} to {high:.2})", backend.name());
        }
    }
}

/// Seconds that this process's threads have been on a processor; not a number where the system does not tell.
fn processor_time() -> f64 {
    let tasks = || -> Option<u64> {
        let mut sum = 0;
        for task in std::fs::read_dir("/proc/self/task").ok()? {
            let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            sum += text.split(' ').next()?.parse::<u64>().ok()?;
        }
        Some(sum)
    };
    tasks().map_or(f64::NAN, |nanoseconds| nanoseconds as f64 / 1e9)
}

fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * q).round() as usize]
}
