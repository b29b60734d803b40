//! Circuits of the house with the inputs of an honest proof.

use std::cell::RefCell;
use std::fmt::Display;

use janction_aggregate::NodeShape;
use janction_aggregate::config::Proof;
use janction_audit::AuditCircuits;
use janction_engine::{Cpu, Engine, F};
use janction_ledger::{ChunkCircuit, STEPS_PER_CHUNK};
use janction_trace::Policy;
use plonky2::iop::witness::PartialWitness;

use super::samples;
use super::{Circuit, Name};
use crate::error::BenchError;

/// Built circuits of one of the house's crates.
#[derive(Debug)]
pub enum House {
    Ledger(Box<ChunkCircuit>),
    /// A piece.
    Audit(AuditCircuits),
    /// The leaf over pieces.
    Recursion(AuditCircuits),
}

impl House {
    pub fn circuit(&self) -> &Circuit {
        match self {
            Self::Ledger(chunk) => chunk.data(),
            Self::Audit(audit) => audit.pieces().first(),
            Self::Recursion(audit) => audit.leaf().data(),
        }
    }
}

/// Builds the circuit called `name`, which is one of the house's.
pub fn build(name: Name) -> Result<(House, PartialWitness<F>), BenchError> {
    let failed =
        |reason: &dyn Display| BenchError::Circuit { circuit: name.kind(), reason: reason.to_string() };
    if name == Name::Ledger {
        let chunk = ChunkCircuit::build(STEPS_PER_CHUNK);
        // `Open` and `Close` are steps, too.
        let (run, steps) = samples::transfers(STEPS_PER_CHUNK as u32 - 2).map_err(|e| failed(&e))?;
        let witness = chunk.witness(&run, &steps).map_err(|e| failed(&e))?;
        return Ok((House::Ledger(Box::new(chunk)), witness.inputs));
    }
    let shape = NodeShape::find().map_err(|e| failed(&e))?;
    let audit = AuditCircuits::build(&shape, samples::network(), Policy::Full).map_err(|e| failed(&e))?;
    let (openings, claim) = samples::job(&audit).map_err(|e| failed(&e))?;
    let engine = Cpu::new()?;
    // What the circuits' own code hands to a prover is what is measured.
    let seen = RefCell::new(PartialWitness::new());
    let record = |circuit: &Circuit, inputs: PartialWitness<F>| {
        seen.replace(inputs.clone());
        Ok::<Proof, _>(engine.prove(circuit, inputs)?)
    };
    let preparation = audit.prepare(&openings, &claim);
    let piece = audit.prove_piece(&record, &openings, &preparation, 0).map_err(|e| failed(&e))?;
    if name == Name::Recursion {
        audit.leaf().prove(&record, &[piece]).map_err(|e| failed(&e))?;
        return Ok((House::Recursion(audit), seen.into_inner()));
    }
    Ok((House::Audit(audit), seen.into_inner()))
}
