//! The gate that turns an encoded key into a point of the group, and doubles it.

use janction_protocol::crypto::{GFp5, Point, gfp5};
use plonky2::field::extension::Extendable;
use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::gates::gate::Gate;
use plonky2::gates::packed_util::PackedEvaluableBase;
use plonky2::gates::util::StridedConstraintConsumer;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator, WitnessGeneratorRef};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, Witness};
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::vars::{
    EvaluationTargets, EvaluationVars, EvaluationVarsBaseBatch, EvaluationVarsBasePacked,
};
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};

use super::PointTarget;
use super::affine::{self, point_at, set_point, set5};
use super::algebra::{Affine, Algebra, InCircuit, Native, Quintic, double};
use crate::{Builder, D, F};

/// No square in GF(p), hence none in GF(p^5).
const NON_SQUARE: u64 = 7;

const W: usize = 0;
const POINT: usize = 5;
const DOUBLED: usize = 15;
const ROOT: usize = 25;
const WIRES: usize = 30;

/// Decodes one non-neutral point of the group from its encoding w, and doubles it.
///
/// ```text
/// w u = 1      x (w^2 - 2 - x) = b      x = 7 g^2      (x', u') = 2 (x, u)
/// ```
///
/// The first two say that (x, y = w x) is on the curve and u = x / y; the third that x is no square (it is not zero,
/// because b is not), so that of the two points with this w it is the one of the group. Degree 5, 25 constraints,
/// 30 wires, all but g routed.
#[derive(Clone, Copy, Debug, Default)]
pub struct DecodeGate;

impl DecodeGate {
    fn evaluate<G: Algebra>(g: &mut G, wire: impl Fn(usize) -> G::E, mut constraint: impl FnMut(G::E)) {
        let quintic = |start: usize| -> Quintic<G::E> { std::array::from_fn(|i| wire(start + i)) };
        let point = |start: usize| Affine { x: quintic(start), u: quintic(start + 5) };
        let (w, root) = (quintic(W), quintic(ROOT));
        let p = point(POINT);

        let one = g.constant(F::ONE);
        let mut product = g.mul5(&w, &p.u);
        product[0] = g.sub(product[0], one);
        product.into_iter().for_each(&mut constraint);

        let two = g.constant(F::TWO);
        let mut other = g.square5(&w);
        other[0] = g.sub(other[0], two);
        let other = g.sub5(&other, &p.x);
        let mut product = g.mul5(&p.x, &other);
        let b = g.constant(F::from_canonical_u64(janction_protocol::crypto::curve::B_Z));
        product[1] = g.sub(product[1], b);
        product.into_iter().for_each(&mut constraint);

        let square = g.square5(&root);
        let scaled = square.map(|c| g.scale(NON_SQUARE, c));
        g.sub5(&scaled, &p.x).into_iter().for_each(&mut constraint);

        double(g, &p, &point(DOUBLED), &mut constraint);
    }
}

impl Gate<F, D> for DecodeGate {
    fn id(&self) -> String {
        "EcGFp5DecodeGate".to_string()
    }

    fn serialize(&self, _dst: &mut Vec<u8>, _common_data: &CommonCircuitData<F, D>) -> IoResult<()> {
        Ok(())
    }

    fn deserialize(_src: &mut Buffer, _common_data: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self)
    }

    fn eval_unfiltered(&self, vars: EvaluationVars<F, D>) -> Vec<<F as Extendable<D>>::Extension> {
        let mut constraints = Vec::with_capacity(Gate::<F, D>::num_constraints(self));
        Self::evaluate(&mut Native::new(), |i| vars.local_wires[i], |c| constraints.push(c));
        constraints
    }

    fn eval_unfiltered_base_batch(&self, vars_base: EvaluationVarsBaseBatch<F>) -> Vec<F> {
        self.eval_unfiltered_base_batch_packed(vars_base)
    }

    fn eval_unfiltered_circuit(
        &self,
        builder: &mut Builder,
        vars: EvaluationTargets<D>,
    ) -> Vec<ExtensionTarget<D>> {
        let mut constraints = Vec::with_capacity(Gate::<F, D>::num_constraints(self));
        Self::evaluate(&mut InCircuit(builder), |i| vars.local_wires[i], |c| constraints.push(c));
        constraints
    }

    fn generators(&self, row: usize, _local_constants: &[F]) -> Vec<WitnessGeneratorRef<F, D>> {
        vec![WitnessGeneratorRef::new(DecodeGenerator { row }.adapter())]
    }

    fn num_wires(&self) -> usize {
        WIRES
    }

    fn num_constants(&self) -> usize {
        0
    }

    fn degree(&self) -> usize {
        5
    }

    fn num_constraints(&self) -> usize {
        25
    }
}

impl PackedEvaluableBase<F, D> for DecodeGate {
    fn eval_unfiltered_base_packed<P: PackedField<Scalar = F>>(
        &self,
        vars_base: EvaluationVarsBasePacked<P>,
        mut yield_constr: StridedConstraintConsumer<P>,
    ) {
        Self::evaluate(&mut Native::new(), |i| vars_base.local_wires[i], |c| yield_constr.one(c));
    }
}

/// Fills a [`DecodeGate`] from w. Where w encodes no point it writes zeros, and the gate's constraints fail.
#[derive(Clone, Copy, Debug, Default)]
pub struct DecodeGenerator {
    row: usize,
}

