//! The baseline: stock Plonky2 in this process, or in one that was compiled for this machine.
//!
//! Plonky2 chooses its SIMD when it is compiled. The program `janction-stock`, built with `RUSTFLAGS=-Ctarget-cpu=native`,
//! is stock as fast as it gets. One line goes in for each request and one comes out: `simd` answers [`SIMD`], `build NAME`
//! answers `built`, `prove` answers a [`Proven`] as JSON. What goes wrong answers a line that begins with `error`.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use janction_engine::{Engine, Stock as Plonky2};
use plonky2::iop::generator::generate_partial_witness;
use serde::{Deserialize, Serialize};

use crate::circuits::{Name, Subject};
use crate::clock::cost;
use crate::error::BenchError;

/// The vectors that Plonky2 was compiled for in this program, by the names of the engine's backends.
pub const SIMD: &str = if cfg!(all(target_feature = "avx512f", target_feature = "avx512dq")) {
    "avx512"
} else if cfg!(target_feature = "avx2") {
    "avx2"
} else {
    "portable"
};

/// A proof of stock's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proven {
    /// The whole, by the clock.
    pub seconds: f64,
    /// Witness generation's part of it: measured apart, since stock does not tell.
    pub witness_seconds: f64,
    /// The whole, by the processors.
    pub cpu_seconds: Option<f64>,
    /// Most memory of the process.
    pub peak_bytes: Option<u64>,
}

/// Makes one proof with stock Plonky2.
///
/// # Errors
/// [`BenchError::Engine`].
pub fn prove(subject: &Subject) -> Result<Proven, BenchError> {
    let (proof, whole) = cost(|| Plonky2.prove(subject.circuit(), subject.inputs()));
    proof?;
    let circuit = subject.circuit();
    let (witness, part) =
        cost(|| generate_partial_witness(subject.inputs(), &circuit.prover_only, &circuit.common).is_ok());
    debug_assert!(witness);
    Ok(Proven {
        seconds: whole.seconds,
        witness_seconds: part.seconds,
        cpu_seconds: whole.cpu_seconds,
        peak_bytes: whole.peak_bytes,
    })
}

/// Where stock runs.
#[derive(Debug)]
pub enum Stock {
    /// In this process, with the SIMD that it was compiled for.
    Here,
    /// In a process of its own.
    Apart(Box<Process>),
}

impl Stock {
    /// Starts `program`, or stays here.
    ///
    /// # Errors
    /// [`BenchError::Stock`] when it does not start.
    pub fn new(program: Option<&Path>) -> Result<Self, BenchError> {
        Ok(match program {
            None => Self::Here,
            Some(program) => Self::Apart(Box::new(Process::start(program)?)),
        })
    }

    /// Builds what [`Self::prove`] proves.
    ///
    /// # Errors
    /// [`BenchError::Stock`].
    pub fn build(&mut self, name: Name) -> Result<(), BenchError> {
        match self {
            Self::Here => Ok(()),
            Self::Apart(process) => match process.ask(&format!("build {name}"))?.as_str() {
                "built" => Ok(()),
                other => Err(process.failed(format!("does not build {name}: {other}"))),
            },
        }
    }

    /// Makes one proof.
    ///
    /// # Errors
    /// [`BenchError::Engine`], [`BenchError::Stock`].
    pub fn prove(&mut self, subject: &Subject) -> Result<Proven, BenchError> {
        match self {
            Self::Here => prove(subject),
            Self::Apart(process) => {
                let answer = process.ask("prove")?;
                serde_json::from_str(&answer)
                    .map_err(|_| process.failed(format!("does not prove {}: {answer}", subject.name)))
            }
        }
    }

    /// The vectors that it was compiled for.
    #[must_use]
    pub fn simd(&self) -> &str {
        match self {
            Self::Here => SIMD,
            Self::Apart(process) => &process.simd,
        }
    }
}

/// A running baseline; dropped, it ends.
#[derive(Debug)]
pub struct Process {
    program: PathBuf,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    simd: String,
}

