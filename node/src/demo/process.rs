//! The processes of the demonstration: started with their logs in files, watched, stopped, and never left behind.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::DemoError;

/// How long a process may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(10);

/// A running process. Dropping it stops it.
#[derive(Debug)]
pub struct Process {
    /// What it is called in the report and in the name of its log.
    pub name: String,
    command: Command,
    child: Child,
    log: PathBuf,
    peak: u64,
}

impl Process {
    /// Starts `command` with standard output and error in `logs/name.log`.
    ///
    /// # Errors
    /// The program or the log file cannot be opened.
    pub fn start(name: &str, mut command: Command, logs: &Path) -> Result<Self, DemoError> {
        let log = logs.join(format!("{name}.log"));
        let child = spawn(name, &mut command, &log)?;
        Ok(Process { name: name.to_owned(), command, child, log, peak: 0 })
    }

    /// Ends it as a power cut would (SIGKILL), and starts it again.
    ///
    /// # Errors
    /// It does not start again.
    pub fn kill_and_restart(&mut self) -> Result<(), DemoError> {
        self.peak = self.peak_bytes().unwrap_or_default();
        let cannot = |source| DemoError::Start { name: self.name.clone(), source };
        self.child.kill().and_then(|()| self.child.wait()).map_err(cannot)?;
        self.child = spawn(&self.name, &mut self.command, &self.log)?;
        Ok(())
    }

    /// Its log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Fails with the end of its log when it has ended.
    ///
    /// # Errors
    /// [`DemoError::Ended`].
    pub fn must_run(&mut self) -> Result<(), DemoError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.ended(status.to_string())),
            Err(error) => Err(self.ended(error.to_string())),
        }
    }

    fn ended(&self, status: String) -> DemoError {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let last: Vec<&str> = text.lines().rev().take(5).collect();
        let last = last.into_iter().rev().collect::<Vec<_>>().join("\n    ");
        DemoError::Ended { name: self.name.clone(), status, log: self.log.clone(), last }
    }

    /// Waits until it accepts connections on `address`.
    ///
    /// # Errors
    /// It ended, or does not listen in time.
    pub async fn listens(&mut self, address: SocketAddr, patience: Duration) -> Result<(), DemoError> {
        let start = Instant::now();
        loop {
            self.must_run()?;
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return Ok(());
            }
            if start.elapsed() > patience {
                return Err(DemoError::Silent { name: self.name.clone(), address, log: self.log.clone() });
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The largest resident set that it has had, over all restarts, in bytes; none when the system does not say.
    pub fn peak_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some((kib * 1024).max(self.peak))
    }

    /// Asks it to end, if it has not ended by itself (its number may by then be another process's).
    fn terminate(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let (Ok(None), Some(pid)) = (self.child.try_wait(), pid) {
            // A failure means that it has just ended.
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

fn spawn(name: &str, command: &mut Command, log: &Path) -> Result<Child, DemoError> {
    let cannot = |source| DemoError::Start { name: name.to_owned(), source };
    let out = File::options().create(true).append(true).open(log).map_err(cannot)?;
    let err = out.try_clone().map_err(cannot)?;
    command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().map_err(cannot)
}

impl Drop for Process {
    fn drop(&mut self) {
        self.terminate();
        let start = Instant::now();
        while let Ok(None) = self.child.try_wait() {
            if start.elapsed() > GRACE {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A local port that nobody listens on. Another program could take it before it is used; the user of the port then
/// fails with a typed error.
///
/// # Errors
/// No port is left.
pub fn free_port() -> Result<SocketAddr, DemoError> {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|l| l.local_addr()).map_err(DemoError::NoPort)
}
