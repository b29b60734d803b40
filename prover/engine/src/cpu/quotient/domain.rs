use janction_accel_cpu::Columns;
use janction_accel_cpu::ntt::reverse_bits;
use plonky2::field::types::Field;
use plonky2::field::zero_poly_coset::ZeroPolyOnCoset;
use plonky2::plonk::circuit_data::CommonCircuitData;

use crate::cpu::poly;
use crate::plonk::quotient_bits;
use crate::{D, F};

/// The points on which the quotient is evaluated, in bit-reversed order.
pub(super) struct Domain {
    /// log2 of the number of points.
    bits: usize,
    /// log2 of the points for each row of the circuit.
    quotient_bits: usize,
    points: Columns,
    vanishing: ZeroPolyOnCoset<F>,
}

impl Domain {
    pub(super) fn of(common: &CommonCircuitData<F, D>) -> Self {
        let quotient_bits = quotient_bits(common);
        let bits = common.degree_bits() + quotient_bits;
        Self {
            bits,
            quotient_bits,
            points: poly::coset_points(bits, F::coset_shift()),
            vanishing: ZeroPolyOnCoset::new(common.degree_bits(), quotient_bits),
        }
    }

    pub(super) fn size(&self) -> usize {
        1 << self.bits
    }

    /// Rows of the circuit, as an element.
    pub(super) fn rows(&self) -> F {
        F::from_canonical_usize(1 << (self.bits - self.quotient_bits))
    }

    pub(super) fn points(&self) -> &[F] {
        self.points.column(0)
    }

    /// The position of the point that is the next row's neighbour of the point at `position`.
    pub(super) fn next(&self, position: usize) -> usize {
        let next = reverse_bits(position, self.bits) + (1 << self.quotient_bits);
        reverse_bits(next % self.size(), self.bits)
    }

    /// The polynomial that vanishes on the subgroup, and one over it, at the point at `position`.
    pub(super) fn vanishing(&self, position: usize) -> (F, F) {
        let natural = reverse_bits(position, self.bits);
        (self.vanishing.eval(natural), self.vanishing.eval_inverse(natural))
    }
}
