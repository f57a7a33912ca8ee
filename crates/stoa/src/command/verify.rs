//! `stoa verify`.

use std::{
    io::{self, Write},
    sync::Arc,
    thread::available_parallelism,
};

use serde_json::json;
use stoa_proxy::{Finding, Verifier, VerifyReport};

use crate::{
    app::{Core, OpenStorage},
    command_error::CommandError,
    config::Config,
    progress,
    setup::runtime,
    terminal::stdout,
};

pub(super) fn run(config: &Config, repair: bool, json: bool) -> Result<(), CommandError> {
    let report = runtime(config)?.block_on(verify(config, repair, json))?;
    print_report(&report, json)?;
    if report.bad == report.restored {
        Ok(())
    } else {
        Err(CommandError::already_printed())
    }
}

async fn verify(config: &Config, repair: bool, json: bool) -> Result<VerifyReport, CommandError> {
    let opened = OpenStorage::open_existing(config)?;
    let storage = Arc::clone(&opened.storage);
    let core = Core::build(config, opened);
    let parallel = available_parallelism().map_or(1, usize::from);
    let repair = repair.then(|| Arc::clone(&core.stasher));
    let verifier = Verifier::new(storage, config.fetch.zip_limits.clone(), repair, parallel);
    let bar = progress::count("verifying");
    let show = |report: &VerifyReport| {
        bar.set_message(format!(
            "{} versions, {} files, {} bad",
            report.versions, report.files, report.bad
        ));
    };
    let found = |finding: &Finding| {
        bar.suspend(|| {
            let _closed = print_finding(finding, json);
        });
    };
    let report = verifier.run(show, found).await.map_err(CommandError::new);
    bar.finish_and_clear();
    core.end(config.fetch.deadlines.total).await;
    report
}

fn print_finding(finding: &Finding, json: bool) -> io::Result<()> {
    let mut stdout = stdout();
    if json {
        let line = json!({
            "file": finding.file.to_string(),
            "module": finding.file.target.path().as_str(),
            "version": finding.file.target.version().as_str(),
            "problem": finding.problem.to_string(),
            "repair": finding.repair.to_string(),
        });
        writeln!(stdout, "{line}")
    } else {
        writeln!(
            stdout,
            "{}: {}; {}",
            finding.file, finding.problem, finding.repair
        )
    }
}

fn print_report(report: &VerifyReport, json: bool) -> io::Result<()> {
    let mut stdout = stdout();
    if json {
        let line = json!({
            "modules": report.modules,
            "versions": report.versions,
            "files": report.files,
            "bytes": report.bytes,
            "unrecorded": report.unrecorded,
            "bad": report.bad,
            "restored": report.restored,
        });
        return writeln!(stdout, "{line}");
    }
    writeln!(
        stdout,
        "{} modules, {} versions, {} files, {} bytes read: {} bad, {} restored",
        report.modules, report.versions, report.files, report.bytes, report.bad, report.restored
    )?;
    if report.unrecorded > 0 {
        writeln!(
            stdout,
            "{} good zips have no recorded hash to compare with",
            report.unrecorded
        )?;
    }
    Ok(())
}
