//! Rows through a program on the device: parts of them one behind the other, on four streams.
//!
//! One stream takes the input up, one computes, one hashes, and one brings results back, for a thread that puts them together.
//! While a part is hashed and copied, the next one is computed; more than [`PARTS`] of them are never on the device.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use janction_accel_cuda::{CudaError, Event};
use janction_program::{Program, Tensor};
use janction_protocol::Digest;

use super::{
    Cuda,
    leaves::{Hashed, Leaves},
    memory::PARTS,
    prepared::Prepared,
    tensor::OnDevice,
};

/// What came back of a tensor.
#[derive(Default)]
pub(super) struct Collected {
    /// Its cells, row by row, where they were asked for.
    pub cells: Vec<u8>,
    /// Its leaves, where they were asked for.
    pub leaves: Vec<Digest>,
}

/// What is wanted of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The committed tensors.
    Cells,
    /// The committed tensors, and all leaves of the input and of them.
    CellsAndLeaves,
}

/// A part of a tensor on its way back. Its memory is held until everything that is wanted of it is there.
struct Parcel {
    /// Which tensor: 0 is the input.
    tensor: usize,
    on_device: Arc<OnDevice>,
    /// When its cells are there; nothing where they are not wanted.
    cells: Option<Event>,
    leaves: Option<Hashed>,
}

enum Message {
    Parcel(Box<Parcel>),
    /// A part of the rows is complete.
    EndOfPart,
}

/// Runs `program`, whose steps are prepared, on `input`, `at_once` rows together: what came back of the input and of the
/// committed steps' results, in order; with their leaves where these are given. Then `at_once` must be whole blocks.
///
/// # Errors
/// What the device says.
pub(super) fn run(
    cuda: &Cuda,
    program: &Program,
    prepared: &[Prepared],
    input: &Tensor,
    at_once: usize,
    leaves: Option<&Leaves>,
) -> Result<Vec<Collected>, CudaError> {
    let (parcels, received) = channel();
    let (part_done, parts_done) = channel();
    let columns: Vec<usize> = program.committed_steps().map(|step| step.output.columns()).collect();
    std::thread::scope(|scope| {
        let collector = scope.spawn(|| collect(cuda, &columns, input.rows(), received, part_done));
        let sent = send(cuda, program, prepared, input, at_once, leaves, &parcels, &parts_done);
        drop(parcels);
        let collected = collector.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        // What the collector met comes first: without it the sender would not have stopped.
        let collected = collected?;
        sent.map(|()| collected)
    })
}

/// Starts everything, part by part.
#[allow(clippy::too_many_arguments)]
fn send(
    cuda: &Cuda,
    program: &Program,
    prepared: &[Prepared],
    input: &Tensor,
    at_once: usize,
    leaves: Option<&Leaves>,
    parcels: &Sender<Message>,
    parts_done: &Receiver<()>,
) -> Result<(), CudaError> {
    for (part, first) in (0..input.rows()).step_by(at_once).enumerate() {
        if part as u64 >= PARTS && parts_done.recv().is_err() {
            return Ok(());
        }
        let rows = first..input.rows().min(first + at_once);
        let uploaded = Arc::new(OnDevice::upload(&cuda.uploading, input, rows)?);
        let ready = cuda.uploading.record()?;
        cuda.device.borrow(&uploaded.buffer, &ready)?;
        let hash = |tensor: &OnDevice, ready: &Event| {
            leaves.map(|leaves| leaves.start(cuda, tensor, ready)).transpose()
        };
        let parcel = |tensor: usize, on_device: &Arc<OnDevice>, cells, leaves| {
            let parcel = Parcel { tensor, on_device: Arc::clone(on_device), cells, leaves };
            // Where nobody takes it, the collector has failed, and says why.
            parcels.send(Message::Parcel(Box::new(parcel))).is_ok()
        };
        let hashed = hash(&uploaded, &ready)?;
        if !parcel(0, &uploaded, None, hashed) {
            return Ok(());
        }
        let mut values = vec![uploaded];
        let mut tensor = 0;
        for (step, prepared) in program.steps().iter().zip(prepared) {
            let inputs = step.operation.inputs();
            let operands: Vec<&OnDevice> = inputs.iter().map(|id| values[id.0].as_ref()).collect();
            let result = match prepared.run(cuda, program, step, &operands)? {
                Some(result) => Arc::new(result),
                None => Arc::clone(&values[inputs[0].0]),
            };
            if !step.operation.kind().is_view() {
                tensor += 1;
                let ready = cuda.device.record()?;
                let hashed = hash(&result, &ready)?;
                if !parcel(tensor, &result, Some(ready), hashed) {
                    return Ok(());
                }
            }
            values.push(result);
        }
        if parcels.send(Message::EndOfPart).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Puts together what comes back. `columns` are those of the committed tensors.
fn collect(
    cuda: &Cuda,
    columns: &[usize],
    rows: usize,
    parcels: Receiver<Message>,
    part_done: Sender<()>,
) -> Result<Vec<Collected>, CudaError> {
    let mut all: Vec<Collected> = vec![Collected::default()];
    all.extend(
        columns
            .iter()
            .map(|columns| Collected { cells: Vec::with_capacity(rows * columns), leaves: Vec::new() }),
    );
    for message in parcels {
        match message {
            Message::Parcel(parcel) => {
                let Parcel { tensor, on_device, cells, leaves } = *parcel;
                let to = &mut all[tensor];
                if let Some(ready) = &cells {
                    cuda.copying.borrow(&on_device.buffer, ready)?;
                    on_device.read(&cuda.copying, &mut to.cells)?;
                }
                if let Some(leaves) = leaves {
                    to.leaves.extend(leaves.read(&cuda.copying)?);
                }
            }
            // Nobody waits for the last parts.
            Message::EndOfPart => drop(part_done.send(())),
        }
    }
    Ok(all)
}

/// All leaves of `tensor`, `at_once` rows together, which must be whole blocks.
///
/// # Errors
/// What the device says.
pub(super) fn leaves(
    cuda: &Cuda,
    leaves: &Leaves,
    tensor: &Tensor,
    at_once: usize,
) -> Result<Vec<Digest>, CudaError> {
    let mut digests = Vec::new();
    let mut before: Option<(OnDevice, Hashed)> = None;
    for first in (0..tensor.rows()).step_by(at_once) {
        let rows = first..tensor.rows().min(first + at_once);
        let uploaded = OnDevice::upload(&cuda.uploading, tensor, rows)?;
        let hashed = leaves.start(cuda, &uploaded, &cuda.uploading.record()?)?;
        if let Some((_, hashed)) = before.replace((uploaded, hashed)) {
            digests.extend(hashed.read(&cuda.copying)?);
        }
    }
    if let Some((_, hashed)) = before {
        digests.extend(hashed.read(&cuda.copying)?);
    }
    Ok(digests)
}
