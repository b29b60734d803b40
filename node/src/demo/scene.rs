//! The house while the demonstration runs: its processes, and the ways to look into it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use janction_bindings::L1;

use super::DemoError;
use super::cli::Cli;
use super::deployment::Deployed;
use super::house::{self, Folders, OPERATOR};
use super::process::Process;
use crate::client::Client;
use crate::config::Config;
use crate::failure::Outcome;
use crate::l1;

/// How often something that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// A running house.
pub struct Scene {
    /// Its folders.
    pub folders: Folders,
    /// The configuration that all processes share.
    pub config: Config,
    /// The file that it is in.
    pub file: PathBuf,
    /// L1.
    pub l1: L1,
    /// The contracts.
    pub deployed: Deployed,
    /// The sequencer.
    pub client: Client,
    /// The user's commands.
    pub cli: Cli,
    /// Processes by name, in the order in which they were started.
    processes: Vec<Process>,
}

impl Scene {
    /// Starts L1, deploys the contracts, starts the sequencer.
    ///
    /// # Errors
    /// Whatever does not start.
    pub async fn open(folders: &Folders, base: &Config) -> Outcome<Self> {
        let (anvil, address) = house::start_l1(folders).await?;
        let url = format!("http://{address}");
        let deployed = super::deployment::deploy(folders, &url).await?;
        let (config, file) = house::configure(folders, base, &url, &deployed)?;
        let l1 = l1::connect(&config).await?;
        l1.check_randomness().await?;
        let operator = [("JANCTION_L1_SECRET", OPERATOR)];
        let mut sequencer = house::start_role(folders, &file, "sequencer", &["sequencer"], &operator)?;
        sequencer.listens(config.sequencer.listen, Duration::from_secs(60)).await?;
        let client = Client::connect(&config.sequencer.url).await?;
        let cli = Cli::new(&file)?;
        let (folders, processes) = (folders.clone(), vec![anvil, sequencer]);
        Ok(Scene { folders, config, file, l1, deployed, client, cli, processes })
    }

    /// Takes a started process in.
    pub fn add(&mut self, process: Process) {
        self.processes.push(process);
    }

    /// All processes.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.processes.iter()
    }

    /// A process.
    ///
    /// # Errors
    /// It was not started.
    pub fn process(&mut self, name: &str) -> Result<&mut Process, DemoError> {
        let found = self.processes.iter_mut().find(|p| p.name == name);
        found.ok_or_else(|| DemoError::Start {
            name: name.to_owned(),
            source: std::io::ErrorKind::NotFound.into(),
        })
    }

    /// Kills a process as a power cut would, and starts it again.
    ///
    /// # Errors
    /// It does not come up again.
    pub async fn kill(&mut self, name: &str) -> Outcome {
        let listen = self.config.sequencer.listen;
        let process = self.process(name)?;
        process.kill_and_restart()?;
        if name == "sequencer" {
            process.listens(listen, Duration::from_secs(60)).await?;
            self.client = Client::connect(&self.config.sequencer.url).await?;
        }
        Ok(())
    }

    /// Looks until there is an answer. A process that ends, or `patience` that runs out, is an error.
    ///
    /// # Errors
    /// See there, and whatever `look` finds.
    pub async fn until<T>(
        &mut self,
        what: &'static str,
        patience: Duration,
        mut look: impl AsyncFnMut(&mut Self) -> Outcome<Option<T>>,
    ) -> Outcome<T> {
        let start = Instant::now();
        loop {
            for process in &mut self.processes {
                process.must_run()?;
            }
            if let Some(found) = look(self).await? {
                return Ok(found);
            }
            if start.elapsed() > patience {
                return Err(DemoError::Slow { what, seconds: patience.as_secs() }.into());
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
