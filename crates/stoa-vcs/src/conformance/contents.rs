//! Single files.

use super::origin::unknown_id;
use super::reading::read_text;
use super::sample::{GONE, NEW, Sample};
use crate::{Step, VcsError};

pub(super) async fn run(sample: &Sample<'_>) {
    let scenario = sample.origin.scenario;
    let repository = sample.origin.open_once();
    let (first, second) = (&sample.first, &sample.second);
    // As they are stored: nothing is converted, expanded or unescaped. Of a link, where it points to.
    for (path, content) in [
        ("a b.txt", "text $Id$ \r\n"),
        ("a%20b@c d.txt", "p"),
        ("<&>.txt", "<&>"),
        ("é.go", "x"),
        ("sub/deep/d.go", "d\n"),
    ] {
        let read = read_text(&*repository, second, path).await;
        assert_eq!(read.as_deref(), Some(content), "{path}");
    }
    for (path, to) in [("link", "go.mod"), ("out", "/etc/passwd")] {
        let read = read_text(&*repository, second, path).await.expect("a link");
        if !scenario.abilities().reads_links.is_there() {
            assert_eq!(read, "", "{path}");
            continue;
        }
        // Subversion stores a word before where a link points to.
        assert_eq!(read.trim_start_matches("link "), to, "{path}");
    }
    assert_eq!(read_text(&*repository, second, NEW).await.as_deref(), Some("2\n"));
    assert_eq!(read_text(&*repository, first, NEW).await, None);
    assert_eq!(
        read_text(&*repository, first, GONE).await.as_deref(),
        Some("gone\n")
    );
    assert_eq!(read_text(&*repository, second, GONE).await, None);
    absent_paths(sample).await;

    let fits = repository.read_file(second, "go.mod", 9).await.expect("it fits");
    assert_eq!(fits.as_deref(), Some(b"module m\n".as_slice()));
    let error = repository.read_file(second, "go.mod", 8).await;
    let (vcs, step) = (scenario.vcs(), Step::File);
    assert_eq!(error, Err(VcsError::TooLarge { vcs, step, limit: 8 }));

    let error = repository.read_file(&unknown_id(scenario), "go.mod", 100).await;
    let error = error.expect_err("no such commit");
    assert!(error.is_not_exist(), "{error}");
}

/// What is no file below the root is absent, and never something else to the program.
async fn absent_paths(sample: &Sample<'_>) {
    let repository = sample.origin.open_once();
    let paths = [
        "nosuch",
        "sub",
        "sub/",
        "sub//s.go",
        "sub/../go.mod",
        "go.mod/",
        "GO.MOD",
        "link/x",
        "../r/go.mod",
        "../HEAD",
        "/etc/passwd",
        "",
        "-a",
        "-r",
        "-x",
        "a\0",
        "a\0b",
        "glob:*",
        "re:.*",
        "listfile:/etc/passwd",
        "*",
    ];
    let own = sample.origin.scenario.hostile_paths(&sample.origin.url);
    for path in paths.into_iter().chain(own.iter().map(String::as_str)) {
        assert_eq!(
            read_text(&*repository, &sample.second, path).await,
            None,
            "{path:?}"
        );
    }
}
