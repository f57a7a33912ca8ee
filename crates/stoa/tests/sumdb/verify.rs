//! `stoa verify` and `stoa verify --upstream` look at all that is stored.

use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::process::{Finished, run};

use crate::kept::{secret, start_private};
use crate::support::{STOA, Stand, get, is_there};

fn verify(stand: &Stand, storage: &std::path::Path, arguments: &[&str]) -> Finished {
    let config = stand.private("corp.example/*");
    let fixed = [
        "verify",
        "--storage",
        storage.to_str().unwrap(),
        "--config",
        &config,
    ];
    let (database, upstream) = (stand.database.gosumdb(), stand.scene.upstream.url());
    let environment = [
        ("STOA_SUMDB_DATABASES", database.as_str()),
        ("STOA_UPSTREAM", upstream.as_str()),
        ("STOA_DISPATCH_BREAKER", "disabled"),
        ("STOA_DISPATCH_RETRIES", "0"),
    ];
    run(STOA, &[&fixed[..], arguments].concat(), &environment)
}

#[tokio::test]
async fn verify_finds_and_repairs_what_was_kept_unread() {
    let stand = Stand::new();
    let module = secret();
    stand.scene.upstream.module(&module);
    let stoa = start_private(&stand);
    for suffix in ["info", "mod"] {
        assert_eq!(get(&stoa, &module.url_path(suffix)).await.status, 200);
    }
    drop(stoa);
    let storage = stand.scene.storage();
    for (suffix, bad, reason) in [
        (
            "info",
            r#"{"Version":"v1.0.0","version":"v9.9.9"}"#,
            "bad .info: info for version v9.9.9",
        ),
        (
            "info",
            r#"{"Version":"v1.0.0","Origin":"x"}"#,
            "Origin is not an object",
        ),
        (
            "mod",
            "<html>Log in</html>",
            "bad .mod: not a go.mod: it has no module line",
        ),
        ("mod", "", "bad .mod: not a go.mod: it has no module line"),
    ] {
        std::fs::write(stand.stored(&module, suffix), bad).unwrap();
        let found = verify(&stand, &storage, &[]);
        assert_eq!(found.code, Some(1), "{found:?}");
        assert!(
            found.stdout.contains(reason) && found.stdout.contains("1 bad"),
            "{found:?}"
        );
        let repaired = verify(&stand, &storage, &["--repair"]);
        assert_eq!(repaired.code, Some(0), "{repaired:?}");
        assert!(
            repaired.stdout.contains("put aside and fetched again"),
            "{repaired:?}"
        );
        let want = if suffix == "info" {
            module.info()
        } else {
            module.go_mod()
        };
        assert_eq!(std::fs::read(stand.stored(&module, suffix)).unwrap(), want);
    }
    let fine = verify(&stand, &storage, &[]);
    assert_eq!(fine.code, Some(0), "{fine:?}");
}

/// A stand with a private module that is stored, whole.
async fn stored() -> (Stand, ModuleFixture) {
    let (stand, module) = (Stand::new(), secret());
    stand.scene.upstream.module(&module);
    let stoa = start_private(&stand);
    for suffix in ["info", "mod", "zip"] {
        assert_eq!(get(&stoa, &module.url_path(suffix)).await.status, 200);
    }
    (stand, module)
}

