//! The gate that splits integers below 2^62 into bytes: range check and parser in one.

use plonky2::field::extension::Extendable;
use plonky2::field::packed::PackedField;
use plonky2::field::types::{Field, PrimeField64};
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

use crate::{Builder, D, F};

/// Bytes of a value: seven full ones and a last one of six bits.
pub const BYTES: usize = 8;

/// Base-4 digits of a value; the last byte has three.
const DIGITS: usize = 31;

/// Splits three values below 2^62 a row into bytes, least significant first.
///
/// Per value: `value = sum byte_j 256^j`, `byte_j = sum_t digit_{4j+t} 4^t`, `digit (digit - 1)(digit - 2)(digit - 3) = 0`.
/// Degree 4. Value and bytes are routed, digits are not. A value of 2^62 or more has no witness: the sum of the digits
/// is an integer below 2^62 < p, so the equation holds over the integers and the bytes are unique.
#[derive(Clone, Copy, Debug, Default)]
pub struct ByteSplitGate;

impl ByteSplitGate {
    /// Values per row.
    pub const OPS: usize = 3;

    /// Column of the value of operation `op`.
    pub const fn value(op: usize) -> usize {
        op * (1 + BYTES)
    }

    /// Column of byte `j` (least significant first) of operation `op`.
    pub const fn byte(op: usize, j: usize) -> usize {
        Self::value(op) + 1 + j
    }

    /// Column of base-4 digit `i` (least significant first) of operation `op`.
    pub const fn digit(op: usize, i: usize) -> usize {
        Self::OPS * (1 + BYTES) + op * DIGITS + i
    }

    fn evaluate<P: PackedField>(wire: impl Fn(usize) -> P, mut constraint: impl FnMut(P))
    where
        P::Scalar: Field,
    {
        for op in 0..Self::OPS {
            let digits: [P; DIGITS] = std::array::from_fn(|i| wire(Self::digit(op, i)));
            for d in digits {
                // d (d - 3) * (d (d - 3) + 2) = d (d - 1)(d - 2)(d - 3)
                let e = d * (d - P::Scalar::from_canonical_u8(3));
                constraint(e * (e + P::Scalar::TWO));
            }
            let mut sum = P::ZEROS;
            for j in (0..BYTES).rev() {
                let byte = wire(Self::byte(op, j));
                let horner = |acc: P, &d: &P| acc * P::Scalar::from_canonical_u8(4) + d;
                let chunk = &digits[4 * j..DIGITS.min(4 * j + 4)];
                constraint(chunk.iter().rev().fold(P::ZEROS, horner) - byte);
                sum = sum * P::Scalar::from_canonical_u16(256) + byte;
            }
            constraint(sum - wire(Self::value(op)));
        }
    }
}

impl Gate<F, D> for ByteSplitGate {
    fn id(&self) -> String {
        "ByteSplitGate".to_string()
    }

    fn serialize(&self, _dst: &mut Vec<u8>, _common_data: &CommonCircuitData<F, D>) -> IoResult<()> {
        Ok(())
    }

    fn deserialize(_src: &mut Buffer, _common_data: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self)
    }

    fn eval_unfiltered(&self, vars: EvaluationVars<F, D>) -> Vec<<F as Extendable<D>>::Extension> {
        let mut constraints = Vec::with_capacity(Gate::<F, D>::num_constraints(self));
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
        let mut constraints = Vec::with_capacity(Gate::<F, D>::num_constraints(self));
        let wire = |i: usize| vars.local_wires[i];
        let zero = builder.zero_extension();
        let one = builder.one_extension();
        let two = F::TWO;
        for op in 0..Self::OPS {
            for i in 0..DIGITS {
                let d = wire(Self::digit(op, i));
                let e = builder.arithmetic_extension(F::ONE, -F::from_canonical_u8(3), d, d, d);
                constraints.push(builder.arithmetic_extension(F::ONE, two, e, e, e));
            }
            let mut sum = zero;
            for j in (0..BYTES).rev() {
                let byte = wire(Self::byte(op, j));
                let mut acc = zero;
                for i in (4 * j..DIGITS.min(4 * j + 4)).rev() {
                    let digit = wire(Self::digit(op, i));
                    acc = builder.arithmetic_extension(F::from_canonical_u8(4), F::ONE, acc, one, digit);
                }
                constraints.push(builder.sub_extension(acc, byte));
                sum = builder.arithmetic_extension(F::from_canonical_u16(256), F::ONE, sum, one, byte);
            }
            constraints.push(builder.sub_extension(sum, wire(Self::value(op))));
        }
        constraints
    }

    fn generators(&self, row: usize, _local_constants: &[F]) -> Vec<WitnessGeneratorRef<F, D>> {
        (0..Self::OPS).map(|op| WitnessGeneratorRef::new(ByteSplitGenerator { row, op }.adapter())).collect()
    }

    fn num_wires(&self) -> usize {
        Self::OPS * (1 + BYTES + DIGITS)
    }

    fn num_constants(&self) -> usize {
        0
    }

    fn degree(&self) -> usize {
        4
    }

    fn num_constraints(&self) -> usize {
        Self::OPS * (DIGITS + BYTES + 1)
    }
}

