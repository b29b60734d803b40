//! The auditor's own verification of the wrap proof: Keccak transcript, PLONK identity and SHPLONK opening
//! (eprint 2020/081) with arkworks' curve and field, without halo2's or snark-verifier's verifier.
//!
//! The *key* is data: commitments, the constraint expression, and the order of messages, taken out of a verifying key by
//! [`AuditKey::new`]. It accepts what the deployed contracts accept, neither more nor less: instances below p, points on
//! the curve and in canonical form, scalars modulo r, no trailing bytes.

mod expression;
mod transcript;

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::pairing::Pairing;
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::{AdditiveGroup, Field, batch_inversion};
use halo2_proofs::halo2curves::bn256 as halo2;
use halo2_proofs::plonk::VerifyingKey;
use halo2_proofs::poly::kzg::commitment::ParamsKZG;
use snark_verifier_sdk::snark_verifier::system::halo2::{Config, compile};
use std::collections::BTreeMap;

use crate::prover::EvmProof;
use expression::{Evaluator, ProtocolData, Query};
use transcript::{Transcript, fr_from_halo2, g1_from_halo2, g2_from_halo2};

/// Why the auditor does not accept a proof.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The key could not be read.
    #[error("the verifying key cannot be read: {0}")]
    Key(String),
    /// Another number of instances than the key has.
    #[error("the proof has {got} public instances instead of {expected}")]
    InstanceCount {
        /// Instances of the key.
        expected: usize,
        /// Instances of the proof.
        got: usize,
    },
    /// A message that is too short, too long, not canonical or not on the curve.
    #[error("malformed proof: {0}")]
    Malformed(&'static str),
    /// Well-formed and false.
    #[error("the pairing check failed: the proof is false")]
    False,
}

/// What the auditor knows of the wrap circuit.
#[derive(Clone, Debug)]
pub struct AuditKey {
    protocol: ProtocolData,
    g2: G2Affine,
    s_g2: G2Affine,
}

/// The parts of a proof that are read from the transcript.
struct Messages {
    witnesses: Vec<G1Affine>,
    challenges: Vec<Fr>,
    quotients: Vec<G1Affine>,
    z: Fr,
    evaluations: Vec<Fr>,
    mu: Fr,
    gamma: Fr,
    w: G1Affine,
    z_prime: Fr,
    w_prime: G1Affine,
}

/// Polynomials opened at the same points: rotations, and for each polynomial its values there.
struct QuerySet {
    rotations: Vec<i32>,
    polynomials: Vec<(usize, Vec<Fr>)>,
}

impl AuditKey {
    /// Takes commitments and expressions out of a verifying key.
    ///
    /// # Errors
    /// [`AuditError::Key`] when the key is of a kind this verifier does not know.
    pub fn new(
        params: &ParamsKZG<halo2::Bn256>,
        vk: &VerifyingKey<halo2::G1Affine>,
        num_instances: usize,
    ) -> Result<Self, AuditError> {
        let protocol = compile(params, vk, Config::kzg().with_num_instance(vec![num_instances]));
        let key = |error: serde_json::Error| AuditError::Key(error.to_string());
        let value = serde_json::to_value(&protocol).map_err(key)?;
        let mut protocol: ProtocolData = serde_json::from_value(value).map_err(key)?;
        if protocol.instance_committing_key.is_some() || protocol.linearization.is_some() {
            return Err(AuditError::Key(
                "committed instances and linearisation are not supported".to_owned(),
            ));
        }
        protocol.preprocessed = vk
            .fixed_commitments()
            .iter()
            .chain(vk.permutation().commitments())
            .map(g1_from_halo2)
            .collect::<Option<_>>()
            .ok_or_else(|| AuditError::Key("a commitment is not on the curve".to_owned()))?;
        protocol.initial_state = Some(fr_from_halo2(&vk.transcript_repr()));
        let point =
            |point| g2_from_halo2(&point).ok_or_else(|| AuditError::Key("a bad point of G2".to_owned()));
        Ok(Self { protocol, g2: point(params.g2())?, s_g2: point(params.s_g2())? })
    }

    /// Bytes of a proof of this circuit: points of 64, scalars of 32.
    pub fn proof_length(&self) -> usize {
        let protocol = &self.protocol;
        let points = protocol.num_witness.iter().sum::<usize>() + protocol.num_quotients() + 2;
        64 * points + 32 * protocol.evaluations.len()
    }

