//! What is named and what is not read again.

use std::sync::Mutex;

use stoa_vcs::{ContentId, EntryKind, KnownContents, Repository, VcsError};

use crate::fixture::{Fixture, entries};

/// Knows these contents, and notes what it was asked for.
#[derive(Default)]
struct Known {
    sizes: Vec<(String, u64)>,
    asked: Mutex<Vec<String>>,
}

impl KnownContents for Known {
    fn size(&self, path: &[u8], id: &ContentId) -> Option<u64> {
        let path = String::from_utf8_lossy(path).into_owned();
        self.asked.lock().expect("no panic").push(path);
        let known = self.sizes.iter().find(|(known, _)| *known == id.to_string());
        known.map(|(_, size)| *size)
    }
}

/// Path, kind, name, length, content.
type ListedFile = (String, EntryKind, Option<String>, u64, Result<Vec<u8>, String>);

type Listed = Vec<ListedFile>;

/// One who knows all of it.
fn known_of(all: &Listed) -> Known {
    let name = |file: &ListedFile| (file.2.clone().expect("a name"), file.3);
    Known {
        sizes: all.iter().map(name).collect(),
        ..Known::default()
    }
}

/// An entry is what the repository has under its name.
fn check_stored(fixture: &Fixture, (path, kind, id, size, content): &ListedFile) {
    let content = content.as_ref().expect("it is read");
    assert_eq!(*size, content.len() as u64, "{path}");
    assert_eq!(*kind == EntryKind::Symlink, path == "link");
    let id = id.as_deref().unwrap_or_else(|| panic!("{path} has no name"));
    let stored = fixture.sh(&format!(
        "git -C work cat-file blob {id} | od -An -v -tx1 | tr -d ' \\n'"
    ));
    let hex = content
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    assert_eq!(stored, hex, "{path}");
}

/// All entries with their names, and their contents or why there is none.
async fn listed(repository: &dyn Repository, at: &str, subdir: &str, known: &Known) -> Listed {
    let at = repository.stat(at).await.expect("a revision").id;
    let archive = repository.archive_unless_known(&at, subdir, 1 << 20, known).await;
    let mut archive = archive.expect("an archive");
    let read = move || {
        let mut all = Listed::new();
        while let Some(entry) = archive.next_entry().expect("an entry") {
            let mut content = Vec::new();
            let read = entry.content.read_to_end(&mut content);
            all.push((
                String::from_utf8_lossy(&entry.path).into_owned(),
                entry.kind,
                entry.id.map(|id| id.to_string()),
                entry.size,
                read.map(|_| content).map_err(|error| error.to_string()),
            ));
        }
        all
    };
    tokio::task::spawn_blocking(read).await.expect("no panic")
}

const PLAIN: &str = r#"
git init -q --object-format=$format -b main work; cd work
mkdir -p sub/deep mod; printf 'one\r\n' > a.txt; : > empty; echo x > sub/run; chmod +x sub/run; ln -s a.txt link
cp a.txt sub/same.txt; echo '$Id$ $Format:%H$' > sub/deep/x.go; printf n > "$(printf 'new\nline\ttab')"; printf b > "$(printf 'b\377d')"
git init -q --object-format=$format mod; git -C mod commit -q --allow-empty -m m; git add -A 2>/dev/null
save 2020-01-01T00:00:01Z; git tag v1.0.0
"#;

/// The same files once more, and attributes that change nothing.
const ATTRIBUTES: &str = "echo 'nothing -text' > .gitattributes; save 2020-01-02T00:00:01Z; git tag v1.0.1";

#[tokio::test]
async fn files_without_attributes_have_names_and_those_that_are_known_are_not_read() {
    for format in ["sha1", "sha256"] {
        let fixture = Fixture::of(&format!("format={format}\n{PLAIN}{ATTRIBUTES}"));
        let repository = fixture.open();
        let all = listed(&repository, "v1.0.0", "", &Known::default()).await;
        assert_eq!(fixture.counters.get("archive"), 0, "git need not look at it");
        let names: Vec<&str> = all.iter().map(|(path, ..)| path.as_str()).collect();
        assert_eq!(
            names,
            [
                "a.txt",
                "b\u{fffd}d",
                "empty",
                "link",
                "new\nline\ttab",
                "sub/deep/x.go",
                "sub/run",
                "sub/same.txt"
            ],
        );
        let mut archived = listed(&repository, "v1.0.1", "", &Known::default()).await;
        assert_eq!(fixture.counters.get("archive"), 1);
        assert_eq!(archived.remove(0).0, ".gitattributes");
        assert_eq!(archived.len(), all.len());
        for (one, other) in archived.iter().zip(&all) {
            assert_eq!(
                (&one.0, one.1, &one.2),
                (&other.0, other.1, &None),
                "as git archive has it"
            );
            assert_eq!((one.3, &one.4), (other.3, &other.4), "{}", one.0);
        }
        for one in &all {
            check_stored(&fixture, one);
        }
        assert_eq!(all[0].2, all[7].2, "the same content has the same name");

        let count = fixture.counters.get("cat-blobs");
        let known = known_of(&all);
        let again = listed(&repository, "v1.0.0", "", &known).await;
        assert_eq!(fixture.counters.get("cat-blobs"), count, "nothing is read");
        assert_eq!(*known.asked.lock().expect("no panic"), names);
        for (one, other) in again.iter().zip(&all) {
            assert_eq!(
                (&one.0, one.1, &one.2, one.3),
                (&other.0, other.1, &other.2, other.3)
            );
            assert_eq!(one.4, Err("the content was said to be known".to_owned()));
        }
        let one = Known {
            sizes: vec![(all[0].2.clone().expect("a name"), all[0].3)],
            ..Known::default()
        };
        let sub = listed(&repository, "v1.0.0", "sub", &one).await;
        let names: Vec<_> = sub
            .iter()
            .map(|(path, .., content)| (path.as_str(), content.is_ok()))
            .collect();
        assert_eq!(names, [("deep/x.go", true), ("run", true), ("same.txt", false)]);
    }
}