impl PackedEvaluableBase<F, D> for ByteSplitGate {
    fn eval_unfiltered_base_packed<P: PackedField<Scalar = F>>(
        &self,
        vars_base: EvaluationVarsBasePacked<P>,
        mut yield_constr: StridedConstraintConsumer<P>,
    ) {
        Self::evaluate(|i| vars_base.local_wires[i], |c| yield_constr.one(c));
    }
}

/// Fills the bytes and digits of one operation of a [`ByteSplitGate`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ByteSplitGenerator {
    row: usize,
    op: usize,
}

impl SimpleGenerator<F, D> for ByteSplitGenerator {
    fn id(&self) -> String {
        "ByteSplitGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        vec![Target::wire(self.row, ByteSplitGate::value(self.op))]
    }

    fn run_once(
        &self,
        witness: &PartitionWitness<F>,
        out_buffer: &mut GeneratedValues<F>,
    ) -> anyhow::Result<()> {
        // The upper bits of a value that is too large are lost here, and the gate's last constraint fails.
        let value =
            witness.get_target(Target::wire(self.row, ByteSplitGate::value(self.op))).to_canonical_u64();
        let last = |bits: usize| if bits == BYTES - 1 { 0x3f } else { 0xff };
        for j in 0..BYTES {
            let byte = (value >> (8 * j)) & last(j);
            let wire = Target::wire(self.row, ByteSplitGate::byte(self.op, j));
            out_buffer.set_target(wire, F::from_canonical_u64(byte))?;
        }
        for i in 0..DIGITS {
            let wire = Target::wire(self.row, ByteSplitGate::digit(self.op, i));
            out_buffer.set_target(wire, F::from_canonical_u64((value >> (2 * i)) & 3))?;
        }
        Ok(())
    }

    fn serialize(&self, dst: &mut Vec<u8>, _common_data: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_usize(self.row)?;
        dst.write_usize(self.op)
    }

    fn deserialize(src: &mut Buffer, _common_data: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self { row: src.read_usize()?, op: src.read_usize()? })
    }
}

#[cfg(test)]
mod tests {
    use plonky2::iop::witness::PartialWitness;
    use plonky2::plonk::circuit_data::CircuitConfig;

    use super::*;
    use crate::C;
    use crate::test_utils::{Violation, assert_rejected, check, check_gate, generate, prove};

    #[test]
    fn evaluations_agree() {
        check_gate(&ByteSplitGate);
    }

    /// Every wire of the gate is bound: changing any single one of an honest row violates a constraint.
    #[test]
    fn every_wire_is_bound() {
        let mut builder = Builder::new(CircuitConfig::standard_recursion_config());
        let row = builder.add_gate(ByteSplitGate, vec![]);
        let values: Vec<Target> =
            (0..ByteSplitGate::OPS).map(|op| Target::wire(row, ByteSplitGate::value(op))).collect();
        let circuit = builder.build::<C>();
        let inputs = || {
            let mut pw = PartialWitness::new();
            for (op, &t) in values.iter().enumerate() {
                pw.set_target(t, F::from_canonical_u64(0x2123_4567_89ab_cdef >> op)).unwrap();
            }
            pw
        };
        let witness = generate(&circuit, inputs(), &[]).unwrap();
        check(&circuit, &witness).unwrap();
        for column in 0..Gate::<F, D>::num_wires(&ByteSplitGate) {
            let target = Target::wire(row, column);
            if values.contains(&target) {
                continue;
            }
            let wrong = witness.get_target(target) + F::ONE;
            let violation = assert_rejected(&circuit, inputs(), &[(target, wrong)]);
            assert!(matches!(violation, Violation::Gate { row: r, .. } if r == row), "column {column}");
        }
        // The stock prover and verifier agree with check().
        prove(&circuit, witness).unwrap();
        let forged = [(Target::wire(row, ByteSplitGate::byte(0, 0)), F::ZERO)];
        assert!(prove(&circuit, generate(&circuit, inputs(), &forged).unwrap()).is_err());
    }
}
