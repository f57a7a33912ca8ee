//! What is presented where.

use stoa_vcs::{Credential, Credentials as _};

use crate::config::{Config, ConfigError, Given, lab::file, load};

const VARIABLES: [(&str, &str); 4] = [
    ("STOA_TOKEN", " t0ken\n"),
    ("EMPTY", ""),
    ("SSH_AUTH_SOCK", "/run/agent"),
    ("NETRC", "/nowhere/netrc"),
];

fn config(toml: &str) -> Result<Config, ConfigError> {
    let file = file(&format!("storage = \"memory:\"\n{toml}"));
    load(&Given {
        file: Some(file.path().to_owned()),
        data_home: Some("/d".into()),
        environment: [("STOA_TOKEN".to_owned(), "t0ken".to_owned())].into(),
        variables: VARIABLES.into(),
        ..Given::default()
    })
}

/// What is presented at a URL, in one word or two.
async fn presented(config: &Config, url: &str) -> String {
    match config.vcs.credentials.for_url(url).await {
        None => "nothing".to_owned(),
        Some(Credential::Basic { user, password }) => format!("{user} {password}"),
        Some(Credential::Bearer { token }) => format!("bearer {token}"),
        Some(Credential::SshKey { key, known_hosts }) => {
            format!("{} {}", key.display(), known_hosts.display())
        }
        Some(Credential::SshAgent { socket, .. }) => format!("agent {}", socket.display()),
    }
}

#[tokio::test]
async fn each_table_and_the_netrc_file_have_their_credential_and_no_other_place_gets_it() {
    let (password, netrc) = (
        file("hunter2\n"),
        file(
            "machine git.example login n password first-of-netrc\nmachine other.example login n password n2\n",
        ),
    );
    let config = config(&format!(
        "[[credential]]\nmatch = \"https://git.example/\"\nusername = \"bot\"\npassword_file = {:?}\n\
         [[credential]]\nmatch = \"https://Git.example:443/team\"\ntoken_env = \"STOA_TOKEN\"\n\
         [[credential]]\nmatch = \"https://git.example/hub/\"\ntoken_env = \"STOA_TOKEN\"\nprovider = \"github\"\n\
         [[credential]]\nmatch = \"ssh://git.example\"\nssh_key = \"/k\"\nknown_hosts = \"/h\"\n\
         [[credential]]\nmatch = \"ssh://bot@git.example\"\nssh_agent = true\nknown_hosts = \"/h\"\n\
         [[credential]]\nmatch = \"http://plain.example:8080\"\nusername = \"git\"\npassword_env = \"STOA_TOKEN\"\n\
         [vcs]\nprivate = \"git.example\"\nnetrc = {:?}\n",
        password.path(),
        netrc.path()
    ))
    .expect("config");
    assert!(config.record.warnings.is_empty(), "{:?}", config.record.warnings);
    let printed = format!("{config:?}");
    assert!(
        !printed.contains("hunter2") && !printed.contains("t0ken") && !printed.contains("first-of-netrc")
    );
    for (url, want) in [
        ("https://git.example/a/b", "bot hunter2"),
        ("https://git.example/team/x", "bearer t0ken"),
        ("https://git.example/hub/x", "x-access-token t0ken"),
        ("https://git.example.evil/a", "nothing"),
        ("http://git.example/a", "nothing"),
        ("https://other.example/a", "n n2"),
        ("ssh://git@git.example/x", "/k /h"),
        ("ssh://bot@git.example/x", "agent /run/agent"),
        ("http://plain.example:8080/x", "git t0ken"),
        ("http://plain.example/x", "nothing"),
    ] {
        assert_eq!(presented(&config, url).await, want, "{url}");
    }
}

#[test]
fn faults_name_their_line_and_never_a_secret() {
    let empty = file("\n");
    let table = |fields: &str| format!("[[credential]]\n{fields}\n");
    let secret = "username = \"git\"\npassword_env = \"STOA_TOKEN\"";
    let tables = [
        &format!(
            "match = \"https://a.example/\"\npassword_file = {:?}",
            empty.path()
        ),
        "match = \"https://a.example/\"",
        &format!("match = \"https://a.example/\"\ntoken_env = \"STOA_TOKEN\"\n{secret}"),
        &format!("user = \"x\"\nmatch = \"y\"\n{secret}"),
        "match = \"ssh://a.example\"\nssh_key = \"key\"\nknown_hosts = \"/h\"",
        "match = \"ssh://a.example\"\nssh_agent = true",
        &format!("match = \"ssh://a.example\"\n{secret}"),
        "match = \"https://a.example\"\npassword_env = \"NOBODY\"",
        "match = \"https://a.example\"\npassword_env = \"EMPTY\"",
        "match = \"https://a.example\"\ntoken_env = \"STOA_TOKEN\"\nprovider = \"gitea\"",
        "match = \"https://a.example\"\ntoken_env = \"STOA_TOKEN\"\nusername = \"me\"",
        &format!("match = \"https://u:p4ss@a.example\"\n{secret}"),
    ];
    let faults = config(&tables.map(table).concat())
        .expect_err("faults")
        .to_string();
    for want in [
        ":4: credential.password_file: ",
        ":5: credential: name one of password_file, password_env, token_file, token_env, ssh_key, ssh_agent",
        ":7: credential: name one of",
        ": credential.match: \"y\" is no URL",
        ": credential.user: unknown key",
        ": credential.ssh_key: it must be the absolute path of a file",
        ": credential.ssh_agent: known_hosts must be the absolute path of a file",
        ": credential: password_env is of no use for ssh://a.example",
        ": credential.password_env: the environment variable NOBODY is not set",
        ": credential.password_env: EMPTY: a secret is one line of text, not empty",
        ": credential.token_env: provider \"gitea\" is none of github, gitlab, bitbucket",
        ": credential.token_env: username goes with a password; for a token name the provider",
        ": credential.match: a password, query or fragment does not belong into it",
    ] {
        assert!(faults.contains(want), "{want}\n{faults}");
    }
    assert!(!faults.contains("t0ken") && !faults.contains("p4ss"), "{faults}");
}

#[test]
fn two_credentials_for_one_place_are_a_fault_with_its_line() {
    let one = |url: &str| format!("[[credential]]\nmatch = \"{url}\"\ntoken_env = \"STOA_TOKEN\"\n");
    let both = one("https://a.example") + &one("https://b.example/x/") + &one("https://a.example/");
    let faults = config(&both).expect_err("a fault").to_string();
    assert!(
        faults.contains(":8: credential: another [[credential]] is for the same place"),
        "{faults}"
    );
}
