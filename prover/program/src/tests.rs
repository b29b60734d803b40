//! What a proof shows, and everything that is not one.

use std::sync::LazyLock;

use janction_aggregate::Stock;
use janction_audit::{AuditError, AuditPieces, PieceVerifier, Place};
use janction_program::{Cells, DType, Program, Tensor, reference, text};
use janction_protocol::Digest;
use janction_trace::{Openings, Policy, Trace};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::{FileError, ProgramProof, ProveError, Statement, VerifyError, prove, soundness, verify};

const TEXT: &str = "program p
scheme 1
depth 12
input x: i8[2]
const w: i8[2, 1] = [
  [3],
  [-5],
]
hidden: i8[1] = matmul(x, w) {
  requantise 1073741824 >> 31
}
const v: i8[1, 2] = [
  [7, -1],
]
y: i8[2] = matmul(hidden, v) {
  requantise 1073741824 >> 31
}
output y
";

/// An execution with its proof.
struct Proven {
    pieces: AuditPieces,
    verifier: PieceVerifier,
    trace: Trace,
    proof: ProgramProof,
    bytes: Vec<u8>,
}

fn program() -> Program {
    text::parse(TEXT).unwrap()
}

fn input(rows: usize) -> Tensor {
    let cells: Vec<i64> = (0..2 * rows as i64).map(|i| i * 37 % 200 - 100).collect();
    Tensor::new(rows, 2, Cells::from_values(DType::I8, &cells).unwrap()).unwrap()
}

fn honest(program: &Program, input: &Tensor) -> Trace {
    Trace::commit(program, input.clone(), reference::run(program, input).unwrap()).unwrap()
}

impl Proven {
    fn new(policy: Policy, rows: impl Fn(&AuditPieces) -> usize) -> Self {
        let pieces = AuditPieces::build(program(), policy).unwrap();
        let trace = honest(pieces.program(), &input(rows(&pieces)));
        let proof = prove(&pieces, &Stock, trace.clone(), &mut |_, _| {}).unwrap();
        let verifier = PieceVerifier::of(&pieces);
        let bytes = proof.to_bytes();
        Self { pieces, verifier, trace, proof, bytes }
    }

    fn verify(&self, proof: &ProgramProof) -> Result<(), VerifyError> {
        let (input, output) = (self.trace.input().tensor(), self.trace.output().tensor());
        verify(self.pieces.program(), &self.verifier, input, output, proof)
    }

    /// Whether the bytes are read as a proof that shows the same.
    fn accepts(&self, bytes: &[u8]) -> bool {
        ProgramProof::from_bytes(&self.verifier, bytes).is_ok_and(|proof| self.verify(&proof).is_ok())
    }
}

/// Two pieces, the second of one row.
static FULL: LazyLock<Proven> =
    LazyLock::new(|| Proven::new(Policy::Full, |pieces| pieces.facts().piece_size() as usize + 1));
static DRAWN: LazyLock<Proven> = LazyLock::new(|| Proven::new(Policy::Rows(4), |_| 9));

#[test]
fn a_proof_is_written_read_and_verified() {
    for proven in [&*FULL, &*DRAWN] {
        let read = ProgramProof::from_bytes(&proven.verifier, &proven.bytes).unwrap();
        assert_eq!(read, proven.proof);
        assert_eq!(ProgramProof::statement_in(&proven.bytes).unwrap(), proven.proof.statement);
        proven.verify(&read).unwrap();
        // The verifier is the same after the disk, and of no other program or policy.
        let (digest, policy) = (proven.verifier.program(), proven.verifier.policy());
        let bytes = proven.verifier.to_bytes().unwrap();
        let restored = PieceVerifier::from_bytes(digest, policy, &bytes).unwrap();
        assert_eq!(restored, proven.verifier);
        assert!(PieceVerifier::from_bytes(Digest::ZERO, policy, &bytes).is_err());
        assert!(PieceVerifier::from_bytes(digest, Policy::Rows(77), &bytes).is_err());
        for length in [0, 31, 40, 60, bytes.len() - 1] {
            assert!(PieceVerifier::from_bytes(digest, policy, &bytes[..length]).is_err(), "{length}");
        }
    }
    assert_eq!((FULL.proof.pieces.len(), DRAWN.proof.pieces.len()), (2, 1));
}

