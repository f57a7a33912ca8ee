//! Random repositories: of a seed and a size, always the same.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::files::{Change, changes};
use crate::names::{self, Names};
use crate::random::Random;

/// A commit.
#[derive(Clone, Debug)]
pub(crate) struct Commit {
    pub(crate) hash: String,
    /// When it was committed, in seconds since 1970.
    pub(crate) time: u64,
}

/// A repository in a folder that git serves.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    /// Its folder, `r` and a number.
    pub(crate) name: String,
    /// Whoever has the seed and the size has the repository.
    pub(crate) seed: u64,
    pub(crate) size: usize,
    pub(crate) commits: Vec<Commit>,
    /// Without `refs/tags/`.
    pub(crate) tags: Vec<String>,
    /// Without `refs/heads/`.
    pub(crate) branches: Vec<String>,
}

/// What goes into `git fast-import`.
struct Stream {
    bytes: Vec<u8>,
    mark: usize,
    times: Vec<u64>,
    /// A commit of no repository.
    elsewhere: String,
}

impl Repository {
    /// Makes the repository `name` below a folder, with about `size` commits.
    pub(crate) fn make(below: &Path, name: &str, seed: u64, size: usize) -> Self {
        let mut random = Random::new(seed);
        let folder = below.join(name);
        let format = if random.chance(8) { "sha256" } else { "sha1" };
        run(
            below,
            &["init", "-q", "--bare", &format!("--object-format={format}"), name],
            &[],
        );
        let root = format!("example.com/{name}.git");
        let mut stream = Stream {
            bytes: Vec::new(),
            mark: 0,
            times: Vec::new(),
            elsewhere: "1".repeat(if format == "sha256" { 64 } else { 40 }),
        };
        // The choices about commits, tags and branches do not depend on one another, so that a smaller repository is the
        // beginning of a larger one.
        let (mut commits, mut refs) = (Random::new(random.next()), Random::new(random.next()));
        if !random.chance(3) {
            let count = 1 + commits.below(16).min(size);
            for index in 0..count {
                stream.commit(&mut commits, &root, index);
            }
        }
        let (tags, branches) = stream.refs(&mut refs, size);
        run(
            &folder,
            &["fast-import", "--quiet", "--force", "--export-marks=marks"],
            &stream.bytes,
        );
        let mut made = Self {
            name: name.to_owned(),
            seed,
            size,
            commits: marks(&folder, &stream.times),
            tags,
            branches,
        };
        made.confuse(&folder, &mut random);
        made
    }

    /// Names that look like hashes, and where `HEAD` points.
    fn confuse(&mut self, folder: &Path, random: &mut Random) {
        let head = match random.below(12) {
            0 => "ref: refs/heads/nowhere".to_owned(),
            1 if !self.commits.is_empty() => {
                let hash = self.commits[random.below(self.commits.len())].hash.clone();
                // What nothing else reaches, cmd/go knows until it has fetched all refs, and no longer.
                let contains = ["for-each-ref", "--contains", &hash, "refs/heads", "refs/tags"];
                let is_reached = !run(folder, &contains, b"").is_empty();
                if is_reached {
                    hash
                } else {
                    "ref: refs/heads/main".to_owned()
                }
            }
            2 if !self.branches.is_empty() => {
                format!(
                    "ref: refs/heads/{}",
                    self.branches[random.below(self.branches.len())]
                )
            }
            _ => "ref: refs/heads/main".to_owned(),
        };
        fs::write(folder.join("HEAD"), head + "\n").unwrap();
        if self.commits.len() < 2 || !random.chance(25) {
            return;
        }
        let (looks, is) = (random.below(self.commits.len()), random.below(self.commits.len()));
        let name = self.commits[looks].hash[..*random.pick(&[&7, &8, &12, &40])].to_owned();
        let (kind, list) = if random.chance(50) {
            ("heads", &mut self.branches)
        } else {
            ("tags", &mut self.tags)
        };
        let update = format!("create refs/{kind}/{name} {}\n", self.commits[is].hash);
        run(folder, &["update-ref", "--stdin"], update.as_bytes());
        list.push(name);
    }
}

impl Repository {
    /// Whether cmd/go's answer comes from one of its bugs, which stoa does not have.
    ///
    /// * It takes tags such as `sub/v0.0.0-20200102030405-abcdefabcdef` for versions of the module `sub`: they become
    ///   bases of others, or it looks for the commit that they seem to name (`Layout::version_of_tag` in stoa-fetch).
    /// * Once it knows a commit and its version, it looks for the go.mod where the 12 digits at the end of the version
    ///   lead, which may be a branch or tag of that name and another commit (`stoa-code-repo`).
    pub(crate) fn is_mistaken(&self, want: &str) -> bool {
        let below = |tag: &String| tag.contains('/') && tag.contains(names::NO_COMMIT);
        let short = |name: &String| {
            name.len() == 12
                && self
                    .commits
                    .iter()
                    .any(|commit| commit.hash.starts_with(name.as_str()))
        };
        let mut names = self.tags.iter().chain(&self.branches);
        (self.tags.iter().any(below) && want.contains(&names::NO_COMMIT[1..]))
            || names.any(|name| short(name) && want.contains(name.as_str()))
    }
}

impl Stream {
    fn line(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(b'\n');
    }

