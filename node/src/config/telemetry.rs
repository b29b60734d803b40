//! Section `telemetry`: logs and metrics.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// Logs and metrics.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Log filter, as `RUST_LOG`.
    pub log: String,
    /// How log lines look.
    pub format: LogFormat,
    /// Where Prometheus metrics are served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<SocketAddr>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Telemetry {
    fn default() -> Self {
        Telemetry { log: "info".into(), format: LogFormat::Text, metrics: None }
    }
}
