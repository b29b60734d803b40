//! The two models of `examples/digits`: what their audits take.

use std::path::Path;

use janction_program::{Cells, Program, Tensor};
use janction_protocol::Digest;
use janction_trace::{Commitment, Openings, Policy};

use super::{claim_of, honest};
use crate::AuditPieces;

/// Jobs of up to 512 images.
const DEPTH: u8 = 9;

fn program(name: &str) -> Program {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/digits");
    let model = std::fs::read(folder.join(name).with_extension("onnx")).unwrap();
    janction_onnx::import(&model, name, DEPTH).unwrap().program
}

/// Golden: `docs/circuits-audit.md` gives these figures.
#[test]
fn rows_of_circuit() {
    for (name, policy, marginal) in [
        ("mlp_64_32_10", Policy::Full, 52),
        ("mlp_64_32_10", Policy::Rows(44), 93),
        ("mlp_64_48_24_10", Policy::Full, 84),
        ("mlp_64_48_24_10", Policy::Rows(44), 147),
    ] {
        let program = program(name);
        let gates = |row_bits, blocks| AuditPieces::gates(&program, policy, row_bits, blocks);
        assert_eq!((gates(5, 8) - gates(4, 4)) / 16, marginal, "{name} {policy}");
    }
}

/// Golden: the size of a piece is part of the audit key.
#[test]
fn sizes_of_pieces() {
    for (name, policy, size, bits) in [
        ("mlp_64_32_10", Policy::Full, 288, 14),
        ("mlp_64_32_10", Policy::Rows(44), 44, 13),
        ("mlp_64_48_24_10", Policy::Full, 192, 14),
        ("mlp_64_48_24_10", Policy::Rows(44), 44, 13),
    ] {
        let program = program(name);
        let facts = AuditPieces::build(program, policy).unwrap().facts();
        assert_eq!((facts.piece_sizes, facts.piece_bits), (vec![size], bits), "{name} {policy}");
    }
}

/// Golden: what a worker hands out for a job of 360 images; `docs/circuits-audit.md` gives these figures.
#[test]
fn bytes_of_openings() {
    for (name, policy, bytes) in [
        ("mlp_64_32_10", Policy::Full, 14 + 360 * 42),
        ("mlp_64_32_10", Policy::Rows(44), 14 + 2 * 32 + 44 * (2 * (4 + 2 * 9 * 32) + 96 + 42)),
        ("mlp_64_48_24_10", Policy::Full, 14 + 360 * 82),
        ("mlp_64_48_24_10", Policy::Rows(44), 14 + 3 * 32 + 44 * (3 * (4 + 2 * 9 * 32) + 112 + 72 + 34)),
    ] {
        let program = program(name);
        let input = program.input();
        let cells = Cells::from_values(input.dtype, &vec![0; 360 * input.columns()]).unwrap();
        let trace = honest(&program, &Tensor::new(360, input.columns(), cells).unwrap());
        let claim = claim_of(&program, Digest::ZERO, policy, &trace);
        let openings = Openings::of(&program, trace, &Commitment::of(&claim).unwrap(), 44).unwrap();
        assert_eq!(openings.to_bytes().len(), bytes, "{name} {policy}");
    }
}
