use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::GenericConfig;

use crate::{D, F};

/// Which generators wait for which values, and for how many each still waits.
///
/// Plonky2 keeps this as a tree of lists. Two flat tables answer for one value after the other without a search.
pub(super) struct Watches {
    /// Where the generators that wait for each value start.
    starts: Vec<u32>,
    generators: Vec<u32>,
    missing: Vec<u32>,
}

impl Watches {
    pub(super) fn of<C: GenericConfig<D, F = F>>(circuit: &CircuitData<F, C, D>) -> Self {
        let prover = &circuit.prover_only;
        let mut starts = Vec::with_capacity(prover.representative_map.len() + 1);
        let mut generators = Vec::new();
        let mut missing = vec![0; prover.generators.len()];
        for (&value, waiting) in &prover.generator_indices_by_watches {
            starts.resize(value + 1, generators.len() as u32);
            for &generator in waiting {
                generators.push(generator as u32);
                missing[generator] += 1;
            }
        }
        starts.resize(prover.representative_map.len() + 1, generators.len() as u32);
        Self { starts, generators, missing }
    }

    /// Generators that wait for nothing.
    pub(super) fn free(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.missing).filter_map(|(generator, &missing)| (missing == 0).then_some(generator))
    }

    /// Notes that a value is there; `ready` is told the generators that now have all of theirs.
    pub(super) fn set(&mut self, value: usize, ready: &mut Vec<u32>) {
        let waiting = self.starts[value] as usize..self.starts[value + 1] as usize;
        for &generator in &self.generators[waiting] {
            let missing = &mut self.missing[generator as usize];
            *missing -= 1;
            if *missing == 0 {
                ready.push(generator);
            }
        }
    }
}
