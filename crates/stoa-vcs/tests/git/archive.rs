//! All files of a folder.

use stoa_vcs::{EntryKind, Repository, VcsError};

use crate::fixture::{Fixture, entries};

const ATTRIBUTES: &str = r#"
git init -q -b main work; cd work
cat > .gitattributes <<'E'
*.txt text eol=crlf
*.id ident
*.u16 text working-tree-encoding=UTF-16LE eol=lf
[attr]dos text eol=crlf
*.mac dos
gone.* export-ignore
subst.* export-subst
*.lfs filter=lfs
E
mkdir -p sub/deep; printf 'deep.txt -text\n' > sub/.gitattributes
for f in a.txt sub/b.txt sub/deep/deep.txt c.mac; do printf 'one\ntwo\n' > $f; done
printf '$Id$\n' > x.id; printf 'h\0\n\0' > x.u16; echo gone > gone.go; echo '$Format:%H$' > subst.go
printf 'version https://git-lfs.github.com/spec/v1\n' > x.lfs; printf 'crlf\r\n' > raw.bin
ln -s ../outside link; mkdir sub/.git2; echo x > sub/run; chmod +x sub/run
printf n > "$(printf 'new\nline')"; printf b > "$(printf 'b\377d')"; printf l > "$(printf 'l%.0s' {1..200}).go"
mkdir -p "$(printf 'd%.0s' {1..120})/$(printf 'e%.0s' {1..120})"; printf d > "$(printf 'd%.0s' {1..120})/$(printf 'e%.0s' {1..120})/f"
git init -q mod; git -C mod commit -q --allow-empty -m m; git add -A 2>/dev/null
save 2020-01-01T00:00:01Z; git tag v1.0.0
"#;

#[tokio::test]
async fn honours_the_attributes_of_the_repository_alone() {
    let fixture = Fixture::of(ATTRIBUTES);
    let repository = fixture.open();
    let at = repository.stat("v1.0.0").await.expect("a tag").id;
    let all = entries(repository.archive(&at, "", 1 << 20).await.expect("an archive"));
    let get = |path: &str| {
        let found = all.iter().find(|(name, ..)| name == path);
        let (_, kind, content) = found.unwrap_or_else(|| panic!("{path} is missing"));
        (*kind, content.escape_ascii().to_string())
    };
    let file = |content: &str| (EntryKind::File, content.escape_default().to_string());
    assert_eq!(get("a.txt"), file("one\r\ntwo\r\n"));
    assert_eq!(get("sub/b.txt"), file("one\r\ntwo\r\n"));
    assert_eq!(get("sub/deep/deep.txt"), file("one\ntwo\n"));
    assert_eq!(get("c.mac"), file("one\r\ntwo\r\n"));
    assert!(get("x.id").1.starts_with("$Id: "), "{:?}", get("x.id"));
    assert_eq!(get("x.u16").1, "h\\x00\\n\\x00");
    assert_eq!(get("gone.go"), file("gone\n"));
    assert_eq!(get("subst.go"), file("$Format:%H$\n"));
    assert_eq!(get("raw.bin"), file("crlf\r\n"));
    assert!(get("x.lfs").1.starts_with("version "));
    assert_eq!(get("link"), (EntryKind::Symlink, "../outside".to_owned()));
    assert_eq!(get("new\\nline"), file("n"));
    assert_eq!(get("b\\xffd"), file("b"));
    assert_eq!(get(&format!("{}.go", "l".repeat(200))), file("l"));
    assert_eq!(
        get(&format!("{}/{}/f", "d".repeat(120), "e".repeat(120))),
        file("d")
    );
    assert!(
        !all.iter().any(|(name, ..)| name.starts_with("mod")),
        "submodules give nothing"
    );
    println!("{} entries, counted {:?}", all.len(), fixture.counters.all());
}

#[tokio::test]
async fn a_folder_keeps_the_attributes_above_it() {
    let fixture = Fixture::of(ATTRIBUTES);
    let repository = fixture.open();
    let at = repository.stat("v1.0.0").await.expect("a tag").id;
    let all = entries(repository.archive(&at, "sub", 1 << 20).await.expect("an archive"));
    let names: Vec<&str> = all.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names, [".gitattributes", "b.txt", "deep/deep.txt", "run"]);
    assert_eq!(all[1].2, b"one\r\ntwo\r\n");
    assert_eq!(all[2].2, b"one\ntwo\n");
    for none in [
        "nothing",
        "a.txt",
        "link",
        "mod",
        "-o",
        "--output=/tmp/x",
        ":(glob)*",
        "sub/",
        "../work",
        "*",
    ] {
        assert!(
            entries(repository.archive(&at, none, 100).await.expect("empty")).is_empty(),
            "{none}"
        );
    }
}

#[tokio::test]
async fn moves_only_the_folder() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    let at = repository.stat("v1.1.0").await.expect("a tag").id;
    let all = entries(repository.archive(&at, "sub", 1 << 20).await.expect("an archive"));
    assert_eq!(all.len(), 1);
    assert!(
        fixture.server.sent() < 10_000,
        "{} bytes came, with the big file",
        fixture.server.sent()
    );
    let all = entries(repository.archive(&at, "", 1 << 20).await.expect("an archive"));
    assert_eq!(all.len(), 4);
    assert!(
        fixture.server.sent() > 100_000,
        "{} bytes came, without the big file",
        fixture.server.sent()
    );
    assert_eq!(fixture.counters.get("fetch-objects"), 2);
    let again = entries(repository.archive(&at, "", 1 << 20).await.expect("an archive"));
    assert_eq!(again, all);
    assert_eq!(
        fixture.counters.get("fetch-objects"),
        2,
        "nothing is fetched twice"
    );
}

#[tokio::test]
async fn archives_of_the_history_work() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    let at = repository
        .stat(&fixture.hash("main~1"))
        .await
        .expect("a merge")
        .id;
    let all = entries(repository.archive(&at, "", 1 << 20).await.expect("an archive"));
    assert_eq!(all.len(), 5);
}

#[tokio::test]
async fn refuses_more_than_the_limit() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    let at = repository.stat("v1.1.0").await.expect("a tag").id;
    let mut archive = repository.archive(&at, "", 100_000).await.expect("an archive");
    let error = loop {
        match archive.next_entry() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it ended"),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(error, VcsError::TooLarge { limit: 100_000, .. }),
        "{error}"
    );
}
