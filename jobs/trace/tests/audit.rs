//! The native audit: honest openings pass, every kind of forgery fails with its own error, bytes round trip.

mod support;

use janction_program::builder::{AddOptions, Builder};
use janction_program::{Cells, DType, Program, Tensor, reference};
use janction_protocol::claim::Claim;
use janction_protocol::{Address, Deployment, Digest, F};
use janction_trace::{
    BlobError, CheckError, Commitment, DrawnRows, Openings, OpeningsError, Policy, PolicyError, RowPair,
    Trace, draw::MAX_SURPLUS,
};
use plonky2::field::types::Field;
use proptest::prelude::*;
use support::{falsified, traced};

fn beacon(seed: u64) -> Option<[F; 4]> {
    Some([1, 2, 3, seed >> 8].map(F::from_canonical_u64))
}

fn commitment(trace: &Trace, policy: Policy, beacon: Option<[F; 4]>) -> Commitment {
    Commitment {
        input_root: trace.input_root(),
        rows: trace.rows(),
        trace_root: trace.trace_root(),
        output_root: trace.output_root(),
        policy,
        beacon,
    }
}

/// Openings of `trace` and what they are checked against.
fn audit(program: &Program, trace: &Trace, policy: Policy, seed: u64) -> (Openings, Commitment) {
    let commitment = commitment(trace, policy, beacon(seed));
    let draws = policy.code().next_multiple_of(4) as usize;
    (Openings::of(program, trace.clone(), &commitment, draws).unwrap(), commitment)
}

fn drawn(openings: &Openings) -> &DrawnRows {
    match openings {
        Openings::Drawn(rows) => rows,
        Openings::Full(_) => panic!("the policy is rows"),
    }
}

proptest! {
    #[test]
    fn honest_traces_pass(seed: u64, s in 1u32..9) {
        let (program, trace) = traced(seed);
        let input = trace.input().tensor();
        for policy in [Policy::Full, Policy::Rows(s)] {
            let (openings, commitment) = audit(&program, &trace, policy, seed);
            prop_assert_eq!(openings.check(&program, &commitment), Ok(()));
            prop_assert_eq!(openings.verify(&program, &commitment), Ok(()));
            prop_assert_eq!(Openings::from_bytes(&program, input, &openings.to_bytes()), Ok(openings));
        }
    }

    /// A cheating worker's openings are openings: its false rows are found by the row checks alone.
    #[test]
    fn a_false_cell_is_found_by_full(seed: u64, which: prop::sample::Index, at: prop::sample::Index) {
        let (program, trace) = traced(seed);
        let k = which.index(trace.tensors().len());
        let cell = at.index(trace.tensors()[k].tensor().cells().len());
        let forged = falsified(&program, &trace, k, cell);
        let (openings, commitment) = audit(&program, &forged, Policy::Full, seed);
        prop_assert_eq!(openings.check(&program, &commitment), Ok(()));
        let Err(OpeningsError::Check(CheckError::Fault(fault))) = openings.verify(&program, &commitment) else {
            return Err(TestCaseError::fail("the false cell was not found"));
        };
        prop_assert_eq!(fault.row, cell / trace.tensors()[k].tensor().columns());
        // Under `rows` it is found exactly when its row is drawn.
        let (openings, commitment) = audit(&program, &forged, Policy::Rows(4), seed);
        prop_assert_eq!(openings.check(&program, &commitment), Ok(()));
        let is_drawn = drawn(&openings).operations[k].iter().any(|pair| pair.output.row == fault.row);
        match openings.verify(&program, &commitment) {
            Err(OpeningsError::Check(CheckError::Fault(found))) => prop_assert_eq!(found.row, fault.row),
            verdict => prop_assert!(verdict.is_ok() && !is_drawn),
        }
    }

    /// Openings of the honest run cannot stand for a false commitment, nor the other way round.
    #[test]
    fn openings_of_another_trace_fail(seed: u64, at: prop::sample::Index) {
        let (program, trace) = traced(seed);
        let forged = falsified(&program, &trace, 0, at.index(trace.tensors()[0].tensor().cells().len()));
        for policy in [Policy::Full, Policy::Rows(3)] {
            let (honest, of_honest) = audit(&program, &trace, policy, seed);
            let (false_openings, of_forged) = audit(&program, &forged, policy, seed);
            for (openings, commitment) in [(&honest, &of_forged), (&false_openings, &of_honest)] {
                let verdict = openings.check(&program, commitment);
                let refused = matches!(verdict, Err(OpeningsError::TraceRoot { .. }));
                prop_assert!(refused);
            }
        }
        // Roots of one, rows of the other.
        let (honest, _) = audit(&program, &trace, Policy::Rows(3), seed);
        let (false_openings, of_forged) = audit(&program, &forged, Policy::Rows(3), seed);
        let (honest, false_rows) = (drawn(&honest), drawn(&false_openings));
        let mixed = DrawnRows { roots: false_rows.roots.clone(), operations: honest.operations.clone() };
        let is_drawn = honest.operations[0].iter().zip(&false_rows.operations[0]).any(|(a, b)| a != b);
        let verdict = Openings::Drawn(mixed).check(&program, &of_forged);
        prop_assert!(verdict.is_err() || !is_drawn);
    }

    #[test]
    fn damaged_bytes_never_pass_or_panic(seed: u64, at: prop::sample::Index, flip in 1u8..) {
        let (program, trace) = traced(seed);
        let input = trace.input().tensor();
        for policy in [Policy::Full, Policy::Rows(2)] {
            let (openings, commitment) = audit(&program, &trace, policy, seed);
            let mut bytes = openings.to_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            if let Ok(damaged) = Openings::from_bytes(&program, input, &bytes) {
                prop_assert_eq!(damaged.to_bytes(), bytes.clone());
                prop_assert!(damaged.check(&program, &commitment).is_err());
            }
            prop_assert!(Openings::from_bytes(&program, input, &bytes[..at]).is_err());
        }
    }

    #[test]
    fn junk_never_panics(seed in 0u64..50, which in 0usize..2, junk: Vec<u8>) {
        let (program, trace) = traced(seed);
        let input = trace.input().tensor();
        let magic: &[u8] = [b"JNCTRACE\0\x01", b"JNCDRAWN\0\x02"][which];
        for bytes in [[magic, &junk].concat(), junk] {
            if let Ok(openings) = Openings::from_bytes(&program, input, &bytes) {
                prop_assert_eq!(openings.to_bytes(), bytes);
            }
        }
    }
}

