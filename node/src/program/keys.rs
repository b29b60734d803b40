//! Circuits and verifiers of programs' pieces: made from the job binary, and kept on disk.
//!
//! A folder in `keys_dir/pieces` is named by program, policy, size of the pieces and executable; its files are checksummed. What is missing, damaged
//! or another build's is made again.

use std::time::{Duration, Instant};

use janction_audit::{AuditError, AuditPieces, PieceVerifier, Sizing};
use janction_program::Program;
use janction_prover::ProverError;
use janction_prover::cache::Cache;
use janction_trace::Policy;

use super::error::ProgramProblem;
use crate::config::Config;

/// Programs whose circuits stay on disk: 0.1 to 0.3 GB for each circuit.
const KEPT: usize = 4;
const VERIFIER: &str = "verifier";

/// The keys of one program under one policy.
pub struct PieceKeys<'a> {
    program: &'a Program,
    policy: Policy,
    sizing: Sizing,
    /// All programs' and this one's; `None` when the disk cannot be used.
    folders: Option<[Cache; 2]>,
}

/// The circuits of a program's pieces.
pub struct Setup {
    pub circuits: AuditPieces,
    pub verifier: PieceVerifier,
    /// They were read from disk.
    pub cached: bool,
    /// Until they were there, and on disk.
    pub took: Duration,
}

fn circuit(index: usize) -> String {
    format!("circuit-{index}")
}

impl<'a> PieceKeys<'a> {
    /// The keys of `program` under `policy`, for pieces of such a size. Nothing is made yet.
    pub fn new(config: &Config, program: &'a Program, policy: Policy, sizing: Sizing) -> Self {
        let build = janction_worker::executable_id();
        let name = format!("{}-{}-{sizing}-{build}", program.digest(), policy.code());
        let open = || {
            let all = Cache::open(config.keys_dir.join("pieces"))?;
            let own = all.sub(&name)?;
            Ok([all, own])
        };
        let folders = open().map_err(|error: ProverError| tracing::warn!(%error, "keys are not kept")).ok();
        Self { program, policy, sizing, folders }
    }

    /// What the program's proofs are verified with.
    ///
    /// # Errors
    /// The program is too large to be audited.
    pub fn verifier(&self) -> Result<PieceVerifier, ProgramProblem> {
        match self.kept_verifier() {
            Some(verifier) => Ok(verifier),
            None => {
                let circuits = self.build()?;
                let verifier = PieceVerifier::of(&circuits);
                self.keep(|own| Ok(own.write(VERIFIER, &verifier.to_bytes()?)?));
                Ok(verifier)
            }
        }
    }

    /// What the program's proofs are made with.
    ///
    /// # Errors
    /// The program is too large to be audited.
    pub fn circuits(&self) -> Result<Setup, ProgramProblem> {
        let start = Instant::now();
        let (circuits, verifier, cached) = match self.kept_circuits() {
            Some((circuits, verifier)) => (circuits, verifier, true),
            None => {
                let circuits = self.build()?;
                let verifier = PieceVerifier::of(&circuits);
                self.keep(|own| {
                    for index in 0..verifier.keys().len() {
                        own.write(&circuit(index), &circuits.circuit_bytes(index)?)?;
                    }
                    Ok(own.write(VERIFIER, &verifier.to_bytes()?)?)
                });
                (circuits, verifier, false)
            }
        };
        Ok(Setup { circuits, verifier, cached, took: start.elapsed() })
    }

    fn build(&self) -> Result<AuditPieces, ProgramProblem> {
        AuditPieces::build_sized(self.program.clone(), self.policy, self.sizing)
            .map_err(ProgramProblem::AuditKey)
    }

    fn kept_verifier(&self) -> Option<PieceVerifier> {
        let [_, own] = self.folders.as_ref()?;
        let bytes = own.read(VERIFIER).inspect_err(|error| tracing::warn!(%error, "the key is made again"));
        let verifier = PieceVerifier::from_bytes(self.program.digest(), self.policy, &bytes.ok()??).ok()?;
        (verifier.sizing() == self.sizing).then_some(verifier)
    }

    fn kept_circuits(&self) -> Option<(AuditPieces, PieceVerifier)> {
        let [_, own] = self.folders.as_ref()?;
        let verifier = self.kept_verifier()?;
        let fetch = |index| {
            let missing = AuditError::KeyBytes { circuit: "piece", action: "found" };
            own.read(&circuit(index))?.ok_or(ProverError::Audit(missing))
        };
        let circuits = AuditPieces::from_circuits(self.program.clone(), &verifier, fetch)
            .inspect_err(|reason| tracing::info!(%reason, "the circuits are made again"));
        Some((circuits.ok()?, verifier))
    }

    /// Writes into the program's folder. A disk that does not take it costs the next command time, and nothing else.
    fn keep(&self, write: impl FnOnce(&Cache) -> Result<(), ProverError>) {
        let Some([all, own]) = &self.folders else { return };
        if let Err(error) = write(own).and_then(|()| Ok(all.keep_newest(KEPT)?)) {
            tracing::warn!(%error, "the keys are not kept; they will be made again");
        }
    }
}
