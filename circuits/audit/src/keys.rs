//! Keys on disk: circuits as bytes, and the digests that tell whether they are the right ones.
//!
//! A cached key saves building a circuit again. Whoever *checks* an audit key builds it from the job binary instead.

use janction_aggregate::LeafCircuit;
use janction_aggregate::config::{C, Circuit};
use janction_gadgets::serializer::{Gates, Generators};
use janction_gadgets::{D, F};
use janction_program::Program;
use janction_protocol::Digest;
use janction_trace::Policy;
use plonky2::plonk::circuit_data::VerifierCircuitData;

use crate::gate::dot::{DotGate, DotGenerator};
use crate::gate::extension_dot::{ExtensionDotGate, ExtensionDotGenerator};
use crate::gate::requantise::{RequantiseGate, RequantiseGenerator};
use crate::gather::FAMILY;
use crate::{
    AuditCircuits, AuditError, AuditPieces, ExecutionCircuit, PieceVerifier, Sizing, Wrapper,
    audit_key_digest,
};

/// Digests of the circuits that all programs share: constants of the protocol, a line a circuit: name, rows, digest over
/// the key; then the verifier with its bytes and [`crate::AuditVerifier::digest`]. A test compares, and the file is rewritten on
/// purpose only.
pub const DIGESTS: &str = include_str!("keys.txt");

/// The circuits that all programs share.
pub const SHARED: [&str; 2] = ["gather", "wrapper"];
/// The circuits of one program's audit.
pub const OWN: [&str; 2] = ["piece", "leaf"];

/// A shared circuit's digest as in [`DIGESTS`].
#[must_use]
pub fn digest(circuit: &Circuit) -> Digest {
    audit_key_digest(&circuit.verifier_only)
}

/// What [`DIGESTS`] says of a circuit.
pub(crate) fn expected(circuit: &str) -> &'static str {
    let lines = DIGESTS.lines().map(|line| line.split(' '));
    lines
        .into_iter()
        .find_map(|mut line| if line.next()? == circuit { line.nth(1) } else { None })
        .unwrap_or("")
}

fn gates() -> Gates {
    Gates::default().with::<DotGate>().with::<RequantiseGate>().with::<ExtensionDotGate>()
}

fn generators() -> Generators {
    Generators::default().with::<DotGenerator>().with::<RequantiseGenerator>().with::<ExtensionDotGenerator>()
}

fn write(circuit: &'static str, data: &Circuit) -> Result<Vec<u8>, AuditError> {
    data.to_bytes(&gates(), &generators()).map_err(|_| AuditError::KeyBytes { circuit, action: "written" })
}

fn read(circuit: &'static str, bytes: &[u8]) -> Result<Circuit, AuditError> {
    Circuit::from_bytes(bytes, &gates(), &generators())
        .map_err(|_| AuditError::KeyBytes { circuit, action: "read" })
}

/// What verifies a circuit's proofs, as bytes.
pub(crate) fn write_verifier(
    circuit: &'static str,
    data: &VerifierCircuitData<F, C, D>,
) -> Result<Vec<u8>, AuditError> {
    data.to_bytes(&gates()).map_err(|_| AuditError::KeyBytes { circuit, action: "written" })
}

/// What [`write_verifier`] wrote.
pub(crate) fn read_verifier(
    circuit: &'static str,
    bytes: &[u8],
) -> Result<VerifierCircuitData<F, C, D>, AuditError> {
    VerifierCircuitData::from_bytes(bytes.to_vec(), &gates())
        .map_err(|_| AuditError::KeyBytes { circuit, action: "read" })
}

pub(crate) fn same(circuit: &'static str, expected: &str, got: Digest) -> Result<(), AuditError> {
    let got = got.to_string();
    if got == expected {
        return Ok(());
    }
    Err(AuditError::Key { circuit, expected: expected.into(), got })
}