#[test]
fn other_rows_than_the_drawn_ones_fail() {
    // A seed whose job has several rows.
    let (program, trace) = (0..).map(traced).find(|(_, trace)| trace.rows() > 8).unwrap();
    let (openings, honest) = audit(&program, &trace, Policy::Rows(4), 0);
    let rows = drawn(&openings);
    let check = |rows: &DrawnRows, commitment: &Commitment| {
        Openings::Drawn(rows.clone()).check(&program, commitment).unwrap_err()
    };
    let rows_error = |rows: &DrawnRows, commitment: &Commitment| {
        let error = check(rows, commitment);
        assert!(matches!(error, OpeningsError::Rows { .. }), "{error}");
    };
    // Rows of another beacon, and in another order.
    rows_error(rows, &Commitment { beacon: beacon(1 << 20), ..honest });
    let mut swapped = rows.clone();
    swapped.operations[0].reverse();
    rows_error(&swapped, &honest);
    // The operand's row is another than the result's.
    let mut shifted = rows.clone();
    shifted.operations[0][0].inputs[0].row ^= 1;
    rows_error(&shifted, &honest);
    // A job of fewer rows than were committed to.
    rows_error(rows, &Commitment { rows: 1, ..honest });

    let missing = check(rows, &Commitment { beacon: None, ..honest });
    assert_eq!(missing, OpeningsError::Undrawn(PolicyError::NoBeacon(4)));
    let input = check(rows, &Commitment { input_root: honest.trace_root, ..honest });
    assert!(matches!(input, OpeningsError::Opening { side: "operand", .. }), "{input:?}");
    let output = check(rows, &Commitment { output_root: honest.trace_root, ..honest });
    assert!(matches!(output, OpeningsError::OutputRoot { .. }), "{output:?}");
    let none = DrawnRows { roots: rows.roots.clone(), operations: vec![] };
    assert!(matches!(check(&none, &honest), OpeningsError::OperationCount { .. }));
}

/// A sum of the input and a lookup of it: its audit opens rows of two tensors.
fn of_two_operands() -> (Program, Trace) {
    let mut b = Builder::new("two_operands", 4);
    let x = b.input("x", DType::I8, &[3]);
    let table = (0..=255u8).map(|byte| byte as i8 ^ 0x55).collect();
    let table = b.constant("table", Tensor::new(1, 256, Cells::I8(table)).unwrap());
    let y = b.lookup("y", x, table);
    b.add("sum", y, x, DType::I8, AddOptions::new([3, -1], 2));
    let program = b.build().unwrap();
    let input = Tensor::new(9, 3, Cells::I8((0..27).map(|i| (i * 9 - 120) as i8).collect())).unwrap();
    let tensors = reference::run(&program, &input).unwrap();
    let trace = Trace::commit(&program, input, tensors).unwrap();
    (program, trace)
}

