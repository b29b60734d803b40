//! Stages: a program's audit is proven one stage after the other, each by pieces of its own circuit.

use crate::operation::ProgramPlan;
use crate::subject::State;

/// What the pieces of a stage check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Rows of operations.
    Rows(RowStage),
    /// That a matrix of weights was folded rightly: the number of the fold.
    Fold(usize),
}

impl Stage {
    /// The stage, if it is one of rows.
    pub const fn rows(&self) -> Option<&RowStage> {
        match self {
            Self::Rows(stage) => Some(stage),
            Self::Fold(_) => None,
        }
    }
}

/// Rows of some of a program's operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowStage {
    /// Numbers of the operations, in order.
    pub steps: Vec<usize>,
    /// Tensors of which rows are opened, in order.
    pub tensors: Vec<usize>,
}

impl RowStage {
    /// The stage of these operations.
    pub fn new(plan: &ProgramPlan, steps: Vec<usize>) -> Self {
        let of_step = |&k: &usize| plan.steps[k].operands.iter().copied().chain([plan.steps[k].output]);
        let mut tensors: Vec<usize> = steps.iter().flat_map(of_step).collect();
        tensors.sort_unstable();
        tensors.dedup();
        Self { steps, tensors }
    }

    /// The stage of all operations.
    pub fn of_all(plan: &ProgramPlan) -> Self {
        Self::new(plan, (0..plan.steps.len()).collect())
    }

    /// Place of tensor `tensor` among those of the stage.
    pub fn slot(&self, tensor: usize) -> usize {
        self.tensors.iter().position(|&t| t == tensor).expect("a stage has its operations' tensors")
    }
}

/// A stage's place in the chain of states: constants of its pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StageNumber {
    pub own: u32,
    /// The stage that follows, or [`State::DONE`].
    pub next: u32,
}

impl StageNumber {
    /// Number `index` of `count` stages.
    pub const fn new(index: usize, count: usize) -> Self {
        // A program has at most as many stages as operations, twice.
        let own = index as u32;
        Self { own, next: if index + 1 < count { own + 1 } else { State::DONE } }
    }

    /// The place after a piece that ends at position `to`, of a stage that ends at `end`.
    pub const fn after(self, to: u32, end: u32) -> (u32, u32) {
        if to == end { (self.next, 0) } else { (self.own, to) }
    }
}
