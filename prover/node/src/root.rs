//! The circuits over both families: the tree over wrapped audits, and the root that joins it with the ledger's.
//!
//! ```text
//! chunks ─────────> ledger's leaves ─> ledger's joins ┐
//!                                                     ├─> root
//! wrapped audits ─> audits' leaves ──> audits' joins ─┘
//! ```

use std::fmt::Display;

use janction_aggregate::config::Circuit;
use janction_aggregate::{Family, JoinCircuit, LeafCircuit, NodeShape, RootCircuit, TreeCircuits};
use janction_audit::Wrapper;
use janction_gadgets::serializer::{Gates, Generators};
use janction_ledger::keys::digest;

use crate::error::ProverError;

/// Digests of these circuits, of the last layer and of the wrap key over the development SRS: constants of the protocol, a
/// line each: name, rows, digest (of the wrap key, with its SRS). Keys are compared with it when they are made or read; the file is rewritten on purpose
/// only. The circuits below have files of their own, in `circuits/ledger` and `circuits/audit`.
pub const DIGESTS: &str = include_str!("keys.txt");

/// The circuits, from the audits' leaf to the root.
pub const CIRCUITS: [&str; 3] = ["audit-leaf", "audit-join", "root"];

/// The circuits over both families. They are constants of the protocol: everybody builds the same.
#[derive(Debug)]
pub struct RootProver {
    /// Over wrapped audits.
    pub leaf: LeafCircuit,
    /// Over the audits' leaves and joins.
    pub join: JoinCircuit,
    /// Over the tops of both trees.
    pub root: RootCircuit,
}

impl RootProver {
    /// Builds the circuits over those of the ledger's tree and the wrapper of audits.
    ///
    /// # Errors
    /// [`ProverError::Aggregate`] when a circuit does not fit its shape: never with the circuits of the house.
    pub fn build(ledger: TreeCircuits, wrapper: &Wrapper) -> Result<Self, ProverError> {
        let shape = wrapper.shape();
        let leaf = LeafCircuit::build(shape, Family::Audit, &wrapper.data().verifier_data())?;
        let join = JoinCircuit::build(shape, Family::Audit, &leaf.data().verifier_only)?;
        let root = RootCircuit::build(shape, ledger, TreeCircuits { leaf: &leaf, join: &join });
        Ok(Self { leaf, join, root })
    }

    /// The audits' tree.
    #[must_use]
    pub const fn tree(&self) -> TreeCircuits<'_> {
        TreeCircuits { leaf: &self.leaf, join: &self.join }
    }

    /// The circuits by name.
    #[must_use]
    pub const fn circuits(&self) -> [(&'static str, &Circuit); 3] {
        [(CIRCUITS[0], self.leaf.data()), (CIRCUITS[1], self.join.data()), (CIRCUITS[2], self.root.data())]
    }

    /// What [`DIGESTS`] must say of the circuits.
    #[must_use]
    pub fn lines(&self) -> [String; 3] {
        self.circuits().map(|(name, circuit)| line(name, circuit, digest(circuit)))
    }

    /// A circuit with its key as bytes (more than 100 MB), for a checksummed cache.
    ///
    /// # Errors
    /// [`ProverError::KeyBytes`] for a name that is not one of [`CIRCUITS`].
    pub fn key(&self, circuit: &'static str) -> Result<Vec<u8>, ProverError> {
        let failed = || ProverError::KeyBytes { circuit, action: "written" };
        let (_, data) = self.circuits().into_iter().find(|&(name, _)| name == circuit).ok_or_else(failed)?;
        data.to_bytes(&Gates::default(), &Generators::default()).map_err(|_| failed())
    }

    /// The circuits from cached keys, which `fetch` reads one by one.
    ///
    /// # Errors
    /// Those of `fetch`; [`ProverError::Pin`] for a key of another build, [`ProverError::KeyBytes`] for damage.
    pub fn from_keys(
        ledger: TreeCircuits,
        wrapper: &Wrapper,
        mut fetch: impl FnMut(&'static str) -> Result<Vec<u8>, ProverError>,
    ) -> Result<Self, ProverError> {
        let mut circuit = |name| {
            let data = Circuit::from_bytes(&fetch(name)?, &Gates::default(), &Generators::default())
                .map_err(|_| ProverError::KeyBytes { circuit: name, action: "read" })?;
            pinned(DIGESTS, &[line(name, &data, digest(&data))])?;
            Ok::<_, ProverError>(data)
        };
        let segment = wrapper.data().verifier_data();
        let leaf = LeafCircuit::restore(Family::Audit, &segment, circuit("audit-leaf")?)?;
        let shape = NodeShape::of(leaf.data());
        let key = &leaf.data().verifier_only;
        let join = JoinCircuit::restore(&shape, Family::Audit, key, circuit("audit-join")?);
        let audits = TreeCircuits { leaf: &leaf, join: &join };
        let root = RootCircuit::restore(&shape, ledger, audits, circuit("root")?);
        Ok(Self { leaf, join, root })
    }
}

/// A circuit's line in a file of pins.
pub(crate) fn line(name: &str, circuit: &Circuit, digest: impl Display) -> String {
    format!("{name} 2^{} {digest}", circuit.common.degree_bits())
}

/// Looks for the lines of keys in a file of pins.
///
/// # Errors
/// [`ProverError::Pin`] with the lines that are not there.
pub(crate) fn pinned(pins: &str, lines: &[String]) -> Result<(), ProverError> {
    let strange = |line: &&String| !pins.lines().any(|pin| pin == line.as_str());
    let strange: Vec<_> = lines.iter().filter(strange).cloned().collect();
    if strange.is_empty() { Ok(()) } else { Err(ProverError::Pin { keys: strange.join(", ") }) }
}
