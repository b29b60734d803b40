//! Serialisation of circuits that use custom gates: prover keys are cached on disk.
//!
//! [`Gates`] and [`Generators`] know everything that Plonky2 offers and this crate adds; a crate with gates of its own
//! adds them: `Gates::default().with::<MyGate>()`. A type's place in the list is part of the format of cached keys.

use std::any::Any;

use plonky2::gadgets::arithmetic::EqualityGenerator;
use plonky2::gadgets::arithmetic_extension::QuotientGeneratorExtension;
use plonky2::gadgets::range_check::LowHighGenerator;
use plonky2::gadgets::split_base::BaseSumGenerator;
use plonky2::gadgets::split_join::{SplitGenerator, WireSplitGenerator};
use plonky2::gates::arithmetic_base::{ArithmeticBaseGenerator, ArithmeticGate};
use plonky2::gates::arithmetic_extension::{ArithmeticExtensionGate, ArithmeticExtensionGenerator};
use plonky2::gates::base_sum::{BaseSplitGenerator, BaseSumGate};
use plonky2::gates::constant::ConstantGate;
use plonky2::gates::coset_interpolation::{CosetInterpolationGate, InterpolationGenerator};
use plonky2::gates::exponentiation::{ExponentiationGate, ExponentiationGenerator};
use plonky2::gates::gate::{Gate, GateRef};
use plonky2::gates::lookup::{LookupGate, LookupGenerator};
use plonky2::gates::lookup_table::{LookupTableGate, LookupTableGenerator};
use plonky2::gates::multiplication_extension::{MulExtensionGate, MulExtensionGenerator};
use plonky2::gates::noop::NoopGate;
use plonky2::gates::poseidon::{PoseidonGate, PoseidonGenerator};
use plonky2::gates::poseidon_mds::{PoseidonMdsGate, PoseidonMdsGenerator};
use plonky2::gates::public_input::PublicInputGate;
use plonky2::gates::random_access::{RandomAccessGate, RandomAccessGenerator};
use plonky2::gates::reducing::{ReducingGate, ReducingGenerator};
use plonky2::gates::reducing_extension::{
    ReducingExtensionGate, ReducingGenerator as ReducingExtensionGenerator,
};
use plonky2::iop::generator::{
    ConstantGenerator, CopyGenerator, NonzeroTestGenerator, RandomValueGenerator, SimpleGenerator,
    WitnessGeneratorRef,
};
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::recursion::dummy_circuit::DummyProofGenerator;
use plonky2::util::serialization::{
    Buffer, GateSerializer, IoError, IoResult, Read, WitnessGeneratorSerializer, Write,
};

use crate::schnorr::{DecodeGate, DecodeGenerator, DigitsGenerator, LadderGate, LadderGenerator};
use crate::uint::byte_split::{ByteSplitGate, ByteSplitGenerator};
use crate::uint::{HalvesGenerator, LessThanGenerator};
use crate::{C, D, F};

type Common = CommonCircuitData<F, D>;

/// A type of gate: how to recognise one and how to read one.
#[derive(Clone, Copy)]
struct GateType {
    is: fn(&dyn Any) -> bool,
    read: fn(&mut Buffer, &Common) -> IoResult<GateRef<F, D>>,
}

/// Serialises gates of the types that it knows.
#[derive(Clone)]
pub struct Gates(Vec<GateType>);

impl Gates {
    /// Adds a type.
    #[must_use]
    pub fn with<G: Gate<F, D> + Any>(mut self) -> Self {
        let read = |src: &mut Buffer, common: &Common| G::deserialize(src, common).map(GateRef::new);
        self.0.push(GateType { is: |gate| gate.is::<G>(), read });
        self
    }
}

impl Default for Gates {
    fn default() -> Self {
        Self(vec![])
            .with::<ArithmeticGate>()
            .with::<ArithmeticExtensionGate<D>>()
            .with::<BaseSumGate<2>>()
            .with::<ConstantGate>()
            .with::<CosetInterpolationGate<F, D>>()
            .with::<ExponentiationGate<F, D>>()
            .with::<LookupGate>()
            .with::<LookupTableGate>()
            .with::<MulExtensionGate<D>>()
            .with::<NoopGate>()
            .with::<PoseidonMdsGate<F, D>>()
            .with::<PoseidonGate<F, D>>()
            .with::<PublicInputGate>()
            .with::<RandomAccessGate<F, D>>()
            .with::<ReducingExtensionGate<D>>()
            .with::<ReducingGate<D>>()
            .with::<ByteSplitGate>()
            .with::<DecodeGate>()
            .with::<LadderGate>()
    }
}

impl GateSerializer<F, D> for Gates {
    fn read_gate(&self, buf: &mut Buffer, common: &Common) -> IoResult<GateRef<F, D>> {
        let tag = buf.read_u32()? as usize;
        (self.0.get(tag).ok_or(IoError)?.read)(buf, common)
    }

    fn write_gate(&self, buf: &mut Vec<u8>, gate: &GateRef<F, D>, common: &Common) -> IoResult<()> {
        let tag = self.0.iter().position(|t| (t.is)(gate.0.as_any())).ok_or(IoError)?;
        buf.write_u32(tag as u32)?;
        gate.0.serialize(buf, common)
    }
}

/// A type of generator: its identifier and how to read one.
#[derive(Clone)]
struct GeneratorType {
    id: String,
    read: fn(&mut Buffer, &Common) -> IoResult<WitnessGeneratorRef<F, D>>,
}