impl Process {
    fn start(program: &Path) -> Result<Self, BenchError> {
        let failed = |reason: String| BenchError::Stock { program: program.to_owned(), reason };
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| failed(format!("does not start: {e}; `make bench-prover` builds it")))?;
        let (input, output) = child
            .stdin
            .take()
            .zip(child.stdout.take())
            .ok_or_else(|| failed("has no standard input and output".to_owned()))?;
        let output = BufReader::new(output);
        let mut process = Self { program: program.to_owned(), child, input, output, simd: String::new() };
        process.simd = process.ask("simd")?;
        Ok(process)
    }

    fn ask(&mut self, request: &str) -> Result<String, BenchError> {
        let mut answer = String::new();
        let asked = writeln!(self.input, "{request}")
            .and_then(|()| self.input.flush())
            .and_then(|()| self.output.read_line(&mut answer));
        match asked {
            Ok(0) => {
                let status = self.child.wait().map_or_else(|e| e.to_string(), |status| status.to_string());
                Err(self.failed(format!("ended ({status}) when it was asked to {request}")))
            }
            Ok(_) => Ok(answer.trim_end().to_owned()),
            Err(error) => Err(self.failed(format!("does not answer: {error}"))),
        }
    }

    fn failed(&self, reason: String) -> BenchError {
        BenchError::Stock { program: self.program.clone(), reason }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Answers requests until there are no more.
///
/// # Errors
/// When the streams break. What is asked for and cannot be done is answered.
pub fn serve(requests: impl BufRead, mut answers: impl Write) -> io::Result<()> {
    let mut subject = None;
    for request in requests.lines() {
        let answer = answer(&request?, &mut subject).unwrap_or_else(|error| format!("error {error}"));
        writeln!(answers, "{}", answer.replace('\n', " "))?;
        answers.flush()?;
    }
    Ok(())
}

fn answer(request: &str, subject: &mut Option<Subject>) -> Result<String, String> {
    if let Some(name) = request.strip_prefix("build ") {
        // First the old one goes.
        *subject = None;
        let name: Name = name.parse().map_err(|e: BenchError| e.to_string())?;
        *subject = Some(Subject::build(name).map_err(|e| e.to_string())?);
        return Ok("built".to_owned());
    }
    match request {
        "simd" => return Ok(SIMD.to_owned()),
        "prove" => {}
        _ => return Err(format!("'{request}' is none of `simd`, `build NAME` and `prove`")),
    }
    let subject = subject.as_ref().ok_or("nothing is built")?;
    let proven = prove(subject).map_err(|e| e.to_string())?;
    serde_json::to_string(&proven).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_answered_line_by_line() {
        let requests = "prove\nbuild synthetic-9\nprove\nbuild nothing\nprove\nsing\n";
        let mut answers = Vec::new();
        serve(requests.as_bytes(), &mut answers).expect("streams in memory");
        let answers = String::from_utf8(answers).expect("text");
        let answers: Vec<&str> = answers.lines().collect();
        assert_eq!(answers.len(), 6, "{answers:?}");
        assert_eq!((answers[0], answers[1]), ("error nothing is built", "built"));
        let proven: Proven = serde_json::from_str(answers[2]).expect("a proof");
        assert!(proven.seconds > 0.0 && proven.witness_seconds > 0.0);
        assert!(answers[3].starts_with("error 'nothing' is no circuit"), "{answers:?}");
        assert_eq!(answers[4], "error nothing is built");
        assert!(answers[5].starts_with("error 'sing' is none"), "{answers:?}");
    }

    #[test]
    fn a_baseline_that_does_not_start_or_ends_is_said() {
        let absent = Stock::new(Some(Path::new("/nowhere/janction-stock"))).expect_err("absent");
        assert!(absent.to_string().contains("make bench-prover"), "{absent}");
        let ended = Stock::new(Some(Path::new("/bin/true"))).expect_err("it says nothing");
        assert!(matches!(ended, BenchError::Stock { .. }), "{ended}");
    }
}
