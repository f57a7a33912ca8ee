//! stoa: a Go module proxy in one binary that needs no Go toolchain.
//!
//! [`cli`] reads the command line, [`config`] makes a checked configuration of it, [`app`] builds the parts
//! of it, and [`command`] holds one module for each command.

mod admin_token;
mod app;
mod cli;
mod command;
mod command_error;
mod config;
mod descriptors;
mod logging;
mod progress;
mod setup;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

/// The memory of a server lives long; this allocator gives it back and costs least per request (ADR 0003).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _closed = error.print();
            return ExitCode::from(if error.use_stderr() {
                command_error::USAGE
            } else {
                0
            });
        }
    };
    command::run(cli)
}
