//! Paths of databases.

use proptest::prelude::*;
use stoa_sumdb::{RemotePath, RemotePathError};

use crate::module;

proptest! {
    #[test]
    fn paths_have_one_form(
        path in "/(tile/8/[0-9]{1,2}/|lookup/[a-z]\\.[a-z]/|latest)[0-9a-zA-Z!@.+/x-]{0,16}(\\.p/[0-9]{1,3}|@v1\\.2\\.3)?",
    ) {
        if let Ok(parsed) = path.parse::<RemotePath>() {
            prop_assert_eq!(parsed.to_string(), path);
        }
    }

    #[test]
    fn no_path_panics(path in "/?(tile|lookup)?\\PC{0,24}") {
        let _ = path.parse::<RemotePath>();
    }
}

#[test]
fn every_kind_of_path_comes_back() {
    for path in [
        "/latest",
        "/tile/8/0/x001/234.p/5",
        "/tile/8/data/000",
        "/lookup/a.b/!c/v2@v2.0.0-!r!c.1",
    ] {
        let parsed: RemotePath = path.parse().expect("a path");
        assert_eq!(parsed.to_string(), path);
        assert!(parsed.max_bytes() > 0);
    }
    let incompatible = RemotePath::Lookup(module("example.com/m", "v3.0.0+incompatible"));
    assert_eq!(
        incompatible.to_string(),
        "/lookup/example.com/m@v3.0.0+incompatible"
    );
}

#[test]
fn what_is_no_path_is_refused_for_its_reason() {
    for path in [
        "",
        "/",
        "latest",
        "/latest/",
        "/supported",
        "/lookup",
        "/tile",
        "/LATEST",
    ] {
        assert_eq!(
            path.parse::<RemotePath>(),
            Err(RemotePathError::Unknown),
            "{path:?}"
        );
    }
    for version in [
        "",
        "v1",
        "v1.2",
        "v1.2.",
        "1.2.3",
        "v1.2.3.4",
        "v1.2.3+meta",
        "v1.2.3/go.mod",
        "v1.2.3@v1.2.3",
    ] {
        let path = format!("/lookup/example.com/m@{version}");
        assert_eq!(
            path.parse::<RemotePath>(),
            Err(RemotePathError::Lookup),
            "{path:?}"
        );
    }
    for path in ["/tile/", "/tile/8/0/000.p/0", "/tile/../latest"] {
        assert_eq!(path.parse::<RemotePath>(), Err(RemotePathError::Tile), "{path:?}");
    }
    let other_major = "/lookup/example.com/m@v2.0.0".parse::<RemotePath>();
    assert!(matches!(other_major, Err(RemotePathError::Module(_))));
    let not_semver = "/lookup/example.com/m@v1.0.0-".parse::<RemotePath>();
    assert!(matches!(not_semver, Err(RemotePathError::Version(_))));
}
