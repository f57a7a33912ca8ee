//! `MODULE@QUERY` means the same to stoa and to the go command.

use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::scene::Scene;

use crate::fetch::{comparable, go_download, stoa_fetch, values};
use crate::support;

const BRANCH: &str = "v1.1.1-0.20240708091011-0123456789ab";

/// The example, with a branch, and with modules whose versions need thought.
fn scene() -> Scene {
    let scene = support::scene();
    let branch = ModuleFixture::new("example.com/greet", BRANCH);
    for (extension, content) in [("info", branch.info()), ("mod", branch.go_mod())] {
        scene.upstream.file(&branch.url_path(extension), content);
    }
    scene.upstream.file(&branch.url_path("zip"), branch.zip());
    for revision in ["main", "0123456789ab", "0123456"] {
        scene
            .upstream
            .file(&format!("/example.com/greet/@v/{revision}.info"), branch.info());
    }
    let version = |path: &str, version: &str| ModuleFixture::new(path, version);
    scene.upstream.modules(&[
        // Only +incompatible versions come after one that is no module yet.
        version("example.com/old", "v1.0.0").without_go_mod(),
        version("example.com/old", "v2.0.0+incompatible").without_go_mod(),
        version("example.com/old", "v3.0.0+incompatible").without_go_mod(),
        // A module is not old: what is +incompatible with it was a mistake.
        version("example.com/young", "v1.0.0"),
        version("example.com/young", "v2.0.0+incompatible").without_go_mod(),
        version("example.com/early", "v0.1.0-alpha"),
        version("example.com/early", "v0.1.0-beta"),
        // The highest release retracts itself and another.
        version("example.com/sorry", "v1.0.0"),
        version("example.com/sorry", "v1.1.0"),
        version("example.com/sorry", "v1.2.0").retract("[v1.1.0, v1.2.0]", "broken"),
    ]);
    scene
}

#[test]
fn every_query_resolves_as_in_the_go_command() {
    let scene = scene();
    for module in [
        "example.com/greet@latest",
        "example.com/greet@v1",
        "example.com/greet@v1.0",
        "example.com/greet@v1.2",
        "example.com/greet@<v1",
        "example.com/greet@>=v1.1",
        "example.com/greet@>v1.1",
        "example.com/greet@<v2",
        "example.com/greet@<v1.1.0",
        "example.com/greet@<=v1.1.0",
        "example.com/greet@>v1.0.0",
        "example.com/greet@>=v1.1.0",
        "example.com/greet@>v1.1.0",
        "example.com/greet@v1.0.1",
        "example.com/greet@main",
        "example.com/greet@0123456789ab",
        "example.com/greet@0123456",
        "example.com/greet@v1.1.1-0.20240708091011-0123456789ab",
        "example.com/words@latest",
        "example.com/legacy@latest",
        "example.com/old@latest",
        "example.com/old@<v3.0.0",
        "example.com/old@v1",
        "example.com/old@v2",
        "example.com/old@<v2.0.0",
        "example.com/young@<v2.0.0",
        "example.com/young@>v1.0.0",
        "example.com/young@latest",
        "example.com/young@>=v1.0.0",
        "example.com/early@latest",
        "example.com/early@>=v0.1.0-alpha",
        "example.com/sorry@latest",
        "example.com/sorry@v1.1",
        "example.com/sorry@v1.1.0",
        "example.com/sorry@>v1.0.0",
    ] {
        let want = go_download(&scene.upstream.url(), module);
        let fetched = stoa_fetch(&scene, &[module]);
        let got = values(&fetched.stdout).remove(0);
        if want.get("Error").is_some() {
            assert!(
                got.get("Error").is_some(),
                "{module}: go says {want}\nstoa says {got}"
            );
            assert_eq!(fetched.code, Some(1));
        } else {
            assert_eq!(comparable(got), comparable(want), "{module}");
        }
    }
}
