//! `[[credential]]`, and the netrc file behind it.

use std::{
    fmt, fs,
    io::Read,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use stoa_vcs::{Credential, Credentials};
use url::Url;

use super::{file::Written, given::Variables, netrc::Netrc, table::Table};

/// A secret in a file is not longer.
const MAX_SECRET: u64 = 64 << 10;

/// The schemes that a `match` may have.
const SCHEMES: [&str; 7] = ["https", "http", "ssh", "git+ssh", "svn", "svn+ssh", "bzr+ssh"];

/// The ways to give what lets us in, of which a table has one.
const KINDS: [&str; 6] = [
    "password_file",
    "password_env",
    "token_file",
    "token_env",
    "ssh_key",
    "ssh_agent",
];

/// All that is known: what the longest `match` says, else what the netrc file says.
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
#[derive(Clone, Debug)]
pub(crate) struct CredentialConfig {
    pub(crate) prefix: UrlPrefix,
    pub(crate) kind: CredentialKind,
}

/// URLs of one scheme, host and port, at a path or below it.
///
/// It ends where an element ends: `https://git.example` is no beginning of `https://git.example.evil`. Without a user it
/// is for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UrlPrefix {
    scheme: String,
    user: String,
    host: String,
    port: Option<u16>,
    /// Without a slash at the end.
    path: String,
}

impl UrlPrefix {
    fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("{text:?} is no URL: {error}"))?;
        if !SCHEMES.contains(&url.scheme()) {
            return Err(format!(
                "scheme {:?} is none of {}",
                url.scheme(),
                SCHEMES.join(", ")
            ));
        }
        if url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err("a password, query or fragment does not belong into it".to_owned());
        }
        let prefix = Self::of(&url);
        if prefix.host.is_empty() {
            return Err(format!("{text:?} has no host"));
        }
        Ok(prefix)
    }

    fn of(url: &Url) -> Self {
        let known = || url.scheme().ends_with("ssh").then_some(22);
        Self {
            scheme: url.scheme().to_owned(),
            user: url.username().to_owned(),
            host: url.host_str().unwrap_or_default().to_ascii_lowercase(),
            port: url.port_or_known_default().or_else(known),
            path: url.path().trim_end_matches('/').to_owned(),
        }
    }

    fn fits(&self, url: &Url) -> bool {
        let other = Self::of(url);
        let below = other.path.strip_prefix(&self.path);
        self.scheme == other.scheme
            && self.host == other.host
            && self.port == other.port
            && (self.user.is_empty() || self.user == other.user)
            && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The longest path counts; of two that are alike the one with a user.
    fn weight(&self) -> (usize, usize) {
        (self.path.len(), self.user.len())
    }

    fn is_ssh(&self) -> bool {
        self.scheme.ends_with("ssh")
    }
}

/// What is shown to a server.
#[derive(Clone, Debug)]
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

/// A text that nothing prints.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for whoever sends it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Reads a file; space around the secret, such as a last line break, does not count.
    fn read(path: &Path) -> Result<Self, String> {
        let mut text = String::new();
        let read = fs::File::open(path).and_then(|file| file.take(MAX_SECRET + 1).read_to_string(&mut text));
        let read = read.map_err(|error| format!("{}: {error}", path.display()))?;
        if read as u64 > MAX_SECRET {
            return Err(format!(
                "{}: a secret is one line of text, not empty",
                path.display()
            ));
        }
        Self::checked(&text)
            .ok_or_else(|| format!("{}: a secret is one line of text, not empty", path.display()))
    }

    fn checked(text: &str) -> Option<Self> {
        let text = text.trim();
        let good = !text.is_empty() && !text.chars().any(char::is_control);
        good.then(|| Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// The user that goes with a token of a provider, over https.
fn user_of_tokens(provider: &str) -> Option<&'static str> {
    match provider {
        "github" => Some("x-access-token"),
        "gitlab" => Some("oauth2"),
        "bitbucket" => Some("x-token-auth"),
        _ => None,
    }
}

/// Reads one table.
pub(super) fn credential(table: &mut Table, variables: &Variables) -> Option<CredentialConfig> {
    let matches = table.required("match");
    let prefix = UrlPrefix::parse(&matches);
    let (username, provider) = (table.optional("username"), table.optional("provider"));
    let known_hosts = PathBuf::from(table.text("known_hosts"));
    let given = KINDS.map(|field| (field, table.optional(field)));
    let given: Vec<_> = given
        .into_iter()
        .filter_map(|(field, written)| Some((field, written?)))
        .collect();
    let prefix = match prefix {
        Ok(prefix) => Some(prefix),
        Err(_) if matches.is_empty() => None,
        Err(error) => {
            table.fault(&format!("match: {error}"));
            None
        }
    };
    let [(field, written)] = &given[..] else {
        table.fault(&format!("name one of {}", KINDS.join(", ")));
        return None;
    };
    let field_of_table = Field {
        name: field,
        written,
        username: username.map(|written| written.text),
        provider: provider.map(|written| written.text),
        known_hosts,
    };
    let kind = field_of_table.kind(variables);
    let kind = kind
        .map_err(|error| table.fault_at(&written.place, field, &error))
        .ok();
    let (prefix, kind) = (prefix?, kind?);
    let for_ssh = matches!(
        kind,
        CredentialKind::SshKey { .. } | CredentialKind::SshAgent { .. }
    );
    if prefix.is_ssh() != for_ssh {
        table.fault(&format!("{field} is of no use for {matches}"));
        return None;
    }
    Some(CredentialConfig { prefix, kind })
}

/// What a table has to let us in.
struct Field<'a> {
    name: &'a str,
    written: &'a Written,
    username: Option<String>,
    provider: Option<String>,
    known_hosts: PathBuf,
}

