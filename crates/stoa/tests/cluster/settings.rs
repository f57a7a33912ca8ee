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

/// What a node of a list has, if nothing is wrong. A name of a file of the test begins with `@`.
const GOOD: &str = "REGISTRY_BACKEND=static REGISTRY_NODES=a=http://127.0.0.1:3000 PEER_ID=a \
                    PEER_ADVERTISE=http://127.0.0.1:3000 PEER_SECRET_FILE=@secret STORAGE=@storage";

/// What is changed of it, and what is said then.
const CASES: &[(&str, &[&str])] = &[
    ("PEER_SECRET_FILE=", &["peer.secret_file", "openssl rand -hex 32"]),
    (
        "PEER_SECRET_FILE=@missing",
        &["there is no such file", "openssl rand -hex 32"],
    ),
    ("PEER_SECRET_FILE=@short", &["16", "openssl rand -hex 32"]),
    (
        "PEER_SECRET_FILE=@empty",
        &["there is no secret", "openssl rand -hex 32"],
    ),
    ("PEER_ADVERTISE=", &["peer.advertise", "http://10.0.0.5:3000"]),
    (
        "PEER_ADVERTISE=http://127.0.0.1:3001",
        &["registry.nodes", "a=http://127.0.0.1:3001"],
    ),
    ("PEER_ID=z", &["registry.nodes", "z=http://127.0.0.1:3000"]),
    // All faults at once.
    (
        "PEER_ID=z PEER_SECRET_FILE=",
        &["registry.nodes", "peer.secret_file"],
    ),
    (
        "REGISTRY_BACKEND=none REGISTRY_NODES= UPSTREAM=registry:proxies",
        &["registry:proxies", "[registry]"],
    ),
    (
        "REGISTRY_BACKEND=none",
        &["registry.nodes", "write backend = \"static\""],
    ),
    (
        "REGISTRY_BACKEND=none REGISTRY_NODES= REGISTRY_FILE=@nodes",
        &["registry.file", "write backend = \"file\""],
    ),
    (
        "REGISTRY_BACKEND=file REGISTRY_NODES= REGISTRY_FILE=@nodes",
        &["registry.file", "http://127.0.0.1:4000", HERE],
    ),
    (
        "REGISTRY_BACKEND=etcd REGISTRY_NODES= REGISTRY_ENDPOINTS=http://127.0.0.1:1 REGISTRY_USERNAME=root",
        &["registry.password_file"],
    ),
];

/// The variables of these settings; later ones count.
fn variables(settings: &[&str], directory: &Path) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for setting in settings.iter().flat_map(|settings| settings.split_whitespace()) {
        let (name, value) = setting.split_once('=').unwrap();
        let value = match value.strip_prefix('@') {
            Some(name) => directory.join(name).to_str().unwrap().to_owned(),
            None => value.to_owned(),
        };
        let name = format!("STOA_{name}");
        all.retain(|(known, _)| *known != name);
        all.push((name, value));
    }
    all
}

/// `stoa config check` finds all that `stoa serve` ends with, in the same words.
#[test]
fn what_serve_ends_with_is_found_by_config_check() {
    let directory = stoa_testing::scene::private_directory();
    let at = |name: &str| directory.path().join(name);
    file(&at("secret"), "a secret of the nodes of one cluster\n", 0o600);
    file(
        &at("nodes"),
        "[[node]]\nservice = \"stoa\"\nid = \"a\"\naddress = \"http://127.0.0.1:4000\"\n",
        0o600,
    );
    file(&at("short"), "short\n", 0o600);
    file(&at("empty"), "\n", 0o600);
    let check = |variables: &[(String, String)]| {
        let borrowed: Vec<_> = variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        run(STOA, &["config", "check"], &borrowed)
    };
    for (changes, want) in CASES {
        let variables = variables(&[GOOD, changes], directory.path());
        let checked = check(&variables);
        assert_eq!(checked.code, Some(64), "{changes}: {checked:?}");
        let mut command = StoaProcess::command(STOA);
        for (name, value) in &variables {
            command = command.env(name, value);
        }
        let (code, output) = command.start_expecting_exit();
        assert_eq!(code, Some(64), "{changes}: {output}");
        for text in *want {
            assert!(checked.stderr.contains(text), "{text}: {}", checked.stderr);
            assert!(output.contains(text), "{text}: {output}");
        }
    }
    let checked = check(&variables(&[GOOD], directory.path()));
    let said = (checked.code, checked.stdout.as_str());
    assert_eq!(said, (Some(0), "the configuration is good\n"), "{checked:?}");
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
