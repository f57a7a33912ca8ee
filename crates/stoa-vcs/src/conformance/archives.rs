//! All files of a folder.

use super::origin::unknown_id;
use super::reading::{archived_files, names};
use super::sample::{Sample, first_files};
use crate::{Repository, RevisionId, Step, VcsError};

pub(super) async fn run(sample: &Sample<'_>) {
    let scenario = sample.origin.scenario;
    let repository = sample.origin.open_once();
    for (at, mut expected) in [
        (&sample.first, first_files()),
        (&sample.second, sample.second_files()),
    ] {
        let mut files = archived_files(&*repository, at, "", 10_000)
            .await
            .expect("an archive");
        for own in scenario.own_files() {
            expected.remove(own.as_bytes());
            let found = files.remove(own.as_bytes()).is_some();
            assert!(found || *at == sample.first, "{own} is missing");
        }
        assert_eq!(names(&files), names(&expected));
        assert_eq!(files, expected);
    }
    limits(&*repository, &sample.second).await;
    absent_folders(sample, &*repository).await;
    let error = repository.archive(&unknown_id(scenario), "", 100).await.err();
    assert!(error.is_some_and(|error| error.is_not_exist()));
    if scenario.abilities().copies.is_none() {
        assert_eq!(sample.origin.work.copies().len(), 0, "exports stay");
    }
}

/// The limit is on the bytes of the contents, of the folder alone.
async fn limits(repository: &dyn Repository, at: &RevisionId) {
    let sub = archived_files(repository, at, "sub", 4)
        .await
        .expect("an archive");
    assert_eq!(names(&sub), ["deep/d.go", "s.go"]);
    let deep = archived_files(repository, at, "sub/deep", 2)
        .await
        .expect("an archive");
    assert_eq!(names(&deep), ["d.go"]);
    let error = archived_files(repository, at, "sub", 3).await;
    let (vcs, step) = (repository.vcs(), Step::Archive);
    assert_eq!(error, Err(VcsError::TooLarge { vcs, step, limit: 3 }));
}

/// What is no folder has no files, and is never something else to the program.
async fn absent_folders(sample: &Sample<'_>, repository: &dyn Repository) {
    let folders = [
        "nosuch",
        "su",
        "sub/",
        "go.mod",
        "link",
        "..",
        "/",
        "/etc",
        "-x",
        "--config",
        "glob:*",
        "listfile:/etc/passwd",
    ];
    for folder in folders {
        let files = archived_files(repository, &sample.second, folder, 10_000).await;
        let files = files.unwrap_or_else(|error| panic!("{folder:?}: {error}"));
        assert_eq!(names(&files), [""; 0], "{folder:?}");
    }
}
