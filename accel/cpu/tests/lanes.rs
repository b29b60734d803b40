//! Packed arithmetic against Plonky2's field, on every backend of this processor.

mod common;

use common::{EDGES, P, word};
use janction_accel_cpu::field::batch_inverse;
use janction_accel_cpu::{AccelError, Backend, Extension, F, Kernel, Lanes};
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::{Field, PrimeField64};
use proptest::prelude::*;

/// Every operation of the lanes on (a, b, c), lane by lane.
struct All([[u64; 3]; 8]);

/// The results of lane i, not canonical: sum, sum with canonical, difference, butterfly (2), product, square,
/// multiply-add, times 2^48, wide, halves, canonical, extension product (2), square (2), scale-add (2), bits of both,
/// product of lower halves.
type Results = [u64; 20];

impl All {
    #[inline(always)]
    fn of<V: Lanes>(&self) -> Vec<Results> {
        let [a, b, c] = [0, 1, 2].map(|k| V::from_fn(|i| self.0[i][k]));
        let (plus, minus) = a.butterfly(b);
        let (e, f) = (Extension([a, b]), Extension([b, c]));
        let (product, square, scaled) = ((e * f).0, e.square().0, e.scale_add(c, f).0);
        let results = [
            a.add(b),
            a.add_canonical(b.canonical()),
            a.sub(b),
            plus,
            minus,
            a.mul(b),
            a.square(),
            a.mul_add(b, c),
            a.mul_2_48(),
            V::reduce_wide(a, b),
            V::reduce_halves(a.raw_shr::<4>(), b.raw_shr::<4>()),
            a.canonical(),
            product[0],
            product[1],
            square[0],
            square[1],
            scaled[0],
            scaled[1],
            a.raw_and(b),
            a.raw_mul(b),
        ]
        .map(V::to_array);
        (0..V::WIDTH).map(|i| results.map(|r| r[i])).collect()
    }
}

impl Kernel for &All {
    type Output = Vec<Results>;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Self::Output {
        self.of::<L>()
    }
}

fn expected([a, b, c]: [u64; 3]) -> Results {
    let wide = |low: u64, high: u64| F::from_noncanonical_u128((u128::from(high) << 64) + u128::from(low));
    let halves = (u128::from(b >> 4) << 32) + u128::from(a >> 4);
    let (x, y, z) = (F(a), F(b), F(c));
    let (e, f) = (QuadraticExtension([x, y]), QuadraticExtension([y, z]));
    let (product, square) = (e * f, e * e);
    let scaled = e * QuadraticExtension([z, F::ZERO]) + f;
    [
        x + y,
        x + y,
        x - y,
        x + y,
        x - y,
        x * y,
        x * x,
        x * y + z,
        x * F::from_canonical_u64(1 << 48),
        wide(a, b),
        F::from_noncanonical_u128(halves),
        x,
        product.0[0],
        product.0[1],
        square.0[0],
        square.0[1],
        scaled.0[0],
        scaled.0[1],
        F(a & b),
        F((a & 0xffff_ffff) * (b & 0xffff_ffff)),
    ]
    .map(|x| x.to_canonical_u64())
}

fn check(inputs: [[u64; 3]; 8]) {
    let kernel = All(inputs);
    for backend in Backend::available() {
        for (lane, (got, input)) in backend.run(&kernel).into_iter().zip(inputs).enumerate() {
            let canonical = got.map(|x| F(x).to_canonical_u64());
            assert_eq!(canonical, expected(input), "{backend}, lane {lane}, {input:x?}");
            assert_eq!(got[11], canonical[11], "{backend} makes canonical what it says");
        }
    }
}

#[test]
fn edges() {
    for a in EDGES {
        for b in EDGES {
            check(std::array::from_fn(|i| [a, b, EDGES[i]]));
            check(std::array::from_fn(|i| [EDGES[8 + i], a, b]));
        }
    }
}

/// Transposing moves lane i of vector j to lane j of vector i.
struct Transpose;

impl Kernel for Transpose {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let mut square: Vec<L> = (0..L::WIDTH).map(|j| L::from_fn(|i| (100 * j + i) as u64)).collect();
        L::transpose(&mut square);
        for (j, vector) in square.into_iter().enumerate() {
            for (i, x) in vector.to_array().into_iter().enumerate().take(L::WIDTH) {
                assert_eq!(x, (100 * i + j) as u64);
            }
        }
    }
}

#[test]
fn transposes() {
    Backend::available().into_iter().for_each(|backend| backend.run(Transpose));
}

#[test]
fn inverses() {
    for backend in Backend::available() {
        for n in 0..40 {
            let elements: Vec<F> =
                EDGES.iter().cycle().filter(|x| ![0, P].contains(x)).take(n).map(|x| F(*x)).collect();
            let inverses = batch_inverse(backend, &elements).expect("none is zero");
            assert_eq!(inverses, elements.iter().map(|x| x.inverse()).collect::<Vec<_>>());
            assert!(inverses.iter().all(|x| x.0 < P));
        }
        for zero in [0, P] {
            let elements = [F(3), F(4), F(zero)];
            assert_eq!(batch_inverse(backend, &elements), Err(AccelError::ZeroInverse { index: 2 }));
        }
    }
}

#[test]
fn names() {
    for backend in Backend::available() {
        assert_eq!(Backend::named(backend.name()), Ok(backend));
    }
    assert_eq!(Backend::available()[0], Backend::PORTABLE);
    let wrong = Backend::named("AVX512");
    assert_eq!(wrong, Err(AccelError::UnknownBackend { name: "AVX512".to_owned() }));
}

/// The variable is read once per process, so each value has a process of its own.
#[test]
fn the_variable_forces_a_backend() {
    let ask = |value: &str| {
        let output = std::process::Command::new(std::env::current_exe().expect("this test's program"))
            .args(["--exact", "current_backend", "--ignored", "--nocapture"])
            .env("JANCTION_SIMD", value)
            .output()
            .expect("this test's program runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    for backend in Backend::available() {
        assert!(ask(backend.name()).contains(&format!("Ok({backend})")), "{backend}");
    }
    assert!(ask("sse9").contains(r#"Err(UnknownBackend { name: "sse9" })"#));
    assert!(ask("").contains("Err(UnknownBackend"), "an empty value is no choice");
}

/// Not a test: what the one above runs.
#[test]
#[ignore = "run by another test, with JANCTION_SIMD set"]
fn current_backend() {
    println!("{:?}", Backend::current());
}

proptest! {
    #[test]
    fn random(inputs in prop::array::uniform8(prop::array::uniform3(word()))) {
        check(inputs);
    }
}
