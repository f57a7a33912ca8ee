//! `stoa fetch`.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

use super::download::DownloadReport;
use crate::{
    app::{Core, OpenStorage},
    command_error::CommandError,
    config::Config,
    setup::runtime,
    terminal::stdout,
};

pub(super) fn run(config: &Config, modules: &[String]) -> Result<(), CommandError> {
    runtime(config)?.block_on(fetch(config, modules))
}

/// Fetches one module after the other, printing each as it is done, and fails at the end if one failed.
async fn fetch(config: &Config, modules: &[String]) -> Result<(), CommandError> {
    let opened = OpenStorage::open(config)?;
    let core = Core::build(config, opened);
    let download = core.download(config);
    let mut failed = false;
    for module in modules {
        let report = DownloadReport::of(module, &download, core.storage.as_ref()).await;
        failed |= report.error.is_some();
        print(&report)?;
    }
    core.end(config.fetch.deadlines.total).await;
    if failed {
        Err(CommandError::already_printed())
    } else {
        Ok(())
    }
}

/// JSON indented with tabs, as the go command prints it.
fn print(report: &DownloadReport) -> io::Result<()> {
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"\t"));
    report.serialize(&mut serializer)?;
    text.push(b'\n');
    stdout().write_all(&text)
}
