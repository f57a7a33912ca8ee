//! Drives a pool against real servers, for checks and benchmarks.
//!
//! ```text
//! dispatch_lab call http://127.0.0.1:8080/ --count 600 --parallel 10 --rate 10/s --json
//! dispatch_lab bench http://127.0.0.1:8080/ --seconds 4 --parallel 64
//! ```
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the command line"
)]

use std::process::ExitCode;

use clap::Parser;

mod args;
mod bare;
mod bench;
mod call;
mod process;
mod summary;

use args::{Args, Command};
use summary::Summary;

/// As the product has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        // Help, which was asked for.
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            eprintln!("dispatch_lab: {}", line.trim_start_matches("error: "));
            return ExitCode::from(2);
        }
    };
    match run(args.command) {
        Ok(lines) => {
            println!("{lines}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("dispatch_lab: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// What is to be printed, or what went wrong in one line.
fn run(command: Command) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime: {error}"))?;
    match command {
        Command::Call(call) => {
            let json = call.json;
            let summary = runtime.block_on(call::run(call))?;
            Ok(summary.print(json))
        }
        Command::Bench(bench) => {
            let json = bench.json;
            let summary: Summary = runtime.block_on(bench::run(bench))?;
            Ok(summary.print(json))
        }
    }
}
