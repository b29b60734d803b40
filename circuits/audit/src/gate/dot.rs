//! The gate of dot products with constants.

use janction_gadgets::{Builder, D, F};
use plonky2::field::extension::Extendable;
use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::gates::gate::Gate;
use plonky2::gates::packed_util::PackedEvaluableBase;
use plonky2::gates::util::StridedConstraintConsumer;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator, WitnessGeneratorRef};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::vars::{
    EvaluationTargets, EvaluationVars, EvaluationVarsBaseBatch, EvaluationVarsBasePacked,
};
use plonky2::util::serialization::{Buffer, IoError, IoResult, Read, Write};

/// Routed wires of a row.
const WIRES: usize = 80;

/// `sums` dot products a row: `sum = addend + sum_i c_i x_i`, with the row's constants c. Degree 2.
///
/// All wires are routed. A term whose constant is zero is no term: its wire need not be set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DotGate {
    sums: usize,
}

impl DotGate {
    /// Most sums of a row.
    pub const MAX_SUMS: usize = 20;

    /// The gate of `sums` dot products, at most [`Self::MAX_SUMS`].
    pub const fn new(sums: usize) -> Self {
        assert!(0 < sums && sums <= Self::MAX_SUMS, "dot products of a row");
        Self { sums }
    }

    /// The gate that takes the fewest rows for many dot products of `terms` terms, the one with the fewest sums among
    /// equals.
    pub fn for_terms(terms: usize) -> Self {
        // Rows per dot product, times the least common multiple of all candidates' sums.
        let rows = |gate: &Self| 232_792_560 / gate.sums * terms.div_ceil(gate.terms()).max(1);
        let gates = (1..=Self::MAX_SUMS).map(Self::new);
        gates.min_by_key(rows).expect("there are candidates")
    }

    /// Dot products of a row.
    pub const fn sums(self) -> usize {
        self.sums
    }

    /// Terms of a dot product.
    pub const fn terms(self) -> usize {
        WIRES / self.sums - 2
    }

    const fn first(self, sum: usize) -> usize {
        sum * (self.terms() + 2)
    }

    /// Column of x_`i` of dot product `sum`; its constant is number `sum * terms + i`.
    pub const fn term(self, sum: usize, i: usize) -> usize {
        self.first(sum) + 2 + i
    }

    /// Column of the addend.
    pub const fn addend(self, sum: usize) -> usize {
        self.first(sum)
    }

    /// Column of the sum.
    pub const fn sum(self, sum: usize) -> usize {
        self.first(sum) + 1
    }

    fn evaluate<P: PackedField>(
        self,
        wire: impl Fn(usize) -> P,
        constant: impl Fn(usize) -> P,
        mut constraint: impl FnMut(P),
    ) {
        for sum in 0..self.sums {
            let dot = (0..self.terms()).fold(wire(self.addend(sum)), |dot, i| {
                dot + constant(sum * self.terms() + i) * wire(self.term(sum, i))
            });
            constraint(dot - wire(self.sum(sum)));
        }
    }
}

impl Gate<F, D> for DotGate {
    fn id(&self) -> String {
        format!("DotGate {{ sums: {} }}", self.sums)
    }

    fn serialize(&self, dst: &mut Vec<u8>, _common_data: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_usize(self.sums)
    }

    fn deserialize(src: &mut Buffer, _common_data: &CommonCircuitData<F, D>) -> IoResult<Self> {
        let sums = src.read_usize()?;
        if sums == 0 || sums > Self::MAX_SUMS {
            return Err(IoError);
        }
        Ok(Self { sums })
    }

    fn eval_unfiltered(&self, vars: EvaluationVars<F, D>) -> Vec<<F as Extendable<D>>::Extension> {
        let mut constraints = Vec::with_capacity(self.sums);
        self.evaluate(|i| vars.local_wires[i], |i| vars.local_constants[i], |c| constraints.push(c));
        constraints
    }

    fn eval_unfiltered_base_batch(&self, vars_base: EvaluationVarsBaseBatch<F>) -> Vec<F> {
        self.eval_unfiltered_base_batch_packed(vars_base)
    }

    fn eval_unfiltered_circuit(
        &self,
        builder: &mut Builder,
        vars: EvaluationTargets<D>,
    ) -> Vec<ExtensionTarget<D>> {
        (0..self.sums)
            .map(|sum| {
                let mut dot = vars.local_wires[self.addend(sum)];
                for i in 0..self.terms() {
                    let constant = vars.local_constants[sum * self.terms() + i];
                    dot = builder.mul_add_extension(constant, vars.local_wires[self.term(sum, i)], dot);
                }
                builder.sub_extension(dot, vars.local_wires[self.sum(sum)])
            })
            .collect()
    }

    fn generators(&self, row: usize, local_constants: &[F]) -> Vec<WitnessGeneratorRef<F, D>> {
        (0..self.sums)
            .map(|sum| {
                let first = sum * self.terms();
                let constants = local_constants[first..first + self.terms()].to_vec();
                WitnessGeneratorRef::new(DotGenerator { row, gate: *self, sum, constants }.adapter())
            })
            .collect()
    }

    fn num_wires(&self) -> usize {
        self.first(self.sums)
    }

    fn num_constants(&self) -> usize {
        self.sums * self.terms()
    }

    fn degree(&self) -> usize {
        2
    }

    fn num_constraints(&self) -> usize {
        self.sums
    }
}

