//! The constants of the ladder: multiples of the generator, as polynomials in the signs that select them.

use std::sync::LazyLock;

use janction_protocol::crypto::{GFp5, Point, Scalar};
use plonky2::field::types::Field;

use super::{STEPS, WINDOW};
use crate::F;

/// Products of the four signs: those of an even number, and those of an odd number, as bit masks.
pub(super) const EVEN: [usize; 8] = [0b0000, 0b0011, 0b0101, 0b0110, 0b1001, 0b1010, 0b1100, 0b1111];
pub(super) const ODD: [usize; 8] = [0b0001, 0b0010, 0b0100, 0b1000, 0b0111, 0b1011, 0b1101, 0b1110];

/// With signs e_i in {-1, 1}, the point e_0 G/2 + e_1 G + e_2 2^159 G + e_3 2^160 G: its x is an even polynomial in the
/// signs (negating all of them negates the point), its u and v = x u are odd ones.
pub(super) struct Table {
    /// Coefficients of x[k] at the products `EVEN`.
    pub(super) x: [[F; 8]; 5],
    /// Coefficients of u[k] at the products `ODD`.
    pub(super) u: [[F; 8]; 5],
    /// Coefficients of v[k] at the products `ODD`.
    pub(super) v: [[F; 8]; 5],
    /// The points themselves by the bits (1 for sign 1), for witnesses.
    pub(super) points: [(GFp5, GFp5); 1 << WINDOW],
    /// Where the ladder starts: C with 4^80 C = (2^320 - 1) / 2 G, which makes up for the signs:
    /// sum e_j 2^j G/2 = s G - (2^320 - 1) / 2 G for s = sum 2^j (1 + e_j) / 2.
    pub(super) start: (GFp5, GFp5),
}

pub(super) static TABLE: LazyLock<Table> = LazyLock::new(Table::compute);

impl Table {
    fn compute() -> Self {
        let half = Scalar::from_u64(2).inverse();
        let power = |n: usize| (0..n).fold(Scalar::ONE, |x, _| x + x);
        // Two bits of each half of s a step, 4^80 = 2^160 apart.
        let bases = [half, Scalar::ONE, half * power(2 * STEPS), power(2 * STEPS)];
        let bases = bases.map(|s| Point::GENERATOR.mul(&s));
        let points: [(GFp5, GFp5); 16] = std::array::from_fn(|bits| {
            let signed = |i: usize| if (bits >> i) & 1 == 1 { bases[i] } else { -bases[i] };
            (1..WINDOW).fold(signed(0), |sum, i| sum + signed(i)).affine()
        });
        // The coefficient at a product of signs is the mean of the values times that product.
        let coefficients = |products: [usize; 8], value: &dyn Fn(usize) -> GFp5| {
            let sixteenth = GFp5::from_canonical_u64(1 << WINDOW).inverse();
            let by_product = products.map(|mask| {
                let sum = (0..1 << WINDOW).fold(GFp5::ZERO, |sum, bits: usize| {
                    let negative = (mask & !bits).count_ones() % 2 == 1;
                    if negative { sum - value(bits) } else { sum + value(bits) }
                });
                sum * sixteenth
            });
            std::array::from_fn(|k| by_product.map(|c| c.0[k]))
        };
        let start = (power(4 * STEPS) - Scalar::ONE) * half * power(2 * STEPS).inverse();
        Self {
            x: coefficients(EVEN, &|bits| points[bits].0),
            u: coefficients(ODD, &|bits| points[bits].1),
            v: coefficients(ODD, &|bits| points[bits].0 * points[bits].1),
            points,
            start: Point::GENERATOR.mul(&start).affine(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The polynomials take the points' values at all sixteen choices of signs.
    #[test]
    fn polynomials_interpolate_the_points() {
        let table = &*TABLE;
        for (bits, (x, u)) in table.points.iter().enumerate() {
            let at = |products: [usize; 8], c: &[[F; 8]; 5]| -> [F; 5] {
                c.map(|row| {
                    products.iter().zip(row).fold(F::ZERO, |sum, (mask, c)| {
                        if (mask & !bits).count_ones() % 2 == 1 { sum - c } else { sum + c }
                    })
                })
            };
            assert_eq!(at(EVEN, &table.x), x.0);
            assert_eq!(at(ODD, &table.u), u.0);
            assert_eq!(at(ODD, &table.v), (*x * *u).0);
        }
    }
}
