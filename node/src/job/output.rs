//! `job output`.

use std::path::Path;

use janction_program::commitment::{RowTree, Scheme, depth_for};
use janction_program::limits::MAX_DEPTH;
use janction_program::{Tensor, npy};
use janction_protocol::Digest;
use janction_protocol::state::{Index, JobStatus};
use serde_json::json;

use super::error::JobProblem;
use super::view;
use crate::client::{Class, Client};
use crate::config::Config;
use crate::failure::Outcome;
use crate::file;
use crate::output::{Output, columns};
use crate::progress::Progress;

/// Fetches a job's output, checks it against the ledger's root, and writes it.
///
/// # Errors
/// No such job, no output, another one than the ledger says; the file cannot be written.
pub async fn fetch(config: &Config, output: Output, index: Index, target: &Path) -> Outcome {
    let mut client = Client::connect(&config.sequencer.url).await?;
    let job = client.job(index).await?.job;
    if job.submit_batch == 0 {
        let phase = view::phase(&job, client.info().await?.time);
        return Err(JobProblem::NoOutput { index, phase }.into());
    }
    let bar = Progress::spinner(output, "downloading the output");
    let mut got = 0;
    let shown = |size: u64, bytes: u64| {
        got += bytes;
        bar.say(format!("downloading the output: {got} of {size} bytes"));
    };
    let bytes = client.get_blob(Class::Output, job.output_root, shown).await?;
    bar.say("checking it".into());
    let tensor = npy::decode(&bytes).map_err(|source| JobProblem::OutputUnreadable { index, source })?;
    let rows = job.input_rows;
    if tensor.rows() != rows as usize || !has_root(&tensor, job.output_root) {
        return Err(JobProblem::OutputDiffers { index, root: job.output_root, rows }.into());
    }
    drop(bar);
    // As it is canonical, so that the same tensor is always the same file.
    file::write(target, &npy::encode(&tensor))?;
    let proven = job.status == JobStatus::Settled;
    let value = json!({
        "job": index,
        "output": target,
        "output_root": job.output_root.to_string(),
        "rows": rows,
        "columns": tensor.columns(),
        "type": tensor.dtype().name(),
        "settled": proven,
    });
    output.print(&value, |_| {
        let stands = if proven { "settled: its audit holds" } else { "not settled: its audit is not proven" };
        columns(&[
            ("output", target.display().to_string()),
            ("rows", format!("{rows} of {} {}", tensor.columns(), tensor.dtype())),
            ("root", format!("{}, as on the ledger", job.output_root)),
            ("job", stands.to_owned()),
        ])
    });
    Ok(())
}

/// Whether `root` commits to `tensor`, by whatever scheme and with a tree of whatever depth: only the program says which, and
/// other rows cannot have the same root by any of them. (One block has further leaves by scheme 2, with numbers of the sketch that are
/// not below q; no honest worker makes one, and whoever does has made an output that nobody recognises.)
fn has_root(tensor: &Tensor, root: Digest) -> bool {
    Scheme::all_for(tensor.columns()).any(|scheme| {
        let Ok(tree) = RowTree::new(scheme.leaves(tensor), MAX_DEPTH) else { return false };
        // The node above all leaves, and those above it, are the roots of shallower trees.
        let least = depth_for(scheme.leaf_count(tensor.rows()));
        (least..=MAX_DEPTH).any(|depth| tree.node(depth.into(), 0) == root)
    })
}

#[cfg(test)]
mod tests {
    use janction_program::Cells;

    use super::*;

    fn tensor(cells: Vec<i8>) -> Tensor {
        Tensor::new(cells.len() / 2, 2, Cells::I8(cells)).expect("a tensor")
    }

    #[test]
    fn a_root_of_any_depth_is_recognised_and_no_other_tensors() {
        let output = tensor(vec![1, 2, 3, 4, 5, 6]);
        let root_by =
            |scheme: Scheme, depth| RowTree::new(scheme.leaves(&output), depth).expect("a tree").root();
        let root = |depth| root_by(Scheme::Rows, depth);
        for depth in [2, 3, 12, 24] {
            assert!(has_root(&output, root(depth)), "{depth}");
            for block_bits in [0, 1, 5] {
                let root = root_by(Scheme::Sketch { block_bits }, depth);
                assert!(has_root(&output, root), "blocks of 2^{block_bits}, {depth}");
                assert!(!has_root(&tensor(vec![1, 2, 3, 4, 5, 7]), root));
            }
        }
        for other in [
            tensor(vec![1, 2, 3, 4, 5, 7]),
            tensor(vec![1, 2, 3, 4]),
            tensor(vec![3, 4, 1, 2, 5, 6]),
            tensor(vec![1, 2, 3, 4, 5, 6, 0, 0]),
        ] {
            assert!((2..=24).all(|depth| !has_root(&other, root(depth))));
        }
        // A node inside the tree is no root.
        let tree = RowTree::new(Scheme::Rows.leaves(&output), 4).expect("a tree");
        assert!(!has_root(&output, tree.node(1, 0)));
    }
}
