//! Random uses of every gate kind.

use janction_engine::{D, F};
use plonky2::field::types::Field;
use plonky2::gates::coset_interpolation::CosetInterpolationGate;
use plonky2::gates::gate::Gate;
use plonky2::gates::multiplication_extension::MulExtensionGate;
use plonky2::gates::noop::NoopGate;
use plonky2::gates::poseidon_mds::PoseidonMdsGate;
use plonky2::gates::reducing::ReducingGate;
use plonky2::gates::reducing_extension::ReducingExtensionGate;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::CircuitConfig;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

/// What a circuit may be made of, by the gate that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Arithmetic,
    ArithmeticExtension,
    MulExtension,
    Poseidon,
    PoseidonMds,
    BaseSum,
    BaseSumOfFour,
    Exponentiation,
    RandomAccess,
    Reducing,
    ReducingExtension,
    CosetInterpolation,
    Constant,
    Lookup,
    Noop,
}

impl Kind {
    pub const ALL: [Self; 15] = [
        Self::Arithmetic,
        Self::ArithmeticExtension,
        Self::MulExtension,
        Self::Poseidon,
        Self::PoseidonMds,
        Self::BaseSum,
        Self::BaseSumOfFour,
        Self::Exponentiation,
        Self::RandomAccess,
        Self::Reducing,
        Self::ReducingExtension,
        Self::CosetInterpolation,
        Self::Constant,
        Self::Lookup,
        Self::Noop,
    ];

    /// How the gate's id starts.
    pub const fn gate(self) -> &'static str {
        match self {
            Self::Arithmetic => "ArithmeticGate",
            Self::ArithmeticExtension => "ArithmeticExtensionGate",
            Self::MulExtension => "MulExtensionGate",
            Self::Poseidon => "PoseidonGate",
            Self::PoseidonMds => "PoseidonMdsGate",
            Self::BaseSum | Self::BaseSumOfFour => "BaseSumGate",
            Self::Exponentiation => "ExponentiationGate",
            Self::RandomAccess => "RandomAccessGate",
            Self::Reducing => "ReducingGate",
            Self::ReducingExtension => "ReducingExtensionGate",
            Self::CosetInterpolation => "CosetInterpolationGate",
            Self::Constant => "ConstantGate",
            Self::Lookup => "LookupGate",
            Self::Noop => "NoopGate",
        }
    }
}

/// A circuit in the making, with inputs that satisfy it.
pub struct Draft {
    pub builder: CircuitBuilder<F, D>,
    pub inputs: PartialWitness<F>,
    rng: ChaCha8Rng,
}

impl Draft {
    pub fn new(config: CircuitConfig, rng: ChaCha8Rng) -> Self {
        Self { builder: CircuitBuilder::new(config), inputs: PartialWitness::new(), rng }
    }

    pub fn element(&mut self) -> F {
        F::from_noncanonical_u64(self.rng.next_u64())
    }

    /// A new virtual target with this value.
    pub fn input(&mut self, value: F) -> Target {
        let target = self.builder.add_virtual_target();
        self.inputs.set_target(target, value).expect("a new target");
        target
    }

    fn random(&mut self) -> Target {
        let value = self.element();
        self.input(value)
    }

    fn random_extension(&mut self) -> ExtensionTarget<D> {
        ExtensionTarget([self.random(), self.random()])
    }

