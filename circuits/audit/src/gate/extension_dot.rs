//! The gate of dot products of cells with elements of the quadratic extension.

use janction_gadgets::{Builder, D, F};
use plonky2::field::extension::Extendable;
use plonky2::field::packed::PackedField;
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
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};

/// One dot product a row: `sum = addend + sum_i x_i v_i`, with x_i in the base field and v_i, addend and sum in the quadratic
/// extension. Degree 2; both coordinates are linear in v. All wires are routed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ExtensionDotGate;

impl ExtensionDotGate {
    /// Terms of a row.
    pub const TERMS: usize = 25;

    /// First column of the addend.
    pub const ADDEND: usize = 0;
    /// First column of the sum.
    pub const SUM: usize = D;

    /// Column of x_`i`.
    pub const fn value(i: usize) -> usize {
        2 * D + i * (1 + D)
    }

    /// First column of v_`i`.
    pub const fn factor(i: usize) -> usize {
        Self::value(i) + 1
    }

    fn evaluate<P: PackedField>(wire: impl Fn(usize) -> P, mut constraint: impl FnMut(P)) {
        for coordinate in 0..D {
            let dot = (0..Self::TERMS).fold(wire(Self::ADDEND + coordinate), |dot, i| {
                dot + wire(Self::value(i)) * wire(Self::factor(i) + coordinate)
            });
            constraint(dot - wire(Self::SUM + coordinate));
        }
    }
}

impl Gate<F, D> for ExtensionDotGate {
    fn id(&self) -> String {
        "ExtensionDotGate".to_string()
    }

    fn serialize(&self, _dst: &mut Vec<u8>, _common_data: &CommonCircuitData<F, D>) -> IoResult<()> {
        Ok(())
    }

    fn deserialize(_src: &mut Buffer, _common_data: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self)
    }

    fn eval_unfiltered(&self, vars: EvaluationVars<F, D>) -> Vec<<F as Extendable<D>>::Extension> {
        let mut constraints = Vec::with_capacity(D);
        Self::evaluate(|i| vars.local_wires[i], |c| constraints.push(c));
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
        let wire = |i: usize| vars.local_wires[i];
        (0..D)
            .map(|coordinate| {
                let dot = (0..Self::TERMS).fold(wire(Self::ADDEND + coordinate), |dot, i| {
                    let (value, factor) = (wire(Self::value(i)), wire(Self::factor(i) + coordinate));
                    builder.mul_add_extension(value, factor, dot)
                });
                builder.sub_extension(dot, wire(Self::SUM + coordinate))
            })
            .collect()
    }

    fn generators(&self, row: usize, _local_constants: &[F]) -> Vec<WitnessGeneratorRef<F, D>> {
        vec![WitnessGeneratorRef::new(ExtensionDotGenerator { row }.adapter())]
    }

    fn num_wires(&self) -> usize {
        Self::value(Self::TERMS)
    }

    fn num_constants(&self) -> usize {
        0
    }

    fn degree(&self) -> usize {
        2
    }

    fn num_constraints(&self) -> usize {
        D
    }
}

impl PackedEvaluableBase<F, D> for ExtensionDotGate {
    fn eval_unfiltered_base_packed<P: PackedField<Scalar = F>>(
        &self,
        vars_base: EvaluationVarsBasePacked<P>,
        mut yield_constr: StridedConstraintConsumer<P>,
    ) {
        Self::evaluate(|i| vars_base.local_wires[i], |c| yield_constr.one(c));
    }
}

/// Computes the sum of an [`ExtensionDotGate`]. Every wire but the sum's must be connected or set.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ExtensionDotGenerator {
    row: usize,
}

impl SimpleGenerator<F, D> for ExtensionDotGenerator {
    fn id(&self) -> String {
        "ExtensionDotGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        let factors = ExtensionDotGate::value(0)..ExtensionDotGate::value(ExtensionDotGate::TERMS);
        (0..D).chain(factors).map(|column| Target::wire(self.row, column)).collect()
    }

