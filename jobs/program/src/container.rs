//! The job binary: a program as bytes. `docs/jobs.md` has the layout as a table.
//!
//! ```text
//! "JANCTION" | version u16 | kind u8 | commitment scheme u8 | digest [32] | graph length u32 | graph | cells
//! ```
//!
//! The encoding is canonical: a program has one, and everything in it is under the digest, so any changed byte is
//! found when it is read.

use janction_protocol::Digest;

use crate::{
    commitment::Scheme,
    error::{DecodeError, ProgramError},
    limits::{
        MAX_COLUMNS, MAX_CONSTANT_CELLS, MAX_CONSTANT_ROWS, MAX_CONSTANTS, MAX_GRAPH_BYTES, MAX_OPERATIONS,
        MAX_RANK,
    },
    operation::Operation,
    program::{Constant, Parts, Program, Step, Value},
    tensor::{Cells, DType, Tensor},
    wire::{Reader, Writer},
};

/// The first bytes of every job binary.
pub const MAGIC: &[u8; 8] = b"JANCTION";
/// Version of the format.
pub const VERSION: u16 = 1;
/// Kind 1: a tensor program.
pub const KIND_TENSOR_PROGRAM: u8 = 1;
/// Kind 2 is reserved for foreign kernels in a sandbox, verified by redundancy.
pub const KIND_RESERVED: u8 = 2;

fn encode_value(writer: &mut Writer, value: &Value) {
    writer.name(&value.name);
    writer.u8(value.dtype.code());
    writer.u8(value.shape.len() as u8);
    value.shape.iter().for_each(|&d| writer.u32(d));
}

/// The graph section: everything but the constants' cells.
pub(crate) fn encode_graph(program: &Program) -> Vec<u8> {
    let parts = program.parts();
    let mut w = Writer::default();
    w.name(&parts.name);
    w.u8(parts.depth);
    if let Scheme::Sketch { block_bits } = parts.scheme {
        w.u8(block_bits);
    }
    encode_value(&mut w, &parts.input);
    w.u32(parts.constants.len() as u32);
    for constant in &parts.constants {
        w.name(&constant.name);
        w.u8(constant.tensor.dtype().code());
        w.u32(constant.tensor.rows() as u32);
        w.u32(constant.tensor.columns() as u32);
    }
    w.u32(parts.steps.len() as u32);
    for step in &parts.steps {
        encode_value(&mut w, &step.output);
        step.operation.encode(&mut w);
    }
    w.finish()
}

/// The job binary of `program`.
#[must_use]
pub fn encode(program: &Program) -> Vec<u8> {
    let graph = encode_graph(program);
    let mut w = Writer::default();
    w.bytes(MAGIC);
    w.u16(VERSION);
    w.u8(KIND_TENSOR_PROGRAM);
    w.u8(program.scheme().code());
    w.bytes(&program.digest().to_bytes());
    w.u32(graph.len() as u32);
    w.bytes(&graph);
    for constant in program.constants() {
        match constant.tensor.cells() {
            Cells::I8(cells) => cells.iter().for_each(|&c| w.u8(c as u8)),
            Cells::U8(cells) => w.bytes(cells),
            Cells::I32(cells) => cells.iter().for_each(|&c| w.i32(c)),
        }
    }
    w.finish()
}

fn decode_dtype(reader: &mut Reader<'_>) -> Result<DType, DecodeError> {
    let offset = reader.offset();
    let code = reader.u8()?;
    DType::from_code(code).ok_or(DecodeError::Field { offset, what: "type code", got: code.into() })
}

fn decode_value(reader: &mut Reader<'_>) -> Result<Value, DecodeError> {
    let name = reader.name()?;
    let dtype = decode_dtype(reader)?;
    let offset = reader.offset();
    let rank = usize::from(reader.u8()?);
    if rank > MAX_RANK {
        return Err(DecodeError::Field { offset, what: "number of dimensions", got: rank as u64 });
    }
    let shape = (0..rank).map(|_| reader.u32()).collect::<Result<_, _>>()?;
    Ok(Value { name, dtype, shape })
}

/// Name, type, rows, columns.
struct ConstantHeader(String, DType, usize, usize);

