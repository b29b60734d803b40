//! The Plonky2 configuration of the last layer: Merkle trees and transcript hashed with Poseidon2 over BN254.
//!
//! # Encoding
//!
//! * *Packing*: three Goldilocks elements a, b, c in canonical form become a + b·2^64 + c·2^128 < 2^192, which
//!   is injective into Fr (r > 2^253).
//! * *Leaf*: a sponge of rate two Fr (six Goldilocks elements) in overwrite mode. The capacity starts as
//!   `LEAF`·2^64 + length, so that messages of different lengths, padded with zeros, never meet.
//! * *Node*: one permutation of (left, right, `NODE`·2^64); the first element of the result.
//! * *Transcript*: a duplex with the same rate. A duplexing that absorbed n elements overwrites the Fr that hold
//!   them (zero lanes fill the last one) and adds n to the capacity, which starts as `TRANSCRIPT`·2^64.
//! * *Challenges*: each of the two rate elements, in canonical form, yields the 80-bit pieces at bits 0, 80 and
//!   160, each reduced modulo p. A challenge is within 2^-16 relative of uniform, point by point.
//! * *Digest into the transcript*: bits 0..48, 48..96, 96..144, 144..192, 192..254 of the canonical form: five
//!   elements below 2^62, hence canonical, and the map is injective.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInt, BigInteger, PrimeField};
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::hash::hashing::PlonkyPermutation;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::plonk::config::{GenericConfig, GenericHashOut, Hasher};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::poseidon2;

/// Goldilocks elements packed into one element of Fr.
pub const ELEMENTS_PER_FR: usize = 3;
/// Elements of Fr that a permutation absorbs.
pub const RATE_FR: usize = 2;
/// Goldilocks elements that a permutation absorbs or yields.
pub const RATE: usize = RATE_FR * ELEMENTS_PER_FR;
/// Bits of an element of Fr from which one challenge is drawn.
pub const CHALLENGE_BITS: usize = 80;
/// Bit boundaries of the five transcript elements of a digest.
pub const DIGEST_CUTS: [usize; 6] = [0, 48, 96, 144, 192, 254];

/// What a permutation is used for; kept apart in the capacity element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// A Merkle leaf of this many elements.
    Leaf(u64),
    /// An inner node of a Merkle tree.
    Node,
    /// The Fiat-Shamir transcript.
    Transcript,
}

impl Domain {
    /// The integer that the capacity element starts with.
    pub fn capacity(self) -> u128 {
        match self {
            Self::Leaf(len) => (1 << 64) + u128::from(len),
            Self::Node => 2 << 64,
            Self::Transcript => 3 << 64,
        }
    }

    pub(crate) fn initial_state(self) -> [Fr; poseidon2::WIDTH] {
        [Fr::ZERO, Fr::ZERO, Fr::from(self.capacity())]
    }
}

/// Packs up to three Goldilocks elements; missing ones count as zero.
fn pack(elements: &[GoldilocksField]) -> Fr {
    let mut limbs = [0u64; 4];
    for (limb, element) in limbs.iter_mut().zip(elements) {
        *limb = element.to_canonical_u64();
    }
    Fr::from_bigint(BigInt::new(limbs)).expect("192 bits are below the modulus")
}

/// Bits `from..to` (at most 128) of a canonical integer.
fn bits(value: &BigInt<4>, from: usize, to: usize) -> u128 {
    let shifted = *value >> from as u32;
    let low = u128::from(shifted.0[0]) | u128::from(shifted.0[1]) << 64;
    low & ((1u128 << (to - from)) - 1)
}

/// The three challenges that one element of Fr yields.
pub(crate) fn challenges(element: Fr) -> [GoldilocksField; ELEMENTS_PER_FR] {
    let integer = element.into_bigint();
    std::array::from_fn(|i| {
        let piece = bits(&integer, i * CHALLENGE_BITS, (i + 1) * CHALLENGE_BITS);
        GoldilocksField::from_noncanonical_u128(piece)
    })
}

/// A digest: one element of Fr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bn254Digest(pub Fr);

impl Bn254Digest {
    /// Canonical little-endian bytes.
    pub fn to_le_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(&self.0.into_bigint().to_bytes_le());
        bytes
    }
}

impl GenericHashOut<GoldilocksField> for Bn254Digest {
    fn to_bytes(&self) -> Vec<u8> {
        self.to_le_bytes().to_vec()
    }

    /// Takes any bytes, reduced modulo r: the trait leaves no room for an error, and a proof with a digest that
    /// was not canonical is then either the same proof or does not verify.
    fn from_bytes(bytes: &[u8]) -> Self {
        Self(Fr::from_le_bytes_mod_order(bytes))
    }

