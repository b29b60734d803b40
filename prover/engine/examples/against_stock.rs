//! Times the CPU engine against stock Plonky2 in the same run, on the same threads: circuits of half Poseidon, half
//! arithmetic rows, witness generation counted on both sides. The two take turns, so that whatever else the machine does
//! hits both; beside the clock's time stands the processor's, where the system tells it (Linux), which other processes
//! disturb less.
//!
//! `cargo run --release -p janction-engine --example against_stock -- [rounds] [log2 rows ...]`; `RAYON_NUM_THREADS` sets the threads.
//! `-- stock [log2 rows]` and `-- cpu [log2 rows]` make one proof with one prover and print the most memory that it took.

use std::time::Instant;

use janction_engine::{Cpu, D, Engine, F, Stage, Stock};
use plonky2::field::types::Field;
use plonky2::hash::hashing::PlonkyPermutation;
use plonky2::hash::poseidon::{PoseidonHash, PoseidonPermutation};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};
use plonky2::plonk::config::PoseidonGoldilocksConfig;

type C = PoseidonGoldilocksConfig;

/// Multiply-adds in a row of the standard configuration.
const OPERATIONS: usize = 20;

fn circuit(log2_rows: usize) -> (CircuitData<F, C, D>, PartialWitness<F>) {
    let mut builder = CircuitBuilder::<F, D>::new(CircuitConfig::standard_recursion_config());
    let start = builder.add_virtual_target();
    let half = (1 << (log2_rows - 1)) - 8;
    let mut state = PoseidonPermutation::<Target>::new(std::iter::repeat(start));
    for _ in 0..half {
        state = builder.permute::<PoseidonHash>(state);
    }
    let mut x = start;
    for _ in 0..half * OPERATIONS {
        x = builder.mul_add(x, x, start);
    }
    builder.register_public_inputs(&[state.squeeze()[0], x]);
    let circuit = builder.build::<C>();
    assert_eq!(circuit.common.degree_bits(), log2_rows);
    let mut inputs = PartialWitness::new();
    inputs.set_target(start, F::from_canonical_u64(3)).expect("a new target");
    (circuit, inputs)
}

/// Seconds by the clock and by the processors.
#[derive(Clone, Copy)]
struct Time {
    clock: f64,
    processor: f64,
}

fn time<T>(run: impl FnOnce() -> T) -> (T, Time) {
    let (start, before) = (Instant::now(), processor_time().unwrap_or(f64::NAN));
    let result = run();
    let processor = processor_time().unwrap_or(f64::NAN) - before;
    (result, Time { clock: start.elapsed().as_secs_f64(), processor })
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

/// Median, least and greatest.
fn spread(times: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut times: Vec<f64> = times.collect();
    times.sort_by(f64::total_cmp);
    [times[times.len() / 2], times[0], times[times.len() - 1]]
}

fn report(clock: &str, stock: [f64; 3], ours: [f64; 3]) {
    println!(
        "    {clock:<10} stock {:.3} s ({:.3} to {:.3}), cpu {:.3} s ({:.3} to {:.3}): {:.2} times as fast",
        stock[0],
        stock[1],
        stock[2],
        ours[0],
        ours[1],
        ours[2],
        stock[0] / ours[0]
    );
}

/// Makes one proof and prints the process's peak of memory, with the circuit and without.
fn one_proof(prover: &str, log2_rows: usize) -> Result<(), Box<dyn std::error::Error>> {
    let (circuit, inputs) = circuit(log2_rows);
    // Building takes more than it leaves; the proof's peak starts from what is left.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let before = status_megabytes("VmRSS:")?;
    match prover {
        "stock" => Stock.prove(&circuit, inputs)?,
        _ => Cpu::new()?.prove(&circuit, inputs)?,
    };
    let peak = status_megabytes("VmHWM:")?;
    println!(
        "{prover}, 2^{log2_rows} rows: circuit {before} MB, peak {peak} MB, the proof's part {} MB",
        peak - before
    );
    Ok(())
}

fn status_megabytes(name: &str) -> Result<u64, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such line")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1000)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).peekable();
    if let Some(prover) = arguments.next_if(|first| first == "stock" || first == "cpu") {
        let log2_rows = arguments.next().map_or(Ok(14), |size| size.parse())?;
        return one_proof(&prover, log2_rows);
    }
    let rounds = arguments.next().map_or(Ok(3), |rounds| rounds.parse())?;
    let sizes = arguments.map(|size| size.parse()).collect::<Result<Vec<usize>, _>>()?;
    let cpu = Cpu::new()?;
    println!("{} threads", rayon::current_num_threads());
    for log2_rows in if sizes.is_empty() { vec![12, 14] } else { sizes } {
        let (circuit, inputs) = circuit(log2_rows);
        let (mut stock_times, mut cpu_times, mut stages) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let (proof, taken) = time(|| Stock.prove(&circuit, inputs.clone()));
            proof?;
            stock_times.push(taken);
            let (proof, taken) = time(|| cpu.prove_in_stages(&circuit, inputs.clone()));
            let (proof, times) = proof?;
            cpu_times.push(taken);
            circuit.verify(proof)?;
            stages.push(times);
        }
        println!("2^{log2_rows} rows");
        let clock = |times: &[Time]| spread(times.iter().map(|time| time.clock));
        let processor = |times: &[Time]| spread(times.iter().map(|time| time.processor));
        report("clock", clock(&stock_times), clock(&cpu_times));
        report("processor", processor(&stock_times), processor(&cpu_times));
        for stage in Stage::ALL {
            let [time, ..] = spread(stages.iter().map(|stages| stages.get(stage).as_secs_f64()));
            println!("    {:<10} {time:.3} s", stage.name());
        }
    }
    Ok(())
}
