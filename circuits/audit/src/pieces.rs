//! The pieces of one program's audit under one policy: what it is cut into, their circuits, and their proofs.

use janction_aggregate::config::{C, Circuit, Common, Proof};
use janction_aggregate::{AggregateError, KeySet, Prover, prove_verified};
use janction_program::{Conv, Operation, Program, Window};
use janction_protocol::Digest;
use janction_protocol::claim::Claim;
use janction_trace::draw::DRAWS_PER_HASH;
use janction_trace::{Commitment, Openings, Policy};

use crate::limits::{
    MAX_AUDITED_CELLS, MAX_AUDITED_ROWS, MAX_AUDITED_WEIGHTS, MAX_AUDITED_WORK, MAX_PIECE_BITS,
    MAX_PIECE_BLOCKS, MAX_PIECE_ROW_BITS, PIECE_BITS, PROOF_PIECE_BITS,
};
use crate::operation::ProgramPlan;
use crate::piece::{NAME, PieceCircuit, PieceLayout, PieceShape, Size};
use crate::preparation::Preparation;
use crate::stage::{RowStage, Stage, StageNumber};
use crate::subject::Subject;
use crate::{AuditError, PieceFacts, Sizing, precheck};

/// The piece circuits of one program's audit under one policy. They follow from program and policy alone.
#[derive(Debug)]
pub struct AuditPieces {
    pub(crate) program: Program,
    pub(crate) policy: Policy,
    pub(crate) sizing: Sizing,
    pub(crate) plan: ProgramPlan,
    /// One for each stage. All have one shape.
    pub(crate) circuits: Vec<PieceCircuit>,
}

/// What the circuits of a program follow from, with their layouts.
struct Planner<'a> {
    program: &'a Program,
    plan: &'a ProgramPlan,
    policy: Policy,
    /// log2 of the rows of circuit that a piece should have.
    bits: usize,
    /// Most rows of the job that a piece needs to cover.
    rows: usize,
}

/// The plan of a program, and log2 of the rows of circuit that its pieces should have.
///
/// # Errors
/// Those of [`check_size`] and [`check_steps`].
fn plan(program: &Program, policy: Policy, sizing: Sizing) -> Result<(ProgramPlan, usize), AuditError> {
    check_size(program)?;
    let rows = sizing.rows(program);
    if sizing != Sizing::Audit {
        let bits = PROOF_PIECE_BITS;
        let plan = ProgramPlan::new(program, policy, bits, rows);
        let planner = Planner { program, plan: &plan, policy, bits, rows };
        // More stages are more circuits to make: then large pieces are the smaller ones in all.
        if check_steps(program, &plan, policy).is_ok() && planner.fits_one_stage(&RowStage::of_all(&plan)) {
            return Ok((plan, bits));
        }
    }
    let plan = ProgramPlan::new(program, policy, PIECE_BITS, rows);
    check_steps(program, &plan, policy)?;
    Ok((plan, PIECE_BITS))
}

