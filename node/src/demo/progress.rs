//! What a prover is at, and how long each of its stages took, read from its log (JSON lines).

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

/// The target under which the prover logs its stages.
pub const TARGET: &str = "janction::progress";

/// The lines that tell of progress.
fn lines(log: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    // The last line may be half written; it does not parse then.
    text.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["target"] == TARGET)
        .map(|mut line| line["fields"].take())
        .collect()
}

/// The newest line, in words.
pub fn latest(log: &Path) -> Option<String> {
    let line = lines(log).pop()?;
    let (stage, done, total) = (line["stage"].as_str()?, line["done"].as_u64()?, line["total"].as_u64()?);
    Some(format!("{stage} {done}/{total}"))
}

/// How many parts of a stage are finished, over all proofs.
pub fn finished(log: &Path, stage: &str) -> u64 {
    lines(log)
        .iter()
        .filter(|line| line["stage"] == stage)
        .filter_map(|line| line["done"].as_u64())
        .max()
        .unwrap_or(0)
}

/// Seconds of each stage over all proofs, in the order in which they first ran.
pub fn seconds(log: &Path) -> Vec<(String, f64)> {
    let mut order = Vec::new();
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    for line in lines(log) {
        let finished = line["done"].as_u64() == line["total"].as_u64();
        let (Some(stage), Some(seconds)) = (line["stage"].as_str(), line["seconds"].as_f64()) else {
            continue;
        };
        if finished {
            if !sums.contains_key(stage) {
                order.push(stage.to_owned());
            }
            *sums.entry(stage.to_owned()).or_default() += seconds;
        }
    }
    order.into_iter().map(|stage| (stage.clone(), sums[&stage])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_summed_in_order() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let line = |stage: &str, done: u64, total: u64, seconds: f64| {
            serde_json::json!({
                "target": TARGET,
                "fields": { "stage": stage, "done": done, "total": total, "seconds": seconds },
            })
            .to_string()
        };
        let text = [
            line("chunks", 0, 2, 0.0),
            line("chunks", 1, 2, 1.0),
            line("chunks", 2, 2, 2.5),
            "not JSON".into(),
            serde_json::json!({ "target": "other", "fields": { "stage": "wrap" } }).to_string(),
            line("wrap", 1, 1, 4.0),
            line("chunks", 2, 2, 0.5),
            line("wrap", 0, 1, 0.0),
            "{\"target\":\"janc".into(),
        ];
        std::fs::write(file.path(), text.join("\n")).expect("written");
        assert_eq!(latest(file.path()).as_deref(), Some("wrap 0/1"));
        assert_eq!(seconds(file.path()), [("chunks".to_owned(), 3.0), ("wrap".to_owned(), 4.0)]);
        assert_eq!(finished(file.path(), "chunks"), 2);
        assert_eq!(finished(file.path(), "root"), 0);
        assert_eq!(latest(Path::new("/nowhere")), None);
    }
}
