use std::collections::HashMap;
use std::ops::{Add, Mul, Sub};

use plonky2::field::types::{Field, PrimeField64};

use crate::F;

/// A value of a gate's constraints. Operands are positions of earlier nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// A wire of the row.
    Wire(u32),
    /// A constant of the gate, selectors not counted.
    Constant(u32),
    /// An element of the public inputs' hash.
    PublicInputsHash(u32),
    /// A canonical element.
    Literal(u64),
    /// A sum.
    Add(u32, u32),
    /// A difference.
    Sub(u32, u32),
    /// A product.
    Mul(u32, u32),
}

impl Node {
    /// The nodes that this one reads.
    pub fn operands(self) -> impl Iterator<Item = u32> {
        let operands = match self {
            Self::Add(a, b) | Self::Sub(a, b) | Self::Mul(a, b) => [Some(a), Some(b)],
            _ => [None; 2],
        };
        operands.into_iter().flatten()
    }
}

/// Expressions in the making: equal ones are one node, and what is known is computed.
#[derive(Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    positions: HashMap<Node, u32>,
}

impl Graph {
    /// The node's position; a new one if there was none like it.
    pub fn node(&mut self, node: Node) -> u32 {
        *self.positions.entry(node).or_insert_with(|| {
            self.nodes.push(node);
            self.nodes.len() as u32 - 1
        })
    }

    /// A known element.
    pub fn literal(&mut self, value: F) -> u32 {
        self.node(Node::Literal(value.to_canonical_u64()))
    }

    /// What the node is known to be.
    pub fn value(&self, node: u32) -> Option<F> {
        match self.nodes[node as usize] {
            Node::Literal(value) => Some(F::from_canonical_u64(value)),
            _ => None,
        }
    }

    /// a + b.
    pub fn add(&mut self, a: u32, b: u32) -> u32 {
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) => self.literal(x + y),
            (Some(x), _) if x.is_zero() => b,
            (_, Some(y)) if y.is_zero() => a,
            _ => match (self.negated(a), self.negated(b)) {
                (_, Some(b)) => self.sub(a, b),
                (Some(a), _) => self.sub(b, a),
                _ => self.node(Node::Add(a.min(b), a.max(b))),
            },
        }
    }

    /// a - b.
    pub fn sub(&mut self, a: u32, b: u32) -> u32 {
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) => self.literal(x - y),
            (_, Some(y)) if y.is_zero() => a,
            _ if a == b => self.literal(F::ZERO),
            _ => match self.negated(b) {
                Some(b) => self.add(a, b),
                None => self.node(Node::Sub(a, b)),
            },
        }
    }

    /// a · b.
    pub fn mul(&mut self, a: u32, b: u32) -> u32 {
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) => self.literal(x * y),
            (Some(x), None) => self.scale(x, b),
            (None, Some(y)) => self.scale(y, a),
            (None, None) => self.node(Node::Mul(a.min(b), a.max(b))),
        }
    }

    /// factor · a, where `a` is not known.
    fn scale(&mut self, factor: F, a: u32) -> u32 {
        if let Some(a) = self.negated(a) {
            return self.scale(-factor, a);
        }
        if let Node::Mul(b, c) = self.nodes[a as usize] {
            // Literals are the first operand of a scaled node.
            if let Some(inner) = self.value(b) {
                return self.scale(factor * inner, c);
            }
        }
        if factor.is_one() {
            a
        } else if factor == F::NEG_ONE {
            let zero = self.literal(F::ZERO);
            self.node(Node::Sub(zero, a))
        } else {
            let literal = self.literal(factor);
            if factor.is_zero() { literal } else { self.node(Node::Mul(literal, a)) }
        }
    }

    /// b, where the node is 0 - b.
    fn negated(&self, node: u32) -> Option<u32> {
        match self.nodes[node as usize] {
            Node::Sub(zero, b) if self.value(zero) == Some(F::ZERO) => Some(b),
            _ => None,
        }
    }

    /// What the constraints need, in an order in which each follows soon after its operands.
    pub fn into_tape(self, constraints: &[u32]) -> Tape {
        let mut moved = vec![None; self.nodes.len()];
        let mut nodes = Vec::new();
        let mut stack = Vec::new();
        for &constraint in constraints {
            stack.push(constraint);
            while let Some(&node) = stack.last() {
                let before = stack.len();
                if moved[node as usize].is_none() {
                    // The last one pushed is the first one made.
                    let missing = self.nodes[node as usize].operands();
                    stack.extend(missing.filter(|&operand| moved[operand as usize].is_none()));
                }
                if stack.len() == before {
                    stack.pop();
                    moved[node as usize].get_or_insert_with(|| {
                        nodes.push(self.nodes[node as usize]);
                        nodes.len() as u32 - 1
                    });
                }
            }
        }
        let at = |node: u32| moved[node as usize].unwrap_or_default();
        for node in &mut nodes {
            *node = match *node {
                Node::Add(a, b) => Node::Add(at(a), at(b)),
                Node::Sub(a, b) => Node::Sub(at(a), at(b)),
                Node::Mul(a, b) => Node::Mul(at(a), at(b)),
                leaf => leaf,
            };
        }
        Tape { nodes, constraints: constraints.iter().map(|&constraint| at(constraint)).collect() }
    }
}

