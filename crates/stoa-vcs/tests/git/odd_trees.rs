//! Trees that git does not make and does not check out: what `git archive` refuses is refused, and what it takes is given
//! as it gives it. The go command makes its zips of what `git archive` gives.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use stoa_testing::zip::readable;
use stoa_vcs::git::GitRepository;
use stoa_vcs::{Archive, Repository as _, VcsError};

use crate::fixture::Fixture;
use crate::plumbing::{Plumbing, TreeEntry, encode, entry};

/// Names of files and folders, and whether git takes them.
const NAMES: [(&[u8], bool); 56] = [
    (b".git", false),
    (b".GIT", false),
    (b".gIt", false),
    (b".git ", false),
    (b".git.", false),
    (b".git. .", false),
    (b".git:x", false),
    (b".git::$INDEX_ALLOCATION", false),
    (b".git/x", false),
    (b".git\\x", false),
    (b"git~1", false),
    (b"GIT~1", false),
    (b"git~1.", false),
    (b"git~1 ", false),
    (b"git~1:x", false),
    (b"git~1\\x", false),
    (b"git~2", true),
    (b"git~10", true),
    (b"a\\.git", false),
    (b"a\\git~1", false),
    (b"\\\\.git", false),
    (b".\\.git", false),
    (b"\\.git", true),
    (b"\\git~1", true),
    (b"a\\b", true),
    (b"a\\..\\b", true),
    (b"..\\x", true),
    (b".", false),
    (b"..", false),
    (b"...", true),
    (b"/x", false),
    (b"x/", false),
    (b"x//y", false),
    (b"x/../y", false),
    (b"x/./y", false),
    (b"x/y", true),
    (b".gitx", true),
    (b".git-", true),
    (b".git\x80", true),
    (b"x.git", true),
    (b".gitmodules", true),
    (b".GitModules", true),
    (b".gitattributes", true),
    // Only git on macOS cares how HFS+ reads names, by its default.
    (b".g\xe2\x80\x8cit", true),
    (b"\xef\xbb\xbf.git", true),
    (b"con", true),
    (b"aux.txt", true),
    (b"a:b", true),
    (b"C:", true),
    (b"\xff\xfe", true),
    (b"a\nb\tc", true),
    (b" ", true),
    (b"-o", true),
    (b"\x01\x7f", true),
    (b"\xc3\xa9", true),
    (b"*", true),
];

/// Names of links, and whether git takes them.
const LINKS: [(&[u8], bool); 21] = [
    (b".git", false),
    (b".gitmodules", false),
    (b".GITMODULES", false),
    (b".gitmodules ", false),
    (b".gitmodules.", false),
    (b".gitmodules:x", false),
    (b"gitmod~1", false),
    (b"GITMOD~4 .", false),
    (b"gitmod~5", true),
    (b"gi7eba~1", false),
    (b"GI7EB~10", false),
    (b"gi7eb~01", true),
    (b"~1234567", false),
    (b"a\\.gitmodules", false),
    (b".gitmodules\\x", true),
    (b".gitmodules/x", false),
    (b".gitmodules./x", true),
    (b".g\xe2\x80\x8citmodules", true),
    (b".gitignore", true),
    (b".gitattributes", true),
    (b"ok", true),
];

/// Modes as they are written in a tree, and whether git reads them.
const MODES: [(&str, bool); 24] = [
    ("100644", true),
    ("100755", true),
    ("100664", true),
    ("100600", true),
    ("100777", true),
    ("0100644", true),
    ("000000100644", true),
    ("40000", true),
    ("040000", true),
    ("40755", true),
    ("120000", true),
    ("120777", true),
    ("160000", true),
    ("0", true),
    ("644", true),
    ("20000", true),
    ("170000", true),
    ("7777777", true),
    ("100000000100644", true),
    ("100648", false),
    ("10064x", false),
    ("-100644", false),
    ("+40000", false),
    ("", false),
];

/// What we give of a tag: as [`Plumbing::archive`] tells of git.
async fn given(
    repository: &GitRepository,
    tag: &str,
    subdir: &str,
) -> Result<Vec<(String, String)>, VcsError> {
    let at = repository.stat(tag).await?.id;
    let mut archive: Box<dyn Archive> = repository.archive(&at, subdir, 1 << 20).await?;
    let mut all = Vec::new();
    while let Some(entry) = archive.next_entry()? {
        let mut content = Vec::new();
        entry.content.read_to_end(&mut content).expect("it goes on");
        let mut sum = String::new();
        for byte in Sha256::digest(&content) {
            let _infallible = write!(sum, "{byte:02x}");
        }
        all.push((readable(&entry.path), sum));
    }
    Ok(all)
}

