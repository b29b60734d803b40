//! The bits that are told to users and stand in `docs/security.md`, computed from the circuits themselves.

use janction_aggregate::config::Common;
use janction_audit::{AuditCircuits, ExecutionCircuit, MAX_PIECE_BITS};
use janction_engine::soundness::{Regime, Soundness};
use janction_program::builder::{Builder, MatMulOptions};
use janction_program::{Cells, DType, PerColumn, Program, Requantise, Tensor};
use janction_prover::soundness::{KZG_BITS, WHOLE};
use janction_trace::Policy;

use super::KEYS;

const PAGE: &str = include_str!("../../../../docs/security.md");
const REGIMES: [Regime; 3] = [Regime::UniqueDecoding, Regime::Johnson, Regime::Conjectured];
/// log2 of the rows of the smallest piece that the page speaks of.
const LEAST_PIECE_BITS: usize = 13;

/// A line of the page's table, and the circuits that it is about.
struct Layer {
    name: &'static str,
    circuits: Vec<Common>,
}

/// All kinds of proofs between a step of the ledger, or a row of a trace, and the halo2 circuit.
fn layers() -> Vec<Layer> {
    let circuits = &KEYS.circuits;
    let [(_, chunk), (_, leaf), (_, join)] = circuits.ledger.circuits();
    let [(_, gather), (_, wrapper)] = circuits.wrapper.circuits();
    let execution = ExecutionCircuit::build(circuits.wrapper.verifier());
    let [(_, audit_leaf), (_, audit_join), (_, root)] = circuits.root.circuits();
    let audit = AuditCircuits::build(circuits.wrapper.shape(), program(), Policy::Full).expect("small");
    let pieces =
        (LEAST_PIECE_BITS..=MAX_PIECE_BITS).map(|bits| resized(audit.pieces().common(), bits)).collect();
    let named =
        |name, circuits: &[&Common]| Layer { name, circuits: circuits.iter().map(|&c| c.clone()).collect() };
    let commons = KEYS.wrap.layers().commons();
    let (last, shrinks) = commons.split_last().expect("a last layer");
    vec![
        named("ledger chunk", &[&chunk.common]),
        named(
            "leaf, join (ledger, audits)",
            &[
                &leaf.common,
                &join.common,
                &audit_leaf.common,
                &audit_join.common,
                &audit.leaf().data().common,
            ],
        ),
        Layer { name: "audit piece", circuits: pieces },
        named(
            "gathering, audit wrapper, execution",
            &[&gather.common, &wrapper.common, &execution.data().common],
        ),
        named("root", &[&root.common]),
        named("shrink", shrinks),
        named("last layer", &[last]),
    ]
}

/// A product, whose audit stands for all.
fn program() -> Program {
    let mut b = Builder::new("one_product", 2);
    let x = b.input("x", DType::I8, &[3]);
    let w = b.constant("w", Tensor::new(3, 4, Cells::I8(vec![7; 12])).expect("cells fit"));
    let half = PerColumn::All(Requantise::new(1 << 30, 36));
    b.matmul("y", x, w, DType::I8, MatMulOptions::new(half));
    b.build().expect("a valid program")
}

/// The same gates on 2^`bits` rows.
fn resized(common: &Common, bits: usize) -> Common {
    let mut common = common.clone();
    let fri = &common.config.fri_config;
    let (rate, cap, queries) = (fri.rate_bits, fri.cap_height, fri.num_query_rounds);
    common.fri_params.reduction_arity_bits =
        fri.reduction_strategy.reduction_arity_bits(bits, rate, cap, queries);
    common.fri_params.degree_bits = bits;
    common
}

/// One value, or the least and the largest.
fn span(values: impl Iterator<Item = String>) -> String {
    let values: Vec<String> = values.collect();
    let (first, last) = (&values[0], &values[values.len() - 1]);
    if first == last { first.clone() } else { format!("{first} to {last}") }
}

impl Layer {
    fn bits(&self, regime: Regime) -> Vec<Soundness> {
        let mut bits: Vec<_> = self.circuits.iter().map(|common| Soundness::of(common, regime)).collect();
        bits.sort_by(|a, b| a.total().total_cmp(&b.total()));
        bits
    }

    /// As in the page's table, with one decimal, rounded down.
    fn line(&self) -> String {
        let down = |bits: f64| format!("{:.1}", (bits * 10.0).floor() / 10.0);
        let fri = &self.circuits[0].config.fri_config;
        let mut rows: Vec<usize> = self.circuits.iter().map(|common| common.degree_bits()).collect();
        rows.sort_unstable();
        let rows = span(rows.into_iter().map(|bits| format!("2^{bits}")));
        let regimes = REGIMES.map(|regime| {
            let bits = self.bits(regime);
            let query = span(bits.iter().map(|bits| down(bits.fri_query)));
            format!("{} ({query})", span(bits.iter().map(|bits| down(bits.total()))))
        });
        let (rate, queries, grinding) = (1 << fri.rate_bits, fri.num_query_rounds, fri.proof_of_work_bits);
        format!("| {} | {rows} | 1/{rate} | {queries} + {grinding} | {} |", self.name, regimes.join(" | "))
    }
}

/// A change of parameters or circuits that changes a figure fails here until page and constants follow.
#[test]
fn the_page_and_the_constants_say_what_the_circuits_are_worth() {
    let layers = layers();
    let page = PAGE.replace("**", "");
    let lines: Vec<String> = layers.iter().map(Layer::line).collect();
    let missing: Vec<&String> = lines.iter().filter(|line| !page.contains(line.as_str())).collect();
    assert!(missing.is_empty(), "docs/security.md lacks\n{missing:#?}");

    let least = REGIMES.map(|regime| {
        let totals = layers.iter().map(|layer| layer.bits(regime)[0].total());
        totals.fold(f64::INFINITY, f64::min).floor() as u32
    });
    let told = [WHOLE.unique_decoding, WHOLE.johnson, WHOLE.conjectured];
    assert_eq!(told, [least[0], least[1], least[2].min(KZG_BITS)], "janction_prover::soundness::WHOLE");
    let [unique, johnson, conjectured] = told;
    for text in [
        format!(
            "{unique} proven bits below the unique decoding radius, {johnson} proven bits under the Johnson bound"
        ),
        format!("and {conjectured} under the conjecture"),
        format!("| {unique} (unique decoding), {johnson} (Johnson) | {conjectured} |"),
    ] {
        let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(&text), "docs/security.md does not say {text:?}");
    }
}
