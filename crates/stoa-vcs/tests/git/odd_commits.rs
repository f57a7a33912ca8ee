//! Commits that `git commit` does not make: the go command asks `git log` for their time, and refuses a commit that has none.

use std::time::{Duration, SystemTime};

use stoa_vcs::{Repository as _, VcsError};

use crate::fixture::Fixture;
use crate::plumbing::{Plumbing, entry};

const AUTHOR: &str = "author A <a@e> 1 +0000\n";
const GOOD: &str = "committer C <c@e> 1577836800 +0000\n";

/// What follows the line of the tree, with % for [`AUTHOR`] and & for [`GOOD`], and how `git fsck` calls what is wrong with it; empty where nothing is.
const COMMITS: [(&str, &str); 52] = [
    ("%&\nm\n", ""),
    ("%&", ""),
    ("%&\n", ""),
    ("&\nm\n", "missingAuthor"),
    ("&%\nm\n", "missingAuthor"),
    ("%\nm\n", "missingCommitter"),
    ("\nm\n", "missingAuthor"),
    ("%\n&", "missingCommitter"),
    ("%x y\n&\nm\n", "missingCommitter"),
    ("%gpgsig x\n &\n\nm\n", "missingCommitter"),
    ("%&committer D <d@e> 7 +0000\n\nm\n", ""),
    ("%&committer D\n\nm\n", ""),
    ("%&encoding latin1\n\nm\u{e9}\n", ""),
    ("author nobody\n&\nm\n", "missingEmail"),
    ("author A <a@e>\n&\nm\n", "missingSpaceBeforeDate"),
    ("author A <a@e> -1 +0000\n&\nm\n", "badDate"),
    ("%committer C <c@e> 1577836800\n\nm\n", "badDate"),
    ("%committer C <c@e> 1577836800 \n\nm\n", "badTimezone"),
    ("%committer C <c@e> 1577836800 foo\n\nm\n", "badTimezone"),
    ("%committer C <c@e> 1577836800 0000\n\nm\n", "badTimezone"),
    ("%committer C <c@e> 1577836800 +\n\nm\n", "badTimezone"),
    ("%committer C <c@e> 1577836800 +x\n\nm\n", "badTimezone"),
    ("%committer C <c@e> 1577836800 +1\n\nm\n", "badTimezone"),
    ("%committer C <c@e> 1577836800 +9999999\n\nm\n", "badTimezone"),
    ("%committer C <c@e> 1577836800 -0000x\n\nm\n", "badTimezone"),
    ("%committer C <c@e>\n\nm\n", "missingSpaceBeforeDate"),
    ("%committer C <c@e> \n\nm\n", "badDate"),
    ("%committer C <c@e> -5 +0000\n\nm\n", "badDate"),
    ("%committer C <c@e> +5 +0000\n\nm\n", "badDate"),
    ("%committer C <c@e> 0 +0000\n\nm\n", ""),
    ("%committer C <c@e> 0001577836800 +0000\n\nm\n", "zeroPaddedDate"),
    ("%committer C <c@e> abc +0000\n\nm\n", "badDate"),
    ("%committer C <c@e> 123abc +0000\n\nm\n", "badDate"),
    ("%committer C <c@e> 1577836800+0100\n\nm\n", "badDate"),
    ("%committer C <c@e> 1577836800.5 +0000\n\nm\n", "badDate"),
    (
        "%committer C <c@e>\t1577836800\t+0000\n\nm\n",
        "missingSpaceBeforeDate",
    ),
    (
        "%committer C <c@e>\u{b}1577836800 +0000\n\nm\n",
        "missingSpaceBeforeDate",
    ),
    (
        "%committer C <c@e>1577836800 +0000\n\nm\n",
        "missingSpaceBeforeDate",
    ),
    (
        "%committer <c@e> 1577836800 +0000\n\nm\n",
        "missingNameBeforeEmail",
    ),
    ("%committer<c@e> 1577836800 +0000\n\nm\n", "missingCommitter"),
    ("%committer C 1577836800 +0000\n\nm\n", "missingEmail"),
    ("%committer C <c@e 1577836800 +0000\n\nm\n", "badEmail"),
    ("%committer C c@e> 1577836800 +0000\n\nm\n", "badName"),
    ("%committer C> <c@e 1577836800 +0000\n\nm\n", "badName"),
    ("%committer C <c@e> x> 1577836800 +0000\n\nm\n", "badDate"),
    ("%committer C <c@e> 1577836800 +0000 >\n\nm\n", "badTimezone"),
    (
        "%committer C <c@e> 1577836800 +0000> 7 +0000\n\nm\n",
        "badTimezone",
    ),
    ("%committer C <c@e> 1577836800 +0000\r\n\nm\n", "badTimezone"),
    ("%committer C <c@e> 253402300800 +0000\n\nm\n", ""),
    (
        "%committer C <c@e> 9223372036854775808 +0000\n\nm\n",
        "badDateOverflow",
    ),
    (
        "%committer C <c@e> 99999999999999999999999 +0000\n\nm\n",
        "badDateOverflow",
    ),
    ("%committer C\0D <c@e> 1577836800 +0000\n\nm\n", "nulInHeader"),
];

