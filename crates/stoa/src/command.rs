//! One module for each command.

mod admin_client;
mod config;
mod download;
mod drift;
mod fetch;
mod lanes;
mod query;
mod serve;
mod verify;

use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
};

use clap::CommandFactory;
use stoa_storage::{Storage, open_url};

use crate::{
    USAGE,
    cli::{Cli, Command, Common},
    config::{Config, Faults, load},
};

/// Why a command failed: one text for the user, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    code: u8,
}

impl Failure {
    /// Something went wrong while the command ran.
    pub(crate) fn new(text: impl fmt::Display) -> Self {
        Self {
            text: text.to_string(),
            code: 1,
        }
    }

    /// The command has said what is wrong already.
    pub(crate) fn told() -> Self {
        Self::new("")
    }
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self {
            text: faults.to_string(),
            code: USAGE,
        }
    }
}

/// Writing the output failed: most often a closed pipe.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(if error.kind() == io::ErrorKind::BrokenPipe {
            String::new()
        } else {
            error.to_string()
        })
    }
}

/// Runs a command and says how it went.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let result = match cli.command {
        Command::Serve { listen, common } => configured(common, listen).and_then(serve::run),
        Command::Fetch { modules, common } => {
            configured(common, None).and_then(|config| fetch::run(&config, &modules))
        }
        Command::Verify { repair, json, common } => {
            let is_comparison = common.is_comparison();
            configured(common.common(), None).and_then(|config| match (is_comparison, repair) {
                (true, true) => Err(Failure {
                    text: "verify: --upstream without a list only compares; leave out --repair".to_owned(),
                    code: USAGE,
                }),
                (true, false) => drift::run(&config, json),
                (false, _) => verify::run(&config, repair, json),
            })
        }
        Command::Lanes {
            command,
            server,
            common,
        } => configured(common, None).and_then(|config| lanes::run(&config, server.as_deref(), command)),
        Command::Config { command } => config::run(command),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "stoa", &mut script);
            io::stdout().write_all(&script).map_err(Failure::from)
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let mut stderr = io::stderr().lock();
            for line in failure.text.lines() {
                let _closed = writeln!(stderr, "stoa: {line}");
            }
            ExitCode::from(failure.code)
        }
    }
}

/// The configuration of a command, its warnings said.
fn configured(common: Common, listen: Option<String>) -> Result<Config, Failure> {
    let config = load(&common.given(listen))?;
    let mut stderr = io::stderr().lock();
    for warning in &config.warnings {
        let _closed = writeln!(stderr, "stoa: warning: {warning}");
    }
    Ok(config)
}

/// Blocking threads that are left for reading stored files while every fetch is busy.
const READERS: usize = 32;

/// The runtime of a command.
fn runtime(config: &Config) -> Result<tokio::runtime::Runtime, Failure> {
    // A fetch writes and checks at the same time, on two blocking threads. With these counted, a read of a stored file
    // never queues behind fetches.
    let blocking = 2 * config.fetches + READERS;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(blocking)
        .build();
    runtime.map_err(|error| Failure::new(format!("cannot start: {error}")))
}

/// The storage that the configuration names.
fn open_storage(config: &Config) -> Result<Arc<dyn Storage>, Failure> {
    open_url(&config.storage).map_err(|error| Failure::new(format!("storage: {}", error.report())))
}
