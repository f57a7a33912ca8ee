//! stoa: a Go module proxy in one binary that needs no Go toolchain.
//!
//! [`cli`] reads the command line, [`config`] makes a checked configuration of it, [`pipeline`] builds the layers in
//! their order, and [`command`] holds one module for each command.

mod checksums;
mod cli;
mod command;
mod config;
mod logging;
mod pipeline;
mod progress;

use std::process::ExitCode;

use clap::Parser;

/// The memory of a server lives long; this allocator gives it back and costs least per request (ADR 0003).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit code for a bad command line or configuration (`EX_USAGE` of sysexits).
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _closed = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    command::run(cli)
}
