use super::{Node, Tape};

/// Where an instruction reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A wire of the row.
    Wire(u32),
    /// A constant of the gate, selectors not counted.
    Constant(u32),
    /// An element of the public inputs' hash.
    PublicInputsHash(u32),
    /// A canonical element.
    Literal(u64),
    /// A place that an earlier instruction wrote to.
    Slot(u32),
}

/// One step of a [`Program`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// The slot becomes a + b.
    Add(u32, [Operand; 2]),
    /// The slot becomes a - b.
    Sub(u32, [Operand; 2]),
    /// The slot becomes a · b.
    Mul(u32, [Operand; 2]),
    /// The slot becomes a · b + c.
    MulAdd(u32, [Operand; 3]),
    /// The value of a constraint.
    Constraint(u32, Operand),
}

/// A tape, or some of its constraints, in instructions that write to few slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// In order.
    pub instructions: Vec<Instruction>,
    /// How many slots there are.
    pub slots: usize,
}

impl Program {
    /// All constraints of a tape.
    pub fn of(tape: &Tape) -> Self {
        Self::of_some(tape, 0..tape.constraints.len())
    }

    /// The constraints of a tape in programs of at most about `limit` instructions each: a constraint is never cut, and
    /// what several programs need, each of them computes.
    pub fn cut(tape: &Tape, limit: usize) -> Vec<Self> {
        let mut programs: Vec<Self> = Vec::new();
        let mut first = 0;
        while first < tape.constraints.len() {
            let mut needed = vec![false; tape.nodes.len()];
            let mut count = 0;
            let mut end = first;
            while end < tape.constraints.len() {
                count += need(tape, tape.constraints[end], &mut needed);
                if count > limit && end > first {
                    break;
                }
                end += 1;
            }
            programs.push(Self::of_some(tape, first..end));
            first = end;
        }
        programs
    }

    fn of_some(tape: &Tape, constraints: std::ops::Range<usize>) -> Self {
        let mut needed = vec![false; tape.nodes.len()];
        for &constraint in &tape.constraints[constraints.clone()] {
            need(tape, constraint, &mut needed);
        }
        let mut schedule = Schedule::of(tape, needed, constraints.clone());
        // The nodes stand in the order of the constraints that first need them.
        let mut next = constraints.start;
        for node in 0..tape.nodes.len() {
            while next < constraints.end && (tape.constraints[next] as usize) < node {
                schedule.constraint(next);
                next += 1;
            }
            schedule.compute(node);
        }
        (next..constraints.end).for_each(|constraint| schedule.constraint(constraint));
        schedule.program
    }
}

/// Marks a node and everything under it; returns how many sums and products were not marked before.
fn need(tape: &Tape, node: u32, needed: &mut [bool]) -> usize {
    let mut count = 0;
    let mut stack = vec![node];
    while let Some(node) = stack.pop() {
        if !std::mem::replace(&mut needed[node as usize], true) {
            let operands = tape.nodes[node as usize].operands();
            count += usize::from(operands.count() > 0);
            stack.extend(tape.nodes[node as usize].operands());
        }
    }
    count
}

/// A program in the making.
struct Schedule<'a> {
    tape: &'a Tape,
    /// How often each node is still to be read; nothing reads what is not needed.
    reads: Vec<u32>,
    /// Products that are computed together with the sum that reads them.
    fused: Vec<bool>,
    places: Vec<Operand>,
    free: Vec<u32>,
    program: Program,
}

impl<'a> Schedule<'a> {
    fn of(tape: &'a Tape, needed: Vec<bool>, constraints: std::ops::Range<usize>) -> Self {
        let nodes = &tape.nodes;
        let mut reads = vec![0; nodes.len()];
        for (node, _) in nodes.iter().zip(&needed).filter(|(_, needed)| **needed) {
            node.operands().for_each(|operand| reads[operand as usize] += 1);
        }
        for &constraint in &tape.constraints[constraints] {
            reads[constraint as usize] += 1;
        }
        let mut fused = vec![false; nodes.len()];
        for (node, _) in nodes.iter().zip(&needed).filter(|(_, needed)| **needed) {
            if let Node::Add(a, b) = *node {
                let lonely = |i: u32| matches!(nodes[i as usize], Node::Mul(..)) && reads[i as usize] == 1;
                if let Some(product) = [b, a].into_iter().find(|&i| lonely(i)) {
                    fused[product as usize] = true;
                }
            }
        }
        let places = nodes.iter().map(|&node| leaf(node)).collect();
        Self { tape, reads, fused, places, free: Vec::new(), program: Program::default() }
    }

    fn compute(&mut self, node: usize) {
        if self.reads[node] == 0 || self.fused[node] {
            return;
        }
        let place = |schedule: &Self, i: u32| schedule.places[i as usize];
        let instruction: fn(u32, [Operand; 3]) -> Instruction;
        let (operands, read) = match self.tape.nodes[node] {
            Node::Add(a, b) => {
                // At most one operand is fused with this sum.
                if let Some((product, addend)) = [(a, b), (b, a)].into_iter().find(|&(i, _)| self.fuses(i)) {
                    instruction = Instruction::MulAdd;
                    let factors: Vec<u32> = self.tape.nodes[product as usize].operands().collect();
                    let read = [factors[0], factors[1], addend];
                    (read.map(|i| place(self, i)), read.to_vec())
                } else {
                    instruction = |to, [a, b, _]| Instruction::Add(to, [a, b]);
                    ([place(self, a), place(self, b), Operand::Literal(0)], vec![a, b])
                }
            }
            Node::Sub(a, b) => {
                instruction = |to, [a, b, _]| Instruction::Sub(to, [a, b]);
                ([place(self, a), place(self, b), Operand::Literal(0)], vec![a, b])
            }
            Node::Mul(a, b) => {
                instruction = |to, [a, b, _]| Instruction::Mul(to, [a, b]);
                ([place(self, a), place(self, b), Operand::Literal(0)], vec![a, b])
            }
            _ => return,
        };
        read.into_iter().for_each(|i| self.release(i));
        let slot = self.free.pop().unwrap_or_else(|| {
            self.program.slots += 1;
            self.program.slots as u32 - 1
        });
        self.places[node] = Operand::Slot(slot);
        self.program.instructions.push(instruction(slot, operands));
    }

    /// Whether a node is a product that is computed with the sum that reads it.
    fn fuses(&self, node: u32) -> bool {
        self.fused[node as usize]
    }

    fn constraint(&mut self, constraint: usize) {
        let node = self.tape.constraints[constraint];
        self.program
            .instructions
            .push(Instruction::Constraint(constraint as u32, self.places[node as usize]));
        self.release(node);
    }

    /// Gives a slot back after its last read.
    fn release(&mut self, node: u32) {
        let reads = &mut self.reads[node as usize];
        *reads -= 1;
        if let (0, Operand::Slot(slot)) = (*reads, self.places[node as usize]) {
            self.free.push(slot);
        }
    }
}

/// Where a node without operands is read; other nodes get a slot later.
fn leaf(node: Node) -> Operand {
    match node {
        Node::Wire(i) => Operand::Wire(i),
        Node::Constant(i) => Operand::Constant(i),
        Node::PublicInputsHash(i) => Operand::PublicInputsHash(i),
        Node::Literal(value) => Operand::Literal(value),
        Node::Add(..) | Node::Sub(..) | Node::Mul(..) => Operand::Slot(u32::MAX),
    }
}
