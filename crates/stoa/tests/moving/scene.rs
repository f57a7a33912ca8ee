//! What another proxy has left, and a stoa that takes it over.

use std::{fs, path::Path};

use serde_json::Value;
use stoa_testing::{
    fixtures::ModuleFixture,
    http,
    process::{Finished, StoaProcess, run},
};
use tempfile::TempDir;

use crate::STOA;

/// How Athens calls the files of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// On disks and in `MinIO`.
    Disk,
    /// In the buckets of S3, Google and Azure.
    Bucket,
    /// The GOPROXY's own.
    Goproxy,
}

/// The files of a module in a layout.
pub(crate) fn files(module: &ModuleFixture, layout: Layout) -> [(String, Vec<u8>); 3] {
    let (path, version) = (module.path(), module.version());
    let names = match layout {
        Layout::Disk => [
            format!("{path}/{version}/{version}.info"),
            format!("{path}/{version}/go.mod"),
            format!("{path}/{version}/source.zip"),
        ],
        Layout::Bucket => ["info", "mod", "zip"].map(|kind| format!("{path}/@v/{version}.{kind}")),
        Layout::Goproxy => {
            ["info", "mod", "zip"].map(|kind| module.url_path(kind).trim_start_matches('/').to_owned())
        }
    };
    let [info, go_mod, zip] = names;
    [
        (info, module.info().to_vec()),
        (go_mod, module.go_mod().to_vec()),
        (zip, module.zip().to_bytes().to_vec()),
    ]
}

/// Modules with all that makes trouble: upper case, two paths that differ in case, a major version, a pseudo-version, a
/// pre-release in upper case; the last ones are bad.
pub(crate) struct Modules {
    pub(crate) good: Vec<ModuleFixture>,
    pub(crate) bad: Vec<(String, Vec<u8>)>,
}

pub(crate) fn module(path: &str, version: &str) -> ModuleFixture {
    ModuleFixture::new(path, version).file("a.go", format!("package a // {path} {version}\n"))
}

impl Modules {
    pub(crate) fn new(layout: Layout) -> Self {
        let good = vec![
            module("github.com/BurntSushi/toml", "v1.0.0"),
            module("github.com/burntsushi/toml", "v1.0.0"),
            module("example.com/m", "v1.0.0"),
            module("example.com/m", "v1.10.0"),
            module("example.com/m", "v1.0.0-RC1"),
            module("example.com/m/v2", "v2.0.0"),
            module("example.com/m/sub", "v0.0.0-20200102030405-0123456789ab"),
            module("example.com/old", "v2.0.0+incompatible").without_go_mod(),
            module("gopkg.in/yaml.v2", "v2.4.0"),
        ];
        // The zip of another module, a cut one, and no zip at all.
        let other = module("example.com/other", "v1.0.0");
        let mut bad = Vec::new();
        for (path, content) in [
            ("example.com/swapped", other.zip().to_bytes().to_vec()),
            ("example.com/cut", {
                let zip = module("example.com/cut", "v1.0.0").zip().to_bytes();
                zip[..zip.len() / 2].to_vec()
            }),
            ("example.com/html", b"<html>not found</html>".to_vec()),
        ] {
            let [info, go_mod, (zip, _)] = files(&module(path, "v1.0.0"), layout);
            bad.extend([info, go_mod, (zip, content)]);
        }
        Self { good, bad }
    }

    /// All files, the bad ones too.
    pub(crate) fn files(&self, layout: Layout) -> Vec<(String, Vec<u8>)> {
        let good = self.good.iter().flat_map(|module| files(module, layout));
        good.chain(self.bad.iter().cloned()).collect()
    }
}

/// Writes files below a directory.
pub(crate) fn write(directory: &Path, files: &[(String, Vec<u8>)]) {
    for (name, content) in files {
        let place = directory.join(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, content).unwrap();
    }
}

pub(crate) struct Scene {
    pub(crate) directory: TempDir,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self {
            directory: stoa_testing::scene::private_directory(),
        }
    }

    pub(crate) fn storage(&self) -> String {
        self.directory.path().join("storage").to_str().unwrap().to_owned()
    }

    /// A file with a secret.
    pub(crate) fn secret(&self, secret: &str) -> String {
        let file = self.directory.path().join("secret");
        fs::write(&file, secret).unwrap();
        file.to_str().unwrap().to_owned()
    }

    /// Runs `stoa import` into the storage of the scene.
    pub(crate) fn import(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Finished {
        let storage = self.storage();
        let all = [
            &["import"][..],
            arguments,
            &["--json", "--quiet", "--storage", &storage][..],
        ];
        let settings = [("STOA_UPSTREAM", "off"), ("STOA_INDEX_STORE", "none")];
        run(STOA, &all.concat(), &[&settings[..], environment].concat())
    }

    /// Imports twice: the first time all good ones come and the bad ones are named, the second time nothing comes.
    pub(crate) async fn takes_over(
        &self,
        arguments: &[&str],
        environment: &[(&str, &str)],
        modules: &Modules,
    ) {
        let first = self.import(arguments, environment);
        assert_eq!(first.code, Some(1), "{}\n{}", first.stdout, first.stderr);
        let (findings, report) = read(&first);
        let wanted = 3 * modules.good.len() as u64;
        assert_eq!(report["imported"], wanted, "{first:?}");
        assert_eq!(report["bad"], 3, "{first:?}");
        let named: Vec<_> = findings
            .iter()
            .map(|finding| finding["file"].as_str().unwrap())
            .collect();
        for name in ["swapped", "cut", "html"] {
            let file = format!("example.com/{name}/@v/v1.0.0.zip");
            assert!(named.contains(&file.as_str()), "{named:?}");
        }
        self.serves(modules).await;
        let second = self.import(arguments, environment);
        let (_, report) = read(&second);
        assert_eq!(
            (&report["imported"], &report["present"]),
            (&Value::from(0), &Value::from(wanted)),
            "{second:?}"
        );
    }

    /// What was taken over is served byte for byte, and what is bad is not.
    pub(crate) async fn serves(&self, modules: &Modules) {
        let stoa = StoaProcess::command(STOA)
            .storage(Path::new(&self.storage()))
            .upstream("off")
            .env("STOA_SUMDB_VERIFY", "false")
            .start();
        for module in &modules.good {
            for (kind, want) in [
                ("info", module.info().to_vec()),
                ("mod", module.go_mod().to_vec()),
                ("zip", module.zip().to_bytes().to_vec()),
            ] {
                let url = format!("{}{}", stoa.url(), module.url_path(kind));
                let answer = http::get(&url).await.unwrap();
                assert_eq!(answer.status, 200, "{url}");
                assert!(answer.body == want, "{url}");
            }
        }
        for name in ["swapped", "cut", "html"] {
            for kind in ["info", "mod", "zip"] {
                let url = format!("{}/example.com/{name}/@v/v1.0.0.{kind}", stoa.url());
                assert_ne!(http::get(&url).await.unwrap().status, 200, "{url}");
            }
        }
    }
}

/// The findings, and the summary.
pub(crate) fn read(finished: &Finished) -> (Vec<Value>, Value) {
    let lines = finished
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let mut lines: Vec<Value> = lines.collect();
    let report = lines.pop().unwrap_or_else(|| panic!("{finished:?}"));
    (lines, report)
}
