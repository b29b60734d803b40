//! The baseline: Plonky2's own prover, to be compiled with `RUSTFLAGS=-Ctarget-cpu=native`. Started by `janction bench
//! prover --stock`, with which it speaks over its standard input and output (`janction_prover_bench::stock`).

fn main() -> std::io::Result<()> {
    janction_prover_bench::stock::serve(std::io::stdin().lock(), std::io::stdout().lock())
}
