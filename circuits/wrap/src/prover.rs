//! Keys, proofs and the Solidity verifier.

use std::fs;
use std::path::Path;

use halo2_proofs::SerdeFormat;
use halo2_proofs::halo2curves::bn256::{Bn256, Fr, G1Affine};
use halo2_proofs::halo2curves::ff::PrimeField;
use halo2_proofs::plonk::{
    Circuit, ConstraintSystem, ProvingKey, VerifyingKey, keygen_pk, keygen_vk, verify_proof,
};
use halo2_proofs::poly::VerificationStrategy;
use halo2_proofs::poly::commitment::ParamsProver;
use halo2_proofs::poly::kzg::multiopen::VerifierSHPLONK;
use halo2_proofs::poly::kzg::strategy::AccumulatorStrategy;
use halo2_proofs::transcript::TranscriptReadBuffer;
use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::field::types::Field64;
use plonky2::plonk::circuit_data::{CommonCircuitData, VerifierOnlyCircuitData};
use plonky2::plonk::proof::ProofWithPublicInputs;
use snark_verifier_sdk::snark_verifier::system::halo2::transcript::evm::EvmTranscript;
use snark_verifier_sdk::{NativeLoader, SHPLONK, evm};

use crate::audit::{AuditError, AuditKey};
use crate::circuit::columns::WrapCircuit;
use crate::circuit::inner::InnerCircuit;
use crate::circuit::proof::{LastProof, dummy_proof};
use crate::circuit::verifier;
use crate::error::WrapError;
use crate::last_layer::{D, F, InnerConfig, LastLayer, LayerProver};
use crate::srs::Srs;

/// Base-two logarithm of the wrap circuit's rows.
pub const WRAP_K: u32 = 19;
/// First bytes of a cached key; the number is the version of the circuit.
const KEY_MAGIC: &[u8; 8] = b"JWRAP001";
/// Points and scalars in raw form: their integrity is that of the checksum.
const KEY_FORMAT: SerdeFormat = SerdeFormat::RawBytesUnchecked;

/// A proof as the generated contract takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvmProof {
    /// Public instances, big-endian; each is a Goldilocks element in canonical form.
    pub instances: Vec<[u8; 32]>,
    /// The SHPLONK proof with Keccak transcript.
    pub proof: Vec<u8>,
}

impl EvmProof {
    /// Calldata of the generated verifier: instances, then proof, without a selector.
    pub fn calldata(&self) -> Vec<u8> {
        [self.instances.as_flattened(), &self.proof].concat()
    }

    /// The instances as canonical Goldilocks integers; `None` if one is not below p.
    pub(crate) fn instance_integers(&self) -> Option<Vec<u64>> {
        self.instances.iter().map(instance_integer).collect()
    }

    fn instance_values(&self) -> Result<Vec<Fr>, WrapError> {
        let value = |(index, bytes)| {
            instance_integer(bytes).map(Fr::from).ok_or(WrapError::NonCanonicalInstance { index })
        };
        self.instances.iter().enumerate().map(value).collect()
    }
}

/// A big-endian integer below p.
fn instance_integer(bytes: &[u8; 32]) -> Option<u64> {
    let (high, low) = bytes.split_at(24);
    let low = u64::from_be_bytes(low.try_into().expect("eight bytes"));
    (high.iter().all(|&byte| byte == 0) && low < GoldilocksField::ORDER).then_some(low)
}

/// The verifying key of the wrap circuit with what verification needs.
#[derive(Debug)]
pub struct WrapVerifier {
    srs: Srs,
    vk: VerifyingKey<G1Affine>,
    num_instances: usize,
}

