//! `[registry]`.

use std::{path::PathBuf, time::Duration};

use stoa_config::{
    HIDDEN, Key, Occurrence, Reader, Section, Table,
    values::{duration, path},
};
use stoa_registry::ServiceName;
use url::Url;

use super::{
    private_file::private_file,
    registry_node::{FixedNode, http_url},
};

const BACKEND: Key = Key::new(
    "backend",
    "none",
    "what knows the nodes of the cluster: none (a node by itself), static, file, etcd, redis or dns",
);
const ENDPOINTS: Key = Key::new(
    "endpoints",
    "",
    "where the registry is: http://HOST:2379,... of etcd; redis://HOST:6379/0; HOST:PORT of dns, whose addresses are nodes",
);
const NODES: Key = Key::new(
    "nodes",
    "",
    "of static: the nodes, as ID=http://HOST:PORT, comma-separated",
);
const FILE: Key = Key::new(
    "file",
    "",
    "of file: a TOML file with the nodes, which is read again when it changes",
);
const SERVICE: Key = Key::new(
    "service",
    "stoa",
    "the name under which the nodes of this cluster announce themselves",
);
const PREFIX: Key = Key::new(
    "prefix",
    "/stoa/registry/",
    "what the names of the keys in etcd or Redis begin with",
);
const TTL: Key = Key::new(
    "ttl",
    "15s",
    "a node that is not heard of for so long is gone; it is heard of three times as often",
);
const USERNAME: Key = Key::new("username", "", "the user of etcd, if it wants one");
const PASSWORD_FILE: Key = Key::new("password_file", "", "file with the password of etcd or Redis");
const TIMEOUT: Key = Key::new("timeout", "5s", "how long one answer of the registry may take");
const SNAPSHOT: Key = Key::new(
    "snapshot",
    "",
    "directory in which the nodes are remembered, so that a node can start while the registry is away; default: in the storage, if that is a directory",
);
const INITIAL_WAIT: Key = Key::new(
    "initial_wait",
    "2s",
    "how long a node that starts waits for the registry before it goes on without",
);

const REGISTRY: Table = Table::once(
    "registry",
    &[
        BACKEND,
        ENDPOINTS,
        NODES,
        FILE,
        SERVICE,
        PREFIX,
        TTL,
        USERNAME,
        PASSWORD_FILE,
        TIMEOUT,
        SNAPSHOT,
        INITIAL_WAIT,
    ],
);

/// What knows the nodes of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RegistryBackend {
    /// Nothing: there is no cluster.
    None,
    /// The configuration.
    Static(Vec<FixedNode>),
    /// A file.
    File(PathBuf),
    /// etcd, at these URLs.
    Etcd(Vec<Url>),
    /// Redis, at an address which may hold a password.
    Redis(String),
    /// The addresses of a host name, and the port of the nodes.
    Dns {
        /// The name.
        host: String,
        /// The port.
        port: u16,
    },
}

/// Who knows the nodes of the cluster, and how it is asked.
#[derive(Clone, Debug)]
pub(crate) struct RegistryConfig {
    pub(crate) backend: RegistryBackend,
    pub(crate) service: ServiceName,
    pub(crate) prefix: String,
    pub(crate) ttl: Duration,
    pub(crate) username: Option<String>,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) timeout: Duration,
    pub(crate) snapshot: Option<PathBuf>,
    pub(crate) initial_wait: Duration,
}

impl RegistryConfig {
    /// Whether there is a cluster.
    pub(crate) fn is_on(&self) -> bool {
        self.backend != RegistryBackend::None
    }
}

impl Section for RegistryConfig {
    const TABLES: &'static [Table] = &[REGISTRY];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut table = reader.once(&REGISTRY);
        let backend = backend(&mut table);
        let service = table.value(&SERVICE, |text| {
            text.parse::<ServiceName>().map_err(|error| error.to_string())
        });
        let prefix = table.value(&PREFIX, |text| {
            if text.is_empty() || text.contains(['{', '}']) || text.chars().any(char::is_whitespace) {
                return Err(format!(
                    "{text:?} is no prefix of keys: write something like /stoa/registry/"
                ));
            }
            Ok(text.to_owned())
        });
        let ttl = table.value(&TTL, |text| match duration(text)? {
            ttl if ttl < Duration::from_secs(2) => {
                Err("a node needs some time to be heard of: write 2s or more".to_owned())
            }
            ttl => Ok(ttl),
        });
        let username = table.value(&USERNAME, |text| {
            Ok::<_, String>((!text.is_empty()).then(|| text.to_owned()))
        });
        let password_file = table.value(&PASSWORD_FILE, |text| {
            let file = path(text).map_err(|error| error.to_string())?;
            file.as_deref().map_or(Ok(()), private_file)?;
            Ok::<_, String>(file)
        });
        let timeout = table.value(&TIMEOUT, positive);
        let snapshot = table.value(&SNAPSHOT, path);
        let initial_wait = table.value(&INITIAL_WAIT, duration);
        Some(Self {
            backend: backend?,
            service: service?,
            prefix: prefix?,
            ttl: ttl?,
            username: username?,
            password_file: password_file?,
            timeout: timeout?,
            snapshot: snapshot?,
            initial_wait: initial_wait?,
        })
    }
}

