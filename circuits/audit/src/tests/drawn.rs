//! Under `rows` the checked rows are those that the beacon draws.

use janction_program::Program;
use janction_protocol::Digest;
use janction_trace::{Policy, Trace, draw};
use plonky2::field::types::Field;

use super::flipped::{flip, input, replace, two_layers};
use super::{Pieces, honest, with};
use crate::piece::PieceTargets;
use crate::piece::drawn::DrawnTargets;
use crate::subject::Subject;
use janction_gadgets::F;

const ROWS: usize = 13;

fn setting() -> (Program, Pieces, Trace, Subject) {
    let program = two_layers(4, "two_layers");
    let pieces = Pieces::new(program.clone(), Policy::Rows(4), 0, 1);
    let trace = honest(&program, &input(ROWS));
    let subject = pieces.subject(&trace);
    (program, pieces, trace, subject)
}

fn targets(pieces: &Pieces) -> &DrawnTargets {
    match &pieces.piece().targets {
        PieceTargets::Drawn(targets) => targets,
        _ => unreachable!("the policy is rows"),
    }
}

#[test]
fn pieces_follow_each_other() {
    let (_, pieces, trace, subject) = setting();
    for from in [0, 4, 40] {
        pieces.run(&subject, &trace, from, from + 4).unwrap();
        for to in [from, from + 1, from + 5, from + 8] {
            assert!(pieces.run(&subject, &trace, from, to).is_err());
        }
        // The rows of another piece.
        let inputs = pieces.assign(&subject, &trace, from + 4);
        assert!(pieces.run_inputs(inputs, &subject, from, from + 4).is_err());
        // The draws of another piece, with these positions.
        let first_block = targets(&pieces).first_block;
        let lie = super::off_by_one(&pieces.assign(&subject, &trace, from), first_block);
        assert!(pieces.run_inputs(lie, &subject, from, from + 4).is_err());
    }
}

#[test]
fn drawn_rows_are_right_and_others_are_not_looked_at() {
    let (program, pieces, trace, subject) = setting();
    let (mut caught, mut missed) = (0, 0);
    for (k, columns) in [(1, 4), (2, 2)] {
        for row in 0..ROWS {
            let forged = replace(
                &program,
                &trace,
                k,
                flip(crate::piece::tensor(&trace, k).tensor(), row, columns - 1),
            );
            let forged_subject = pieces.subject(&forged);
            // A false row of y is seen as an output of operation 0 and as an operand of operation 1.
            let seen = (k - 1..2).any(|step| draw::draw_rows(subject.beacon, step, ROWS, 4).contains(&row));
            let result = pieces.run(&forged_subject, &forged, 0, 4);
            // As an operand only its own result's change shows; the flip here may leave z as it is.
            if draw::draw_rows(subject.beacon, k - 1, ROWS, 4).contains(&row) {
                assert!(result.is_err(), "operation {}, row {row}", k - 1);
                caught += 1;
            } else if !seen {
                result.unwrap();
                missed += 1;
            }
        }
    }
    assert!(caught > 4 && missed > 4, "{caught} caught, {missed} missed");
}

#[test]
fn no_other_row_can_be_shown() {
    let (_, pieces, trace, subject) = setting();
    let targets = targets(&pieces);
    let inputs = pieces.assign(&subject, &trace, 0);
    for k in 0..2 {
        for d in 0..4 {
            let drawn = &targets.draws[k][d];
            // A satisfying opening of another row, found by assigning the draws of another beacon.
            let mut other = subject;
            other.beacon[0] += F::ONE;
            let foreign = pieces.assign(&other, &trace, 0);
            let mut lie = inputs.clone();
            for (i, bit) in drawn.draw.bits.iter().enumerate() {
                lie = match foreign.target_values[&bit.target] == inputs.target_values[&bit.target] {
                    true => lie,
                    false => with(&lie, drawn.draw.bits[i].target, foreign.target_values[&bit.target]),
                };
            }
            for opened in [&drawn.operands[0], &drawn.output] {
                for target in
                    opened.siblings.iter().flat_map(|s| s.elements).chain(opened.row.packed().iter().copied())
                {
                    lie.target_values.insert(target, foreign.target_values[&target]);
                }
            }
            if draw::draw_rows(subject.beacon, k, ROWS, 4)[d] != draw::draw_rows(other.beacon, k, ROWS, 4)[d]
            {
                assert!(pieces.run_inputs(lie, &subject, 0, 4).is_err(), "operation {k}, draw {d}");
            }
            // A sibling or a cell that is not the tree's.
            for opened in [&drawn.operands[0], &drawn.output] {
                let lie = with(&inputs, opened.siblings[3].elements[0], F::ONE);
                assert!(pieces.run_inputs(lie, &subject, 0, 4).is_err());
                let lie = super::off_by_one(&inputs, opened.row.packed()[0]);
                assert!(pieces.run_inputs(lie, &subject, 0, 4).is_err());
            }
        }
    }
}

#[test]
fn the_subject_is_bound() {
    let (_, pieces, trace, subject) = setting();
    type Change<'a> = &'a dyn Fn(&mut Subject);
    let other = Digest([1, 2, 3, 4].map(F::from_canonical_u64));
    let changes: [(&str, Change<'_>); 10] = [
        ("input root", &|s| s.input_root = other),
        ("trace root", &|s| s.trace_root = other),
        ("output root", &|s| s.output_root = other),
        ("beacon", &|s| s.beacon[2] += F::ONE),
        ("rows", &|s| s.rows -= 1),
        ("program", &|s| s.program = two_layers(4, "of_another_name").digest()),
        ("mode", &|s| s.mode = crate::subject::Mode::Full),
        ("end", &|s| s.end += 4),
        ("challenge", &|s| s.challenge = other),
        ("folds", &|s| s.folds = other),
    ];
    for (name, change) in changes {
        let mut lie = subject;
        change(&mut lie);
        assert!(pieces.run_inputs(pieces.assign(&subject, &trace, 0), &lie, 0, 4).is_err(), "{name}");
        if !matches!(name, "beacon" | "rows" | "end" | "challenge" | "folds") {
            // The witness follows the lie where it can. (Another beacon or row count with its own draws is no lie here: the
            // claim holds both.)
            assert!(pieces.run(&lie, &trace, 0, 4).is_err(), "{name}");
        }
    }
    // More rows than the tree holds: a draw that falls on an empty leaf cannot be opened.
    let mut more = subject;
    more.rows = 16;
    let empty = (0..100).find(|block| {
        let rows = draw::draw_rows(subject.beacon, 0, 16, 4 * (block + 1));
        rows[4 * block..].iter().any(|&row| row >= ROWS)
    });
    let from = 4 * empty.expect("three rows in sixteen are empty") as u32;
    assert!(pieces.run(&more, &trace, from, from + 4).is_err());
    // Row counts outside 24 bits.
    let mut huge = subject;
    huge.rows = 1 << 24;
    assert!(pieces.run(&huge, &trace, 0, 4).is_err());
}