impl PackedEvaluableBase<F, D> for DotGate {
    fn eval_unfiltered_base_packed<P: PackedField<Scalar = F>>(
        &self,
        vars_base: EvaluationVarsBasePacked<P>,
        mut yield_constr: StridedConstraintConsumer<P>,
    ) {
        self.evaluate(
            |i| vars_base.local_wires[i],
            |i| vars_base.local_constants[i],
            |c| yield_constr.one(c),
        );
    }
}

/// Computes one sum of a [`DotGate`].
#[derive(Clone, Debug, Default)]
pub(crate) struct DotGenerator {
    row: usize,
    gate: DotGate,
    sum: usize,
    constants: Vec<F>,
}

impl DotGenerator {
    fn terms(&self) -> impl Iterator<Item = (F, Target)> + '_ {
        let target = |i| Target::wire(self.row, self.gate.term(self.sum, i));
        let terms = self.constants.iter().enumerate().map(move |(i, &c)| (c, target(i)));
        terms.filter(|(c, _)| *c != F::ZERO)
    }

    fn addend(&self) -> Target {
        Target::wire(self.row, self.gate.addend(self.sum))
    }
}

impl SimpleGenerator<F, D> for DotGenerator {
    fn id(&self) -> String {
        "DotGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        let terms: Vec<Target> = self.terms().map(|(_, target)| target).collect();
        // A dot product without any term is not in use: its wires are zero.
        if terms.is_empty() { terms } else { [terms, vec![self.addend()]].concat() }
    }

    fn run_once(
        &self,
        witness: &PartitionWitness<F>,
        out_buffer: &mut GeneratedValues<F>,
    ) -> anyhow::Result<()> {
        let mut terms = self.terms().peekable();
        let start = if terms.peek().is_some() { witness.get_target(self.addend()) } else { F::ZERO };
        let value = terms.fold(start, |value, (c, x)| value + c * witness.get_target(x));
        out_buffer.set_target(Target::wire(self.row, self.gate.sum(self.sum)), value)
    }

    fn serialize(&self, dst: &mut Vec<u8>, _common_data: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_usize(self.row)?;
        dst.write_usize(self.gate.sums)?;
        dst.write_usize(self.sum)?;
        dst.write_field_vec(&self.constants)
    }

    fn deserialize(src: &mut Buffer, common_data: &CommonCircuitData<F, D>) -> IoResult<Self> {
        let row = src.read_usize()?;
        let gate = DotGate::deserialize(src, common_data)?;
        let sum = src.read_usize()?;
        let constants = src.read_field_vec(gate.terms())?;
        Ok(Self { row, gate, sum, constants })
    }
}

#[cfg(test)]
mod tests {
    use janction_gadgets::C;
    use janction_gadgets::test_utils::{Violation, assert_rejected, check, check_gate, generate, prove};
    use plonky2::iop::witness::PartialWitness;

    use super::*;
    use crate::gate::{CONSTANTS, piece_config};

    #[test]
    fn evaluations_agree() {
        for sums in 1..=DotGate::MAX_SUMS {
            let gate = DotGate::new(sums);
            check_gate(&gate);
            assert!(
                Gate::<F, D>::num_wires(&gate) <= WIRES && Gate::<F, D>::num_constants(&gate) <= CONSTANTS
            );
        }
    }

    #[test]
    fn the_gate_with_the_fewest_rows() {
        let sums = [1, 2, 9, 18, 32, 38, 64, 78, 79, 576, 784].map(|terms| DotGate::for_terms(terms).sums());
        assert_eq!(sums, [20, 20, 7, 4, 2, 2, 1, 1, 5, 1, 2]);
    }

    /// Every wire of a row in use is bound: changing any single one violates the gate.
    #[test]
    fn every_wire_is_bound() {
        let gate = DotGate::new(3);
        let mut builder = Builder::new(piece_config());
        let mut constants: Vec<F> = (1..=gate.sums() * gate.terms()).map(F::from_canonical_usize).collect();
        constants[1] = F::ZERO;
        let row = builder.add_gate(gate, constants.clone());
        let circuit = builder.build::<C>();
        let inputs = || {
            let mut inputs = PartialWitness::new();
            for sum in 0..gate.sums() {
                let columns = (0..gate.terms()).map(|i| gate.term(sum, i)).chain([gate.addend(sum)]);
                for column in columns {
                    let value = F::from_canonical_usize(1000 + column);
                    inputs.set_target(Target::wire(row, column), value).unwrap();
                }
            }
            inputs
        };
        let witness = generate(&circuit, inputs(), &[]).unwrap();
        check(&circuit, &witness).unwrap();
        for sum in 0..gate.sums() {
            let terms = (0..gate.terms()).map(|i| {
                constants[sum * gate.terms() + i] * F::from_canonical_usize(1000 + gate.term(sum, i))
            });
            let expected = terms.sum::<F>() + F::from_canonical_usize(1000 + gate.addend(sum));
            let target = Target::wire(row, gate.sum(sum));
            assert_eq!(witness.get_target(target), expected);
            let violation = assert_rejected(&circuit, inputs(), &[(target, expected + F::ONE)]);
            assert!(matches!(violation, Violation::Gate { row: r, .. } if r == row));
            // With the sum held, no other term or addend.
            let others = (0..gate.terms()).filter(|i| constants[sum * gate.terms() + i] != F::ZERO);
            for column in others.map(|i| gate.term(sum, i)).chain([gate.addend(sum)]) {
                let other = (Target::wire(row, column), F::from_canonical_usize(999));
                assert_rejected(&circuit, inputs(), &[(target, expected), other]);
            }
        }
        prove(&circuit, witness).unwrap();
    }
}
