//! The stream: a step's blocks, parsed, absorbed and folded into the fingerprint.

use janction_aggregate::config::{Builder, D, F};
use janction_aggregate::run::RunTargets;
use janction_gadgets::sponge::permute;
use janction_gadgets::uint::{bytes, is_zero};
use janction_protocol::hash::tag;
use janction_protocol::stream::{BLOCK_LIMBS, CONTINUATION, Kind, MAX_BLOCKS};
use plonky2::field::types::Field;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::target::{BoolTarget, Target};

use crate::kind::{Flags, KINDS};
use crate::layout::{Layout, PAYLOAD_LIMBS, Use};
use crate::slot::{assert_zero_if, power};

/// Bytes of a limb.
const LIMB_BYTES: usize = 7;

/// A limb and its bytes, least significant first.
#[derive(Clone, Copy, Debug)]
pub struct Limb {
    /// The limb.
    pub whole: Target,
    bytes: [Target; LIMB_BYTES],
}

impl Limb {
    /// *Enforced*: the limb is below 2^56, the bytes are its digits.
    fn split(b: &mut Builder, whole: Target) -> Self {
        let all = bytes(b, whole);
        b.assert_zero(all[LIMB_BYTES]);
        Self { whole, bytes: core::array::from_fn(|i| all[i]) }
    }

    /// The field of `count` bytes that starts `from` bytes below the limb's top, as the layout tables count.
    pub fn field(&self, b: &mut Builder, from: usize, count: usize) -> Target {
        let end = LIMB_BYTES - from;
        let digits = self.bytes[end - count..end].iter().rev().copied();
        let byte = F::from_canonical_u64(256);
        digits.reduce(|acc, digit| b.mul_const_add(byte, acc, digit)).unwrap_or_else(|| b.zero())
    }

    /// The upper 3 bytes.
    pub fn upper(&self, b: &mut Builder) -> Target {
        self.field(b, 0, 3)
    }

    /// The lower 4 bytes.
    pub fn lower(&self, b: &mut Builder) -> Target {
        self.field(b, 3, 4)
    }
}

/// The blocks of a step as the prover gives them; blocks that its kind does not have are zero.
#[derive(Clone, Debug)]
pub struct Blocks([[Target; BLOCK_LIMBS]; MAX_BLOCKS]);

/// What the blocks say. Of an `Open`, only [`Fields::header`] means something: the other fields are zero for it.
#[derive(Clone, Debug)]
pub struct Fields {
    /// Fee, below 2^48.
    pub fee: Target,
    /// Account A, below 2^24.
    pub a: Target,
    /// Account B, below 2^24.
    pub b: Target,
    /// Value, below 2^62.
    pub value: Target,
    /// The payload's limbs.
    pub payload: Vec<Limb>,
    /// Limbs 0..8 of the first block, for the header.
    pub header: [Limb; BLOCK_LIMBS],
}

/// The running sponge and fingerprint after a step.
#[derive(Clone, Debug)]
pub struct Absorbed {
    /// The stream sponge.
    pub stream: [Target; 12],
    /// The fingerprint.
    pub f: [Target; 2],
    /// Where it is taken.
    pub r: [Target; 2],
    /// Blocks absorbed.
    pub blocks: Target,
    /// Digest of what a signature covers (meaningless for a kind without blocks).
    pub message: [Target; 4],
}

impl Blocks {
    /// Blocks to be set by the prover.
    pub fn new(b: &mut Builder) -> Self {
        Self(core::array::from_fn(|_| b.add_virtual_target_arr()))
    }

    /// The limbs of each block.
    #[must_use]
    pub const fn limbs(&self) -> &[[Target; BLOCK_LIMBS]; MAX_BLOCKS] {
        &self.0
    }

