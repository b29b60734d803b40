//! What an audit is proven from: program, input and openings, by the names that its claim gives them.

use janction_program::npy::NpyError;
use janction_program::{DecodeError, Program, container, npy};
use janction_protocol::Digest;
use janction_protocol::claim::Claim;
use janction_trace::{BlobError, CommittedTensor, Openings, Policy, PolicyError, TraceError};
use thiserror::Error;

/// Blobs that no audit of the claim can be proven from.
#[derive(Debug, Error)]
pub enum MaterialError {
    /// Not a job binary.
    #[error("the program blob of the claim cannot be read: {0}")]
    Program(#[from] DecodeError),
    /// Not an input tensor.
    #[error("the input blob of the claim cannot be read: {0}")]
    Input(#[from] NpyError),
    /// An input that does not fit the program.
    #[error("the input of the claim is no input of its program: {0}")]
    Form(#[from] TraceError),
    /// Something else than its name says.
    #[error(
        "the {class} blob has digest {got}, the claim names {expected}: the store handed out another one"
    )]
    Name {
        /// Program or input.
        class: &'static str,
        /// By the claim.
        expected: Digest,
        /// What the blob hashes to.
        got: Digest,
    },
    /// No openings of the program.
    #[error("the openings cannot be read: {0}")]
    Openings(#[from] BlobError),
    /// A policy that does not exist.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// Everything that an audit's proof is made of.
#[derive(Clone, Debug)]
pub struct Materials {
    /// What is to be proven.
    pub claim: Claim,
    /// How much is audited.
    pub policy: Policy,
    /// The program.
    pub program: Program,
    /// The audited rows. Whether they are right is not checked here.
    pub openings: Openings,
}

impl Materials {
    /// Reads the three blobs and compares their digests with the claim's once more, whatever the store promises.
    ///
    /// # Errors
    /// [`MaterialError`].
    pub fn read(claim: Claim, program: &[u8], input: &[u8], openings: &[u8]) -> Result<Self, MaterialError> {
        let policy = Policy::from_code(claim.policy)?;
        let program = container::decode(program)?;
        same("program", claim.program, program.digest())?;
        let input = CommittedTensor::new(&program, npy::decode(input)?)?;
        same("input", claim.input_root, input.root())?;
        let openings = Openings::from_bytes(&program, input.tensor(), openings)?;
        Ok(Self { claim, policy, program, openings })
    }
}

fn same(class: &'static str, expected: Digest, got: Digest) -> Result<(), MaterialError> {
    if expected == got { Ok(()) } else { Err(MaterialError::Name { class, expected, got }) }
}
