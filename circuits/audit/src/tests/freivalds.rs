//! Freivalds' checks and audits of several stages: what is honest is accepted, and what is false is not, however the accumulators,
//! the folds and the states are made up.

use janction_aggregate::Stock;
use janction_aggregate::config::{Circuit, Proof};
use janction_gadgets::F;
use janction_gadgets::test_utils::{check, generate, prove};
use janction_program::builder::{Builder, ConvOptions, MatMulOptions};
use janction_program::test_utils::Random;
use janction_program::{DType, PerColumn, Program, Requantise, Rounding, Slide, Tensor};
use janction_protocol::Digest;
use janction_trace::{Openings, Policy, Trace};
use plonky2::field::types::Field;
use plonky2::iop::target::Target;
use plonky2::iop::witness::PartialWitness;

use super::flipped::{flip, replace};
use super::world::{BEFORE, WORLD};
use super::{claim_of, honest, satisfied, with};
use crate::freivalds::{Extension, point};
use crate::operation::CheckTargets;
use crate::piece::PieceTargets;
use crate::stage::Stage;
use crate::subject::{State, Subject};
use crate::{AuditCircuits, AuditError, AuditPieces, AuditProof, Preparation};

/// A convolution with pads, a product of several vectors and one of one, each of another rounding.
fn program(depth: u8) -> Program {
    let mut r = Random::new(17);
    let mut b = Builder::new("mixed", depth);
    let x = b.input("x", DType::U8, &[2, 3, 3]);
    let half = |shift| Requantise::new(1 << 30, shift);
    let up = |shift| PerColumn::All(half(shift));
    let parity = |shift, rounding| PerColumn::All(half(shift).rounded(rounding));
    let kernel = b.constant("kernel", r.tensor(DType::I8, 18, 5));
    let slide = Slide::new([3, 3]).pads([1, 1, 1, 1]);
    let options = MatMulOptions::new(up(38)).zeros(7, -3).weight_zero(PerColumn::All(2));
    let c = b.conv("c", x, kernel, DType::I8, ConvOptions::new(slide, options));
    let t = b.transpose("t", c, &[1, 2, 0]);
    let w = b.constant("w", r.tensor(DType::U8, 5, 4));
    let bias =
        b.constant("bias", Tensor::new(1, 4, janction_program::Cells::I32(vec![9, -9, 0, 100])).unwrap());
    let zeros: Vec<i32> = vec![3, 0, 255, 128];
    let options = MatMulOptions::new(parity(37, Rounding::HalfEven))
        .bias(bias)
        .zeros(-3, 0)
        .weight_zero(PerColumn::Each(zeros));
    let y = b.matmul("y", t, w, DType::I8, options.relu());
    let flat = b.reshape("flat", y, &[36]);
    let w2 = b.constant("w2", r.tensor(DType::I8, 36, 3));
    b.matmul("z", flat, w2, DType::U8, MatMulOptions::new(parity(39, Rounding::HalfOdd)).zeros(0, 128));
    b.build().unwrap()
}

pub struct Audit {
    pub pieces: AuditPieces,
    pub trace: Trace,
    pub openings: Openings,
    pub preparation: Preparation,
}

fn audit(policy: Policy, bits: usize, rows: usize) -> Audit {
    let program = program(2);
    let pieces = AuditPieces::of_freivalds(program.clone(), policy, bits, [1, 1]);
    let input = Random::new(5).tensor(DType::U8, rows, 18);
    let trace = honest(&program, &input);
    of_trace(pieces, trace)
}

pub fn of_trace(pieces: AuditPieces, trace: Trace) -> Audit {
    let claim = claim_of(&pieces.program, Digest::ZERO, pieces.policy, &trace);
    let commitment = janction_trace::Commitment::of(&claim).unwrap();
    let draws = pieces.end(claim.input_rows) as usize;
    let openings = Openings::of(&pieces.program, trace.clone(), &commitment, draws).unwrap();
    let preparation = pieces.prepare(&openings, &claim);
    Audit { pieces, trace, openings, preparation }
}

impl Audit {
    pub fn circuit(&self, index: usize) -> &Circuit {
        &self.pieces.circuits[self.preparation.circuits[index]].data
    }

