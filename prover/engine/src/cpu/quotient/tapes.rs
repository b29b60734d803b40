//! Gates by their tapes, many points side by side.

use std::collections::HashMap;

use janction_accel_cpu::{Lanes, pack_mut};
use plonky2::field::types::Field;
use plonky2::gates::gate::GateRef;
use plonky2::hash::hash_types::{HashOut, NUM_HASH_OUT_ELTS};
use plonky2::plonk::circuit_data::CommonCircuitData;

use super::block::Inputs;
use crate::tape::{Instruction, Operand, Program, traced};
use crate::{D, F};

/// The programs of a circuit's gates, on one memory: constants of gates, wires, public inputs' hash, literals, slots. A
/// place holds a value for every point of a block.
#[derive(Default)]
pub(super) struct Tapes {
    programs: Vec<Vec<Step>>,
    /// Columns of constants that belong to selectors.
    prefix: usize,
    constants: usize,
    wires: usize,
    literals: Vec<F>,
    places: usize,
}

/// An instruction whose operands are places.
#[derive(Clone, Copy, Debug)]
enum Step {
    Add(u32, [u32; 2]),
    Sub(u32, [u32; 2]),
    Mul(u32, [u32; 2]),
    MulAdd(u32, [u32; 3]),
    Constraint(u32, u32),
}

impl Tapes {
    /// The programs of those gates that `wanted` picks and that can be traced; with each gate, its program's index.
    pub(super) fn of(
        common: &CommonCircuitData<F, D>,
        wanted: impl Fn(&GateRef<F, D>) -> bool,
    ) -> (Self, Vec<Option<usize>>) {
        let mut programs = Vec::new();
        let mut indices = Vec::with_capacity(common.gates.len());
        for gate in &common.gates {
            let tape = wanted(gate).then(|| traced(gate)).and_then(Result::ok);
            indices.push(tape.map(|tape| {
                programs.push(Program::of(&tape));
                programs.len() - 1
            }));
        }
        let prefix = common.selectors_info.num_selectors() + common.num_lookup_selectors;
        let mut tapes = Self {
            prefix,
            constants: common.num_constants - prefix,
            wires: common.config.num_wires,
            ..Self::default()
        };
        tapes.place(&programs);
        (tapes, indices)
    }

    fn place(&mut self, programs: &[Program]) {
        let first_literal = self.constants + self.wires + NUM_HASH_OUT_ELTS;
        let mut literals = HashMap::new();
        for instruction in programs.iter().flat_map(|program| &program.instructions) {
            for operand in operands(instruction) {
                if let Operand::Literal(value) = operand {
                    literals.entry(value).or_insert_with(|| {
                        self.literals.push(F::from_canonical_u64(value));
                        first_literal + self.literals.len() - 1
                    });
                }
            }
        }
        let first_slot = first_literal + self.literals.len();
        self.places = first_slot + programs.iter().map(|program| program.slots).max().unwrap_or(0);
        let (constants, wires) = (self.constants, self.wires);
        let at = |operand| {
            let place = match operand {
                Operand::Constant(i) => i as usize,
                Operand::Wire(i) => constants + i as usize,
                Operand::PublicInputsHash(i) => constants + wires + i as usize,
                Operand::Literal(value) => literals[&value],
                Operand::Slot(i) => first_slot + i as usize,
            };
            place as u32
        };
        let slot = |i| at(Operand::Slot(i));
        let step = |instruction: &Instruction| match *instruction {
            Instruction::Add(to, operands) => Step::Add(slot(to), operands.map(at)),
            Instruction::Sub(to, operands) => Step::Sub(slot(to), operands.map(at)),
            Instruction::Mul(to, operands) => Step::Mul(slot(to), operands.map(at)),
            Instruction::MulAdd(to, operands) => Step::MulAdd(slot(to), operands.map(at)),
            Instruction::Constraint(constraint, value) => Step::Constraint(constraint, at(value)),
        };
        self.programs = programs.iter().map(|p| p.instructions.iter().map(step).collect()).collect();
    }

    /// Elements that a block of points needs in memory.
    pub(super) fn memory(&self, points: usize) -> usize {
        if self.programs.is_empty() { 0 } else { self.places * points }
    }

    /// Writes what the programs read at the points of a block.
    pub(super) fn load(&self, inputs: &Inputs, public_inputs_hash: &HashOut<F>, memory: &mut [F]) {
        let points = inputs.points;
        let (constants, rest) = memory.split_at_mut(self.constants * points);
        constants.copy_from_slice(&inputs.constants[self.prefix * points..]);
        let (wires, rest) = rest.split_at_mut(self.wires * points);
        wires.copy_from_slice(&inputs.wires);
        let known = public_inputs_hash.elements.iter().chain(&self.literals);
        rest.chunks_exact_mut(points).zip(known).for_each(|(place, &value)| place.fill(value));
    }

    /// Adds a gate's constraints behind its filters, one for each vector of points.
    #[inline(always)]
    pub(super) fn add<L: Lanes>(&self, program: usize, filters: &[L], memory: &mut [F], terms: &mut [L]) {
        let vectors = filters.len();
        let memory = pack_mut::<L>(memory);
        let at = |place: u32| place as usize * vectors;
        for &step in &self.programs[program] {
            match step {
                Step::Add(to, [a, b]) => {
                    for v in 0..vectors {
                        memory[at(to) + v] = memory[at(a) + v].add(memory[at(b) + v]);
                    }
                }
                Step::Sub(to, [a, b]) => {
                    for v in 0..vectors {
                        memory[at(to) + v] = memory[at(a) + v].sub(memory[at(b) + v]);
                    }
                }
                Step::Mul(to, [a, b]) => {
                    for v in 0..vectors {
                        memory[at(to) + v] = memory[at(a) + v].mul(memory[at(b) + v]);
                    }
                }
                Step::MulAdd(to, [a, b, c]) => {
                    for v in 0..vectors {
                        memory[at(to) + v] = memory[at(a) + v].mul_add(memory[at(b) + v], memory[at(c) + v]);
                    }
                }
                Step::Constraint(constraint, value) => {
                    for (v, &filter) in filters.iter().enumerate() {
                        let term = &mut terms[at(constraint) + v];
                        *term = memory[at(value) + v].mul_add(filter, *term);
                    }
                }
            }
        }
    }
}

fn operands(instruction: &Instruction) -> impl Iterator<Item = Operand> {
    let operands = match *instruction {
        Instruction::Add(_, [a, b]) | Instruction::Sub(_, [a, b]) | Instruction::Mul(_, [a, b]) => {
            [Some(a), Some(b), None]
        }
        Instruction::MulAdd(_, operands) => operands.map(Some),
        Instruction::Constraint(_, value) => [Some(value), None, None],
    };
    operands.into_iter().flatten()
}