/// Serialises witness generators of the types that it knows.
#[derive(Clone)]
pub struct Generators(Vec<GeneratorType>);

impl Generators {
    /// Adds a type, whose identifier must be the same for all its values and no other type's.
    ///
    /// # Panics
    /// When a type with its identifier is there already.
    #[must_use]
    pub fn with<G: SimpleGenerator<F, D> + Default>(mut self) -> Self {
        let id = G::default().id();
        assert!(self.0.iter().all(|t| t.id != id), "two generators are called {id}");
        let read = |src: &mut Buffer, common: &Common| {
            G::deserialize(src, common).map(|generator| WitnessGeneratorRef::new(generator.adapter()))
        };
        self.0.push(GeneratorType { id, read });
        self
    }
}

impl Default for Generators {
    fn default() -> Self {
        Self(vec![])
            .with::<ArithmeticBaseGenerator<F, D>>()
            .with::<ArithmeticExtensionGenerator<F, D>>()
            .with::<BaseSplitGenerator<2>>()
            .with::<BaseSumGenerator<2>>()
            .with::<ConstantGenerator<F>>()
            .with::<CopyGenerator>()
            .with::<DummyProofGenerator<F, C, D>>()
            .with::<EqualityGenerator>()
            .with::<ExponentiationGenerator<F, D>>()
            .with::<InterpolationGenerator<F, D>>()
            .with::<LookupGenerator>()
            .with::<LookupTableGenerator>()
            .with::<LowHighGenerator>()
            .with::<MulExtensionGenerator<F, D>>()
            .with::<NonzeroTestGenerator>()
            .with::<PoseidonGenerator<F, D>>()
            .with::<PoseidonMdsGenerator<D>>()
            .with::<QuotientGeneratorExtension<D>>()
            .with::<RandomAccessGenerator<F, D>>()
            .with::<RandomValueGenerator>()
            .with::<ReducingGenerator<D>>()
            .with::<ReducingExtensionGenerator<D>>()
            .with::<SplitGenerator>()
            .with::<WireSplitGenerator>()
            .with::<ByteSplitGenerator>()
            .with::<LessThanGenerator>()
            .with::<HalvesGenerator>()
            .with::<DecodeGenerator>()
            .with::<LadderGenerator>()
            .with::<DigitsGenerator>()
    }
}

impl WitnessGeneratorSerializer<F, D> for Generators {
    fn read_generator(&self, buf: &mut Buffer, common: &Common) -> IoResult<WitnessGeneratorRef<F, D>> {
        let tag = buf.read_u32()? as usize;
        (self.0.get(tag).ok_or(IoError)?.read)(buf, common)
    }

    fn write_generator(
        &self,
        buf: &mut Vec<u8>,
        generator: &WitnessGeneratorRef<F, D>,
        common: &Common,
    ) -> IoResult<()> {
        let id = generator.0.id();
        let tag = self.0.iter().position(|t| t.id == id).ok_or(IoError)?;
        buf.write_u32(tag as u32)?;
        generator.0.serialize(buf, common)
    }
}

#[cfg(test)]
mod tests {
    use janction_protocol::crypto::SecretKey;
    use janction_protocol::hash::Digest;
    use plonky2::field::types::Field;
    use plonky2::iop::target::BoolTarget;
    use plonky2::iop::witness::{PartialWitness, WitnessWrite};
    use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};

    use super::*;
    use crate::schnorr::verify_signature;
    use crate::{Builder, uint};

    /// A circuit with every gate and generator of this crate comes back from its bytes, and proves.
    #[test]
    fn circuits_survive_a_round_trip() {
        let mut builder = Builder::new(CircuitConfig::standard_recursion_config());
        let key = builder.add_virtual_target_arr();
        let message: [_; 4] = builder.add_virtual_target_arr();
        let enabled: BoolTarget = builder.add_virtual_bool_target_safe();
        let signature = verify_signature(&mut builder, &key, &message, enabled);
        let halves = uint::halves(&mut builder, message[0]);
        uint::less_than(&mut builder, halves.hi, halves.lo);
        let circuit = builder.build::<C>();

        let (gates, generators) = (Gates::default(), Generators::default());
        let bytes = circuit.to_bytes(&gates, &generators).unwrap();
        let read = CircuitData::<F, C, D>::from_bytes(&bytes, &gates, &generators).unwrap();
        assert_eq!(read.verifier_only, circuit.verifier_only);
        assert_eq!(read.common, circuit.common);

        let sk = SecretKey::from_entropy(&[3; 64]).unwrap();
        let m = Digest([1, 2, 3, 4].map(F::from_canonical_u64));
        let mut pw = PartialWitness::new();
        pw.set_target_arr(&key, &sk.public().to_elements()).unwrap();
        pw.set_target_arr(&message, &m.0).unwrap();
        pw.set_bool_target(enabled, true).unwrap();
        signature.set(&mut pw, Some(&sk.sign(&m))).unwrap();
        let proof = read.prove(pw).unwrap();
        circuit.verify(proof).unwrap();

        // Damaged bytes are an error, not a panic: an unknown tag.
        assert!(gates.read_gate(&mut Buffer::new(&[0xff; 8]), &circuit.common).is_err());
        assert!(generators.read_generator(&mut Buffer::new(&[0xff; 8]), &circuit.common).is_err());
    }
}