    fn to_vec(&self) -> Vec<GoldilocksField> {
        let integer = self.0.into_bigint();
        let element = |cut: &[usize]| GoldilocksField::from_noncanonical_u128(bits(&integer, cut[0], cut[1]));
        DIGEST_CUTS.windows(2).map(element).collect()
    }
}

impl Serialize for Bn254Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_le_bytes().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Bn254Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <[u8; 32]>::deserialize(deserializer)?;
        let digest = Self(Fr::from_le_bytes_mod_order(&bytes));
        if digest.to_le_bytes() != bytes {
            return Err(serde::de::Error::custom("digest is not below the BN254 scalar modulus"));
        }
        Ok(digest)
    }
}

/// The duplex behind Plonky2's challenger.
///
/// `Challenger` copies and compares permutations and sees only Goldilocks elements. The whole state, capacity
/// included, therefore lives in `state`; `lanes` is the window through which elements go in and challenges come
/// out. Nothing is absorbed until [`PlonkyPermutation::permute`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Poseidon2Permutation {
    state: [Fr; poseidon2::WIDTH],
    lanes: [GoldilocksField; RATE],
    /// Lanes written since the last permutation.
    absorbed: usize,
}

impl Poseidon2Permutation {
    /// The state that the next permutation starts from: with what was absorbed, and the count of it.
    pub(crate) fn before_permutation(&self) -> [Fr; poseidon2::WIDTH] {
        let mut state = self.state;
        let lanes = &self.lanes[..self.absorbed];
        for (element, chunk) in state.iter_mut().zip(lanes.chunks(ELEMENTS_PER_FR)) {
            *element = pack(chunk);
        }
        state[RATE_FR] += Fr::from(self.absorbed as u64);
        state
    }
}

impl Default for Poseidon2Permutation {
    fn default() -> Self {
        Self { state: Domain::Transcript.initial_state(), lanes: [GoldilocksField::ZERO; RATE], absorbed: 0 }
    }
}

impl AsRef<[GoldilocksField]> for Poseidon2Permutation {
    fn as_ref(&self) -> &[GoldilocksField] {
        &self.lanes
    }
}

impl PlonkyPermutation<GoldilocksField> for Poseidon2Permutation {
    const RATE: usize = RATE;
    const WIDTH: usize = RATE;

    fn new<I: IntoIterator<Item = GoldilocksField>>(iter: I) -> Self {
        let mut lanes = [GoldilocksField::ZERO; RATE];
        lanes.iter_mut().zip(iter).for_each(|(lane, element)| *lane = element);
        let mut permutation = Self::default();
        // The challenger starts from zeros, which is the empty transcript and not six absorbed zeros.
        if lanes != permutation.lanes {
            permutation.set_from_slice(&lanes, 0);
        }
        permutation
    }

    fn set_elt(&mut self, elt: GoldilocksField, idx: usize) {
        if self.absorbed == 0 {
            self.lanes = [GoldilocksField::ZERO; RATE];
        }
        self.lanes[idx] = elt;
        self.absorbed = self.absorbed.max(idx + 1);
    }

    fn set_from_iter<I: IntoIterator<Item = GoldilocksField>>(&mut self, elts: I, start_idx: usize) {
        for (i, element) in elts.into_iter().enumerate().take(RATE - start_idx) {
            self.set_elt(element, start_idx + i);
        }
    }

    fn set_from_slice(&mut self, elts: &[GoldilocksField], start_idx: usize) {
        self.set_from_iter(elts.iter().copied(), start_idx);
    }

    fn permute(&mut self) {
        self.state = self.before_permutation();
        poseidon2::permute(&mut self.state);
        for (lanes, &element) in self.lanes.chunks_exact_mut(ELEMENTS_PER_FR).zip(&self.state) {
            lanes.copy_from_slice(&challenges(element));
        }
        self.absorbed = 0;
    }

    fn squeeze(&self) -> &[GoldilocksField] {
        &self.lanes
    }
}

/// Plonky2's hasher interface over BN254 Poseidon2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bn254Poseidon2;

impl Hasher<GoldilocksField> for Bn254Poseidon2 {
    const HASH_SIZE: usize = 32;
    type Hash = Bn254Digest;
    type Permutation = Poseidon2Permutation;

    fn hash_no_pad(input: &[GoldilocksField]) -> Bn254Digest {
        let mut state = Domain::Leaf(input.len() as u64).initial_state();
        // An empty message still takes one permutation: a digest is never a constant that was not hashed.
        for i in 0..input.len().div_ceil(RATE).max(1) {
            let mut block = input[i * RATE..].iter().take(RATE).copied();
            for element in &mut state[..RATE_FR] {
                let lanes = [(); ELEMENTS_PER_FR].map(|()| block.next().unwrap_or(GoldilocksField::ZERO));
                *element = pack(&lanes);
            }
            poseidon2::permute(&mut state);
        }
        Bn254Digest(state[0])
    }

