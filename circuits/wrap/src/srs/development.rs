//! A string with a public secret, made quickly by fixed-base multiplication.

use halo2_proofs::halo2curves::bn256::{Fr, G1, G1Affine, G2Affine};
use halo2_proofs::halo2curves::ff::{Field, FromUniformBytes, PrimeField};
use halo2_proofs::halo2curves::group::{Curve, Group};
use rayon::prelude::*;

use super::Points;

const WINDOW_BITS: usize = 8;
const WINDOWS: usize = 256 / WINDOW_BITS;

/// Everybody knows this secret.
fn public_secret() -> Fr {
    let mut bytes = [0; 64];
    blake3::Hasher::new()
        .update(b"janction INSECURE development SRS: the secret is this sentence")
        .finalize_xof()
        .fill(&mut bytes);
    Fr::from_uniform_bytes(&bytes)
}

/// 2^k powers of the public secret.
pub fn points(k: u32) -> Points {
    let secret = public_secret();
    let n = 1u64 << k;
    let powers: Vec<Fr> =
        std::iter::successors(Some(Fr::ONE), |power| Some(power * secret)).take(n as usize).collect();
    // L_i(s) = ω^i·(s^n - 1)/(n·(s - ω^i))
    let root = Fr::ROOT_OF_UNITY.pow_vartime([1 << (Fr::S - k)]);
    let scale = (secret.pow_vartime([n]) - Fr::ONE) * Fr::from(n).invert().expect("n is a power of two");
    let lagrange: Vec<Fr> = (0..n)
        .into_par_iter()
        .map(|i| {
            let point = root.pow_vartime([i]);
            scale * point * (secret - point).invert().expect("the secret is no root of unity")
        })
        .collect();
    let table = table();
    let g2 = G2Affine::generator();
    Points {
        g: multiply(&table, &powers),
        g_lagrange: multiply(&table, &lagrange),
        g2,
        s_g2: (g2 * secret).to_affine(),
    }
}

/// j·2^(8i)·G for all windows i and digits j > 0.
fn table() -> Vec<Vec<G1Affine>> {
    let mut base = G1::generator();
    (0..WINDOWS)
        .map(|_| {
            let multiples: Vec<G1> = std::iter::successors(Some(base), |point| Some(point + base))
                .take((1 << WINDOW_BITS) - 1)
                .collect();
            base += multiples.last().expect("not empty");
            normalize(&multiples)
        })
        .collect()
}

fn normalize(points: &[G1]) -> Vec<G1Affine> {
    let mut affine = vec![G1Affine::default(); points.len()];
    G1::batch_normalize(points, &mut affine);
    affine
}

fn multiply(table: &[Vec<G1Affine>], scalars: &[Fr]) -> Vec<G1Affine> {
    scalars
        .par_chunks(1 << 12)
        .flat_map_iter(|scalars| {
            let points: Vec<G1> = scalars
                .iter()
                .map(|scalar| {
                    let digits = scalar.to_repr();
                    table.iter().zip(digits).fold(G1::identity(), |sum, (multiples, digit)| {
                        if digit == 0 { sum } else { sum + multiples[usize::from(digit) - 1] }
                    })
                })
                .collect();
            normalize(&points)
        })
        .collect()
}
