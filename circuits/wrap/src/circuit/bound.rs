//! 256-bit integers for bounds and for the integer view of cells.

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::PrimeField;

/// An unsigned integer of 256 bits, little-endian limbs. All arithmetic is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct U256(pub [u64; 4]);

impl PartialOrd for U256 {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for U256 {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.iter().rev().cmp(other.0.iter().rev())
    }
}

impl From<u64> for U256 {
    fn from(value: u64) -> Self {
        Self([value, 0, 0, 0])
    }
}

impl U256 {
    /// Zero.
    pub const ZERO: Self = Self([0; 4]);

    /// 2^exponent.
    pub fn power_of_two(exponent: usize) -> Self {
        let mut limbs = [0; 4];
        limbs[exponent / 64] = 1 << (exponent % 64);
        Self(limbs)
    }

    /// Bits of the binary form.
    pub fn bits(&self) -> usize {
        (0..4)
            .rev()
            .find(|&i| self.0[i] != 0)
            .map_or(0, |i| 64 * (i + 1) - self.0[i].leading_zeros() as usize)
    }

    /// The sum, if it fits.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let mut limbs = [0; 4];
        let mut carry = false;
        for (i, limb) in limbs.iter_mut().enumerate() {
            let (sum, first) = self.0[i].overflowing_add(other.0[i]);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            *limb = sum;
            carry = first || second;
        }
        (!carry).then_some(Self(limbs))
    }

    /// The difference, if it is not negative.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        let mut limbs = [0; 4];
        let mut borrow = false;
        for (i, limb) in limbs.iter_mut().enumerate() {
            let (difference, first) = self.0[i].overflowing_sub(other.0[i]);
            let (difference, second) = difference.overflowing_sub(u64::from(borrow));
            *limb = difference;
            borrow = first || second;
        }
        (!borrow).then_some(Self(limbs))
    }

    /// The product, if it fits.
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        let mut limbs = [0u64; 8];
        for i in 0..4 {
            let mut carry = 0u128;
            for j in 0..4 {
                let t = u128::from(self.0[i]) * u128::from(other.0[j]) + u128::from(limbs[i + j]) + carry;
                limbs[i + j] = t as u64;
                carry = t >> 64;
            }
            limbs[i + 4] = carry as u64;
        }
        (limbs[4..] == [0; 4]).then_some(Self([limbs[0], limbs[1], limbs[2], limbs[3]]))
    }

    /// Quotient and remainder.
    pub fn div_rem(self, divisor: u64) -> (Self, u64) {
        let mut quotient = [0; 4];
        let mut remainder = 0u128;
        for i in (0..4).rev() {
            let dividend = remainder << 64 | u128::from(self.0[i]);
            quotient[i] = (dividend / u128::from(divisor)) as u64;
            remainder = dividend % u128::from(divisor);
        }
        (Self(quotient), remainder as u64)
    }

    /// Shifts to the right.
    pub fn shift_right(self, bits: usize) -> Self {
        let (words, bits) = (bits / 64, bits % 64);
        let mut limbs = [0; 4];
        for i in words..4 {
            limbs[i - words] = self.0[i] >> bits;
            if bits > 0 && i + 1 < 4 {
                limbs[i - words] |= self.0[i + 1] << (64 - bits);
            }
        }
        Self(limbs)
    }

    /// The lowest bits.
    pub fn low_bits(self, bits: usize) -> Self {
        let mut limbs = self.0;
        for (i, limb) in limbs.iter_mut().enumerate() {
            let keep = bits.saturating_sub(64 * i);
            if keep < 64 {
                *limb &= (1 << keep) - 1;
            }
        }
        Self(limbs)
    }

    /// The canonical integer of a field element.
    pub fn from_fr(element: &Fr) -> Self {
        let bytes = element.to_repr();
        let limb = |i: usize| u64::from_le_bytes(bytes[8 * i..8 * i + 8].try_into().expect("eight bytes"));
        Self([limb(0), limb(1), limb(2), limb(3)])
    }

    /// The field element; the integer is reduced modulo r.
    pub fn to_fr(self) -> Fr {
        Fr::from_raw(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic() {
        let a = U256([u64::MAX, 7, 0, 1]);
        let b = U256::from(u64::MAX);
        assert_eq!(a.checked_add(b).and_then(|s| s.checked_sub(b)), Some(a));
        assert_eq!(b.checked_sub(a), None);
        let (q, r) = a.div_rem(12345);
        assert_eq!(q.checked_mul(U256::from(12345)).and_then(|p| p.checked_add(U256::from(r))), Some(a));
        assert_eq!(U256::power_of_two(200).checked_mul(U256::power_of_two(56)), None);
        assert_eq!(U256::power_of_two(200).shift_right(137), U256::power_of_two(63));
        assert_eq!(U256::power_of_two(200).bits(), 201);
        assert_eq!(a.low_bits(65), U256([u64::MAX, 1, 0, 0]));
        assert!(U256::power_of_two(64) > b);
        assert_eq!(U256::from_fr(&a.to_fr()), a);
    }
}
