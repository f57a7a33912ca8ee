//! `[sumdb]`.

use stoa_config::{Key, Reader, Section, Table, values::boolean};
use stoa_fetch::{BaseUrl, Entry, ListError, UpstreamList};
use stoa_proxy::Unavailable;
use stoa_sumdb::VerifierKey;

use super::values::hide;

const DATABASES: Key = Key::new(
    "databases",
    "sum.golang.org",
    "checksum databases that are passed on; the first one verifies what is stored; empty for none",
)
.list()
.secret();
const VERIFY: Key = Key::new(
    "verify",
    "true",
    "whether .mod and .zip of public modules are verified before they are stored",
);
const UNAVAILABLE: Key = Key::new(
    "unavailable",
    "refuse",
    "what cannot be verified because the database does not answer: refuse, or allow",
);

const SUMDB: Table = Table::once("sumdb", &[DATABASES, VERIFY, UNAVAILABLE]);

/// The public database, whose key the go command knows too (`cmd/go/internal/modfetch/key.go`).
const PUBLIC: &str = "sum.golang.org";
const PUBLIC_KEY: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
/// The same database at another URL, where the first one cannot be reached.
const PUBLIC_CHINA: &str = "sum.golang.google.cn";

/// Checksum databases, and what they are used for.
#[derive(Clone, Debug)]
pub(crate) struct SumdbConfig {
    /// Passed on to clients; the first one is asked before anything is stored.
    pub(crate) databases: Vec<DatabaseConfig>,
    /// Whether it is.
    pub(crate) verify: bool,
    /// What becomes of what cannot be verified.
    pub(crate) unavailable: Unavailable,
}

/// Where a checksum database is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseServer {
    /// At a URL.
    Url(BaseUrl),
    /// At the servers that the registry has under this name.
    Registered(String),
}

/// One checksum database.
#[derive(Clone, Debug)]
pub(crate) struct DatabaseConfig {
    /// Its name and key.
    pub(crate) key: VerifierKey,
    /// Its server, or a mirror of it.
    pub(crate) server: DatabaseServer,
    /// As it was written, a secret hidden.
    shown: String,
}

impl Section for SumdbConfig {
    const TABLES: &'static [Table] = &[SUMDB];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut sumdb = reader.once(&SUMDB);
        let databases = sumdb.value_shown(&DATABASES, databases, |databases, _| {
            let shown: Vec<_> = databases.iter().map(|database| database.shown.as_str()).collect();
            shown.join(",")
        });
        let verify = sumdb.value(&VERIFY, boolean);
        let unavailable = sumdb.value(&UNAVAILABLE, unavailable);
        Some(Self {
            databases: databases?,
            verify: verify?,
            unavailable: unavailable?,
        })
    }
}

fn unavailable(text: &str) -> Result<Unavailable, String> {
    match text {
        "refuse" => Ok(Unavailable::Refuse),
        "allow" => Ok(Unavailable::Allow),
        _ => Err(format!("bad policy {text:?}: write refuse or allow")),
    }
}

/// A comma-separated list; nothing in it switches all of it off.
fn databases(text: &str) -> Result<Vec<DatabaseConfig>, String> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let databases = entries.map(database).collect::<Result<Vec<_>, _>>()?;
    for (i, database) in databases.iter().enumerate() {
        let name = database.key.name();
        if databases[..i].iter().any(|earlier| earlier.key.name() == name) {
            return Err(format!("{name} is named twice"));
        }
    }
    Ok(databases)
}

