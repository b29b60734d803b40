//! What a program proof is worth, in bits; `docs/security.md` derives each term.
//!
//! Under `full` it is worth what its pieces are: a false execution needs one false piece. Under `rows(s)` it is worth at most
//! what the draws are: [`draw_bits`]. They follow from the commitment, so a prover can change a false cell and draw again. That
//! costs it one path of the row tree, a few dozen hashes, and no new execution. 2^40 such tries are hours of one GPU, so
//! [`GRINDING`] grants 2^64.

use janction_audit::PieceVerifier;
use janction_engine::soundness::{Regime, Soundness};
use janction_trace::soundness::soundness_bits;

/// T, the executions that a prover is granted to try under `rows(s)`: 2^64.
pub const GRINDING: f64 = 18_446_744_073_709_551_616.0;

/// Bits of a piece under three assumptions, rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PieceBits {
    /// Proven, below the unique decoding radius.
    pub unique_decoding: u32,
    /// Proven, under the Johnson bound.
    pub johnson: u32,
    /// Under what is left of the conjecture that FRI is sound up to capacity.
    pub conjectured: u32,
}

/// What the pieces of a program are worth. A forger pays per hash of a transcript, so their number costs no bits.
#[must_use]
pub fn piece_bits(verifier: &PieceVerifier) -> PieceBits {
    let bits = |regime| Soundness::of(verifier.common(), regime).total() as u32;
    PieceBits {
        unique_decoding: bits(Regime::UniqueDecoding),
        johnson: bits(Regime::Johnson),
        conjectured: bits(Regime::Conjectured),
    }
}

/// Bits of `draws` drawn rows of an operation against a fraction `f` of false ones, after 2^64 tries; zero when they are found
/// by chance only.
#[must_use]
pub fn draw_bits(f: f64, draws: u32) -> f64 {
    soundness_bits(f, draws, GRINDING)
}
