//! Comparison with what the Python scripts wrote.

#![allow(dead_code, reason = "every test crate has its own copy and uses a part")]

use std::path::Path;

use janction_onnx::{Import, import};
use janction_program::{Tensor, npy, reference};

/// The tensor in the file at `path`.
pub fn read(path: &Path) -> Tensor {
    npy::decode(&std::fs::read(path).expect("the file is checked in")).expect("the file holds a tensor")
}

/// Share of equal cells, and the greatest difference.
pub fn compare(got: &Tensor, expected: &Tensor) -> (f64, i32) {
    let (differing, distance) = differences(got, expected);
    (1.0 - differing as f64 / got.cells().len() as f64, distance)
}

/// Number of differing cells, and the greatest difference.
pub fn differences(got: &Tensor, expected: &Tensor) -> (usize, i32) {
    assert_eq!(
        (got.rows(), got.columns(), got.dtype()),
        (expected.rows(), expected.columns(), expected.dtype())
    );
    let apart = (0..got.cells().len()).map(|i| (got.cells().get(i) - expected.cells().get(i)).abs());
    apart.fold((0, 0), |(count, most), d| (count + usize::from(d != 0), most.max(d)))
}

/// What the program makes of `input`.
pub fn run(import: &Import, input: &Tensor) -> Tensor {
    reference::run(&import.program, input).unwrap().pop().unwrap()
}

/// A model with input cells and onnxruntime's output cells.
pub struct Case {
    pub name: String,
    pub model: Vec<u8>,
    pub input: Tensor,
    pub output: Tensor,
}

impl Case {
    /// The model as a program.
    pub fn import(&self) -> Import {
        import(&self.model, &self.name, 9).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}

/// The cases in a file written by `tests/fixtures/cases.py`.
pub fn cases(path: &Path) -> Vec<Case> {
    let data = std::fs::read(path).expect("the file of cases is there");
    let mut rest = &data[..];
    let mut parts = Vec::new();
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let (part, tail) = tail.split_at(u32::from_le_bytes(*length) as usize);
        parts.push(part);
        rest = tail;
    }
    let case = |parts: &[&[u8]]| Case {
        name: String::from_utf8(parts[0].into()).unwrap(),
        model: parts[1].into(),
        input: npy::decode(parts[2]).unwrap(),
        output: npy::decode(parts[3]).unwrap(),
    };
    parts.chunks_exact(4).map(case).collect()
}
