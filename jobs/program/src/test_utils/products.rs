//! Random programs of matrix products.

use super::Random;
use crate::{
    builder::{Builder, MatMulOptions},
    program::Program,
    tensor::{Cells, Tensor},
};

/// A random program of one to four matrix products with reshapes between them.
#[must_use]
pub fn random_products(seed: u64) -> Program {
    let r = &mut Random::new(seed);
    let mut b = Builder::new("random", r.range(0, 5) as u8);
    let mut dtype = r.byte_dtype();
    let shape: Vec<u32> = (0..r.range(1, 3)).map(|_| r.range(1, 5) as u32).collect();
    let mut columns: u32 = shape.iter().product();
    let mut value = b.input("x", dtype, &shape);
    let mut flat = shape.len() == 1;
    for layer in 0..r.range(1, 4) {
        if !flat || r.one_in(4) {
            value = b.reshape(&format!("view{layer}"), value, &[columns]);
        }
        flat = true;
        let (inner, outer) = (columns as usize, r.range(1, 24) as usize);
        let weight_dtype = r.byte_dtype();
        let weights = r.tensor(weight_dtype, inner, outer);
        let weights = b.constant(&format!("w{layer}"), weights);
        let output = r.byte_dtype();
        let requantise = r.per_column(outer, |r| r.requantise(inner));
        let mut options = MatMulOptions::new(requantise)
            .zeros(r.zero(dtype), r.zero(output))
            .weight_zero(r.per_column(outer, |r| r.zero(weight_dtype)));
        if r.one_in(2) {
            let bias = (0..outer).map(|_| r.range(-100_000, 100_000) as i32).collect();
            let bias = Tensor::new(1, outer, Cells::I32(bias)).expect("one cell a column");
            options = options.bias(b.constant(&format!("b{layer}"), bias));
        }
        match r.range(0, 2) {
            0 => options = options.relu(),
            1 => {
                let (one, other) = (r.cell(output) as i32, r.cell(output) as i32);
                options = options.clamp(one.min(other), one.max(other));
            }
            _ => {}
        }
        value = b.matmul(&format!("y{layer}"), value, weights, output, options);
        (dtype, columns) = (output, outer as u32);
    }
    b.build().expect("random programs are valid")
}
