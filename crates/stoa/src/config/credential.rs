//! `[[credential]]`.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use stoa_config::{
    HIDDEN, Key, Occurrence, Reader, Repeated, Table, Variables,
    values::{self, text},
};
use stoa_fetch::credentials::{CredentialRule, Provider, Secret, UrlPrefix};
use stoa_vcs::Credential;

use super::private_file::private_file;

const MATCH: Key = Key::required(
    "match",
    "URLs of this place, and below it; the longest match wins",
)
.secret()
.at_run_time();
const USERNAME: Key =
    Key::optional("username", "the user of a password, unless it stands in the URL").at_run_time();
const PROVIDER: Key = Key::optional(
    "provider",
    "github, gitlab or bitbucket: a token goes with the user name of this provider; without it, it is a bearer token",
)
.at_run_time();
const KNOWN_HOSTS: Key = Key::optional(
    "known_hosts",
    "absolute path of the file with the hosts that ssh may speak with",
)
.at_run_time();
const TOKEN_ENV: Key = Key::optional("token_env", "environment variable with a token")
    .variable()
    .at_run_time();

/// The ways to give a credential, of which a table has one.
const WAYS: &[Key] = &[
    Key::optional("password_file", "file with a password").at_run_time(),
    Key::optional("password_env", "environment variable with a password")
        .variable()
        .at_run_time(),
    Key::optional("token_file", "file with a token").at_run_time(),
    TOKEN_ENV,
    Key::optional("ssh_key", "absolute path of a private key without a passphrase").at_run_time(),
    Key::optional("ssh_agent", "true: the keys of the agent at SSH_AUTH_SOCK").at_run_time(),
];

pub(super) const CREDENTIAL: Table = Table::repeated(
    "credential",
    Repeated {
        noun: "a credential",
        help: "what is presented to pages, repositories and upstreams; the longest match wins",
        sample: &[
            (MATCH, "https://git.corp.example/"),
            (TOKEN_ENV, "GIT_TOKEN"),
            (PROVIDER, "gitlab"),
        ],
    },
    &[MATCH, USERNAME, PROVIDER, KNOWN_HOSTS],
)
.one_of(WAYS);

/// Reads all tables, of which no two may be for one place: only one would be used.
pub(super) fn read_all(reader: &mut Reader<'_>, variables: &Variables) -> Option<Vec<CredentialRule>> {
    let mut seen = Vec::new();
    reader.each(&CREDENTIAL, |table| {
        let rule = read(table, variables)?;
        if seen.contains(&rule.prefix) {
            table.fault("another [[credential]] is for the same place");
        }
        seen.push(rule.prefix.clone());
        Some(rule)
    })
}

/// Reads one table.
fn read(table: &mut Occurrence<'_, '_>, variables: &Variables) -> Option<CredentialRule> {
    let mut shown_match = String::new();
    let prefix = table.value_shown(&MATCH, str::parse::<UrlPrefix>, |prefix, text| {
        shown(prefix, text).clone_into(&mut shown_match);
        shown_match.clone()
    });
    let username = table.value(&USERNAME, text);
    let provider = table.value(&PROVIDER, text);
    let known_hosts = table.value(&KNOWN_HOSTS, values::path).flatten();
    let (key, written) = table.one_of()?;
    let given = Written {
        name: key.name,
        text: &written,
        username,
        provider,
        known_hosts,
    };
    let of_url = prefix
        .as_ref()
        .and_then(|prefix| prefix.user().map(str::to_owned));
    let credential = given.credential(variables, of_url);
    let credential = credential.map_err(|error| table.fault_at(key, &error)).ok();
    let (prefix, credential) = (prefix?, credential?);
    let for_ssh = matches!(
        credential,
        Credential::SshKey { .. } | Credential::SshAgent { .. }
    );
    if prefix.is_ssh() != for_ssh {
        table.fault(&format!("{} is of no use for {shown_match}", key.name));
        return None;
    }
    Some(CredentialRule { prefix, credential })
}

