//! What all pieces of an audit have in common, computed once before the first is proven.

use janction_aggregate::Segment;
use janction_program::Cells;
use janction_protocol::Digest;
use janction_trace::{Openings, RowPair, Trace};
use plonky2::hash::hash_types::HashOut;

use crate::freivalds::{Extension, checked_digest, folds_digest, point};
use crate::operation::ProgramPlan;
use crate::piece::tensor;
use crate::pieces::AuditPieces;
use crate::place::wires;
use crate::sketch::{self, SketchPlan};
use crate::stage::{RowStage, Stage};
use crate::subject::{State, Subject};

/// The states between the pieces of one audit, and what Freivalds' checks go by.
#[derive(Clone, Debug)]
pub struct Preparation {
    pub(crate) subject: Subject,
    /// One more than there are pieces.
    pub(crate) states: Vec<State>,
    /// For each piece the number of its circuit.
    pub(crate) circuits: Vec<usize>,
    /// The folds under the subject's challenge.
    pub(crate) folds: Vec<Vec<Extension>>,
    /// Their digests.
    pub(crate) fold_digests: Vec<Digest>,
    /// Digest of the accumulators that all pieces check.
    pub(crate) checked: Digest,
}

impl Preparation {
    /// Prepares the audit of `rows` rows with these openings, which must be as many as the audit checks. `subject_of` makes the
    /// subject from its end and the digest of what is checked.
    pub(crate) fn new(
        audit: &AuditPieces,
        openings: &Openings,
        rows: u32,
        subject_of: impl Fn(u32, Digest) -> Subject,
    ) -> Self {
        let plan = &audit.plan;
        let end = audit.end(rows);
        let mut states = vec![State::START];
        let mut circuits = Vec::new();
        // The rows first: the challenge is made of what they check.
        for (index, circuit) in audit.circuits.iter().enumerate() {
            let Stage::Rows(stage) = &circuit.shape.stage else { continue };
            for from in (0..end).step_by(circuit.step() as usize) {
                let to = end.min(from + circuit.step());
                let last = states[states.len() - 1];
                let rows = digests(plan, stage, openings, from, circuit.step());
                let (stage, position) = circuit.shape.number.after(to, end);
                states.push(State { stage, position, checked: checked_digest(last.checked, &rows), ..last });
                circuits.push(index);
            }
        }
        let checked = states[states.len() - 1].checked;
        let mut subject = subject_of(end, checked);
        let r = point(subject.challenge);
        let folds: Vec<Vec<Extension>> = plan.folds.iter().map(|fold| fold.fold(r)).collect();
        let running: Vec<Vec<Digest>> =
            plan.folds.iter().zip(&folds).map(|(plan, fold)| plan.digests(fold)).collect();
        let fold_digests: Vec<Digest> = running.iter().map(|digests| digests[digests.len() - 1]).collect();
        subject.folds = folds_digest(&fold_digests);
        for (index, circuit) in audit.circuits.iter().enumerate() {
            let Stage::Fold(fold) = circuit.shape.stage else { continue };
            let total = plan.folds[fold].tensor.rows() as u32;
            for (piece, from) in (0..total).step_by(circuit.step() as usize).enumerate() {
                let to = total.min(from + circuit.step());
                let (stage, position) = circuit.shape.number.after(to, total);
                let folded = if to == total { Digest::ZERO } else { running[fold][piece + 1] };
                states.push(State { stage, position, checked, folded });
                circuits.push(index);
            }
        }
        Self { subject, states, circuits, folds, fold_digests, checked }
    }

    /// Number of pieces.
    #[must_use]
    pub fn pieces(&self) -> usize {
        self.circuits.len()
    }

    /// Digest of the accumulators that Freivalds' checks were made of; zero if there were none.
    #[must_use]
    pub const fn checked(&self) -> Digest {
        self.checked
    }

    /// Digest of the folds of weights that they used; zero if there were none.
    #[must_use]
    pub const fn folds(&self) -> Digest {
        self.subject.folds
    }

    /// Number of the circuit of piece `index` among [`AuditPieces::circuits`].
    ///
    /// # Panics
    /// When there is no such piece.
    #[must_use]
    pub fn circuit(&self, index: usize) -> usize {
        self.circuits[index]
    }

    /// The stretch of the chain of audit states that piece `index` proves.
    ///
    /// # Panics
    /// When there is no such piece.
    #[must_use]
    pub fn segment(&self, index: usize) -> Segment {
        let state = |i: usize| HashOut { elements: self.subject.state(&self.states[i]).0 };
        Segment { before: state(index), after: state(index + 1) }
    }
}

/// Digests of the accumulators that Freivalds' checks of a piece are made of, and of the openings of blocks; zero for rows and
/// blocks that are none.
fn digests(plan: &ProgramPlan, stage: &RowStage, openings: &Openings, from: u32, step: u32) -> Vec<Digest> {
    let positions = from as usize..(from + step) as usize;
    match openings {
        Openings::Full(trace) => {
            let steps = |row| stage.steps.iter().filter_map(move |&k| of_row(plan, trace, k, row));
            let mut digests: Vec<Digest> = positions.clone().flat_map(steps).collect();
            if let Some(sketch) = &plan.sketch {
                for &t in &stage.tensors {
                    let firsts = positions.clone().step_by(sketch.block_rows());
                    digests.extend(firsts.map(|first| of_block(sketch, trace, t, first)));
                }
            }
            digests
        }
        Openings::Drawn(rows) => {
            let mut digests = Vec::new();
            for (&k, draw) in stage.steps.iter().flat_map(|k| positions.clone().map(move |draw| (k, draw))) {
                let RowPair { inputs, output } = &rows.operations[k][draw];
                let operands: Vec<&Cells> = inputs.iter().map(|opened| &opened.cells).collect();
                digests.extend(plan.steps[k].accumulators_digest(&operands));
                if let Some(sketch) = &plan.sketch {
                    let size = sketch.block_rows();
                    digests.extend(inputs.iter().chain([output]).map(|opened| {
                        let wires = wires(&opened.cells, &opened.others, size);
                        sketch::digest(&opened.block_of(size), &wires)
                    }));
                }
            }
            digests
        }
    }
}

/// What the opening of the block of tensor `t` whose first row is `first` is made of; zero if it has none.
fn of_block(sketch: &SketchPlan, trace: &Trace, t: usize, first: usize) -> Digest {
    let size = sketch.block_rows();
    let rows: Vec<Cells> =
        (first..(first + size).min(trace.rows())).map(|row| tensor(trace, t).tensor().row(row)).collect();
    let mut wires: Vec<Option<&Cells>> = rows.iter().map(Some).collect();
    wires.resize(size, None);
    if rows.is_empty() { Digest::ZERO } else { sketch::digest(&rows.iter().collect::<Vec<_>>(), &wires) }
}

fn of_row(plan: &ProgramPlan, trace: &Trace, k: usize, row: usize) -> Option<Digest> {
    let step = &plan.steps[k];
    if row >= trace.rows() {
        return step.is_freivalds().then_some(Digest::ZERO);
    }
    if !step.is_freivalds() {
        return None;
    }
    let rows: Vec<Cells> = step.operands.iter().map(|&t| tensor(trace, t).tensor().row(row)).collect();
    step.accumulators_digest(&rows.iter().collect::<Vec<_>>())
}
