//! Downloads from a scripted origin into folders.

use std::{path::PathBuf, sync::Arc, time::Duration};

use serde_json::{Map, Value, json};

use super::{Disk, Leases, Origin};
use crate::{
    AggregationSettings, Gate, Handler as _, Job, Lease, NewJob, Outcome, Rules, Run, State, Timestamp,
    download::{
        DirectorySink, DiskGuard, DiskOptions, DownloadOptions, DownloadResult, Downloads, Sink, Space,
        Volume,
    },
};

/// A lease of this run.
pub(crate) fn lease(epoch: u64) -> Lease {
    Lease {
        node: "a".into(),
        epoch,
        since: Timestamp::from_millis(1),
        until: Timestamp::from_millis(60_000),
    }
}

/// The job of this payload, which is running.
pub(crate) fn job(payload: Value) -> Job {
    let aggregation = "url/example.com".parse().expect("a key");
    let new = NewJob::new(aggregation, payload);
    let id = "abcdefghijklmn".parse().expect("an id");
    let mut job = Rules::default().accept(new, id, Timestamp::from_millis(1));
    job.state = State::Running(lease(1));
    job
}

/// Downloads into folders, with a disk on which there is room.
pub(crate) struct Lab {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) downloads: Downloads,
    pub(crate) guard: Arc<DiskGuard>,
    pub(crate) gate: Gate,
    pub(crate) disk: Disk,
    pub(crate) leases: Leases,
    pub(crate) job: Job,
    pub(crate) settings: AggregationSettings,
    pub(crate) epoch: u64,
}

/// What became of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) outcome: Outcome,
    pub(crate) notes: Map<String, Value>,
}

impl Ran {
    /// The result, if the job is done.
    pub(crate) fn result(&self) -> DownloadResult {
        match &self.outcome {
            Outcome::Ok(result) => serde_json::from_value(result.clone()).expect("a result"),
            other => panic!("{other:?}"),
        }
    }

    /// What becomes of the job, and the class of the failure.
    pub(crate) fn class(&self) -> (&'static str, &str) {
        match &self.outcome {
            Outcome::Retry { failure, .. } => ("retry", &failure.class),
            Outcome::Snooze { failure, .. } => ("snooze", &failure.class),
            Outcome::Dead(failure) => ("dead", &failure.class),
            Outcome::Interrupted(failure) => ("interrupted", &failure.class),
            Outcome::Ok(_) => ("ok", ""),
            other => panic!("{other:?}"),
        }
    }
}

impl Lab {
    /// A lab for jobs of this payload; its URL may be left out.
    pub(crate) fn new(origin: &Origin, payload: Value) -> Self {
        let options = DownloadOptions {
            min_speed: None,
            ..DownloadOptions::default()
        };
        Self::with(origin, payload, options)
    }

    pub(crate) fn with(origin: &Origin, payload: Value, options: DownloadOptions) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let sink = DirectorySink::new(folder.path().join("files")).expect("a sink");
        Self::with_sink(origin, payload, options, folder, Arc::new(sink))
    }

    pub(crate) fn with_sink(
        origin: &Origin,
        mut payload: Value,
        options: DownloadOptions,
        folder: tempfile::TempDir,
        sink: Arc<dyn Sink>,
    ) -> Self {
        payload
            .as_object_mut()
            .expect("an object")
            .entry("url")
            .or_insert(json!("https://u:p@example.com/file?token=t"));
        let disk = Disk::new(Space {
            free_bytes: 1 << 40,
            ..Space::default()
        });
        let volumes = vec![Volume {
            name: "downloads".into(),
            path: "downloads".into(),
        }];
        let (guard, gate) = DiskGuard::new(volumes, DiskOptions::default(), Arc::new(disk.clone()));
        let transport = Arc::new(origin.clone());
        let temporary = folder.path().join("tmp");
        let downloads = Downloads::new(transport, sink, temporary, Arc::clone(&guard), options);
        Self {
            downloads: downloads.expect("a folder for partial files"),
            folder,
            guard,
            gate,
            disk,
            leases: Leases::default(),
            job: job(payload),
            settings: AggregationSettings::default(),
            epoch: 0,
        }
    }

    /// A run of the job, with an epoch of its own.
    pub(crate) fn next_run(&mut self) -> Run {
        self.epoch += 1;
        let store = Arc::new(self.leases.clone());
        let settings = self.settings.clone();
        Run::new(
            self.job.clone(),
            lease(self.epoch),
            settings,
            store,
            Duration::from_secs(60),
        )
    }

    /// Runs the job once.
    pub(crate) async fn run(&mut self) -> Ran {
        let run = self.next_run();
        self.run_as(&run).await
    }

    /// Runs it as this run.
    pub(crate) async fn run_as(&self, run: &Run) -> Ran {
        let outcome = self.downloads.run(run).await;
        let notes = run.take_notes();
        Ran { outcome, notes }
    }

    /// The published content.
    pub(crate) fn published(&self) -> Option<Vec<u8>> {
        std::fs::read(self.folder.path().join("files/abc/abcdefghijklmn")).ok()
    }

    /// The names of the files in the temporary folder.
    pub(crate) fn temporary(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path().join("tmp")).expect("a folder");
        let mut names: Vec<_> = entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    }

    /// Where the partial file is.
    pub(crate) fn part(&self) -> PathBuf {
        self.folder.path().join("tmp/abcdefghijklmn.part")
    }
}