/// The URL as it was written. Over https a user may be a token, which is not shown.
fn shown(prefix: &UrlPrefix, text: &str) -> String {
    match (prefix.user(), text.split_once("://"), text.rsplit_once('@')) {
        (Some(_), Some((scheme, _)), Some((_, rest))) if !prefix.is_ssh() => {
            format!("{scheme}://{HIDDEN}@{rest}")
        }
        _ => text.to_owned(),
    }
}

/// What a table says about the credential.
struct Written<'a> {
    /// The key that holds it or leads to it.
    name: &'a str,
    text: &'a str,
    username: Option<String>,
    provider: Option<String>,
    known_hosts: Option<PathBuf>,
}

impl Written<'_> {
    /// The user of a password may stand in the URL, `of_url`, too.
    fn credential(self, variables: &Variables, of_url: Option<String>) -> Result<Credential, String> {
        let text = self.text;
        let secret = match self.name {
            "password_file" | "token_file" => Some(read_secret(text)?),
            "password_env" | "token_env" => Some(secret_of_variable(variables, text)?),
            _ => None,
        };
        if self.provider.is_some() && !self.name.starts_with("token") {
            return Err("provider goes with a token".to_owned());
        }
        match secret {
            Some(password) if self.name.starts_with("password") => {
                let user = self.username.filter(|user| !user.is_empty()).or(of_url);
                // git sends nothing of a password without one.
                let user =
                    user.ok_or("username is missing; where any will do, as with many tokens, write git")?;
                Ok(Credential::Basic {
                    user,
                    password: password.expose().to_owned(),
                })
            }
            Some(token) => self.token(&token),
            None => self.ssh(variables),
        }
    }

    fn token(&self, token: &Secret) -> Result<Credential, String> {
        if self.username.is_some() {
            return Err("username goes with a password; for a token name the provider".to_owned());
        }
        let token = token.expose().to_owned();
        let Some(provider) = &self.provider else {
            return Ok(Credential::Bearer { token });
        };
        let provider = provider.parse::<Provider>().map_err(|error| error.to_string())?;
        Ok(Credential::Basic {
            user: provider.user_of_tokens().to_owned(),
            password: token,
        })
    }

    fn ssh(self, variables: &Variables) -> Result<Credential, String> {
        if self.username.is_some() {
            return Err("the user of ssh is in the URL of the repository".to_owned());
        }
        let known_hosts = self.known_hosts.filter(|path| path.is_absolute());
        let known_hosts = known_hosts.ok_or("known_hosts must be the absolute path of a file")?;
        match (self.name, self.text) {
            ("ssh_agent", "true") => {
                let socket = variables.get("SSH_AUTH_SOCK").map(PathBuf::from);
                let socket = socket.filter(|socket| socket.is_absolute());
                let socket = socket.ok_or("there is no agent: SSH_AUTH_SOCK is not set")?;
                Ok(Credential::SshAgent { socket, known_hosts })
            }
            ("ssh_agent", _) => Err("write true, or leave it out".to_owned()),
            (_, key) if Path::new(key).is_absolute() => {
                private_file(Path::new(key))?;
                Ok(Credential::SshKey {
                    key: PathBuf::from(key),
                    known_hosts,
                })
            }
            _ => Err("it must be the absolute path of a file".to_owned()),
        }
    }
}

fn read_secret(path: &str) -> Result<Secret, String> {
    private_file(Path::new(path))?;
    Secret::read(Path::new(path)).map_err(|error| format!("{path}: {error}"))
}

fn secret_of_variable(variables: &Variables, name: &str) -> Result<Secret, String> {
    let text = variables.get(name);
    let text = text.ok_or_else(|| format!("the environment variable {name} is not set"))?;
    text.parse().map_err(|error| format!("{name}: {error}"))
}