    fn run_once(
        &self,
        witness: &PartitionWitness<F>,
        out_buffer: &mut GeneratedValues<F>,
    ) -> anyhow::Result<()> {
        let wire = |column| Target::wire(self.row, column);
        let get = |column| witness.get_target(wire(column));
        for coordinate in 0..D {
            let start = get(ExtensionDotGate::ADDEND + coordinate);
            let sum = (0..ExtensionDotGate::TERMS).fold(start, |sum, i| {
                sum + get(ExtensionDotGate::value(i)) * get(ExtensionDotGate::factor(i) + coordinate)
            });
            out_buffer.set_target(wire(ExtensionDotGate::SUM + coordinate), sum)?;
        }
        Ok(())
    }

    fn serialize(&self, dst: &mut Vec<u8>, _common_data: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_usize(self.row)
    }

    fn deserialize(src: &mut Buffer, _common_data: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self { row: src.read_usize()? })
    }
}

/// `sum_i x_i v_i`. *Enforced*: that it is.
pub(crate) fn extension_dot(
    builder: &mut Builder,
    values: &[Target],
    factors: &[ExtensionTarget<D>],
) -> ExtensionTarget<D> {
    assert_eq!(values.len(), factors.len(), "a factor for each value");
    let mut sum = builder.zero_extension();
    let zero = builder.zero();
    let zeros = builder.zero_extension();
    for (values, factors) in
        values.chunks(ExtensionDotGate::TERMS).zip(factors.chunks(ExtensionDotGate::TERMS))
    {
        let row = builder.add_gate(ExtensionDotGate, vec![]);
        for i in 0..ExtensionDotGate::TERMS {
            let value = values.get(i).copied().unwrap_or(zero);
            builder.connect(value, Target::wire(row, ExtensionDotGate::value(i)));
            let factor = factors.get(i).copied().unwrap_or(zeros);
            builder.connect_extension(factor, extension_wire(row, ExtensionDotGate::factor(i)));
        }
        builder.connect_extension(sum, extension_wire(row, ExtensionDotGate::ADDEND));
        sum = extension_wire(row, ExtensionDotGate::SUM);
    }
    sum
}

fn extension_wire(row: usize, column: usize) -> ExtensionTarget<D> {
    ExtensionTarget(std::array::from_fn(|i| Target::wire(row, column + i)))
}

#[cfg(test)]
mod tests {
    use janction_gadgets::C;
    use janction_gadgets::test_utils::{Violation, assert_rejected, check, check_gate, generate, prove};
    use plonky2::field::types::Field;
    use plonky2::iop::witness::PartialWitness;

    use super::*;
    use crate::gate::piece_config;

    #[test]
    fn evaluations_agree() {
        check_gate(&ExtensionDotGate);
    }

    /// Every wire is bound: changing any single one with the sum held violates the gate.
    #[test]
    fn every_wire_is_bound() {
        let mut builder = Builder::new(piece_config());
        let row = builder.add_gate(ExtensionDotGate, vec![]);
        let circuit = builder.build::<C>();
        let wire = |column| Target::wire(row, column);
        let is_sum = |column| (ExtensionDotGate::SUM..ExtensionDotGate::SUM + D).contains(&column);
        let columns = Gate::<F, D>::num_wires(&ExtensionDotGate);
        let inputs = || {
            let mut inputs = PartialWitness::new();
            for column in (0..columns).filter(|&column| !is_sum(column)) {
                inputs.set_target(wire(column), F::from_canonical_usize(77 + column)).unwrap();
            }
            inputs
        };
        let witness = generate(&circuit, inputs(), &[]).unwrap();
        check(&circuit, &witness).unwrap();
        let sums: Vec<(Target, F)> =
            (0..D).map(|i| wire(ExtensionDotGate::SUM + i)).map(|t| (t, witness.get_target(t))).collect();
        for column in 0..columns {
            let mut forced = sums.clone();
            forced.retain(|(target, _)| *target != wire(column));
            forced.push((wire(column), witness.get_target(wire(column)) + F::ONE));
            let violation = assert_rejected(&circuit, inputs(), &forced);
            assert!(matches!(violation, Violation::Gate { row: r, .. } if r == row), "column {column}");
        }
        prove(&circuit, witness).unwrap();
    }
}
