//! Forged audits: every lie about a cell, a row, an operation, a root, a key or the coverage must fail.

mod activity;
mod cached;
mod digits;
mod drawn;
mod encoding;
mod execution;
mod flipped;
mod freivalds;
mod gates;
mod halves;
mod opened;
mod operations;
mod products;
mod requantise;
mod sketch;
mod world;
mod wrapped;

use janction_aggregate::config::Circuit;
use janction_gadgets::F;
use janction_gadgets::test_utils::{Violation, check, generate};
use janction_program::{Program, Tensor, reference};
use janction_protocol::claim::Claim;
use janction_protocol::{Address, Deployment, Digest};
use janction_trace::{DrawnRows, Openings, Policy, RowOpening, RowPair, Trace, draw};
use plonky2::field::types::Field;
use plonky2::iop::target::Target;
use plonky2::iop::witness::PartialWitness;

use crate::piece::PieceCircuit;
use crate::subject::{State, Subject};
use crate::{AuditPieces, Preparation};

/// Whether some witness with these inputs satisfies the circuit.
fn satisfied(circuit: &Circuit, inputs: PartialWitness<F>, forced: &[(Target, F)]) -> Result<(), Violation> {
    check(circuit, &generate(circuit, inputs, forced)?)
}

/// A trace by the reference.
fn honest(program: &Program, input: &Tensor) -> Trace {
    Trace::commit(program, input.clone(), reference::run(program, input).unwrap()).unwrap()
}

/// The claim of a job on `trace`.
fn claim_of(program: &Program, audit_key: Digest, policy: Policy, trace: &Trace) -> Claim {
    Claim {
        deployment: Deployment::new(31337, Address::from_limbs([1, 2, 3]).unwrap()).unwrap(),
        job: 5,
        nonce: 6,
        winner: 7,
        program: program.digest(),
        audit_key,
        input_root: trace.input_root(),
        input_rows: trace.rows() as u32,
        trace_root: trace.trace_root(),
        output_root: trace.output_root(),
        beacon: if policy == Policy::Full { [0; 4] } else { [11, 22, 33, 44] },
        policy: policy.code(),
        coverage: if policy == Policy::Full { trace.rows() as u32 } else { policy.code() },
    }
}

/// The piece circuits of a program, with what it takes to fill those of the first stage.
struct Pieces {
    program: Program,
    policy: Policy,
    audit: AuditPieces,
}

impl Pieces {
    fn new(program: Program, policy: Policy, row_bits: usize, blocks: usize) -> Self {
        let audit = AuditPieces::of_size(program.clone(), policy, row_bits, blocks);
        Self { program, policy, audit }
    }

    /// The circuit of the first stage.
    fn piece(&self) -> &PieceCircuit {
        &self.audit.circuits[0]
    }

    fn claim(&self, trace: &Trace) -> Claim {
        claim_of(&self.program, Digest::ZERO, self.policy, trace)
    }

    fn subject(&self, trace: &Trace) -> Subject {
        let claim = self.claim(trace);
        Subject::of(&claim, self.audit.end(claim.input_rows), Digest::ZERO, Digest::ZERO)
    }

    /// What a prover with this trace opens for draws up to `end`, whatever the subject says of its rows: one that the trace
    /// does not have is its last one.
    fn openings(&self, subject: &Subject, trace: &Trace, end: u32) -> Openings {
        if self.policy == Policy::Full {
            return Openings::Full(trace.clone());
        }
        let mut rows = DrawnRows::of(&self.program, trace, subject.beacon, 0);
        for (k, (step, pairs)) in self.audit.plan.steps.iter().zip(&mut rows.operations).enumerate() {
            for row in draw::draw_rows(subject.beacon, k, subject.rows as usize, end as usize) {
                let open = |t: usize| {
                    RowOpening::open(&self.program, crate::piece::tensor(trace, t), row.min(trace.rows() - 1))
                        .unwrap()
                };
                let inputs = step.operands.iter().map(|&t| open(t)).collect();
                pairs.push(RowPair { inputs, output: open(step.output) });
            }
        }
        Openings::Drawn(rows)
    }

    fn assign(&self, subject: &Subject, trace: &Trace, from: u32) -> PartialWitness<F> {
        let openings = self.openings(subject, trace, from + self.piece().step());
        let preparation = Preparation {
            subject: *subject,
            states: Vec::new(),
            circuits: Vec::new(),
            folds: Vec::new(),
            fold_digests: Vec::new(),
            checked: Digest::ZERO,
        };
        let state = State { position: from, ..State::START };
        self.piece().assign(&self.audit.plan, &openings, &preparation, &state).unwrap()
    }

    /// Checks the piece from `from` on, with the public inputs held at the states `from` and `to` of `subject`.
    fn run(&self, subject: &Subject, trace: &Trace, from: u32, to: u32) -> Result<(), Violation> {
        self.run_inputs(self.assign(subject, trace, from), subject, from, to)
    }

    fn run_inputs(
        &self,
        inputs: PartialWitness<F>,
        subject: &Subject,
        from: u32,
        to: u32,
    ) -> Result<(), Violation> {
        let end = if self.policy == Policy::Full { subject.rows } else { subject.end };
        let (stage, position) = self.piece().shape.number.after(to, end);
        let before = State { position: from, ..State::START };
        let after = State { stage, position, ..State::START };
        let states = [subject.state(&before).0, subject.state(&after).0].concat();
        let targets = &self.piece().data.prover_only.public_inputs;
        let forced: Vec<_> = targets.iter().copied().zip(states).collect();
        satisfied(&self.piece().data, inputs, &forced)
    }
}

/// `inputs` with `target` set to `value` instead.
fn with(inputs: &PartialWitness<F>, target: Target, value: F) -> PartialWitness<F> {
    let mut changed = inputs.clone();
    let old = changed.target_values.insert(target, value);
    assert!(old.is_some_and(|old| old != value), "the lie is the truth");
    changed
}

/// `inputs` with one more than it says at `target`.
fn off_by_one(inputs: &PartialWitness<F>, target: Target) -> PartialWitness<F> {
    with(inputs, target, inputs.target_values[&target] + F::ONE)
}
