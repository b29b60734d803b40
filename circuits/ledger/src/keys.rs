//! Keys on disk: circuits as bytes, and the digests that tell whether they are this build's.

use janction_aggregate::config::Circuit;
use janction_aggregate::{Family, JoinCircuit, LeafCircuit, NodeShape};
use janction_gadgets::serializer::{Gates, Generators};
use janction_protocol::Digest;

use crate::chunk::{ChunkCircuit, STEPS_PER_CHUNK};
use crate::error::LedgerError;
use crate::prover::LedgerProver;

/// The circuits' digests: constants of the protocol, a line a circuit: name, rows, digest over key and rows. A change of
/// any circuit changes them; a test compares, and the file is rewritten on purpose only.
pub const DIGESTS: &str = include_str!("keys.txt");

/// The circuits, from the chunk to the join.
pub const CIRCUITS: [&str; 3] = ["chunk", "leaf", "join"];

/// A circuit's digest as in [`DIGESTS`].
#[must_use]
pub fn digest(circuit: &Circuit) -> String {
    Digest(circuit.verifier_only.circuit_digest.elements).to_string()
}

/// What [`DIGESTS`] says of a circuit.
fn expected(circuit: &str) -> &'static str {
    let lines = DIGESTS.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    lines.into_iter().find(|line| line[0] == circuit).map_or("", |line| line[2])
}

/// Reads a circuit and compares its digest with this build's.
fn read(circuit: &'static str, bytes: &[u8]) -> Result<Circuit, LedgerError> {
    let data = Circuit::from_bytes(bytes, &Gates::default(), &Generators::default())
        .map_err(|_| LedgerError::KeyBytes { circuit, action: "read" })?;
    let (got, expected) = (digest(&data), expected(circuit));
    if got != expected {
        return Err(LedgerError::Key { circuit, expected: expected.into(), got });
    }
    Ok(data)
}

impl LedgerProver {
    /// A circuit with its key as bytes (more than 100 MB), for a checksummed cache.
    ///
    /// # Errors
    /// [`LedgerError::KeyBytes`] for a name that is not one of [`CIRCUITS`].
    pub fn key(&self, circuit: &'static str) -> Result<Vec<u8>, LedgerError> {
        let failed = || LedgerError::KeyBytes { circuit, action: "written" };
        let (_, data) = self.circuits().into_iter().find(|&(name, _)| name == circuit).ok_or_else(failed)?;
        data.to_bytes(&Gates::default(), &Generators::default()).map_err(|_| failed())
    }

    /// The circuits from cached keys, which `read` fetches one by one. Saves most of the time of [`Self::build`].
    ///
    /// # Errors
    /// Those of `read`; [`LedgerError::Key`] for a key of another build, [`LedgerError::KeyBytes`] for damage.
    pub fn from_keys<E: From<LedgerError>>(
        mut fetch: impl FnMut(&'static str) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let mut circuit = |name| Ok::<_, E>(read(name, &fetch(name)?)?);
        let chunk = ChunkCircuit::restore(STEPS_PER_CHUNK, circuit("chunk")?);
        let leaf = LeafCircuit::restore(Family::Ledger, &chunk.data().verifier_data(), circuit("leaf")?)
            .map_err(LedgerError::from)?;
        let shape = NodeShape::of(leaf.data());
        let key = &leaf.data().verifier_only;
        let join = JoinCircuit::restore(&shape, Family::Ledger, key, circuit("join")?);
        Ok(Self { chunk, leaf, join })
    }
}
