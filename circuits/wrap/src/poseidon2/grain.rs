//! The Grain LFSR that the Poseidon and Poseidon2 papers draw their round constants from.
//!
//! The register is 80 bits long. It is seeded with the parameters of the instance, clocked 160 times and
//! then read through a self-shrinking filter: of each pair of bits the second counts, if the first is 1.
//! Constants come from here and not from a table, so that a reader can see that nobody chose them.

use ark_bn254::Fr;
use ark_ff::{BigInt, PrimeField};

const REGISTER_BITS: usize = 80;
const WARM_UP_CLOCKS: usize = 160;

/// A running Grain LFSR; yields bits, or field elements by rejection.
pub struct Grain {
    register: [bool; REGISTER_BITS],
    /// Index of the oldest bit: the register is a ring.
    head: usize,
}

impl Grain {
    /// Seeds the register for a prime field (1) and an S-box x^alpha (0).
    ///
    /// * `field_bits`: bit length of the modulus
    /// * `width`: field elements in the state
    /// * `full_rounds`, `partial_rounds`: rounds of each kind
    pub fn new(field_bits: usize, width: usize, full_rounds: usize, partial_rounds: usize) -> Self {
        let parts = [
            (1, 2),
            (0, 4),
            (field_bits, 12),
            (width, 12),
            (full_rounds, 10),
            (partial_rounds, 10),
            ((1 << 30) - 1, 30),
        ];
        let mut register = [false; REGISTER_BITS];
        let bits = parts.iter().flat_map(|&(value, len)| (0..len).rev().map(move |i| value >> i & 1 == 1));
        for (slot, bit) in register.iter_mut().zip(bits) {
            *slot = bit;
        }
        let mut grain = Self { register, head: 0 };
        for _ in 0..WARM_UP_CLOCKS {
            grain.clock();
        }
        grain
    }

    fn clock(&mut self) -> bool {
        let at = |i: usize| self.register[(self.head + i) % REGISTER_BITS];
        let bit = at(62) ^ at(51) ^ at(38) ^ at(23) ^ at(13) ^ at(0);
        self.register[self.head] = bit;
        self.head = (self.head + 1) % REGISTER_BITS;
        bit
    }

    fn filtered_bit(&mut self) -> bool {
        while !self.clock() {
            self.clock();
        }
        self.clock()
    }

    /// The next element of the BN254 scalar field: 254 bits, most significant first, redrawn when they are
    /// not below the modulus.
    pub fn next_fr(&mut self) -> Fr {
        loop {
            let mut limbs = [0u64; 4];
            for i in (0..Fr::MODULUS_BIT_SIZE as usize).rev() {
                limbs[i / 64] |= u64::from(self.filtered_bit()) << (i % 64);
            }
            if let Some(element) = Fr::from_bigint(BigInt::new(limbs)) {
                return element;
            }
        }
    }
}
