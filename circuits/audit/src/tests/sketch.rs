//! Commitment scheme 2: honest audits are accepted, and no lie about a block is: its cells, its sketch, its carries, its place, what the
//! challenge is made of, the constants.

use janction_aggregate::config::Circuit;
use janction_gadgets::F;
use janction_gadgets::test_utils::{check, generate};
use janction_program::builder::{Builder, MatMulOptions};
use janction_program::commitment::Scheme;
use janction_program::test_utils::Random;
use janction_program::{Cells, DType, PerColumn, Program, Requantise, Tensor};
use janction_protocol::Digest;
use janction_trace::{CommittedTensor, Openings, Policy, Trace};
use plonky2::field::types::{Field, PrimeField64};
use plonky2::iop::target::Target;
use plonky2::iop::witness::PartialWitness;

use super::flipped::{flip, replace};
use super::freivalds::{Audit, of_trace};
use super::{honest, satisfied, with};
use crate::freivalds::{Extension, point};
use crate::operation::CheckTargets;
use crate::piece::PieceTargets;
use crate::piece::drawn::DrawnTargets;
use crate::piece::full::FullTargets;
use crate::sketch::{Opening, SketchTargets};
use crate::stage::Stage;
use crate::subject::State;
use crate::{AuditError, AuditPieces, Place, Rule};

/// Rows of a block.
const BLOCK: usize = 4;

/// A wide operand, of two polynomials a row, and two narrow results; jobs of at most 16 rows.
fn program() -> Program {
    let mut r = Random::new(3);
    let mut b = Builder::new("sketched", 4);
    b.scheme(Scheme::Sketch { block_bits: 2 });
    let x = b.input("x", DType::U8, &[520]);
    let scale = |shift| PerColumn::All(Requantise::new(1 << 30, shift));
    let w = b.constant("w", r.tensor(DType::I8, 520, 3));
    let y = b.matmul("y", x, w, DType::I8, MatMulOptions::new(scale(41)).zeros(7, -3));
    let w = b.constant("w2", r.tensor(DType::I8, 3, 2));
    b.matmul("z", y, w, DType::U8, MatMulOptions::new(scale(36)).zeros(0, 128));
    b.build().unwrap()
}

fn trace(rows: usize) -> Trace {
    honest(&program(), &Random::new(5).tensor(DType::U8, rows, 520))
}

fn audit_of(policy: Policy, trace: Trace) -> Audit {
    // Pieces of two blocks, so that the second can be one that the job has not.
    let pieces = match policy {
        Policy::Full => AuditPieces::of_freivalds(program(), policy, 14, [3, 1]),
        Policy::Rows(_) => AuditPieces::build(program(), policy).unwrap(),
    };
    of_trace(pieces, trace)
}

fn audit(policy: Policy, rows: usize) -> Audit {
    audit_of(policy, trace(rows))
}

/// Whether these inputs satisfy the first piece's constraints, whatever states it then leads from and to. A lie about what is hashed
/// into the state is refused for the state alone; this says whether anything else refuses it.
fn holds(audit: &Audit, inputs: PartialWitness<F>) -> bool {
    satisfied(audit.circuit(0), inputs, &[]).is_ok()
}

fn full(audit: &Audit) -> &FullTargets {
    let PieceTargets::Full(targets) = &audit.pieces.circuits[0].targets else { panic!("the policy is full") };
    targets
}

fn drawn(audit: &Audit) -> &DrawnTargets {
    let PieceTargets::Drawn(targets) = &audit.pieces.circuits[0].targets else { panic!("rows are drawn") };
    targets
}

#[test]
fn honest_audits_are_accepted() {
    for (policy, rows) in [
        (Policy::Full, 1),
        (Policy::Full, 4),
        (Policy::Full, 6),
        (Policy::Full, 16),
        (Policy::Rows(5), 1),
        (Policy::Rows(5), 7),
        (Policy::Rows(5), 16),
    ] {
        let audit = audit(policy, rows);
        let preparation = &audit.preparation;
        assert_eq!(preparation.states[0], State::START);
        assert_eq!(preparation.states[preparation.pieces()], State::done(preparation.checked));
        assert_ne!(preparation.checked, Digest::ZERO);
        for index in 0..preparation.pieces() {
            let circuit: &Circuit = audit.circuit(index);
            let witness = generate(circuit, audit.inputs(index), &[]).unwrap();
            check(circuit, &witness).unwrap_or_else(|e| panic!("{policy}, {rows} rows, piece {index}: {e}"));
            assert!(audit.accepts(index, audit.inputs(index)), "{policy}, {rows} rows, piece {index}");
        }
    }
}

