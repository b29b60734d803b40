use std::time::{Duration, Instant};

/// A part of a proof's making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Running the generators and laying the wires out.
    Witness,
    /// Interpolation and low-degree extension.
    Extend,
    /// Hashing leaves and nodes.
    Merkle,
    /// The columns of the permutation and lookup arguments.
    Products,
    /// Evaluating the constraints.
    Quotient,
    /// Evaluating the polynomials at ζ and gζ.
    Openings,
    /// Combining, folding, grinding, answering the queries.
    Fri,
}

impl Stage {
    /// All stages in order.
    pub const ALL: [Self; 7] = [
        Self::Witness,
        Self::Extend,
        Self::Merkle,
        Self::Products,
        Self::Quotient,
        Self::Openings,
        Self::Fri,
    ];

    /// A short name for tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Witness => "witness",
            Self::Extend => "lde",
            Self::Merkle => "merkle",
            Self::Products => "products",
            Self::Quotient => "quotient",
            Self::Openings => "openings",
            Self::Fri => "fri",
        }
    }
}

/// How long each stage of a proof took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stages {
    durations: [Duration; Stage::ALL.len()],
}

impl Stages {
    /// The time of one stage, all its parts together.
    #[must_use]
    pub fn get(&self, stage: Stage) -> Duration {
        self.durations[stage as usize]
    }

    /// Runs a part of a stage and adds its time.
    pub(crate) fn time<T>(&mut self, stage: Stage, run: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = run();
        self.durations[stage as usize] += start.elapsed();
        result
    }
}
