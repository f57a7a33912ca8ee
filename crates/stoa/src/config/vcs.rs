//! `[vcs]`, `[[vcs.module]]`, `[[rewrite]]` and `[[credential]]`.

use std::{
    convert::Infallible,
    fmt, fs,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use stoa_fetch::discovery::{BadSetting, Govcs, Mapping, Mappings, Rewrite, Rewrites, VcsPolicy};
use stoa_module::PatternList;
use stoa_vcs::git::{Credential, Credentials};

use super::{
    file::{Place, Values, Written},
    resolve::Reader,
    values::{ByteSize, boolean},
};

/// A secret in a file is not longer.
const MAX_SECRET: u64 = 64 << 10;

/// How modules are fetched from their repositories.
#[derive(Clone, Debug)]
pub(crate) struct VcsConfig {
    /// GOVCS, GOPRIVATE and GOINSECURE.
    pub(crate) policy: VcsPolicy,
    /// Where repositories are kept.
    pub(crate) cache: Option<PathBuf>,
    /// How much they may take, in bytes.
    pub(crate) cache_size: u64,
    /// Whether discovery and redirects may reach loopback and private addresses.
    pub(crate) allow_private_addresses: bool,
    pub(crate) mappings: Mappings,
    pub(crate) rewrites: Rewrites,
    pub(crate) credentials: Vec<CredentialConfig>,
}

impl VcsConfig {
    /// The credentials, as git is given them.
    pub(crate) fn git_credentials(&self) -> Option<Arc<dyn Credentials>> {
        (!self.credentials.is_empty()).then(|| Arc::new(ByPrefix(self.credentials.clone())) as _)
    }
}

/// Credentials by the beginning of a URL; the longest that fits.
#[derive(Debug)]
struct ByPrefix(Vec<CredentialConfig>);

#[async_trait]
impl Credentials for ByPrefix {
    async fn for_url(&self, url: &str) -> Option<Credential> {
        let fits = self
            .0
            .iter()
            .filter(|credential| begins(url, &credential.matches));
        let best = fits.max_by_key(|credential| credential.matches.len())?;
        Some(match &best.kind {
            CredentialKind::Basic { username, password } => Credential::Basic {
                user: username.clone(),
                password: password.expose().to_owned(),
            },
            CredentialKind::Bearer(token) => Credential::Bearer {
                token: token.expose().to_owned(),
            },
            CredentialKind::Ssh { key, known_hosts } => Credential::SshKey {
                key: key.clone(),
                known_hosts: known_hosts.clone(),
            },
        })
    }
}

/// Whether `url` is at `prefix` or below it: a prefix ends where an element ends, so that `https://git.example` is no
/// beginning of `https://git.example.evil`.
fn begins(url: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    url.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// One `[[credential]]`, its secret read.
#[derive(Clone, Debug)]
pub(crate) struct CredentialConfig {
    /// A URL prefix.
    pub(crate) matches: String,
    pub(crate) kind: CredentialKind,
}

/// What is shown to a server.
#[derive(Clone, Debug)]
pub(crate) enum CredentialKind {
    /// A user name and a password.
    Basic { username: String, password: Secret },
    /// A token.
    Bearer(Secret),
    /// A private key, and the hosts that are known.
    Ssh { key: PathBuf, known_hosts: PathBuf },
}

/// A text that nothing prints.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// The text, for whoever sends it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Reads a file; space around the secret, such as a last line break, does not count.
    fn read(path: &Path) -> Result<Self, String> {
        let mut text = String::new();
        let read = fs::File::open(path).and_then(|file| file.take(MAX_SECRET + 1).read_to_string(&mut text));
        let read = read.map_err(|error| format!("{}: {error}", path.display()))?;
        let text = text.trim();
        if read as u64 > MAX_SECRET || text.is_empty() || text.chars().any(char::is_control) {
            return Err(format!(
                "{}: a secret is one line of text, not empty",
                path.display()
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// Reads everything. `None` only together with a fault.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<VcsConfig> {
    let list = |text: &str| Ok::<_, Infallible>(PatternList::parse(text));
    let allow = reader.value("vcs.allow", |text| match text {
        "" => Ok(Govcs::default()),
        text => text.parse(),
    });
    let (private, insecure) = (
        reader.value("vcs.private", list),
        reader.value("vcs.insecure", list),
    );
    let cache = cache(reader);
    let cache_size = reader.value("vcs.cache_size", str::parse::<ByteSize>);
    let allow_private_addresses = reader.value("vcs.allow_private_addresses", boolean);
    let modules = tables(reader, "vcs.module", module);
    let rewrites = tables(reader, "rewrite", rewrite);
    let credentials = tables(reader, "credential", credential);
    let mappings = whole(reader, "vcs.module", Mappings::new(modules?));
    let rewrites = whole(reader, "rewrite", Rewrites::new(rewrites?));
    Some(VcsConfig {
        policy: VcsPolicy::new(allow?, private?, insecure?),
        cache,
        cache_size: cache_size?.0,
        allow_private_addresses: allow_private_addresses?,
        mappings: mappings?,
        rewrites: rewrites?,
        credentials: credentials?,
    })
}

/// The directory of repositories; beside the modules' default one if none is named. Without a home there is none, which
/// matters only to who fetches from repositories.
fn cache(reader: &mut Reader<'_>) -> Option<PathBuf> {
    let home = reader.data_home();
    let cache = reader.value("vcs.cache", |text| {
        Ok::<_, Infallible>(match (text, home) {
            ("", home) => home.map(|home| home.join("stoa-vcs")),
            (text, _) => Some(PathBuf::from(text)),
        })
    });
    cache.flatten()
}

/// What only shows when all tables of a name are put together.
fn whole<T>(reader: &mut Reader<'_>, name: &str, value: Result<T, BadSetting>) -> Option<T> {
    value
        .map_err(|error| reader.fault(format!("{name}: {error}")))
        .ok()
}

/// The fields of one table, taken one by one; what is left is unknown.
struct Table {
    name: &'static str,
    place: Place,
    values: Values,
    faults: Vec<String>,
}

impl Table {
    fn optional(&mut self, field: &str) -> Option<Written> {
        self.values.remove(field)
    }

    fn text(&mut self, field: &str) -> String {
        self.optional(field)
            .map(|written| written.text)
            .unwrap_or_default()
    }

    /// The value, unless what makes it up is missing or makes no sense.
    fn checked<T>(&mut self, value: Result<T, BadSetting>) -> Option<T> {
        if !self.faults.is_empty() {
            return None;
        }
        value
            .map_err(|error| {
                self.faults
                    .push(format!("{}: {}: {error}", self.place, self.name));
            })
            .ok()
    }

    fn required(&mut self, field: &str) -> String {
        let text = self.text(field);
        if text.is_empty() {
            self.faults
                .push(format!("{}: {}: {field} is missing", self.place, self.name));
        }
        text
    }
}

fn tables<T>(
    reader: &mut Reader<'_>,
    name: &'static str,
    parse: fn(&mut Table) -> Option<T>,
) -> Option<Vec<T>> {
    let mut all = Vec::new();
    let mut whole = true;
    for (place, values) in reader.take_tables(name) {
        let mut table = Table {
            name,
            place,
            values,
            faults: Vec::new(),
        };
        let parsed = parse(&mut table);
        for (field, written) in &table.values {
            table
                .faults
                .push(format!("{}: {name}.{field}: unknown key", written.place));
        }
        whole &= table.faults.is_empty();
        table.faults.into_iter().for_each(|fault| reader.fault(fault));
        all.extend(parsed);
    }
    whole.then_some(all)
}

fn module(table: &mut Table) -> Option<Mapping> {
    let (prefix, vcs, repo) = (
        table.required("prefix"),
        table.required("vcs"),
        table.required("repo"),
    );
    let subdir = table.text("subdir");
    table.checked(Mapping::new(&prefix, &vcs, &repo, &subdir))
}

fn rewrite(table: &mut Table) -> Option<Rewrite> {
    let (from, to) = (table.required("from"), table.required("to"));
    table.checked(Rewrite::new(&from, &to))
}

fn credential(table: &mut Table) -> Option<CredentialConfig> {
    let (place, matches) = (table.place.clone(), table.required("match"));
    let username = table.text("username");
    let files = ["password_file", "token_file", "ssh_key"].map(|field| (field, table.optional(field)));
    let known_hosts = PathBuf::from(table.text("known_hosts"));
    let given: Vec<_> = files
        .into_iter()
        .filter_map(|(field, written)| Some((field, written?)))
        .collect();
    let [(field, written)] = &given[..] else {
        table.faults.push(format!(
            "{place}: credential: name one of password_file, token_file and ssh_key"
        ));
        return None;
    };
    let path = Path::new(&written.text);
    let secret = if *field == "ssh_key" {
        None
    } else {
        Some(Secret::read(path))
    };
    let kind = match (*field, secret) {
        (_, Some(Err(error))) => {
            table
                .faults
                .push(format!("{}: credential.{field}: {error}", written.place));
            return None;
        }
        ("password_file", Some(Ok(password))) => CredentialKind::Basic { username, password },
        ("token_file", Some(Ok(token))) => CredentialKind::Bearer(token),
        _ if path.is_absolute() && known_hosts.is_absolute() => CredentialKind::Ssh {
            key: path.to_owned(),
            known_hosts,
        },
        _ => {
            table.faults.push(format!(
                "{place}: credential: ssh_key and known_hosts must both be absolute paths of files"
            ));
            return None;
        }
    };
    Some(CredentialConfig { matches, kind })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::config::{Faults, Given, load};

    fn vcs(toml: &str) -> Result<VcsConfig, Faults> {
        let mut file = tempfile::NamedTempFile::new().expect("file");
        write!(file, "storage = \"memory:\"\n{toml}").expect("write");
        let given = Given {
            file: Some(file.path().to_owned()),
            data_home: Some("/d".into()),
            ..Given::default()
        };
        load(&given).map(|config| config.vcs)
    }

    fn secret(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("file");
        file.write_all(text.as_bytes()).expect("write");
        file
    }

    #[tokio::test]
    async fn the_longest_prefix_has_the_credential_and_nobody_else_gets_it() {
        let (password, token) = (secret("hunter2\n"), secret("t0ken"));
        let config = vcs(&format!(
            "[[credential]]\nmatch = \"https://git.example/\"\nusername = \"bot\"\npassword_file = {:?}\n\
             [[credential]]\nmatch = \"https://git.example/team\"\ntoken_file = {:?}\n",
            password.path(),
            token.path()
        ))
        .expect("config");
        assert!(!format!("{config:?}").contains("hunter2"));
        let credentials = config.git_credentials().expect("credentials");
        let basic = Credential::Basic {
            user: "bot".to_owned(),
            password: "hunter2".to_owned(),
        };
        let bearer = Credential::Bearer {
            token: "t0ken".to_owned(),
        };
        for (url, want) in [
            ("https://git.example/a/b", Some(&basic)),
            ("https://git.example", Some(&basic)),
            ("https://git.example/team/x", Some(&bearer)),
            ("https://git.example/teams/x", Some(&basic)),
            ("https://git.example.evil/a", None),
            ("http://git.example/a", None),
            ("https://other.example/https://git.example/", None),
        ] {
            assert_eq!(credentials.for_url(url).await.as_ref(), want, "{url}");
        }
    }

    #[test]
    fn faults_name_their_line_and_never_a_secret() {
        let empty = secret("\n");
        let faults = vcs(&format!(
            "[vcs]\nallow = \"public\"\n[[vcs.module]]\nprefix = \"corp.example/x\"\nvcs = \"git\"\n\
             [[rewrite]]\nfrom = \"https://a.example/\"\nto = \"nowhere\"\n\
             [[credential]]\nmatch = \"https://a.example/\"\npassword_file = {:?}\n\
             [[credential]]\nmatch = \"https://a.example/\"\n[[credential]]\nuser = \"x\"\nmatch = \"y\"\n\
             ssh_key = \"key\"\n",
            empty.path()
        ))
        .expect_err("faults")
        .to_string();
        for want in [
            "vcs.allow: ",
            ":4: vcs.module: repo is missing",
            ":7: rewrite: ",
            "credential.password_file: ",
            ": credential: name one of password_file, token_file and ssh_key",
            ": credential.user: unknown key",
            ": credential: ssh_key and known_hosts must both be absolute paths of files",
        ] {
            assert!(faults.contains(want), "{want}\n{faults}");
        }
    }
}
