//! The common shape of leaves and joins.
//!
//! A join verifies leaves and joins alike, so both must have one [`Common`]: it is the fixed point of "the circuit that
//! verifies three proofs of this shape".

use plonky2::gates::noop::NoopGate;

use crate::config::{Builder, C, Circuit, Common, circuit_config};
use crate::error::AggregateError;
use crate::family::Family;
use crate::join::JoinTargets;
use crate::segment::NODE_INPUTS;

/// Rounds after which the search for the fixed point gives up.
const ROUNDS: usize = 8;

/// The shape of every node of the tree.
#[derive(Clone, Debug)]
pub struct NodeShape {
    common: Common,
}

impl NodeShape {
    /// Finds the shape.
    ///
    /// # Errors
    /// [`AggregateError::NoFixedPoint`] when a join outgrows its children for ever (never with [`circuit_config`]).
    pub fn find() -> Result<Self, AggregateError> {
        let mut common = {
            let mut builder = Builder::new(circuit_config());
            for _ in 0..NODE_INPUTS {
                builder.add_virtual_public_input();
            }
            builder.mock_build::<C>().common
        };
        for _ in 0..ROUNDS {
            let guess = Self { common };
            let mut builder = Builder::new(circuit_config());
            let leaf_key = builder.add_virtual_verifier_data(guess.cap_height());
            JoinTargets::build(&mut builder, &guess, Family::Ledger, &leaf_key);
            guess.add_gates(&mut builder);
            pad_to(&mut builder, guess.common.degree_bits());
            let next = builder.mock_build::<C>().common;
            if next == guess.common {
                return Ok(guess);
            }
            common = next;
        }
        Err(AggregateError::NoFixedPoint { rounds: ROUNDS })
    }

    /// The shape of a node that was built before.
    #[must_use]
    pub fn of(node: &Circuit) -> Self {
        Self { common: node.common.clone() }
    }

    /// The shape of nodes of which only the verifier's data is there. The caller must ensure that it is the shape of the
    /// tree's nodes.
    #[must_use]
    pub const fn restore(common: Common) -> Self {
        Self { common }
    }

    /// What a node's proof is verified with, next to its key.
    #[must_use]
    pub const fn common(&self) -> &Common {
        &self.common
    }

    pub(crate) const fn cap_height(&self) -> usize {
        self.common.config.fri_config.cap_height
    }

    fn add_gates(&self, builder: &mut Builder) {
        for gate in &self.common.gates {
            builder.add_gate_to_gate_set(gate.clone());
        }
    }

    /// Pads a circuit to the shape and builds it.
    ///
    /// # Errors
    /// [`AggregateError::Shape`] when it does not fit.
    pub fn build(&self, circuit: &'static str, mut builder: Builder) -> Result<Circuit, AggregateError> {
        self.add_gates(&mut builder);
        pad_to(&mut builder, self.common.degree_bits());
        let data = janction_gadgets::build(builder);
        if data.common != self.common {
            return Err(AggregateError::Shape {
                circuit,
                got_bits: data.common.degree_bits(),
                got_gates: data.common.gates.len(),
                want_bits: self.common.degree_bits(),
                want_gates: self.common.gates.len(),
            });
        }
        Ok(data)
    }
}

/// Adds empty rows until the builder will round up to 2^`degree_bits` (never past it: building adds a few rows for
/// public inputs and constants).
fn pad_to(builder: &mut Builder, degree_bits: usize) {
    let half = (1_usize << degree_bits) / 2;
    while builder.num_gates() <= half {
        builder.add_gate(NoopGate, vec![]);
    }
}
