use plonky2::iop::generator::GeneratedValues;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, PartitionWitness};
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::GenericConfig;
use rayon::prelude::*;

use super::watches::Watches;
use crate::{D, EngineError, F};

/// Generators that must be ready at once for threads to be worth their while.
const WAVE: usize = 2048;
/// Generators that one task runs.
const TASK: usize = 256;

/// Runs the circuit's generators, each once all its values are there; those that are ready together, in parallel.
///
/// Gives the values that Plonky2's `generate_partial_witness` gives, unless generators draw at random.
///
/// # Errors
/// [`EngineError::Witness`] when a value is set twice and differently, or generators lack values at the end.
pub(crate) fn generate<'a, C: GenericConfig<D, F = F>>(
    circuit: &'a CircuitData<F, C, D>,
    inputs: PartialWitness<F>,
) -> Result<PartitionWitness<'a, F>, EngineError> {
    let (common, prover) = (&circuit.common, &circuit.prover_only);
    let witness = PartitionWitness::new(common.config.num_wires, common.degree(), &prover.representative_map);
    let watches = Watches::of(circuit);
    let ready = watches.free().collect();
    let left = prover.generators.len();
    let mut run = Run { circuit, witness, watches, ready, finished: vec![false; left], left };
    run.set_all(inputs.target_values)?;
    run.drain()?;
    while run.left > 0 {
        run.retry()?;
    }
    Ok(run.witness)
}

struct Run<'a, C: GenericConfig<D, F = F>> {
    circuit: &'a CircuitData<F, C, D>,
    witness: PartitionWitness<'a, F>,
    watches: Watches,
    /// Generators that have all their values and have not run.
    ready: Vec<u32>,
    finished: Vec<bool>,
    /// Generators that are not finished.
    left: usize,
}

impl<C: GenericConfig<D, F = F>> Run<'_, C> {
    /// Runs what is ready, and what becomes ready by it.
    fn drain(&mut self) -> Result<(), EngineError> {
        let mut values = GeneratedValues::empty();
        while let Some(generator) = self.ready.pop() {
            if self.ready.len() >= WAVE && rayon::current_num_threads() > 1 {
                self.ready.push(generator);
                self.wave()?;
            } else {
                self.run(generator, &mut values)?;
            }
        }
        Ok(())
    }

    fn run(&mut self, generator: u32, values: &mut GeneratedValues<F>) -> Result<(), EngineError> {
        let generator = generator as usize;
        if !self.finished[generator] {
            let finished = self.circuit.prover_only.generators[generator].0.run(&self.witness, values);
            self.set_all(values.target_values.drain(..))?;
            self.finish(generator, finished);
        }
        Ok(())
    }

    /// Runs all that is ready, spread over the threads.
    fn wave(&mut self) -> Result<(), EngineError> {
        let wave = std::mem::take(&mut self.ready);
        let generators = &self.circuit.prover_only.generators;
        let (witness, finished) = (&self.witness, &self.finished);
        let results: Vec<(GeneratedValues<F>, Vec<bool>)> = wave
            .par_chunks(TASK)
            .map(|task| {
                let mut values = GeneratedValues::empty();
                let run =
                    |&g: &u32| finished[g as usize] || generators[g as usize].0.run(witness, &mut values);
                let finished = task.iter().map(run).collect();
                (values, finished)
            })
            .collect();
        for (task, (values, finished)) in wave.chunks(TASK).zip(results) {
            self.set_all(values.target_values)?;
            for (&generator, finished) in task.iter().zip(finished) {
                self.finish(generator as usize, finished);
            }
        }
        Ok(())
    }

    /// Runs every generator that is not finished though nothing is ready: one that watches more than it needs.
    fn retry(&mut self) -> Result<(), EngineError> {
        let before = self.left;
        let mut values = GeneratedValues::empty();
        for generator in 0..self.finished.len() {
            self.run(generator as u32, &mut values)?;
            self.drain()?;
        }
        if self.left == before {
            return Err(EngineError::Witness {
                reason: format!("{before} generators lack values: an input is missing"),
            });
        }
        Ok(())
    }

    fn set_all(&mut self, values: impl IntoIterator<Item = (Target, F)>) -> Result<(), EngineError> {
        for (target, value) in values {
            let set = self.witness.set_target_returning_rep(target, value);
            if let Some(value) = set.map_err(|e| EngineError::Witness { reason: e.to_string() })? {
                self.watches.set(value, &mut self.ready);
            }
        }
        Ok(())
    }

    fn finish(&mut self, generator: usize, finished: bool) {
        if finished && !self.finished[generator] {
            self.finished[generator] = true;
            self.left -= 1;
        }
    }
}