    /// Verifies a proof.
    ///
    /// # Errors
    /// All but [`AuditError::Key`].
    pub fn verify(&self, proof: &EvmProof) -> Result<(), AuditError> {
        let expected = self.protocol.num_instance[0];
        if proof.instances.len() != expected {
            return Err(AuditError::InstanceCount { expected, got: proof.instances.len() });
        }
        // Goldilocks elements are also below r.
        let instances =
            proof.instance_integers().ok_or(AuditError::Malformed("an instance is not below p"))?;
        let instances: Vec<Fr> = instances.into_iter().map(Fr::from).collect();
        let messages = self.read(&instances, &proof.proof)?;
        let values = self.opened_values(&instances, &messages)?;
        self.check_opening(&messages, &values)
    }

    fn read(&self, instances: &[Fr], proof: &[u8]) -> Result<Messages, AuditError> {
        let protocol = &self.protocol;
        let transcript = &mut Transcript::new(proof);
        transcript.absorb(&protocol.initial_state.expect("set by the constructor"));
        instances.iter().for_each(|instance| transcript.absorb(instance));
        let (mut witnesses, mut challenges) = (Vec::new(), Vec::new());
        for (&points, &count) in protocol.num_witness.iter().zip(&protocol.num_challenge) {
            witnesses.extend(transcript.points(points)?);
            challenges.extend((0..count).map(|_| transcript.challenge()));
        }
        let quotients = transcript.points(protocol.num_quotients())?;
        let z = transcript.challenge();
        let evaluations = transcript.scalars(protocol.evaluations.len())?;
        let (mu, gamma) = (transcript.challenge(), transcript.challenge());
        let w = transcript.point()?;
        let z_prime = transcript.challenge();
        let w_prime = transcript.point()?;
        if !transcript.is_empty() {
            return Err(AuditError::Malformed("trailing bytes"));
        }
        Ok(Messages { witnesses, challenges, quotients, z, evaluations, mu, gamma, w, z_prime, w_prime })
    }

    fn omega(&self) -> Fr {
        self.protocol.domain.r#gen.0
    }

    fn rotate(&self, z: Fr, rotation: i32) -> Fr {
        let omega = if rotation < 0 { self.omega().inverse().expect("not zero") } else { self.omega() };
        z * omega.pow([u64::from(rotation.unsigned_abs())])
    }

    /// L_i(z) = ω^i·(z^n - 1)/(n·(z - ω^i)); `None` at z = ω^i.
    fn lagrange(&self, z: Fr, i: i32) -> Option<Fr> {
        let n = 1u64 << self.protocol.domain.k;
        let point = self.rotate(Fr::ONE, i);
        let denominator = Fr::from(n) * (z - point);
        Some(point * (z.pow([n]) - Fr::ONE) * denominator.inverse()?)
    }

    /// Values of all queried polynomials, that of the quotient from the constraint expression.
    fn opened_values(
        &self,
        instances: &[Fr],
        messages: &Messages,
    ) -> Result<BTreeMap<Query, Fr>, AuditError> {
        let protocol = &self.protocol;
        let z = messages.z;
        let on_domain = AuditError::Malformed("the evaluation point lies in the domain");
        let mut values: BTreeMap<Query, Fr> =
            protocol.evaluations.iter().copied().zip(messages.evaluations.iter().copied()).collect();
        // Instances are not committed: Σ instance_i·L_i(z).
        let mut instance = Fr::ZERO;
        for (i, value) in instances.iter().enumerate() {
            let Some(lagrange) = self.lagrange(z, i as i32) else { return Err(on_domain) };
            instance += lagrange * value;
        }
        values.insert(Query { poly: protocol.preprocessed.len(), rotation: 0 }, instance);
        let evaluator = Evaluator {
            values: &values,
            challenges: &messages.challenges,
            z,
            lagrange: &|i| self.lagrange(z, i),
        };
        let numerator = evaluator
            .evaluate(&protocol.quotient.numerator)
            .ok_or(AuditError::Malformed("a constraint asks for a value that is not opened"))?;
        let vanishing = z.pow([1u64 << protocol.domain.k]) - Fr::ONE;
        let Some(inverse) = vanishing.inverse() else { return Err(on_domain) };
        values.insert(Query { poly: protocol.quotient_index(), rotation: 0 }, numerator * inverse);
        Ok(values)
    }