#[test]
fn rows_of_all_operands_are_opened() {
    let (program, trace) = of_two_operands();
    let (openings, honest) = audit(&program, &trace, Policy::Rows(4), 7);
    assert_eq!(openings.verify(&program, &honest), Ok(()));
    let rows = drawn(&openings);
    // In the order of the operands: y, then x.
    for pair in &rows.operations[1] {
        let row = pair.output.row;
        let expected = [&trace.tensors()[0], trace.input()].map(|t| t.tensor().row(row));
        assert_eq!(pair.inputs.iter().map(|opening| opening.cells.clone()).collect::<Vec<_>>(), expected);
    }
    let path = 32 * usize::from(program.depth());
    let opening = 3 + path;
    let length = 8 + 2 + 4 + 2 * 32 + 4 * (4 + 2 * opening) + 4 * (4 + 3 * opening);
    assert_eq!(openings.to_bytes().len(), length);

    let check = |change: &dyn Fn(&mut RowPair)| {
        let mut rows = rows.clone();
        change(&mut rows.operations[1][0]);
        Openings::Drawn(rows).check(&program, &honest).unwrap_err()
    };
    let swapped = check(&|pair| pair.inputs.reverse());
    assert!(matches!(swapped, OpeningsError::Opening { side: "operand", .. }), "{swapped}");
    let second = check(&|pair| pair.inputs[1].row ^= 1);
    assert!(matches!(second, OpeningsError::Rows { .. }), "{second}");
    let false_cell = check(&|pair| pair.inputs[1].cells = Cells::I8(vec![0; 3]));
    assert!(matches!(false_cell, OpeningsError::Opening { side: "operand", .. }), "{false_cell}");
    for (got, change) in [
        (1, (|pair| drop(pair.inputs.pop())) as fn(&mut RowPair)),
        (3, |pair| pair.inputs.push(pair.output.clone())),
        (0, |pair| pair.inputs.clear()),
    ] {
        let error = OpeningsError::Operands { operation: "sum".into(), expected: 2, got };
        assert_eq!(check(&change), error);
    }
    // A false row of y is one of its own operation, and not of the sum that is made from it.
    let cell = 3 * drawn(&openings).operations[0][0].output.row;
    let forged = falsified(&program, &trace, 0, cell);
    let (openings, commitment) = audit(&program, &forged, Policy::Rows(4), 7);
    let Err(OpeningsError::Check(CheckError::Fault(fault))) = openings.verify(&program, &commitment) else {
        panic!("the false row was not found")
    };
    assert_eq!((fault.operation.as_str(), fault.kind, fault.column), ("y", "lookup", 0));
    assert!(fault.to_string().contains("the rule table["), "{fault}");
}

/// As many draws as the policy has, or up to the end of a last piece; as many for each operation.
#[test]
fn the_number_of_draws_is_bounded() {
    let (program, trace) =
        (0..).map(traced).find(|(_, trace)| trace.rows() > 8 && trace.tensors().len() > 1).unwrap();
    let honest = commitment(&trace, Policy::Rows(6), beacon(1));
    let of = |draws| Openings::of(&program, trace.clone(), &honest, draws).unwrap();
    for draws in [6, 7, 8, 6 + MAX_SURPLUS - 1] {
        assert_eq!(of(draws).verify(&program, &honest), Ok(()), "{draws}");
    }
    let most = 6 + MAX_SURPLUS - 1;
    for got in [0, 5, 6 + MAX_SURPLUS] {
        let error = OpeningsError::Draws { least: 6, most, got };
        assert_eq!(of(got).check(&program, &honest), Err(error));
    }
    for k in 0..trace.tensors().len() {
        let mut fewer = drawn(&of(8)).clone();
        fewer.operations[k].pop();
        let verdict = Openings::Drawn(fewer).check(&program, &honest);
        assert!(matches!(verdict, Err(OpeningsError::Draws { .. })), "{verdict:?}");
    }
}

