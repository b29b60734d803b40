//! From any Plonky2 proof to one of fixed size that is hashed over BN254.
//!
//! The wrap circuit pays for every FRI query, every column and every row of what it verifies, so the proof goes
//! through *shrink* layers first, Plonky2 circuits that verify the previous proof with the verifier data as
//! constants. They trade prover time (a higher rate) for fewer queries. The *last layer* then takes 2^12 rows
//! and is the only one hashed with [`Bn254Poseidon2`](crate::config::Bn254Poseidon2).
//!
//! | layer | rate | queries | grinding | query phase, conjectured |
//! |---|---|---|---|---|
//! | shrink | 2^-4 | 24 | 16 | 110 bits |
//! | last | 2^-5 | 19 | 18 | 111 bits |
//!
//! `docs/security.md` derives the bits of the whole layers, which are fewer.
//!
//! All layers draw their permutation and constraint challenges three times from the 64-bit base field.

use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::fri::FriConfig;
use plonky2::fri::reduction_strategies::FriReductionStrategy;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData, CommonCircuitData, VerifierOnlyCircuitData};
use plonky2::plonk::config::{AlgebraicHasher, GenericConfig, PoseidonGoldilocksConfig};
use plonky2::plonk::proof::{ProofWithPublicInputs, ProofWithPublicInputsTarget};

use crate::build;
use crate::config::Bn254PoseidonGoldilocksConfig;
use crate::error::WrapError;

/// Degree of the extension that challenges are drawn from.
pub const D: usize = 2;
/// The field of all layers.
pub type F = GoldilocksField;
/// Configuration of the proofs that come in and of the shrink layers.
pub type InnerConfig = PoseidonGoldilocksConfig;
/// Configuration of the last layer.
pub type LastConfig = Bn254PoseidonGoldilocksConfig;

/// Most public inputs that can be wrapped: three Goldilocks permutations hash them in halo2.
pub const MAX_PUBLIC_INPUTS: usize = 24;
/// Base-two logarithm of the last layer's rows.
pub const LAST_LAYER_DEGREE_BITS: usize = 12;
/// Challenges for the permutation and vanishing arguments, each from the 64-bit base field.
const NUM_CHALLENGES: usize = 3;
/// Conjectured bits of the query phase that Plonky2 checks when it builds a layer.
const SECURITY_BITS: usize = 112;
/// Shrink layers after which building gives up.
const MAX_SHRINK_LAYERS: usize = 3;

/// Configuration of a shrink layer.
pub fn shrink_config() -> CircuitConfig {
    let mut config = CircuitConfig::standard_recursion_config();
    config.security_bits = SECURITY_BITS;
    config.num_challenges = NUM_CHALLENGES;
    config.fri_config.rate_bits = 4;
    config.fri_config.num_query_rounds = 24;
    config
}

/// Configuration of the last layer. A cap of height 0 keeps the transcript and the wrap circuit simple.
pub fn last_layer_config() -> CircuitConfig {
    CircuitConfig {
        security_bits: SECURITY_BITS,
        num_challenges: NUM_CHALLENGES,
        fri_config: FriConfig {
            rate_bits: 5,
            cap_height: 0,
            proof_of_work_bits: 18,
            reduction_strategy: FriReductionStrategy::ConstantArityBits(4, 5),
            num_query_rounds: 19,
        },
        ..CircuitConfig::standard_recursion_config()
    }
}

/// Conjectured security of the query phase, in bits, as Plonky2 counts it when it builds a circuit: with the conjecture as it
/// was before it was refuted. `docs/security.md` takes what is left of it, one or two bits less.
pub fn conjectured_bits(config: &FriConfig) -> usize {
    config.rate_bits * config.num_query_rounds + config.proof_of_work_bits as usize
}

/// A circuit that verifies one proof of a fixed inner circuit and exposes the same public inputs.
#[derive(Debug)]
pub struct RecursionLayer<C: GenericConfig<D, F = F>> {
    /// Name for errors.
    name: &'static str,
    /// The circuit.
    pub data: CircuitData<F, C, D>,
    inner_proof: ProofWithPublicInputsTarget<D>,
}

/// A proof under a configuration.
type Layered<C> = ProofWithPublicInputs<F, C, D>;

/// An error of whatever stands behind a [`LayerProver`].
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes the proofs of the layers. Implemented by [`Stock`]; the prover's engines can be put in without this crate knowing
/// of them.
pub trait LayerProver {
    /// Completes the witness of a shrink layer from `inputs` and proves.
    ///
    /// # Errors
    /// When no witness satisfies the circuit, or the machine fails.
    fn shrink(
        &self,
        circuit: &CircuitData<F, InnerConfig, D>,
        inputs: PartialWitness<F>,
    ) -> Result<ProofWithPublicInputs<F, InnerConfig, D>, BoxError>;