    /// Parses the blocks.
    ///
    /// *Enforced*: every limb of a first block and of a payload is below 2^56; the tag byte is that of the kind; blocks
    /// after the first start with 0xff and zeros when the kind has them; whatever a kind's layout does not name is zero,
    /// blocks that it does not have included; value < 2^62 in canonical halves.
    pub fn parse(&self, b: &mut Builder, flags: &Flags) -> Fields {
        let header = self.0[0].map(|limb| Limb::split(b, limb));
        let mut payload: Vec<Limb> = header[3..].to_vec();
        for (i, block) in self.0.iter().enumerate().skip(1) {
            // 0xff and six zero bytes, or zero.
            let continued = flags.weigh(b, |kind| {
                u64::from(kind.blocks() > i) * (u64::from(CONTINUATION) << (8 * (LIMB_BYTES - 1)))
            });
            b.connect(block[0], continued);
            payload.extend(block[1..].iter().map(|&limb| Limb::split(b, limb)));
        }
        debug_assert_eq!(payload.len(), PAYLOAD_LIMBS);

        let tag_byte = header[0].field(b, 0, 1);
        let expected = flags.weigh(b, |kind| if kind.blocks() == 0 { 0 } else { u64::from(kind.tag()) });
        b.connect(tag_byte, expected);

        let fee = header[0].field(b, 1, 6);
        let a = header[1].upper(b);
        let to = header[2].upper(b);
        let (hi, lo) = (header[1].lower(b), header[2].lower(b));
        let unused = |b: &mut Builder, x: Target, uses: &dyn Fn(&Layout) -> bool| {
            let flag = flags.any(b, |kind| kind != Kind::Open && !uses(&Layout::of(kind)));
            assert_zero_if(b, flag, x);
        };
        unused(b, fee, &|layout| layout.fee);
        unused(b, a, &|layout| layout.a);
        unused(b, to, &|layout| layout.b);
        unused(b, hi, &|layout| layout.value);
        unused(b, lo, &|layout| layout.value);
        for (i, limb) in payload.iter().enumerate() {
            let (upper, lower) = (limb.upper(b), limb.lower(b));
            // A first block's payload is the header's in an `Open`; later blocks are zero in it.
            let later = i >= BLOCK_LIMBS - 3;
            for (x, half) in [(upper, Use::Upper), (lower, Use::Lower)] {
                let flag = flags
                    .any(b, |kind| (kind != Kind::Open || later) && !Layout::of(kind).payload(i).has(half));
                assert_zero_if(b, flag, x);
            }
        }

        let meant = b.not(flags.is(Kind::Open)).target;
        let [fee, a, to, hi, lo] = [fee, a, to, hi, lo].map(|x| b.mul(meant, x));
        // hi has four bytes; times four it still has: so hi < 2^30, value < 2^62, and the halves are canonical.
        let shifted = b.mul_const(F::from_canonical_u64(4), hi);
        let top = bytes(b, shifted);
        for &byte in &top[4..] {
            b.assert_zero(byte);
        }
        let value = b.mul_const_add(power(32), hi, lo);
        let fields = Fields { fee, a, b: to, value, payload, header };
        for i in 0..PAYLOAD_LIMBS - 1 {
            let flag = |kind: Kind| Layout::of(kind).element(i);
            if KINDS.into_iter().any(flag) {
                let flag = flags.any(b, flag);
                fields.assert_canonical(b, flag, i, i + 1);
            }
        }
        fields
    }
}

impl Fields {
    /// The field element whose halves are the lower parts of payload limbs `hi` and `lo`.
    ///
    /// The caller must ensure that they are canonical; where a layout names the element, parsing does.
    pub fn halves(&self, b: &mut Builder, hi: usize, lo: usize) -> Target {
        let [hi, lo] = [hi, lo].map(|i| self.payload[i].lower(b));
        b.mul_const_add(power(32), hi, lo)
    }

    /// `N` field elements from payload limb `at` on.
    pub fn elements<const N: usize>(&self, b: &mut Builder, at: usize) -> [Target; N] {
        core::array::from_fn(|i| self.halves(b, at + 2 * i, at + 2 * i + 1))
    }