impl Field<'_> {
    fn kind(self, variables: &Variables) -> Result<CredentialKind, String> {
        let text = &self.written.text;
        let secret = match self.name {
            "password_file" | "token_file" => Some(Secret::read(Path::new(text))?),
            "password_env" | "token_env" => Some(variable(variables, text)?),
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
        let text = &self.written.text;
        if self.username.is_some() {
            return Err("the user of ssh is in the URL of the repository".to_owned());
        }
        let known_hosts = self.known_hosts;
        if !known_hosts.is_absolute() {
            return Err("known_hosts must be the absolute path of a file".to_owned());
        }
        match (self.name, text.as_str()) {
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

fn variable(variables: &Variables, name: &str) -> Result<Secret, String> {
    let text = variables
        .get(name)
        .ok_or_else(|| format!("the environment variable {name} is not set"))?;
    Secret::checked(text).ok_or_else(|| format!("{name}: a secret is one line of text, not empty"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::config::{Config, Faults, Given, load};

    const VARIABLES: [(&str, &str); 4] = [
        ("STOA_TOKEN", " t0ken\n"),
        ("EMPTY", ""),
        ("SSH_AUTH_SOCK", "/run/agent"),
        ("NETRC", "/nowhere/netrc"),
    ];

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("file");
        file.write_all(text.as_bytes()).expect("write");
        file
    }

    fn config(toml: &str) -> Result<Config, Faults> {
        let file = file(&format!("storage = \"memory:\"\n{toml}"));
        let variables = VARIABLES.map(|(name, value)| (name.to_owned(), value.to_owned()));
        load(&Given {
            file: Some(file.path().to_owned()),
            data_home: Some("/d".into()),
            environment: [("STOA_TOKEN".to_owned(), "t0ken".to_owned())].into(),
            variables: Variables(variables.into()),
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
    async fn the_longest_prefix_has_the_credential_and_nobody_else_gets_it() {
        let (password, netrc) = (
            file("hunter2\n"),
            file("machine git.example login n password n1\nmachine other.example login n password n2\n"),
        );
        let config = config(&format!(
            "[[credential]]\nmatch = \"https://git.example/\"\nusername = \"bot\"\npassword_file = {:?}\n\
             [[credential]]\nmatch = \"https://Git.example:443/team\"\ntoken_env = \"STOA_TOKEN\"\n\
             [[credential]]\nmatch = \"https://git.example/hub/\"\ntoken_env = \"STOA_TOKEN\"\nprovider = \"github\"\n\
             [[credential]]\nmatch = \"ssh://git.example\"\nssh_key = \"/k\"\nknown_hosts = \"/h\"\n\
             [[credential]]\nmatch = \"ssh://bot@git.example\"\nssh_agent = true\nknown_hosts = \"/h\"\n\
             [[credential]]\nmatch = \"http://plain.example:8080\"\npassword_env = \"STOA_TOKEN\"\n\
             [vcs]\nnetrc = {:?}\n",
            password.path(),
            netrc.path()
        ))
        .expect("config");
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
        let printed = format!("{config:?}");
        assert!(!printed.contains("hunter2") && !printed.contains("t0ken") && !printed.contains("n1"));
        for (url, want) in [
            ("https://git.example/a/b", "bot hunter2"),
            ("https://git.example", "bot hunter2"),
            ("https://GIT.example/x?go-get=1", "bot hunter2"),
            ("https://git.example/team/x", "bearer t0ken"),
            ("https://git.example/hub/x", "x-access-token t0ken"),
            ("https://git.example/teams/x", "bot hunter2"),
            ("https://git.example/team/../x", "bot hunter2"),
            ("https://git.example.evil/a", "nothing"),
            ("https://git.example@evil.example/a", "nothing"),
            ("https://git.example:8443/a", "nothing"),
            ("http://git.example/a", "nothing"),
            ("https://evil.example/https://git.example/", "nothing"),
            ("https://other.example/a", "n n2"),
            ("http://other.example/a", "nothing"),
            ("ssh://git@git.example/x", "/k /h"),
            ("ssh://git.example:22/x", "/k /h"),
            ("ssh://bot@git.example/x", "agent /run/agent"),
            ("ssh://git.example:2222/x", "nothing"),
            ("git+ssh://git.example/x", "nothing"),
            ("http://plain.example:8080/x", " t0ken"),
            ("http://plain.example/x", "nothing"),
        ] {
            assert_eq!(presented(&config, url).await, want, "{url}");
        }
    }

    #[test]
    fn faults_name_their_line_and_never_a_secret() {
        let empty = file("\n");
        let table = |fields: &str| format!("[[credential]]\n{fields}\n");
        let secret = "password_env = \"STOA_TOKEN\"";
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
            ": credential: match: \"y\" is no URL",
            ": credential.user: unknown key",
            ": credential.ssh_key: it must be the absolute path of a file",
            ": credential.ssh_agent: known_hosts must be the absolute path of a file",
            ": credential: password_env is of no use for ssh://a.example",
            ": credential.password_env: the environment variable NOBODY is not set",
            ": credential.password_env: EMPTY: a secret is one line of text, not empty",
            ": credential.token_env: provider \"gitea\" is none of github, gitlab, bitbucket",
            ": credential.token_env: username goes with a password; for a token name the provider",
            ": credential: match: a password, query or fragment does not belong into it",
        ] {
            assert!(faults.contains(want), "{want}\n{faults}");
        }
        assert!(!faults.contains("t0ken") && !faults.contains("p4ss"), "{faults}");
    }
}
