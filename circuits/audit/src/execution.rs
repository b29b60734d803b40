//! Executions that are no job's: whatever the program, the proof for a contract ends in one circuit of one key.
//!
//! *Public inputs* (18): audit key digest[4], program digest[4], input root[4], output root[4], rows, policy. *Witness*: the
//! trace root, and what a complete audit takes. *Enforced*:
//! 1. the beacon is zero under `full` (policy = 0), else H(JPBEACN, program ++ input root ++ trace root ++ output root ++
//!    [rows, policy]): the draws follow from the commitment;
//! 2. the execution is audited completely, with this audit key and beacon (`complete.rs`).
//!
//! *The caller must ensure* that the audit key is the program's ([`crate::PieceVerifier::leaf`] gives it), and that rows and
//! policy are those asked for: a contract pins program, audit key and policy, and compares the rest.

use janction_aggregate::config::{Circuit, Key, Proof, circuit_config};
use janction_aggregate::{NodeShape, Prover, prove_verified};
use janction_gadgets::serializer::{Gates, Generators};
use janction_gadgets::{Builder, F, sponge, uint};
use janction_protocol::{Digest, hash::hash};
use janction_trace::{Commitment, Policy};
use plonky2::field::types::{Field, PrimeField64};
use plonky2::hash::hash_types::{HashOut, HashOutTarget};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::complete::{CompleteAuditTargets, StatementTargets};
use crate::error::inputs_error;
use crate::{AuditError, AuditProof, AuditVerifier, keys, tags};

/// Name of the circuit, and of its line in [`keys::DIGESTS`].
const NAME: &str = "execution";
/// Public inputs.
pub const EXECUTION_INPUTS: usize = 18;

/// What a proof of the [`ExecutionCircuit`] states: the output is the program's for the input, as far as the policy says, if
/// the audit key is the program's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Digest of the key that the audit was verified with.
    pub audit_key: Digest,
    /// Digest of the program.
    pub program: Digest,
    /// Root over the rows of the input.
    pub input_root: Digest,
    /// Root over the rows of the output.
    pub output_root: Digest,
    /// Rows of the input.
    pub rows: u32,
    /// What was checked.
    pub policy: Policy,
}

impl Execution {
    /// The public inputs.
    #[must_use]
    pub fn public_inputs(&self) -> [F; EXECUTION_INPUTS] {
        let digests = [self.audit_key, self.program, self.input_root, self.output_root];
        let numbers = [self.rows, self.policy.code()].map(F::from_canonical_u32);
        let mut all = digests.iter().flat_map(|digest| digest.0).chain(numbers);
        core::array::from_fn(|_| all.next().unwrap_or_default())
    }

    /// The same as integers below p: what a contract is asked with.
    #[must_use]
    pub fn instances(&self) -> [u64; EXECUTION_INPUTS] {
        self.public_inputs().map(|element| element.to_canonical_u64())
    }
}

/// What draws the rows of an execution that is no job's: `H(JPBEACN, program ++ input root ++ trace root ++ output root ++
/// [rows, policy])`.
#[must_use]
pub fn execution_beacon(program: Digest, roots: [Digest; 3], rows: u32, policy: Policy) -> [F; 4] {
    let [input, trace, output] = roots;
    let mut data = [program, input, trace, output].map(|digest| digest.0).concat();
    data.extend([rows, policy.code()].map(F::from_canonical_u32));
    hash(tags::EXECUTION_BEACON, &data).0
}

/// The circuit that every proof for a contract ends in. A constant of the protocol: see [`keys::DIGESTS`].
#[derive(Debug)]
pub struct ExecutionCircuit {
    data: Circuit,
    targets: ExecutionTargets,
}

#[derive(Clone, Debug)]
struct ExecutionTargets {
    audit_key: HashOutTarget,
    program: HashOutTarget,
    input_root: HashOutTarget,
    trace_root: HashOutTarget,
    output_root: HashOutTarget,
    rows: Target,
    policy: Target,
    audit: CompleteAuditTargets,
}

