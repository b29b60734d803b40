//! The witness of a row of [`RequantiseGate`].

use janction_gadgets::{D, F};
use plonky2::field::types::{Field, Field64, PrimeField64};
use plonky2::gates::gate::Gate;
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};

use super::{Halves, Part, RequantiseGate};
use crate::requantise::{Distance, element};

/// Fills the wires that are not routed of one form of a [`RequantiseGate`], from the form and the cells.
///
/// A column whose multiplier is zero is not in use; its cell is the clamp's lower end.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequantiseGenerator {
    pub(super) row: usize,
    pub(super) gate: RequantiseGate,
    pub(super) form: usize,
    /// low, high, C, then M and K of each column.
    pub(super) constants: Vec<F>,
}

impl RequantiseGenerator {
    fn wire(&self, column: usize) -> Target {
        Target::wire(self.row, column)
    }

    fn used(&self, column: usize) -> bool {
        self.constants[3 + 2 * column] != F::ZERO
    }

    fn set_digits(
        &self,
        out_buffer: &mut GeneratedValues<F>,
        column: usize,
        part: Part,
        value: u64,
    ) -> anyhow::Result<()> {
        (0..self.gate.digits(part)).try_for_each(|i| {
            let wire = self.wire(self.gate.digit(self.form, column, part, i));
            out_buffer.set_target(wire, F::from_canonical_u64((value >> (2 * i)) & 3))
        })
    }
}

/// An element as an integer between -p/2 and p/2.
fn signed(x: F) -> i64 {
    let x = x.to_canonical_u64();
    if x > F::ORDER / 2 { -((F::ORDER - x) as i64) } else { x as i64 }
}

impl SimpleGenerator<F, D> for RequantiseGenerator {
    fn id(&self) -> String {
        "RequantiseGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        let used = (0..self.gate.columns).filter(|&column| self.used(column));
        let mut all: Vec<Target> = used.map(|column| self.wire(self.gate.cell(self.form, column))).collect();
        if !all.is_empty() {
            all.push(self.wire(self.gate.form(self.form)));
        }
        all
    }

    /// What is too large for its digits loses its upper ones here, and a constraint fails.
    fn run_once(
        &self,
        witness: &PartitionWitness<F>,
        out_buffer: &mut GeneratedValues<F>,
    ) -> anyhow::Result<()> {
        let gate = self.gate;
        let form = if self.dependencies().is_empty() {
            F::ZERO
        } else {
            witness.get_target(self.wire(gate.form(self.form)))
        };
        let [low, high, offset] = [0, 1, 2].map(|i| self.constants[i]);
        let digits = (form + offset).to_canonical_u64();
        let power = 1i64 << (2 * gate.rem_digits);
        for column in 0..gate.columns {
            let acc_bits = 2 * gate.acc_digits;
            let shifted = digits.checked_shr((acc_bits * column) as u32).unwrap_or(0);
            let acc =
                if gate.columns == 1 { form.to_canonical_u64() } else { shifted & ((1 << acc_bits) - 1) };
            let cell_wire = self.wire(gate.cell(self.form, column));
            let cell = if self.used(column) {
                witness.get_target(cell_wire)
            } else {
                out_buffer.set_target(cell_wire, low)?;
                low
            };
            let [m, k] = [3, 4].map(|i| self.constants[i + 2 * column]);
            let sum = signed(F::from_noncanonical_u64(acc) * m + k);
            let remainder = sum.rem_euclid(power);
            let top = remainder >> (2 * gate.near);
            let distance = Distance::of(gate.halves, sum.div_euclid(power), top, signed(cell));
            out_buffer
                .set_target(self.wire(gate.sigma(self.form, column)), element(distance.sigma.into()))?;
            self.set_digits(out_buffer, column, Part::Acc, acc)?;
            self.set_digits(out_buffer, column, Part::Rem, remainder as u64)?;
            self.set_digits(out_buffer, column, Part::Exc, distance.excess)?;
            self.set_digits(out_buffer, column, Part::Low, (cell - low).to_canonical_u64())?;
            self.set_digits(out_buffer, column, Part::High, (high - cell).to_canonical_u64())?;
            if let Some(turn) = gate.halves {
                let turned = (cell + F::from_canonical_u8(turn)).to_canonical_u64();
                self.set_digits(out_buffer, column, Part::Half, turned / 2)?;
                let values = [
                    (Halves::Down, F::from_bool(distance.down)),
                    (Halves::Parity, F::from_canonical_u64(turned % 2)),
                    (Halves::Inverse, element(top.into()).try_inverse().unwrap_or(F::ZERO)),
                ];
                for (kind, value) in values {
                    out_buffer.set_target(self.wire(gate.halves(self.form, column, kind)), value)?;
                }
            }
        }
        Ok(())
    }

    fn serialize(&self, dst: &mut Vec<u8>, common_data: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_usize(self.row)?;
        self.gate.serialize(dst, common_data)?;
        dst.write_usize(self.form)?;
        dst.write_field_vec(&self.constants)
    }

    fn deserialize(src: &mut Buffer, common_data: &CommonCircuitData<F, D>) -> IoResult<Self> {
        let row = src.read_usize()?;
        let gate = RequantiseGate::deserialize(src, common_data)?;
        let form = src.read_usize()?;
        let constants = src.read_field_vec(3 + 2 * gate.columns)?;
        Ok(Self { row, gate, form, constants })
    }
}