#[test]
fn a_trace_must_be_the_jobs() {
    let (program, trace) = (0..).map(traced).find(|(_, trace)| trace.rows() > 8).unwrap();
    let (openings, honest) = audit(&program, &trace, Policy::Full, 0);
    let check = |commitment: Commitment| openings.check(&program, &commitment).unwrap_err();
    let other = Digest([F::TWO; 4]);
    let error = check(Commitment { rows: honest.rows - 1, ..honest });
    assert_eq!(error, OpeningsError::RowCount { expected: honest.rows - 1, got: honest.rows });
    let error = check(Commitment { input_root: other, ..honest });
    assert_eq!(error, OpeningsError::InputRoot { expected: other, got: honest.input_root });
    let error = check(Commitment { trace_root: other, ..honest });
    assert_eq!(error, OpeningsError::TraceRoot { expected: other, got: honest.trace_root });
    let error = check(Commitment { output_root: other, ..honest });
    assert_eq!(error, OpeningsError::OutputRoot { expected: other, got: honest.output_root });
    // Openings of one policy for a job of the other.
    let rows = Commitment { policy: Policy::Rows(4), ..honest };
    assert!(matches!(check(rows), OpeningsError::Policy { policy: Policy::Rows(4), .. }));
    let (drawn, _) = audit(&program, &trace, Policy::Rows(4), 0);
    let verdict = drawn.check(&program, &honest);
    assert!(matches!(verdict, Err(OpeningsError::Policy { policy: Policy::Full, .. })), "{verdict:?}");
    // A trace of another program is told, whatever its form.
    for seed in 0..20 {
        let (_, foreign) = traced(seed);
        if foreign != trace {
            Openings::Full(foreign).check(&program, &honest).unwrap_err();
        }
    }
}

#[test]
fn commitments_are_the_claims() {
    let (_, trace) = traced(1);
    let claim = Claim {
        deployment: Deployment::new(31337, Address::from_limbs([1, 2, 3]).unwrap()).unwrap(),
        job: 5,
        nonce: 6,
        winner: 7,
        program: Digest::ZERO,
        audit_key: Digest::ZERO,
        input_root: trace.input_root(),
        input_rows: trace.rows() as u32,
        trace_root: trace.trace_root(),
        output_root: trace.output_root(),
        beacon: [11, 22, 33, 44],
        policy: 4,
        coverage: 4,
    };
    let beacon = Some([11, 22, 33, 44].map(F::from_canonical_u64));
    assert_eq!(Commitment::of(&claim), Ok(commitment(&trace, Policy::Rows(4), beacon)));
    // Before the beacon is recorded there is none.
    let unrecorded = Commitment::of(&Claim { beacon: [0; 4], ..claim }).unwrap();
    assert_eq!(unrecorded.beacon, None);
    let wrong = Commitment::of(&Claim { policy: 1 << 24, ..claim });
    assert_eq!(wrong, Err(PolicyError::Code(1 << 24)));
    assert_eq!(Commitment::of(&Claim { input_rows: 0, ..claim }), Err(PolicyError::NoRows));
}

#[test]
fn bytes_of_something_else_say_so() {
    let (program, trace) = traced(1);
    let input = || trace.input().tensor().clone();
    let bytes = trace.to_bytes();
    assert_eq!(DrawnRows::from_bytes(&program, trace.rows(), &bytes), Err(BlobError::Magic("JNCDRAWN")));
    assert!(matches!(Trace::from_bytes(&program, input(), b""), Err(BlobError::Magic("JNCTRACE"))));
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(Trace::from_bytes(&program, input(), &longer), Err(BlobError::Trailing { count: 1 }));
    let shorter = Trace::from_bytes(&program, input(), &bytes[..bytes.len() - 1]);
    assert!(matches!(shorter, Err(BlobError::Truncated { .. })));
    let mut newer = bytes.clone();
    newer[9] = 2;
    let error = BlobError::Version { expected: 1, got: 2 };
    assert_eq!(Trace::from_bytes(&program, input(), &newer), Err(error));
    for wrong in [0, trace.rows() as u32 + 1, u32::MAX] {
        let mut other = bytes.clone();
        other[10..14].copy_from_slice(&wrong.to_be_bytes());
        let error = BlobError::Rows { expected: trace.rows(), got: wrong as usize };
        assert_eq!(Trace::from_bytes(&program, input(), &other), Err(error));
    }
    let mut huge = drawn(&audit(&program, &trace, Policy::Rows(4), 0).0).to_bytes();
    huge[10..14].copy_from_slice(&[0xff; 4]);
    assert!(DrawnRows::from_bytes(&program, trace.rows(), &huge).is_err());
}
