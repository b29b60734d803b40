//! One table of what criterion measured and what was timed plainly, for the terminal and for `docs/benchmarks.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::Context;
use serde_json::Value;

use crate::bench::{Count, Timed};

/// Between these lines of a page stands the table.
const MARKS: [&str; 2] = ["<!-- stages: begin -->", "<!-- stages: end -->"];

/// One of criterion's estimates.
#[derive(Clone, Debug)]
pub struct Measured {
    stage: String,
    what: String,
    size: Option<u64>,
    /// Into how many units it divides, and what these are.
    units: Option<(u64, &'static str)>,
    seconds: f64,
}

/// The median estimates in criterion's folder that are not older than `start`.
///
/// # Errors
/// When the folder or a file in it cannot be read.
pub fn measured(folder: &Path, start: SystemTime) -> anyhow::Result<Vec<Measured>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // There is none before the first run.
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry?.path();
            let estimates = path.join("estimates.json");
            if path.file_name().is_some_and(|name| name == "new") && estimates.exists() {
                let modified = fs::metadata(&estimates)?.modified()?;
                if modified >= start {
                    found.push((modified, read(&path)?));
                }
            } else if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort_by_key(|(modified, _)| *modified);
    Ok(found.into_iter().map(|(_, measured)| measured).collect())
}

fn read(folder: &Path) -> anyhow::Result<Measured> {
    let json = |name: &str| -> anyhow::Result<Value> {
        let path = folder.join(name);
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        serde_json::from_slice(&bytes).with_context(|| path.display().to_string())
    };
    let (about, estimates) = (json("benchmark.json")?, json("estimates.json")?);
    let nanoseconds = estimates["median"]["point_estimate"].as_f64().context("no median")?;
    let text = |key: &str| about[key].as_str().map(str::to_owned);
    let throughput = &about["throughput"];
    let units = |key, unit| throughput[key].as_u64().map(|count| (count, unit));
    Ok(Measured {
        stage: text("group_id").context("no group")?,
        what: text("function_id").unwrap_or_default(),
        size: text("value_str").and_then(|size| size.parse().ok()),
        units: units("Elements", "").or_else(|| units("Bytes", "byte")),
        seconds: nanoseconds * 1e-9,
    })
}

/// The table as Markdown.
pub fn render(measured: &[Measured], timed: &[Timed], counts: &[Count]) -> String {
    let mut text = format!("{}\n\n", machine());
    text += "| stage | of | time (by size) | each, at the largest |\n|---|---|---|---|\n";
    let mut rest = measured;
    while let Some(first) = rest.first() {
        let same = |m: &&Measured| m.stage == first.stage && m.what == first.what;
        // Sizes of one thing are measured one after another, but for other functions of their group in between.
        let row: Vec<&Measured> = measured.iter().filter(same).collect();
        if std::ptr::eq(row[0], first) {
            text += &measured_row(&row);
        }
        rest = &rest[1..];
    }
    for t in timed {
        let each = match t.units {
            (1, _) => String::new(),
            (count, unit) => format!("{} a {unit}", time(t.seconds / count as f64)),
        };
        text +=
            &format!("| {} | {} | {} (median of {}) | {each} |\n", t.stage, t.what, time(t.seconds), t.runs);
    }
    if !counts.is_empty() {
        text += "\n| count | |\n|---|---|\n";
        for Count { what, value } in counts {
            text += &format!("| {what} | {value} |\n");
        }
    }
    text
}

fn measured_row(row: &[&Measured]) -> String {
    let times: Vec<String> = row
        .iter()
        .map(|m| m.size.map_or_else(|| time(m.seconds), |size| format!("{size}: {}", time(m.seconds))))
        .collect();
    let each = row.last().and_then(|m| Some((m.units.filter(|(count, _)| *count > 1)?, m.seconds)));
    let each = each.map_or_else(String::new, |((count, unit), seconds)| {
        let each = time(seconds / count as f64);
        if unit.is_empty() { each } else { format!("{each} a {unit}") }
    });
    format!("| {} | {} | {} | {each} |\n", row[0].stage, row[0].what, times.join(" · "))
}

/// Three digits and a unit.
pub fn time(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s >= 1.0 => (s, "s"),
        s if s >= 1e-3 => (s * 1e3, "ms"),
        s if s >= 1e-6 => (s * 1e6, "µs"),
        s => (s * 1e9, "ns"),
    };
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.digits$} {unit}")
}

/// Commit, processor, memory, compiler, as far as they are known.
fn machine() -> String {
    let line = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok().filter(|o| o.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned()).filter(|text| !text.is_empty())
    };
    let commit = line("git", &["describe", "--always", "--dirty"]).map(|commit| format!("commit {commit}"));
    let cpus = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let name = text.lines().find(|l| l.starts_with("model name"))?.split(": ").nth(1)?.to_owned();
        Some(format!("{} threads of {name}", std::thread::available_parallelism().ok()?))
    });
    let memory = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let kilobytes: u64 = text.lines().next()?.split_whitespace().nth(1)?.parse().ok()?;
        Some(format!("{} GiB", kilobytes >> 20))
    });
    let rust = line("rustc", &["--version"]);
    let parts: Vec<String> = [commit, cpus, memory, rust].into_iter().flatten().collect();
    format!("`make bench`, {}.", parts.join(", "))
}

/// Puts the table between the marks of a page. A relative path starts where `cargo` or `make` was called.
///
/// # Errors
/// When the page cannot be read or written, or has no marks.
pub fn write(page: &Path, table: &str) -> anyhow::Result<()> {
    // Cargo runs benches in the folder of their package.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page: PathBuf = if page.is_absolute() { page.to_owned() } else { root.join(page) };
    let text = fs::read_to_string(&page).with_context(|| page.display().to_string())?;
    let marks = || format!("{} has not the lines {:?}", page.display(), MARKS);
    let (before, rest) = text.split_once(MARKS[0]).with_context(marks)?;
    let (_, after) = rest.split_once(MARKS[1]).with_context(marks)?;
    let text = format!("{before}{}\n{table}{}{after}", MARKS[0], MARKS[1]);
    fs::write(&page, text).with_context(|| page.display().to_string())
}
