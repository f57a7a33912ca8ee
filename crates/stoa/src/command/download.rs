//! One module as `go mod download -json` prints it.

use serde::Serialize;
use serde_json::value::RawValue;
use stoa_fetch::{Caller, Context};
use stoa_module::ModuleVersion;
use stoa_proxy::{Download, DownloadEvent, Downloaded, ModuleQuery, QueryError};
use stoa_storage::{FileKey, FileKind, Storage};

use crate::progress::ZipBar;

/// The fields of `go mod download -json`. `Dir` is left out: nothing is unpacked.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DownloadReport {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    go_mod: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sum: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    go_mod_sum: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Box<RawValue>>,
}

/// The part of an `.info` that is passed on as it is.
#[derive(serde::Deserialize)]
struct WithOrigin {
    #[serde(rename = "Origin")]
    origin: Option<Box<RawValue>>,
}

impl DownloadReport {
    /// Downloads what `argument` asks for, with a bar while its zip arrives. What goes wrong is in the report.
    pub(super) async fn of(argument: &str, download: &Download, storage: &dyn Storage) -> Self {
        let query = match argument.parse::<ModuleQuery>() {
            Ok(query) => query,
            Err(error) => {
                return Self {
                    path: argument.to_owned(),
                    error: Some(error.to_string()),
                    ..Self::default()
                };
            }
        };
        let mut report = Self {
            path: query.path().to_string(),
            version: query.version().map(ToString::to_string),
            ..Self::default()
        };
        match report.download(&query, download).await {
            Ok(downloaded) => report.stored(&downloaded, storage),
            Err(error) => report.error = Some(error.report()),
        }
        report
    }

    async fn download(&mut self, query: &ModuleQuery, download: &Download) -> Result<Downloaded, QueryError> {
        let mut bar = ZipBar::default();
        let listen = |event| match event {
            DownloadEvent::Resolved { target, info } => {
                self.resolved(query, &target, &info);
                bar.name(target.to_string());
            }
            DownloadEvent::GoMod { h1 } => self.go_mod_sum = Some(h1.to_string()),
            DownloadEvent::ZipStarted { total } => bar.start(total),
            DownloadEvent::ZipArrived { bytes } => bar.at(bytes),
            DownloadEvent::Listed { .. } | DownloadEvent::Stored => {}
        };
        download
            .run(query, &Context::interactive(Caller::Stoa), listen)
            .await
    }

    fn resolved(&mut self, query: &ModuleQuery, target: &ModuleVersion, info: &[u8]) {
        self.version = Some(target.version().to_string());
        if query.text() != target.version().as_str() {
            self.query = Some(query.text().to_owned());
        }
        if query.is_exact() {
            // A list tells nothing of its origin, so that the go command tells none of what was chosen from it.
            let info = serde_json::from_slice::<WithOrigin>(info).ok();
            self.origin = info.and_then(|info| info.origin);
        }
    }

    fn stored(&mut self, downloaded: &Downloaded, storage: &dyn Storage) {
        let target = &downloaded.target;
        self.sum = downloaded.h1.map(|h1| h1.to_string());
        let location = |kind| {
            let path = storage.location(&FileKey::new(target.clone(), kind));
            path.map(|path| path.display().to_string())
        };
        self.info = location(FileKind::Info);
        self.go_mod = location(FileKind::Mod);
        self.zip = location(FileKind::Zip);
    }
}