/// A false cell that is committed to like a true one is refused by the row check, under `full` wherever it is.
#[test]
fn no_cell_can_be_flipped() {
    let honest = trace(6);
    for k in 1..=2 {
        for row in [0, 3, 5] {
            let tensor = crate::piece::tensor(&honest, k).tensor();
            let forged = replace(&program(), &honest, k, flip(tensor, row, 1));
            let forged = audit_of(Policy::Full, forged);
            assert!(!forged.accepts(0, forged.inputs(0)), "tensor {k}, row {row}");
        }
    }
}

/// The input with one cell changed, in a tree over the leaves of the true one; and the trace that follows.
fn equivocated(honest: &Trace, row: usize, column: usize) -> Trace {
    let forged = flip(honest.input().tensor(), row, column);
    let program = program();
    let results = janction_program::reference::run(&program, &forged).unwrap();
    let leaves = honest.input().tree().leaves().to_vec();
    let input = CommittedTensor::with_leaves(&program, forged, leaves).unwrap();
    let tensors = results.into_iter().map(|tensor| CommittedTensor::new(&program, tensor).unwrap()).collect();
    Trace::of(&program, input, tensors).unwrap()
}

fn assign(inputs: &PartialWitness<F>, targets: &SketchTargets, opening: &Opening) -> PartialWitness<F> {
    let mut forged = PartialWitness::new();
    targets.assign(&mut forged, opening).unwrap();
    let mut lie = inputs.clone();
    lie.target_values.extend(forged.target_values);
    lie
}

fn rows_of(tensor: &Tensor, rows: std::ops::Range<usize>) -> Vec<Cells> {
    rows.map(|row| tensor.row(row)).collect()
}

fn opening(tensor: &Tensor, rows: std::ops::Range<usize>) -> Opening {
    Opening::of(&rows_of(tensor, rows).iter().collect::<Vec<_>>())
}

/// Other cells under the leaf of the true ones: their own sketch makes another leaf, the leaf's sketch is not theirs.
#[test]
fn one_leaf_is_one_block() {
    let honest = trace(6);
    for (row, column) in [(0, 0), (1, 519), (3, 512), (4, 511), (5, 0)] {
        let forged = equivocated(&honest, row, column);
        let audit = audit_of(Policy::Full, forged.clone());
        let inputs = audit.inputs(0);
        assert!(!audit.accepts(0, inputs.clone()), "row {row}, column {column}: their own sketch");
        let block = row / BLOCK;
        let span = block * BLOCK..(block * BLOCK + BLOCK).min(6);
        let targets = &full(&audit).sketches[0][block];
        // With the leaf's sketch, and carries and h of either.
        let of_leaf = opening(honest.input().tensor(), span.clone());
        let own = opening(forged.input().tensor(), span);
        for mixed in [of_leaf.clone(), Opening { sketch: of_leaf.sketch.clone(), ..own.clone() }, own] {
            let lie = assign(&inputs, targets, &mixed);
            assert!(!audit.accepts(0, lie), "row {row}, column {column}");
        }
    }
}

