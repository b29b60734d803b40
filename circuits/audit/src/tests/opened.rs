//! What a worker hands out is all that a prover needs, and a cheating worker's openings name its false rows.

use std::sync::LazyLock;

use janction_aggregate::Stock;
use janction_gadgets::F;
use janction_program::commitment::row_digests;
use janction_protocol::Digest;
use janction_protocol::claim::Claim;
use janction_trace::{Commitment, CommittedTensor, Openings, OpeningsError, Policy, Trace, draw};
use plonky2::field::types::Field;

use super::flipped::{flip, input, replace, two_layers};
use super::world::{Audited, WORLD};
use super::{claim_of, honest};
use crate::limits::MAX_PIECE_BLOCKS;
use crate::{AuditCircuits, AuditError, Place, Rule};

/// The last piece of no audit checks more draws than openings may have.
#[test]
fn the_last_piece_is_opened() {
    const { assert!(MAX_PIECE_BLOCKS * draw::DRAWS_PER_HASH <= draw::MAX_SURPLUS) }
}

/// Audits of thirteen rows in blocks of four, and by six draws in pieces of four.
static AUDITS: LazyLock<[AuditCircuits; 2]> = LazyLock::new(|| {
    [Policy::Full, Policy::Rows(6)].map(|policy| {
        AuditCircuits::of_size(WORLD.wrapper.shape(), two_layers(4, "two_layers"), policy, 2, 1)
    })
});

/// From trace to openings to bytes, checked by a sequencer, then proven from the bytes alone: the first piece of each policy.
#[test]
fn openings_travel_from_worker_to_prover() {
    for circuits in &*AUDITS {
        let (program, policy) = (circuits.program(), circuits.policy());
        let trace = honest(program, &input(13));
        let claim = claim_of(program, circuits.audit_key_digest(), policy, &trace);
        let bytes = circuits.openings(trace.clone(), &claim).unwrap().to_bytes();
        let openings = Openings::from_bytes(program, trace.input().tensor(), &bytes).unwrap();
        openings.check(program, &Commitment::of(&claim).unwrap()).unwrap();
        circuits.check(&openings, &claim).unwrap();
        let preparation = circuits.prepare(&openings, &claim);
        circuits.prove_piece(&Stock, &openings, &preparation, 0).unwrap();
    }
}

