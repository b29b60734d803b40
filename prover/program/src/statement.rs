//! What a program proof states.

use janction_audit::execution_beacon;
use janction_program::Program;
use janction_protocol::{Digest, F};
use janction_trace::{Commitment, Policy, Trace};

/// That an execution of a program was committed to, and checked under a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Digest of the program.
    pub program: Digest,
    /// How much is checked.
    pub policy: Policy,
    /// Rows of the input.
    pub rows: u32,
    /// Root over the rows of the input.
    pub input_root: Digest,
    /// Root over the execution trace.
    pub trace_root: Digest,
    /// Root over the rows of the output.
    pub output_root: Digest,
}

impl Statement {
    /// The statement about `trace`, which is one of `program`.
    #[must_use]
    pub fn of(program: &Program, policy: Policy, trace: &Trace) -> Self {
        Self {
            program: program.digest(),
            policy,
            // At most 2^24.
            rows: trace.rows() as u32,
            input_root: trace.input_root(),
            trace_root: trace.trace_root(),
            output_root: trace.output_root(),
        }
    }

    /// What draws the rows under `rows(s)`: see [`execution_beacon`].
    #[must_use]
    pub fn beacon(&self) -> [F; 4] {
        let roots = [self.input_root, self.trace_root, self.output_root];
        execution_beacon(self.program, roots, self.rows, self.policy)
    }

    /// What the audit of the execution is bound to.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        let Self { policy, rows, input_root, trace_root, output_root, .. } = *self;
        let beacon = (policy != Policy::Full).then(|| self.beacon());
        Commitment { input_root, rows: rows as usize, trace_root, output_root, policy, beacon }
    }
}