/// So do the circuits of its prover.
#[test]
fn circuits_survive_the_disk() {
    let Proven { pieces, verifier, trace, proof, .. } = &*DRAWN;
    let fetch = |index| pieces.circuit_bytes(index);
    let restored = AuditPieces::from_circuits(program(), verifier, fetch).unwrap();
    assert_eq!(&prove(&restored, &Stock, trace.clone(), &mut |_, _| {}).unwrap().statement, &proof.statement);
    let other = AuditPieces::from_circuits(program(), &FULL.verifier, fetch).unwrap_err();
    assert!(matches!(other, AuditError::Key { .. }), "{other}");
    let cut = |index| pieces.circuit_bytes(index).map(|bytes| bytes[..100].to_vec());
    assert!(matches!(AuditPieces::from_circuits(program(), verifier, cut), Err(AuditError::KeyBytes { .. })));
    assert!(matches!(pieces.circuit_bytes(9), Err(AuditError::NoSuchPiece { .. })));
}

#[test]
fn every_byte_counts() {
    for proven in [&*FULL, &*DRAWN] {
        let bytes = &proven.bytes;
        // All of what stands before the pieces, and bytes everywhere.
        let flip = |place: usize, change: u8| {
            let mut changed = bytes.clone();
            changed[place] ^= change;
            changed
        };
        for place in 0..210 {
            assert!(!proven.accepts(&flip(place, 1)), "byte {place}");
        }
        let mut runner = TestRunner::new(Config::with_cases(100));
        let changes = (0..bytes.len(), 1u8..);
        runner
            .run(&changes, |(place, change)| {
                prop_assert!(!proven.accepts(&flip(place, change)), "byte {}", place);
                Ok(())
            })
            .unwrap();
        for length in [0, 7, 9, 17, 100, 209, 210, bytes.len() / 2, bytes.len() - 1] {
            assert!(!proven.accepts(&bytes[..length]), "{length} bytes");
        }
        assert!(!proven.accepts(&[bytes, &[0][..]].concat()));
        let mut runner = TestRunner::new(Config::with_cases(100));
        let noise = proptest::collection::vec(any::<u8>(), 0..400);
        runner
            .run(&noise, |noise| {
                prop_assert!(!proven.accepts(&noise));
                prop_assert!(!proven.accepts(&[&bytes[..10], &noise].concat()));
                Ok(())
            })
            .unwrap();
    }
    let error = |bytes: &[u8]| ProgramProof::from_bytes(&FULL.verifier, bytes).unwrap_err();
    assert!(matches!(error(b"something"), FileError::Magic));
    assert!(matches!(error(b"JNCPROOF\x00\x02"), FileError::Version { got: 2, .. }));
    assert!(matches!(error(&FULL.bytes[..209]), FileError::Length { .. }));
    assert!(matches!(error(&DRAWN.bytes), FileError::OtherPolicy { .. }));
}

/// Bytes that say of a proof that it is of 2^32 - 1 rows take no memory.
#[test]
fn lengths_are_compared_first() {
    let mut bytes = FULL.bytes.clone();
    bytes[14..18].fill(0xff);
    let error = ProgramProof::from_bytes(&FULL.verifier, &bytes).unwrap_err();
    assert!(matches!(error, FileError::Length { expected, .. } if expected > 1 << 32), "{error}");
}

#[test]
fn pieces_must_be_all_and_in_order() {
    let Proven { proof, .. } = &*FULL;
    let with = |pieces: &[usize]| {
        let pieces = pieces.iter().map(|&i| proof.pieces[i].clone()).collect();
        FULL.verify(&ProgramProof { pieces, ..proof.clone() }).unwrap_err()
    };
    for pieces in [&[0][..], &[1], &[0, 1, 1], &[0, 0, 1], &[]] {
        let error = with(pieces);
        assert!(matches!(error, VerifyError::PieceCount { expected: 2, .. }), "{error}");
    }
    for (pieces, place) in [([1, 0], 0), ([0, 0], 1), ([1, 1], 0)] {
        let error = with(&pieces);
        assert!(matches!(error, VerifyError::Chain { index, .. } if index == place), "{error}");
    }
}

