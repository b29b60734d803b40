//! What a worker hands out is all that a prover needs, and a cheating worker's openings name its false rows.

use janction_aggregate::{NodeShape, Stock};
use janction_trace::{Commitment, Openings, Policy, draw};

use super::flipped::{flip, input, replace, two_layers};
use super::{claim_of, honest};
use crate::limits::MAX_PIECE_BLOCKS;
use crate::{AuditCircuits, AuditError, Rule};

/// The last piece of no audit checks more draws than openings may have.
#[test]
fn the_last_piece_is_opened() {
    const { assert!(MAX_PIECE_BLOCKS * draw::DRAWS_PER_HASH <= draw::MAX_SURPLUS) }
}

/// From trace to openings to bytes, checked by a sequencer, then proven from the bytes alone: the first piece of each policy.
#[test]
fn openings_travel_from_worker_to_prover() {
    let program = two_layers(4, "two_layers");
    let trace = honest(&program, &input(13));
    let shape = NodeShape::find().unwrap();
    for policy in [Policy::Full, Policy::Rows(6)] {
        let circuits = AuditCircuits::of_size(&shape, program.clone(), policy, 2, 1);
        let claim = claim_of(&program, circuits.audit_key_digest(), policy, &trace);
        let bytes = circuits.openings(trace.clone(), &claim).unwrap().to_bytes();
        let openings = Openings::from_bytes(&program, trace.input().tensor(), &bytes).unwrap();
        openings.check(&program, &Commitment::of(&claim).unwrap()).unwrap();
        circuits.check(&openings, &claim).unwrap();
        circuits.prove_piece(&Stock, &openings, &claim, 0).unwrap();
    }
}

/// A sequencer takes the openings of a false trace, for a prover to name the false row.
#[test]
fn false_rows_are_named() {
    let program = two_layers(4, "two_layers");
    let trace = honest(&program, &input(13));
    let shape = NodeShape::find().unwrap();
    for policy in [Policy::Full, Policy::Rows(6)] {
        let circuits = AuditCircuits::of_size(&shape, program.clone(), policy, 2, 1);
        for (k, name) in [(1, "y"), (2, "z")] {
            for row in 0..13 {
                let forged =
                    replace(&program, &trace, k, flip(crate::piece::tensor(&trace, k).tensor(), row, 1));
                let claim = claim_of(&program, circuits.audit_key_digest(), policy, &forged);
                let openings = circuits.openings(forged, &claim).unwrap();
                let commitment = Commitment::of(&claim).unwrap();
                openings.check(&program, &commitment).unwrap();
                // The circuits' rules and the reference's agree.
                let verdict = openings.verify(&program, &commitment);
                let beacon = commitment.beacon.unwrap_or_default();
                let is_drawn = draw::draw_rows(beacon, k - 1, 13, 8).contains(&row);
                match circuits.check(&openings, &claim) {
                    Ok(()) => {
                        assert!(policy != Policy::Full && !is_drawn, "{policy}: {name}, row {row}");
                        verdict.unwrap();
                    }
                    // A false row of y may show in z only.
                    Err(AuditError::FalseRow { operation, row: found, rule: Rule::Result, .. }) => {
                        assert!(verdict.is_err());
                        assert_eq!(found, row);
                        assert!(operation == name || !is_drawn, "{policy}: {name}, row {row}");
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
}