impl WrapVerifier {
    /// Builds the verifying key alone, which takes a fraction of what a prover's takes.
    ///
    /// # Errors
    /// Those of [`InnerCircuit::new`]; [`WrapError::SrsSize`] for a string of another size; [`WrapError::Keygen`].
    pub fn build(layers: &LastLayer, srs: Srs) -> Result<Self, WrapError> {
        check_size(&srs)?;
        let inner = InnerCircuit::new(&layers.data().common, &layers.data().verifier_only)?;
        let vk = build_vk(&key_circuit(&inner)?, &srs)?;
        Ok(Self { srs, vk, num_instances: inner.common.num_public_inputs })
    }

    /// Verifies a proof natively, and strictly: no trailing bytes, no other form of an instance.
    ///
    /// # Errors
    /// [`WrapError::InstanceCount`], [`WrapError::NonCanonicalInstance`], [`WrapError::InvalidProof`].
    pub fn verify(&self, proof: &EvmProof) -> Result<(), WrapError> {
        if proof.instances.len() != self.num_instances {
            return Err(WrapError::InstanceCount {
                expected: self.num_instances,
                got: proof.instances.len(),
            });
        }
        let instances = proof.instance_values()?;
        let mut rest = proof.proof.as_slice();
        let accepted = {
            let mut transcript: EvmTranscript<G1Affine, NativeLoader, &mut &[u8], Vec<u8>> =
                TranscriptReadBuffer::<_, G1Affine, _>::init(&mut rest);
            let params = self.srs.params().verifier_params();
            verify_proof::<_, VerifierSHPLONK<'_, Bn256>, _, _, _>(
                params,
                &self.vk,
                AccumulatorStrategy::new(params),
                &[&[&instances]],
                &mut transcript,
            )
            .map(VerificationStrategy::<_, VerifierSHPLONK<'_, Bn256>>::finalize)
            .map_err(|error| WrapError::InvalidProof(error.to_string()))?
        };
        if !accepted {
            return Err(WrapError::InvalidProof("the pairing check failed".to_owned()));
        }
        if !rest.is_empty() {
            return Err(WrapError::InvalidProof(format!("{} trailing bytes", rest.len())));
        }
        Ok(())
    }

    /// Source of the Solidity verifier, one contract named `Halo2Verifier`.
    ///
    /// It is malleable on its own (an instance plus r, trailing calldata): call it through a wrapper that checks
    /// both, and that the address has code.
    pub fn solidity(&self) -> String {
        let code = evm::gen_evm_verifier_sol_code::<WrapCircuit, SHPLONK>(
            self.srs.params(),
            &self.vk,
            vec![self.num_instances],
        );
        // The template pins one compiler version; nothing in it depends on that.
        code.trim().replace("pragma solidity 0.8.19;", "pragma solidity ^0.8.19;") + "\n"
    }

    /// BLAKE3 hash of the verifying key, the number of instances and the reference string: what a deployment pins.
    pub fn key_digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(KEY_MAGIC);
        hasher.update(&self.srs.digest());
        hasher.update(&(self.num_instances as u64).to_le_bytes());
        hasher.update(&self.vk.to_bytes(SerdeFormat::Processed));
        *hasher.finalize().as_bytes()
    }

    /// What an auditor verifies with, without halo2; see [`AuditKey`].
    ///
    /// # Errors
    /// [`AuditError::Key`].
    pub fn audit_key(&self) -> Result<AuditKey, AuditError> {
        AuditKey::new(self.srs.params(), &self.vk, self.num_instances)
    }

    /// The reference string.
    pub fn srs(&self) -> &Srs {
        &self.srs
    }

    /// halo2's verifying key.
    pub fn vk(&self) -> &VerifyingKey<G1Affine> {
        &self.vk
    }
}

/// Proves that a Plonky2 proof verifies, for one inner circuit.
#[derive(Debug)]
pub struct WrapProver {
    layers: LastLayer,
    inner: InnerCircuit,
    pk: ProvingKey<G1Affine>,
    verifier: WrapVerifier,
}

