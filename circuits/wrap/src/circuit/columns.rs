//! The physical circuit: columns, gates, and the assignment of a [`Tape`].

use std::collections::BTreeMap;

use halo2_base::halo2_proofs::circuit::{Cell as Halo2Cell, Layouter, Region, SimpleFloorPlanner, Value};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::plonk::{
    Advice, Circuit, Column as Halo2Column, ConstraintSystem, Error, Fixed, Instance, Selector,
};
use halo2_base::halo2_proofs::poly::Rotation;
use snark_verifier_sdk::CircuitExt;

use super::hash::HashConfig;
use super::range::RangeConfig;
use super::tape::{Column, Location, Tape};

/// Degree that every constraint keeps to. halo2-axiom caps the degree at an environment variable (5 by default)
/// without an error; a minimum degree equal to this one makes the keys independent of the environment.
pub const MAX_DEGREE: usize = 5;

/// All columns of the wrap circuit.
#[derive(Clone, Debug)]
pub struct WrapConfig {
    flex: Halo2Column<Advice>,
    flex_gate: Selector,
    range: RangeConfig,
    hash: HashConfig,
    constants: Halo2Column<Fixed>,
    instance: Halo2Column<Instance>,
    /// Rows that are not blinded.
    usable_rows: usize,
}

/// A tape as a halo2 circuit of 2^k rows.
#[derive(Clone, Debug)]
pub struct WrapCircuit {
    /// Base-two logarithm of the rows.
    pub k: u32,
    /// The cells.
    pub tape: Tape,
    /// Assign the witness only, without gates, copies and constants, as the prover does.
    pub witness_only: bool,
}

impl WrapConfig {
    fn physical(&self, location: Location) -> (Halo2Column<Advice>, usize) {
        let column = match location.column {
            Column::Flex => self.flex,
            Column::Range => self.range.sums,
            Column::Hash(index) => self.hash.columns[usize::from(index)],
        };
        (column, location.row as usize)
    }

    fn assign_witness(&self, region: &mut Region<'_, Fr>, tape: &Tape) {
        for (column, values) in [(self.flex, &tape.flex), (self.range.sums, &tape.range)] {
            for (row, &value) in values.iter().enumerate() {
                region.assign_advice(column, row, Value::known(value));
            }
        }
        self.hash.assign_witness(region, tape);
    }

    fn assign_layout(&self, region: &mut Region<'_, Fr>, tape: &Tape) -> Result<(), Error> {
        for &row in &tape.flex_gates {
            self.flex_gate.enable(region, row as usize)?;
        }
        self.range.assign_steps(region, tape);
        self.hash.assign_layout(region, tape);
        let cell = |location: Location| {
            let (column, row) = self.physical(location);
            Halo2Cell { row_offset: row, column: column.into() }
        };
        // Sorted, so that the fixed column does not depend on the order in which a stage asked for constants.
        let mut constants: BTreeMap<Fr, Halo2Cell> =
            tape.constants.iter().map(|&(at, value)| (value, cell(at))).collect();
        for (row, (&value, place)) in constants.iter_mut().enumerate() {
            *place = region.assign_fixed(self.constants, row, value);
        }
        for (at, value) in &tape.constants {
            region.constrain_equal(cell(*at), constants[value]);
        }
        for &(left, right) in &tape.copies {
            region.constrain_equal(cell(left), cell(right));
        }
        Ok(())
    }

    /// Rows that a tape takes in its longest column.
    fn rows(tape: &Tape) -> usize {
        let constants: std::collections::BTreeSet<_> =
            tape.constants.iter().map(|(_, value)| value).collect();
        [tape.flex.len(), tape.range.len() + 1, HashConfig::rows(tape.permutations.len()), constants.len()]
            .into_iter()
            .max()
            .expect("not empty")
    }
}

impl Circuit<Fr> for WrapCircuit {
    type Config = WrapConfig;
    type FloorPlanner = SimpleFloorPlanner;
    /// Base-two logarithm of the rows.
    type Params = u32;

    fn params(&self) -> u32 {
        self.k
    }

    fn without_witnesses(&self) -> Self {
        self.clone()
    }

    fn configure(_: &mut ConstraintSystem<Fr>) -> WrapConfig {
        unreachable!("halo2-axiom with circuit parameters calls configure_with_params")
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, k: u32) -> WrapConfig {
        let flex = meta.advice_column();
        meta.enable_equality(flex);
        let flex_gate = meta.selector();
        meta.create_gate("a + b·c = d", |meta| {
            let q = meta.query_selector(flex_gate);
            let [a, b, c, d] = [0, 1, 2, 3].map(|i| meta.query_advice(flex, Rotation(i)));
            vec![q * (a + b * c - d)]
        });
        let range = RangeConfig::configure(meta);
        let hash = HashConfig::configure(meta);
        let constants = meta.fixed_column();
        meta.enable_equality(constants);
        let instance = meta.instance_column();
        meta.enable_equality(instance);
        meta.set_minimum_degree(MAX_DEGREE);
        assert_eq!(meta.degree(), MAX_DEGREE, "a constraint is of higher degree than halo2-axiom proves");
        let usable_rows = (1usize << k).saturating_sub(meta.blinding_factors() + 1);
        WrapConfig { flex, flex_gate, range, hash, constants, instance, usable_rows }
    }

    fn synthesize(&self, config: WrapConfig, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        if WrapConfig::rows(&self.tape) > config.usable_rows {
            return Err(Error::NotEnoughRowsAvailable { current_k: self.k });
        }
        layouter.assign_region(
            || "wrap",
            |mut region| {
                config.assign_witness(&mut region, &self.tape);
                if !self.witness_only {
                    config.assign_layout(&mut region, &self.tape)?;
                }
                Ok(())
            },
        )?;
        if !self.witness_only {
            config.range.load_table(&mut layouter)?;
            for (row, instance) in self.tape.instances.iter().enumerate() {
                let (column, at) = config.physical(instance.at);
                let cell = Halo2Cell { row_offset: at, column: column.into() };
                layouter.constrain_instance(cell, config.instance, row);
            }
        }
        Ok(())
    }
}

impl CircuitExt<Fr> for WrapCircuit {
    fn num_instance(&self) -> Vec<usize> {
        vec![self.tape.instances.len()]
    }

    fn instances(&self) -> Vec<Vec<Fr>> {
        vec![self.tape.instance_values()]
    }
}
