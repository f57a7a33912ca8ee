//! Upstreams that say odd things of their versions, each about a module of its own.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use stoa_testing::fixtures::{ModuleFixture, escape};
use stoa_testing::reply::Reply;
use stoa_testing::upstream::Upstream;

pub(crate) const OLD: &str = "v0.0.0-20230102030405-aaaabbbbcccc";
pub(crate) const NEW: &str = "v0.0.0-20240607080910-ddddeeeeffff";
/// After a release; older than [`NEW`].
pub(crate) const LATER: &str = "v1.2.1-0.20230908070605-0123456789ab";

/// What there is of one module.
#[derive(Clone, Debug)]
pub(crate) struct Odd {
    pub(crate) path: String,
    /// Status and body by what comes behind the path of the module.
    files: Vec<(String, u16, Bytes)>,
    pub(crate) versions: Vec<ModuleFixture>,
}

impl Odd {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            path: format!("example.com/{name}"),
            files: Vec::new(),
            versions: Vec::new(),
        }
    }

    /// Sends this for the list.
    pub(crate) fn list(self, text: impl Into<Bytes>) -> Self {
        self.sends("@v/list", 200, text)
    }

    pub(crate) fn sends(mut self, file: &str, status: u16, body: impl Into<Bytes>) -> Self {
        self.files.push((escape(file), status, body.into()));
        self
    }

    /// Sends the `.info` of a version for `@latest`.
    pub(crate) fn latest(self, version: &str) -> Self {
        self.answers("@latest", version)
    }

    /// Sends the `.info` of a version for something else.
    pub(crate) fn answers(self, file: &str, version: &str) -> Self {
        let info = ModuleFixture::new(&self.path, version).info();
        self.sends(file, 200, info)
    }

    /// Has these versions, whatever the list says.
    pub(crate) fn has(self, versions: &[&str]) -> Self {
        let path = self.path.clone();
        let made = |version: &&str| {
            let made = ModuleFixture::new(&path, version).file("m.go", "package m\n");
            if version.ends_with("+incompatible") {
                made.without_go_mod()
            } else {
                made
            }
        };
        let versions: Vec<_> = versions.iter().map(made).collect();
        self.has_these(versions)
    }

    pub(crate) fn has_these(mut self, versions: impl IntoIterator<Item = ModuleFixture>) -> Self {
        self.versions.extend(versions);
        self
    }

    /// The files in the order in which they hold: what was given by hand comes last.
    fn all(&self) -> Vec<(String, u16, Bytes)> {
        let root = escape(&self.path);
        let mut all = Vec::new();
        for version in &self.versions {
            for (extension, content) in [
                ("info", version.info()),
                ("mod", version.go_mod()),
                ("zip", version.zip().to_bytes()),
            ] {
                all.push((version.url_path(extension), 200, content));
            }
        }
        let given = self.files.iter();
        all.extend(given.map(|(file, status, body)| (format!("/{root}/{file}"), *status, body.clone())));
        all
    }

    pub(crate) fn publish(&self, upstream: &Upstream) {
        for (path, status, body) in self.all() {
            match status {
                200 => upstream.on(&path, Reply::ok(body)),
                status => upstream.on(&path, Reply::text(status, "odd")),
            };
        }
    }

    /// Whether a directory can say it: it has a file, or has it not.
    pub(crate) fn is_tree(&self) -> bool {
        self.files
            .iter()
            .all(|(_, status, _)| matches!(status, 200 | 404))
    }

    pub(crate) fn write(&self, root: &Path) {
        for (path, status, body) in self.all() {
            let file = root.join(path.trim_start_matches('/'));
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            match status {
                200 => fs::write(file, body).unwrap(),
                // It may be one that a version has put there.
                _ => drop(fs::remove_file(file)),
            }
        }
    }
}

/// All of them.
pub(crate) fn odd_upstreams() -> Vec<Odd> {
    [
        pseudo_versions(),
        lines(),
        without_list(),
        disagreeing(),
        retracting(),
        of_majors(),
        of_queries(),
    ]
    .concat()
}

