//! What a program proof is worth, for people and for scripts.

use janction_audit::PieceVerifier;
use janction_program::commitment::Scheme;
use janction_program_prover::soundness::{self, PieceBits};
use janction_prover::ExecutionKeys;
use janction_prover::soundness::WHOLE;
use janction_trace::Policy;
use janction_wrap::SrsOrigin;
use serde_json::{Value, json};

/// log2 of the work of finding two blocks of cells with one sketch, as estimated (core-SVP; docs/security.md).
pub const SKETCH_BITS: u32 = 131;
/// Shares of false rows that draws are judged by.
const SHARES: [(f64, &str); 3] = [(0.5, "half"), (0.1, "10 %"), (0.01, "1 %")];

/// The worth of proofs that a verifier accepts, in bits.
#[derive(Clone, Copy)]
pub struct Worth {
    pieces: PieceBits,
    /// Under `rows(s)`: against each of [`SHARES`].
    draws: Option<[f64; 3]>,
    /// Whoever knows the secret of the development SRS, and that is everybody, can make such proofs of anything.
    forgeable: bool,
    /// Commitments are sketches, which rest on a lattice assumption.
    sketched: bool,
}

impl Worth {
    /// The worth of proofs for executions that are committed to by `scheme`.
    pub fn of(verifier: &PieceVerifier, scheme: Scheme) -> Self {
        let draws = match verifier.policy() {
            Policy::Full => None,
            Policy::Rows(s) => Some(SHARES.map(|(share, _)| soundness::draw_bits(share, s))),
        };
        Self {
            pieces: soundness::piece_bits(verifier),
            draws,
            forgeable: false,
            sketched: scheme != Scheme::Rows,
        }
    }

    /// The worth of proofs for contracts, which pass through every layer there is.
    pub fn of_contract(verifier: &PieceVerifier, scheme: Scheme, keys: &ExecutionKeys) -> Self {
        let Self { pieces, draws, sketched, .. } = Self::of(verifier, scheme);
        let pieces = PieceBits {
            unique_decoding: pieces.unique_decoding.min(WHOLE.unique_decoding),
            johnson: pieces.johnson.min(WHOLE.johnson),
            conjectured: pieces.conjectured.min(WHOLE.conjectured),
        };
        let forgeable = keys.wrap.verifier().srs().origin() == SrsOrigin::InsecureDevelopment;
        Self { pieces, draws, forgeable, sketched }
    }

    /// Each figure by its name.
    pub fn describe(&self) -> Value {
        let PieceBits { unique_decoding, johnson, conjectured } = self.pieces;
        let draws = self.draws.map(|bits| {
            let of = |((share, _), bits): (&(f64, &str), f64)| json!({ "false_rows": share, "bits": bits.floor() });
            SHARES.iter().zip(bits).map(of).collect::<Vec<_>>()
        });
        json!({
            "unique_decoding_bits": unique_decoding,
            "johnson_bits": johnson,
            "conjectured_bits": conjectured,
            "draws_after_2_to_64_tries": draws,
            "development_srs": self.forgeable,
            "sketch_bits": self.sketched.then_some(SKETCH_BITS),
        })
    }

    /// In a line.
    pub fn in_words(&self) -> String {
        let PieceBits { unique_decoding, johnson, conjectured } = self.pieces;
        let mut pieces = format!(
            "{conjectured} bits conjectured, {johnson} proven (Johnson), {unique_decoding} (unique decoding)"
        );
        if self.sketched {
            pieces += &format!("; commitments: sketches, {SKETCH_BITS} bits estimated (Ring-SIS)");
        }
        if self.forgeable {
            return format!(
                "none: over the development SRS anybody can forge this proof; with a ceremony's: {pieces}"
            );
        }
        match self.draws {
            None => pieces,
            Some(bits) => {
                let found = SHARES.iter().zip(bits).map(|((_, share), bits)| format!("{share}: {bits:.0}"));
                format!(
                    "draws, bits after 2^64 tries by the share of false rows: {}; pieces: {pieces}",
                    found.collect::<Vec<_>>().join(", ")
                )
            }
        }
    }
}
