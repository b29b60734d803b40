//! Gates as CUDA C++.

use std::fmt::Write;

use janction_accel_cuda::{File, Source, texts};
use plonky2::gates::gate::GateRef;
use plonky2::gates::poseidon::PoseidonGate;

use crate::tape::{Instruction, Operand, Program, TapeError, traced};
use crate::{D, F};

/// Instructions of one kernel at most: a gate of more is cut into several, so that compiling stays quick and what is live
/// at once stays small.
const INSTRUCTIONS: usize = 600;

/// The parameters of every gate's kernels; `sums.cuh` and the launch in `quotient.rs` go with them.
const PARAMETERS: &str = "const u64* __restrict__ wires, const u64* __restrict__ constants, \
    const u64* __restrict__ selector, const u64* __restrict__ hash, const u64* __restrict__ powers, u32 stride, \
    u32 count, u32 index, u32 first, u32 end, u32 several, u64* out, u64 out_stride, u64 n";

/// What kernels of the quotient are made of, before their own files.
pub(super) fn terms(name: &str) -> Source {
    Source::new(name)
        .with(texts::goldilocks())
        .with(File::new("sums.cuh", include_str!("../../kernels/sums.cuh")))
}

/// The kernels `gate_0`, `gate_1`, .. that add a gate's constraints. A gate without constraints has none.
///
/// # Errors
/// [`TapeError`] where the gate cannot be traced.
pub(super) fn gate(gate: &GateRef<F, D>) -> Result<Source, TapeError> {
    if gate.0.as_any().is::<PoseidonGate<F, D>>() {
        let text = include_str!("../../kernels/poseidon_gate.cu");
        return Ok(Source::new("gate-Poseidon")
            .with(texts::goldilocks())
            .with(texts::poseidon_constants())
            .with(texts::poseidon())
            .with(File::new("sums.cuh", include_str!("../../kernels/sums.cuh")))
            .with(File::new("poseidon_gate.cu", text))
            .with_kernels(&["gate_0"]));
    }
    let id = gate.0.id();
    let name: String = id.chars().take_while(char::is_ascii_alphanumeric).collect();
    let mut source = terms(&format!("gate-{name}"));
    for (i, program) in Program::cut(&*traced(gate)?, INSTRUCTIONS).iter().enumerate() {
        let kernel = format!("gate_{i}");
        source =
            source.with(File::new(format!("{name}-{i}.cu"), text(&kernel, program))).with_kernels(&[&kernel]);
    }
    Ok(source)
}

/// A program as a kernel.
fn text(kernel: &str, program: &Program) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "extern \"C\" __global__ void __launch_bounds__(128) {kernel}({PARAMETERS}) {{");
    text.push_str("    u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x;\n    if (i >= n) return;\n");
    text.push_str("    const u64* w = wires + i;\n    const u64* k = constants + i;\n");
    text.push_str("    quotient::Sums sums = quotient::none();\n");
    for slot in 0..program.slots {
        let _ = writeln!(text, "    u64 s{slot};");
    }
    for &instruction in &program.instructions {
        let _ = match instruction {
            Instruction::Add(to, [a, b]) => writeln!(text, "    s{to} = gl::add({}, {});", read(a), read(b)),
            Instruction::Sub(to, [a, b]) => writeln!(text, "    s{to} = gl::sub({}, {});", read(a), read(b)),
            Instruction::Mul(to, [a, b]) => writeln!(text, "    s{to} = gl::mul({}, {});", read(a), read(b)),
            Instruction::MulAdd(to, [a, b, c]) => {
                writeln!(text, "    s{to} = gl::mul_add({}, {}, {});", read(a), read(b), read(c))
            }
            Instruction::Constraint(constraint, value) => writeln!(
                text,
                "    quotient::add(sums, powers, stride, count, {constraint}, {});",
                read(value)
            ),
        };
    }
    text.push_str("    u64 factor = quotient::filter(selector[i], index, first, end, several);\n");
    text.push_str("    quotient::write(sums, factor, out, out_stride, count, (u32)i);\n}\n");
    text
}

fn read(operand: Operand) -> String {
    match operand {
        Operand::Wire(i) => format!("w[{i} * n]"),
        Operand::Constant(i) => format!("k[{i} * n]"),
        Operand::PublicInputsHash(i) => format!("hash[{i}]"),
        Operand::Literal(value) => format!("{value:#x}ull"),
        Operand::Slot(i) => format!("s{i}"),
    }
}
