//! Signatures natively.

use janction_protocol::crypto::SecretKey;
use janction_protocol::transition::message;
use janction_prover_bench::circuits::samples;

use crate::bench::Bench;

/// Runs the group.
pub fn run(bench: &mut Bench) -> anyhow::Result<()> {
    if !bench.wants(&["signature"]) {
        return Ok(());
    }
    let secret = samples::secret(1)?;
    let transfer = &samples::signed_transfers(1)?[0].transaction;
    let (deployment, blocks) = (samples::deployment()?, transfer.blocks()?);
    let m = message(&deployment, 0, &blocks);
    let (public, signature) = (secret.public(), secret.sign(&m));
    let mut group = bench.group("signature");
    group.bench_function("derive", |b| b.iter(|| SecretKey::from_entropy(&[7; 64]).map(|s| s.public())));
    group.bench_function("message", |b| b.iter(|| message(&deployment, 0, &blocks)));
    group.bench_function("sign", |b| b.iter(|| secret.sign(&m)));
    group.bench_function("verify", |b| b.iter(|| public.verify(&m, &signature)));
    group.finish();
    Ok(())
}
