//! Refusals as gRPC statuses: the message is one line that says why, the metadata entry [`CODE`] a stable word.

use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

/// The metadata entry that holds the code word.
pub const CODE: &str = "janction-code";

/// The status for a refusal.
///
/// - `kind`: the gRPC code;
/// - `code`: the stable word, lower-case ASCII with hyphens;
/// - `line`: why, in one line.
pub fn refusal(kind: Code, code: &'static str, line: impl Into<String>) -> Status {
    let mut status = Status::new(kind, line);
    status.metadata_mut().insert(CODE, MetadataValue::from_static(code));
    status
}

/// The code word of a status: of a refusal, its own; `message-too-large` where tonic itself refused a message for its
/// size; `None` for others (lost connections, time-outs).
pub fn code(status: &Status) -> Option<&str> {
    if status.code() == Code::OutOfRange && status.message().contains("message length too large") {
        return Some("message-too-large");
    }
    status.metadata().get(CODE)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_travels() {
        let status = refusal(Code::FailedPrecondition, "balance-too-low", "needs 5, has 3");
        assert_eq!((code(&status), status.message()), (Some("balance-too-low"), "needs 5, has 3"));
        assert_eq!(code(&Status::internal("x")), None);
    }
}
