//! What a proof is worth, in bits, as it is told to users; `docs/security.md` derives it.

/// Bits under three assumptions, rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits {
    /// Proven, below the unique decoding radius.
    pub unique_decoding: u32,
    /// Proven, under the Johnson bound.
    pub johnson: u32,
    /// Under what is left of the conjecture that FRI is sound up to capacity.
    pub conjectured: u32,
}

/// Bits of KZG over BN254, a computational assumption that caps the conjectured bits.
pub const KZG_BITS: u32 = 100;

/// The whole proof system in the default profile: its weakest layer. A test computes it from the circuits.
pub const WHOLE: Bits = Bits { unique_decoding: 36, johnson: 59, conjectured: 100 };