/// The constraints of a gate: expressions in the row's wires, the gate's constants and the public inputs' hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tape {
    /// Every value that a constraint needs, once, after its operands.
    pub(super) nodes: Vec<Node>,
    /// The constraints' nodes in the gate's order.
    pub(super) constraints: Vec<u32>,
}

impl Tape {
    /// Every value that a constraint needs, once, after its operands.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The constraints' nodes in the gate's order.
    pub fn constraints(&self) -> &[u32] {
        &self.constraints
    }

    /// The constraints' values, in any commutative algebra over the field.
    ///
    /// # Panics
    /// When the gate reads more wires or constants than are given.
    pub fn evaluate<T>(
        &self,
        wires: &[T],
        constants: &[T],
        public_inputs_hash: &[T; 4],
        literal: impl Fn(F) -> T,
    ) -> Vec<T>
    where
        T: Copy + Add<Output = T> + Sub<Output = T> + Mul<Output = T>,
    {
        let mut values: Vec<T> = Vec::with_capacity(self.nodes.len());
        for &node in &self.nodes {
            let value = |i: u32| values[i as usize];
            let value = match node {
                Node::Wire(i) => wires[i as usize],
                Node::Constant(i) => constants[i as usize],
                Node::PublicInputsHash(i) => public_inputs_hash[i as usize],
                Node::Literal(x) => literal(F::from_canonical_u64(x)),
                Node::Add(a, b) => value(a) + value(b),
                Node::Sub(a, b) => value(a) - value(b),
                Node::Mul(a, b) => value(a) * value(b),
            };
            values.push(value);
        }
        self.constraints.iter().map(|&i| values[i as usize]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_computed_and_what_is_equal_is_shared() {
        let mut graph = Graph::default();
        let (x, y) = (graph.node(Node::Wire(0)), graph.node(Node::Wire(1)));
        let [zero, one, two, minus] = [F::ZERO, F::ONE, F::TWO, F::NEG_ONE].map(|value| graph.literal(value));
        assert_eq!(graph.add(x, zero), x);
        assert_eq!(graph.mul(one, x), x);
        assert_eq!(graph.mul(x, zero), zero);
        assert_eq!(graph.sub(y, y), zero);
        assert_eq!(graph.add(one, one), two);
        assert_eq!(graph.mul(x, y), graph.mul(y, x));
        let (negated, difference) = (graph.mul(minus, y), graph.sub(x, y));
        assert_eq!(graph.add(x, negated), difference);
        assert_eq!(graph.add(negated, x), difference);
        let sum = graph.add(x, y);
        assert_eq!(graph.sub(x, negated), sum);
        let doubled = graph.mul(x, two);
        let four = graph.literal(F::from_canonical_u64(4));
        assert_eq!(graph.mul(doubled, two), graph.mul(four, x));
        assert_eq!(graph.mul(negated, minus), y);
    }

    #[test]
    fn what_nothing_needs_is_dropped() {
        let mut graph = Graph::default();
        let (x, y) = (graph.node(Node::Wire(0)), graph.node(Node::Wire(1)));
        graph.mul(x, y);
        let sum = graph.add(x, y);
        let square = graph.mul(sum, sum);
        let tape = graph.into_tape(&[square, x, square]);
        assert_eq!(tape.nodes().len(), 4);
        let [three, four] = [3, 4].map(F::from_canonical_u64);
        let values = tape.evaluate(&[three, four], &[], &[F::ZERO; 4], |value| value);
        assert_eq!(values, [F::from_canonical_u64(49), three, F::from_canonical_u64(49)]);
    }
}
