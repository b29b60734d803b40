//! Gates as CUDA C++.

use std::fmt::Write;

use janction_accel_cuda::{File, Source, texts};
use plonky2::gates::gate::GateRef;
use plonky2::gates::poseidon::PoseidonGate;

use crate::tape::{Instruction, Operand, Program, TapeError, traced};
use crate::{D, F};

/// Instructions of one kernel at most: a gate of more is cut into several, so that compiling stays quick and what is live
/// at once stays in registers. Each of them computes anew what it shares with others, so few cuts are better than many.
const INSTRUCTIONS: usize = 1500;

/// The parameters of every gate's kernels; `sums.cuh` and the launch in `quotient.rs` go with them.
const PARAMETERS: &str = "const u64* __restrict__ wires, const u64* __restrict__ constants, \
    const u64* __restrict__ selector, const u64* __restrict__ hash, const u64* __restrict__ powers, u32 stride, \
    u32 count, u32 index, u32 first, u32 end, u32 several, u64* out, u64 out_stride, u64 n";

/// The kernels of the permutation argument, and what is done with the whole quotient.
pub(super) fn permutation() -> Source {
    terms("permutation")
        .with(File::new("permutation.cu", include_str!("../../kernels/permutation.cu")))
        .with_kernels(&["permutation_terms", "scale", "find_nonzero", "natural_order"])
}

/// The kernels of the lookup arguments.
pub(super) fn lookup() -> Source {
    terms("lookup").with(File::new("lookup.cu", include_str!("../../kernels/lookup.cu"))).with_kernels(&[
        "lookup_terms",
        "lookup_steps",
        "add_behind",
    ])
}

/// What kernels of the quotient are made of, before their own files.
fn terms(name: &str) -> Source {
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

#[cfg(test)]
mod tests {
    use janction_accel_cuda::{CudaError, compile_image};
    use plonky2::gates::arithmetic_base::ArithmeticGate;
    use plonky2::gates::base_sum::BaseSumGate;
    use plonky2::gates::coset_interpolation::CosetInterpolationGate;
    use plonky2::gates::random_access::RandomAccessGate;
    use plonky2::gates::reducing::ReducingGate;
    use plonky2::plonk::circuit_data::CircuitConfig;

    use super::*;

    /// What is compiled for: A100, RTX 40, H100, B200, RTX 50.
    const CAPABILITIES: [(i32, i32); 5] = [(8, 0), (8, 9), (9, 0), (10, 0), (12, 0)];

    /// Bytes that a thread may write out: a word or two cost nothing beside what a gate computes.
    const SPILT: u32 = 32;

    /// The bytes of `.. N bytes spill stores, ..`.
    fn spilt(line: &str) -> u32 {
        let before = line.split(" bytes spill stores").next().unwrap_or_default();
        before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(u32::MAX)
    }

    /// With CUDA's own compiler, where it is there (no GPU is needed for that): every architecture takes the kernels, and
    /// keeps in registers what they work on.
    #[test]
    fn kernels_compile_and_keep_to_registers() -> Result<(), Box<dyn std::error::Error>> {
        let config = CircuitConfig::standard_recursion_config();
        let gates: [GateRef<F, D>; 6] = [
            GateRef::new(PoseidonGate::<F, D>::new()),
            GateRef::new(ArithmeticGate::new_from_config(&config)),
            GateRef::new(BaseSumGate::<2>::new(63)),
            GateRef::new(CosetInterpolationGate::<F, D>::new(4)),
            GateRef::new(RandomAccessGate::<F, D>::new_from_config(&config, 4)),
            GateRef::new(ReducingGate::<D>::new(43)),
        ];
        let mut sources = vec![permutation(), lookup()];
        for gate in &gates {
            sources.push(super::gate(gate)?);
        }
        for (i, source) in sources.iter().enumerate() {
            // What is written by hand for all of them, what is generated for one each.
            let capabilities = if i < 3 { &CAPABILITIES[..] } else { &CAPABILITIES[i % 5..][..1] };
            for &capability in capabilities {
                let log = match compile_image(source, capability) {
                    Err(CudaError::NoCompiler) => {
                        println!("SKIPPED: libnvrtc was not found");
                        return Ok(());
                    }
                    compiled => compiled?.1,
                };
                for line in log.lines().filter(|line| line.contains("spill") || line.contains("Used")) {
                    println!("{} for {capability:?}: {line}", source.name());
                    assert!(!line.contains("spill") || spilt(line) <= SPILT, "{}: {line}", source.name());
                }
            }
        }
        Ok(())
    }
}