/// Only pseudo-versions, and what `@latest` is then.
fn pseudo_versions() -> Vec<Odd> {
    let odd = Odd::new;
    vec![
        odd("pseudo404").list(format!("{NEW}\n{OLD}\n")).has(&[OLD, NEW]),
        odd("pseudo410")
            .list(format!("{OLD}\n{NEW}\n"))
            .sends("@latest", 410, "")
            .has(&[OLD, NEW]),
        odd("pseudo500")
            .list(format!("{OLD}\n{NEW}\n"))
            .sends("@latest", 500, "")
            .has(&[OLD, NEW]),
        odd("pseudo403")
            .list(format!("{OLD}\n{NEW}\n"))
            .sends("@latest", 403, "")
            .has(&[OLD, NEW]),
        odd("pseudolatest")
            .list(format!("{OLD}\n{NEW}\n"))
            .latest(OLD)
            .has(&[OLD, NEW]),
        odd("pseudolater")
            .list(format!("{LATER}\n{NEW}\n"))
            .has(&[LATER, NEW]),
        odd("pseudotimes")
            .list(format!(
                "{OLD} 2025-01-02T03:04:05Z\n{NEW} 2024-06-07T08:09:10Z\n"
            ))
            .has(&[OLD, NEW]),
        odd("pseudobadtimes")
            .list(format!("{NEW} yesterday\n{OLD}\n"))
            .has(&[OLD, NEW]),
        odd("pseudocrlf")
            .list(format!("\r\n{OLD}\r\n{NEW}\r\n\r\n"))
            .has(&[OLD, NEW]),
        odd("pseudolost").list(format!("{OLD}\n{NEW}\n")).has(&[OLD]),
        odd("pseudofails")
            .list(format!("{OLD}\n{NEW}\n"))
            .has(&[OLD])
            .sends(&format!("@v/{NEW}.info"), 500, ""),
        odd("pseudoother")
            .list(format!("{OLD}\n{NEW}\n"))
            .has(&[OLD, NEW])
            .answers(&format!("@v/{NEW}.info"), OLD),
        odd("pseudoandrelease")
            .list(format!("{NEW}\nv1.0.0\n"))
            .has(&["v1.0.0", NEW]),
    ]
}

/// Lines.
fn lines() -> Vec<Odd> {
    let odd = Odd::new;
    let huge = (0..20_000).fold(String::new(), |mut list, minor| {
        writeln!(list, "v0.{minor}.0").unwrap();
        list
    });
    vec![
        odd("times")
            .list("v1.0.0 2025-01-01T00:00:00Z\nv1.1.0 2024-01-01T00:00:00Z\n")
            .has(&["v1.0.0", "v1.1.0"]),
        odd("crlf")
            .list("v1.1.0\r\nv1.0.0\r\n")
            .has(&["v1.0.0", "v1.1.0"]),
        odd("blank")
            .list("\n\n v1.0.0\n\t\n\tv1.1.0\t\n")
            .has(&["v1.0.0", "v1.1.0"]),
        odd("noend").list("v1.1.0\nv1.0.0").has(&["v1.0.0", "v1.1.0"]),
        odd("garbage")
            .list(&b"<html>\n\xff\nv1.0.0 \xff\n1.5.0\nv1.1.0\0\nlatest\nv01.0.0\n"[..])
            .has(&["v1.0.0"]),
        odd("page")
            .list("<html><title>Sign in</title></html>\n")
            .latest("v1.0.0")
            .has(&["v1.0.0"]),
        odd("wide")
            .list("v1.0.0\u{a0}x\nv1.1.0\u{2003}y\n")
            .has(&["v1.0.0", "v1.1.0"]),
        odd("huge").list(huge).has(&["v0.19999.0", "v0.0.0"]),
        odd("long")
            .list("v1.0.0\nv1.99999999999999999999999.0\n")
            .has(&["v1.0.0", "v1.99999999999999999999999.0"]),
        odd("unsorted")
            .list("v1.10.0\nv1.9.0\nv1.10.0-rc.1\n")
            .has(&["v1.9.0", "v1.10.0", "v1.10.0-rc.1"]),
        odd("upper")
            .list("v1.0.0-RC1\nv1.0.0-Beta\n")
            .has(&["v1.0.0-RC1", "v1.0.0-Beta"]),
        odd("UpperCase").list("v1.0.0\n").has(&["v1.0.0"]),
        odd("prereleases")
            .list("v1.0.0-rc.1\nv1.0.0-rc.2\n")
            .has(&["v1.0.0-rc.1", "v1.0.0-rc.2"]),
    ]
}

