//! What is proven: circuits of any size, and some of the house's own.

mod house;
pub mod samples;
mod synthetic;

use std::fmt;
use std::str::FromStr;

pub use janction_aggregate::config::{C, Circuit};
use janction_engine::F;
use plonky2::iop::witness::PartialWitness;

use crate::error::BenchError;

/// A circuit with the inputs of one proof.
#[derive(Debug)]
pub struct Subject {
    /// Which it is.
    pub name: Name,
    /// log2 of its rows.
    pub log2_rows: usize,
    circuit: Built,
    inputs: PartialWitness<F>,
}

/// Who owns the built circuit.
#[derive(Debug)]
enum Built {
    Synthetic(Box<Circuit>),
    House(Box<house::House>),
}

impl Subject {
    /// Builds a circuit and its inputs. Deterministic: two processes that build the same name prove the same.
    ///
    /// # Errors
    /// [`BenchError::Size`] for a synthetic circuit that is too small or too large.
    pub fn build(name: Name) -> Result<Self, BenchError> {
        let (circuit, inputs) = match name {
            Name::Synthetic(log2_rows) => {
                let (circuit, inputs) = synthetic::build(log2_rows)?;
                (Built::Synthetic(Box::new(circuit)), inputs)
            }
            Name::Ledger | Name::Audit | Name::Recursion => {
                let (house, inputs) = house::build(name)?;
                (Built::House(Box::new(house)), inputs)
            }
        };
        let mut subject = Self { name, log2_rows: 0, circuit, inputs };
        subject.log2_rows = subject.circuit().common.degree_bits();
        Ok(subject)
    }

    /// The circuit.
    pub fn circuit(&self) -> &Circuit {
        match &self.circuit {
            Built::Synthetic(circuit) => circuit,
            Built::House(house) => house.circuit(),
        }
    }

    /// The inputs of one proof.
    pub fn inputs(&self) -> PartialWitness<F> {
        self.inputs.clone()
    }
}

/// The name of a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// Half Poseidon, half arithmetic, in 2^n rows of Plonky2's standard recursion configuration.
    Synthetic(usize),
    /// A chunk of the ledger, full of signed transfers.
    Ledger,
    /// A piece of an audit of a small network, policy `full`.
    Audit,
    /// The leaf over that piece: a recursive verifier.
    Recursion,
}

impl Name {
    /// The circuits of the house.
    pub const HOUSE: [Self; 3] = [Self::Ledger, Self::Audit, Self::Recursion];

    /// Its kind's name: that of all synthetic circuits is the same.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Synthetic(_) => "synthetic",
            Self::Ledger => "ledger",
            Self::Audit => "audit",
            Self::Recursion => "recursion",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Synthetic(log2_rows) => write!(f, "synthetic-{log2_rows}"),
            other => f.write_str(other.kind()),
        }
    }
}

impl FromStr for Name {
    type Err = BenchError;

    fn from_str(text: &str) -> Result<Self, BenchError> {
        if let Some(size) = text.strip_prefix("synthetic-").and_then(|size| size.parse().ok()) {
            return Ok(Self::Synthetic(size));
        }
        Self::HOUSE.into_iter().find(|name| name.kind() == text).ok_or_else(|| BenchError::UnknownCircuit {
            name: text.to_owned(),
            known: "synthetic-N, ledger, audit, recursion".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use janction_engine::{Cpu, prove_verified};

    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in [Name::Synthetic(14)].into_iter().chain(Name::HOUSE) {
            assert_eq!(name.to_string().parse::<Name>().expect("a name"), name);
        }
        for wrong in ["", "synthetic", "synthetic-x", "leaf"] {
            assert!(matches!(wrong.parse::<Name>(), Err(BenchError::UnknownCircuit { .. })), "{wrong}");
        }
    }

    #[test]
    fn a_synthetic_circuit_has_the_size_that_was_asked_for_and_a_proof() {
        let subject = Subject::build(Name::Synthetic(10)).expect("small");
        assert_eq!(subject.log2_rows, 10);
        let engine = Cpu::new().expect("an engine");
        prove_verified(&engine, subject.circuit(), subject.inputs()).expect("a proof");
        for wrong in [0, 4, 40] {
            assert!(matches!(Subject::build(Name::Synthetic(wrong)), Err(BenchError::Size { .. })));
        }
    }
}