    pub fn inputs(&self, index: usize) -> PartialWitness<F> {
        self.inputs_of(index, &self.preparation)
    }

    pub fn inputs_of(&self, index: usize, preparation: &Preparation) -> PartialWitness<F> {
        let circuit = &self.pieces.circuits[preparation.circuits[index]];
        circuit.assign(&self.pieces.plan, &self.openings, preparation, &preparation.states[index]).unwrap()
    }

    /// Whether piece `index` with these inputs leads from the one state to the other.
    pub(crate) fn leads(
        &self,
        index: usize,
        inputs: PartialWitness<F>,
        subject: &Subject,
        states: [&State; 2],
    ) -> bool {
        let circuit = self.circuit(index);
        let digests = states.map(|state| subject.state(state).0).concat();
        let forced: Vec<(Target, F)> =
            circuit.prover_only.public_inputs.iter().copied().zip(digests).collect();
        satisfied(circuit, inputs, &forced).is_ok()
    }

    pub fn accepts(&self, index: usize, inputs: PartialWitness<F>) -> bool {
        let states = &self.preparation.states;
        self.leads(index, inputs, &self.preparation.subject, [&states[index], &states[index + 1]])
    }
}

/// All pieces of one stage or several, of all rows or drawn ones, lead from the start to the end.
#[test]
fn honest_audits_are_accepted() {
    for (policy, bits, rows) in [
        (Policy::Full, 14, 4),
        (Policy::Full, 14, 3),
        (Policy::Full, 7, 3),
        (Policy::Rows(5), 14, 3),
        (Policy::Rows(5), 7, 4),
    ] {
        let audit = audit(policy, bits, rows);
        let stages = audit.pieces.circuits.len();
        assert_eq!(audit.pieces.plan.folds.len(), 3);
        assert_eq!(stages, if bits == 14 { 4 } else { 6 }, "{policy}");
        let preparation = &audit.preparation;
        let facts = audit.pieces.facts();
        let claim_rows = if policy == Policy::Full { rows as u32 } else { 3 };
        assert_eq!(preparation.pieces(), facts.count(policy, claim_rows), "{policy}");
        assert_eq!(preparation.states[0], State::START);
        assert_eq!(preparation.states[preparation.pieces()], State::done(preparation.checked));
        assert_ne!(preparation.checked, Digest::ZERO);
        assert_eq!(preparation.subject.challenge, preparation.subject.challenge_for(preparation.checked));
        for index in 0..preparation.pieces() {
            let circuit = audit.circuit(index);
            let witness = generate(circuit, audit.inputs(index), &[]).unwrap();
            check(circuit, &witness).unwrap_or_else(|e| panic!("{policy}, piece {index}: {e}"));
            assert!(audit.accepts(index, audit.inputs(index)), "{policy}, piece {index}");
        }
    }
}

/// Under `full` no cell of any tensor can be another: the pieces of rows refuse it whatever the accumulators.
#[test]
fn no_cell_can_be_flipped() {
    let honest = audit(Policy::Full, 14, 2);
    for k in 1..=honest.trace.tensors().len() {
        let tensor = crate::piece::tensor(&honest.trace, k).tensor();
        for (row, column) in (0..2).flat_map(|row| (0..tensor.columns()).step_by(5).map(move |c| (row, c))) {
            let program = &honest.pieces.program;
            let forged = replace(program, &honest.trace, k, flip(tensor, row, column));
            let pieces = AuditPieces::of_freivalds(program.clone(), Policy::Full, 14, [1, 1]);
            let forged = of_trace(pieces, forged);
            assert!(!forged.accepts(0, forged.inputs(0)), "tensor {k}, row {row}, column {column}");
            if row == 1 && column > 0 {
                break;
            }
        }
    }
}

/// Accumulator targets of the first piece: of row `row` and operation `k`.
fn accumulators(audit: &Audit, row: usize, k: usize) -> Vec<Target> {
    let PieceTargets::Full(targets) = &audit.pieces.circuits[0].targets else { panic!("the policy is full") };
    let CheckTargets::Freivalds(accumulators, _) = &targets.checks[row][k] else {
        panic!("Freivalds' check")
    };
    accumulators.accumulators.clone()
}