#[tokio::test]
async fn what_is_known_is_not_even_fetched() {
    let fixture = Fixture::of(&format!(
        "format=sha1\n{PLAIN}noise > big.bin; save 2020-01-02T00:00:01Z; git tag v1.1.0"
    ));
    let repository = fixture.open();
    let id = fixture.sh("git -C work rev-parse v1.1.0:big.bin");
    let known = Known {
        sizes: vec![(id, 200_000)],
        ..Known::default()
    };
    let all = listed(&repository, "v1.1.0", "", &known).await;
    assert_eq!(all.iter().filter(|(.., content)| content.is_err()).count(), 1);
    assert!(
        fixture.server.sent() < 20_000,
        "{} bytes came",
        fixture.server.sent()
    );
}

#[tokio::test]
async fn attributes_anywhere_between_the_root_and_a_file_take_the_names_away() {
    let fixture = Fixture::of(
        r"
        git init -q -b main work; cd work; mkdir -p eol/deep ident/deep plain
        printf 'a\nb\n' > eol/deep/a.txt; printf '$Id$\n' > ident/deep/x.go; echo p > plain/p.go; save 2020-01-01T00:00:01Z; git tag v1.0.0
        echo '*.txt eol=crlf' > eol/.gitattributes; echo '*.go ident' > ident/deep/.gitattributes; save 2020-01-02T00:00:01Z; git tag v1.1.0
        echo '* ident' > .gitattributes; git rm -q -r --cached eol/.gitattributes ident/deep/.gitattributes; rm eol/.gitattributes ident/deep/.gitattributes
        save 2020-01-03T00:00:01Z; git tag v1.2.0
        ",
    );
    let repository = fixture.open();
    let cases = [
        ("v1.0.0", "", true),
        ("v1.0.0", "eol", true),
        ("v1.1.0", "", false),
        ("v1.1.0", "eol", false),
        ("v1.1.0", "eol/deep", false),
        ("v1.1.0", "ident", false),
        ("v1.1.0", "plain", true),
        ("v1.2.0", "", false),
        ("v1.2.0", "plain", false),
    ];
    for (at, subdir, named) in cases {
        let known = Known::default();
        let all = listed(&repository, at, subdir, &known).await;
        assert!(!all.is_empty());
        for (path, _, id, ..) in &all {
            assert_eq!(id.is_some(), named, "{path} of {at} below {subdir:?}");
        }
        assert_eq!(
            known.asked.lock().expect("no panic").is_empty(),
            !named,
            "{at} {subdir:?}"
        );
    }
    let all = listed(&repository, "v1.1.0", "", &Known::default()).await;
    let get = |path: &str| {
        all.iter()
            .find(|one| one.0 == path)
            .expect("there")
            .4
            .clone()
            .expect("read")
    };
    assert_eq!(get("eol/deep/a.txt"), b"a\r\nb\r\n");
    assert!(get("ident/deep/x.go").starts_with(b"$Id: "));
}

#[tokio::test]
async fn what_is_known_counts_for_the_limit() {
    let fixture = Fixture::of(&format!("format=sha1\n{PLAIN}"));
    let repository = fixture.open();
    let all = listed(&repository, "v1.0.0", "", &Known::default()).await;
    let known = known_of(&all);
    let total: u64 = all.iter().map(|(_, _, _, size, _)| size).sum();
    let at = repository.stat("v1.0.0").await.expect("a tag").id;
    for (limit, fits) in [(total, true), (total - 1, false)] {
        let mut archive = repository
            .archive_unless_known(&at, "", limit, &known)
            .await
            .expect("an archive");
        let error = loop {
            match archive.next_entry() {
                Ok(Some(_)) => {}
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        assert_eq!(error.is_none(), fits, "{error:?}");
        assert!(error.is_none_or(|error| matches!(error, VcsError::TooLarge { .. })));
    }
    assert_eq!(
        entries(repository.archive(&at, "", total).await.expect("an archive")).len(),
        all.len()
    );
}