/// h chosen once r is known satisfies the equation for any cells. But it is hashed: the state behind the piece is another, and an r
/// made of that state is another.
#[test]
fn nothing_can_be_fitted_to_the_challenge() {
    let honest = trace(4);
    let forged = equivocated(&honest, 2, 77);
    let audit = audit_of(Policy::Full, forged.clone());
    let r = point(audit.preparation.subject.challenge);
    let own = opening(forged.input().tensor(), 0..4);
    let of_leaf = opening(honest.input().tensor(), 0..4);
    // own holds at r; the leaf's sketch instead of its own shifts the right side by e(r), which h makes up for.
    let number = |opening: &Opening, j: usize| {
        i128::from(opening.sketch.get(2 * j)) * 256 + i128::from(opening.sketch.get(2 * j + 1))
    };
    let e = (0..512).rev().fold(Extension::ZERO, |sum, j| {
        let difference = number(&of_leaf, j) - number(&own, j);
        sum * r + Extension::from(crate::requantise::element(difference))
    });
    let c = -e / (r.exp_u64(512) + Extension::ONE);
    let step = c.0[1] / r.0[1];
    let mut fitted = Opening { sketch: of_leaf.sketch, ..own };
    fitted.high[0] += c.0[0] - step * r.0[0];
    fitted.high[1] += step;
    let lie = assign(&audit.inputs(0), &full(&audit).sketches[0][0], &fitted);
    // Every constraint of the circuit holds ...
    let circuit = audit.circuit(0);
    let witness = generate(circuit, lie.clone(), &[]).unwrap();
    check(circuit, &witness).unwrap();
    // ... but it does not lead to the state that r was made of,
    assert!(!audit.accepts(0, lie.clone()));
    // and the state that it leads to makes another r.
    let preparation = &audit.preparation;
    let cells = rows_of(forged.input().tensor(), 0..4);
    let digests: Vec<Digest> = cells.iter().map(janction_program::commitment::row_digest).collect();
    let tensors: Vec<Vec<Cells>> =
        (1..3).map(|t| rows_of(crate::piece::tensor(&forged, t).tensor(), 0..4)).collect();
    let others = tensors.iter().map(|rows| {
        let rows: Vec<&Cells> = rows.iter().collect();
        crate::sketch::digest(&rows, &rows.iter().copied().map(Some).collect::<Vec<_>>())
    });
    let accumulators = (0..8).flat_map(|row| (0..2).map(move |k| (row, k)));
    let accumulators = accumulators.map(|(row, k)| {
        let operand = crate::piece::tensor(&forged, k).tensor();
        if row >= 4 {
            return Digest::ZERO;
        }
        audit.pieces.plan.steps[k].accumulators_digest(&[&operand.row(row)]).unwrap()
    });
    let mut all: Vec<Digest> = accumulators.collect();
    all.extend([fitted.digest(&digests), Digest::ZERO]);
    for other in others {
        all.extend([other, Digest::ZERO]);
    }
    let checked = crate::freivalds::checked_digest(Digest::ZERO, &all);
    let after = State { checked, ..preparation.states[1] };
    assert!(audit.leads(0, lie, &preparation.subject, [&preparation.states[0], &after]));
    assert_ne!(preparation.subject.challenge_for(checked), preparation.subject.challenge);
}

/// Each thing that the prover sets for a block, off by something.
#[test]
fn sketch_carries_and_h_are_exact() {
    let audit = audit(Policy::Full, 6);
    let inputs = audit.inputs(0);
    for (t, block) in [(0, 0), (0, 1), (1, 0), (2, 1)] {
        let targets = &full(&audit).sketches[t][block];
        let packed = targets.sketch.packed();
        let carries = targets.carries.packed();
        let h = [targets.high[0], targets.high[510]];
        for target in [packed[0], packed[73], packed[146], carries[0], carries[292]].into_iter().chain(h) {
            for delta in [F::ONE, F::NEG_ONE, F::from_canonical_u64(1 << 56)] {
                let lie = with(&inputs, target, inputs.target_values[&target] + delta);
                assert!(!holds(&audit, lie), "tensor {t}, block {block}");
            }
        }
    }
}

/// A carry that makes up for a false number of the sketch modulo p is no four bytes: with s_0 one more, k_0 is 1 / q less. The leaf is
/// committed to with that number, so that nothing but the carry's range is in the way.
#[test]
fn carries_are_small_integers() {
    let honest = trace(4);
    let own = opening(honest.input().tensor(), 0..4);
    let Cells::U8(bytes) = &own.sketch else { unreachable!("a sketch is bytes") };
    let first = u16::from_be_bytes([bytes[0], bytes[1]]);
    let with_first = |number: u16| {
        let mut bytes = bytes.clone();
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        Opening { sketch: Cells::U8(bytes), ..own.clone() }
    };
    // The input under a leaf with this sketch.
    let of_sketch = |opening: &Opening| {
        let Cells::U8(bytes) = &opening.sketch else { unreachable!("a sketch is bytes") };
        let element = std::array::from_fn(|j| u16::from_be_bytes([bytes[2 * j], bytes[2 * j + 1]]));
        let packed = janction_program::commitment::sketch::pack(&element, DType::U8, 520, 4);
        let leaf = janction_protocol::hash::hash(janction_protocol::hash::tag::SKETCH, &packed);
        let input =
            CommittedTensor::with_leaves(&program(), honest.input().tensor().clone(), vec![leaf]).unwrap();
        let tensors = honest.tensors().to_vec();
        audit_of(Policy::Full, Trace::of(&program(), input, tensors).unwrap())
    };
    let false_one = with_first(first ^ 1);
    let audit = of_sketch(&false_one);
    let targets = &full(&audit).sketches[0][0];
    let lie = assign(&audit.inputs(0), targets, &false_one);
    assert!(!holds(&audit, lie.clone()), "the carries of the true number");
    // The first carry are the four upper bytes of seven.
    let carry = targets.carries.packed()[0];
    let step = F::from_canonical_u64(1 << 24) / F::from_canonical_u64(64513);
    let step = if first & 1 == 0 { -step } else { step };
    assert!(!holds(&audit, with(&lie, carry, lie.target_values[&carry] + step)), "a carry in the field");
    // The same number plus q, one carry less, is another leaf of the same block: the statement allows it.
    if let Some(other) = first.checked_add(64513) {
        let other = with_first(other);
        let audit = of_sketch(&other);
        let targets = &full(&audit).sketches[0][0];
        let lie = assign(&audit.inputs(0), targets, &other);
        let carry = targets.carries.packed()[0];
        let fewer = lie.target_values[&carry] - F::from_canonical_u64(1 << 24);
        assert!(holds(&audit, with(&lie, carry, fewer)));
    }
    // The true one, committed to by hand, holds.
    let audit = of_sketch(&own);
    assert!(holds(&audit, audit.inputs(0)));
}

