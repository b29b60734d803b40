//! From a range's steps to the proof that L1 verifies.
//!
//! ```text
//! steps, audits ─> root (range.rs) ─> last layer ─> wrap
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use janction_aggregate::config::C;
use janction_engine::Engine;
use janction_protocol::Address;
pub use janction_protocol::binding::PUBLIC_INPUTS;

use crate::cache::Cache;
use crate::engines::Engines;
use crate::error::ProverError;
use crate::keys::Keys;
use crate::progress::Progress;
use crate::range::{RangeWitness, RootPipeline};

/// A finished proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeProof {
    /// As the verifier contract takes it.
    pub proof: Vec<u8>,
    /// The 23 public inputs, canonical.
    pub public_inputs: [u64; PUBLIC_INPUTS],
}

/// Proves ranges. Cheap to share; proves one range at a time per call.
#[derive(Debug)]
pub struct Pipeline {
    keys: Arc<Keys>,
    engines: Engines,
    roots: RootPipeline<Arc<dyn Engine<C>>>,
    kept: Cache,
    cancelled: Arc<AtomicBool>,
}

impl Pipeline {
    /// A pipeline over built keys. Unfinished work is kept in `kept`, which is dropped once a range is proven; setting
    /// `cancelled` ends a range after the proof that is being made.
    #[must_use]
    pub fn new(keys: Arc<Keys>, engines: Engines, kept: Cache, cancelled: Arc<AtomicBool>) -> Self {
        let circuits = Arc::clone(&keys.circuits);
        let roots = RootPipeline::new(circuits, engines.goldilocks(), kept.clone(), Arc::clone(&cancelled));
        Self { keys, engines, roots, kept, cancelled }
    }

    /// Proves a range for `payee`.
    ///
    /// # Errors
    /// Those of [`RootPipeline::prove`] and of the wrap. Finished parts stay on disk.
    pub fn prove(
        &self,
        range: &RangeWitness,
        payee: Address,
        progress: &dyn Progress,
    ) -> Result<RangeProof, ProverError> {
        let root = self.roots.prove(range, payee, progress)?;
        let cancelled = || self.cancelled.load(Ordering::Relaxed);
        let proof = self.keys.wrap(&root, &self.engines, &cancelled, progress)?.proof;
        self.kept.clear()?;
        Ok(RangeProof { proof, public_inputs: range.public_inputs })
    }
}