#[tokio::test]
async fn verify_upstream_compares_what_infos_say() {
    let (stand, module) = stored().await;
    let storage = stand.scene.storage();
    let compare = || verify(&stand, &storage, &["--upstream"]);
    let fine = compare();
    assert_eq!(
        (fine.code, fine.stdout.as_str()),
        (
            Some(0),
            "1 modules, 1 versions, 3 files compared: 0 changed, 0 gone upstream, 0 not compared\n"
        ),
        "{fine:?}"
    );

    // Written in another way, it says the same.
    let info = module.url_path("info");
    let same = String::from_utf8(module.info().to_vec())
        .unwrap()
        .replace("\"Time\"", "\"time\"")
        .replace("2024-05-06T07:08:09Z", "2024-05-06T09:08:09+02:00");
    stand.scene.upstream.file(&info, same);
    stand.scene.upstream.file(&module.url_path("zip"), module.zip());
    assert_eq!(compare().code, Some(0));
    // Less of it, and still nothing else.
    stand
        .scene
        .upstream
        .file(&info, r#"{"Version":"v1.0.0","Time":"2024-05-06T07:08:09Z"}"#);
    assert_eq!(compare().code, Some(0));
    stand
        .scene
        .upstream
        .file(&info, r#"{"Version":"v1.0.0","Time":"2025-05-06T07:08:09Z"}"#);
    let moved = compare();
    assert_eq!(moved.code, Some(1), "{moved:?}");
    let line = format!(
        "{}: changed; stored 2024-05-06T07:08:09Z, upstream 2025-05-06T07:08:09Z, checksum database not asked",
        &info[1..]
    );
    assert!(moved.stdout.contains(&line), "{}", moved.stdout);
    // A list of its own takes the place of the configured upstream.
    let named = verify(&stand, &storage, &["--upstream", &stand.scene.upstream.url()]);
    assert_eq!((named.code, named.stdout), (Some(1), moved.stdout));
    let off = verify(&stand, &storage, &["--upstream", "off"]);
    assert!(
        off.stdout.contains("not compared") && off.code == Some(1),
        "{off:?}"
    );
    stand
        .scene
        .upstream
        .file(&info, r#"{"Version":"v1.0.0","Time":"no"}"#);
    let bad = compare();
    assert_eq!(bad.code, Some(1), "{bad:?}");
    assert!(bad.stdout.contains("its Time is not of RFC 3339") && bad.stdout.contains("1 not compared"));
    stand.scene.upstream.module(&module);

    std::fs::write(
        stand.stored(&module, "info"),
        r#"{"Version":"v1.0.0","Origin":1}"#,
    )
    .unwrap();
    let bad = compare();
    assert_eq!(bad.code, Some(1), "{bad:?}");
    assert!(bad.stdout.contains("what is stored is bad: ") && bad.stdout.contains("1 not compared"));
    std::fs::write(stand.stored(&module, "info"), module.info()).unwrap();
}

#[tokio::test]
async fn verify_upstream_compares_zips_by_their_bytes() {
    let (stand, module) = stored().await;
    let storage = stand.scene.storage();
    let compare = || verify(&stand, &storage, &["--upstream"]);
    assert_eq!(compare().code, Some(0));
    // What was recorded of a zip when it came is no witness for what its bytes are now.
    let other = secret().file("more.go", "package tools\n");
    std::fs::write(stand.stored(&module, "zip"), other.zip().to_bytes()).unwrap();
    let found = compare();
    assert_eq!(found.code, Some(1), "{found:?}");
    let line = format!("changed; stored {}, upstream {}", other.h1(), module.h1());
    assert!(found.stdout.contains(&line), "{}", found.stdout);
    let mut damaged = module.zip().to_bytes().to_vec();
    let at = damaged
        .windows(13)
        .position(|bytes| bytes == b"package tools")
        .unwrap();
    damaged[at] ^= 1;
    std::fs::write(stand.stored(&module, "zip"), damaged).unwrap();
    let found = compare();
    assert_eq!(found.code, Some(1), "{found:?}");
    assert!(
        found.stdout.contains("what is stored is bad: "),
        "{}",
        found.stdout
    );
}

#[test]
fn verify_makes_no_storage_where_none_is() {
    let stand = Stand::new();
    let mistyped = stand.scene.directory().join("storrage");
    for arguments in [&[][..], &["--json"], &["--repair"], &["--upstream"]] {
        let failed = verify(&stand, &mistyped, arguments);
        assert_eq!(failed.code, Some(1), "{failed:?}");
        let said = format!("cannot find {}: No such file or directory", mistyped.display());
        assert!(failed.stderr.contains(&said), "{}", failed.stderr);
        assert!(!is_there(&mistyped), "{arguments:?}");
    }
}