/// A tree to be held against git.
struct Case {
    name: String,
    tree: String,
    subdir: &'static str,
    /// Whether git takes it.
    is_taken: bool,
}

/// Holds our answers for trees of one repository against git's.
async fn compare(made: &Plumbing<'_>, cases: &[Case]) {
    let ids = made.commit_all(cases.iter().map(|case| case.tree.as_str()));
    let repository = made.open();
    for (at, (case, id)) in cases.iter().zip(&ids).enumerate() {
        let (name, want) = (&case.name, made.archive(id, case.subdir));
        assert_eq!(want.is_ok(), case.is_taken, "{name}: git itself");
        match (want, given(&repository, &format!("v1.0.{at}"), case.subdir).await) {
            (Ok(want), Ok(got)) => assert_eq!(got, want, "{name}"),
            (Err(_), Err(VcsError::Malformed { .. })) => {}
            (want, got) => panic!("{name}: git gives {want:?}, we give {got:?}"),
        }
    }
}

fn case(name: &str, tree: String, is_taken: bool) -> Case {
    let name = name.to_owned();
    Case {
        name,
        tree,
        subdir: "",
        is_taken,
    }
}

#[tokio::test]
async fn names_that_git_refuses_are_refused() {
    let fixture = Fixture::bare();
    let made = Plumbing::new(&fixture, "names");
    let blob = made.put("blob", b"x\n");
    let below = made.tree(&[entry("100644", "f", &blob)]);
    let names = NAMES
        .iter()
        .map(|(name, _)| encode(&[entry("100644", name, &blob)]));
    let links = LINKS
        .iter()
        .map(|(name, _)| encode(&[entry("120000", name, &blob)]));
    let ids = made.put_all("tree", &names.chain(links).collect::<Vec<_>>());
    let mut cases = Vec::new();
    for (at, ((name, is_taken), file)) in NAMES.into_iter().chain(LINKS).zip(ids).enumerate() {
        let shown = name.escape_ascii();
        let (what, tree, subdir) = match at % 8 {
            _ if at >= NAMES.len() => ("link", file, ""),
            1 => ("folder", made.tree(&[entry("40000", name, &below)]), ""),
            3 => (
                "submodule",
                made.tree(&[entry("160000", name, &"12".repeat(20))]),
                "",
            ),
            5 => (
                "below",
                made.tree(&[entry("100644", "ok", &blob), entry("40000", "sub", &file)]),
                "sub",
            ),
            7 => (
                "beside",
                made.tree(&[entry("40000", "aside", &file), entry("40000", "sub", &below)]),
                "sub",
            ),
            _ => ("file", file, ""),
        };
        cases.push(Case {
            subdir,
            ..case(&format!("{what} {shown}"), tree, is_taken)
        });
    }
    compare(&made, &cases).await;
}

