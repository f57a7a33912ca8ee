//! Brings one version into storage, whole.

use serde::Serialize;
use serde_json::value::RawValue;
use stoa_fetch::Resource;
use stoa_module::{ModuleVersion, dirhash::go_mod_h1};
use stoa_proxy::{AnswerBody, Protocol, parse_info};
use stoa_storage::{FileKey, FileKind, Storage};

use super::query::Wanted;
use crate::progress;

/// The largest `.info` or `.mod`, in bytes; both have been bounded when they were fetched.
const SMALL: usize = 16 << 20;

/// One module as `go mod download -json` prints it. `Dir` is left out: nothing is unpacked.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Download {
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

impl Download {
    /// Downloads what `argument` asks for. What goes wrong is in the result.
    pub(super) async fn run(argument: &str, protocol: &dyn Protocol, storage: &dyn Storage) -> Self {
        let wanted = match Wanted::parse(argument) {
            Ok(wanted) => wanted,
            Err(error) => {
                return Self {
                    path: argument.to_owned(),
                    error: Some(error),
                    ..Self::default()
                };
            }
        };
        let mut download = Self {
            path: wanted.path.to_string(),
            version: wanted.version().map(ToString::to_string),
            ..Self::default()
        };
        if let Err(error) = download.fill(&wanted, protocol, storage).await {
            download.error = Some(error);
        }
        download
    }

    async fn fill(
        &mut self,
        wanted: &Wanted,
        protocol: &dyn Protocol,
        storage: &dyn Storage,
    ) -> Result<(), String> {
        let question = wanted.resolve(protocol).await?;
        let json = small(protocol, &question).await?;
        let target = parse_info(&wanted.path, &json)?.target;
        self.version = Some(target.version().to_string());
        if wanted.query != target.version().as_str() {
            self.query = Some(wanted.query.clone());
        }
        if wanted.is_exact() {
            // A list tells nothing of its origin, so that the go command tells none of what was chosen from it.
            let info = serde_json::from_slice::<WithOrigin>(&json).ok();
            self.origin = info.and_then(|info| info.origin);
        }
        if question != Resource::Info(target.clone()) {
            // A query's answer is not kept; the version's own .info is.
            small(protocol, &Resource::Info(target.clone())).await?;
        }
        let go_mod = small(protocol, &Resource::Mod(target.clone())).await?;
        self.go_mod_sum = Some(go_mod_h1(&go_mod).to_string());
        whole(protocol, &target).await?;
        self.sum = storage
            .h1(&target)
            .await
            .map_err(|error| error.report().to_string())?
            .map(|h1| h1.to_string());
        let location = |kind| {
            let path = storage.location(&FileKey::new(target.clone(), kind));
            path.map(|path| path.display().to_string())
        };
        self.info = location(FileKind::Info);
        self.go_mod = location(FileKind::Mod);
        self.zip = location(FileKind::Zip);
        Ok(())
    }
}

/// A small answer, whole.
pub(super) async fn small(protocol: &dyn Protocol, resource: &Resource) -> Result<Vec<u8>, String> {
    let answer = protocol
        .get(resource)
        .await
        .map_err(|error| error.report().to_string())?;
    match &answer.body {
        AnswerBody::Bytes(bytes) => Ok(bytes.to_vec()),
        AnswerBody::Blob(blob) => Ok(blob
            .bytes(SMALL)
            .await
            .map_err(|error| error.report().to_string())?
            .to_vec()),
        AnswerBody::Growing(_) => Err(format!("{resource} is no small file")),
    }
}

/// Waits until the zip is stored, with a bar while it arrives.
async fn whole(protocol: &dyn Protocol, target: &ModuleVersion) -> Result<(), String> {
    let answer = protocol
        .get(&Resource::Zip(target.clone()))
        .await
        .map_err(|error| error.report().to_string())?;
    let AnswerBody::Growing(growing) = &answer.body else {
        return Ok(());
    };
    let bar = progress::bytes(growing.total(), &target.to_string());
    let ended = growing.ended_telling(|written| bar.set_position(written)).await;
    bar.finish_and_clear();
    ended.map_err(|error| error.report().to_string())
}
