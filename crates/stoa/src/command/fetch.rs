//! `stoa fetch`.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use stoa_telemetry::Registry;

use super::{Failure, download::Download, open_storage, runtime};
use crate::{config::Config, pipeline};

pub(super) fn run(config: &Config, modules: &[String]) -> Result<(), Failure> {
    runtime(config)?.block_on(fetch(config, modules))
}

/// Fetches one module after the other, printing each as it is done, and fails at the end if one failed.
async fn fetch(config: &Config, modules: &[String]) -> Result<(), Failure> {
    let storage = open_storage(config)?;
    let pipelines = pipeline::build(config, storage, &Registry::new("stoa").root());
    let mut failed = false;
    for module in modules {
        let download = Download::run(module, pipelines.protocol.as_ref(), pipelines.storage.as_ref()).await;
        failed |= download.error.is_some();
        print(&download)?;
    }
    pipelines.finish(config.total).await;
    if failed { Err(Failure::told()) } else { Ok(()) }
}

/// JSON indented with tabs, as the go command prints it.
fn print(download: &Download) -> io::Result<()> {
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"\t"));
    download.serialize(&mut serializer)?;
    text.push(b'\n');
    io::stdout().write_all(&text)
}
