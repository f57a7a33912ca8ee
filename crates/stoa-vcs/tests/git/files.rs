//! Single files.

use stoa_vcs::{Repository, VcsError};

use crate::fixture::{Fixture, text};

#[tokio::test]
async fn reads_what_is_stored() {
    let fixture = Fixture::of(
        "git init -q -b main work; cd work; printf 'a\\r\\n' > crlf; printf '* text=auto eol=crlf\\nraw -text\\n' > .gitattributes
         mkdir -p d/e; printf 'x\\n' > d/e/f; ln -s ../d d/link; printf 'k\\n' > ' odd
name'; git init -q m; git -C m commit -q --allow-empty -m m; git add -A 2>/dev/null; save 2020-01-01T00:00:01Z",
    );
    let repository = fixture.open();
    assert_eq!(text(&repository, "main", "d/e/f").await.as_deref(), Some("x\n"));
    assert_eq!(text(&repository, "main", "d/link").await.as_deref(), Some("../d"));
    assert_eq!(
        text(&repository, "main", " odd\nname").await.as_deref(),
        Some("k\n")
    );
    for none in [
        "",
        "d",
        "d/",
        "/d/e/f",
        "d//e/f",
        "d/link/e/f",
        "m",
        "m/x",
        "nothing",
        "../HEAD",
        "d/../d/e/f",
        "D/e/f",
    ] {
        assert_eq!(text(&repository, "main", none).await, None, "{none:?}");
    }
    let at = repository.stat("main").await.expect("a branch").id;
    let error = repository
        .read_file(&at, "d/e/f", 1)
        .await
        .expect_err("it has two bytes");
    assert!(matches!(error, VcsError::TooLarge { limit: 1, .. }), "{error}");
    assert_eq!(
        text(&repository, "main", "d/e/f").await.as_deref(),
        Some("x\n"),
        "and goes on"
    );
}

#[tokio::test]
async fn moves_only_the_file_that_is_asked_for() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    let at = repository.stat("v1.1.0").await.expect("a tag").id;
    assert_eq!(
        repository
            .read_file(&at, "no/go.mod", 100)
            .await
            .expect("readable"),
        None
    );
    assert_eq!(
        fixture.counters.get("fetch-objects"),
        0,
        "what is missing costs nothing more"
    );
    let file = repository
        .read_file(&at, "go.mod", 100)
        .await
        .expect("readable")
        .expect("there");
    assert_eq!(file, "module m\n");
    assert!(
        fixture.server.sent() < 10_000,
        "{} bytes came, with the big file",
        fixture.server.sent()
    );
    assert_eq!(
        repository
            .read_file(&at, "sub/go.mod", 100)
            .await
            .expect("readable")
            .expect("there"),
        "module m/sub\n"
    );
    assert_eq!(fixture.counters.get("cat-file"), 1, "one process reads them all");
    println!(
        "counted {:?}, sent {}",
        fixture.counters.all(),
        fixture.server.sent()
    );
}

#[tokio::test]
async fn a_server_without_filters_gives_more() {
    let fixture = Fixture::new();
    fixture.sh("git -C srv/r.git config uploadpack.allowFilter false");
    let repository = fixture.open();
    assert_eq!(
        text(&repository, "v1.1.0", "go.mod").await.as_deref(),
        Some("module m\n")
    );
    assert_eq!(fixture.counters.get("fetch-objects"), 0);
    let at = repository
        .stat(&fixture.hash("main~1"))
        .await
        .expect("history")
        .id;
    assert_eq!(
        repository
            .read_file(&at, "side.txt", 10)
            .await
            .expect("readable")
            .expect("there"),
        "s\n"
    );
}

#[tokio::test]
async fn a_server_of_files_gives_everything() {
    let fixture = Fixture::new();
    fixture.sh("git -C srv/r.git update-server-info");
    fixture.server.set(stoa_testing::git_http::Manner::Files);
    let repository = fixture.open();
    assert_eq!(
        text(&repository, "v1.1.0", "go.mod").await.as_deref(),
        Some("module m\n")
    );
    let at = repository
        .stat(&fixture.hash("main~1"))
        .await
        .expect("history")
        .id;
    assert_eq!(
        repository
            .read_file(&at, "side.txt", 10)
            .await
            .expect("readable")
            .expect("there"),
        "s\n"
    );
    fixture.sh("cd work; echo new > new; save 2020-03-01T00:00:00Z; git tag v3.0.0; cd ..; push; git -C srv/r.git update-server-info");
    drop(repository);
    let repository = fixture.open();
    assert_eq!(text(&repository, "v3.0.0", "new").await.as_deref(), Some("new\n"));
}

#[tokio::test]
async fn reads_commits_of_the_history() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    let merge = fixture.hash("main~1");
    assert_eq!(
        text(&repository, &merge, "side.txt").await.as_deref(),
        Some("s\n")
    );
    assert_eq!(text(&repository, &merge, "late.txt").await, None);
    assert!(
        fixture.server.sent() < 20_000,
        "{} bytes came, with the big file",
        fixture.server.sent()
    );
}

#[tokio::test]
async fn an_old_server_that_gives_no_single_objects_gives_everything() {
    let fixture = Fixture::new();
    fixture.server.set(stoa_testing::git_http::Manner::Old);
    let repository = fixture.open();
    assert_eq!(
        text(&repository, "v1.1.0", "go.mod").await.as_deref(),
        Some("module m\n")
    );
    println!("counted {:?}", fixture.counters.all());
    let fetched = fixture.counters.get("fetch-history");
    assert_eq!(
        text(&repository, "v1.9.0", "side.txt").await.as_deref(),
        Some("s\n")
    );
    let merge = fixture.hash("main~1");
    assert_eq!(
        text(&repository, &merge, "side.txt").await.as_deref(),
        Some("s\n")
    );
    println!("counted {:?}", fixture.counters.all());
    assert!(
        fixture.counters.get("fetch-history") <= fetched + 1,
        "everything is there"
    );
}
