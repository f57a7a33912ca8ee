//! What is taken over from.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use stoa_dispatch::Pool;
use stoa_fetch::{BaseUrl, HttpClient, ServicesSlot, SmallFiles, Upstream};
use stoa_proxy::{
    CatalogSource, Directory, ImportSource, Places, StorageSource, Tree, TreeFile, TreePage, TreeSource,
};
use stoa_storage::{
    Blob, StorageError, StoragePlace, StorageUrl,
    object::{BucketFiles, ObjectOptions},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{outbound, remote_storage};
use crate::{
    command_error::{CommandError, USAGE},
    config::{Config, StorageConfig},
};

/// Files of a page of a bucket.
const PAGE: usize = 1_000;
/// How long a page of a catalogue may take: an Athens on a disk walks through all of it for each.
const PATIENCE: Duration = Duration::from_secs(120);

/// The source at `text`, with files in this layout.
pub(crate) async fn source(
    config: &Config,
    options: &ObjectOptions,
    dispatcher: &Pool,
    text: &str,
    places: Places,
) -> Result<Arc<dyn ImportSource>, CommandError> {
    let usage = |error: String| CommandError {
        text: format!("{text}: {error}"),
        code: USAGE,
    };
    if text.starts_with("http://") || text.starts_with("https://") {
        let base: BaseUrl = text
            .parse()
            .map_err(|error: stoa_fetch::ListError| usage(error.to_string()))?;
        let client: HttpClient = outbound::client(config, dispatcher, &ServicesSlot::default());
        let pages = SmallFiles::new(base.clone(), client.clone(), PATIENCE);
        return Ok(Arc::new(CatalogSource::new(pages, Upstream::new(base, client))));
    }
    let url: StorageUrl = text
        .parse()
        .map_err(|error: StorageError| usage(error.to_string()))?;
    if url.front().is_some() {
        return Err(usage("name the one place that the modules are in".to_owned()));
    }
    #[cfg(feature = "mongodb")]
    if let StoragePlace::Mongo(_) = url.place() {
        return mongo(config, options, dispatcher, url).await;
    }
    let tree: Arc<dyn Tree> = if let StoragePlace::Bucket(place) = url.place() {
        let files = BucketFiles::new(place, options, dispatcher.clone());
        let files = files.map_err(|error| CommandError::new(format!("{text}: {}", error.report())))?;
        Arc::new(Bucket(files))
    } else {
        let directory = url.directory();
        let directory = directory.ok_or_else(|| usage("there is nothing in it to take over".to_owned()))?;
        Arc::new(Directory::new(existing(directory)?))
    };
    Ok(Arc::new(TreeSource::new(tree, places)))
}

/// What an Athens has in its database. It is a storage for stoa, too, which notes there where each file is.
#[cfg(feature = "mongodb")]
async fn mongo(
    config: &Config,
    options: &ObjectOptions,
    dispatcher: &Pool,
    url: StorageUrl,
) -> Result<Arc<dyn ImportSource>, CommandError> {
    let settings = StorageConfig {
        url,
        options: options.clone(),
        ..config.storage.clone()
    };
    let opened = remote_storage::open(
        &settings,
        dispatcher,
        &TaskTracker::new(),
        &CancellationToken::new(),
    );
    let failed =
        |error: StorageError| CommandError::unavailable(format!("{}: {}", settings.url, error.report()));
    let remote = opened.map_err(failed)?;
    // What Athens has is listed once it has been looked through.
    remote.settle().await.map_err(failed)?;
    Ok(Arc::new(StorageSource::new(remote.storage())))
}

/// The directory in which the go command keeps what it downloads, below `GOMODCACHE` or that itself.
pub(crate) fn of_gomodcache(text: &str) -> String {
    let below = Path::new(text).join("cache/download");
    if below.is_dir() {
        return below.to_string_lossy().into_owned();
    }
    text.to_owned()
}

fn existing(directory: &Path) -> Result<PathBuf, CommandError> {
    if directory.is_dir() {
        return Ok(directory.to_owned());
    }
    Err(CommandError::new(format!(
        "{}: there is no such directory",
        directory.display()
    )))
}

/// A bucket as a tree.
#[derive(Debug)]
struct Bucket(BucketFiles);

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Tree for Bucket {
    async fn files(&self, after: Option<&str>) -> Result<TreePage, StorageError> {
        let listed = self.0.list(after, PAGE).await?;
        let is_last = listed.len() < PAGE;
        let file = |file: stoa_storage::object::BucketFile| TreeFile {
            path: file.name,
            len: file.len,
        };
        let mut files: Vec<_> = listed.into_iter().map(file).collect();
        if !is_last {
            whole_versions(&mut files);
        }
        let next = files.last().filter(|_| !is_last).map(|file| file.path.clone());
        Ok(TreePage { files, next })
    }

    async fn open(&self, path: &str) -> Result<Option<Blob>, StorageError> {
        self.0.open(path).await
    }
}

/// Leaves the files of the last version for the next page, where all of them are: those before it have all of theirs here.
fn whole_versions(files: &mut Vec<TreeFile>) {
    /// What the files of a version share: their directory or, below `@v`, their name up to the last dot.
    fn stem(path: &str) -> &str {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        if directory.ends_with("/@v") {
            &path[..path.len() - name.len() + name.rfind('.').unwrap_or(name.len())]
        } else {
            directory
        }
    }
    let Some(last) = files.last().map(|file| stem(&file.path).to_owned()) else {
        return;
    };
    let keep = files
        .iter()
        .position(|file| stem(&file.path) == last)
        .unwrap_or(0);
    if keep > 0 {
        files.truncate(keep);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_between_two_versions() {
        let kept = |paths: &[&str]| {
            let mut files: Vec<_> = paths
                .iter()
                .map(|path| TreeFile {
                    path: (*path).to_owned(),
                    len: 1,
                })
                .collect();
            whole_versions(&mut files);
            files.len()
        };
        assert_eq!(
            kept(&["m/@v/v1.0.0.info", "m/@v/v1.0.0.mod", "m/@v/v1.1.0.info"]),
            2
        );
        assert_eq!(
            kept(&[
                "m/v1.0.0/go.mod",
                "m/v1.0.0/source.zip",
                "m/v1.1.0/go.mod",
                "m/v1.1.0/source.zip"
            ]),
            2
        );
        assert_eq!(kept(&["m/v1.0.0/go.mod", "m/v1.0.0/source.zip"]), 2);
        assert_eq!(kept(&[]), 0);
    }
}