/// One entry as GOSUMDB has it: a name that is known or a key, then a URL if it is not the name's own.
fn database(entry: &str) -> Result<DatabaseConfig, String> {
    let mut words = entry.split_whitespace();
    let (name, url) = (words.next().unwrap_or_default(), words.next());
    if words.next().is_some() {
        return Err(format!(
            "bad entry {name:?}: write NAME or NAME+HASH+KEY, and a URL if it has another"
        ));
    }
    let (key, own_url) = match name {
        PUBLIC => (PUBLIC_KEY, format!("https://{PUBLIC}")),
        PUBLIC_CHINA => (PUBLIC_KEY, format!("https://{PUBLIC_CHINA}")),
        key => match key.split_once('+') {
            Some((name, _)) => (key, format!("https://{name}")),
            None => {
                return Err(format!(
                    "the key of {name:?} is not known: write {name}+HASH+KEY, as for GOSUMDB"
                ));
            }
        },
    };
    let key = key
        .parse::<VerifierKey>()
        .map_err(|error| format!("bad key {name:?}: {error}"))?;
    // The name makes part of paths, of the server's and of the storage's.
    let is_path = |name: &str| name.split('/').all(|element| !matches!(element, "" | "." | ".."));
    if !is_path(key.name().as_str()) {
        return Err(format!(
            "bad name {name:?}: its elements must not be empty, . or .."
        ));
    }
    let server = server(url.unwrap_or(&own_url)).map_err(|error| format!("{}: {error}", key.name()))?;
    let shown = match (url, &server) {
        (Some(_), DatabaseServer::Url(base)) if base.has_credentials() => format!("{name} {}", hide(base)),
        (Some(url), _) => format!("{name} {url}"),
        (None, _) => name.to_owned(),
    };
    Ok(DatabaseConfig { key, server, shown })
}

/// A URL, or `registry:NAME`.
fn server(text: &str) -> Result<DatabaseServer, String> {
    if text.starts_with("registry:") {
        let list: UpstreamList = text.parse().map_err(|error: ListError| error.to_string())?;
        return match list.entries() {
            [(Entry::Registered(service), _)] => Ok(DatabaseServer::Registered(service.clone())),
            _ => Err("write registry:NAME".to_owned()),
        };
    }
    let base = text.parse::<BaseUrl>();
    base.map(DatabaseServer::Url).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Result<Vec<String>, String> {
        let shown = |database: &DatabaseConfig| match &database.server {
            DatabaseServer::Url(url) => format!("{} {url}", database.key),
            DatabaseServer::Registered(service) => format!("{} registry:{service}", database.key),
        };
        databases(text).map(|list| list.iter().map(shown).collect())
    }

    const KEY: &str = "localhost.localdev/sumdb+00000c67+AcTrnkbUA+TU4heY3hkjiSES/DSQniBqIeQ/YppAUtK6";

    #[test]
    fn databases_are_named_as_for_gosumdb() {
        let public = |url: &str| format!("{PUBLIC_KEY} {url}");
        for (text, want) in [
            ("", vec![]),
            (" , ", vec![]),
            ("sum.golang.org", vec![public("https://sum.golang.org")]),
            (
                "sum.golang.google.cn",
                vec![public("https://sum.golang.google.cn")],
            ),
            (
                "sum.golang.org  http://mirror.example:8080/sum/ ",
                vec![public("http://mirror.example:8080/sum")],
            ),
            (
                &format!("sum.golang.org,{KEY}"),
                vec![
                    public("https://sum.golang.org"),
                    format!("{KEY} https://localhost.localdev/sumdb"),
                ],
            ),
            (
                &format!("{KEY} http://127.0.0.1:1"),
                vec![format!("{KEY} http://127.0.0.1:1")],
            ),
        ] {
            assert_eq!(list(text), Ok(want), "{text}");
        }
    }

    #[test]
    fn what_is_no_database_says_why() {
        for (text, want) in [
            ("sum.example.com", "the key of \"sum.example.com\" is not known"),
            ("sum.example.com+1+x", "bad key "),
            ("sum.golang.org http://a b", "bad entry"),
            (
                "sum.golang.org ftp://a.example",
                "sum.golang.org: bad upstream URL",
            ),
            (
                "sum.golang.org,sum.golang.google.cn",
                "sum.golang.org is named twice",
            ),
        ] {
            let error = list(text).expect_err(text);
            assert!(error.contains(want), "{text}: {error}");
        }
        let secret = list("sum.golang.org http://bot:hunter2@a.example").expect_err("clear text");
        assert!(!secret.contains("hunter2"), "{secret}");
    }

    #[test]
    fn the_policy_has_two_values() {
        assert_eq!(unavailable("refuse"), Ok(Unavailable::Refuse));
        assert_eq!(unavailable("allow"), Ok(Unavailable::Allow));
        assert!(
            unavailable("warn")
                .expect_err("unknown")
                .contains("refuse or allow")
        );
    }
}
