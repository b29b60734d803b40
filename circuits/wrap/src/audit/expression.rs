//! The protocol as data: what is committed, opened and constrained.

use std::collections::BTreeMap;

use ark_bn254::{Fr, G1Affine};
use ark_ff::{AdditiveGroup, Field};
use halo2_proofs::halo2curves::bn256 as halo2;
use serde::{Deserialize, Deserializer};

use super::transcript::fr_from_halo2;

/// A polynomial at a rotation of the evaluation point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Query {
    /// Index: preprocessed, instances, witness, quotient.
    pub poly: usize,
    /// Rotation.
    pub rotation: i32,
}

/// A polynomial that both sides compute.
#[derive(Clone, Copy, Debug, Deserialize)]
pub enum CommonPolynomial {
    /// X.
    Identity,
    /// A Lagrange polynomial, counted from the end where negative.
    Lagrange(i32),
}

fn constant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fr, D::Error> {
    halo2::Fr::deserialize(deserializer).map(|element| fr_from_halo2(&element))
}

/// A constant of the field.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Constant(#[serde(deserialize_with = "constant")] pub Fr);

/// A constraint.
#[derive(Clone, Debug, Deserialize)]
pub enum Expression {
    /// A constant.
    Constant(Constant),
    /// A polynomial that both sides compute.
    CommonPolynomial(CommonPolynomial),
    /// An opened polynomial.
    Polynomial(Query),
    /// A challenge.
    Challenge(usize),
    /// -a.
    Negated(Box<Expression>),
    /// a + b.
    Sum(Box<Expression>, Box<Expression>),
    /// a·b.
    Product(Box<Expression>, Box<Expression>),
    /// a·c.
    Scaled(Box<Expression>, Constant),
    /// Horner's rule: the first expression has the highest power.
    DistributePowers(Vec<Expression>, Box<Expression>),
}

/// The quotient polynomial.
#[derive(Clone, Debug, Deserialize)]
pub struct Quotient {
    /// Degree of a chunk in multiples of the number of rows.
    pub chunk_degree: usize,
    /// What the vanishing polynomial divides.
    pub numerator: Expression,
}

/// The domain.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct DomainData {
    /// Base-two logarithm of the rows.
    pub k: usize,
    /// Generator; arkworks' root of unity of the same order is another one.
    pub r#gen: Constant,
}

/// The protocol.
#[derive(Clone, Debug, Deserialize)]
pub struct ProtocolData {
    /// The domain.
    pub domain: DomainData,
    /// Commitments of the key; set from the verifying key itself.
    #[serde(skip)]
    pub preprocessed: Vec<G1Affine>,
    /// Instances of each instance column.
    pub num_instance: Vec<usize>,
    /// Witness commitments of each round.
    pub num_witness: Vec<usize>,
    /// Challenges after each round.
    pub num_challenge: Vec<usize>,
    /// Order of the evaluations in the proof.
    pub evaluations: Vec<Query>,
    /// Order of the openings.
    pub queries: Vec<Query>,
    /// The quotient.
    pub quotient: Quotient,
    /// Hash of the key, with which the transcript starts; set from the verifying key itself.
    #[serde(skip)]
    pub initial_state: Option<Fr>,
    /// Not supported.
    pub instance_committing_key: Option<serde_json::Value>,
    /// Not supported.
    pub linearization: Option<serde_json::Value>,
}

impl ProtocolData {
    /// Index of the quotient polynomial.
    pub fn quotient_index(&self) -> usize {
        self.preprocessed.len() + self.num_instance.len() + self.num_witness.iter().sum::<usize>()
    }

    /// Chunks in which the quotient is committed.
    pub fn num_quotients(&self) -> usize {
        (self.quotient.numerator.degree() - 1).div_ceil(self.quotient.chunk_degree)
    }
}

impl Expression {
    /// Degree in multiples of the number of rows.
    pub fn degree(&self) -> usize {
        match self {
            Self::Constant(_) | Self::Challenge(_) => 0,
            Self::CommonPolynomial(_) | Self::Polynomial(_) => 1,
            Self::Negated(a) | Self::Scaled(a, _) => a.degree(),
            Self::Sum(a, b) => a.degree().max(b.degree()),
            Self::Product(a, b) => a.degree() + b.degree(),
            Self::DistributePowers(terms, base) => {
                terms.iter().map(Self::degree).fold(base.degree(), usize::max)
            }
        }
    }
}

/// What expressions are evaluated on.
pub struct Evaluator<'a> {
    /// Opened values.
    pub values: &'a BTreeMap<Query, Fr>,
    /// Challenges.
    pub challenges: &'a [Fr],
    /// The evaluation point.
    pub z: Fr,
    /// Lagrange polynomials at it.
    pub lagrange: &'a dyn Fn(i32) -> Option<Fr>,
}

impl Evaluator<'_> {
    /// The value; `None` when something is asked for that is not there.
    pub fn evaluate(&self, expression: &Expression) -> Option<Fr> {
        Some(match expression {
            Expression::Constant(constant) => constant.0,
            Expression::CommonPolynomial(CommonPolynomial::Identity) => self.z,
            Expression::CommonPolynomial(CommonPolynomial::Lagrange(i)) => (self.lagrange)(*i)?,
            Expression::Polynomial(query) => *self.values.get(query)?,
            Expression::Challenge(index) => *self.challenges.get(*index)?,
            Expression::Negated(a) => -self.evaluate(a)?,
            Expression::Sum(a, b) => self.evaluate(a)? + self.evaluate(b)?,
            Expression::Product(a, b) => self.evaluate(a)? * self.evaluate(b)?,
            Expression::Scaled(a, constant) => self.evaluate(a)? * constant.0,
            Expression::DistributePowers(terms, base) => {
                let base = if terms.len() > 1 { self.evaluate(base)? } else { Fr::ONE };
                let mut sum = Fr::ZERO;
                for term in terms {
                    sum = sum * base + self.evaluate(term)?;
                }
                sum
            }
        })
    }
}
