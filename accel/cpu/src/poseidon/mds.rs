//! The linear layer, on 32-bit halves.
//!
//! The matrix is C + D: C circulant, D zero but for its first entry. The product with C is a product of
//! polynomials modulo X^12 - 1 = (X^3 - 1)(X^3 + 1)(X^6 + 1). Plonky2's matrix was chosen so that modulo each
//! factor the entries (with the halvings of the way back worked in) are signed powers of two; so there are no
//! multiplications, only shifts, additions and subtractions modulo 2^64. Intermediate values may be negative;
//! the results never are, and modulo 2^64 that is all that counts.
//!
//! One application multiplies a bound on the halves by the row sum, 264 at most.

use plonky2::hash::poseidon::Poseidon;

use super::WIDTH;
use crate::F;
use crate::lanes::Lanes;

/// The polynomial whose product with the state is the product with C, highest entry of D apart.
const KERNEL: [i64; WIDTH] = {
    let row = <F as Poseidon>::MDS_MATRIX_CIRC;
    let mut kernel = [0; WIDTH];
    let mut i = 0;
    while i < WIDTH {
        kernel[(WIDTH - i) % WIDTH] = row[i] as i64;
        i += 1;
    }
    kernel
};

/// The kernel modulo the three factors, which the code below has as shifts.
const _: () = {
    let k = KERNEL;
    let cyclic = [16, 32, 16];
    let negacyclic = [-1, -8, 2];
    let long = [2, -4, 16, 1, -1, -1];
    let mut i = 0;
    while i < 3 {
        assert!(k[i] + k[i + 3] + k[i + 6] + k[i + 9] == 4 * cyclic[i]);
        assert!(k[i] - k[i + 3] + k[i + 6] - k[i + 9] == 4 * negacyclic[i]);
        i += 1;
    }
    let mut i = 0;
    while i < 6 {
        assert!(k[i] - k[i + 6] == 2 * long[i]);
        i += 1;
    }
    let diagonal = <F as Poseidon>::MDS_MATRIX_DIAG;
    assert!(diagonal[0] == 8);
    let mut i = 1;
    while i < WIDTH {
        assert!(diagonal[i] == 0);
        i += 1;
    }
};

/// The matrix times `s`, in the integers (modulo 2^64).
#[inline(always)]
pub fn multiply<L: Lanes>(s: [L; WIDTH]) -> [L; WIDTH] {
    let zero = L::splat(0);
    // Plain loops: closures handed to the library's array functions are compiled without the lanes' instructions.
    let (mut a, mut b, mut c, mut d, mut u) = ([zero; 6], [zero; 6], [zero; 3], [zero; 3], [zero; 6]);
    for i in 0..6 {
        (a[i], b[i]) = (s[i].raw_add(s[i + 6]), s[i].raw_sub(s[i + 6]));
    }
    for i in 0..3 {
        (c[i], d[i]) = (a[i].raw_add(a[i + 3]), a[i].raw_sub(a[i + 3]));
    }
    let (w, z, v) = (cyclic(c), negacyclic(d), long(b));
    for i in 0..3 {
        (u[i], u[i + 3]) = (w[i].raw_add(z[i]), w[i].raw_sub(z[i]));
    }
    let mut out = s;
    for i in 0..6 {
        (out[i], out[i + 6]) = (u[i].raw_add(v[i]), u[i].raw_sub(v[i]));
    }
    out[0] = out[0].raw_add(s[0].raw_shl::<3>());
    out
}

/// times 16 + 32 X + 16 X^2 modulo X^3 - 1.
#[inline(always)]
fn cyclic<L: Lanes>([c0, c1, c2]: [L; 3]) -> [L; 3] {
    let sum = c0.raw_add(c1).raw_add(c2);
    [sum.raw_add(c2).raw_shl::<4>(), sum.raw_add(c0).raw_shl::<4>(), sum.raw_add(c1).raw_shl::<4>()]
}

/// times -1 - 8 X + 2 X^2 modulo X^3 + 1.
#[inline(always)]
fn negacyclic<L: Lanes>([d0, d1, d2]: [L; 3]) -> [L; 3] {
    let (d0x2, d1x2, d2x2) = (d0.raw_shl::<1>(), d1.raw_shl::<1>(), d2.raw_shl::<1>());
    let (d0x8, d1x8, d2x8) = (d0.raw_shl::<3>(), d1.raw_shl::<3>(), d2.raw_shl::<3>());
    [
        d2x8.raw_sub(d1x2).raw_sub(d0),
        // All three are subtracted.
        L::splat(0).raw_sub(d0x8).raw_sub(d1.raw_add(d2x2)),
        d0x2.raw_sub(d1x8).raw_sub(d2),
    ]
}

/// times 2 - 4 X + 16 X^2 + X^3 - X^4 - X^5 modulo X^6 + 1.
#[inline(always)]
fn long<L: Lanes>(b: [L; 6]) -> [L; 6] {
    let [b0, b1, b2, b3, b4, b5] = b;
    let (mut x2, mut x4, mut x16) = (b, b, b);
    for i in 0..6 {
        (x2[i], x4[i], x16[i]) = (b[i].raw_shl::<1>(), b[i].raw_shl::<2>(), b[i].raw_shl::<4>());
    }
    [
        x2[0].raw_add(x4[5]).raw_sub(x16[4]).raw_add(b1.raw_add(b2).raw_sub(b3)),
        x2[1].raw_sub(x4[0]).raw_sub(x16[5]).raw_add(b2.raw_add(b3).raw_sub(b4)),
        x2[2].raw_sub(x4[1]).raw_add(x16[0]).raw_add(b3.raw_add(b4).raw_sub(b5)),
        x2[3].raw_sub(x4[2]).raw_add(x16[1]).raw_add(b4.raw_add(b5).raw_add(b0)),
        x2[4].raw_sub(x4[3]).raw_add(x16[2]).raw_add(b5.raw_add(b1).raw_sub(b0)),
        x2[5].raw_sub(x4[4]).raw_add(x16[3]).raw_add(b2.raw_sub(b0).raw_sub(b1)),
    ]
}
