//! The arguments of the program.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use clap::{Parser, Subcommand, ValueEnum};
use http::Uri;
use stoa_dispatch::{Concurrency, LaneKey, Rate};

/// Drives a dispatcher against real servers.
#[derive(Debug, Parser)]
#[command(name = "dispatch_lab")]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Offers requests to a pool and says what became of them
    Call(Call),
    /// Measures requests per second and CPU time per request
    Bench(Bench),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Call {
    /// Where to: the requests go to each one after another
    #[arg(required = true, value_parser = server)]
    pub(crate) urls: Vec<Uri>,
    /// Requests in all
    #[arg(long, default_value_t = 1)]
    pub(crate) count: usize,
    /// Requests offered at once; each further one when one has ended
    #[arg(long, default_value_t = NonZeroUsize::MIN)]
    pub(crate) parallel: NonZeroUsize,
    /// Attempts per time in a lane, such as 10/s
    #[arg(long)]
    pub(crate) rate: Option<Rate>,
    /// Requests that run at once in a lane: a number, auto, or auto:2-64
    #[arg(long)]
    pub(crate) concurrency: Option<Concurrency>,
    /// Requests that may wait in a lane
    #[arg(long)]
    pub(crate) queue: Option<usize>,
    /// Attempts that may start at once after a pause
    #[arg(long)]
    pub(crate) burst: Option<NonZeroU32>,
    /// From admission to the end of the body
    #[arg(long, value_parser = duration)]
    pub(crate) deadline: Option<Duration>,
    /// Not worth sending after this
    #[arg(long, value_parser = duration)]
    pub(crate) expire: Option<Duration>,
    /// Failures in a row that open the breaker; 0 for never
    #[arg(long)]
    pub(crate) breaker_failures: Option<u32>,
    /// Retries of a failed request
    #[arg(long)]
    pub(crate) retries: Option<u32>,
    /// What is done with a response's body
    #[arg(long, value_enum, default_value_t = Consume::Read)]
    pub(crate) consumer: Consume,
    /// Print every event to standard error
    #[arg(long)]
    pub(crate) events: bool,
    /// Print the summary as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Consume {
    /// Nothing
    None,
    /// It is read to its end
    Read,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    /// Where to; every answer must be a 200
    #[arg(value_parser = server)]
    pub(crate) url: Uri,
    /// How long to measure
    #[arg(long, default_value_t = 4.0, value_parser = seconds)]
    pub(crate) seconds: f64,
    /// Callers, each with one request at a time
    #[arg(long, default_value_t = NonZeroUsize::MIN)]
    pub(crate) parallel: NonZeroUsize,
    /// A plain client without a pool
    #[arg(long, conflicts_with_all = ["rps", "beside"])]
    pub(crate) bare: bool,
    /// Instead of as many as possible, so many requests a second, each beginning when its time has come
    #[arg(long)]
    pub(crate) rps: Option<NonZeroU32>,
    /// Keep the lane of this server full all the while
    #[arg(long, value_parser = server)]
    pub(crate) beside: Option<Uri>,
    /// Print the summary as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A URL that names a server.
fn server(text: &str) -> Result<Uri, String> {
    let uri: Uri = text.parse().map_err(|error| format!("{error}"))?;
    LaneKey::of_uri(&uri).map_err(|error| error.to_string())?;
    Ok(uri)
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok();
    let sane = seconds.filter(|seconds| (0.1..=3600.0).contains(seconds));
    sane.ok_or_else(|| "write a number from 0.1 to 3600".to_owned())
}

/// `500ms`, `2s`.
fn duration(text: &str) -> Result<Duration, String> {
    let (number, millis) = match text.strip_suffix("ms") {
        Some(number) => (number, 1),
        None => (text.strip_suffix('s').unwrap_or(""), 1000),
    };
    let parsed = number.parse::<u64>().ok().and_then(|n| n.checked_mul(millis));
    parsed
        .map(Duration::from_millis)
        .ok_or_else(|| "write a whole number and ms or s, such as 500ms or 2s".to_owned())
}
