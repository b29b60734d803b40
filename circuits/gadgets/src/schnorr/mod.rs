//! Schnorr signatures over ecGFp5 in circuit (natively: `janction_protocol::crypto::schnorr`).
//!
//! R = s G + e Q with e = M - C, M the first 128 bits of H(SCHNORR, w(R) ++ w(Q) ++ m). The ladder reads e in base 4 with
//! digits -1, 0, 1, 2, which are those of M less one each, so C = sum 4^i needs no arithmetic.

use janction_protocol::crypto::schnorr::S_BOUND;
use janction_protocol::crypto::{PublicKey, SecretKey, Signature};
use janction_protocol::hash::{Digest, tag};
use plonky2::field::types::{Field, PrimeField64};
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator};
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};

use crate::uint::{join_canonical_halves, range_check};
use crate::{Builder, D, F, sponge};

mod affine;
mod algebra;
mod decode;
mod ladder;

pub use algebra::Affine;
pub use decode::{DecodeGate, DecodeGenerator, decode_key};
pub use ladder::{LadderGate, LadderGenerator};

use affine::point_at;
use ladder::{Digits, STEPS, STEPS_PER_ROW, SUMS, digit_wires};

/// 32-bit words of s.
pub const S_WORDS: usize = 10;

/// Rows of a ladder.
const ROWS: usize = STEPS / STEPS_PER_ROW;

/// Rows whose digits make up one 32-bit word.
const ROWS_PER_WORD: usize = 16 / STEPS_PER_ROW;

/// Words of a running sum.
const WORDS: usize = ROWS / ROWS_PER_WORD;

/// A decoded key: a point of the group that is not neutral, and its double.
#[derive(Clone, Copy, Debug)]
pub struct PointTarget {
    /// The point.
    pub point: Affine<Target>,
    /// Twice the point.
    pub doubled: Affine<Target>,
}

/// The prover's part of [`verify_signature`].
#[derive(Clone, Debug)]
pub struct SignatureTargets {
    /// w(R).
    pub r: [Target; 5],
    /// 32-bit words of s, least significant first.
    pub s: [Target; S_WORDS],
}

impl SignatureTargets {
    /// Sets the signature; `None` where the verification is not enabled.
    ///
    /// # Errors
    /// When the targets were set before.
    pub fn set<W: WitnessWrite<F>>(
        &self,
        witness: &mut W,
        signature: Option<&Signature>,
    ) -> anyhow::Result<()> {
        let signature = signature.copied().unwrap_or_else(dummy_signature);
        witness.set_target_arr(&self.r, &signature.r())?;
        let words = signature.s().to_limbs().map(|limb| [limb & u64::from(u32::MAX), limb >> 32]);
        for (&target, word) in self.s.iter().zip(words.into_iter().flatten()) {
            witness.set_target(target, F::from_canonical_u64(word))?;
        }
        Ok(())
    }
}

/// The key that stands in for the signer's where nothing is to be verified. Its secret is public on purpose.
fn dummy_key() -> SecretKey {
    SecretKey::from_entropy(&[1; 64]).expect("a constant")
}

/// Its signature of the zero message.
fn dummy_signature() -> Signature {
    dummy_key().sign(&Digest::ZERO)
}

/// Verifies that `key` signed `message`, when `enabled` is 1. About 46 rows, two of them for the challenge's hash.
///
/// Enforces, when `enabled` is 1: `key` encodes a point Q of the group that is not neutral; the prover knows a point R of
/// the group, not neutral, and an s below `S_BOUND` 2^288 with R = s G + e Q, e the challenge of R, Q and `message`.
/// When it is 0 nothing is enforced on key and message: the same constraints then hold for a constant key and message,
/// which replace them.
///
/// The caller must ensure that `enabled` is 0 or 1, and that `message` is a digest of everything that is signed.
pub fn verify_signature(
    builder: &mut Builder,
    key: &[Target; 5],
    message: &[Target; 4],
    enabled: BoolTarget,
) -> SignatureTargets {
    let dummy: PublicKey = dummy_key().public();
    let dummy_key = dummy.to_elements().map(|c| builder.constant(c));
    let key: [Target; 5] = std::array::from_fn(|i| builder.select(enabled, key[i], dummy_key[i]));
    let message = message.map(|m| builder.mul(enabled.target, m));
    let signature = verify_equation(builder, &key, &message);
    assert_bound(builder, signature.s[S_WORDS - 1]);
    signature
}

/// `word < S_BOUND`, for a word below 2^32 (so that the sum does not wrap).
fn assert_bound(builder: &mut Builder, word: Target) {
    let sum = builder.add_const(word, F::from_canonical_u64((1 << 32) - S_BOUND));
    range_check(builder, sum, 32);
}