fn decode_constant_header(reader: &mut Reader<'_>) -> Result<ConstantHeader, DecodeError> {
    let name = reader.name()?;
    let dtype = decode_dtype(reader)?;
    let mut dimension = |what, max: usize| {
        let offset = reader.offset();
        match reader.u32()? {
            got if got == 0 || got as usize > max => {
                Err(DecodeError::Field { offset, what, got: got.into() })
            }
            got => Ok(got as usize),
        }
    };
    let rows = dimension("number of rows", MAX_CONSTANT_ROWS)?;
    let columns = dimension("number of columns", MAX_COLUMNS)?;
    Ok(ConstantHeader(name, dtype, rows, columns))
}

fn decode_cells(reader: &mut Reader<'_>, header: ConstantHeader) -> Result<Constant, DecodeError> {
    let ConstantHeader(name, dtype, rows, columns) = header;
    // At most 2^40 cells of 4 bytes by the header's limits: no overflow, and nothing is allocated before
    // `bytes` has found that they are there.
    let bytes = reader.bytes(rows * columns * dtype.width())?;
    let cells = match dtype {
        DType::I8 => Cells::I8(bytes.iter().map(|&b| b as i8).collect()),
        DType::U8 => Cells::U8(bytes.to_vec()),
        DType::I32 => {
            Cells::I32(bytes.chunks_exact(4).map(|b| i32::from_be_bytes([b[0], b[1], b[2], b[3]])).collect())
        }
    };
    let tensor = Tensor::new(rows, columns, cells)
        .map_err(|source| ProgramError::Constant { name: name.clone(), source })?;
    Ok(Constant { name, tensor })
}

fn decode_parts(reader: &mut Reader<'_>, scheme: u8) -> Result<Parts, DecodeError> {
    let graph_length = reader.count("graph length", MAX_GRAPH_BYTES, 1)?;
    let graph_end = reader.offset() + graph_length;
    let name = reader.name()?;
    let depth = reader.u8()?;
    let scheme = match scheme {
        Scheme::ROWS => Scheme::Rows,
        _ => Scheme::Sketch { block_bits: reader.u8()? },
    };
    let input = decode_value(reader)?;
    let constant_count = reader.count("number of constants", MAX_CONSTANTS, 11)?;
    let headers: Vec<_> =
        (0..constant_count).map(|_| decode_constant_header(reader)).collect::<Result<_, _>>()?;
    let total: usize = headers.iter().map(|ConstantHeader(_, _, rows, columns)| rows * columns).sum();
    if total > MAX_CONSTANT_CELLS {
        let offset = reader.offset();
        return Err(DecodeError::Field {
            offset,
            what: "number of cells in all constants",
            got: total as u64,
        });
    }
    let step_count = reader.count("number of operations", MAX_OPERATIONS, 9)?;
    let steps = (0..step_count)
        .map(|_| Ok(Step { output: decode_value(reader)?, operation: Operation::decode(reader)? }))
        .collect::<Result<_, DecodeError>>()?;
    if reader.offset() != graph_end {
        let offset = reader.offset();
        return Err(DecodeError::Field { offset, what: "graph length", got: graph_length as u64 });
    }
    let constants = headers.into_iter().map(|h| decode_cells(reader, h)).collect::<Result<_, _>>()?;
    reader.end()?;
    Ok(Parts { name, depth, scheme, input, constants, steps })
}

/// Reads a job binary.
///
/// Never panics, whatever the bytes, and never allocates more than a small multiple of their number.
///
/// # Errors
/// What is wrong and at which offset; an invalid program; or content that does not hash to the stated digest.
pub fn decode(bytes: &[u8]) -> Result<Program, DecodeError> {
    let mut reader = Reader::new(bytes);
    if !bytes.starts_with(MAGIC) {
        return Err(DecodeError::Magic);
    }
    reader.bytes(MAGIC.len())?;
    let version = reader.u16()?;
    if version != VERSION {
        return Err(DecodeError::Version { got: version, supported: VERSION });
    }
    let kind = reader.u8()?;
    if kind != KIND_TENSOR_PROGRAM {
        return Err(DecodeError::Kind { got: kind });
    }
    let scheme = reader.u8()?;
    if ![Scheme::ROWS, Scheme::SKETCH].contains(&scheme) {
        return Err(DecodeError::Scheme { got: scheme });
    }
    let offset = reader.offset();
    let stated = Digest::from_bytes(reader.array()?);
    let program = Program::new(decode_parts(&mut reader, scheme)?)?;
    let computed = program.digest();
    match stated {
        Ok(stated) if stated == computed => Ok(program),
        Ok(stated) => Err(DecodeError::Digest { stated: stated.to_string(), computed: computed.to_string() }),
        Err(_) => Err(DecodeError::Field { offset, what: "digest (not canonical)", got: 0 }),
    }
}