impl Wrapper {
    /// What [`DIGESTS`] must be.
    ///
    /// # Errors
    /// [`AuditError::KeyBytes`] (never with the circuits of the house).
    pub fn digests(&self) -> Result<String, AuditError> {
        let lines = self.circuits().map(|(name, circuit)| {
            format!("{name} 2^{} {}\n", circuit.common.degree_bits(), digest(circuit))
        });
        let verifier = self.verifier();
        let execution = ExecutionCircuit::build(verifier);
        let (bits, digest) = (execution.data().common.degree_bits(), digest(execution.data()));
        let execution = format!("execution 2^{bits} {digest}\n");
        let (bytes, digest) = (verifier.to_bytes()?.len(), verifier.digest()?);
        Ok(format!("{}{execution}verifier {bytes} {digest}\n", lines.concat()))
    }

    /// The shared circuits with their names.
    #[must_use]
    pub fn circuits(&self) -> [(&'static str, &Circuit); 2] {
        [("gather", self.gather().data()), ("wrapper", self.data())]
    }

    /// A circuit with its key as bytes (more than 100 MB), for a checksummed cache.
    ///
    /// # Errors
    /// [`AuditError::KeyBytes`] for a name that is not one of [`SHARED`].
    pub fn key(&self, circuit: &'static str) -> Result<Vec<u8>, AuditError> {
        let found = self.circuits().into_iter().find(|&(name, _)| name == circuit);
        let (_, data) = found.ok_or(AuditError::KeyBytes { circuit, action: "written" })?;
        write(circuit, data)
    }

    /// The circuits from cached keys, which `fetch` reads one by one.
    ///
    /// # Errors
    /// Those of `fetch`; [`AuditError::Key`] for a key of another build, [`AuditError::KeyBytes`] for damage.
    pub fn from_keys<E: From<AuditError>>(
        mut fetch: impl FnMut(&'static str) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let mut circuit = |name| {
            let data = read(name, &fetch(name)?)?;
            same(name, expected(name), digest(&data))?;
            Ok::<_, E>(data)
        };
        let wrapper = Self::restore(circuit("gather")?, circuit("wrapper")?);
        // The keys are right; the shape of nodes that stands beside them has a digest of its own.
        same("verifier", expected("verifier"), wrapper.verifier().digest()?)?;
        Ok(wrapper)
    }
}

impl AuditCircuits {
    /// A circuit with its key as bytes, for a checksummed cache; to be stored under the audit key digest.
    ///
    /// # Errors
    /// [`AuditError::KeyBytes`] for a name that is not one of [`OWN`].
    pub fn key(&self, circuit: &'static str) -> Result<Vec<u8>, AuditError> {
        match circuit {
            "piece" => self.pieces.to_bytes(),
            "leaf" => write(circuit, self.leaf.data()),
            _ => Err(AuditError::KeyBytes { circuit, action: "written" }),
        }
    }

    /// The circuits of `program` and `policy` with the audit key `audit_key` from cached keys, which `fetch` reads one by
    /// one.
    ///
    /// Whoever wrote the files built the circuits from the program and policy that stand in them ([`Self::key`]). Both are
    /// compared, so that a job which names the audit key of *another* program is not taken for one that can be audited.
    /// The leaf's key is compared with `audit_key`; the piece's is bound by the leaf: a proof of another piece circuit does
    /// not join.
    ///
    /// # Errors
    /// Those of `fetch`; [`AuditError::Key`], [`AuditError::KeyBytes`], and those of [`Self::build`].
    pub fn from_keys<E: From<AuditError>>(
        program: Program,
        policy: Policy,
        audit_key: Digest,
        mut fetch: impl FnMut(&'static str) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let pieces = AuditPieces::from_bytes(program, policy, &fetch("piece")?)?;
        let data = read("leaf", &fetch("leaf")?)?;
        let digest = audit_key_digest(&data.verifier_only);
        same("leaf", &audit_key.to_string(), digest)?;
        let leaf = LeafCircuit::restore_over(FAMILY, pieces.common(), pieces.keys(), data)
            .map_err(AuditError::from)?;
        Ok(Self { pieces, leaf, digest })
    }
}

impl AuditPieces {
    /// The circuits with their keys as bytes, for a checksummed cache: program digest, policy, then for each circuit its size,
    /// the number of its bytes, and these.
    ///
    /// # Errors
    /// [`AuditError::KeyBytes`] (never with the circuits of the house).
    pub fn to_bytes(&self) -> Result<Vec<u8>, AuditError> {
        let mut bytes = self.program.digest().to_bytes().to_vec();
        bytes.extend(self.policy.code().to_be_bytes());
        for circuit in &self.circuits {
            let data = write("piece", &circuit.data)?;
            bytes.extend(circuit.step().to_be_bytes());
            bytes.extend((data.len() as u64).to_be_bytes());
            bytes.extend(data);
        }
        Ok(bytes)
    }

