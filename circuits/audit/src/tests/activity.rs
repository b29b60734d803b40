//! Which positions of a block have a row follows from the row count, and where the block stands from its path.

use janction_program::{Cells, Tensor};
use janction_trace::Policy;
use plonky2::field::types::Field;

use super::flipped::{input, two_layers};
use super::{Pieces, honest, off_by_one, with};
use crate::AuditPieces;
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
    let moved = with(&inputs, targets.first.bits[0].target, F::ONE);
    assert!(pieces.run_inputs(moved.clone(), &subject, 4, 8).is_err());
    assert!(pieces.run_inputs(moved, &subject, 0, 4).is_err());
    for siblings in &targets.first.siblings {
        let lie = with(&inputs, siblings[0].elements[1], F::ONE);
        assert!(pieces.run_inputs(lie, &subject, 0, 4).is_err());
    }
    let lie = with(&inputs, targets.first.bits[0].target, F::TWO);
    assert!(pieces.run_inputs(lie, &subject, 8, 12).is_err());
}

/// Pieces of three blocks of two rows, in trees of eight.
fn of_three_blocks() -> Pieces {
    let program = two_layers(3, "two_layers");
    let audit = AuditPieces::of_rows(program.clone(), 6);
    Pieces { program, policy: Policy::Full, audit }
}

#[test]
fn a_piece_of_several_blocks_ends_with_the_rows() {
    let pieces = of_three_blocks();
    assert_eq!((pieces.piece().step(), full(&pieces).others.len()), (6, 2));
    for rows in 1..=8 {
        let trace = honest(&pieces.program, &input(rows));
        let subject = pieces.subject(&trace);
        for from in [0, 6] {
            if from >= rows as u32 {
                assert!(pieces.run(&subject, &trace, from, from).is_err(), "{rows} rows");
                continue;
            }
            let to = (rows as u32).min(from + 6);
            pieces.run(&subject, &trace, from, to).unwrap();
            for wrong in (0..=12).filter(|&wrong| wrong != to) {
                assert!(pieces.run(&subject, &trace, from, wrong).is_err(), "{rows} rows: {from} to {wrong}");
            }
        }
        // Fewer or more rows than the trees hold.
        for claimed in (1..=8).filter(|&claimed| claimed != rows as u32) {
            let mut subject = subject;
            subject.rows = claimed;
            let to = claimed.min(6);
            // All blocks that are opened must be right; a tree may hold more behind them.
            let is_behind = claimed <= 6 && rows as u32 > claimed && claimed % 2 == 0;
            let is_beyond = claimed >= 6 && rows >= 6;
            assert_eq!(
                pieces.run(&subject, &trace, 0, to).is_ok(),
                is_behind || is_beyond,
                "{claimed} of {rows} rows claimed"
            );
        }
    }
}

#[test]
fn every_block_stands_where_it_must() {
    let pieces = of_three_blocks();
    let targets = full(&pieces);
    let trace = honest(&pieces.program, &input(8));
    let subject = pieces.subject(&trace);
    let inputs = pieces.assign(&subject, &trace, 0);
    for block in &targets.others {
        for bit in &block.bits {
            for value in [F::ONE - inputs.target_values[&bit.target], F::TWO] {
                let lie = with(&inputs, bit.target, value);
                assert!(pieces.run_inputs(lie, &subject, 0, 6).is_err());
            }
        }
        for sibling in block.siblings.iter().flatten() {
            let lie = off_by_one(&inputs, sibling.elements[3]);
            assert!(pieces.run_inputs(lie, &subject, 0, 6).is_err());
        }
    }
    // Rows that are all alike: another block's place is wrong because it is another's.
    let one = input(1);
    let cells: Vec<i64> = (0..8 * one.columns()).map(|i| one.cells().get(i % one.columns()).into()).collect();
    let cells = Cells::from_values(one.dtype(), &cells).unwrap();
    let trace = honest(&pieces.program, &Tensor::new(8, one.columns(), cells).unwrap());
    let subject = pieces.subject(&trace);
    let inputs = pieces.assign(&subject, &trace, 0);
    pieces.run_inputs(inputs.clone(), &subject, 0, 6).unwrap();
    for block in &targets.others {
        let bit = block.bits[0].target;
        let lie = with(&inputs, bit, F::ONE - inputs.target_values[&bit]);
        assert!(pieces.run_inputs(lie, &subject, 0, 6).is_err());
    }
    // A block without rows is of no tensor, wherever it says that it stands; but its flags are no choice.
    let trace = honest(&pieces.program, &input(3));
    let subject = pieces.subject(&trace);
    let inputs = pieces.assign(&subject, &trace, 0);
    let moved = with(&inputs, targets.others[1].bits[1].target, F::ONE);
    pieces.run_inputs(moved, &subject, 0, 3).unwrap();
    for i in 3..6 {
        let lie = with(&inputs, targets.active[i].target, F::ONE);
        for to in 3..=6 {
            assert!(pieces.run_inputs(lie.clone(), &subject, 0, to).is_err(), "flag {i}, to {to}");
        }
    }
    let lie = with(&inputs, targets.active[2].target, F::ZERO);
    assert!(pieces.run_inputs(lie, &subject, 0, 2).is_err(), "a row of the second block left out");
}
