//! The `janction` binary: every role of the house behind one command line.

mod account;
mod audit;
mod bench;
mod calibrate;
mod cli;
mod client;
mod config;
mod demo;
mod doctor;
mod earnings;
mod failure;
mod file;
mod job;
mod keys;
mod keystore;
mod l1;
mod net;
mod output;
mod password;
mod program;
mod progress;
mod roles;
mod sending;
mod telemetry;
mod tools;
mod worker;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use config::Config;
use earnings::ProverAction;
use failure::{Exit, Outcome};
use output::Output;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output { json: cli.global.json };
    match run(cli, output).await {
        Ok(exit) => exit.into(),
        Err(failure) => {
            let text = if output.json { failure.to_json().to_string() } else { failure.to_string() };
            let _ = writeln!(io::stderr(), "{text}");
            failure.exit().into()
        }
    }
}

async fn run(cli: Cli, output: Output) -> Outcome<Exit> {
    let mut config = Config::load(cli.global.config.as_deref(), std::env::vars(), &cli.global.overrides())?;
    match cli.command {
        Command::Sequencer { password_file } => {
            roles::sequencer::run(&config, password_file.as_deref()).await.map(|()| Exit::Success)
        }
        Command::Prover { action: Some(ProverAction::Earnings { payee }), .. } => {
            earnings::earnings(&config, output, payee).await.map(|()| Exit::Success)
        }
        Command::Prover { action: Some(ProverAction::Calibrate(options)), .. } => {
            calibrate::calibrate(&config, output, &options).map(|()| Exit::Success)
        }
        Command::Prover { prepare, gpu, action: None } => {
            if !gpu.is_empty() {
                config.prover.gpus = gpu;
            }
            roles::prover::run(&config, prepare).await.map(|()| Exit::Success)
        }
        Command::Account { action } => account::run(action, &config, output).await.map(|()| Exit::Success),
        Command::Program { action } => program::run(&config, action, output).map(|()| Exit::Success),
        Command::Job { action } => job::run(*action, &config, output).await.map(|()| Exit::Success),
        Command::Worker { action } => worker::run(action, &config, output).await.map(|()| Exit::Success),
        Command::Audit { means } => audit::run(&config, output, &means).await,
        Command::Bench { action } => bench::run(&action, output).map(|()| Exit::Success),
        Command::Demo { options } => demo::run(&config, output, &options).await,
        Command::Doctor => Ok(doctor::run(&config, output).await),
    }
}
