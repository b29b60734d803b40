use std::collections::{BTreeSet, HashMap, HashSet};

use plonky2::field::extension::Extendable;
use plonky2::gates::gate::GateRef;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::target::Target;
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CircuitConfig, MockCircuitData};
use plonky2::plonk::config::PoseidonGoldilocksConfig;
use plonky2::plonk::vars::EvaluationTargets;

use super::steps::{Pair, Step, steps_of};
use super::{Graph, Node, Tape, TapeError};
use crate::guard::caught;
use crate::{D, F};

/// Fewer than Poseidon's matrix gate takes, so that gates write its products out.
const ROUTED_WIRES: usize = 40;

/// The gate's constraints, as its recursive verifier computes them.
pub(super) fn trace(gate: &GateRef<F, D>) -> Result<Tape, TapeError> {
    let described =
        caught(|| describe(gate)).map_err(|reason| TapeError::Panicked { gate: gate.0.id(), reason })?;
    Reader::of(&described).read(gate, &described)
}

/// A circuit that computes the gate's constraints.
struct Description {
    circuit: MockCircuitData<F, PoseidonGoldilocksConfig, D>,
    inputs: Vec<(Target, Node)>,
    constraints: Vec<ExtensionTarget<D>>,
}

fn describe(gate: &GateRef<F, D>) -> Description {
    let config = CircuitConfig {
        num_routed_wires: ROUTED_WIRES,
        security_bits: 1,
        ..CircuitConfig::standard_recursion_config()
    };
    let mut builder = CircuitBuilder::<F, D>::new(config);
    let mut inputs = Vec::new();
    let mut input = |builder: &mut CircuitBuilder<F, D>, node| {
        let target = builder.add_virtual_extension_target();
        // In the base field: the second component is zero.
        inputs.extend([(target.0[0], node), (target.0[1], Node::Literal(0))]);
        target
    };
    let wires: Vec<_> = (0..gate.0.num_wires()).map(|i| input(&mut builder, Node::Wire(i as u32))).collect();
    let constants: Vec<_> =
        (0..gate.0.num_constants()).map(|i| input(&mut builder, Node::Constant(i as u32))).collect();
    let public_inputs_hash = builder.add_virtual_hash();
    for (i, target) in (0..).zip(public_inputs_hash.elements) {
        inputs.push((target, Node::PublicInputsHash(i)));
    }
    let vars = EvaluationTargets {
        local_constants: &constants,
        local_wires: &wires,
        public_inputs_hash: &public_inputs_hash,
    };
    let constraints = gate.0.eval_unfiltered_circuit(&mut builder, vars);
    Description { circuit: builder.mock_build(), inputs, constraints }
}

/// Reads expressions off a circuit. Targets that copies tie together are one value.
struct Reader {
    graph: Graph,
    /// The nodes of the values that have been read.
    nodes: HashMap<usize, u32>,
    steps: Vec<Step>,
    /// The step that sets each value.
    makers: HashMap<usize, usize>,
    /// Kinds of generators that are not understood.
    opaque: BTreeSet<String>,
}

impl Reader {
    fn of(described: &Description) -> Self {
        let mut graph = Graph::default();
        let nodes =
            described.inputs.iter().map(|&(target, node)| (described.value(target), graph.node(node)));
        let nodes = nodes.collect();
        let mut reader =
            Self { graph, nodes, steps: Vec::new(), makers: HashMap::new(), opaque: BTreeSet::new() };
        for generator in &described.circuit.prover_only.generators {
            if let Ok(Some(steps)) = steps_of(generator, &described.circuit.common) {
                for step in steps {
                    for output in step.outputs() {
                        reader.makers.insert(described.value(output), reader.steps.len());
                    }
                    reader.steps.push(step);
                }
            } else {
                reader.opaque.insert(generator.0.id());
            }
        }
        reader
    }

    fn read(mut self, gate: &GateRef<F, D>, described: &Description) -> Result<Tape, TapeError> {
        let mut constraints = Vec::with_capacity(described.constraints.len());
        for (constraint, target) in described.constraints.iter().enumerate() {
            let mut components = [0; D];
            for (component, target) in components.iter_mut().zip(target.0) {
                *component = self.resolve(described, target).ok_or_else(|| self.refusal(gate))?;
            }
            if self.graph.value(components[1]) != Some(F(0)) {
                return Err(TapeError::Extension { gate: gate.0.id(), constraint });
            }
            constraints.push(components[0]);
        }
        Ok(self.graph.into_tape(&constraints))
    }

    /// The expression of a target, after those that it needs; `None` where nothing sets one of them.
    fn resolve(&mut self, described: &Description, target: Target) -> Option<u32> {
        let mut stack = vec![described.value(target)];
        let mut entered = HashSet::new();
        while let Some(&value) = stack.last() {
            if self.nodes.contains_key(&value) {
                stack.pop();
                continue;
            }
            let step = self.steps[*self.makers.get(&value)?];
            let missing = step.inputs().map(|input| described.value(input));
            let missing: Vec<usize> = missing.filter(|input| !self.nodes.contains_key(input)).collect();
            if missing.is_empty() {
                self.take(described, &step);
            } else if !entered.insert(value) {
                // It was here before and still lacks something: its inputs need it.
                return None;
            }
            stack.extend(missing);
        }
        self.nodes.get(&described.value(target)).copied()
    }

    /// Adds the expressions of a step whose inputs are known.
    fn take(&mut self, described: &Description, step: &Step) {
        match *step {
            Step::Constant(output, value) => {
                let node = self.graph.literal(value);
                self.nodes.insert(described.value(output), node);
            }
            Step::MulAdd { scale, factors, addend_scale, addend, output } => {
                let [[a, b], [c, d]] = factors.map(|factor| self.pair(described, factor));
                let addend = self.pair(described, addend);
                let graph = &mut self.graph;
                // Modulo X^2 - W.
                let (ac, bd, ad, bc) = (graph.mul(a, c), graph.mul(b, d), graph.mul(a, d), graph.mul(b, c));
                let w = graph.literal(<F as Extendable<D>>::W);
                let wrapped = graph.mul(w, bd);
                let product = [graph.add(ac, wrapped), graph.add(ad, bc)];
                let [scale, addend_scale] = [scale, addend_scale].map(|factor| graph.literal(factor));
                for ((product, addend), output) in product.into_iter().zip(addend).zip(output) {
                    let (product, addend) = (graph.mul(scale, product), graph.mul(addend_scale, addend));
                    let node = graph.add(product, addend);
                    if let Some(output) = output {
                        self.nodes.insert(described.value(output), node);
                    }
                }
            }
        }
    }

    fn pair(&mut self, described: &Description, pair: Pair) -> [u32; D] {
        let zero = self.graph.literal(F(0));
        pair.map(|target| target.map_or(zero, |target| self.nodes[&described.value(target)]))
    }

    fn refusal(&self, gate: &GateRef<F, D>) -> TapeError {
        let generators = self.opaque.iter().cloned().collect::<Vec<_>>().join(", ");
        TapeError::Opaque { gate: gate.0.id(), generators }
    }
}

impl Description {
    /// The value that a target has with all those that copies tie to it.
    fn value(&self, target: Target) -> usize {
        let MockCircuitData { prover_only, common } = &self.circuit;
        prover_only.representative_map[target.index(common.config.num_wires, common.degree())]
    }
}
