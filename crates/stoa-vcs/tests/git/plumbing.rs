//! Repositories that no `git add` and no `git commit` makes, and what git itself says of them.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use stoa_testing::zip::unzip;
use stoa_vcs::git::{GitRepository, RepoUrl};

use crate::fixture::Fixture;

/// A repository that is made object by object, and served like others of the fixture.
pub(crate) struct Plumbing<'a> {
    fixture: &'a Fixture,
    name: String,
}

/// An entry of a tree: its mode, its name, the hash of its content.
pub(crate) type TreeEntry = (Vec<u8>, Vec<u8>, String);

pub(crate) fn entry(mode: &str, name: impl AsRef<[u8]>, hash: &str) -> TreeEntry {
    (mode.as_bytes().to_vec(), name.as_ref().to_vec(), hash.to_owned())
}

fn commit(tree: &str) -> String {
    format!("tree {tree}\nauthor A <a@e> 1 +0000\ncommitter C <c@e> 1577836800 +0000\n\nm\n")
}

/// The bytes of a tree.
pub(crate) fn encode(entries: &[TreeEntry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (mode, name, hash) in entries {
        bytes.extend_from_slice(mode);
        bytes.push(b' ');
        bytes.extend_from_slice(name);
        bytes.push(0);
        let digits = hash
            .as_bytes()
            .chunks(2)
            .map(|pair| std::str::from_utf8(pair).expect("hex"));
        bytes.extend(digits.map(|pair| u8::from_str_radix(pair, 16).expect("hex")));
    }
    bytes
}

impl<'a> Plumbing<'a> {
    pub(crate) fn new(fixture: &'a Fixture, name: &str) -> Self {
        let made = Self {
            fixture,
            name: name.to_owned(),
        };
        fixture.sh(&format!(
            "git init -q --bare -b main srv/{name}.git; git -C srv/{name}.git config uploadpack.allowFilter true"
        ));
        made
    }

    fn dir(&self) -> PathBuf {
        self.fixture.dir.path().join(format!("srv/{}.git", self.name))
    }

    /// Runs git as it is without any configuration of the machine, which is how the go command's answers are known.
    pub(crate) fn git(&self, args: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new("git")
            .args(args)
            .current_dir(self.dir())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.fixture.dir.path())
            .env("GIT_DIR", self.dir())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("git is installed");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input).expect("it reads");
        drop(stdin);
        child.wait_with_output().expect("it ends")
    }

    /// Stores an object, whatever it is.
    pub(crate) fn put(&self, kind: &str, content: &[u8]) -> String {
        let args = ["hash-object", "-w", "--literally", "-t", kind, "--stdin"];
        let output = self.git(&args, content);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Stores objects of one kind, with one run of git.
    pub(crate) fn put_all(&self, kind: &str, contents: &[Vec<u8>]) -> Vec<String> {
        let files = tempfile::tempdir().expect("a temporary folder");
        let mut args = ["hash-object", "-w", "--literally", "-t", kind]
            .map(str::to_owned)
            .to_vec();
        for (at, content) in contents.iter().enumerate() {
            let file = files.path().join(at.to_string());
            std::fs::write(&file, content).expect("writable");
            args.push(file.display().to_string());
        }
        let output = self.git(&args.iter().map(String::as_str).collect::<Vec<_>>(), b"");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        printed.lines().map(str::to_owned).collect()
    }

    pub(crate) fn tree(&self, entries: &[TreeEntry]) -> String {
        self.put("tree", &encode(entries))
    }

    /// The tree of one file so many folders deep.
    pub(crate) fn deep(&self, depth: usize) -> String {
        let path = format!("{}f", "d/".repeat(depth));
        let text = format!(
            "commit refs/heads/deep\ncommitter C <c@e> 1 +0000\ndata 0\nM 100644 inline {path}\ndata 1\nx\ndone\n"
        );
        let output = self.git(&["fast-import", "--quiet", "--done", "--force"], text.as_bytes());
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let tree = self.git(&["rev-parse", "refs/heads/deep^{tree}"], b"").stdout;
        self.git(&["update-ref", "-d", "refs/heads/deep"], b"");
        String::from_utf8_lossy(&tree).trim().to_owned()
    }

    /// A commit of each tree, tagged `v1.0.0`, `v1.0.1` and so on.
    pub(crate) fn commit_all<'b>(&self, trees: impl Iterator<Item = &'b str>) -> Vec<String> {
        let texts: Vec<Vec<u8>> = trees.map(|tree| commit(tree).into_bytes()).collect();
        let ids = self.put_all("commit", &texts);
        for (at, id) in ids.iter().enumerate() {
            self.tag(&format!("v1.0.{at}"), id);
        }
        ids
    }

    /// A commit of the tree, tagged.
    pub(crate) fn commit(&self, tree: &str, tag: &str) -> String {
        let id = self.put("commit", commit(tree).as_bytes());
        self.tag(tag, &id);
        id
    }

    /// Git itself would refuse to let a ref name some of the objects.
    pub(crate) fn tag(&self, tag: &str, id: &str) {
        std::fs::write(self.dir().join("refs/tags").join(tag), format!("{id}\n")).expect("writable");
    }

    /// What the zip has that the go command asks `git archive` for: names, and sums of contents. Or what git says.
    pub(crate) fn archive(&self, id: &str, subdir: &str) -> Result<Vec<(String, String)>, String> {
        let mut args = vec![
            "archive",
            "--format=zip",
            "--prefix=prefix/",
            "--end-of-options",
            id,
        ];
        args.extend((!subdir.is_empty()).then_some(subdir));
        let output = self.git(&args, b"");
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let folder = match subdir {
            "" => "prefix/".to_owned(),
            subdir => format!("prefix/{subdir}/"),
        };
        let entries = unzip(&output.stdout).into_iter();
        let files = entries.filter(|(name, _)| !name.ends_with('/'));
        Ok(files
            .map(|(name, sum)| (name.strip_prefix(&folder).expect("in the folder").to_owned(), sum))
            .collect())
    }

    /// What `git fsck` says of an object.
    pub(crate) fn fsck(&self, id: &str) -> String {
        let output = self.git(&["fsck", "--no-dangling"], b"");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let about = said.lines().filter(|line| line.contains(id));
        about.collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn open(&self) -> GitRepository {
        let url = RepoUrl::parse(&format!("{}/{}.git", self.fixture.server.url(), self.name)).expect("a URL");
        GitRepository::open(url, self.fixture.cache(), self.fixture.options()).expect("an allowed URL")
    }
}