/// A job's last block has the rows that the job has: neither more nor fewer, and a row that is not there counts for nothing.
#[test]
fn the_last_block_is_as_long_as_the_job() {
    let six = audit(Policy::Full, 6);
    // The last block with one row more or fewer, under a subject of six rows.
    for rows in [5, 7] {
        let other = audit(Policy::Full, rows);
        let mut subject = six.preparation.subject;
        subject.input_root = other.preparation.subject.input_root;
        subject.trace_root = other.preparation.subject.trace_root;
        subject.output_root = other.preparation.subject.output_root;
        let states = &other.preparation.states;
        assert!(!other.leads(0, other.inputs(0), &subject, [&states[0], &states[1]]), "{rows} rows");
    }
    // Activity that says otherwise.
    let inputs = six.inputs(0);
    for i in [5, 6] {
        let target = full(&six).active[i].target;
        let lie = with(&inputs, target, F::ONE - inputs.target_values[&target]);
        assert!(!six.accepts(0, lie), "position {i}");
    }
    // What stands at positions without a row is of no account: any row with a true check may.
    let mut inputs = inputs;
    let row = full(&six).rows[7][0].packed()[0];
    inputs.target_values.insert(row, F::from_canonical_u64(1 << 48));
    assert!(!six.accepts(0, inputs), "its check must still hold");
}

/// Rows stand in their block where they belong.
#[test]
fn rows_of_a_block_cannot_be_swapped() {
    let audit = audit(Policy::Full, 8);
    let inputs = audit.inputs(0);
    let targets = full(&audit);
    let mut lie = inputs.clone();
    let mut swap = |a: &[Target], b: &[Target]| {
        for (a, b) in a.iter().zip(b) {
            lie.target_values.insert(*a, inputs.target_values[b]);
            lie.target_values.insert(*b, inputs.target_values[a]);
        }
    };
    // Rows 1 and 2 of all tensors, with their checks: only their places in the block are false.
    for t in 0..3 {
        swap(targets.rows[1][t].packed(), targets.rows[2][t].packed());
    }
    for (a, b) in targets.checks[1].iter().zip(&targets.checks[2]) {
        let CheckTargets::Freivalds(a, _) = a else { panic!("Freivalds' check") };
        let CheckTargets::Freivalds(b, _) = b else { panic!("Freivalds' check") };
        swap(&a.accumulators, &b.accumulators);
    }
    assert!(!holds(&audit, lie));
}

