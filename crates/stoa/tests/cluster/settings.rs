//! What is wrong with the settings of a node.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use stoa_testing::process::{StoaProcess, run};

use crate::STOA;

const HERE: &str = "http://127.0.0.1:3000";

fn file(path: &Path, text: &str, mode: u32) -> String {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// `stoa config check` finds all that `stoa serve` ends with, in the same words.
#[test]
fn what_serve_ends_with_is_found_by_config_check() {
    let directory = stoa_testing::scene::private_directory();
    let at = |name: &str| directory.path().join(name);
    let secret = file(&at("secret"), "a secret of the nodes of one cluster\n", 0o600);
    let nodes = file(
        &at("nodes.toml"),
        "[[node]]\nservice = \"stoa\"\nid = \"a\"\naddress = \"http://127.0.0.1:4000\"\n",
        0o600,
    );
    let short = file(&at("short"), "short\n", 0o600);
    let empty = file(&at("empty"), "\n", 0o600);
    let missing = at("missing").to_str().unwrap().to_owned();
    let good = || {
        vec![
            ("STOA_REGISTRY_BACKEND", "static".to_owned()),
            ("STOA_REGISTRY_NODES", format!("a={HERE}")),
            ("STOA_PEER_ID", "a".to_owned()),
            ("STOA_PEER_ADVERTISE", HERE.to_owned()),
            ("STOA_PEER_SECRET_FILE", secret.clone()),
        ]
    };
    let remedy = "openssl rand -hex 32";
    let cases: [(&[(&'static str, &str)], &[&str]); 13] = [
        (&[("STOA_PEER_SECRET_FILE", "")], &["peer.secret_file", remedy]),
        (
            &[("STOA_PEER_SECRET_FILE", &missing)],
            &["there is no such file", remedy],
        ),
        (&[("STOA_PEER_SECRET_FILE", &short)], &["16", remedy]),
        (
            &[("STOA_PEER_SECRET_FILE", &empty)],
            &["there is no secret", remedy],
        ),
        (
            &[("STOA_PEER_ADVERTISE", "")],
            &["peer.advertise", "http://10.0.0.5:3000"],
        ),
        (
            &[("STOA_PEER_ADVERTISE", "http://127.0.0.1:3001")],
            &["registry.nodes", "a=http://127.0.0.1:3001"],
        ),
        (
            &[("STOA_PEER_ID", "z")],
            &["registry.nodes", "z=http://127.0.0.1:3000"],
        ),
        // All faults at once.
        (
            &[("STOA_PEER_ID", "z"), ("STOA_PEER_SECRET_FILE", "")],
            &["registry.nodes", "peer.secret_file"],
        ),
        (
            &[
                ("STOA_REGISTRY_BACKEND", "none"),
                ("STOA_REGISTRY_NODES", ""),
                ("STOA_UPSTREAM", "registry:proxies"),
            ],
            &["registry:proxies", "[registry]"],
        ),
        (
            &[("STOA_REGISTRY_BACKEND", "none")],
            &["registry.nodes", "write backend = \"static\""],
        ),
        (
            &[
                ("STOA_REGISTRY_BACKEND", "none"),
                ("STOA_REGISTRY_NODES", ""),
                ("STOA_REGISTRY_FILE", &nodes),
            ],
            &["registry.file", "write backend = \"file\""],
        ),
        (
            &[
                ("STOA_REGISTRY_BACKEND", "file"),
                ("STOA_REGISTRY_NODES", ""),
                ("STOA_REGISTRY_FILE", &nodes),
            ],
            &["registry.file", "http://127.0.0.1:4000", HERE],
        ),
        (
            &[
                ("STOA_REGISTRY_BACKEND", "etcd"),
                ("STOA_REGISTRY_NODES", ""),
                ("STOA_REGISTRY_ENDPOINTS", "http://127.0.0.1:1"),
                ("STOA_REGISTRY_USERNAME", "root"),
            ],
            &["registry.password_file"],
        ),
    ];
    for (changes, want) in cases {
        let mut variables = good();
        for (name, value) in changes {
            variables.retain(|(known, _)| known != name);
            variables.push((*name, (*value).to_owned()));
        }
        variables.push(("STOA_STORAGE", at("storage").to_str().unwrap().to_owned()));
        let borrowed: Vec<_> = variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let checked = run(STOA, &["config", "check"], &borrowed);
        assert_eq!(checked.code, Some(64), "{changes:?}: {checked:?}");
        let mut command = StoaProcess::command(STOA);
        for (name, value) in &borrowed {
            command = command.env(name, value);
        }
        let (code, output) = command.start_expecting_exit();
        assert_eq!(code, Some(64), "{changes:?}: {output}");
        for text in want {
            assert!(checked.stderr.contains(text), "{text}: {}", checked.stderr);
            assert!(output.contains(text), "{text}: {output}");
        }
    }
    let good: Vec<_> = good();
    let mut borrowed: Vec<_> = good.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let storage = at("storage");
    borrowed.push(("STOA_STORAGE", storage.to_str().unwrap()));
    let checked = run(STOA, &["config", "check"], &borrowed);
    assert_eq!(
        (checked.code, checked.stdout.as_str()),
        (Some(0), "the configuration is good\n"),
        "{checked:?}"
    );
}

/// A secret that others may read is refused with the command that mends it, and a file of nodes that is not there is found by
/// `config check`, though a server that has to start does so.
#[test]
fn files_that_cannot_be_meant_are_found() {
    let directory = stoa_testing::scene::private_directory();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let secret = directory.path().join("secret");
    let open = file(&secret, "a secret of the nodes of one cluster\n", 0o644);
    let missing = directory.path().join("nodes.toml");
    let storage = directory.path().join("storage");
    let variables = [
        ("STOA_REGISTRY_BACKEND", "file"),
        ("STOA_REGISTRY_FILE", missing.to_str().unwrap()),
        ("STOA_PEER_ID", "a"),
        ("STOA_PEER_ADVERTISE", HERE),
        ("STOA_PEER_SECRET_FILE", open.as_str()),
        ("STOA_STORAGE", storage.to_str().unwrap()),
    ];
    let checked = run(STOA, &["config", "check"], &variables);
    assert_eq!(checked.code, Some(64));
    assert!(checked.stderr.contains("chmod go= "), "{}", checked.stderr);
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let checked = run(STOA, &["config", "check"], &variables);
    assert_eq!(checked.code, Some(64));
    assert!(
        checked.stderr.contains("registry.file") && checked.stderr.contains("No such file"),
        "{}",
        checked.stderr
    );
    let mut command = StoaProcess::command(STOA).upstream("off");
    for (name, value) in variables {
        command = command.env(name, value);
    }
    let process = command.start();
    process.wait_for_log("nodes.toml");
    fs::write(
        &missing,
        "[[node]]\nservice = \"stoa\"\nid = \"a\"\naddress = \"http://a\"\nstate = \"up\"\n",
    )
    .unwrap();
    let checked = run(STOA, &["config", "check"], &variables);
    assert!(
        checked.stderr.contains("line 5: unknown variant `up`"),
        "{}",
        checked.stderr
    );
}
