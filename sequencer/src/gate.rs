//! What the sequencer demands of `Settle` beside the ledger's rules: a batch whose claims nobody can prove would stop
//! the rollup, so a `Settle` comes in only with an audit proof that holds.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use janction_audit::{AuditError, AuditProof, AuditVerifier};
use janction_protocol::claim::Claim;

/// Checks audit proofs. May block: it is called where that does no harm.
pub trait AuditGate: Send + Sync + 'static {
    /// Whether `proof` proves all of `claim` but its place in the chain of claims.
    ///
    /// # Errors
    /// One line that says what is wrong.
    fn check(&self, claim: &Claim, proof: &[u8]) -> Result<(), String>;

    /// Makes ready what takes long, so that the first check does not wait for it.
    fn prepare(&self) {}
}

/// Name of the verifier's file in the folder of keys.
const FILE: &str = "audit-verifier.bin";

/// The gate with the circuits of the house. Its verifier is read from the folder of keys, or built (some seconds) and put
/// there; either way it is the one that this build pins.
pub struct ProofGate {
    file: PathBuf,
    verifier: OnceLock<Result<AuditVerifier, String>>,
}

impl ProofGate {
    /// A gate whose verifier is cached in the folder `keys`.
    pub fn new(keys: &Path) -> Self {
        Self { file: keys.join(FILE), verifier: OnceLock::new() }
    }

    fn verifier(&self) -> Result<&AuditVerifier, String> {
        self.verifier.get_or_init(|| self.load()).as_ref().map_err(Clone::clone)
    }

    fn load(&self) -> Result<AuditVerifier, String> {
        if let Ok(bytes) = std::fs::read(&self.file) {
            match AuditVerifier::from_bytes(bytes) {
                Ok(verifier) => return Ok(verifier),
                Err(error) => {
                    tracing::warn!(%error, file = %self.file.display(), "building the verifier anew")
                }
            }
        }
        let start = std::time::Instant::now();
        let built = AuditVerifier::build().and_then(|built| Ok((built.to_bytes()?, built)));
        let (bytes, verifier) = built.map_err(|error| {
            tracing::error!(%error, "the verifier of audit proofs cannot be built: no Settle will be taken");
            format!("this sequencer cannot check audit proofs: {error}")
        })?;
        tracing::info!(seconds = start.elapsed().as_secs_f64(), "built the verifier of audit proofs");
        if let Err(error) = self.keep(&bytes) {
            tracing::warn!(%error, file = %self.file.display(), "the verifier is built again at the next start");
        }
        Ok(verifier)
    }

    /// Whoever reads sees all of it or nothing.
    fn keep(&self, bytes: &[u8]) -> std::io::Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let file = tempfile::NamedTempFile::new_in(folder)?;
        std::fs::write(file.path(), bytes)?;
        file.persist(&self.file).map(drop).map_err(|e| e.error)
    }
}

impl AuditGate for ProofGate {
    fn check(&self, claim: &Claim, proof: &[u8]) -> Result<(), String> {
        let verifier = self.verifier()?;
        let line = |error: AuditError| error.to_string();
        let proof = AuditProof::from_bytes(verifier.shape(), proof).map_err(line)?;
        proof.verify(verifier, claim).map_err(line)
    }

    fn prepare(&self) {
        // What is wrong is logged, and said with every check.
        let _ = self.verifier();
    }
}