    fn data(&mut self, data: &[u8]) {
        self.line(&format!("data {}", data.len()));
        self.bytes.extend_from_slice(data);
        self.bytes.push(b'\n');
    }

    fn commit(&mut self, random: &mut Random, root: &str, index: usize) {
        const ZONES: [&str; 5] = ["+0000", "-0730", "+1400", "+0530", "-0000"];
        let first = index == 0 || random.chance(6);
        let before = self.times.last().copied().unwrap_or(1_577_836_800);
        let time = match random.below(24) {
            0 => 0,
            1 => 1,
            2 => 4_102_444_800,
            3..6 => before,
            6..8 => before.saturating_sub(86_400),
            _ => before + random.next() % 10_000_000,
        };
        self.mark += 1;
        self.times.push(time);
        // A commit without `from` would follow the last one.
        self.line("reset refs/import/last\n");
        self.line("commit refs/import/last");
        let mark = self.mark;
        self.line(&format!("mark :{mark}"));
        let author = random.next() % 4_000_000_000;
        self.line(&format!("author A <a@example.com> {author} +0100"));
        self.line(&format!(
            "committer C <c@example.com> {time} {}",
            random.pick(&ZONES)
        ));
        self.data(format!("commit {index}\n").as_bytes());
        if !first {
            let from = if random.chance(70) {
                index
            } else {
                1 + random.below(index)
            };
            self.line(&format!("from :{from}"));
            let other = 1 + random.below(index);
            if random.chance(20) && other != from {
                self.line(&format!("merge :{other}"));
            }
        }
        if random.chance(3) {
            self.line("deleteall");
        }
        for change in changes(random, root, first) {
            self.change(&change);
        }
    }

    fn change(&mut self, change: &Change) {
        let submodule = format!("M 160000 {} ", self.elsewhere);
        let (head, path, data) = match change {
            Change::File {
                path,
                executable: true,
                content,
            } => ("M 100755 inline ", path, Some(content)),
            Change::File { path, content, .. } => ("M 100644 inline ", path, Some(content)),
            Change::Link { path, to } => ("M 120000 inline ", path, Some(to)),
            Change::Delete { path } => ("D ", path, None),
            Change::Submodule { path } => (submodule.as_str(), path, None),
        };
        self.bytes.extend_from_slice(head.as_bytes());
        self.line(&quote(path));
        if let Some(data) = data {
            self.data(data);
        }
    }

    /// Tags and branches, of which `main` is one in most repositories.
    fn refs(&mut self, random: &mut Random, size: usize) -> (Vec<String>, Vec<String>) {
        if self.mark == 0 {
            return Default::default();
        }
        let (mut tags, mut branches) = (Vec::new(), Vec::new());
        let mut taken = Names::default();
        // What a cut-off history lacks is taken from its end.
        let target = |random: &mut Random, marks: usize| marks - random.below(16).min(marks - 1);
        if !random.chance(5) {
            branches.push("main".to_owned());
            taken.take("main");
            let last = if random.chance(85) {
                self.mark
            } else {
                target(random, self.mark)
            };
            self.line(&format!("reset refs/heads/main\nfrom :{last}\n"));
        }
        for _ in 0..random.below(4) {
            let (name, to) = (names::branch(random), target(random, self.mark));
            if taken.take(&name) {
                self.line(&format!("reset refs/heads/{name}\nfrom :{to}\n"));
                branches.push(name);
            }
        }
        let mut taken = Names::default();
        for _ in 0..random.below(14).min(2 * size) {
            let (name, to) = (names::tag(random), target(random, self.mark));
            let annotated = random.below(10);
            if !taken.take(&name) {
                continue;
            }
            match annotated {
                0..4 => self.annotate(&name, to),
                4 => self.tag_of_a_file(&name),
                _ => self.line(&format!("reset refs/tags/{name}\nfrom :{to}\n")),
            }
            tags.push(name);
        }
        (tags, branches)
    }

    fn annotate(&mut self, name: &str, to: usize) {
        self.line(&format!(
            "tag {name}\nfrom :{to}\ntagger T <t@example.com> 1700000000 +0000"
        ));
        self.data(b"annotated\n");
    }

    fn tag_of_a_file(&mut self, name: &str) {
        self.line("blob\nmark :1000");
        self.data(b"a file\n");
        self.annotate(name, 1000);
    }
}

/// A path as `git fast-import` reads it.
fn quote(path: &[u8]) -> String {
    let mut quoted = String::from("\"");
    for byte in path {
        match byte {
            b'"' | b'\\' => {
                quoted.push('\\');
                quoted.push(char::from(*byte));
            }
            0x20..0x7f => quoted.push(char::from(*byte)),
            byte => write!(quoted, "\\{byte:03o}").unwrap(),
        }
    }
    quoted + "\""
}

/// The commits in the order in which they were made.
fn marks(folder: &Path, times: &[u64]) -> Vec<Commit> {
    let marks = fs::read_to_string(folder.join("marks")).unwrap();
    let hash = |index: usize| {
        let start = format!(":{} ", index + 1);
        let line = marks.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap().to_owned()
    };
    let commits = times.iter().enumerate().map(|(index, time)| Commit {
        hash: hash(index),
        time: *time,
    });
    commits.collect()
}

/// Runs git without the configuration of the machine.
fn run(folder: &Path, arguments: &[&str], stdin: &[u8]) -> Vec<u8> {
    let mut child = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {said}");
    output.stdout
}
