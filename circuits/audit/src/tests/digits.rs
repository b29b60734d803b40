//! The two models of `examples/digits`: what their audits take.

use std::path::Path;

use janction_program::Program;
use janction_trace::Policy;

use crate::operation::ProgramPlan;
use crate::piece::PieceCircuit;

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
        ("mlp_64_32_10", Policy::Full, 117),
        ("mlp_64_32_10", Policy::Rows(44), 157),
        ("mlp_64_48_24_10", Policy::Full, 213),
        ("mlp_64_48_24_10", Policy::Rows(44), 277),
    ] {
        let program = program(name);
        let plan = ProgramPlan::new(&program).unwrap();
        let gates = |row_bits, blocks| PieceCircuit::gates(&program, &plan, policy, row_bits, blocks);
        assert_eq!((gates(5, 8) - gates(4, 4)) / 16, marginal, "{name} {policy}");
    }
}

/// Golden: the size of a piece is part of the audit key.
#[test]
fn sizes_of_pieces() {
    for (name, policy, size, bits) in [
        ("mlp_64_32_10", Policy::Full, 128, 14),
        ("mlp_64_32_10", Policy::Rows(44), 44, 13),
        ("mlp_64_48_24_10", Policy::Full, 64, 14),
    ] {
        let program = program(name);
        let plan = ProgramPlan::new(&program).unwrap();
        let piece = PieceCircuit::build(&program, &plan, policy).unwrap();
        assert_eq!((piece.step(), piece.data.common.degree_bits()), (size, bits), "{name} {policy}");
    }
}