impl Planner<'_> {
    fn largest(&self) -> Size {
        match self.policy {
            Policy::Full => {
                let depth = usize::from(self.program.depth());
                let rows = self.rows.next_power_of_two().ilog2() as usize;
                // A piece opens whole leaves.
                let least = usize::from(self.program.scheme().block_bits());
                Size::of_rows(1 << depth.min(MAX_PIECE_ROW_BITS).min(rows).max(least))
            }
            Policy::Rows(s) => {
                let blocks = (s as usize).div_ceil(DRAWS_PER_HASH);
                Size::Draws { blocks: blocks.clamp(1, MAX_PIECE_BLOCKS) }
            }
        }
    }

    /// All sizes of a piece of rows, the smallest first.
    fn sizes(&self) -> Vec<Size> {
        let all = std::iter::successors(Some(self.largest()), |size| size.smaller());
        let mut sizes: Vec<Size> = all.filter(|size| self.has_whole_leaves(*size)).collect();
        sizes.reverse();
        sizes
    }

    /// Whether a piece of this size opens whole leaves of the trees.
    fn has_whole_leaves(&self, size: Size) -> bool {
        match size {
            Size::Rows { row_bits, .. } => row_bits >= usize::from(self.program.scheme().block_bits()),
            Size::Draws { .. } => true,
        }
    }

    fn lay_out(&self, shape: &PieceShape, several: bool) -> PieceLayout {
        shape.lay_out(self.program, self.plan, self.policy, several)
    }

    /// Rows of circuit of the pieces of a stage of rows.
    fn rows(&self, stage: &RowStage, size: Size, several: bool) -> usize {
        let shape = PieceShape { stage: Stage::Rows(stage.clone()), number: StageNumber::new(0, 1), size };
        self.lay_out(&shape, several).rows()
    }

    /// Whether the check of a row of all operations fits a piece.
    fn fits_one_stage(&self, all: &RowStage) -> bool {
        let rows = |step| self.plan.least_rows(step, self.policy);
        let estimate = self.plan.steps.iter().map(rows).fold(0, usize::saturating_add);
        estimate <= 2 << self.bits && self.rows(all, self.sizes()[0], false) <= 1 << self.bits
    }

    /// The stages of rows: all operations in one if they fit a piece, else as many neighbouring ones as do.
    fn row_stages(&self) -> Vec<RowStage> {
        let all = RowStage::of_all(self.plan);
        if self.fits_one_stage(&all) {
            return vec![all];
        }
        let smallest = self.sizes()[0];
        let mut stages: Vec<Vec<usize>> = Vec::new();
        let mut free = 0;
        for k in all.steps {
            let rows = self.rows(&RowStage::new(self.plan, vec![k]), smallest, true);
            match stages.last_mut() {
                Some(stage) if rows <= free => {
                    stage.push(k);
                    free -= rows;
                }
                _ => {
                    stages.push(vec![k]);
                    free = (1usize << self.bits).saturating_sub(rows);
                }
            }
        }
        stages.into_iter().map(|steps| RowStage::new(self.plan, steps)).collect()
    }

    /// The largest size at which a piece of each of `stages` fits 2^`bits` rows; the smallest if none does.
    fn size(&self, stages: &[&RowStage], bits: usize, several: bool) -> Size {
        let sizes = self.sizes();
        let fits = |size: &Size| stages.iter().all(|stage| self.rows(stage, *size, several) <= 1 << bits);
        let size = sizes.iter().copied().take_while(fits).last().unwrap_or(sizes[0]);
        match stages {
            [stage] if self.policy == Policy::Full && size != self.largest() => {
                self.grown(stage, bits, several, size)
            }
            _ => size,
        }
    }

    /// The most rows that fit, when a power of two of them, `size`, does and twice as many do not: of the multiples of an eighth of
    /// `size`, since more and smaller blocks take more paths.
    fn grown(&self, stage: &RowStage, bits: usize, several: bool, size: Size) -> Size {
        let taken = |rows: u32| self.rows(stage, Size::of_rows(rows as usize), several);
        let rows = size.step();
        let of_size = taken(rows);
        if of_size > 1 << bits {
            // A single row that takes more than a piece should.
            return size;
        }
        let step = (rows / 8).max(1);
        let more = (1..rows.min(8)).rev().map(|more| rows + more * step);
        // Rows of circuit grow as fast as rows, but for the paths.
        let least = |more: u32| (of_size as u64 * u64::from(more) / u64::from(rows)) as usize;
        let slack = 1 << (bits - 3);
        let candidates = more.filter(|&more| least(more) <= (1 << bits) + slack);
        let whole = |rows: &u32| self.has_whole_leaves(Size::of_rows(*rows as usize));
        let fitting = candidates.into_iter().filter(whole).find(|&more| taken(more) <= 1 << bits);
        fitting.map_or(size, |rows| Size::of_rows(rows as usize))
    }

    /// All stages, in order.
    fn stages(&self) -> Vec<Stage> {
        let folds = (0..self.plan.folds.len()).map(Stage::Fold);
        self.row_stages().into_iter().map(Stage::Rows).chain(folds).collect()
    }

    /// The shapes of all pieces, one for each stage.
    fn shapes(&self) -> Result<Vec<PieceShape>, AuditError> {
        let stages = self.stages();
        let several = stages.len() > 1;
        let rows: Vec<&RowStage> = stages.iter().filter_map(Stage::rows).collect();
        let smallest = self.sizes()[0];
        let mut bits = self.bits;
        for stage in &rows {
            let needed = self.rows(stage, smallest, several).next_power_of_two().trailing_zeros() as usize;
            if needed > MAX_PIECE_BITS {
                return Err(AuditError::PieceTooLarge {
                    program: self.program.name().into(),
                    operation: self.plan.steps[stage.steps[0]].name.clone(),
                    got_bits: needed,
                    limit_bits: MAX_PIECE_BITS,
                });
            }
            bits = bits.max(needed);
        }
        // Draws are counted for all operations alike, so all stages take the same number at a time.
        let common = match self.policy {
            Policy::Full => None,
            Policy::Rows(_) => Some(self.size(&rows, bits, several)),
        };
        let size = |stage: &Stage| match stage {
            Stage::Rows(stage) => common.unwrap_or_else(|| self.size(&[stage], bits, several)),
            Stage::Fold(index) => Size::of_rows(1 << self.plan.folds[*index].row_bits),
        };
        let sizes: Vec<Size> = stages.iter().map(size).collect();
        let count = stages.len();
        let shape =
            |(index, (stage, size))| PieceShape { stage, number: StageNumber::new(index, count), size };
        Ok(stages.into_iter().zip(sizes).enumerate().map(shape).collect())
    }

    fn circuits(&self, shapes: Vec<PieceShape>) -> Result<Vec<PieceCircuit>, AuditError> {
        if let [shape] = &shapes[..] {
            return Ok(vec![PieceCircuit::build(self.lay_out(shape, false), shape.clone())]);
        }
        // One leaf verifies them all, so all get the gates of all, and as many rows and lookups as the largest.
        let layouts: Vec<PieceLayout> = shapes.iter().map(|shape| self.lay_out(shape, true)).collect();
        let tables = layouts.iter().map(|layout| layout.lookups.len()).max().unwrap_or(0);
        let most = |table: usize| layouts.iter().map(|l| l.lookups.get(table).copied().unwrap_or(0)).max();
        let lookups: Vec<usize> = (0..tables).map(|table| most(table).unwrap_or(0)).collect();
        let mut rows = layouts.iter().map(|layout| layout.builder.num_gates()).max().unwrap_or(0);
        drop(layouts);
        let padded = |shape: &PieceShape, rows| {
            let mut layout = self.lay_out(shape, true);
            layout.pad(&lookups, rows);
            layout
        };
        let mock = |shape: &PieceShape| padded(shape, rows).builder.mock_build::<C>().common;
        let commons: Vec<Common> = shapes.iter().map(mock).collect();
        // Constants differ: where the size would, all are made longer than half of the largest.
        let bits = commons.iter().map(Common::degree_bits).max().unwrap_or(self.bits);
        rows = rows.max((1 << bits) / 2);
        let build = |shape: PieceShape| PieceCircuit::build_with(padded(&shape, rows), shape, &commons);
        let circuits: Vec<PieceCircuit> = shapes.into_iter().map(build).collect();
        let first = &circuits[0].data.common;
        match circuits.iter().find(|circuit| circuit.data.common != *first) {
            None => Ok(circuits),
            Some(other) => Err(AuditError::Aggregate(AggregateError::Shape {
                circuit: NAME,
                got_bits: other.data.common.degree_bits(),
                got_gates: other.data.common.gates.len(),
                want_bits: first.degree_bits(),
                want_gates: first.gates.len(),
            })),
        }
    }
}

