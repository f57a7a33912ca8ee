//! One module for each command.

mod admin_client;
mod aggr;
mod cluster;
mod config;
mod download;
mod drift;
mod fetch;
mod import;
mod job_rows;
mod jobs;
mod lanes;
mod prefetch;
mod serve;
mod storage;
mod table;
mod text_file;
mod verify;
mod wait;
mod worker;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::CommandFactory;

use crate::{
    cli::{Cli, Command, VerifyUpstream},
    command_error::{CommandError, USAGE},
    setup::configured,
    terminal::stderr,
};

/// Runs a command and says how it went.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let result =
        match cli.command {
            Command::Serve { listen, common } => {
                configured(common, listen).and_then(|config| serve::run(&config))
            }
            Command::Worker {
                listen,
                workers,
                common,
            } => {
                let listens = listen.is_some();
                configured(common, listen).and_then(|config| worker::run(config, listens, workers))
            }
            Command::Fetch { modules, common } => {
                configured(common, None).and_then(|config| fetch::run(&config, &modules))
            }
            Command::Verify { repair, json, common } => {
                let upstream = common.upstream();
                configured(common.common(), None).and_then(|config| match (upstream, repair) {
                    (VerifyUpstream::Configured, true) => Err(CommandError {
                        text: "verify: --upstream without a list only compares; leave out --repair"
                            .to_owned(),
                        code: USAGE,
                    }),
                    (VerifyUpstream::Configured | VerifyUpstream::List, false) => drift::run(&config, json),
                    (VerifyUpstream::None, _) | (VerifyUpstream::List, true) => {
                        verify::run(&config, repair, json)
                    }
                })
            }
            Command::Prefetch {
                wanted,
                detach,
                quiet,
                server,
            } => configured(server.common.clone(), None)
                .and_then(|config| prefetch::run(&config, &server, &wanted, detach, quiet)),
            Command::Jobs { command, server } => configured(server.common.clone(), None)
                .and_then(|config| jobs::run(&config, &server, command)),
            Command::Import { command } => import::run(command),
            Command::Storage { command, server } => configured(server.common.clone(), None)
                .and_then(|config| storage::run(&config, &server, command)),
            Command::Aggr { command, server } => configured(server.common.clone(), None)
                .and_then(|config| aggr::run(&config, &server, command)),
            Command::Cluster { command, server } => configured(server.common.clone(), None)
                .and_then(|config| cluster::run(&config, &server, command)),
            Command::Lanes {
                command,
                server,
                token_file,
                common,
            } => configured(common, None)
                .and_then(|config| lanes::run(&config, server.as_deref(), token_file.as_deref(), command)),
            Command::Config { command } => config::run(command),
            Command::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Cli::command(), "stoa", &mut script);
                io::stdout().write_all(&script).map_err(CommandError::from)
            }
        };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let mut stderr = stderr();
            for line in failure.text.lines() {
                let _closed = writeln!(stderr, "stoa: {line}");
            }
            ExitCode::from(failure.code)
        }
    }
}
