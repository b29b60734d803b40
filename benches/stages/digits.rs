//! The two models of handwritten digits, with images to run them on.

use std::path::{Path, PathBuf};

use janction_program::{Program, Tensor, npy};

/// The smaller model, audited by sampling in the demonstration, and the larger one, audited in full.
pub const MODELS: [&str; 2] = ["mlp_64_32_10", "mlp_64_48_24_10"];
/// Trees for up to 2^11 images.
const DEPTH: u8 = 11;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits").join(name)
}

/// A model as a program.
pub fn program(model: &str) -> anyhow::Result<Program> {
    let bytes = std::fs::read(file(model).with_extension("onnx"))?;
    Ok(janction_onnx::import(&bytes, model, DEPTH)?.program)
}

/// The first `count` of the 1,437 training images.
pub fn images(count: usize) -> anyhow::Result<Tensor> {
    let images = npy::decode(&std::fs::read(file("train_images.npy"))?)?;
    let cells = images.cells().slice(0..count * images.columns());
    Ok(Tensor::new(count, images.columns(), cells)?)
}