/// R = s G + e Q for an s below 2^320: a signature but for the bound on s.
fn verify_equation(builder: &mut Builder, key: &[Target; 5], message: &[Target; 4]) -> SignatureTargets {
    let r_w: [Target; 5] = builder.add_virtual_target_arr();
    let s: [Target; S_WORDS] = builder.add_virtual_target_arr();
    let q = decode_key(builder, key);
    let r = decode_key(builder, &r_w);
    let input: Vec<Target> = r_w.iter().chain(key).chain(message).copied().collect();
    let challenge = sponge::hash(builder, tag::SCHNORR, &input).elements;

    let sums = ladder(builder, &q, &r.point, [challenge[0], challenge[1]], &s);
    // M: two field elements in canonical form, then nothing (the digits of the upper words are all zero, one added).
    for (pair, element) in [(0, challenge[0]), (2, challenge[1])] {
        let joined = join_canonical_halves(builder, sums[0][pair + 1], sums[0][pair]);
        builder.connect(joined, element);
    }
    let no_digits = builder.constant(F::from_canonical_u64(0x5555_5555));
    builder.connect(sums[0][WORDS - 1], no_digits);
    for (word, sum) in s.iter().zip(sums[1].iter().chain(&sums[2])) {
        builder.connect(*word, *sum);
    }
    SignatureTargets { r: r_w, s }
}

/// The 40 rows of s G + e Q = `result`; returns the words of the running sums, least significant first.
fn ladder(
    builder: &mut Builder,
    q: &PointTarget,
    result: &Affine<Target>,
    challenge: [Target; 2],
    s: &[Target; S_WORDS],
) -> [[Target; WORDS]; SUMS] {
    let zero = builder.zero();
    let start = ladder::start();
    let mut before =
        Affine { x: start.0.0.map(|c| builder.constant(c)), u: start.1.0.map(|c| builder.constant(c)) };
    let mut sums = [[zero; WORDS]; SUMS];
    let mut running = [zero; SUMS];
    let mut first_row = 0;
    for i in 0..ROWS {
        let row = builder.add_gate(LadderGate, vec![]);
        if i == 0 {
            first_row = row;
        }
        debug_assert_eq!(row, first_row + i);
        let inputs =
            [(LadderGate::BEFORE, before), (LadderGate::Q, q.point), (LadderGate::DOUBLED_Q, q.doubled)];
        for (column, point) in inputs {
            connect_points(builder, &point, &point_at(row, column));
        }
        if i.is_multiple_of(ROWS_PER_WORD) {
            running = [zero; SUMS];
        }
        for (j, sum) in running.iter_mut().enumerate() {
            builder.connect(*sum, Target::wire(row, LadderGate::SUMS_BEFORE + j));
            *sum = Target::wire(row, LadderGate::SUMS_AFTER + j);
        }
        // The most significant digits come first.
        let word = WORDS - 1 - i / ROWS_PER_WORD;
        for (words, sum) in sums.iter_mut().zip(running) {
            words[word] = sum;
        }
        before = point_at(row, LadderGate::AFTER);
    }
    connect_points(builder, &before, result);
    builder.add_simple_generator(DigitsGenerator { first_row, challenge, s: *s });
    sums
}

fn connect_points(builder: &mut Builder, a: &Affine<Target>, b: &Affine<Target>) {
    for (&a, &b) in a.x.iter().chain(&a.u).zip(b.x.iter().chain(&b.u)) {
        builder.connect(a, b);
    }
}

/// Cuts the challenge and s into the digits of a ladder's rows.
#[derive(Clone, Debug, Default)]
pub struct DigitsGenerator {
    first_row: usize,
    challenge: [Target; 2],
    s: [Target; S_WORDS],
}

impl SimpleGenerator<F, D> for DigitsGenerator {
    fn id(&self) -> String {
        "EcGFp5DigitsGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        self.challenge.iter().chain(&self.s).copied().collect()
    }

    fn run_once(
        &self,
        witness: &PartitionWitness<F>,
        out_buffer: &mut GeneratedValues<F>,
    ) -> anyhow::Result<()> {
        let value = |t: Target| witness.get_target(t).to_canonical_u64();
        // Bits 2 i and 2 i + 1 of a number given in words of `width` bits.
        let pair = |words: &[Target], width: usize, i: usize| {
            words.get(2 * i / width).map(|&w| (value(w) >> (2 * i % width)) & 3)
        };
        for row in 0..ROWS {
            for step in 0..STEPS_PER_ROW {
                let i = STEPS - 1 - (STEPS_PER_ROW * row + step);
                let low = pair(&self.s, 32, i).unwrap_or(0);
                let high = pair(&self.s, 32, STEPS + i).unwrap_or(0);
                // Above the challenge's 128 bits d = 0, which is 1 here.
                let e = pair(&self.challenge, 64, i).unwrap_or(1);
                let digits = Digits { e, s: low | (high << 2) };
                for (target, bit) in digit_wires(self.first_row + row, step, digits) {
                    out_buffer.set_target(target, bit)?;
                }
            }
        }
        Ok(())
    }

    fn serialize(&self, dst: &mut Vec<u8>, _common_data: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_usize(self.first_row)?;
        self.challenge.iter().chain(&self.s).try_for_each(|&t| dst.write_target(t))
    }

    fn deserialize(src: &mut Buffer, _common_data: &CommonCircuitData<F, D>) -> IoResult<Self> {
        let mut read = Self { first_row: src.read_usize()?, ..Self::default() };
        for t in read.challenge.iter_mut().chain(&mut read.s) {
            *t = src.read_target()?;
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