/// An accumulator that is off is refused.
#[test]
fn accumulators_are_the_products() {
    let audit = audit(Policy::Full, 14, 2);
    for k in 0..3 {
        for target in accumulators(&audit, 1, k).into_iter().step_by(7) {
            for delta in [F::ONE, F::NEG_ONE, F::from_canonical_u64(1 << 32)] {
                let inputs = audit.inputs(0);
                let lie = with(&inputs, target, inputs.target_values[&target] + delta);
                assert!(!audit.accepts(0, lie), "operation {k}");
            }
        }
    }
}

/// d with `sum_j d_j r^j = 0` and d_2 = 1, the other two solved for.
fn kernel(r: Extension) -> [F; 3] {
    // r^2 = a + b r, with a and b in the base field.
    let square = r * r;
    let b = square.0[1] / r.0[1];
    let a = square.0[0] - b * r.0[0];
    [-a, -b, F::ONE]
}

/// Accumulators that are chosen once r is known satisfy the equation of rows. But they are hashed: the state behind the piece is
/// another, and an r made of that state is another.
#[test]
fn accumulators_cannot_be_fitted_to_the_challenge() {
    let audit = audit(Policy::Full, 14, 2);
    let preparation = &audit.preparation;
    let r = point(preparation.subject.challenge);
    let d = kernel(r);
    assert_eq!(Extension::from(d[0]) + r * Extension::from(d[1]) + r * r, Extension::ZERO);
    // z, of three columns. Requantisation would notice; so look at the first false constraint only.
    let targets = accumulators(&audit, 1, 2);
    let mut lie = audit.inputs(0);
    for (&target, d) in targets.iter().zip(d) {
        lie = with(&lie, target, lie.target_values[&target] + d);
    }
    let circuit = audit.circuit(0);
    let witness = generate(circuit, lie.clone(), &[]).unwrap();
    let violation = check(circuit, &witness).unwrap_err().to_string();
    assert!(violation.contains("Requantise"), "the equation holds, the cells do not: {violation}");
    // Of fewer columns than dimensions no other accumulators satisfy it; and the state behind is not the honest one.
    assert!(!audit.accepts(0, lie));
    // A challenge that is not the hash of what was checked is the wrapper's to refuse.
    let mut other = preparation.subject;
    other.challenge = Digest([F::TWO; 4]);
    assert_ne!(other.challenge, other.challenge_for(preparation.checked));
}

/// The running digest goes through every piece: another one before a piece is another one behind it.
#[test]
fn the_running_digests_are_chained() {
    let audit = audit(Policy::Full, 14, 4);
    let Preparation { subject, states, circuits, .. } = &audit.preparation;
    for index in 0..audit.preparation.pieces() {
        let inputs = audit.inputs(index);
        let [before, after] = [states[index], states[index + 1]];
        let other = Digest([F::TWO; 4]);
        let moved = [
            State { checked: other, ..before },
            State { folded: other, ..before },
            State { stage: before.stage + 1, ..before },
            State { position: before.position + 2, ..before },
        ];
        for wrong in &moved {
            assert!(
                !audit.leads(index, inputs.clone(), subject, [wrong, &after]),
                "piece {index}: {wrong:?}"
            );
        }
        for wrong in [
            State { checked: before.checked, ..after },
            State { checked: other, ..after },
            State { folded: other, ..after },
            State { stage: State::DONE, ..after },
            State { stage: after.stage.wrapping_add(1), ..after },
            State { position: after.position + 1, ..after },
        ] {
            if wrong != after {
                let leads = audit.leads(index, inputs.clone(), subject, [&before, &wrong]);
                assert!(!leads, "piece {index}: {wrong:?}");
            }
        }
        // The inputs of another piece of the same circuit.
        for other in (0..circuits.len()).filter(|&i| i != index && circuits[i] == circuits[index]) {
            assert!(!audit.accepts(index, audit.inputs(other)), "piece {other} for {index}");
        }
    }
}