impl WrapProver {
    /// Builds the layers, and loads the wrap key from `key_dir` or makes and stores it.
    ///
    /// # Errors
    /// Those of [`LastLayer::build`] and [`InnerCircuit::new`]; [`WrapError::SrsSize`] for a string of another size;
    /// [`WrapError::CorruptKey`] for a key file that was changed; [`WrapError::Io`].
    pub fn load_or_build(
        common: &CommonCircuitData<F, D>,
        verifier_only: &VerifierOnlyCircuitData<InnerConfig, D>,
        srs: Srs,
        key_dir: &Path,
    ) -> Result<Self, WrapError> {
        check_size(&srs)?;
        let layers = LastLayer::build(common, verifier_only)?;
        let inner = InnerCircuit::new(&layers.data().common, &layers.data().verifier_only)?;
        let circuit = key_circuit(&inner)?;
        let path = key_dir.join(format!("wrap-{}.pk", cache_name(&circuit, &srs)));
        let pk = if path.exists() {
            read_key(&path)?
        } else {
            let pk = build_key(&circuit, &srs)?;
            write_key(&path, &pk)?;
            pk
        };
        let num_instances = inner.common.num_public_inputs;
        let verifier = WrapVerifier { srs, vk: pk.get_vk().clone(), num_instances };
        Ok(Self { layers, inner, pk, verifier })
    }

    /// Takes an inner proof through the layers and the wrap.
    ///
    /// # Errors
    /// Those of [`LastLayer::prove`] and [`Self::wrap`].
    pub fn prove(
        &self,
        prover: &dyn LayerProver,
        inner: &ProofWithPublicInputs<F, InnerConfig, D>,
    ) -> Result<EvmProof, WrapError> {
        let last = self.layers.prove(prover, inner)?;
        self.wrap(&last)
    }

    /// Wraps a last-layer proof. The result is verified before it is returned.
    ///
    /// # Errors
    /// [`WrapError::InvalidInnerProof`] when Plonky2 does not accept the proof.
    pub fn wrap(&self, last: &LastProof) -> Result<EvmProof, WrapError> {
        // Also validates the shape, which the circuit relies on.
        self.layers
            .data()
            .verify(last.clone())
            .map_err(|error| WrapError::InvalidInnerProof(error.to_string()))?;
        let tape = verifier::verify(&self.inner, last)?;
        let instances = tape.instance_values();
        let circuit = WrapCircuit { k: WRAP_K, tape, witness_only: true };
        let params = self.verifier.srs.params();
        let proof = evm::gen_evm_proof_shplonk(params, &self.pk, circuit, vec![instances.clone()]);
        let instances = instances.iter().map(|instance| {
            let mut bytes = instance.to_repr();
            bytes.reverse();
            bytes
        });
        let proof = EvmProof { instances: instances.collect(), proof };
        self.verifier.verify(&proof)?;
        Ok(proof)
    }

    /// Verifies a proof natively; see [`WrapVerifier::verify`].
    ///
    /// # Errors
    /// See there.
    pub fn verify(&self, proof: &EvmProof) -> Result<(), WrapError> {
        self.verifier.verify(proof)
    }

    /// Source of the Solidity verifier; see [`WrapVerifier::solidity`].
    pub fn solidity(&self) -> String {
        self.verifier.solidity()
    }

    /// Digest of the key; see [`WrapVerifier::key_digest`].
    pub fn key_digest(&self) -> [u8; 32] {
        self.verifier.key_digest()
    }

    /// The layers below the wrap.
    pub fn layers(&self) -> &LastLayer {
        &self.layers
    }

    /// The verifying half.
    pub fn verifier(&self) -> &WrapVerifier {
        &self.verifier
    }
}

/// What a key depends on: the constraints, the size, every cell's place, copies and constants, the reference string.
/// Plonky2's circuit digest would not do: it covers neither gates nor queries nor grinding, and an auditor who "makes
/// the key anew" would load that of an older source.
fn cache_name(circuit: &WrapCircuit, srs: &Srs) -> String {
    let mut constraints = ConstraintSystem::default();
    WrapCircuit::configure_with_params(&mut constraints, circuit.k);
    let mut hasher = blake3::Hasher::new();
    hasher.update(KEY_MAGIC);
    hasher.update(&circuit.k.to_le_bytes());
    hasher.update(&circuit.tape.layout_digest());
    hasher.update(format!("{:?}", constraints.pinned()).as_bytes());
    hasher.update(&srs.digest());
    hasher.finalize().to_hex()[..32].to_owned()
}

