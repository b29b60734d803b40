//! Times the CPU executor on an ONNX model for `benches/peers/onnxruntime`: answers each line of its input with one.
//!
//! ```text
//! execute MODEL.onnx INPUT.npy
//!
//! execute          seconds that execution took
//! run              seconds that execution and commitment took
//! output FILE      writes the output's cells to FILE as NumPy does
//! ```
//!
//! Threads are those of `RAYON_NUM_THREADS`.

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::path::Path;
use std::time::Instant;

use janction_executor::{Executor, cpu::Cpu};
use janction_program::{commitment::depth_for, npy};

fn main() -> Result<(), Box<dyn Error>> {
    let [model, input] = std::env::args()
        .skip(1)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "execute MODEL.onnx INPUT.npy")?;
    let name = Path::new(&model).file_stem().and_then(|name| name.to_str()).ok_or("the model has no name")?;
    let input = npy::decode(&std::fs::read(&input)?)?;
    let program = janction_onnx::import(&std::fs::read(&model)?, name, depth_for(input.rows()))?.program;
    let cpu = Cpu::new();
    for line in stdin().lock().lines() {
        let line = line?;
        let answer = match line.split_once(' ').unwrap_or((&line, "")) {
            ("execute", "") => {
                let start = Instant::now();
                cpu.execute(&program, &input)?;
                start.elapsed().as_secs_f64().to_string()
            }
            ("run", "") => {
                let input = input.clone();
                let start = Instant::now();
                cpu.run(&program, input)?;
                start.elapsed().as_secs_f64().to_string()
            }
            ("output", file) if !file.is_empty() => {
                let trace = cpu.run(&program, input.clone())?;
                std::fs::write(file, npy::encode(trace.output().tensor()))?;
                file.to_owned()
            }
            _ => return Err(format!("no such command: {line:?}").into()),
        };
        writeln!(stdout(), "{answer}")?;
    }
    Ok(())
}