/// Drawn rows: the place in the block is the draw's, the others are the block's.
#[test]
fn a_drawn_row_stands_at_its_place() {
    // The second block has three rows.
    let rows = 7;
    let audit = audit(Policy::Rows(5), rows);
    let inputs = audit.inputs(0);
    for draws in &drawn(&audit).draws {
        for draw in draws.iter().take(2) {
            let place = draw.place.as_ref().unwrap();
            let bits = place.before.iter().chain(&place.present).chain(&draw.draw.bits);
            for bit in bits {
                let value = inputs.target_values[&bit.target];
                for other in [F::ONE - value, F::TWO] {
                    assert!(!audit.accepts(0, with(&inputs, bit.target, other)), "{rows} rows");
                }
            }
            for opened in draw.operands.iter().chain([&draw.output]) {
                let (others, sketch) = opened.block.as_ref().unwrap();
                for (j, other) in others.iter().enumerate() {
                    let is_there = inputs.target_values[&place.present[j].target] == F::ONE;
                    let target = other.packed()[0];
                    let value = inputs.target_values[&target].to_canonical_u64() ^ (1 << 48);
                    let lie = with(&inputs, target, F::from_canonical_u64(value));
                    assert_eq!(audit.accepts(0, lie), !is_there, "{rows} rows, other row {j}");
                }
                for target in [sketch.sketch.packed()[0], sketch.carries.packed()[0], sketch.high[0]] {
                    let lie = with(&inputs, target, inputs.target_values[&target] + F::ONE);
                    assert!(!audit.accepts(0, lie), "{rows} rows");
                }
                let row = opened.row.packed()[0];
                let value = inputs.target_values[&row].to_canonical_u64() ^ (1 << 48);
                assert!(!audit.accepts(0, with(&inputs, row, F::from_canonical_u64(value))));
            }
            // Two other rows of the block in each other's place.
            let (others, _) = draw.operands[0].block.as_ref().unwrap();
            let present = place.present.iter().filter(|p| inputs.target_values[&p.target] == F::ONE);
            if present.count() >= 2 {
                let mut lie = inputs.clone();
                for (a, b) in others[0].packed().iter().zip(others[1].packed()) {
                    lie.target_values.insert(*a, inputs.target_values[b]);
                    lie.target_values.insert(*b, inputs.target_values[a]);
                }
                assert!(!holds(&audit, lie));
            }
        }
    }
}

/// Other constants than the protocol's: pieces of rows hash the fold, and the pieces that make it know the root.
#[test]
fn the_constants_are_the_protocols() {
    let audit = audit(Policy::Full, 4);
    let fold = audit.pieces.plan.sketch.as_ref().unwrap().fold;
    let mut forged = audit.preparation.clone();
    forged.folds[fold][1] += Extension::ONE;
    assert!(!audit.accepts(0, audit.inputs_of(0, &forged)));
    let digests = audit.pieces.plan.folds[fold].digests(&forged.folds[fold]);
    forged.fold_digests[fold] = *digests.last().unwrap();
    forged.subject.folds = crate::freivalds::folds_digest(&forged.fold_digests);
    let refuses = |index: usize| {
        let states = &forged.states;
        let inputs = audit.inputs_of(index, &forged);
        !audit.leads(index, inputs, &forged.subject, [&states[index], &states[index + 1]])
    };
    let is_fold = |index: &usize| {
        let circuit = forged.circuit(*index);
        audit.pieces.circuits[circuit].shape.stage == Stage::Fold(fold)
    };
    let folds: Vec<usize> = (0..forged.pieces()).filter(is_fold).collect();
    assert!(
        !folds.is_empty() && folds.into_iter().any(refuses),
        "the pieces that make the fold know the constants"
    );
}

/// The native check names the row whose block is not what the leaf says, and the false cell.
#[test]
fn what_is_false_is_named() {
    let honest = trace(6);
    let program = program();
    let named = |trace: Trace| {
        let claim = super::claim_of(&program, Digest::ZERO, Policy::Full, &trace);
        let pieces = AuditPieces::build(program.clone(), Policy::Full).unwrap();
        let commitment = janction_trace::Commitment::of(&claim).unwrap();
        let openings = Openings::of(&program, trace, &commitment, 0).unwrap();
        let AuditError::FalseRow { operation, row, place, rule, .. } =
            pieces.check(&openings, &commitment).unwrap_err()
        else {
            panic!("a false row")
        };
        (operation, row, place, rule)
    };
    let forged = equivocated(&honest, 5, 3);
    assert_eq!(named(forged), ("x".into(), 4, Place::Row, Rule::Digest));
    let tensor = crate::piece::tensor(&honest, 1).tensor();
    let forged = replace(&program, &honest, 1, flip(tensor, 5, 1));
    assert_eq!(named(forged), ("y".into(), 5, Place::Column(1), Rule::Result));
}

/// Blocks of one row, of more rows than a job may have in a piece of the usual size, and of a whole job.
#[test]
fn blocks_of_every_size_are_audited() {
    for (block_bits, rows) in [(0, 3), (1, 3), (4, 5), (4, 16)] {
        let program = program().with_scheme(Scheme::Sketch { block_bits }).unwrap();
        let input = Random::new(8).tensor(DType::U8, rows, 520);
        let trace = honest(&program, &input);
        for policy in [Policy::Full, Policy::Rows(2)] {
            let audit = of_trace(AuditPieces::build(program.clone(), policy).unwrap(), trace.clone());
            for index in 0..audit.preparation.pieces() {
                assert!(
                    audit.accepts(index, audit.inputs(index)),
                    "blocks of 2^{block_bits}, {policy}, {index}"
                );
            }
        }
    }
}