impl ExecutionTargets {
    fn new(shape: &NodeShape, gather_key: &Key) -> (Builder, Self) {
        let mut builder = Builder::new(circuit_config());
        let b = &mut builder;
        let [audit_key, program, input_root, trace_root, output_root] =
            [(); 5].map(|()| b.add_virtual_hash());
        let [rows, policy] = b.add_virtual_target_arr();
        let beacon = beacon(b, [program, input_root, trace_root, output_root], rows, policy);
        let statement = StatementTargets {
            audit_key,
            program,
            input_root,
            trace_root,
            output_root,
            beacon,
            rows,
            policy,
            // Follows from rows and policy.
            coverage: b.add_virtual_target(),
        };
        let audit = CompleteAuditTargets::new(b, shape, gather_key, &statement);
        for digest in [audit_key, program, input_root, output_root] {
            b.register_public_inputs(&digest.elements);
        }
        b.register_public_inputs(&[rows, policy]);
        let targets = Self { audit_key, program, input_root, trace_root, output_root, rows, policy, audit };
        (builder, targets)
    }
}

/// Zero under `full`, else [`execution_beacon`].
fn beacon(builder: &mut Builder, digests: [HashOutTarget; 4], rows: Target, policy: Target) -> [Target; 4] {
    let mut data: Vec<Target> = digests.iter().flat_map(|digest| digest.elements).collect();
    data.extend([rows, policy]);
    let drawn = sponge::hash(builder, tags::EXECUTION_BEACON, &data);
    let is_full = uint::is_zero(builder, policy);
    let zero = builder.zero();
    drawn.elements.map(|element| builder.select(is_full, zero, element))
}

impl ExecutionCircuit {
    /// Builds the circuit over the nodes that `verifier` knows: about a second.
    #[must_use]
    pub fn build(verifier: &AuditVerifier) -> Self {
        let (builder, targets) = ExecutionTargets::new(verifier.shape(), verifier.gather_key());
        Self { data: janction_gadgets::build(builder), targets }
    }

    /// The circuit from a cached key.
    ///
    /// # Errors
    /// [`AuditError::Key`] for a key of another build, [`AuditError::KeyBytes`] for damage.
    pub fn from_key(verifier: &AuditVerifier, bytes: &[u8]) -> Result<Self, AuditError> {
        let data = Circuit::from_bytes(bytes, &Gates::default(), &Generators::default())
            .map_err(|_| AuditError::KeyBytes { circuit: NAME, action: "read" })?;
        keys::same(NAME, keys::expected(NAME), keys::digest(&data))?;
        let (_, targets) = ExecutionTargets::new(verifier.shape(), verifier.gather_key());
        Ok(Self { data, targets })
    }

    /// The circuit with its key as bytes (about 70 MB), for a checksummed cache.
    ///
    /// # Errors
    /// [`AuditError::KeyBytes`] (never with the circuits of the house).
    pub fn key(&self) -> Result<Vec<u8>, AuditError> {
        self.data
            .to_bytes(&Gates::default(), &Generators::default())
            .map_err(|_| AuditError::KeyBytes { circuit: NAME, action: "written" })
    }

    /// The built circuit.
    #[must_use]
    pub const fn data(&self) -> &Circuit {
        &self.data
    }

    /// Proves that `audit` covers the execution of `program` that `commitment` commits to.
    ///
    /// # Errors
    /// As [`AuditVerifier::verify_execution`]; [`AuditError::Aggregate`] when there is no proof.
    pub fn prove(
        &self,
        prover: &dyn Prover,
        verifier: &AuditVerifier,
        audit: &AuditProof,
        program: Digest,
        commitment: &Commitment,
    ) -> Result<(Execution, Proof), AuditError> {
        let execution = verifier.verify_execution(audit, program, commitment)?;
        let inputs = self.assign(audit, &execution.public_inputs(), commitment.trace_root)?;
        Ok((execution, prove_verified(prover, NAME, &self.data, inputs)?))
    }

    /// The inputs, without a look at whether they fit together.
    pub(crate) fn assign(
        &self,
        audit: &AuditProof,
        public: &[F; EXECUTION_INPUTS],
        trace_root: Digest,
    ) -> Result<PartialWitness<F>, AuditError> {
        let mut inputs = PartialWitness::new();
        let mut fill = || {
            let t = &self.targets;
            let (digests, numbers) = public.split_at(16);
            for (target, elements) in [t.audit_key, t.program, t.input_root, t.output_root]
                .into_iter()
                .zip(digests.as_chunks::<4>().0)
            {
                inputs.set_hash_target(target, HashOut { elements: *elements })?;
            }
            inputs.set_target_arr(&[t.rows, t.policy], numbers)?;
            inputs.set_hash_target(t.trace_root, HashOut { elements: trace_root.0 })?;
            t.audit.assign(&mut inputs, audit)
        };
        fill().map_err(inputs_error(NAME))?;
        Ok(inputs)
    }
}
