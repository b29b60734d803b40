//! The physical circuit: columns, gates, and the assignment of a [`Tape`].

use std::collections::{BTreeMap, BTreeSet};

use halo2_proofs::circuit::{Cell as Halo2Cell, Layouter, Region, SimpleFloorPlanner, Value};
use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::plonk::{
    Advice, Circuit, Column as Halo2Column, ConstraintSystem, Error, Expression, Selector,
};
use halo2_proofs::poly::Rotation;
use snark_verifier_sdk::CircuitExt;

use super::hash::HashConfig;
use super::range::RangeConfig;
use super::tape::{Column, Location, Tape};

/// Degree that every constraint keeps to. halo2-axiom caps the degree at an environment variable (5 by default)
/// without an error; a minimum degree equal to this one makes the keys independent of the environment. The cap also
/// means that `ConstraintSystem::degree` says nothing about the constraints: see [`largest_degree`].
pub const MAX_DEGREE: usize = 5;

/// The degree of the highest constraint, whatever halo2-axiom caps: of the gates with their selectors, and of the
/// lookups, whose product is of input and table with the grand product and the rows that are not blinded.
fn largest_degree(meta: &ConstraintSystem<Fr>) -> usize {
    fn degree<'a>(expressions: impl IntoIterator<Item = &'a Expression<Fr>>) -> usize {
        expressions.into_iter().map(Expression::degree).max().unwrap_or(0)
    }
    let gates = meta.gates().iter().flat_map(|gate| gate.polynomials());
    let lookups = meta.lookups().iter().map(|lookup| {
        2 + degree(lookup.input_expressions()).max(1) + degree(lookup.table_expressions()).max(1)
    });
    lookups.fold(degree(gates), usize::max)
}

/// All columns of the wrap circuit.
#[derive(Clone, Debug)]
pub struct WrapConfig {
    /// Flex cells, then range cells.
    flex: Halo2Column<Advice>,
    flex_gate: Selector,
    instance_gate: Selector,
    range: RangeConfig,
    hash: HashConfig,
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

/// Where the cells of a tape lie.
struct Placement<'a> {
    config: &'a WrapConfig,
    range_offset: usize,
}

impl Placement<'_> {
    fn cell(&self, location: Location) -> Halo2Cell {
        let row = location.row as usize;
        let (column, row_offset) = match location.column {
            Column::Flex => (self.config.flex, row),
            Column::Range => (self.config.flex, self.range_offset + row),
            Column::Hash => (self.config.hash.column, row),
        };
        Halo2Cell { row_offset, column: column.into() }
    }
}