/// A statement without its proof: a trace that differs in one cell has another root, and no piece of the honest one fits.
#[test]
fn another_statement_is_not_proven() {
    let Proven { proof, .. } = &*FULL;
    let one = FULL.proof.statement.trace_root;
    let statements = [
        Statement { trace_root: Digest::ZERO, ..proof.statement },
        Statement { input_root: one, ..proof.statement },
        Statement { output_root: one, ..proof.statement },
        Statement { rows: proof.statement.rows - 1, ..proof.statement },
        Statement { program: one, ..proof.statement },
        Statement { policy: Policy::Rows(4), ..proof.statement },
    ];
    for statement in statements {
        assert!(FULL.verify(&ProgramProof { statement, ..proof.clone() }).is_err(), "{statement:?}");
    }
    for (checked, folds) in [(one, proof.folds), (proof.checked, one)] {
        let error = FULL.verify(&ProgramProof { checked, folds, ..proof.clone() }).unwrap_err();
        assert!(matches!(error, VerifyError::Chain { index: 0, what: "begins", .. }), "{error}");
    }
    // Its public inputs say what they say because the proof binds them.
    let mut forged = proof.clone();
    forged.statement.trace_root = Digest::ZERO;
    let [start, done] = FULL.verifier.ends(&forged.statement.commitment(), proof.checked, proof.folds);
    forged.pieces[0].public_inputs[..4].copy_from_slice(&start.0);
    forged.pieces[1].public_inputs[4..].copy_from_slice(&done.0);
    let error = FULL.verify(&forged).unwrap_err();
    assert!(matches!(error, VerifyError::Piece { index: 0, .. }), "{error}");
}

#[test]
fn another_input_output_program_or_policy_is_refused() {
    let Proven { pieces, verifier, trace, proof, .. } = &*FULL;
    let (program, input, output) = (pieces.program(), trace.input().tensor(), trace.output().tensor());
    let changed = |tensor: &Tensor, cell: usize| {
        let mut cells: Vec<i64> = (0..tensor.cells().len()).map(|i| tensor.cells().get(i).into()).collect();
        cells[cell] = if cells[cell] == 0 { 1 } else { 0 };
        let cells = Cells::from_values(tensor.dtype(), &cells).unwrap();
        Tensor::new(tensor.rows(), tensor.columns(), cells).unwrap()
    };
    for cell in [0, 2 * trace.rows() - 1] {
        let error = verify(program, verifier, &changed(input, cell), output, proof).unwrap_err();
        assert!(matches!(error, VerifyError::Root { what: "input", .. }), "{error}");
        let error = verify(program, verifier, input, &changed(output, cell), proof).unwrap_err();
        assert!(matches!(error, VerifyError::Root { what: "output", .. }), "{error}");
    }
    let fewer = self::input(trace.rows() - 1);
    let error = verify(program, verifier, &fewer, output, proof).unwrap_err();
    assert!(matches!(error, VerifyError::Rows { .. }), "{error}");
    let error = verify(program, verifier, input, &fewer, proof).unwrap_err();
    assert!(matches!(error, VerifyError::Output { .. }), "{error}");
    let error = verify(program, verifier, &self::input(1 << 13), output, proof).unwrap_err();
    assert!(matches!(error, VerifyError::Input(_)), "{error}");

    let other = text::parse(&TEXT.replace("[7, -1]", "[7, -2]")).unwrap();
    let error = verify(&other, verifier, input, output, proof).unwrap_err();
    assert!(matches!(error, VerifyError::Verifier { .. }), "{error}");
    let other = PieceVerifier::of(&AuditPieces::build(other, Policy::Full).unwrap());
    assert_ne!(other.digest(), verifier.digest());
    let error = ProgramProof::from_bytes(&other, &FULL.bytes).unwrap_err();
    assert!(matches!(error, FileError::Program { .. }), "{error}");
    let error = verify(program, &DRAWN.verifier, input, output, proof).unwrap_err();
    assert!(matches!(error, VerifyError::Policy { .. }), "{error}");
    // The key is the program's, whatever the proof says.
    let statement = Statement { program: other.program(), ..proof.statement };
    assert!(matches!(
        FULL.verify(&ProgramProof { statement, ..proof.clone() }),
        Err(VerifyError::Program { .. })
    ));
}