    /// The same for the last layer.
    ///
    /// # Errors
    /// As [`Self::shrink`].
    fn last(
        &self,
        circuit: &CircuitData<F, LastConfig, D>,
        inputs: PartialWitness<F>,
    ) -> Result<ProofWithPublicInputs<F, LastConfig, D>, BoxError>;
}

/// Plonky2's own prover.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stock;

impl LayerProver for Stock {
    fn shrink(
        &self,
        circuit: &CircuitData<F, InnerConfig, D>,
        inputs: PartialWitness<F>,
    ) -> Result<ProofWithPublicInputs<F, InnerConfig, D>, BoxError> {
        Ok(circuit.prove(inputs)?)
    }

    fn last(
        &self,
        circuit: &CircuitData<F, LastConfig, D>,
        inputs: PartialWitness<F>,
    ) -> Result<ProofWithPublicInputs<F, LastConfig, D>, BoxError> {
        Ok(circuit.prove(inputs)?)
    }
}

impl<C: GenericConfig<D, F = F> + 'static> RecursionLayer<C> {
    /// Lays out the verifier; the verifier data are constants, so the layer accepts that circuit only.
    fn describe(
        config: CircuitConfig,
        common: &CommonCircuitData<F, D>,
        verifier_only: &VerifierOnlyCircuitData<InnerConfig, D>,
    ) -> (CircuitBuilder<F, D>, ProofWithPublicInputsTarget<D>) {
        let mut builder = CircuitBuilder::new(config);
        let proof = builder.add_virtual_proof_with_pis(common);
        let verifier_data = builder.constant_verifier_data(verifier_only);
        builder.verify_proof::<InnerConfig>(&proof, &verifier_data, common);
        builder.register_public_inputs(&proof.public_inputs);
        (builder, proof)
    }

    /// Proves that `inner` verifies.
    ///
    /// # Errors
    /// [`WrapError::Plonky2`] when `inner` is not a proof of the circuit this layer was built for.
    fn prove(
        &self,
        inner: &ProofWithPublicInputs<F, InnerConfig, D>,
        prove: impl FnOnce(&CircuitData<F, C, D>, PartialWitness<F>) -> Result<Layered<C>, BoxError>,
    ) -> Result<Layered<C>, WrapError> {
        let error = |reason: String| WrapError::Plonky2 { layer: self.name, reason };
        let mut witness = PartialWitness::new();
        witness.set_proof_with_pis_target(&self.inner_proof, inner).map_err(|e| error(e.to_string()))?;
        prove(&self.data, witness).map_err(|e| error(e.to_string()))
    }
}

impl RecursionLayer<InnerConfig> {
    fn shrink((builder, inner_proof): (CircuitBuilder<F, D>, ProofWithPublicInputsTarget<D>)) -> Self {
        Self { name: "shrink layer", data: build::inner(builder), inner_proof }
    }
}

impl RecursionLayer<LastConfig> {
    fn last(
        (builder, inner_proof): (CircuitBuilder<F, D>, ProofWithPublicInputsTarget<D>),
    ) -> Result<Self, WrapError> {
        Ok(Self { name: "last layer", data: build::build(builder)?, inner_proof })
    }
}

/// The shrink layers and the last layer for one inner circuit.
#[derive(Debug)]
pub struct LastLayer {
    shrinks: Vec<RecursionLayer<InnerConfig>>,
    last: RecursionLayer<LastConfig>,
}

impl LastLayer {
    /// Builds the chain for one inner circuit. At least one shrink layer is built, whatever comes in, so that
    /// the last layer and hence the wrap circuit always have the same shape.
    ///
    /// # Errors
    /// [`WrapError::TooManyPublicInputs`], [`WrapError::LastLayerTooLarge`]; [`WrapError::Processor`] when `JANCTION_SIMD`
    /// names what this processor cannot run.
    pub fn build(
        common: &CommonCircuitData<F, D>,
        verifier_only: &VerifierOnlyCircuitData<InnerConfig, D>,
    ) -> Result<Self, WrapError>
    where
        <InnerConfig as GenericConfig<D>>::Hasher: AlgebraicHasher<F>,
    {
        if common.num_public_inputs > MAX_PUBLIC_INPUTS {
            return Err(WrapError::TooManyPublicInputs {
                got: common.num_public_inputs,
                max: MAX_PUBLIC_INPUTS,
            });
        }
        let max = 1 << LAST_LAYER_DEGREE_BITS;
        let mut shrinks: Vec<RecursionLayer<InnerConfig>> = Vec::new();
        let mut rows = 0;
        while shrinks.len() < MAX_SHRINK_LAYERS {
            let (common, verifier_only) = match shrinks.last() {
                None => (common, verifier_only),
                Some(layer) => (&layer.data.common, &layer.data.verifier_only),
            };
            let description = RecursionLayer::<InnerConfig>::describe(shrink_config(), common, verifier_only);
            shrinks.push(RecursionLayer::shrink(description));
            let shrunk = &shrinks.last().expect("just pushed").data;
            let description = RecursionLayer::<LastConfig>::describe(
                last_layer_config(),
                &shrunk.common,
                &shrunk.verifier_only,
            );
            rows = description.0.num_gates();
            if rows > max {
                continue;
            }
            let last = RecursionLayer::last(description)?;
            rows = last.data.common.degree();
            if rows == max {
                return Ok(Self { shrinks, last });
            }
        }
        Err(WrapError::LastLayerTooLarge { shrinks: shrinks.len(), rows, max })
    }