/// Refuses what would take too much time or memory before any of it is spent: programs come from strangers.
fn check_size(program: &Program) -> Result<(), AuditError> {
    let (mut weights, mut cells, mut work) = (0usize, 0usize, 0usize);
    for step in program.committed_steps() {
        if let Operation::MatMul(op) | Operation::Conv(Conv { product: op, .. }) = &step.operation {
            weights = weights.saturating_add(program.constant(op.weights).cells().len());
        }
        work = work.saturating_add(self::work(program, &step.operation));
        let operands = step.operation.inputs();
        let columns = operands.iter().map(|&id| program.value(id).columns());
        cells = columns.fold(cells, usize::saturating_add);
    }
    for (what, got, limit) in [
        ("weights", weights, MAX_AUDITED_WEIGHTS),
        ("cells of operands", cells, MAX_AUDITED_CELLS),
        ("multiply-adds a row", work, MAX_AUDITED_WORK),
    ] {
        if got > limit {
            return Err(AuditError::TooLarge { program: program.name().into(), what, got, limit });
        }
    }
    Ok(())
}

/// Cells that an operation reads for a row, each as often as it does.
fn work(program: &Program, operation: &Operation) -> usize {
    let windows = |window: &Window| window.channels.saturating_mul(window.total_cells());
    match operation {
        Operation::MatMul(op) => {
            program.value(op.input).columns().saturating_mul(program.constant(op.weights).columns())
        }
        Operation::Conv(op) => {
            let outputs = program.constant(op.product.weights).columns() / op.groups.max(1) as usize;
            windows(&op.window(program)).saturating_mul(outputs)
        }
        Operation::MaxPool(op) => windows(&op.window(program)),
        Operation::AveragePool(op) => windows(&op.window(program)),
        Operation::Add(_) | Operation::Lookup(_) => program.value(operation.inputs()[0]).columns(),
        Operation::Reshape(_) | Operation::Transpose(_) | Operation::Concat(_) => 0,
    }
}