    /// Uses the gate of `kind` once.
    pub fn add(&mut self, kind: Kind) {
        match kind {
            Kind::Arithmetic => {
                let [a, b, c] = [self.random(), self.random(), self.random()];
                let [k, l] = [self.element(), self.element()];
                let d = self.builder.arithmetic(k, l, a, b, c);
                self.builder.mul_add(d, d, a);
            }
            Kind::ArithmeticExtension => {
                let [a, b, c] = [self.random_extension(), self.random_extension(), self.random_extension()];
                let k = self.element();
                let d = self.builder.arithmetic_extension(k, F::ONE, a, b, c);
                self.builder.mul_add_extension(d, a, b);
            }
            Kind::MulExtension => {
                let gate = MulExtensionGate::<D>::new_from_config(&self.builder.config);
                let k = self.element();
                self.place(gate, vec![k]);
            }
            Kind::Poseidon => {
                let inputs: Vec<Target> = (0..self.rng.random_range(1..20)).map(|_| self.random()).collect();
                let hash = self.builder.hash_n_to_hash_no_pad::<PoseidonHash>(inputs);
                self.builder.register_public_inputs(&hash.elements);
            }
            Kind::PoseidonMds => self.place(PoseidonMdsGate::new(), vec![]),
            Kind::BaseSum => {
                let bits = self.rng.random_range(1..63);
                let value = self.rng.next_u64() >> (64 - bits);
                let x = self.input(F::from_canonical_u64(value));
                self.builder.split_le(x, bits);
            }
            Kind::BaseSumOfFour => {
                let value = self.rng.next_u64() >> 40;
                let x = self.input(F::from_canonical_u64(value));
                self.builder.split_le_base::<4>(x, 12);
            }
            Kind::Exponentiation => {
                let base = self.random();
                let bits = self.rng.random_range(1..60);
                let exponent = self.rng.next_u64() >> (64 - bits);
                let exponent = self.input(F::from_canonical_u64(exponent));
                self.builder.exp(base, exponent, bits);
            }
            Kind::RandomAccess => {
                let bits = self.rng.random_range(1..6);
                let list: Vec<Target> = (0..1 << bits).map(|_| self.random()).collect();
                let index = self.rng.random_range(0..1u64 << bits);
                let index = self.input(F::from_canonical_u64(index));
                self.builder.random_access(index, list);
            }
            Kind::Reducing => self.place(ReducingGate::<D>::new(21), vec![]),
            Kind::ReducingExtension => self.place(ReducingExtensionGate::<D>::new(13), vec![]),
            Kind::CosetInterpolation => {
                let bits = self.rng.random_range(2..4);
                self.place(CosetInterpolationGate::<F, D>::new(bits), vec![]);
            }
            Kind::Constant => {
                let constant = self.element();
                let target = self.builder.constant(constant);
                self.builder.register_public_input(target);
            }
            Kind::Lookup => self.look_up(),
            Kind::Noop => {
                self.builder.add_gate(NoopGate, vec![]);
            }
        }
    }

    /// Places a gate that accepts any inputs and sets what its generators wait for.
    fn place(&mut self, gate: impl Gate<F, D>, constants: Vec<F>) {
        let generators = gate.generators(0, &constants);
        let watched: Vec<Target> = generators.iter().flat_map(|generator| generator.0.watch_list()).collect();
        let row = self.builder.add_gate(gate, constants);
        for target in watched {
            let Target::Wire(wire) = target else { panic!("generators of gates watch wires") };
            let target = Target::wire(row, wire.column);
            if !self.inputs.target_values.contains_key(&target) {
                let value = self.element();
                self.inputs.set_target(target, value).expect("set once");
            }
        }
    }

    /// Adds a table, or takes an earlier one, and looks a few inputs up.
    fn look_up(&mut self) {
        let size = self.rng.random_range(1..200u16);
        let first = self.rng.random_range(0..1000u16);
        let table: Vec<(u16, u16)> =
            (first..first + size).map(|input| (input, self.rng.random_range(0..=u16::MAX))).collect();
        let index = self.builder.add_lookup_table_from_pairs(std::sync::Arc::new(table));
        for _ in 0..self.rng.random_range(1..100) {
            let looked_up = self.rng.random_range(first..first + size);
            let input = self.input(F::from_canonical_u16(looked_up));
            self.builder.add_lookup_from_index(input, index);
        }
    }
}

/// Products and a hash of the field's edge values.
pub fn edge_values(draft: &mut Draft) {
    let edges = [F::ZERO, F::ONE, F::NEG_ONE, F::from_canonical_u64(u64::from(u32::MAX)), -F::TWO];
    let targets: Vec<Target> = edges.iter().map(|&value| draft.input(value)).collect();
    for &a in &targets {
        for &b in &targets {
            let product = draft.builder.mul_add(a, b, a);
            let pair = draft.builder.mul_extension(ExtensionTarget([a, b]), ExtensionTarget([b, product]));
            draft.builder.register_public_inputs(&pair.0);
        }
    }
    let hash = draft.builder.hash_n_to_hash_no_pad::<PoseidonHash>(targets);
    draft.builder.register_public_inputs(&hash.elements);
}