    /// The last layer's circuit.
    pub fn data(&self) -> &CircuitData<F, LastConfig, D> {
        &self.last.data
    }

    /// What the bits of each layer depend on: shrink layers in order, then the last one.
    pub fn commons(&self) -> Vec<&CommonCircuitData<F, D>> {
        self.shrinks.iter().map(|layer| &layer.data.common).chain([&self.last.data.common]).collect()
    }

    /// Number of shrink layers in the chain.
    pub fn shrink_layers(&self) -> usize {
        self.shrinks.len()
    }

    /// Takes an inner proof through the whole chain. The result is verified before it is returned.
    ///
    /// # Errors
    /// [`WrapError::Plonky2`] names the layer that refused.
    pub fn prove(
        &self,
        prover: &dyn LayerProver,
        inner: &ProofWithPublicInputs<F, InnerConfig, D>,
    ) -> Result<ProofWithPublicInputs<F, LastConfig, D>, WrapError> {
        let mut shrunk = None;
        for layer in &self.shrinks {
            let inner = shrunk.as_ref().unwrap_or(inner);
            shrunk = Some(layer.prove(inner, |circuit, inputs| prover.shrink(circuit, inputs))?);
        }
        let inner = shrunk.as_ref().unwrap_or(inner);
        let proof = self.last.prove(inner, |circuit, inputs| prover.last(circuit, inputs))?;
        self.last.data.verify(proof.clone()).map_err(|e| WrapError::InvalidInnerProof(e.to_string()))?;
        Ok(proof)
    }
}

#[cfg(test)]
mod tests {
    use plonky2::field::extension::FieldExtension;
    use plonky2::field::types::Field;

    use super::*;

    #[test]
    fn every_layer_reaches_the_level_of_the_inner_circuits() {
        assert_eq!(conjectured_bits(&shrink_config().fri_config), 112);
        assert_eq!(conjectured_bits(&last_layer_config().fri_config), 113);
    }

    /// A layer over a small circuit with few queries: what it takes in must be a proof of that circuit.
    #[test]
    fn a_layer_refuses_what_does_not_verify() {
        type Layer = RecursionLayer<InnerConfig>;
        type Inner = ProofWithPublicInputs<F, InnerConfig, D>;
        let mut config = shrink_config();
        config.security_bits = 10;
        config.fri_config.num_query_rounds = 2;
        config.fri_config.proof_of_work_bits = 5;
        let circuit = |factor: u64| {
            let mut builder = CircuitBuilder::<F, D>::new(config.clone());
            let input = builder.add_virtual_public_input();
            let product = builder.mul_const(F::from_canonical_u64(factor), input);
            builder.register_public_input(product);
            (input, builder.build::<InnerConfig>())
        };
        let prove = |factor| {
            let (input, data) = circuit(factor);
            let mut witness = PartialWitness::new();
            witness.set_target(input, F::TWO).expect("a free target");
            data.prove(witness).expect("satisfiable")
        };
        let (_, data) = circuit(3);
        let description = Layer::describe(config.clone(), &data.common, &data.verifier_only);
        let layer = Layer::shrink(description);
        let honest: Inner = prove(3);
        let shrink = |inner: &Inner| layer.prove(inner, |circuit, inputs| Stock.shrink(circuit, inputs));
        let shrunk = shrink(&honest).expect("a valid inner proof");
        assert_eq!(shrunk.public_inputs, honest.public_inputs);
        layer.data.verify(shrunk).expect("a valid proof");

        let refused = |proof: &Inner| {
            let error = shrink(proof).expect_err("no proof of the inner circuit");
            assert!(matches!(error, WrapError::Plonky2 { layer: "shrink layer", .. }), "{error}");
        };
        refused(&prove(5));
        let changes: [fn(&mut Inner); 6] = [
            |p| p.public_inputs[1] += F::ONE,
            |p| p.proof.wires_cap.0[0].elements[0] += F::ONE,
            |p| p.proof.openings.wires[0] += FieldExtension::<D>::from_basefield(F::ONE),
            |p| p.proof.openings.quotient_polys[0] += FieldExtension::<D>::from_basefield(F::ONE),
            |p| p.proof.opening_proof.pow_witness += F::ONE,
            |p| {
                p.proof.opening_proof.query_round_proofs[1].initial_trees_proof.evals_proofs[1].0[0] += F::ONE
            },
        ];
        for change in changes {
            let mut forged = honest.clone();
            change(&mut forged);
            refused(&forged);
        }
    }
}