/// Refuses operations of which one row cannot fit a piece by far; closer ones are found out when they are laid out.
fn check_steps(program: &Program, plan: &ProgramPlan, policy: Policy) -> Result<(), AuditError> {
    let all = plan.steps.iter().fold(0, |sum: usize, step| sum.saturating_add(plan.least_rows(step, policy)));
    if all > MAX_AUDITED_ROWS {
        return Err(AuditError::TooLarge {
            program: program.name().into(),
            what: "rows of circuit for the check of a row",
            got: all,
            limit: MAX_AUDITED_ROWS,
        });
    }
    match plan.steps.iter().find(|step| plan.least_rows(step, policy) > 2 << MAX_PIECE_BITS) {
        None => Ok(()),
        Some(step) => Err(AuditError::PieceTooLarge {
            program: program.name().into(),
            operation: step.name.clone(),
            got_bits: plan.least_rows(step, policy).ilog2() as usize + 1,
            limit_bits: MAX_PIECE_BITS,
        }),
    }
}

impl AuditPieces {
    /// Builds the circuits of audits: some seconds, and at most 2^16 rows each.
    ///
    /// # Errors
    /// [`AuditError::TooLarge`]; [`AuditError::PieceTooLarge`] when an operation is too large for one row of it to be checked.
    pub fn build(program: Program, policy: Policy) -> Result<Self, AuditError> {
        Self::build_sized(program, policy, Sizing::Audit)
    }