/// A fold that is not that of the weights: pieces of rows that use it cannot stand beside the pieces that make it.
#[test]
fn folds_are_those_of_the_weights() {
    let audit = audit(Policy::Full, 14, 2);
    let pieces = audit.preparation.pieces();
    let fold_of = |index: usize| match audit.pieces.circuits[audit.preparation.circuits[index]].shape.stage {
        Stage::Fold(fold) => Some(fold),
        Stage::Rows(_) => None,
    };
    for fold in 0..3 {
        let mut forged = audit.preparation.clone();
        forged.folds[fold][1] += Extension::ONE;
        // Pieces of rows hash the fold: with the honest digests there is no such one.
        assert!(!audit.accepts(0, audit.inputs_of(0, &forged)), "fold {fold}");
        // With digests to match, the pieces that make the fold do not end in them.
        let digests = audit.pieces.plan.folds[fold].digests(&forged.folds[fold]);
        forged.fold_digests[fold] = *digests.last().unwrap();
        forged.subject.folds = crate::freivalds::folds_digest(&forged.fold_digests);
        let mut refused = 0;
        for index in 0..pieces {
            let states = &forged.states;
            let inputs = audit.inputs_of(index, &forged);
            let leads = audit.leads(index, inputs, &forged.subject, [&states[index], &states[index + 1]]);
            if fold_of(index).is_some_and(|own| own != fold) {
                assert!(leads, "piece {index} has nothing to do with fold {fold}");
            } else if !leads {
                refused += 1;
            }
        }
        assert!(refused >= 1, "fold {fold}");
    }
}

/// Each constraint of a piece that folds weights: cells, place, activity, digests.
#[test]
fn weights_are_the_programs() {
    let audit = audit(Policy::Full, 14, 2);
    for index in 0..audit.preparation.pieces() {
        let circuit = &audit.pieces.circuits[audit.preparation.circuits[index]];
        let PieceTargets::Fold(targets) = &circuit.targets else { continue };
        let inputs = audit.inputs(index);
        for row in &targets.rows {
            let cell = row.packed()[0];
            // Positions without a row hold any.
            let lie = with(&inputs, cell, inputs.target_values[&cell] + F::from_canonical_u64(1 << 48));
            let position = targets.rows.iter().position(|r| r.packed()[0] == cell).unwrap();
            let active = inputs.target_values[&targets.active[position].target];
            assert_eq!(audit.accepts(index, lie), active == F::ZERO, "piece {index}, row {position}");
        }
        for flag in &targets.active {
            for value in [F::ZERO, F::ONE, F::TWO] {
                if inputs.target_values[&flag.target] != value {
                    assert!(!audit.accepts(index, with(&inputs, flag.target, value)), "piece {index}");
                }
            }
        }
        for target in targets.folds.0.iter().flat_map(|digest| digest.elements) {
            assert!(!audit.accepts(index, with(&inputs, target, F::TWO)), "piece {index}");
        }
        for target in targets.siblings.iter().flat_map(|digest| digest.elements) {
            assert!(!audit.accepts(index, with(&inputs, target, F::TWO)), "piece {index}");
        }
        for bit in &targets.bits {
            let other = F::ONE - inputs.target_values[&bit.target];
            assert!(!audit.accepts(index, with(&inputs, bit.target, other)), "piece {index}");
        }
        for digest in [targets.before, targets.checked] {
            assert!(!audit.accepts(index, with(&inputs, digest.elements[1], F::TWO)), "piece {index}");
        }
    }
}