/// `trace` with another value in a cell of its `tensor`th result.
fn falsified(program: &Program, trace: &Trace, tensor: usize, row: usize, column: usize) -> Trace {
    let mut tensors: Vec<Tensor> = trace.tensors().iter().map(|t| t.tensor().clone()).collect();
    let t = &tensors[tensor];
    let mut cells: Vec<i64> = (0..t.cells().len()).map(|i| t.cells().get(i).into()).collect();
    cells[row * t.columns() + column] ^= 1;
    tensors[tensor] =
        Tensor::new(t.rows(), t.columns(), Cells::from_values(t.dtype(), &cells).unwrap()).unwrap();
    Trace::commit(program, trace.input().tensor().clone(), tensors).unwrap()
}

#[test]
fn a_false_trace_is_named_and_not_proven() {
    let Proven { pieces, trace, .. } = &*FULL;
    let last = trace.rows() - 1;
    let lie = falsified(pieces.program(), trace, 1, last, 1);
    let error = prove(pieces, &Stock, lie, &mut |_, _| panic!("nothing is proven")).unwrap_err();
    match error {
        ProveError::Audit(AuditError::FalseRow { operation, row, place, .. }) => {
            assert_eq!((operation.as_str(), row, place), ("y", last, Place::Column(1)));
        }
        other => panic!("{other}"),
    }
    // Whoever leaves the check out does not get a proof either.
    let lie = falsified(pieces.program(), trace, 0, last, 0);
    let commitment = Statement::of(pieces.program(), Policy::Full, &lie).commitment();
    let openings = Openings::Full(lie);
    let preparation = pieces.prepare_execution(&openings, &commitment);
    assert!(matches!(pieces.prove(&Stock, &openings, &preparation, 1), Err(AuditError::Aggregate(_))));
}

/// Under `rows` a lie is found where it is drawn, and the draws are others for every lie.
#[test]
fn draws_follow_from_the_execution() {
    let Proven { pieces, trace, proof, .. } = &*DRAWN;
    let mut found = 0;
    let mut beacons = vec![proof.statement.beacon()];
    for row in 0..trace.rows() {
        let lie = falsified(pieces.program(), trace, 0, row, 0);
        beacons.push(Statement::of(pieces.program(), Policy::Rows(4), &lie).beacon());
        match pieces.check(
            &opened(pieces, &lie),
            &Statement::of(pieces.program(), Policy::Rows(4), &lie).commitment(),
        ) {
            Err(AuditError::FalseRow { row: named, .. }) => {
                assert_eq!(named, row);
                found += 1;
            }
            Err(other) => panic!("{other}"),
            Ok(()) => {}
        }
    }
    assert!(found > 0);
    let count = beacons.len();
    beacons.sort_by_key(|beacon| beacon.map(|x| x.0));
    beacons.dedup();
    assert_eq!(beacons.len(), count);
    let bits = soundness::piece_bits(&FULL.verifier);
    assert!(bits.unique_decoding < bits.johnson && bits.johnson < bits.conjectured, "{bits:?}");
    assert!(bits.conjectured >= 100, "{bits:?}");
    assert_eq!(soundness::draw_bits(0.5, 64), 0.0);
    assert!((soundness::draw_bits(0.5, 164) - 100.0).abs() < 1e-3);
}

fn opened(pieces: &AuditPieces, trace: &Trace) -> Openings {
    let commitment = Statement::of(pieces.program(), pieces.policy(), trace).commitment();
    let draws = pieces.end(trace.rows() as u32) as usize;
    Openings::of(pieces.program(), trace.clone(), &commitment, draws).unwrap()
}
