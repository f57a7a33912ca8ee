//! `[[credential]]`, and the netrc file behind it.

#[cfg(test)]
mod tests;
mod url_prefix;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use stoa_vcs::{Credential, Credentials};
use url::Url;

use url_prefix::UrlPrefix;

use super::{
    given::Variables,
    key::Key,
    netrc::Netrc,
    reader::Occurrence,
    secret::Secret,
    table::{Repeated, Table},
    values::{self, text},
};

const MATCH: Key = Key::required(
    "match",
    "URLs of this place, and below it; the longest match wins",
)
.at_run_time();
const USERNAME: Key = Key::optional("username", "the user of a password").at_run_time();
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

/// The credential of a URL: that of the longest `match`, else that of the netrc file.
#[derive(Clone, Debug, Default)]
pub(crate) struct CredentialsConfig {
    pub(crate) by_prefix: Vec<CredentialConfig>,
    pub(crate) netrc: Netrc,
}

#[async_trait]
impl Credentials for CredentialsConfig {
    async fn for_url(&self, url: &str) -> Option<Credential> {
        let url = Url::parse(url).ok()?;
        let fits = self
            .by_prefix
            .iter()
            .filter(|credential| credential.prefix.fits(&url));
        if let Some(best) = fits.max_by_key(|credential| credential.prefix.weight()) {
            return Some(best.kind.credential());
        }
        let (user, password) = self.netrc.find(&url)?;
        Some(Credential::Basic {
            user: user.to_owned(),
            password: password.expose().to_owned(),
        })
    }
}

/// One `[[credential]]`, its secret read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CredentialConfig {
    pub(crate) prefix: UrlPrefix,
    pub(crate) kind: CredentialKind,
}

/// What is sent to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CredentialKind {
    /// A user name and a password.
    Basic { username: String, password: Secret },
    /// A token.
    Bearer(Secret),
    /// A private key, and the hosts that are known.
    SshKey { key: PathBuf, known_hosts: PathBuf },
    /// The keys of an agent, and the hosts that are known.
    SshAgent { socket: PathBuf, known_hosts: PathBuf },
}

impl CredentialKind {
    fn credential(&self) -> Credential {
        match self {
            Self::Basic { username, password } => Credential::Basic {
                user: username.clone(),
                password: password.expose().to_owned(),
            },
            Self::Bearer(token) => Credential::Bearer {
                token: token.expose().to_owned(),
            },
            Self::SshKey { key, known_hosts } => Credential::SshKey {
                key: key.clone(),
                known_hosts: known_hosts.clone(),
            },
            Self::SshAgent { socket, known_hosts } => Credential::SshAgent {
                socket: socket.clone(),
                known_hosts: known_hosts.clone(),
            },
        }
    }
}

/// The user name that goes with a token of a provider, over https.
fn user_of_tokens(provider: &str) -> Option<&'static str> {
    match provider {
        "github" => Some("x-access-token"),
        "gitlab" => Some("oauth2"),
        "bitbucket" => Some("x-token-auth"),
        _ => None,
    }
}

/// Reads one table.
pub(super) fn read(table: &mut Occurrence<'_, '_>, variables: &Variables) -> Option<CredentialConfig> {
    let matches = table.value(&MATCH, text);
    let prefix = matches.as_deref().map(UrlPrefix::parse);
    let prefix = prefix.and_then(|prefix| table.check(prefix.map_err(|error| format!("match: {error}"))));
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
    let kind = given.kind(variables);
    let kind = kind.map_err(|error| table.fault_at(key, &error)).ok();
    let (prefix, kind) = (prefix?, kind?);
    let for_ssh = matches!(
        kind,
        CredentialKind::SshKey { .. } | CredentialKind::SshAgent { .. }
    );
    if prefix.is_ssh() != for_ssh {
        table.fault(&format!("{} is of no use for {}", key.name, matches?));
        return None;
    }
    Some(CredentialConfig { prefix, kind })
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
    fn kind(self, variables: &Variables) -> Result<CredentialKind, String> {
        let text = self.text;
        let secret = match self.name {
            "password_file" | "token_file" => Some(Secret::read(Path::new(text))?),
            "password_env" | "token_env" => Some(Secret::of_variable(variables, text)?),
            _ => None,
        };
        if self.provider.is_some() && !self.name.starts_with("token") {
            return Err("provider goes with a token".to_owned());
        }
        match secret {
            Some(password) if self.name.starts_with("password") => Ok(CredentialKind::Basic {
                username: self.username.unwrap_or_default(),
                password,
            }),
            Some(token) => self.token(token),
            None => self.ssh(variables),
        }
    }

    fn token(&self, token: Secret) -> Result<CredentialKind, String> {
        if self.username.is_some() {
            return Err("username goes with a password; for a token name the provider".to_owned());
        }
        let Some(provider) = &self.provider else {
            return Ok(CredentialKind::Bearer(token));
        };
        let user = user_of_tokens(provider);
        let user =
            user.ok_or_else(|| format!("provider {provider:?} is none of github, gitlab, bitbucket"))?;
        Ok(CredentialKind::Basic {
            username: user.to_owned(),
            password: token,
        })
    }

    fn ssh(self, variables: &Variables) -> Result<CredentialKind, String> {
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
                Ok(CredentialKind::SshAgent { socket, known_hosts })
            }
            ("ssh_agent", _) => Err("write true, or leave it out".to_owned()),
            (_, key) if Path::new(key).is_absolute() => Ok(CredentialKind::SshKey {
                key: PathBuf::from(key),
                known_hosts,
            }),
            _ => Err("it must be the absolute path of a file".to_owned()),
        }
    }
}
