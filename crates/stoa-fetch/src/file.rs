//! A GOPROXY tree on this machine.

use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::BytesMut;
use futures_util::{StreamExt, stream};
use tokio::{fs::File, io::AsyncReadExt, time::timeout};

use crate::{
    FetchError, Fetched, Fetcher, Limits, ListError, Phase, Question, SourceName, body::Pieces,
    listed_latest::or_of_list, shown_url::shown_url,
};

const PIECE: usize = 128 << 10;
/// A local disk answers or fails; this is for what may hang for ever, a network file system.
const STALL: Duration = Duration::from_secs(60);

/// Reads a directory laid out as a GOPROXY, such as the download cache of a Go module cache.
#[derive(Debug)]
pub struct FileTree {
    root: PathBuf,
    name: SourceName,
    limits: Limits,
}

impl FileTree {
    /// Reads `file:///path`, which must be nothing but a path (cmd/go refuses a host, query, user or fragment too).
    pub(crate) fn parse(text: &str) -> Result<PathBuf, ListError> {
        let bad = || {
            ListError::new(format!(
                "bad upstream {:?}: write file:///absolute/path and nothing after it",
                shown_url(text)
            ))
        };
        let url = url::Url::parse(text).map_err(|_| bad())?;
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return Err(bad());
        }
        url.to_file_path().map_err(|()| bad())
    }

    /// The tree at `root`.
    pub fn new(root: PathBuf, limits: Limits) -> Self {
        let name = SourceName::new(format!("file://{}", root.display()));
        Self { root, name, limits }
    }
}

impl fmt::Display for FileTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "upstream({})", self.name)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Fetcher for FileTree {
    async fn fetch(&self, question: &Question) -> Result<Fetched, FetchError> {
        or_of_list(self, question, self.read(question).await).await
    }
}

impl FileTree {
    async fn read(&self, question: &Question) -> Result<Fetched, FetchError> {
        let resource = &question.resource;
        // An escaped path has no `..`, no empty element and no root of its own, so that it stays below the root.
        let path = self.root.join(resource.path());
        let unreachable = |error: io::Error| FetchError::Unreachable {
            source_name: self.name.clone(),
            cause: Arc::new(error),
        };
        let unreadable = |error: io::Error| FetchError::Unreadable {
            source_name: self.name.clone(),
            cause: Arc::new(error),
        };
        let failed = |error: io::Error| {
            if is_absent(&error) {
                FetchError::not_found(format!("{} does not have {}", self.name, resource.path()))
            } else {
                unreadable(error)
            }
        };
        let file = match File::open(&path).await {
            // In a tree that is not mounted nothing is missing.
            Err(error)
                if is_absent(&error) && !tokio::fs::try_exists(&self.root).await.is_ok_and(|is| is) =>
            {
                return Err(unreachable(error));
            }
            opened => opened.map_err(failed)?,
        };
        let metadata = file.metadata().await.map_err(failed)?;
        if !metadata.is_file() {
            let reason = format!("{} of {} is not a file", resource.path(), self.name);
            return Err(FetchError::not_found(reason));
        }
        let len = Some(metadata.len());
        let limit = self.limits.for_resource(resource);
        let pieces = pieces(file, self.name.clone());
        Fetched::new(self.name.clone(), len, limit, pieces)
    }
}

fn is_absent(error: &io::Error) -> bool {
    // A name that is too long for the file system is one that it does not have.
    use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | InvalidFilename)
}

fn pieces(file: File, source_name: SourceName) -> Pieces {
    stream::unfold(Some(file), move |file| {
        let source_name = source_name.clone();
        async move {
            let mut file = file?;
            let mut piece = BytesMut::with_capacity(PIECE);
            let read = match timeout(STALL, file.read_buf(&mut piece)).await {
                Ok(Ok(0)) => return None,
                Ok(Ok(_)) => return Some((Ok(piece.freeze()), Some(file))),
                Ok(Err(error)) => FetchError::Unreadable {
                    source_name,
                    cause: Arc::new(error),
                },
                Err(_) => FetchError::Timeout {
                    source_name,
                    phase: Phase::Idle,
                    after: STALL,
                },
            };
            Some((Err(read), None))
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use stoa_module::Resource;

    use super::*;
    use crate::Context;

    #[tokio::test]
    async fn a_file_is_read_whole_and_a_missing_one_is_not_found() {
        let dir = tempfile::tempdir().expect("tempdir");
        let folder = dir.path().join("example.com/!a/@v");
        std::fs::create_dir_all(&folder).expect("mkdir");
        let content = vec![7_u8; 300_000];
        std::fs::write(folder.join("v1.0.0.mod"), &content).expect("write");
        let tree = FileTree::new(dir.path().to_owned(), Limits::default());

        let question = |path| {
            let resource = Resource::parse(path).expect("ok").expect("ok");
            Question::new(resource, Context::background())
        };
        let fetched = tree
            .fetch(&question("example.com/!a/@v/v1.0.0.mod"))
            .await
            .expect("fetched");
        assert_eq!(fetched.len, Some(300_000));
        assert_eq!(fetched.bytes().await.expect("bytes"), content);

        let missing = tree
            .fetch(&question("example.com/!a/@v/v1.0.1.mod"))
            .await
            .expect_err("missing");
        assert!(missing.is_not_found());
    }

    #[test]
    fn only_a_pure_path_is_a_file_url() {
        assert_eq!(
            FileTree::parse("file:///srv/go").expect("ok"),
            PathBuf::from("/srv/go")
        );
        for bad in [
            "file://host/srv",
            "file:///srv?x",
            "file:///srv#x",
            "file://u@/srv",
        ] {
            assert!(FileTree::parse(bad).is_err(), "{bad}");
        }
    }
}