#[tokio::test]
async fn odd_trees_are_given_as_git_gives_them() {
    let fixture = Fixture::bare();
    let made = Plumbing::new(&fixture, "trees");
    let [a, b] = [&b"a\n"[..], b"b\n"].map(|content| made.put("blob", content));
    let below = made.tree(&[entry("100644", "f", &a)]);
    let file = |name: &str| entry("100644", name, &a);
    let other = |name: &str| entry("100644", name, &b);
    let folder = |name: &str| entry("40000", name, &below);
    let empty = made.tree(&[]);
    let attributes = made.put("blob", b"* text eol=crlf\n");
    let mut cases = vec![
        case("the same file twice", made.tree(&[file("a"), file("a")]), true),
        case("two files of a name", made.tree(&[file("a"), other("a")]), true),
        case(
            "the same folder twice",
            made.tree(&[folder("a"), folder("a")]),
            true,
        ),
        case("a file and a folder", made.tree(&[file("a"), folder("a")]), true),
        case("a folder and a file", made.tree(&[folder("a"), file("a")]), true),
        case("apart", made.tree(&[file("a"), file("a.b"), folder("a")]), true),
        case("other cases", made.tree(&[file("A"), file("a")]), true),
        case("not sorted", made.tree(&[file("b"), other("a"), file("c")]), true),
        case("folders not sorted", made.tree(&[folder("b"), folder("a")]), true),
        case("a folder as a file", made.tree(&[folder("a"), file("a-b")]), true),
        case(
            "a slash and a folder",
            made.tree(&[file("a/f"), folder("a")]),
            true,
        ),
        case("empty", empty.clone(), true),
        case("an empty folder", made.tree(&[entry("40000", "e", &empty)]), true),
        case(
            "attributes",
            made.tree(&[entry("100644", ".gitattributes", &attributes), file("x")]),
            true,
        ),
        case(
            "attributes too late",
            made.tree(&[file("x"), entry("100644", ".gitattributes", &attributes)]),
            true,
        ),
        case(
            "attributes and a bad name",
            made.tree(&[entry("100644", ".gitattributes", &attributes), file("git~1")]),
            false,
        ),
        case(
            "not sorted and a bad name",
            made.tree(&[file("x"), file(".GIT")]),
            false,
        ),
    ];
    for (tree, name) in [
        (
            made.tree(&[folder("sub"), file("z"), file("b")]),
            "not sorted, beside the folder",
        ),
        (
            made.tree(&[folder("b"), folder("a"), folder("sub")]),
            "not sorted, before the folder",
        ),
    ] {
        cases.push(Case {
            subdir: "sub",
            ..case(name, tree, true)
        });
    }
    compare(&made, &cases).await;
}

#[tokio::test]
async fn names_and_trees_are_as_long_and_deep_as_git_takes_them() {
    let fixture = Fixture::bare();
    let made = Plumbing::new(&fixture, "sizes");
    let blob = made.put("blob", b"a\n");
    let below = made.tree(&[entry("100644", "f", &blob)]);
    let mut cases = Vec::new();
    for (name, len, is_taken) in [
        ("long", 300, true),
        ("longer", 65_528, true),
        ("longest", 65_529, false),
    ] {
        let tree = made.tree(&[entry("100644", "l".repeat(len), &blob)]);
        // Such a name matters only where the zip has it.
        let aside = made.tree(&[entry("40000", "l", &tree), entry("40000", "sub", &below)]);
        cases.push(case(name, tree, is_taken));
        cases.push(Case {
            subdir: "sub",
            ..case(&format!("{name}, aside"), aside, true)
        });
    }
    // As deep as git goes.
    for (depth, is_taken) in [(100, true), (2048, true), (2049, false)] {
        cases.push(case(&format!("{depth} deep"), made.deep(depth), is_taken));
    }
    compare(&made, &cases).await;
}

#[tokio::test]
async fn modes_are_what_git_reads() {
    let fixture = Fixture::bare();
    let made = Plumbing::new(&fixture, "modes");
    let blob = made.put("blob", b"x\n");
    let below = made.tree(&[entry("100644", "f", &blob)]);
    let tree = |made: &Plumbing<'_>, mode: &str| {
        let hash = if mode.trim_start_matches('0').starts_with('4') {
            &below
        } else {
            &blob
        };
        made.tree(&[entry(mode, "m", hash)])
    };
    let read = MODES.into_iter().filter(|(_, is_read)| *is_read);
    let cases: Vec<Case> = read
        .map(|(mode, _)| case(mode, tree(&made, mode), true))
        .collect();
    compare(&made, &cases).await;
    let repository = made.open();
    for (at, case) in cases.iter().enumerate() {
        // What is no folder and no file has no content for `git cat-file`, whatever the tree says it is.
        let at = repository.stat(&format!("v1.0.{at}")).await.expect("a tag").id;
        for path in ["m", "m/f"] {
            let want = made.git(
                &["cat-file", "--end-of-options", "blob", &format!("{at}:{path}")],
                b"",
            );
            let is_submodule = !made
                .git(&["ls-tree", at.as_str(), "m"], b"")
                .stdout
                .starts_with(b"160000");
            let want = (want.status.success() && is_submodule).then_some(want.stdout);
            let got = repository.read_file(&at, path, 1 << 20).await.expect("readable");
            assert_eq!(got.map(Vec::from), want, "{} {path}", case.name);
        }
    }
    let refused = MODES.into_iter().filter(|(_, is_read)| !is_read);
    let trees = refused.map(|(mode, _)| (format!("mode {mode:?}"), vec![entry(mode, "m", &blob)]));
    for (at, (name, entries)) in trees.enumerate() {
        unreadable(&fixture, &format!("mode{at}"), &name, |made| {
            made.put("blob", b"x\n");
            made.tree(&entries)
        })
        .await;
    }
}