    /// The circuits of `program` and `policy` from bytes that [`Self::to_bytes`] made.
    ///
    /// # Errors
    /// [`AuditError::Key`] when they are of another program or policy, [`AuditError::KeyBytes`] for damage.
    pub fn from_bytes(program: Program, policy: Policy, bytes: &[u8]) -> Result<Self, AuditError> {
        let damaged = || AuditError::KeyBytes { circuit: "piece", action: "read" };
        let (of_program, bytes) = bytes.split_first_chunk().ok_or_else(damaged)?;
        let (of_policy, mut bytes) = bytes.split_first_chunk().ok_or_else(damaged)?;
        let of_program = Digest::from_bytes(*of_program).map_err(|_| damaged())?;
        same("piece", &program.digest().to_string(), of_program)?;
        let of_policy = Policy::from_code(u32::from_be_bytes(*of_policy)).map_err(|_| damaged())?;
        if of_policy != policy {
            let (expected, got) = (policy.to_string(), of_policy.to_string());
            return Err(AuditError::Key { circuit: "piece", expected, got });
        }
        let mut circuits = Vec::new();
        while !bytes.is_empty() {
            let (step, rest) = bytes.split_first_chunk().ok_or_else(damaged)?;
            let (length, rest) = rest.split_first_chunk().ok_or_else(damaged)?;
            let length = usize::try_from(u64::from_be_bytes(*length)).map_err(|_| damaged())?;
            let (data, rest) = rest.split_at_checked(length).ok_or_else(damaged)?;
            circuits.push((u32::from_be_bytes(*step), read("piece", data)?));
            bytes = rest;
        }
        Self::restore(program, policy, Sizing::Audit, circuits)
    }

    /// One circuit with its key as bytes (up to 0.3 GB), for a checksummed cache.
    ///
    /// # Errors
    /// [`AuditError::NoSuchPiece`], [`AuditError::KeyBytes`] (never with the circuits of the house).
    pub fn circuit_bytes(&self, index: usize) -> Result<Vec<u8>, AuditError> {
        let missing = AuditError::NoSuchPiece { index, pieces: self.circuits.len() };
        let circuit = self.circuits.get(index).ok_or(missing)?;
        // At the end: nothing of this size is copied.
        let mut bytes = write("piece", &circuit.data)?;
        bytes.extend(circuit.step().to_be_bytes());
        Ok(bytes)
    }

    /// The circuits of `program` whose proofs `verifier` checks, from what [`Self::circuit_bytes`] wrote; `fetch` reads them
    /// one by one. Their keys are compared with the verifier's.
    ///
    /// # Errors
    /// Those of `fetch`; [`AuditError::Key`] for circuits of another program, policy or build, [`AuditError::KeyBytes`] for
    /// damage.
    pub fn from_circuits<E: From<AuditError>>(
        program: Program,
        verifier: &PieceVerifier,
        mut fetch: impl FnMut(usize) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        same("piece", &verifier.program().to_string(), program.digest())?;
        let mut circuits = Vec::new();
        for (index, key) in verifier.keys().iter().enumerate() {
            let bytes = fetch(index)?;
            let damaged = AuditError::KeyBytes { circuit: "piece", action: "read" };
            let (data, step) = bytes.split_last_chunk().ok_or(damaged)?;
            let data = read("piece", data)?;
            same("piece", &audit_key_digest(key).to_string(), digest(&data))?;
            circuits.push((u32::from_be_bytes(*step), data));
        }
        Ok(Self::restore(program, verifier.policy(), verifier.sizing(), circuits)?)
    }
}