    /// Always hashes. The default copies up to 32 raw bytes into the digest: four Goldilocks elements can exceed
    /// the BN254 modulus, and a leaf could pose as a node.
    fn hash_or_noop(inputs: &[GoldilocksField]) -> Bn254Digest {
        Self::hash_no_pad(inputs)
    }

    fn two_to_one(left: Bn254Digest, right: Bn254Digest) -> Bn254Digest {
        let mut state = Domain::Node.initial_state();
        state[0] = left.0;
        state[1] = right.0;
        poseidon2::permute(&mut state);
        Bn254Digest(state[0])
    }
}

/// Goldilocks circuits whose proofs are hashed over BN254. Public inputs are still hashed with Goldilocks
/// Poseidon, because the circuit itself does that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bn254PoseidonGoldilocksConfig;

impl GenericConfig<2> for Bn254PoseidonGoldilocksConfig {
    type F = GoldilocksField;
    type FE = QuadraticExtension<GoldilocksField>;
    type Hasher = Bn254Poseidon2;
    type InnerHasher = PoseidonHash;
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Sample;
    use plonky2::iop::challenger::Challenger;

    use super::*;

    type F = GoldilocksField;

    /// The trap: the default would store these elements unhashed, and p - 1 four times exceeds the modulus.
    #[test]
    fn short_leaves_are_hashed() {
        for len in 0..=4 {
            let leaf = vec![F::NEG_ONE; len];
            assert_eq!(Bn254Poseidon2::hash_or_noop(&leaf), Bn254Poseidon2::hash_no_pad(&leaf));
        }
        let a = Bn254Poseidon2::hash_or_noop(&[F::ONE]);
        assert_ne!(a.0, Fr::from(1u64));
        assert_ne!(a, Bn254Poseidon2::hash_or_noop(&[F::ONE, F::ZERO]), "zero padding must not collide");
    }

    #[test]
    fn leaves_and_nodes_live_in_different_domains() {
        let (left, right) = (Bn254Digest(Fr::from(5u64)), Bn254Digest(Fr::from(7u64)));
        let leaf = [5, 0, 0, 7, 0, 0].map(F::from_canonical_u64);
        assert_ne!(Bn254Poseidon2::hash_no_pad(&leaf), Bn254Poseidon2::two_to_one(left, right));
        assert_ne!(Bn254Poseidon2::two_to_one(left, right), Bn254Poseidon2::two_to_one(right, left));
    }

    /// The other trap: a challenger that rebuilt the state from its Goldilocks window would forget everything
    /// but the last block.
    #[test]
    fn challenges_depend_on_all_that_was_observed() {
        let transcript = |first: u64| {
            let mut challenger = Challenger::<F, Bn254Poseidon2>::new();
            challenger.observe_element(F::from_canonical_u64(first));
            challenger.observe_elements(&F::rand_vec(0));
            challenger.observe_elements(&[F::TWO; 3 * RATE]);
            challenger.get_n_challenges(2 * RATE)
        };
        let (a, b) = (transcript(1), transcript(2));
        assert!(a.iter().zip(&b).all(|(x, y)| x != y));
        assert_eq!(a, transcript(1));
    }

    #[test]
    fn the_number_of_absorbed_elements_counts() {
        let transcript = |elements: &[F]| {
            let mut challenger = Challenger::<F, Bn254Poseidon2>::new();
            challenger.observe_elements(elements);
            challenger.get_challenge()
        };
        assert_ne!(transcript(&[F::ONE]), transcript(&[F::ONE, F::ZERO]));
        assert_ne!(transcript(&[]), transcript(&[F::ZERO; RATE]));
    }

    #[test]
    fn digests_enter_the_transcript_injectively_and_canonically() {
        let largest = Bn254Digest(-Fr::from(1u64));
        let elements = largest.to_vec();
        let rebuilt = elements.iter().zip(DIGEST_CUTS).fold(Fr::ZERO, |acc, (element, cut)| {
            let mut shift = [0u64; 4];
            shift[cut / 64] = 1 << (cut % 64);
            acc + Fr::from(element.to_canonical_u64()) * Fr::from_bigint(BigInt::new(shift)).expect("small")
        });
        assert_eq!(rebuilt, largest.0);
    }

    #[test]
    fn digest_bytes_round_trip_and_json_rejects_the_modulus() {
        let digest = Bn254Poseidon2::hash_no_pad(&[F::ONE]);
        assert_eq!(Bn254Digest::from_bytes(&digest.to_bytes()), digest);
        let modulus = Fr::MODULUS.to_bytes_le();
        assert!(serde_json::from_value::<Bn254Digest>(serde_json::json!(modulus)).is_err());
    }
}