/// The circuit of the keys, made from a proof without content.
fn key_circuit(inner: &InnerCircuit) -> Result<WrapCircuit, WrapError> {
    let tape = verifier::verify(inner, &dummy_proof(&inner.common))?;
    let size = tape.size();
    if size.rows() > 1 << WRAP_K {
        return Err(WrapError::CircuitTooLarge { rows: size.rows(), k: WRAP_K });
    }
    Ok(WrapCircuit { k: WRAP_K, tape, witness_only: false })
}

fn check_size(srs: &Srs) -> Result<(), WrapError> {
    if srs.k() == WRAP_K { Ok(()) } else { Err(WrapError::SrsSize { expected: WRAP_K, got: srs.k() }) }
}

fn build_vk(circuit: &WrapCircuit, srs: &Srs) -> Result<VerifyingKey<G1Affine>, WrapError> {
    keygen_vk(srs.params(), circuit).map_err(|error| WrapError::Keygen(error.to_string()))
}

fn build_key(circuit: &WrapCircuit, srs: &Srs) -> Result<ProvingKey<G1Affine>, WrapError> {
    let vk = build_vk(circuit, srs)?;
    keygen_pk(srs.params(), vk, circuit).map_err(|error| WrapError::Keygen(error.to_string()))
}

fn write_key(path: &Path, pk: &ProvingKey<G1Affine>) -> Result<(), WrapError> {
    let io = |source| WrapError::Io { path: path.to_owned(), source };
    let body = pk.to_bytes(KEY_FORMAT);
    let mut file = KEY_MAGIC.to_vec();
    file.extend(blake3::hash(&body).as_bytes());
    file.extend(body);
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(io)?;
    }
    // A reader never sees half a file.
    let partial = path.with_extension(format!("partial-{}", std::process::id()));
    fs::write(&partial, file).and_then(|()| fs::rename(&partial, path)).map_err(|source| {
        // What is left of the attempt only takes space, which may be what is missing.
        let _ = fs::remove_file(&partial);
        io(source)
    })
}

fn read_key(path: &Path) -> Result<ProvingKey<G1Affine>, WrapError> {
    let io = |source| WrapError::Io { path: path.to_owned(), source };
    let corrupt = || WrapError::CorruptKey { path: path.to_owned() };
    let bytes = fs::read(path).map_err(io)?;
    let body = bytes.strip_prefix(KEY_MAGIC).ok_or_else(corrupt)?;
    let (checksum, body) = body.split_at_checked(32).ok_or_else(corrupt)?;
    if checksum != blake3::hash(body).as_bytes() {
        return Err(corrupt());
    }
    ProvingKey::read::<_, WrapCircuit>(&mut &body[..], KEY_FORMAT, WRAP_K).map_err(|_| corrupt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_key_is_refused_before_it_is_read() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("wrap.pk");
        let checked = |body: &[u8]| [&KEY_MAGIC[..], &blake3::hash(body).as_bytes()[..], body].concat();
        let mut flipped = checked(b"a key");
        *flipped.last_mut().expect("not empty") ^= 1;
        let cut = checked(b"a key")[..KEY_MAGIC.len() + 31].to_vec();
        for bytes in [vec![], b"something else".to_vec(), cut, flipped, checked(b"a key")] {
            fs::write(&path, bytes).expect("writable");
            let error = read_key(&path).expect_err("damaged");
            assert!(matches!(&error, WrapError::CorruptKey { path: named } if *named == path), "{error}");
        }
        assert!(matches!(read_key(&folder.path().join("none")), Err(WrapError::Io { .. })));
    }
}
