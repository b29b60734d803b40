//! `janction bench worker`: what it costs to make an execution verifiable.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use janction_executor::Executor;
use janction_program::builder::{Builder, MatMulOptions};
use janction_program::commitment::{Scheme, depth_for};
use janction_program::{Cells, DType, PerColumn, Program, Requantise, Tensor, container};
use janction_prover_bench::plot;
use janction_worker::{DeviceChoice, multiply_adds};
use serde_json::{Value, json};

use crate::failure::Outcome;
use crate::file;
use crate::output::{Output, table};
use crate::program::error::ProgramProblem;
use crate::progress::Progress;

/// Sizes of products when nobody says.
const SIZES: [u32; 3] = [1024, 2048, 4096];
/// Rows of a model's input when nobody says.
const ROWS: u32 = 1024;
/// Where the cells come from.
const SEED: u64 = 0x6a61_6e63_7469_6f6e;

/// What is measured.
#[derive(Debug, Args)]
pub struct Options {
    /// Products of N x N by N x N cells, 8 to 16384 [default: 1024,2048,4096]
    #[arg(long, value_name = "N,N", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(8..=16384))]
    sizes: Vec<u32>,
    /// Models: quantised ONNX (.onnx) or job binaries; without --sizes only these
    #[arg(long, value_name = "FILE,FILE", value_delimiter = ',')]
    models: Vec<PathBuf>,
    /// Rows of a model's input, at random
    #[arg(long, value_name = "ROWS", default_value_t = ROWS, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    rows: u32,
    /// Times that each is run; the fastest counts
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// Where: auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    device: DeviceChoice,
    /// Draw the ratios of the products against their size into this file (SVG)
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// A program with an input for it.
struct Model {
    name: String,
    /// N of a product of N x N by N x N.
    size: Option<u32>,
    program: Program,
    input: Tensor,
}

/// One model by one scheme.
struct Measured {
    model: String,
    size: Option<u32>,
    scheme: Scheme,
    rows: usize,
    multiply_adds: u64,
    plain: f64,
    verifiable: f64,
}

impl Measured {
    fn ratio(&self) -> f64 {
        self.verifiable / self.plain
    }
}

/// Measures and prints.
///
/// # Errors
/// A model or a device that cannot be used; a plot that cannot be drawn or written.
pub fn run(options: &Options, output: Output) -> Outcome {
    let bar = Progress::spinner(output, "opening the device");
    let opened = janction_executor::open(options.device.into(), None).map_err(ProgramProblem::Device)?;
    let executor = opened.executor;
    let mut measured = Vec::new();
    for model in models(options) {
        let Model { name, size, program, input } = model?;
        let recommended = program.recommended_scheme();
        // What is recommended, and what it is compared with; where that is rows, the blocks that sketches would have.
        let sketch = match recommended {
            Scheme::Rows => Scheme::Sketch { block_bits: program.depth().min(6) },
            sketch @ Scheme::Sketch { .. } => sketch,
        };
        for scheme in [Scheme::Rows, sketch] {
            bar.say(format!("{name}, scheme {scheme}"));
            let program =
                program.clone().with_scheme(scheme).map_err(|e| ProgramProblem::Scheme(Box::new(e)))?;
            let (plain, verifiable) = measure(&*executor, &program, &input, options.rounds)?;
            measured.push(Measured {
                model: name.clone(),
                size,
                scheme,
                rows: input.rows(),
                multiply_adds: multiply_adds(&program, input.rows() as u32),
                plain,
                verifiable,
            });
        }
    }
    drop(bar);
    if let Some(path) = &options.plot {
        file::write(path, plot::ratios(&lines(&measured))?.as_bytes())?;
    }
    let device = executor.device().to_string();
    output.print(&describe(&device, options.rounds, &measured), |_| {
        in_words(&device, options.rounds, &measured)
    });
    Ok(())
}

/// Seconds to execute, and to execute and commit, in turns; the least of each.
fn measure(
    executor: &dyn Executor,
    program: &Program,
    input: &Tensor,
    rounds: u16,
) -> Result<(f64, f64), ProgramProblem> {
    let mut least = (f64::INFINITY, f64::INFINITY);
    // The first run prepares the weights, and is for nothing.
    for round in 0..=rounds {
        let start = Instant::now();
        let tensors = executor.execute(program, input).map_err(ProgramProblem::Device)?;
        let plain = start.elapsed().as_secs_f64();
        drop(tensors);
        let own = input.clone();
        let start = Instant::now();
        let trace = executor.run(program, own).map_err(ProgramProblem::Device)?;
        let verifiable = start.elapsed().as_secs_f64();
        drop(trace);
        if round > 0 {
            least = (least.0.min(plain), least.1.min(verifiable));
        }
    }
    Ok(least)
}

fn models(options: &Options) -> impl Iterator<Item = Outcome<Model>> {
    let sizes = match (&options.sizes[..], &options.models[..]) {
        ([], []) => SIZES.to_vec(),
        (sizes, _) => sizes.to_vec(),
    };
    let rows = options.rows as usize;
    let files = options.models.iter().map(move |path| from_file(path, rows));
    files.chain(sizes.into_iter().map(|size| Ok(product(size))))
}

fn from_file(path: &Path, rows: usize) -> Outcome<Model> {
    let bytes = file::read(path)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let program = if path.extension().is_some_and(|extension| extension == "onnx") {
        let import = janction_onnx::import(&bytes, &stem, depth_for(rows));
        import.map_err(|e| ProgramProblem::Model { file: path.to_owned(), source: e.into() })?.program
    } else {
        container::decode(&bytes)
            .map_err(|source| ProgramProblem::Binary { file: path.to_owned(), source })?
    };
    let (value, rows) = (program.input(), rows.min(program.max_rows()));
    let input = random(value.dtype, rows, value.columns(), SEED);
    Ok(Model { name: stem, size: None, input, program })
}

/// A product of `size` x `size` by `size` x `size` cells, as examples/matmul makes it: uniform int8, four standard deviations of
/// the sums in the output's range.
fn product(size: u32) -> Model {
    let n = size as usize;
    let name = format!("matmul_{n}x{n}x{n}");
    let deviation = (n as f64).sqrt() * 255.0 * 255.0 / 12.0;
    let scale = Requantise::from_factor(127.0 / (4.0 * deviation)).expect("a factor between 2^-62 and 2^30");
    let mut b = Builder::new(&name, depth_for(n));
    let a = b.input("a", DType::I8, &[size]);
    let weights = b.constant("b", random(DType::I8, n, n, SEED ^ 1));
    b.matmul("y", a, weights, DType::I8, MatMulOptions::new(PerColumn::All(scale)));
    let program = b.build().expect("a product of at most 16384 cells a row is a valid program");
    Model { name, size: Some(size), program, input: random(DType::I8, n, n, SEED) }
}

/// Uniform cells (xorshift: tests and benches need spread, not secrecy).
fn random(dtype: DType, rows: usize, columns: usize, seed: u64) -> Tensor {
    let mut state = seed | 1;
    let mut byte = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    let count = rows * columns;
    let cells = match dtype {
        DType::I8 => Cells::I8((0..count).map(|_| byte() as i8).collect()),
        _ => Cells::U8((0..count).map(|_| byte()).collect()),
    };
    Tensor::new(rows, columns, cells).expect("a cell was made for every row and column")
}

/// For each scheme the ratios of products, against the logarithm of their size.
fn lines(measured: &[Measured]) -> BTreeMap<String, Vec<(f64, f64)>> {
    let mut lines: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for m in measured {
        if let Some(size) = m.size {
            lines
                .entry(format!("scheme {}", m.scheme.code()))
                .or_default()
                .push((f64::from(size).log2(), m.ratio()));
        }
    }
    lines
}

fn describe(device: &str, rounds: u16, measured: &[Measured]) -> Value {
    let measurements: Vec<Value> = measured
        .iter()
        .map(|m| {
            json!({
                "model": m.model,
                "device": device,
                "scheme": m.scheme.code(),
                "block_rows": m.scheme.block_rows(),
                "rows": m.rows,
                "multiply_adds": m.multiply_adds,
                "plain_s": m.plain,
                "verifiable_s": m.verifiable,
                "ratio": m.ratio(),
            })
        })
        .collect();
    json!({ "rounds": rounds, "measurements": measurements })
}

fn in_words(device: &str, rounds: u16, measured: &[Measured]) -> String {
    let rows = measured.iter().map(|m| {
        vec![
            m.model.clone(),
            m.rows.to_string(),
            m.scheme.to_string(),
            format!("{:.5}", m.plain),
            format!("{:.5}", m.verifiable),
            format!("{:.2}", m.ratio()),
            format!("{:.1}", m.multiply_adds as f64 / m.plain / 1e9),
        ]
    });
    let headings =
        ["model", "rows", "commitment scheme", "plain s", "verifiable s", "ratio", "10^9 multiply-adds/s"];
    table(&headings, rows) + &format!("\n{device}; the fastest of {rounds} runs of each, in turns\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_measured_by_both_schemes() {
        let model = product(64);
        assert_eq!((model.program.input().columns(), model.input.rows()), (64, 64));
        let executor = janction_executor::cpu::Cpu::new();
        for scheme in [Scheme::Rows, Scheme::Sketch { block_bits: 6 }] {
            let program = model.program.clone().with_scheme(scheme).expect("a scheme");
            let (plain, verifiable) = measure(&executor, &program, &model.input, 1).expect("measured");
            assert!(plain > 0.0 && verifiable > 0.0);
        }
        let measured = |size, scheme, plain| Measured {
            model: "m".into(),
            size,
            scheme,
            rows: 1,
            multiply_adds: 1,
            plain,
            verifiable: 2.0,
        };
        let lines = lines(&[measured(Some(1024), Scheme::Rows, 1.0), measured(None, Scheme::Rows, 1.0)]);
        assert_eq!(lines["scheme 1"], [(10.0, 2.0)]);
    }
}