impl DecodeGenerator {
    fn five(&self, start: usize) -> [Target; 5] {
        std::array::from_fn(|i| Target::wire(self.row, start + i))
    }
}

impl SimpleGenerator<F, D> for DecodeGenerator {
    fn id(&self) -> String {
        "EcGFp5DecodeGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        self.five(W).to_vec()
    }

    fn run_once(
        &self,
        witness: &PartitionWitness<F>,
        out_buffer: &mut GeneratedValues<F>,
    ) -> anyhow::Result<()> {
        let w = GFp5 { 0: self.five(W).map(|t| witness.get_target(t)) };
        let p = Point::decode(w).map_or((GFp5::ZERO, GFp5::ZERO), |p| p.affine());
        let root = gfp5::sqrt(p.0 * GFp5::from_canonical_u64(NON_SQUARE).inverse()).unwrap_or(GFp5::ZERO);
        set_point(out_buffer, &point_at(self.row, POINT), p)?;
        set_point(out_buffer, &point_at(self.row, DOUBLED), affine::add(p, p))?;
        set5(out_buffer, &self.five(ROOT), root)
    }

    fn serialize(&self, dst: &mut Vec<u8>, _common_data: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_usize(self.row)
    }

    fn deserialize(src: &mut Buffer, _common_data: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self { row: src.read_usize()? })
    }
}

/// The point with encoding `w`. One row.
///
/// Enforces: `w` encodes a point of the group that is not neutral, and the result is that point and its double.
pub fn decode_key(builder: &mut Builder, w: &[Target; 5]) -> PointTarget {
    let row = builder.add_gate(DecodeGate, vec![]);
    for (i, &t) in w.iter().enumerate() {
        builder.connect(t, Target::wire(row, W + i));
    }
    PointTarget { point: point_at(row, POINT), doubled: point_at(row, DOUBLED) }
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Sample;
    use plonky2::iop::witness::{PartialWitness, WitnessWrite};
    use plonky2::plonk::circuit_data::CircuitConfig;

    use super::*;
    use crate::C;
    use crate::test_utils::{Violation, assert_rejected, check, check_gate, generate};

    #[test]
    fn evaluations_agree() {
        check_gate(&DecodeGate);
    }

    fn decodable() -> Point {
        std::iter::repeat_with(GFp5::rand).find_map(Point::decode).expect("half of all elements decode")
    }

    #[test]
    fn decodes_what_native_decodes() {
        let mut builder = Builder::new(CircuitConfig::standard_recursion_config());
        let w = builder.add_virtual_target_arr();
        let p = decode_key(&mut builder, &w);
        let row = match p.point.x[0] {
            Target::Wire(wire) => wire.row,
            Target::VirtualTarget { .. } => unreachable!("a wire of the gate"),
        };
        let circuit = builder.build::<C>();
        let inputs = |value: GFp5| {
            let mut pw = PartialWitness::new();
            pw.set_target_arr(&w, &value.0).unwrap();
            pw
        };
        for _ in 0..10 {
            let point = decodable();
            let witness = generate(&circuit, inputs(point.encode()), &[]).unwrap();
            check(&circuit, &witness).unwrap();
            assert_eq!(affine::get_point(&witness, &p.point), point.affine());
            assert_eq!(affine::get_point(&witness, &p.doubled), point.double().affine());
        }
        // Neutral, and what is no encoding.
        let bad = std::iter::repeat_with(GFp5::rand).find(|&w| Point::decode(w).is_none()).expect("half");
        for w in [GFp5::ZERO, bad] {
            let violation = assert_rejected(&circuit, inputs(w), &[]);
            assert!(matches!(violation, Violation::Gate { row: r, .. } if r == row), "{violation}");
        }

        // Every single wire is bound.
        let point = decodable();
        let witness = generate(&circuit, inputs(point.encode()), &[]).unwrap();
        for column in 5..WIRES {
            let t = Target::wire(row, column);
            let lie = [(t, witness.get_target(t) + F::ONE)];
            assert_rejected(&circuit, inputs(point.encode()), &lie);
        }

        // The other point of the curve with the same w (its x is a square, x' = b / x), consistently doubled.
        let (x, u) = point.affine();
        let other = (janction_protocol::crypto::curve::mul_b(x.inverse()), u);
        let doubled = affine::add(other, other);
        let forged = |root: GFp5| {
            let generator = DecodeGenerator { row };
            [(p.point.x, other.0), (p.point.u, u), (p.doubled.x, doubled.0), (p.doubled.u, doubled.1)]
                .into_iter()
                .chain([(generator.five(ROOT), root)])
                .flat_map(|(t, v)| t.into_iter().zip(v.0))
                .collect::<Vec<_>>()
        };
        for root in [GFp5::ZERO, GFp5::ONE, gfp5::sqrt(other.0).unwrap()] {
            // Only the third group of constraints stands in the way.
            match assert_rejected(&circuit, inputs(point.encode()), &forged(root)) {
                Violation::Gate { row: r, constraint, .. } => {
                    assert!(r == row && (10..15).contains(&constraint))
                }
                v => panic!("{v}"),
            }
        }
        // A point off the curve.
        let off = [(p.point.x[0], F::ONE), (p.point.x[1], F::ZERO)];
        assert_rejected(&circuit, inputs(point.encode()), &off);
    }
}
