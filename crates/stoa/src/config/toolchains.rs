//! `[toolchains]`.

use std::time::Duration;

use stoa_config::{Key, Reader, Section, Table, values::duration};
use stoa_dispatch::LaneKey;
use stoa_fetch::{BaseUrl, ListError};

use super::values::hide;

const UPSTREAM: Key = Key::new(
    "upstream",
    "",
    "where release archives come from that are served below /dl/, such as https://go.dev/dl/; empty: none are",
)
.secret();
const HOSTS: Key = Key::new(
    "hosts",
    "dl.google.com",
    "other hosts that it may redirect to: HOST or HOST:PORT",
)
.list();
const INDEX_TTL: Key = Key::new(
    "index_ttl",
    "10m",
    "how long the index of release archives is fresh",
);

const TOOLCHAINS: Table = Table::once("toolchains", &[UPSTREAM, HOSTS, INDEX_TTL]);

/// Release archives of Go.
#[derive(Clone, Debug)]
pub(crate) struct ToolchainsConfig {
    /// Where they come from; none are served without it.
    pub(crate) upstream: Option<BaseUrl>,
    /// Hosts that it may lead to.
    pub(crate) hosts: Vec<LaneKey>,
    /// How long their index is fresh.
    pub(crate) index_ttl: Duration,
}

impl ToolchainsConfig {
    /// The name of the setting that names hosts, for messages.
    pub(crate) const HOSTS: &'static str = "toolchains.hosts";
}

impl Section for ToolchainsConfig {
    const TABLES: &'static [Table] = &[TOOLCHAINS];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut toolchains = reader.once(&TOOLCHAINS);
        let upstream = toolchains.value_shown(&UPSTREAM, upstream, |upstream, written| match upstream {
            Some(base) if base.has_credentials() => hide(base),
            _ => written.to_owned(),
        });
        let hosts = toolchains.value_shown(&HOSTS, hosts, |hosts, _| {
            let shown: Vec<_> = hosts.iter().map(LaneKey::as_str).collect();
            shown.join(",")
        });
        let index_ttl = toolchains.value(&INDEX_TTL, duration);
        Some(Self {
            upstream: upstream?,
            hosts: hosts?,
            index_ttl: index_ttl?,
        })
    }
}

fn upstream(text: &str) -> Result<Option<BaseUrl>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let base = text.trim().parse();
    base.map(Some).map_err(|error: ListError| error.to_string())
}

/// Hosts with commas between them. Patterns are none: a host that is not named is not asked.
fn hosts(text: &str) -> Result<Vec<LaneKey>, String> {
    let hosts = text.split(',').map(str::trim).filter(|host| !host.is_empty());
    let bad = |host: &str| format!("{host:?} is no host: write HOST or HOST:PORT");
    let host = |host: &str| {
        if host.contains(['*', '?', '/', '@']) {
            return Err(bad(host));
        }
        LaneKey::of_host(host).map_err(|_| bad(host))
    };
    hosts.map(host).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_written_out() {
        let names = |text| hosts(text).map(|hosts| hosts.iter().map(LaneKey::to_string).collect::<Vec<_>>());
        assert_eq!(names(""), Ok(Vec::new()));
        let two = vec!["dl.google.com".to_owned(), "127.0.0.1:8080".to_owned()];
        assert_eq!(names(" DL.google.com. ,127.0.0.1:8080"), Ok(two));
        for bad in ["*.google.com", "https://dl.google.com", "user@host", "a b"] {
            let error = names(bad).expect_err(bad);
            assert!(error.contains("is no host: write HOST or HOST:PORT"), "{error}");
        }
    }

    #[test]
    fn an_upstream_is_a_url_or_nothing() {
        assert_eq!(upstream(" "), Ok(None));
        let base = upstream("https://go.dev/dl/").expect("a URL").expect("a URL");
        assert_eq!(base.to_string(), "https://go.dev/dl");
        for bad in ["go.dev/dl", "ftp://go.dev/dl", "https://go.dev/dl/?mode=json"] {
            assert!(upstream(bad).is_err(), "{bad}");
        }
    }
}