impl WrapConfig {
    fn placement(&self, tape: &Tape) -> Placement<'_> {
        Placement { config: self, range_offset: tape.flex.len() }
    }

    fn assign_witness(&self, region: &mut Region<'_, Fr>, tape: &Tape) {
        for (row, &value) in tape.flex.iter().chain(&tape.range).enumerate() {
            region.assign_advice(self.flex, row, Value::known(value));
        }
        self.hash.assign_witness(region, tape);
    }

    fn assign_layout(&self, region: &mut Region<'_, Fr>, tape: &Tape) -> Result<(), Error> {
        for &row in &tape.flex_gates {
            self.flex_gate.enable(region, row as usize)?;
        }
        for row in 0..tape.num_instances {
            self.instance_gate.enable(region, row)?;
        }
        let placement = self.placement(tape);
        self.range.assign_steps(region, tape, placement.range_offset);
        self.hash.assign_layout(region, tape);
        // Constants share the column of the round constants, below them; sorted, so that their places do not depend
        // on the order in which a stage asked for them.
        let distinct: BTreeSet<Fr> = tape.constants.iter().map(|&(_, value)| value).collect();
        let first = HashConfig::rows(tape.permutations.len());
        let constants: BTreeMap<Fr, Halo2Cell> = distinct
            .into_iter()
            .enumerate()
            .map(|(i, value)| (value, region.assign_fixed(self.hash.constants, first + i, value)))
            .collect();
        for (at, value) in &tape.constants {
            region.constrain_equal(placement.cell(*at), constants[value]);
        }
        for &(left, right) in &tape.copies {
            region.constrain_equal(placement.cell(left), placement.cell(right));
        }
        Ok(())
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
        // A gate and not a copy: one column less in the permutation argument. The two selectors are never on in the
        // same row, so halo2 makes one fixed column of them.
        let instance = meta.instance_column();
        let instance_gate = meta.selector();
        meta.create_gate("instance", |meta| {
            let q = meta.query_selector(instance_gate);
            vec![
                q * (meta.query_advice(flex, Rotation::cur())
                    - meta.query_instance(instance, Rotation::cur())),
            ]
        });
        let range = RangeConfig::configure(meta, flex);
        let hash = HashConfig::configure(meta);
        meta.enable_equality(hash.constants);
        meta.set_minimum_degree(MAX_DEGREE);
        assert!(
            largest_degree(meta) <= MAX_DEGREE,
            "a constraint is of higher degree than halo2-axiom proves"
        );
        assert_eq!(meta.degree(), MAX_DEGREE, "the environment raised the degree");
        let usable_rows = (1usize << k).saturating_sub(meta.blinding_factors() + 1);
        WrapConfig { flex, flex_gate, instance_gate, range, hash, usable_rows }
    }

    fn synthesize(&self, config: WrapConfig, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        if self.tape.size().rows() > config.usable_rows {
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
        }
        Ok(())
    }
}

impl CircuitExt<Fr> for WrapCircuit {
    fn num_instance(&self) -> Vec<usize> {
        vec![self.tape.num_instances]
    }

    fn instances(&self) -> Vec<Vec<Fr>> {
        vec![self.tape.instance_values()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_degree_is_pinned() {
        let mut meta = ConstraintSystem::default();
        WrapCircuit::configure_with_params(&mut meta, 17);
        assert_eq!(meta.degree(), MAX_DEGREE);
        assert_eq!(largest_degree(&meta), MAX_DEGREE);
    }

    /// What halo2-axiom itself does not notice.
    #[test]
    fn a_gate_of_higher_degree_is_seen() {
        let mut meta = ConstraintSystem::default();
        WrapCircuit::configure_with_params(&mut meta, 17);
        let column = meta.advice_column();
        let selector = meta.selector();
        meta.create_gate("of degree 6", |meta| {
            let x = meta.query_advice(column, Rotation::cur());
            let square = x.clone() * x.clone();
            vec![meta.query_selector(selector) * (square.clone() * square * x)]
        });
        assert_eq!(largest_degree(&meta), MAX_DEGREE + 1);
    }

    /// Folding selectors into one column multiplies degrees; the key must stay within the bound, too.
    #[test]
    fn compressed_selectors_keep_the_degree() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let srs = crate::Srs::insecure_development(17, crate::srs::DEVELOPMENT_CHAIN_ID, dir.path())
            .expect("an SRS");
        let mut tape = Tape::default();
        let cell = tape.expose([Fr::from(3)])[0];
        tape.permute([super::super::tape::Input::Cell(cell); 3]);
        tape.range_check(cell, 1);
        let circuit = WrapCircuit { k: 17, tape, witness_only: false };
        let vk = halo2_proofs::plonk::keygen_vk(srs.params(), &circuit).expect("a key");
        assert!(largest_degree(vk.cs()) <= MAX_DEGREE);
    }

    /// halo2-axiom caps the degree at this variable; the test above must not notice.
    #[test]
    fn the_environment_does_not_change_the_keys() {
        for cap in ["3", "9"] {
            let output = std::process::Command::new(std::env::current_exe().expect("the test binary"))
                .args(["--exact", "circuit::columns::tests::the_degree_is_pinned"])
                .env("MAX_DEGREE", cap)
                .output()
                .expect("the test binary runs");
            assert!(output.status.success(), "MAX_DEGREE={cap}: {}", String::from_utf8_lossy(&output.stdout));
        }
    }
}
