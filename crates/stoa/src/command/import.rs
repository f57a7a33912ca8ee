//! `stoa import`.

mod athens_config;

use std::{io::Write, sync::Arc};

use indicatif::ProgressBar;
use serde_json::json;
use stoa_proxy::{ImportError, ImportFinding, ImportReport, Importer, Places, Verdict};
use stoa_telemetry::visible;

use crate::{
    app::{Core, OpenStorage, import},
    cli::{ImportCommand, ImportFrom},
    command_error::CommandError,
    config::{Config, Given, load},
    progress,
    setup::{configured, runtime},
    terminal::{stderr, stdout},
};

/// The most files that are none of a module and are named.
const NAMED: u64 = 20;

pub(super) fn run(command: ImportCommand) -> Result<(), CommandError> {
    let (mut from, places) = match command {
        ImportCommand::Athens(from) => (from, Places::Athens),
        ImportCommand::Goproxy(from) => (from, Places::Goproxy),
        ImportCommand::Gomodcache(mut from) => {
            from.source = import::of_gomodcache(&from.source);
            (from, Places::Goproxy)
        }
        ImportCommand::AthensConfig { file, output } => {
            return athens_config::run(file.as_deref(), output.as_deref());
        }
        ImportCommand::Dir(from) => (from, Places::Anywhere),
    };
    let common = std::mem::take(&mut from.common);
    let config = configured(common, None)?;
    let report = runtime(&config)?.block_on(take_over(&config, &from, places))?;
    if report.is_whole() {
        Ok(())
    } else {
        Err(CommandError::already_printed())
    }
}

async fn take_over(config: &Config, from: &ImportFrom, places: Places) -> Result<ImportReport, CommandError> {
    let options = match &from.source_config {
        Some(file) => {
            let given = Given {
                file: Some(file.clone()),
                ..from.common.clone().given(None)
            };
            load(&given)?.storage.options
        }
        None => config.storage.options.clone(),
    };
    let opened = OpenStorage::open(config)?;
    let source = import::source(config, &options, &opened.dispatcher, &from.source, places).await?;
    let storage = Arc::clone(&opened.storage);
    let core = Core::build(config, opened);
    let importer = Importer::new(source, storage, core.intake.clone(), from.parallel);
    let shown = Shown {
        quiet: from.quiet,
        json: from.json,
    };
    let report = show(&importer, &from.source, "imported", shown).await;
    core.end(config.fetch.deadlines.total).await;
    report
}

/// How much is said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    pub(super) quiet: bool,
    pub(super) json: bool,
}

/// Runs an import, shows how far it has come, and prints what came of it.
pub(super) async fn show(
    importer: &Importer,
    what: &str,
    done: &str,
    shown: Shown,
) -> Result<ImportReport, CommandError> {
    let failed = |error: ImportError| {
        CommandError::unavailable(format!(
            "{error}; what was {done} stays, and the next run goes on there"
        ))
    };
    let bar = if shown.quiet {
        ProgressBar::hidden()
    } else {
        progress::taken(importer.measure().await.map_err(failed)?, what)
    };
    let progress = |report: &ImportReport| {
        bar.set_position(importer.bytes());
        bar.set_message(format!(
            "{} versions, {} files {done}, {} there already, {} bad",
            report.versions, report.imported, report.present, report.bad
        ));
    };
    let found = |finding: &ImportFinding| {
        bar.suspend(|| {
            let _closed = print_finding(finding, shown.json);
        });
    };
    let mut others = 0;
    let other = |place: &str| {
        others += 1;
        if others <= NAMED {
            bar.suspend(|| {
                let _closed = writeln!(
                    stderr(),
                    "passed over, as it is no file of a module: {}",
                    visible(place)
                );
            });
        }
    };
    let report = importer.run(progress, found, other).await;
    bar.finish_and_clear();
    let report = report.map_err(failed)?;
    print_report(&report, done, shown.json)?;
    Ok(report)
}

fn print_finding(finding: &ImportFinding, json: bool) -> std::io::Result<()> {
    if json {
        let line = serde_json::to_string(finding)?;
        return writeln!(stdout(), "{line}");
    }
    let word = match finding.verdict {
        Verdict::Bad => "bad",
        Verdict::Different => "different",
        Verdict::Failed => "failed",
    };
    let place = match finding.place.as_str() {
        "" => String::new(),
        place => format!(" ({place})"),
    };
    // Places are called as strangers called them.
    let line = format!("{word}: {}{place}: {}", finding.file, finding.reason);
    writeln!(stdout(), "{}", visible(&line))
}

fn print_report(report: &ImportReport, done: &str, json: bool) -> std::io::Result<()> {
    if json {
        return writeln!(stdout(), "{}", json!(report));
    }
    let mut line = format!(
        "{} versions: {} files {done}, {}, {} there already",
        report.versions,
        report.imported,
        indicatif::HumanBytes(report.bytes),
        report.present
    );
    for (count, what) in [
        (report.bad, "bad and left out"),
        (report.different, "stored with other content, which stays"),
        (report.failed, "failed: run it again"),
        (report.others, "passed over"),
    ] {
        if count > 0 {
            line = format!("{line}, {count} {what}");
        }
    }
    writeln!(stdout(), "{line}")
}