fn positive(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("it needs some time".to_owned()),
        time => Ok(time),
    }
}

/// The backend, and what it needs.
fn backend(table: &mut Occurrence<'_, '_>) -> Option<RegistryBackend> {
    let word = table.value(&BACKEND, |text| match text {
        "none" | "static" | "file" | "etcd" | "redis" | "dns" => Ok(text.to_owned()),
        _ => Err(format!(
            "bad backend {text:?}: write none, static, file, etcd, redis or dns"
        )),
    });
    let word = word?;
    let endpoints = table.value_shown(&ENDPOINTS, |text| endpoints(&word, text), |_, text| shown(text));
    let nodes = table.value(&NODES, |text| match FixedNode::list(text)? {
        nodes if nodes.is_empty() && word == "static" => {
            Err("backend = \"static\" needs the nodes: write ID=http://HOST:PORT, comma-separated".to_owned())
        }
        nodes if !nodes.is_empty() && word != "static" => Err(format!(
            "backend = {word:?} has no list of nodes: write backend = \"static\", or take it out"
        )),
        nodes => Ok(nodes),
    });
    let file = table.value(&FILE, |text| {
        match path(text).map_err(|error| error.to_string())? {
            None if word == "file" => Err("backend = \"file\" needs a file".to_owned()),
            Some(_) if word != "file" => Err(format!(
                "backend = {word:?} has no file of nodes: write backend = \"file\", or take it out"
            )),
            file => Ok(file),
        }
    });
    let (endpoints, nodes, file) = (endpoints?, nodes?, file?);
    match word.as_str() {
        "static" => Some(RegistryBackend::Static(nodes)),
        "file" => file.map(RegistryBackend::File),
        "none" => Some(RegistryBackend::None),
        _ => endpoints,
    }
}

/// The endpoints of a backend that has some.
fn endpoints(word: &str, text: &str) -> Result<Option<RegistryBackend>, String> {
    let all: Vec<_> = text
        .split(',')
        .map(str::trim)
        .filter(|one| !one.is_empty())
        .collect();
    match (word, all.as_slice()) {
        ("etcd", []) => Err("backend = \"etcd\" needs endpoints: write http://HOST:2379".to_owned()),
        ("etcd", all) => {
            let urls: Result<Vec<_>, _> = all.iter().map(|one| http_url(one)).collect();
            urls.map(|urls| Some(RegistryBackend::Etcd(urls)))
        }
        ("redis", [address]) if address.starts_with("redis") => {
            Ok(Some(RegistryBackend::Redis((*address).to_owned())))
        }
        // It is not repeated, for it may hold a password.
        ("redis", _) => Err("backend = \"redis\" needs one endpoint: write redis://HOST:6379/0".to_owned()),
        ("dns", [place]) => {
            let (host, port) = place.rsplit_once(':').ok_or_else(|| no_place(place))?;
            let port = port.parse().map_err(|_no_port| no_place(place))?;
            if host.is_empty() || host.contains('/') {
                return Err(no_place(place));
            }
            let host = host.to_owned();
            Ok(Some(RegistryBackend::Dns { host, port }))
        }
        ("dns", _) => Err("backend = \"dns\" needs one endpoint: write HOST:PORT".to_owned()),
        (_, []) => Ok(None),
        (word, _) => Err(format!(
            "backend = {word:?} has no endpoints: write backend = \"etcd\", \"redis\" or \"dns\", or take them out"
        )),
    }
}

fn no_place(text: &str) -> String {
    format!("{text:?} is no HOST:PORT")
}

/// An address without what may be a password.
fn shown(text: &str) -> String {
    let hide = |one: &str| match (one.split_once("://"), one.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://{HIDDEN}@{place}"),
        _ => one.to_owned(),
    };
    text.split(',').map(hide).collect::<Vec<_>>().join(",")
}
