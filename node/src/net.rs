//! Ports and signals.

use std::borrow::Cow;
use std::io;
use std::net::{SocketAddr, TcpListener};

use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::failure::Advice;

/// Why an address cannot be listened on.
#[derive(Debug, Error)]
pub enum NetError {
    /// Somebody else listens there.
    #[error("port {} of {} is in use", address.port(), address.ip())]
    PortInUse {
        /// The address.
        address: SocketAddr,
        /// The configuration key that names it.
        key: &'static str,
    },
    /// The address cannot be bound for another reason.
    #[error("cannot listen on {address}")]
    CannotListen {
        /// The address.
        address: SocketAddr,
        /// The configuration key that names it.
        key: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Signal handlers could not be installed.
    #[error("signal handlers cannot be installed")]
    NoSignals(#[source] io::Error),
}

impl Advice for NetError {
    fn code(&self) -> Cow<'static, str> {
        let code = match self {
            NetError::PortInUse { .. } => "net.port_in_use",
            NetError::CannotListen { .. } => "net.cannot_listen",
            NetError::NoSignals(_) => "net.no_signals",
        };
        code.into()
    }

    fn remedy(&self) -> String {
        match self {
            NetError::PortInUse { address, key } => {
                format!(
                    "stop what listens there (`ss -ltnp sport = :{}`), or set {key} to another port",
                    address.port()
                )
            }
            NetError::CannotListen { key, .. } => format!("set {key} to an address of this machine"),
            NetError::NoSignals(_) => "check the limits of the process (`ulimit -a`)".into(),
        }
    }
}

/// Fails when `address`, configured as `key`, cannot be listened on right now.
///
/// # Errors
/// [`NetError::PortInUse`], [`NetError::CannotListen`].
pub fn must_be_free(address: SocketAddr, key: &'static str) -> Result<(), NetError> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(source) if source.kind() == io::ErrorKind::AddrInUse => Err(NetError::PortInUse { address, key }),
        Err(source) => Err(NetError::CannotListen { address, key, source }),
    }
}

/// A token that is cancelled by the first SIGINT or SIGTERM. A second one ends the process at once, with the
/// customary status of 128 + signal.
///
/// # Errors
/// [`NetError::NoSignals`].
pub fn shutdown() -> Result<CancellationToken, NetError> {
    let token = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt()).map_err(NetError::NoSignals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(NetError::NoSignals)?;
    let cancelled = token.clone();
    tokio::spawn(async move {
        loop {
            let number = tokio::select! {
                _ = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
                _ = terminate.recv() => SignalKind::terminate().as_raw_value(),
            };
            if cancelled.is_cancelled() {
                std::process::exit(128 + number);
            }
            tracing::info!("shutting down; a second signal ends the process at once");
            cancelled.cancel();
        }
    });
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_named() {
        let holder = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = holder.local_addr().expect("bound");
        match must_be_free(address, "sequencer.listen") {
            Err(error @ NetError::PortInUse { .. }) => {
                assert!(error.to_string().contains(&address.port().to_string()));
                assert!(error.remedy().contains("sequencer.listen"));
            }
            other => panic!("{other:?}"),
        }
        drop(holder);
        must_be_free(address, "sequencer.listen").expect("free again");
        let foreign = SocketAddr::from(([192, 0, 2, 1], 1));
        assert!(matches!(must_be_free(foreign, "sequencer.listen"), Err(NetError::CannotListen { .. })));
    }
}