    /// *Enforced* when `flag` is 1: the lower parts of limbs `hi` and `lo` are the canonical halves of an element
    /// (hi = 2^32 - 1 implies lo = 0).
    pub fn assert_canonical(&self, b: &mut Builder, flag: BoolTarget, hi: usize, lo: usize) {
        let [hi, lo] = [hi, lo].map(|i| self.payload[i].lower(b));
        let top = b.add_const(hi, -F::from_canonical_u64(u32::MAX.into()));
        let is_top = is_zero(b, top);
        let aliased = b.mul(is_top.target, lo);
        assert_zero_if(b, flag, aliased);
    }

    /// The job that a kind of the market names: the upper part of payload limb 0.
    pub fn job(&self, b: &mut Builder) -> Target {
        self.payload[0].upper(b)
    }
}

impl Blocks {
    /// Absorbs the blocks that the kind has: into the stream's sponge, into the fingerprint, and into the digest that a
    /// signature covers.
    ///
    /// *Enforced*: a permutation a block, from the run's sponge (from the initial one in an `Open`, where `given` becomes
    /// r); f := f r + limb for each limb in order; the message is `H(TX, deployment ++ [nonce, 0, 0, 0] ++ limbs)`. *The
    /// caller must ensure* that sponge, f and r of a run without an open batch are zero.
    pub fn absorb(
        &self,
        b: &mut Builder,
        flags: &Flags,
        run: &RunTargets,
        given: [Target; 2],
        nonce: Target,
    ) -> Absorbed {
        let zero = b.zero();
        let open = flags.is(Kind::Open).target;
        let mut stream = run.stream;
        stream[8] = b.mul_const_add(F::from_canonical_u64(tag::STREAM), open, run.stream[8]);
        let r: [Target; 2] = core::array::from_fn(|i| b.mul_add(open, given[i], run.r[i]));

        let blocks = flags.weigh(b, |kind| kind.blocks() as u64);
        let mut message = [zero; 12];
        message[..4].copy_from_slice(&run.ledger.deployment);
        message[4] = nonce;
        message[8] = b.constant(F::from_canonical_u64(tag::TX));
        // deployment and nonce are the first block of eight.
        let eight = b.constant(F::from_canonical_u64(8));
        message[9] = b.mul_add(eight, blocks, eight);
        message = permute(b, message);

        let mut f = ExtensionTarget(run.f);
        let mut states = vec![(stream, f, message)];
        for block in &self.0 {
            stream[..8].copy_from_slice(block);
            stream = permute(b, stream);
            message[..8].copy_from_slice(block);
            message = permute(b, message);
            for &limb in block {
                let limb = b.convert_to_ext(limb);
                f = b.mul_add_extension(f, ExtensionTarget(r), limb);
            }
            states.push((stream, f, message));
        }
        // Of the states after 0, 1, ... blocks, the one after as many as the kind has.
        let counts: Vec<BoolTarget> =
            (0..=MAX_BLOCKS).map(|n| flags.any(b, |kind| kind.blocks() == n)).collect();
        let pick = |b: &mut Builder, lane: &dyn Fn(usize) -> Target| {
            let kinds = counts.iter().enumerate();
            let used = kinds.filter(|&(n, _)| KINDS.iter().any(|kind| kind.blocks() == n));
            used.fold(zero, |sum, (n, flag)| b.mul_add(flag.target, lane(n), sum))
        };
        Absorbed {
            stream: core::array::from_fn(|i| pick(b, &|n| states[n].0[i])),
            f: core::array::from_fn(|i| pick(b, &|n| states[n].1.0[i])),
            message: core::array::from_fn(|i| pick(b, &|n| states[n].2[i])),
            r,
            blocks,
        }
    }
}

/// `f := f r + x` for each `x` in turn, in the quadratic extension.
pub fn fold(b: &mut Builder, f: [Target; D], r: [Target; D], data: &[Target]) -> [Target; D] {
    data.iter()
        .fold(ExtensionTarget(f), |f, &x| {
            let x = b.convert_to_ext(x);
            b.mul_add_extension(f, ExtensionTarget(r), x)
        })
        .0
}