    /// Groups the queries by their sets of rotations, in order of first appearance.
    fn query_sets(&self, values: &BTreeMap<Query, Fr>) -> Result<Vec<QuerySet>, AuditError> {
        let mut rotations: Vec<(usize, Vec<i32>)> = Vec::new();
        for query in &self.protocol.queries {
            match rotations.iter_mut().find(|(poly, _)| *poly == query.poly) {
                Some((_, list)) if list.contains(&query.rotation) => {}
                Some((_, list)) => list.push(query.rotation),
                None => rotations.push((query.poly, vec![query.rotation])),
            }
        }
        let mut sets: Vec<QuerySet> = Vec::new();
        for (poly, list) in rotations {
            let same = |set: &QuerySet| {
                set.rotations.len() == list.len() && list.iter().all(|r| set.rotations.contains(r))
            };
            let index = sets.iter().position(same).unwrap_or_else(|| {
                sets.push(QuerySet { rotations: list.clone(), polynomials: Vec::new() });
                sets.len() - 1
            });
            let set = &mut sets[index];
            let value = |&rotation: &i32| values.get(&Query { poly, rotation }).copied();
            let opened = set.rotations.iter().map(value).collect::<Option<Vec<_>>>();
            set.polynomials.push((poly, opened.ok_or(AuditError::Malformed("a query without a value"))?));
        }
        Ok(sets)
    }

    /// e(Σ γ^i μ^j (z_1/z_i)·(C_ij - r_ij(z')) - z_1·W + z'·W', H) = e(W', s·H), where z_i is the product of z' minus the
    /// points of set i and r_ij interpolates the opened values on them.
    fn check_opening(&self, messages: &Messages, values: &BTreeMap<Query, Fr>) -> Result<(), AuditError> {
        let commitments = self.commitments(messages);
        let sets = self.query_sets(values)?;
        let z_prime = messages.z_prime;
        let points: Vec<Vec<Fr>> = sets
            .iter()
            .map(|set| set.rotations.iter().map(|&rotation| self.rotate(messages.z, rotation)).collect())
            .collect();
        let vanishing: Vec<Fr> =
            points.iter().map(|points| points.iter().map(|point| z_prime - point).product()).collect();
        let first = vanishing[0];

        let mut bases = vec![messages.w, messages.w_prime];
        let mut scalars = vec![-first, z_prime];
        let mut constant = Fr::ZERO;
        let mut power_of_gamma = Fr::ONE;
        for ((set, points), vanishing) in sets.iter().zip(&points).zip(&vanishing) {
            let ratio =
                first * vanishing.inverse().ok_or(AuditError::Malformed("a degenerate opening point"))?;
            let weights = interpolation_weights(points, z_prime);
            let mut factor = power_of_gamma * ratio;
            for (poly, opened) in &set.polynomials {
                let r: Fr = weights.iter().zip(opened).map(|(weight, value)| *weight * value).sum();
                constant += factor * r;
                for &(base, scalar) in &commitments[*poly] {
                    bases.push(base);
                    scalars.push(factor * scalar);
                }
                factor *= messages.mu;
            }
            power_of_gamma *= messages.gamma;
        }
        bases.push(G1Affine::generator());
        scalars.push(-constant);
        let left = G1Projective::msm(&bases, &scalars).expect("as many scalars as points").into_affine();
        let negated = (-messages.w_prime.into_group()).into_affine();
        let product = Bn254::multi_pairing([left, negated], [self.g2, self.s_g2]);
        if product.0 == <Bn254 as Pairing>::TargetField::ONE { Ok(()) } else { Err(AuditError::False) }
    }

    /// Each polynomial's commitment as a combination of points: key, (instances), witness, quotient.
    fn commitments(&self, messages: &Messages) -> Vec<Vec<(G1Affine, Fr)>> {
        let protocol = &self.protocol;
        let one = |point: &G1Affine| vec![(*point, Fr::ONE)];
        let chunk = messages.z.pow([(1u64 << protocol.domain.k) * protocol.quotient.chunk_degree as u64]);
        let powers = std::iter::successors(Some(Fr::ONE), |power| Some(*power * chunk));
        let quotient = messages.quotients.iter().copied().zip(powers).collect();
        let mut commitments: Vec<_> = protocol.preprocessed.iter().map(one).collect();
        commitments.extend(protocol.num_instance.iter().map(|_| Vec::new()));
        commitments.extend(messages.witnesses.iter().map(one));
        commitments.push(quotient);
        commitments
    }
}