/// What the go command makes of what `git log` prints: a time, if the second word is a number of 64 bits.
fn time_of(printed: &str, id: &str) -> Option<i64> {
    let mut words = printed.split_whitespace();
    assert_eq!(words.next(), Some(id), "{printed}");
    words.next()?.parse().ok()
}

#[tokio::test]
async fn commits_without_a_time_are_refused() {
    let fixture = Fixture::bare();
    let made = Plumbing::new(&fixture, "commits");
    let blob = made.put("blob", b"x\n");
    let tree = made.tree(&[entry("100644", "f", &blob)]);
    let texts = COMMITS.map(|(text, flaw)| {
        let text = text.replace('%', AUTHOR).replace('&', GOOD);
        (format!("tree {tree}\n{text}"), flaw)
    });
    let latin1 = |text: &String| text.chars().map(|c| u8::try_from(c).expect("latin1")).collect();
    let contents: Vec<Vec<u8>> = texts.iter().map(|(text, _)| latin1(text)).collect();
    let ids: Vec<_> = made
        .put_all("commit", &contents)
        .into_iter()
        .zip(COMMITS.map(|(_, flaw)| flaw))
        .collect();
    for (at, (id, _)) in ids.iter().enumerate() {
        made.tag(&format!("v1.0.{at}"), id);
    }
    let repository = made.open();
    let said = made.fsck("");
    let mut counts = [0, 0];
    for (at, (id, flaw)) in ids.iter().enumerate() {
        let text = &texts[at].0;
        let about = said.lines().find(|line| line.contains(id)).unwrap_or_default();
        assert_eq!(about.is_empty(), flaw.is_empty(), "{text:?}: {about}");
        assert!(about.contains(flaw), "{text:?}: {about}");
        let log = [
            "-c",
            "log.showsignature=false",
            "log",
            "--no-decorate",
            "-n1",
            "--format=format:%H %ct",
            "--end-of-options",
            id,
            "--",
        ];
        let log = made.git(&log, b"");
        let want = time_of(&String::from_utf8_lossy(&log.stdout), id);
        counts[usize::from(want.is_some())] += 1;
        match (want, repository.stat(&format!("v1.0.{at}")).await) {
            (Some(time), Ok(revision)) => {
                let seconds = Duration::from_secs(time.unsigned_abs());
                assert_eq!(revision.time, SystemTime::UNIX_EPOCH + seconds, "{text:?}");
                assert_eq!(revision.id.as_str(), id);
            }
            (None, Err(VcsError::Malformed { what, .. })) => assert!(what.contains(id.as_str()), "{what}"),
            (want, got) => panic!("{text:?}: git gives {want:?}, we give {got:?}"),
        }
    }
    println!("{counts:?} commits are refused and taken, of {}", ids.len());
}

#[tokio::test]
async fn commits_that_are_none_are_refused() {
    let fixture = Fixture::bare();
    let tree = "587be6b4c3f93f93c489c0111bba5596147a26cb";
    let whole = format!("{AUTHOR}{GOOD}\nm\n");
    let texts = [
        String::new(),
        whole.clone(),
        format!("tree {}\n{whole}", &tree[1..]),
        format!("tree {tree}\r\n{whole}"),
        format!("tree {tree} \n{whole}"),
        format!("tree {tree}\nparent x\n{whole}"),
        format!("tree {tree}\n{whole}"),
        format!("tree {}\n{whole}", "12".repeat(20)),
    ];
    for (at, text) in texts.iter().enumerate() {
        let made = Plumbing::new(&fixture, &format!("none{at}"));
        made.put("blob", b"x\n");
        let id = made.put("commit", text.as_bytes());
        made.tag("v1.0.0", &id);
        let git = made.archive(&id, "").expect_err(text);
        let repository = made.open();
        let got = match repository.stat("v1.0.0").await {
            Ok(revision) => repository.archive(&revision.id, "", 1 << 20).await.err(),
            Err(error) => Some(error),
        };
        assert!(got.is_some(), "{text:?} is taken, git says {git}");
    }
    // To git, hexadecimal digits have no case here.
    let made = Plumbing::new(&fixture, "upper");
    let blob = made.put("blob", b"x\n");
    let tree = made.tree(&[entry("100644", "f", &blob)]);
    let id = made.put(
        "commit",
        format!("tree {}\n{whole}", tree.to_uppercase()).as_bytes(),
    );
    made.tag("v1.0.0", &id);
    assert_eq!(made.archive(&id, "").expect("git takes it").len(), 1);
    let repository = made.open();
    let at = repository.stat("v1.0.0").await.expect("a commit").id;
    let content = repository.read_file(&at, "f", 100).await.expect("readable");
    assert_eq!(content.as_deref(), Some(&b"x\n"[..]));
}
