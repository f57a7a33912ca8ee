//! `stoa verify --upstream`.

use std::{
    io::{self, Write},
    sync::Arc,
    thread::available_parallelism,
};

use serde_json::json;
use stoa_proxy::{Drift, DriftCheck, DriftReport, NetworkMode, Today};

use crate::{
    app::{Core, OpenStorage},
    command_error::CommandError,
    config::Config,
    progress,
    setup::runtime,
    terminal::stdout,
};

/// What could not be compared has not been proven, so it fails the command as what changed does.
pub(super) fn run(config: &Config, json: bool) -> Result<(), CommandError> {
    if config.upstream.network == NetworkMode::Offline {
        return Err(CommandError::new(
            "network = \"offline\" asks nobody, so there is nobody to compare with",
        ));
    }
    let report = runtime(config)?.block_on(compare(config, json))?;
    print_report(&report, json)?;
    if report.changed + report.failed == 0 {
        Ok(())
    } else {
        Err(CommandError::already_printed())
    }
}

async fn compare(config: &Config, json: bool) -> Result<DriftReport, CommandError> {
    let opened = OpenStorage::open_existing(config)?;
    let storage = Arc::clone(&opened.storage);
    let core = Core::build(config, opened);
    let check = DriftCheck {
        storage,
        fetcher: Arc::clone(&core.fetcher),
        database: core.checksums.verifier.clone(),
        private: config.vcs.policy.private().clone(),
        limits: config.fetch.zip_limits.clone(),
        parallel: available_parallelism().map_or(1, usize::from),
    };
    let bar = progress::count("comparing");
    let show = |report: &DriftReport| {
        bar.set_message(format!(
            "{} versions, {} files, {} changed",
            report.versions, report.files, report.changed
        ));
    };
    let found = |drift: &Drift| {
        bar.suspend(|| {
            let _closed = print_drift(drift, json);
        });
    };
    let report = check.run(show, found).await.map_err(CommandError::new);
    bar.finish_and_clear();
    core.end(config.fetch.deadlines.total).await;
    report
}

fn print_drift(drift: &Drift, json: bool) -> io::Result<()> {
    let mut stdout = stdout();
    let what = if drift.is_changed() {
        "changed"
    } else {
        "not compared"
    };
    if !json {
        return writeln!(
            stdout,
            "{}: {what}; stored {}, upstream {}, checksum database {}",
            drift.file, drift.stored, drift.upstream, drift.database
        );
    }
    let content = |today: &Today| match today {
        Today::Hash(content) | Today::Commit(content) => Some(content.clone()),
        _ => None,
    };
    let failures: Vec<_> = [&drift.stored, &drift.upstream, &drift.database]
        .into_iter()
        .filter_map(|today| match today {
            Today::Failed(reason) => Some(reason.as_str()),
            _ => None,
        })
        .collect();
    let line = json!({
        "file": drift.file.to_string(),
        "module": drift.file.target.path().as_str(),
        "version": drift.file.target.version().as_str(),
        "changed": drift.is_changed(),
        "stored": content(&drift.stored),
        "upstream": content(&drift.upstream),
        "database": content(&drift.database),
        "errors": failures,
    });
    writeln!(stdout, "{line}")
}

fn print_report(report: &DriftReport, json: bool) -> io::Result<()> {
    let mut stdout = stdout();
    if json {
        let line = json!({
            "modules": report.modules,
            "versions": report.versions,
            "files": report.files,
            "changed": report.changed,
            "gone": report.gone,
            "failed": report.failed,
        });
        return writeln!(stdout, "{line}");
    }
    writeln!(
        stdout,
        "{} modules, {} versions, {} files compared: {} changed, {} gone upstream, {} not compared",
        report.modules, report.versions, report.files, report.changed, report.gone, report.failed
    )
}
