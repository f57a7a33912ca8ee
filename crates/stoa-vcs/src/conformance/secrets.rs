//! Passwords are in files that only the program reads, for as long as it runs.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use super::{Scenario, Workspace};
use crate::{Credential, Credentials, VcsError};

/// What configuration files could take for their own.
const PASSWORD: &str = "canary %(x)s $HOME #,;' =";

#[derive(Debug)]
struct Password;

#[async_trait]
impl Credentials for Password {
    async fn for_url(&self, _: &str) -> Option<Credential> {
        Some(Credential::Basic {
            user: "bot".to_owned(),
            password: PASSWORD.to_owned(),
        })
    }
}

pub(super) async fn run(scenario: &dyn Scenario) {
    let work = Workspace::new();
    let seen = work.path("seen").display().to_string();
    let script = format!(
        "printf '%s\\n' \"$@\" >>{seen}; env >>{seen}; if {}; then exit 0; fi; echo no >&2; exit 1",
        scenario.is_preparation()
    );
    let mut options = work.fake(scenario.vcs().as_str(), &script);
    options.credentials = Some(Arc::new(Password));
    let repository = scenario.open("https://127.0.0.1:1/r", work.cache(), options);
    let repository = repository.expect("an address");
    let error = repository.latest().await.expect_err("the program fails");
    let VcsError::Failed { said, .. } = &error else {
        panic!("{error:?}");
    };
    let seen = std::fs::read_to_string(seen).unwrap_or_default();
    if scenario.abilities().passwords.is_there() {
        assert_eq!(said, "no");
        assert!(seen.contains("PATH="), "the program was not run");
    } else {
        assert!(said.contains("cannot be given a password"), "{said}");
        assert_eq!(seen, "", "the program was run without its password");
    }
    let secrets = Password.for_url("").await.expect("a password").secrets();
    for secret in &secrets {
        assert!(!seen.contains(secret.as_str()), "{seen}");
        assert!(!error.to_string().contains(secret.as_str()), "{error}");
        for folder in ["home", "cache"] {
            assert_absent(&work.path(folder), secret.as_bytes());
        }
    }
}

/// No file below `folder` has the secret in it.
fn assert_absent(folder: &Path, secret: &[u8]) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            assert_absent(&path, secret);
        } else if let Ok(bytes) = std::fs::read(&path) {
            let holds = bytes.windows(secret.len()).any(|part| part == secret);
            assert!(!holds, "{} holds the password", path.display());
        }
    }
}
