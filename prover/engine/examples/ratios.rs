//! Times the CPU engine against stock Plonky2 in the same run, on the same threads: circuits of half Poseidon, half
//! arithmetic rows, witness generation counted on both sides.
//!
//! `cargo run --release -p janction-engine --example ratios -- [rounds] [log2 rows ...]`; `RAYON_NUM_THREADS` sets the threads.

use std::time::{Duration, Instant};

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

fn median(mut times: Vec<Duration>) -> (f64, f64, f64) {
    times.sort();
    let seconds = |i: usize| times[i].as_secs_f64();
    (seconds(times.len() / 2), seconds(0), seconds(times.len() - 1))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let rounds = arguments.next().map_or(Ok(3), |rounds| rounds.parse())?;
    let sizes = arguments.map(|size| size.parse()).collect::<Result<Vec<usize>, _>>()?;
    let cpu = Cpu::new()?;
    println!("{} threads", rayon::current_num_threads());
    for log2_rows in if sizes.is_empty() { vec![12, 14] } else { sizes } {
        let (circuit, inputs) = circuit(log2_rows);
        let (mut stock_times, mut cpu_times, mut stages) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let start = Instant::now();
            Stock.prove(&circuit, inputs.clone())?;
            stock_times.push(start.elapsed());
            let start = Instant::now();
            let (proof, times) = cpu.prove_in_stages(&circuit, inputs.clone())?;
            cpu_times.push(start.elapsed());
            circuit.verify(proof)?;
            stages.push(times);
        }
        let (stock, stock_min, stock_max) = median(stock_times);
        let (ours, min, max) = median(cpu_times);
        println!(
            "2^{log2_rows}: stock {stock:.3} s ({stock_min:.3}..{stock_max:.3}), cpu {ours:.3} s ({min:.3}..{max:.3}), ratio of medians {:.2}, of minima {:.2}",
            stock / ours,
            stock_min / min
        );
        for stage in Stage::ALL {
            let (time, ..) = median(stages.iter().map(|stages| stages.get(stage)).collect());
            println!("    {:<10}{time:.3} s", stage.name());
        }
    }
    Ok(())
}