/// Weights of the values at `points` in the value at `at` of their interpolation.
fn interpolation_weights(points: &[Fr], at: Fr) -> Vec<Fr> {
    let others = |i: usize| points.iter().enumerate().filter(move |(j, _)| *j != i).map(|(_, point)| *point);
    let mut denominators: Vec<Fr> =
        (0..points.len()).map(|i| others(i).map(|other| points[i] - other).product()).collect();
    batch_inversion(&mut denominators);
    (0..points.len()).map(|i| denominators[i] * others(i).map(|other| at - other).product::<Fr>()).collect()
}

#[cfg(test)]
mod tests {
    use ark_ff::PrimeField;
    use halo2_proofs::plonk::{keygen_pk, keygen_vk};
    use snark_verifier_sdk::evm::gen_evm_proof_shplonk;

    use super::*;
    use crate::circuit::columns::WrapCircuit;
    use crate::circuit::tape::{Input, Tape};
    use crate::srs::{DEVELOPMENT_CHAIN_ID, Srs};

    const K: u32 = 17;

    /// Adds a modulus to a big-endian word.
    fn raise(word: &mut [u8], modulus: &[u8]) {
        let mut carry = 0;
        for (byte, add) in word.iter_mut().zip(modulus).rev() {
            let sum = u16::from(*byte) + u16::from(*add) + carry;
            *byte = sum as u8;
            carry = sum >> 8;
        }
        assert_eq!(carry, 0, "two moduli fit into 256 bits");
    }

    /// A circuit with all kinds of cells, gates and lookups, and three instances.
    fn tape() -> Tape {
        let mut tape = Tape::default();
        let instances = tape.expose([3, 5, 7].map(halo2::Fr::from));
        let product = tape.dot(instances[0], [(instances[1], instances[2])]);
        tape.range_check(product, 4);
        let output = tape.permute([product, instances[1], instances[2]].map(Input::Cell));
        tape.decompose_canonical(output[0]);
        tape
    }

    #[test]
    fn agrees_with_halo2_on_a_small_circuit() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let srs = Srs::insecure_development(K, DEVELOPMENT_CHAIN_ID, dir.path()).expect("a development SRS");
        let circuit = WrapCircuit { k: K, tape: tape(), witness_only: false };
        let vk = keygen_vk(srs.params(), &circuit).expect("keys");
        let pk = keygen_pk(srs.params(), vk, &circuit).expect("keys");
        let values = circuit.tape.instance_values();
        // Verifies with halo2's verifier, too.
        let bytes = gen_evm_proof_shplonk(srs.params(), &pk, circuit, vec![values]);
        let instance = |value: u8| {
            let mut bytes = [0; 32];
            bytes[31] = value;
            bytes
        };
        let proof = EvmProof { instances: [3, 5, 7].map(instance).to_vec(), proof: bytes };
        let key = AuditKey::new(srs.params(), pk.get_vk(), 3).expect("a key");
        key.verify(&proof).expect("a valid proof");

        let mut forged = proof.clone();
        forged.instances[2] = instance(8);
        assert!(matches!(key.verify(&forged), Err(AuditError::False)));
        // The point at infinity is no message, although arkworks writes it so.
        let mut forged = proof.clone();
        forged.proof[..64].fill(0);
        assert!(matches!(key.verify(&forged), Err(AuditError::Malformed(_))));
        // A coordinate above the modulus of the curve's field.
        let mut forged = proof.clone();
        raise(
            &mut forged.proof[..32],
            &ark_ff::BigInteger::to_bytes_be(&<ark_bn254::Fq as PrimeField>::MODULUS),
        );
        assert!(matches!(key.verify(&forged), Err(AuditError::Malformed(_))));
        // A scalar plus r is the same scalar to the contract.
        let scalars = proof.proof.len() - 128 - 32 * key.protocol.evaluations.len();
        for at in [scalars, proof.proof.len() - 160] {
            let mut same = proof.clone();
            raise(&mut same.proof[at..at + 32], &ark_ff::BigInteger::to_bytes_be(&Fr::MODULUS));
            assert_ne!(same, proof);
            key.verify(&same).expect("the contract accepts it");
        }
        // Every message counts: one bit of each word, which is then malformed or false.
        for at in (31..proof.proof.len()).step_by(32) {
            let mut forged = proof.clone();
            forged.proof[at] ^= 1;
            key.verify(&forged).expect_err("a flipped bit");
        }
    }
}
