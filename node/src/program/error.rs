//! What can be wrong with models, job binaries, inputs and devices, with codes and remedies.

use std::borrow::Cow;
use std::path::PathBuf;

use janction_audit::AuditError;
use janction_executor::ExecutorError;
use janction_onnx::OnnxError;
use janction_program::npy::NpyError;
use janction_program::text::TextError;
use janction_program::{DType, DecodeError, ProgramError};
use janction_program_prover::{FileError, ProveError, VerifyError};
use janction_prover::EngineError;
use janction_trace::Policy;
use janction_wrap::WrapError;
use thiserror::Error;

use crate::failure::{Advice, Exit};

/// Why a program was not made, read or run.
#[derive(Debug, Error)]
pub enum ProgramProblem {
    /// The model was not imported.
    #[error("{}", file.display())]
    Model {
        /// The model.
        file: PathBuf,
        /// Why.
        source: Box<OnnxError>,
    },
    /// The text is no program.
    #[error("{}:{source}", file.display())]
    Text {
        /// The text.
        file: PathBuf,
        /// Why, and where.
        source: Box<TextError>,
    },
    /// The text is not UTF-8.
    #[error("{} is not text", file.display())]
    NotText {
        /// The file.
        file: PathBuf,
    },
    /// An option that a text already answers.
    #[error("{option} is for models; a text says this itself")]
    TextSays {
        /// The option.
        option: &'static str,
    },
    /// A job binary where a model is expected.
    #[error("{} is a job binary already", file.display())]
    Compiled {
        /// The file.
        file: PathBuf,
    },
    /// The job binary was not read.
    #[error("{}", file.display())]
    Binary {
        /// The job binary.
        file: PathBuf,
        /// Why.
        source: DecodeError,
    },
    /// The input is no tensor.
    #[error("{}", file.display())]
    Npy {
        /// The input.
        file: PathBuf,
        /// Why.
        source: NpyError,
    },
    /// The input has cells of another type than the program takes.
    #[error("{} has cells of type {found}; the program takes {wanted}", file.display())]
    InputType {
        /// The input.
        file: PathBuf,
        /// Its type.
        found: DType,
        /// The program's.
        wanted: DType,
    },
    /// The input has rows of another size, or too many.
    #[error("{} has {rows} rows of {columns} cells; the program takes 1 to {max_rows} rows of {wanted}", file.display())]
    InputShape {
        /// The input.
        file: PathBuf,
        /// Its rows.
        rows: usize,
        /// Its cells in a row.
        columns: usize,
        /// The program's cells in a row.
        wanted: usize,
        /// The program's most rows.
        max_rows: usize,
    },
    /// More rows than the program takes.
    #[error("the program takes 1 to {max_rows} rows, not {rows}")]
    TooManyRows {
        /// What was asked for.
        rows: u32,
        /// The program's most rows.
        max_rows: u32,
    },
    /// The device cannot be used or failed.
    #[error("the program was not run")]
    Device(#[source] ExecutorError),
    /// The device computed something else than the reference.
    #[error("operation {operation:?}: row {row}, column {column} is {got}; the reference says {expected}")]
    Differs {
        /// Name of the operation's output.
        operation: String,
        /// Row of the first difference.
        row: usize,
        /// Its column.
        column: usize,
        /// What is right.
        expected: i32,
        /// What the device computed.
        got: i32,
    },
    /// The audit key was not made.
    #[error("the audit key was not made")]
    AuditKey(#[source] AuditError),
    /// The execution was not proven.
    #[error("the execution was not proven")]
    Prove(#[source] Box<ProveError>),
    /// A proof that was made is not one that can be read.
    #[error("the proof that was made cannot be read")]
    OwnProof {
        /// Why.
        source: Box<FileError>,
    },
    /// The file is no proof.
    #[error("{}", file.display())]
    ProofFile {
        /// The proof.
        file: PathBuf,
        /// Why.
        source: Box<FileError>,
    },
    /// The proof is under another policy than is wanted.
    #[error("{} is a proof of policy {found}, wanted is {wanted}", file.display())]
    ProofPolicy {
        /// The proof.
        file: PathBuf,
        /// Its policy.
        found: Policy,
        /// The policy that was asked for.
        wanted: Policy,
    },
    /// The proof does not show that the output is the program's.
    #[error("the proof does not show that this output is the program's for this input")]
    Verify(#[source] Box<VerifyError>),
    /// Proofs cannot be made on what was asked for.
    #[error("no proof was begun")]
    Engine(#[source] EngineError),
    /// The number of threads was not taken.
    #[error("the threads were not started: {reason}")]
    Cores {
        /// Why.
        reason: String,
    },
    /// The file is no proof for a contract.
    #[error("{} is no proof for a contract: {reason}", file.display())]
    ContractFile {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// The pieces were not joined.
    #[error("the pieces of the proof were not joined")]
    Joining(#[source] AuditError),
    /// The proof was not wrapped.
    #[error("the proof for the contract was not made")]
    Wrapping(#[source] Box<WrapError>),
    /// A name that is none in Solidity.
    #[error("{name:?} cannot be the name of a contract")]
    ContractName {
        /// The name.
        name: String,
    },
    /// A commitment scheme that the program cannot have.
    #[error("the program cannot be committed to by this scheme: {0}")]
    Scheme(Box<ProgramError>),
    /// Cells that contracts do not read.
    #[error(
        "{program:?} commits by sketches, or takes or makes cells that are not of 8 bits; the contract hashes rows of int8 and \
         uint8"
    )]
    ContractCells {
        /// The program's name.
        program: String,
    },
}

impl Advice for ProgramProblem {
    fn code(&self) -> Cow<'static, str> {
        let code = match self {
            Self::Model { source, .. } => match **source {
                OnnxError::NotOnnx(_) => "model.not_onnx",
                OnnxError::UnsupportedOperator { .. } => "model.unsupported_operator",
                OnnxError::Program(_) => "model.invalid",
                _ => "model.unsupported",
            },
            Self::Text { .. } => "program.text",
            Self::NotText { .. } => "program.not_text",
            Self::TextSays { .. } => "program.text_says",
            Self::Compiled { .. } => "program.compiled",
            Self::Binary { source, .. } => match source {
                DecodeError::Magic => "program.not_a_job_binary",
                DecodeError::Version { .. } | DecodeError::Kind { .. } | DecodeError::Scheme { .. } => {
                    "program.newer"
                }
                _ => "program.corrupt",
            },
            Self::Npy { source: NpyError::Type(_), .. } | Self::InputType { .. } => "input.wrong_type",
            Self::Npy { source: NpyError::Rank(_) | NpyError::Tensor(_), .. } | Self::InputShape { .. } => {
                "input.wrong_shape"
            }
            Self::Npy { .. } => "input.unreadable",
            Self::TooManyRows { .. } => "program.too_many_rows",
            Self::Device(_) => "device.failed",
            Self::Differs { .. } => "device.differs",
            Self::AuditKey(AuditError::TooLarge { .. } | AuditError::PieceTooLarge { .. }) => {
                "audit.too_large"
            }
            Self::AuditKey(_) => "audit.key",
            Self::Prove(source) => match **source {
                ProveError::Audit(AuditError::FalseRow { .. }) => "proof.false_trace",
                _ => "proof.failed",
            },
            Self::OwnProof { .. } => "proof.failed",
            Self::ProofFile { source, .. } => match **source {
                FileError::Version { .. } => "proof.newer",
                _ => "proof.unreadable",
            },
            Self::ProofPolicy { .. } => "proof.other_policy",
            Self::Verify(_) => "proof.refused",
            Self::Engine(_) => "prover.engine",
            Self::Cores { .. } => "program.cores",
            Self::ContractFile { .. } => "proof.unreadable",
            Self::Joining(_) | Self::Wrapping(_) => "proof.failed",
            Self::ContractName { .. } => "program.contract_name",
            Self::ContractCells { .. } => "program.contract_cells",
            Self::Scheme(_) => "program.scheme",
        };
        code.into()
    }

    fn remedy(&self) -> String {
        let remedy = match self {
            Self::Model { source, .. } => match **source {
                OnnxError::NotOnnx(_) => {
                    "export the model as ONNX; a program's text must have a name that ends in .txt"
                }
                OnnxError::UnsupportedOperator { .. } => {
                    "replace that node, or cut the model before it; docs/jobs.md section 5 lists what is accepted"
                }
                OnnxError::Program(_) => {
                    "change the model so that the rule holds; docs/jobs.md has the rules"
                }
                _ => "quantise the model to 8 bits with constant weights; docs/jobs.md section 5 says how",
            },
            Self::Text { .. } => "correct the text at that line and column; docs/jobs.md describes the form",
            Self::NotText { .. } => "give a model's file its own name; only texts end in .txt",
            Self::TextSays { .. } => "leave the option out, or change the line in the text",
            Self::Compiled { .. } => "look at it with `janction program inspect`",
            Self::Binary { source, .. } => match source {
                DecodeError::Magic => "make one with `janction program compile`",
                DecodeError::Version { .. } | DecodeError::Kind { .. } | DecodeError::Scheme { .. } => {
                    "upgrade janction, or compile the program again"
                }
                _ => "fetch the file again, or compile the program again",
            },
            Self::Npy { .. } => "save it in Python with numpy.save, C order, as int8 or uint8",
            Self::InputType { wanted, .. } => {
                return format!("save the array as {}", if *wanted == DType::U8 { "uint8" } else { "int8" });
            }
            Self::InputShape { rows, max_rows, .. } if rows > max_rows => {
                "split the input, or compile the program with a larger --max-rows"
            }
            Self::TooManyRows { .. } => "name fewer --rows, or compile the program with a larger --max-rows",
            Self::InputShape { .. } => "save the array as [rows, ...] with the program's cells in a row",
            Self::Device(_) => "run `janction doctor`, or use --device cpu",
            Self::Differs { .. } => "do not work with this device: its results would not be paid; report it",
            Self::AuditKey(AuditError::TooLarge { .. }) => "cut the program into several",
            Self::AuditKey(AuditError::PieceTooLarge { .. }) => {
                "cut the operation into ones with fewer output cells"
            }
            Self::AuditKey(_) => "report it: this does not depend on your input",
            Self::Prove(source) => match **source {
                ProveError::Audit(AuditError::FalseRow { .. }) => {
                    "the device computed something else than the rule: run again with --device cpu, and report it"
                }
                _ => "report it with this message: what the program computes can be proven",
            },
            Self::OwnProof { .. } => "report it with this message: what is proven can be read",
            Self::ProofFile { source, .. } => match **source {
                FileError::Version { .. } => "upgrade janction, or prove again",
                _ => "fetch the file again, or make it with `janction program prove`",
            },
            Self::ProofPolicy { found, .. } => {
                return format!("if {found} is enough for you, say so with --policy {found}");
            }
            Self::Verify(_) => {
                "do not rely on this output: ask for the proof of these very files, or prove it yourself"
            }
            Self::Engine(EngineError::Cuda(_)) => {
                "do what the message says, check prover.gpus (--gpu), or set prover.engine to cpu; `janction doctor` says more"
            }
            Self::Engine(_) => "unset JANCTION_SIMD, or set it to what this processor has",
            Self::Cores { .. } => "leave --cores out, or name fewer",
            Self::ContractFile { .. } => {
                "fetch the file again, or make it with `janction program prove --evm`"
            }
            Self::Joining(_) | Self::Wrapping(_) => {
                "report it with this message: what is proven can be joined and wrapped"
            }
            Self::Scheme(_) => {
                "take smaller blocks, at most as many rows as a job has (--max-rows), or --scheme best"
            }
            Self::ContractName { .. } => "name it with letters, digits and underscores, a letter first",
            Self::ContractCells { .. } => {
                "compile the program with --scheme rows, and end the model with an operation of 8-bit cells"
            }
        };
        remedy.into()
    }

    fn exit(&self) -> Exit {
        match self {
            Self::TextSays { .. }
            | Self::TooManyRows { .. }
            | Self::Cores { .. }
            | Self::ContractName { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}