/// Real proofs of six stages: joined by leaves that know several keys, gathered, and taken by the wrapper for the challenge that is
/// made of what was checked, and for no other.
#[test]
fn several_stages_end_in_the_wrapper() {
    let wrapper = &WORLD.wrapper;
    let pieces = AuditPieces::of_freivalds(program(2), Policy::Full, 7, [1, 1]);
    let circuits = AuditCircuits::of_pieces(wrapper.shape(), pieces).unwrap();
    let trace = honest(circuits.program(), &Random::new(5).tensor(DType::U8, 2, 18));
    let claim = claim_of(circuits.program(), circuits.audit_key_digest(), Policy::Full, &trace);
    let openings = circuits.openings(trace, &claim).unwrap();
    let preparation = circuits.prepare(&openings, &claim);
    let proofs: Vec<Proof> = (0..preparation.pieces())
        .map(|index| circuits.prove_piece(&Stock, &openings, &preparation, index).unwrap())
        .collect();
    assert_eq!(proofs.len(), 6);
    let audit = circuits.join(&Stock, wrapper, &claim, &preparation, &proofs).unwrap();
    audit.verify(wrapper.verifier(), &claim).unwrap();
    let accepts = |audit: &AuditProof| {
        let inputs = wrapper.assign(audit, &claim.elements(), BEFORE).unwrap();
        satisfied(wrapper.data(), inputs, &[]).is_ok()
    };
    assert!(accepts(&audit));
    let other = Digest([F::TWO; 4]);
    for lie in [
        AuditProof { checked: other, ..audit.clone() },
        AuditProof { checked: Digest::ZERO, ..audit.clone() },
        AuditProof { folds: other, ..audit.clone() },
        AuditProof { folds: Digest::ZERO, ..audit.clone() },
    ] {
        assert!(!accepts(&lie));
        let error = lie.verify(wrapper.verifier(), &claim).unwrap_err();
        assert!(matches!(error, AuditError::Node { what: "start", .. }), "{error}");
    }
    // Neither a proof under another piece's key, nor under a key that is not the program's.
    let leaf = circuits.leaf();
    let right = [(preparation.circuit(0), &proofs[0]), (preparation.circuit(1), &proofs[1])];
    satisfied(leaf.data(), leaf.witness_of(&right).unwrap(), &[]).unwrap();
    let wrong = [(preparation.circuit(1), &proofs[0]), (preparation.circuit(1), &proofs[1])];
    assert!(satisfied(leaf.data(), leaf.witness_of(&wrong).unwrap(), &[]).is_err());
    let foreign = AuditPieces::of_freivalds(program(3), Policy::Full, 7, [1, 1]);
    let foreign = AuditCircuits::of_pieces(wrapper.shape(), foreign).unwrap();
    assert!(satisfied(foreign.leaf().data(), foreign.leaf().witness_of(&right).unwrap(), &[]).is_err());
    // Cached circuits of other stages than the program has are refused.
    let bytes = circuits.pieces().to_bytes().unwrap();
    let error = AuditPieces::from_bytes(program(2), Policy::Full, &bytes);
    assert!(matches!(error, Err(AuditError::KeyBytes { circuit: "piece", action: "read" })));
}

/// A program of a large operation and a table: stages of which one is much smaller than the other, and both have the table.
#[test]
fn stages_with_tables_have_one_shape() {
    let mut b = Builder::new("table", 1);
    let x = b.input("x", DType::U8, &[1]);
    let half = || MatMulOptions::new(PerColumn::All(Requantise::new(1 << 30, 33)));
    let mut r = Random::new(3);
    let wide = b.constant("wide", r.tensor(DType::I8, 1, 300));
    let y = b.matmul("y", x, wide, DType::I8, half());
    let narrow = b.constant("narrow", r.tensor(DType::I8, 300, 3));
    let z = b.matmul("z", y, narrow, DType::I8, half());
    let cells: Vec<i8> = (0..256).map(|i| (i / 3) as i8).collect();
    let table = b.constant("table", Tensor::new(1, 256, janction_program::Cells::I8(cells)).unwrap());
    let t = b.lookup("t", z, table);
    b.lookup("u", t, table);
    let program = b.build().unwrap();
    for (policy, bits) in [(Policy::Full, 7), (Policy::Rows(4), 9), (Policy::Full, 8)] {
        let pieces = AuditPieces::of_freivalds(program.clone(), policy, bits, [0, 1]);
        assert!(pieces.circuits.len() > 3, "{policy}");
        let trace = honest(&program, &r.tensor(DType::U8, 2, 1));
        let audit = of_trace(pieces, trace);
        for index in 0..audit.preparation.pieces() {
            assert!(audit.accepts(index, audit.inputs(index)), "{policy}, piece {index}");
        }
        // The prover and verifier of Plonky2 agree, lookups included.
        let last = audit.preparation.circuits.iter().position(|&circuit| circuit == 1).unwrap();
        let circuit = audit.circuit(last);
        prove(circuit, generate(circuit, audit.inputs(last), &[]).unwrap()).unwrap();
    }
}
