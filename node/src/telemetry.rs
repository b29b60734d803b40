//! Logs (`tracing`, to standard error) and metrics (Prometheus, over HTTP).

use std::borrow::Cow;
use std::io::IsTerminal;
use std::net::SocketAddr;

use metrics_exporter_prometheus::PrometheusBuilder;
use thiserror::Error;
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Telemetry};
use crate::failure::{Advice, Exit, Outcome};
use crate::net;

/// Why logs or metrics could not be started.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// The filter does not parse.
    #[error("`{filter}` is not a log filter: {reason}")]
    Filter {
        /// The filter.
        filter: String,
        /// The parser's words.
        reason: String,
    },
    /// The metrics server did not start.
    #[error("metrics cannot be served on {address}: {reason}")]
    Metrics {
        /// Where.
        address: SocketAddr,
        /// Why.
        reason: String,
    },
}

impl Advice for TelemetryError {
    fn code(&self) -> Cow<'static, str> {
        let code = match self {
            TelemetryError::Filter { .. } => "telemetry.filter",
            TelemetryError::Metrics { .. } => "telemetry.metrics",
        };
        code.into()
    }

    fn remedy(&self) -> String {
        match self {
            TelemetryError::Filter { .. } => {
                "use a level (`info`) or `target=level` pairs, comma-separated".into()
            }
            TelemetryError::Metrics { .. } => {
                "set telemetry.metrics to a free address, or leave it out".into()
            }
        }
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

/// Starts the log and, where configured, the metrics server. Call it once, within a tokio runtime.
///
/// # Errors
/// A filter that does not parse, a port in use.
pub fn start(telemetry: &Telemetry) -> Outcome {
    let filter = EnvFilter::try_new(&telemetry.log)
        .map_err(|e| TelemetryError::Filter { filter: telemetry.log.clone(), reason: e.to_string() })?;
    let terminal = std::io::stderr().is_terminal();
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(terminal);
    match telemetry.format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    if let Some(address) = telemetry.metrics {
        net::must_be_free(address, "telemetry.metrics")?;
        PrometheusBuilder::new()
            .with_http_listener(address)
            .install()
            .map_err(|e| TelemetryError::Metrics { address, reason: e.to_string() })?;
        tracing::info!(%address, "metrics");
    }
    Ok(())
}
