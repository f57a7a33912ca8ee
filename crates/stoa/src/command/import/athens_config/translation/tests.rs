//! Keys and secrets.

use std::collections::BTreeMap;

use super::*;

fn of(file: &str, variables: &[(&str, &str)]) -> Output {
    let variables: BTreeMap<_, _> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    translate(&Settings::read(file, &variables).expect("a configuration"))
}

#[test]
fn the_environment_wins_and_every_key_is_spoken_of() {
    let file = "StorageType = \"disk\"\nPort = \":3001\"\nGoGetWorkers = 5\nNope = 1\n[Storage.Disk]\nRootPath = \"/srv/a\"\n";
    let output = of(file, &[("ATHENS_PORT", "4000"), ("ATHENS_GOGET_WORKERS", "7")]);
    let toml = output.toml();
    assert!(toml.contains("listen = \":4000\""), "{toml}");
    assert!(toml.contains("fetches = 7"), "{toml}");
    let notes = output.notes.join("\n");
    assert!(notes.contains("stoa import athens /srv/a"), "{notes}");
    assert!(notes.contains("Nope: Athens has no such key"), "{notes}");
}

#[test]
fn no_secret_is_repeated() {
    let secrets = [
        ("AWS_SECRET_ACCESS_KEY", "s3"),
        ("ATHENS_AZURE_ACCOUNT_KEY", "azureblob"),
        ("ATHENS_MINIO_SECRET_ACCESS_KEY", "minio"),
        ("ATHENS_STORAGE_GCP_JSON_KEY", "gcp"),
        ("ATHENS_GITHUB_TOKEN", "memory"),
        ("BASIC_AUTH_PASS", "memory"),
    ];
    for (variable, kind) in secrets {
        let output = of("", &[(variable, "hunter2"), ("ATHENS_STORAGE_TYPE", kind)]);
        let all = output.toml() + &output.notes.join("\n");
        assert!(!all.contains("hunter2"), "{variable}: {all}");
    }
    let url = [
        ("ATHENS_MONGO_STORAGE_URL", "mongodb://u:hunter2@db/x"),
        ("ATHENS_STORAGE_TYPE", "mongo"),
    ];
    let output = of("", &url);
    let all = output.toml() + &output.notes.join("\n");
    assert!(!all.contains("hunter2"), "{all}");
    assert!(all.contains("mongodb://db/athens"), "{all}");
}

#[test]
fn every_key_is_known_once_and_something_is_said_of_it() {
    let mut seen = BTreeSet::new();
    for key in KEYS {
        assert!(seen.insert(key.path), "{}", key.path);
        if key.variable.is_empty() {
            continue;
        }
        let output = of("", &[(key.variable, "1")]);
        let is_said = output.notes.iter().any(|note| {
            note.starts_with(&format!("{}: ", key.path)) || note.starts_with(&format!("{}: ", key.variable))
        });
        assert!(is_said, "{}: {:?}", key.path, output.notes);
    }
}