/// A tree of which not even a server can make a pack, but one of folders of files.
async fn unreadable(fixture: &Fixture, repository: &str, name: &str, tree: impl Fn(&Plumbing<'_>) -> String) {
    let made = Plumbing::new(fixture, repository);
    let id = made.commit(&tree(&made), "v1.0.0");
    let git = made.archive(&id, "").expect_err(name);
    let got = given(&made.open(), "v1.0.0", "").await.expect_err(name);
    assert!(!got.is_not_exist(), "{name}: {got:?}, git says {git}");
}

#[tokio::test]
async fn trees_that_are_none_are_refused() {
    let fixture = Fixture::bare();
    let raw: [(&str, &[u8]); 6] = [
        ("garbage", b"garbage"),
        ("cut short", b"100644 f\0abc"),
        ("no NUL", b"100644 f"),
        ("no space", b"100644f\0aaaaaaaaaaaaaaaaaaaa"),
        ("more behind", b"100644 f\0aaaaaaaaaaaaaaaaaaaax"),
        ("no name", b"100644 \0aaaaaaaaaaaaaaaaaaaa"),
    ];
    for (at, (name, bytes)) in raw.into_iter().enumerate() {
        unreadable(&fixture, &format!("raw{at}"), name, |made| {
            made.put("tree", bytes)
        })
        .await;
    }
    let lost = "12".repeat(20);
    let entries: [(&str, &[TreeEntry]); 4] = [
        ("a lost file", &[entry("100644", "f", &lost)]),
        ("a lost folder", &[entry("40000", "f", &lost)]),
        ("no file", &[entry("100644", "f", &"0".repeat(40))]),
        ("no folder", &[entry("40000", "f", &"0".repeat(40))]),
    ];
    for (at, (name, entries)) in entries.into_iter().enumerate() {
        unreadable(&fixture, &format!("lost{at}"), name, |made| made.tree(entries)).await;
    }
    unreadable(&fixture, "blob", "a folder that is a file", |made| {
        let blob = made.put("blob", b"x\n");
        made.tree(&[entry("40000", "f", &blob)])
    })
    .await;
}

#[tokio::test]
async fn unsorted_trees_hide_what_git_does_not_find() {
    let fixture = Fixture::bare();
    let made = Plumbing::new(&fixture, "hidden");
    let [a, b] = [&b"a\n"[..], b"b\n"].map(|content| made.put("blob", content));
    let below = made.tree(&[entry("100644", "go.mod", &a)]);
    let trees = [
        made.tree(&[entry("100644", "z.go", &a), entry("100644", "go.mod", &b)]),
        made.tree(&[entry("100644", "go.mod", &a), entry("100644", "go.mod", &b)]),
        made.tree(&[entry("100644", "sub/go.mod", &a)]),
        made.tree(&[entry("40000", "z", &below), entry("40000", "sub", &below)]),
        made.tree(&[entry("100644", "sub", &a), entry("40000", "sub", &below)]),
        made.tree(&[entry("40000", "sub", &below), entry("100644", "sub", &a)]),
        made.tree(&[entry("120000", "go.mod", &a), entry("120000", "sub", &a)]),
        made.tree(&[
            entry("40000", "a", &below),
            entry("100644", "b", &a),
            entry("100644", "go.mod", &b),
        ]),
    ];
    let repository = made.open();
    for (at, tree) in trees.iter().enumerate() {
        made.commit(tree, &format!("v1.0.{at}"));
    }
    let mut found = 0;
    for at in 0..trees.len() {
        let at = repository.stat(&format!("v1.0.{at}")).await.expect("a tag").id;
        for path in ["go.mod", "sub/go.mod", "sub", "z/go.mod", "z.go", "a/go.mod"] {
            let git = made.git(
                &["cat-file", "--end-of-options", "blob", &format!("{at}:{path}")],
                b"",
            );
            let want = git.status.success().then_some(git.stdout);
            found += usize::from(want.is_some());
            let got = repository.read_file(&at, path, 1 << 20).await.expect("readable");
            assert_eq!(got.map(Vec::from), want, "{at} {path}");
        }
    }
    assert_eq!(found, 10, "of what git finds");
}
