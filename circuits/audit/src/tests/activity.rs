//! Which positions of a block have a row follows from the row count, and where the block stands from its path.

use janction_trace::Policy;
use plonky2::field::types::Field;

use super::flipped::{input, two_layers};
use super::{Pieces, honest, with};
use crate::piece::PieceTargets;
use crate::piece::full::FullTargets;
use janction_gadgets::F;

fn full(pieces: &Pieces) -> &FullTargets {
    match &pieces.piece().targets {
        PieceTargets::Full(targets) => targets,
        _ => unreachable!("the policy is full"),
    }
}

#[test]
fn the_last_piece_ends_with_the_rows() {
    let program = two_layers(3, "two_layers");
    let pieces = Pieces::new(program.clone(), Policy::Full, 2, 0);
    for rows in 1..=8 {
        let trace = honest(&program, &input(rows));
        let subject = pieces.subject(&trace);
        for from in [0, 4] {
            if from >= rows as u32 {
                // A block without a row has no proof at all.
                assert!(pieces.run(&subject, &trace, from, from).is_err(), "{rows} rows");
                continue;
            }
            let to = (rows as u32).min(from + 4);
            pieces.run(&subject, &trace, from, to).unwrap();
            for wrong in (0..=8).filter(|&wrong| wrong != to) {
                assert!(pieces.run(&subject, &trace, from, wrong).is_err(), "{rows} rows: {from} to {wrong}");
            }
            for wrong in (0..=8).filter(|&wrong| wrong != from) {
                let inputs = pieces.assign(&subject, &trace, from);
                assert!(
                    pieces.run_inputs(inputs, &subject, wrong, to).is_err(),
                    "{rows} rows: {wrong} to {to}"
                );
            }
        }
    }
}

#[test]
fn padding_is_not_the_provers_choice() {
    let program = two_layers(3, "two_layers");
    let pieces = Pieces::new(program.clone(), Policy::Full, 2, 0);
    let trace = honest(&program, &input(7));
    let subject = pieces.subject(&trace);
    let targets = full(&pieces);
    let inputs = pieces.assign(&subject, &trace, 4);
    for (i, truth) in [true, true, true, false].into_iter().enumerate() {
        for value in [F::from_bool(!truth), F::TWO, F::NEG_ONE] {
            let lie = with(&inputs, targets.active[i].target, value);
            for to in 4..=8 {
                assert!(
                    pieces.run_inputs(lie.clone(), &subject, 4, to).is_err(),
                    "flag {i}: {value}, to {to}"
                );
            }
        }
    }
    // Fewer rows than there are, consistently: the row count says otherwise.
    let lie = with(&inputs, targets.active[2].target, F::ZERO);
    assert!(pieces.run_inputs(lie, &subject, 4, 6).is_err());
    // The right number with a gap: the flags do not rise again.
    let lie = with(&inputs, targets.active[1].target, F::ZERO);
    let lie = with(&lie, targets.active[3].target, F::ONE);
    assert!(pieces.run_inputs(lie, &subject, 4, 7).is_err());
}

/// A claim of fewer or more rows than the tree holds in its last block has no proof.
#[test]
fn the_row_count_is_that_of_the_trees() {
    let program = two_layers(3, "two_layers");
    let pieces = Pieces::new(program.clone(), Policy::Full, 2, 0);
    let trace = honest(&program, &input(6));
    for rows in [5, 7, 8] {
        let mut subject = pieces.subject(&trace);
        subject.rows = rows;
        assert!(pieces.run(&subject, &trace, 4, rows).is_err(), "{rows} rows claimed");
    }
    // A row count that is no number of rows: nothing is left of it, or more than any tree holds.
    let full = pieces.subject(&honest(&program, &input(8)));
    for rows in [7, 8 + (1 << 24), u32::MAX] {
        let mut subject = full;
        subject.rows = rows;
        assert!(pieces.run(&subject, &honest(&program, &input(8)), 4, 8).is_err(), "{rows} rows claimed");
    }
    let mut subject = full;
    subject.rows = 8 + (1 << 24) - 1;
    pieces.run(&subject, &honest(&program, &input(8)), 4, 8).unwrap();
    // More rows than a tree of this depth has: a block beyond it would need another path.
    let mut subject = pieces.subject(&honest(&program, &input(8)));
    subject.rows = 12;
    assert!(pieces.run(&subject, &honest(&program, &input(8)), 8, 12).is_err());
}

/// Another block's place: bits and siblings are those of the rows that are checked.
#[test]
fn the_place_is_that_of_the_rows() {
    let program = two_layers(3, "two_layers");
    let pieces = Pieces::new(program.clone(), Policy::Full, 2, 0);
    let trace = honest(&program, &input(8));
    let subject = pieces.subject(&trace);
    let targets = full(&pieces);
    let inputs = pieces.assign(&subject, &trace, 0);
    let moved = with(&inputs, targets.bits[0].target, F::ONE);
    assert!(pieces.run_inputs(moved.clone(), &subject, 4, 8).is_err());
    assert!(pieces.run_inputs(moved, &subject, 0, 4).is_err());
    for siblings in &targets.siblings {
        let lie = with(&inputs, siblings[0].elements[1], F::ONE);
        assert!(pieces.run_inputs(lie, &subject, 0, 4).is_err());
    }
    let lie = with(&inputs, targets.bits[0].target, F::TWO);
    assert!(pieces.run_inputs(lie, &subject, 8, 12).is_err());
}