/// A sequencer takes the openings of a false trace, for a prover to name the false row.
#[test]
fn false_rows_are_named() {
    for circuits in &*AUDITS {
        let (program, policy) = (circuits.program(), circuits.policy());
        let trace = honest(program, &input(13));
        for (k, name) in [(1, "y"), (2, "z")] {
            for row in 0..13 {
                let forged =
                    replace(program, &trace, k, flip(crate::piece::tensor(&trace, k).tensor(), row, 1));
                let claim = claim_of(program, circuits.audit_key_digest(), policy, &forged);
                let openings = circuits.openings(forged, &claim).unwrap();
                let commitment = Commitment::of(&claim).unwrap();
                openings.check(program, &commitment).unwrap();
                // The circuits' rules and the reference's agree.
                let verdict = openings.verify(program, &commitment);
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

/// A false trace is refused before it is proven, and the error names operation, row and rule.
#[test]
fn errors_name_operation_row_and_rule() {
    let w = &*WORLD;
    let Audited { circuits, trace, claim, .. } = &w.full;
    let program = circuits.program();
    for (k, name) in [(1, "y"), (2, "z")] {
        let forged = replace(program, trace, k, flip(crate::piece::tensor(trace, k).tensor(), 2, 1));
        let claim = claim_of(program, claim.audit_key, Policy::Full, &forged);
        let openings = circuits.openings(forged, &claim).unwrap();
        let error = circuits.prove(&Stock, &w.wrapper, &openings, &claim).unwrap_err();
        let AuditError::FalseRow { operation, row, place, rule, .. } = &error else { panic!("{error}") };
        assert_eq!((operation.as_str(), *row, *place, *rule), (name, 2, Place::Column(1), Rule::Result));
        assert!(error.to_string().contains(&format!("operation \"{name}\", row 2, column 1")), "{error}");
    }
    // A digest that is not the row's.
    let y = trace.tensors()[0].tensor().clone();
    let mut digests = row_digests(&y);
    digests[3] = Digest([F::ONE; 4]);
    let tensors =
        vec![CommittedTensor::with_leaves(program, y, digests).unwrap(), trace.tensors()[1].clone()];
    let forged = Trace::of(program, trace.input().clone(), tensors).unwrap();
    let forged_claim = claim_of(program, claim.audit_key, Policy::Full, &forged);
    let openings = circuits.openings(forged, &forged_claim).unwrap();
    let error = circuits.check(&openings, &forged_claim).unwrap_err();
    let AuditError::FalseRow { operation, row, rule, .. } = error else { panic!("{error}") };
    assert_eq!((operation.as_str(), row, rule), ("y", 3, Rule::Digest));
    // Without the check the prover fails all the same.
    let preparation = circuits.prepare(&openings, &forged_claim);
    assert!(circuits.prove_piece(&Stock, &openings, &preparation, 3).is_err());
}

#[test]
fn a_claim_of_another_job_is_refused() {
    let w = &*WORLD;
    let Audited { circuits, openings, claim, preparation, .. } = &w.drawn;
    let field = |claim: Claim| match circuits.check(openings, &claim).unwrap_err() {
        AuditError::Claim { field, .. } => field,
        error => panic!("{error}"),
    };
    let other = Digest([F::TWO; 4]);
    assert_eq!(field(Claim { program: other, ..*claim }), "program");
    assert_eq!(field(Claim { audit_key: other, ..*claim }), "audit key");
    assert_eq!(field(Claim { policy: 0, ..*claim }), "policy");
    assert_eq!(field(Claim { coverage: 4, ..*claim }), "coverage");
    let wrong = w.drawn.proof(&w.full.node, 8).verify(w.wrapper.verifier(), claim).unwrap_err();
    assert!(matches!(wrong, AuditError::Node { what: "start", .. }), "{wrong}");
    let error = circuits.prove_piece(&Stock, openings, preparation, 2).unwrap_err();
    assert!(matches!(error, AuditError::NoSuchPiece { index: 2, pieces: 2 }));
}

/// Openings of another job, policy or beacon, and too few of them.
#[test]
fn openings_of_another_job_are_refused() {
    let w = &*WORLD;
    let other = Digest([F::TWO; 4]);
    for (audited, foreign) in [(&w.full, &w.drawn), (&w.drawn, &w.full)] {
        let Audited { circuits, trace, openings, claim, preparation, .. } = audited;
        let refused = |openings: &Openings, claim: Claim| match circuits.check(openings, &claim).unwrap_err()
        {
            AuditError::Openings(error) => error,
            error => panic!("{error}"),
        };
        let error = refused(&foreign.openings, *claim);
        assert!(matches!(error, OpeningsError::Policy { .. }), "{error}");
        let error = circuits.prove_piece(&Stock, &foreign.openings, preparation, 0).unwrap_err();
        assert!(matches!(error, AuditError::Openings(OpeningsError::Policy { .. })), "{error}");
        let error = refused(openings, Claim { trace_root: other, ..*claim });
        assert!(matches!(error, OpeningsError::TraceRoot { .. }), "{error}");
        let error = refused(openings, Claim { output_root: other, ..*claim });
        assert!(matches!(error, OpeningsError::OutputRoot { .. }), "{error}");
        let error = refused(openings, Claim { input_root: other, ..*claim });
        assert!(
            matches!(error, OpeningsError::InputRoot { .. } | OpeningsError::Opening { side: "operand", .. }),
            "{error}"
        );
        let coverage = if claim.policy == 0 { 3 } else { claim.coverage };
        let error = refused(openings, Claim { input_rows: 3, coverage, ..*claim });
        assert!(matches!(error, OpeningsError::RowCount { .. } | OpeningsError::Rows { .. }), "{error}");
        // Nor can they be made of another trace.
        let mut tensors: Vec<_> = trace.tensors().iter().map(|t| t.tensor().clone()).collect();
        tensors[1] = flip(&tensors[1], 0, 0);
        let forged = Trace::commit(circuits.program(), trace.input().tensor().clone(), tensors).unwrap();
        let error = circuits.openings(forged, claim).unwrap_err();
        assert!(matches!(error, AuditError::Openings(OpeningsError::TraceRoot { .. })), "{error}");
        let deeper = honest(&two_layers(3, "deeper"), &input(4));
        let error = circuits.openings(deeper, claim).unwrap_err();
        assert!(matches!(error, AuditError::Openings(OpeningsError::Check(_))), "{error}");
    }
    let Audited { circuits, trace, openings, claim, preparation, .. } = &w.drawn;
    let Openings::Drawn(rows) = openings else { panic!("the policy is rows") };
    assert_eq!(rows.draws(), 8);
    // Enough for the policy, not for the last piece.
    let mut fewer = rows.clone();
    fewer.operations.iter_mut().for_each(|pairs| pairs.truncate(7));
    let fewer = Openings::Drawn(fewer);
    for error in [
        circuits.check(&fewer, claim).unwrap_err(),
        circuits.prove_piece(&Stock, &fewer, preparation, 1).unwrap_err(),
    ] {
        let wanted = matches!(error, AuditError::Openings(OpeningsError::Draws { least: 8, got: 7, .. }));
        assert!(wanted, "{error}");
    }
    // No beacon, no rows.
    let error = circuits.openings(trace.clone(), &Claim { beacon: [0; 4], ..*claim }).unwrap_err();
    assert!(matches!(error, AuditError::Openings(OpeningsError::Undrawn(_))), "{error}");
}
