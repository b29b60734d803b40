//! The native audit: honest openings pass, every kind of forgery fails with its own error, bytes round trip.

mod support;

use janction_program::Program;
use janction_protocol::F;
use janction_trace::{AuditError, BlobError, CheckError, Commitment, Openings, Policy, PolicyError, Trace};
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
    let openings = Openings::of(program, trace, policy, beacon(seed)).unwrap();
    (openings, commitment(trace, policy, beacon(seed)))
}

proptest! {
    #[test]
    fn honest_traces_pass(seed: u64, s in 1u32..9) {
        let (program, trace) = traced(seed);
        for policy in [Policy::Full, Policy::Rows(s)] {
            let (openings, commitment) = audit(&program, &trace, policy, seed);
            prop_assert_eq!(openings.verify(&program, &commitment), Ok(()));
            prop_assert_eq!(Openings::from_bytes(&program, &openings.to_bytes()), Ok(openings));
        }
        let input = trace.input().tensor().clone();
        prop_assert_eq!(Trace::from_bytes(&program, input, &trace.to_bytes()), Ok(trace));
    }

    #[test]
    fn a_false_cell_is_found_by_full(seed: u64, which: prop::sample::Index, at: prop::sample::Index) {
        let (program, trace) = traced(seed);
        let k = which.index(trace.tensors().len());
        let cell = at.index(trace.tensors()[k].tensor().cells().len());
        let forged = falsified(&program, &trace, k, cell);
        let (openings, commitment) = audit(&program, &forged, Policy::Full, seed);
        let Err(AuditError::Check(CheckError::Fault(fault))) = openings.verify(&program, &commitment) else {
            return Err(TestCaseError::fail("the false cell was not found"));
        };
        prop_assert_eq!(fault.row, cell / trace.tensors()[k].tensor().columns());
    }

    /// Openings of the honest run cannot stand for a false commitment, nor the other way round.
    #[test]
    fn openings_of_another_trace_fail(seed: u64, at: prop::sample::Index) {
        let (program, trace) = traced(seed);
        let forged = falsified(&program, &trace, 0, at.index(trace.tensors()[0].tensor().cells().len()));
        let (honest, of_honest) = audit(&program, &trace, Policy::Rows(3), seed);
        let (false_openings, of_forged) = audit(&program, &forged, Policy::Rows(3), seed);
        for (openings, commitment) in [(&honest, &of_forged), (&false_openings, &of_honest)] {
            let refused = matches!(openings.verify(&program, commitment), Err(AuditError::TraceRoot { .. }));
            prop_assert!(refused);
        }
        // Roots of one, rows of the other.
        let mixed = Openings { roots: false_openings.roots.clone(), operations: honest.operations.clone() };
        let verdict = mixed.verify(&program, &of_forged);
        let drawn = honest.operations[0].iter().zip(&false_openings.operations[0]).any(|(a, b)| a != b);
        prop_assert!(verdict.is_err() || !drawn);
    }

    #[test]
    fn damaged_bytes_never_pass_or_panic(seed: u64, at: prop::sample::Index, flip in 1u8..) {
        let (program, trace) = traced(seed);
        let (openings, commitment) = audit(&program, &trace, Policy::Rows(2), seed);
        let mut bytes = openings.to_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(damaged) = Openings::from_bytes(&program, &bytes) {
            prop_assert!(damaged.verify(&program, &commitment).is_err());
        }
        prop_assert!(Openings::from_bytes(&program, &bytes[..at]).is_err());
    }
}

#[test]
fn other_rows_than_the_drawn_ones_fail() {
    // A seed whose job has several rows.
    let (program, trace) = (0..).map(traced).find(|(_, trace)| trace.rows() > 8).unwrap();
    let (openings, honest) = audit(&program, &trace, Policy::Rows(4), 0);
    let rows_error = |openings: &Openings, commitment: &Commitment| {
        let verdict = openings.verify(&program, commitment);
        assert!(matches!(verdict, Err(AuditError::Rows { .. })), "{verdict:?}");
    };
    // Rows of another beacon, of another policy, too few, and in another order.
    rows_error(&openings, &Commitment { beacon: beacon(1 << 20), ..honest });
    rows_error(&openings, &Commitment { policy: Policy::Full, ..honest });
    let mut fewer = openings.clone();
    fewer.operations[0].pop();
    rows_error(&fewer, &honest);
    let mut swapped = openings.clone();
    swapped.operations[0].reverse();
    rows_error(&swapped, &honest);
    // The operand's row is another than the result's.
    let mut shifted = openings.clone();
    shifted.operations[0][0].input.row ^= 1;
    rows_error(&shifted, &honest);
    // A job of fewer rows than were committed to.
    rows_error(&openings, &Commitment { rows: 1, ..honest });

    let missing = openings.verify(&program, &Commitment { beacon: None, ..honest });
    assert_eq!(missing, Err(AuditError::Policy(PolicyError::NoBeacon(4))));
    let input = openings.verify(&program, &Commitment { input_root: honest.trace_root, ..honest });
    assert!(matches!(input, Err(AuditError::Opening { side: "operand", .. })), "{input:?}");
    let output = openings.verify(&program, &Commitment { output_root: honest.trace_root, ..honest });
    assert!(matches!(output, Err(AuditError::OutputRoot { .. })), "{output:?}");
    let none = Openings { roots: openings.roots.clone(), operations: vec![] };
    assert!(matches!(none.verify(&program, &honest), Err(AuditError::OperationCount { .. })));
}

#[test]
fn bytes_of_something_else_say_so() {
    let (program, trace) = traced(1);
    let input = || trace.input().tensor().clone();
    let bytes = trace.to_bytes();
    assert_eq!(Openings::from_bytes(&program, &bytes), Err(BlobError::Magic("JNCOPENS")));
    assert!(matches!(Trace::from_bytes(&program, input(), b""), Err(BlobError::Magic("JNCTRACE"))));
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(Trace::from_bytes(&program, input(), &longer), Err(BlobError::Trailing { count: 1 }));
    let shorter = Trace::from_bytes(&program, input(), &bytes[..bytes.len() - 1]);
    assert!(matches!(shorter, Err(BlobError::Truncated { .. })));
    let mut newer = bytes.clone();
    newer[9] = 2;
    assert_eq!(Trace::from_bytes(&program, input(), &newer), Err(BlobError::Version { got: 2 }));
    let mut huge = bytes.clone();
    huge[10..14].copy_from_slice(&[0xff; 4]);
    assert!(matches!(Trace::from_bytes(&program, input(), &huge), Err(BlobError::Truncated { .. })));
    let mut none = bytes;
    none[10..14].copy_from_slice(&[0; 4]);
    assert!(Trace::from_bytes(&program, input(), &none).is_err());
}