/// No list.
fn without_list() -> Vec<Odd> {
    let odd = Odd::new;
    vec![
        odd("nolist").latest("v1.0.0").has(&["v1.0.0"]),
        odd("gonelist")
            .sends("@v/list", 410, "")
            .latest("v1.0.0")
            .has(&["v1.0.0"]),
        odd("brokenlist")
            .sends("@v/list", 500, "")
            .latest("v1.0.0")
            .has(&["v1.0.0"]),
        odd("emptylist").list("").latest("v1.0.0").has(&["v1.0.0"]),
        odd("emptypseudo").list("").latest(NEW).has(&[NEW]),
        odd("emptyall").list("").has(&["v1.0.0"]),
        odd("nothing").list("").sends("@latest", 200, ""),
    ]
}

/// Lists and `@latest` that do not agree, and versions that are not there.
fn disagreeing() -> Vec<Odd> {
    let odd = Odd::new;
    vec![
        odd("older")
            .list("v1.0.0\nv1.1.0\n")
            .latest("v1.0.0")
            .has(&["v1.0.0", "v1.1.0"]),
        odd("newer")
            .list("v1.0.0\n")
            .latest("v1.1.0")
            .has(&["v1.0.0", "v1.1.0"]),
        odd("lost").list("v1.0.0\nv1.1.0\n").has(&["v1.0.0"]),
        odd("fails")
            .list("v1.0.0\nv1.1.0\n")
            .has(&["v1.0.0", "v1.1.0"])
            .sends("@v/v1.1.0.info", 500, ""),
        odd("other")
            .list("v1.0.0\nv1.1.0\n")
            .has(&["v1.0.0", "v1.1.0"])
            .answers("@v/v1.1.0.info", "v1.0.0"),
        odd("short")
            .list("v1.0.0\nv1.1.0\n")
            .has(&["v1.0.0", "v1.1.0"])
            .sends("@v/v1.1.0.info", 200, r#"{"Version":"v1.1"}"#),
        odd("bare")
            .list("v1.0.0\n")
            .has(&["v1.0.0"])
            .sends("@v/v1.0.0.info", 200, r#"{"Version":"v1.0.0"}"#),
        odd("nojson")
            .list("v1.0.0\n")
            .has(&["v1.0.0"])
            .sends("@v/v1.0.0.info", 200, "v1.0.0"),
        odd("latestnojson")
            .list("")
            .has(&["v1.0.0"])
            .sends("@latest", 200, "v1.0.0"),
        odd("nomod")
            .list("v1.0.0\nv1.1.0\n")
            .has(&["v1.0.0", "v1.1.0"])
            .sends("@v/v1.1.0.mod", 404, ""),
    ]
}

/// Retractions.
fn retracting() -> Vec<Odd> {
    let odd = Odd::new;
    let versions = |path: &str, retract: &str| {
        let version = |version: &str| ModuleFixture::new(path, version).file("m.go", "package m\n");
        vec![
            version("v1.0.0"),
            version("v1.1.0"),
            version("v1.2.0").retract(retract, "broken"),
        ]
    };
    vec![
        odd("retracted")
            .list("v1.0.0\nv1.1.0\nv1.2.0\n")
            .has_these(versions("example.com/retracted", "[v1.1.0, v1.2.0]")),
        odd("allretracted")
            .list("v1.0.0\nv1.1.0\nv1.2.0\n")
            .has_these(versions("example.com/allretracted", "[v1.0.0, v1.2.0]")),
        odd("allretractedtimes")
            .list("v1.0.0 2024-01-01T00:00:00Z\nv1.1.0\nv1.2.0\n")
            .has_these(versions("example.com/allretractedtimes", "[v1.0.0, v1.2.0]")),
        odd("retractedpseudo")
            .list(format!("v1.0.0\nv1.1.0\nv1.2.0\n{LATER}\n"))
            .has_these(versions("example.com/retractedpseudo", "[v1.0.0, v1.2.0]"))
            .has(&[LATER]),
    ]
}

/// Major versions.
fn of_majors() -> Vec<Odd> {
    let odd = Odd::new;
    vec![
        odd("incompatible")
            .list("v1.0.0\nv2.0.0+incompatible\n")
            .has(&["v1.0.0", "v2.0.0+incompatible"]),
        odd("incompatibleold")
            .list("v1.0.0\nv2.0.0+incompatible\n")
            .has_these([ModuleFixture::new("example.com/incompatibleold", "v1.0.0").without_go_mod()])
            .has(&["v2.0.0+incompatible"]),
        odd("incompatiblegomod")
            .list("v2.0.0+incompatible\n")
            .has_these([ModuleFixture::new(
                "example.com/incompatiblegomod",
                "v2.0.0+incompatible",
            )]),
        odd("incompatiblepre")
            .list("v1.0.0-rc.1\nv2.0.0+incompatible\n")
            .has(&["v1.0.0-rc.1", "v2.0.0+incompatible"]),
        odd("incompatibletaken")
            .list("v1.0.0\n")
            .answers("@v/v2.0.0.info", "v2.0.0+incompatible")
            .has(&["v1.0.0", "v2.0.0+incompatible"]),
        odd("two/v2").list("v2.0.0\nv2.1.0\n").has(&["v2.0.0", "v2.1.0"]),
    ]
}

/// Queries that the upstream answers.
fn of_queries() -> Vec<Odd> {
    let odd = Odd::new;
    vec![
        odd("branch")
            .list("v1.0.0\n")
            .has(&["v1.0.0", NEW])
            .answers("@v/main.info", NEW),
        odd("meta")
            .list("v1.0.0\n")
            .has(&["v1.0.0", NEW])
            .answers("@v/v1.0.0+meta.info", NEW),
    ]
}

/// Those whose lists say what stoa leaves out: no proxy that keeps to the protocol says it.
pub(crate) fn not_canonical() -> Vec<Odd> {
    let odd = Odd::new;
    vec![
        odd("twice")
            .list("v1.0.0\nv1.1.0\nv1.0.0\n")
            .has(&["v1.0.0", "v1.1.0"]),
        odd("shorthands")
            .list("v1\nv1.0.0\nv1.2\n")
            .has(&["v1.0.0"])
            .answers("@v/v1.2.info", "v1.0.0"),
        odd("onlyshort")
            .list("v1.2\n")
            .has(&["v1.2.0"])
            .answers("@v/v1.2.info", "v1.2.0"),
        odd("metas")
            .list("v1.0.0\nv1.1.0+meta\n")
            .has(&["v1.0.0", NEW])
            .answers("@v/v1.1.0+meta.info", NEW),
        odd("majors").list("v1.0.0\nv2.0.0\n").has(&["v1.0.0", "v2.0.0"]),
        odd("onlymajors").list("v2.0.0\n").has(&["v2.0.0"]),
        odd("majors/v2")
            .list("v1.0.0\nv2.0.0\nv3.0.0\n")
            .has(&["v1.0.0", "v2.0.0", "v3.0.0"]),
    ]
}