    /// Builds the circuits for what `sizing` says.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn build_sized(program: Program, policy: Policy, sizing: Sizing) -> Result<Self, AuditError> {
        let (plan, bits) = plan(&program, policy, sizing)?;
        let rows = sizing.rows(&program);
        let planner = Planner { program: &program, plan: &plan, policy, bits, rows };
        let circuits = planner.circuits(planner.shapes()?)?;
        Ok(Self { program, policy, sizing, plan, circuits })
    }

    /// Pieces of another size than [`Self::build`] would choose.
    #[cfg(test)]
    pub(crate) fn of_size(program: Program, policy: Policy, row_bits: usize, blocks: usize) -> Self {
        let plan = ProgramPlan::of_audit(&program, policy);
        let rows = program.max_rows();
        let planner = Planner { program: &program, plan: &plan, policy, bits: PIECE_BITS, rows };
        let mut shapes = planner.shapes().unwrap();
        for shape in &mut shapes {
            match (&shape.stage, policy) {
                (Stage::Rows(_), Policy::Full) => shape.size = Size::of_rows(1 << row_bits),
                (Stage::Rows(_), Policy::Rows(_)) => shape.size = Size::Draws { blocks },
                (Stage::Fold(_), _) => {}
            }
        }
        let circuits = planner.circuits(shapes).unwrap();
        Self { program, policy, sizing: Sizing::Audit, plan, circuits }
    }

    /// Pieces of `rows` rows under `full`.
    #[cfg(test)]
    pub(crate) fn of_rows(program: Program, rows: usize) -> Self {
        let (policy, max_rows) = (Policy::Full, program.max_rows());
        let plan = ProgramPlan::of_audit(&program, policy);
        let planner = Planner { program: &program, plan: &plan, policy, bits: PIECE_BITS, rows: max_rows };
        let mut shapes = planner.shapes().unwrap();
        shapes.iter_mut().for_each(|shape| shape.size = Size::of_rows(rows));
        let circuits = planner.circuits(shapes).unwrap();
        Self { program, policy, sizing: Sizing::Audit, plan, circuits }
    }

    /// Pieces where every operation that can have it gets Freivalds' check, and stages are cut to 2^`bits` rows of circuit; each
    /// covers 2^`row_bits` rows, or `blocks` times four draws.
    #[cfg(test)]
    pub(crate) fn of_freivalds(
        program: Program,
        policy: Policy,
        bits: usize,
        [row_bits, blocks]: [usize; 2],
    ) -> Self {
        let plan = ProgramPlan::of_freivalds(&program);
        let rows = program.max_rows();
        let planner = Planner { program: &program, plan: &plan, policy, bits, rows };
        let mut shapes = planner.shapes().unwrap();
        for shape in shapes.iter_mut().filter(|shape| shape.stage.rows().is_some()) {
            shape.size = match policy {
                Policy::Full => Size::of_rows(1 << row_bits),
                Policy::Rows(_) => Size::Draws { blocks },
            };
        }
        let circuits = planner.circuits(shapes).unwrap();
        Self { program, policy, sizing: Sizing::Audit, plan, circuits }
    }

    /// Rows of circuit of the pieces of a program's first stage at a given size.
    #[cfg(test)]
    pub(crate) fn gates(program: &Program, policy: Policy, row_bits: usize, blocks: usize) -> usize {
        let plan = ProgramPlan::of_audit(program, policy);
        let planner = Planner { program, plan: &plan, policy, bits: PIECE_BITS, rows: program.max_rows() };
        let size = match policy {
            Policy::Full => Size::of_rows(1 << row_bits),
            Policy::Rows(_) => Size::Draws { blocks },
        };
        planner.rows(&planner.row_stages()[0], size, false)
    }

    /// The circuits around data that was built before, each with the positions of a piece. The caller must ensure that the
    /// data is these circuits'.
    ///
    /// # Errors
    /// [`AuditError::KeyBytes`] when they are not one for each stage, of sizes that a piece may have.
    pub(crate) fn restore(
        program: Program,
        policy: Policy,
        sizing: Sizing,
        circuits: Vec<(u32, Circuit)>,
    ) -> Result<Self, AuditError> {
        let damaged = || AuditError::KeyBytes { circuit: "piece", action: "read" };
        let (plan, bits) = plan(&program, policy, sizing)?;
        let rows = sizing.rows(&program);
        let planner = Planner { program: &program, plan: &plan, policy, bits, rows };
        let stages = planner.stages();
        if stages.len() != circuits.len() {
            return Err(damaged());
        }
        let (count, sizes) = (stages.len(), planner.sizes());
        let mut restored = Vec::new();
        for (index, (stage, (step, data))) in stages.into_iter().zip(circuits).enumerate() {
            let size = match stage {
                Stage::Rows(_) if policy == Policy::Full => {
                    let largest = planner.largest().step();
                    let size = (1..=largest).contains(&step).then(|| Size::of_rows(step as usize));
                    size.filter(|size| planner.has_whole_leaves(*size))
                }
                Stage::Rows(_) => sizes.iter().copied().find(|size| size.step() == step),
                Stage::Fold(fold) => Some(Size::of_rows(1 << plan.folds[fold].row_bits)),
            };
            let size = size.filter(|size| size.step() == step).ok_or_else(damaged)?;
            let shape = PieceShape { stage, number: StageNumber::new(index, count), size };
            let targets = planner.lay_out(&shape, count > 1).targets;
            restored.push(PieceCircuit { targets, shape, data });
        }
        Ok(Self { program, policy, sizing, plan, circuits: restored })
    }

    /// The program.
    #[must_use]
    pub const fn program(&self) -> &Program {
        &self.program
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        self.policy
    }

    /// What the pieces are made for.
    #[must_use]
    pub const fn sizing(&self) -> Sizing {
        self.sizing
    }

    /// The circuits, one for each stage of the audit.
    pub fn circuits(&self) -> impl ExactSizeIterator<Item = &Circuit> {
        self.circuits.iter().map(|circuit| &circuit.data)
    }

    /// The circuit of the first stage, which every audit has.
    #[must_use]
    pub fn first(&self) -> &Circuit {
        &self.circuits[0].data
    }

    /// The keys of the circuits.
    #[must_use]
    pub fn keys(&self) -> KeySet {
        KeySet::new(self.circuits().map(|circuit| circuit.verifier_only.clone()).collect())
    }

    /// What all circuits have in common.
    #[must_use]
    pub fn common(&self) -> &Common {
        &self.circuits[0].data.common
    }

    /// Pieces of each fold of weights.
    pub(crate) fn fold_pieces(&self) -> Vec<u32> {
        self.plan.folds.iter().map(|fold| fold.pieces() as u32).collect()
    }

    /// How the audit is cut into pieces.
    #[must_use]
    pub fn facts(&self) -> PieceFacts {
        let of_rows = |circuit: &&PieceCircuit| matches!(circuit.shape.stage, Stage::Rows(_));
        PieceFacts {
            piece_sizes: self.circuits.iter().filter(of_rows).map(PieceCircuit::step).collect(),
            fold_pieces: self.fold_pieces().iter().sum(),
            piece_bits: self.common().degree_bits() as u32,
            operations: self.plan.steps.len() as u32,
        }
    }

    /// Position where every stage of the audit of a job of `rows` rows ends: the rows under `full`, at least s under `rows(s)`.
    #[must_use]
    pub fn end(&self, rows: u32) -> u32 {
        self.facts().end(self.policy, rows)
    }

    /// Prepares the proofs of all pieces. The openings must have passed a check against the claim.
    #[must_use]
    pub fn prepare(&self, openings: &Openings, claim: &Claim) -> Preparation {
        let subject = |end, checked| Subject::of(claim, end, checked, Digest::ZERO);
        Preparation::new(self, openings, claim.input_rows, subject)
    }

    /// The same for an execution that is no job's. The openings must have passed [`Self::check`].
    #[must_use]
    pub fn prepare_execution(&self, openings: &Openings, commitment: &Commitment) -> Preparation {
        let program = self.program.digest();
        let subject = |end, checked| Subject::of_execution(program, commitment, end, checked, Digest::ZERO);
        // At most 2^24.
        Preparation::new(self, openings, commitment.rows as u32, subject)
    }

    /// Checks natively, with the circuits' rules, that `openings` open what `commitment` commits to and that every audited row
    /// is right.
    ///
    /// # Errors
    /// [`AuditError::FalseRow`] with operation, row and rule; [`AuditError::Openings`].
    pub fn check(&self, openings: &Openings, commitment: &Commitment) -> Result<(), AuditError> {
        precheck::openings(self, openings, commitment)?;
        precheck::rows(self, openings, commitment)
    }

    /// Proves piece `index`. If a row is false there is no proof.
    ///
    /// # Errors
    /// [`AuditError::NoSuchPiece`], [`AuditError::Openings`] for those of another policy; [`AuditError::Aggregate`] when
    /// there is no proof.
    pub fn prove(
        &self,
        prover: &dyn Prover,
        openings: &Openings,
        preparation: &Preparation,
        index: usize,
    ) -> Result<Proof, AuditError> {
        let pieces = preparation.pieces();
        let Some(&circuit) = preparation.circuits.get(index) else {
            return Err(AuditError::NoSuchPiece { index, pieces });
        };
        let circuit = &self.circuits[circuit];
        let inputs = circuit.assign(&self.plan, openings, preparation, &preparation.states[index])?;
        Ok(prove_verified(prover, NAME, &circuit.data, inputs)?)
    }
}
