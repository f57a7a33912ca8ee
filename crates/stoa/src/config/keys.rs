//! The table of all keys.

/// One key: its name in the file, its default as it would be written there, and what it does.
#[derive(Debug)]
pub(crate) struct Key {
    /// `listen`, `cache.list_ttl`. The environment variable is `STOA_LISTEN`, `STOA_CACHE_LIST_TTL`.
    pub(crate) name: &'static str,
    pub(crate) default: &'static str,
    pub(crate) help: &'static str,
}

const fn key(name: &'static str, default: &'static str, help: &'static str) -> Key {
    Key { name, default, help }
}

impl Key {
    /// The environment variable of the key.
    pub(crate) fn variable(&self) -> String {
        format!("STOA_{}", self.name.replace('.', "_").to_uppercase())
    }
}

/// Every key, in the order of the documentation.
pub(crate) const KEYS: &[Key] = &[
    key(
        "listen",
        "127.0.0.1:3000",
        "where to listen: HOST:PORT, :PORT (all addresses) or unix:PATH",
    ),
    key(
        "storage",
        "",
        "where modules are kept: file:///DIR, a path, or memory:; default: stoa in the user's data home",
    ),
    key(
        "upstream",
        "",
        "where modules come from, in GOPROXY syntax; default: the public Go module proxy, then direct",
    ),
    key(
        "network",
        "online",
        "online; fallback: answer from storage when upstream fails; offline: never ask upstream",
    ),
    key("path_prefix", "", "serve below this path too, such as /go"),
    key(
        "tls.cert",
        "",
        "PEM file of the certificate chain; with tls.key, serve TLS",
    ),
    key("tls.key", "", "PEM file of the private key"),
    key(
        "cache.list_ttl",
        "60s",
        "how long list, @latest and branch queries are fresh",
    ),
    key(
        "cache.stale_ttl",
        "10m",
        "how much longer they are given out at once while they are being refreshed",
    ),
    key(
        "cache.negative_ttl",
        "30s",
        "how long \"not found\" is remembered; also the pause after a failed refresh",
    ),
    key(
        "cache.answers",
        "16MiB",
        "memory for lists, queries and \"not found\"",
    ),
    key(
        "cache.memory",
        "64MiB",
        "memory for hot files up to 2 MiB; 0 switches it off",
    ),
    key(
        "pool.requests",
        "4096",
        "requests that may wait for a fetch at once; more are refused with 503",
    ),
    key(
        "pool.fetches",
        "64",
        "answers that are read, checked and stored at once",
    ),
    key(
        "pool.connections",
        "8192",
        "client connections at once; more wait",
    ),
    key("fetch.connect_timeout", "10s", "to connect to an upstream"),
    key(
        "fetch.response_timeout",
        "60s",
        "for the head of an upstream's answer; anew for each repeat and each redirect",
    ),
    key(
        "fetch.idle_timeout",
        "30s",
        "between two pieces of an upstream's answer",
    ),
    key(
        "fetch.total_timeout",
        "15m",
        "for one whole transfer, redirects, repeats and waiting included",
    ),
    key("fetch.max_zip", "500MiB", "largest zip, packed and unpacked"),
    key(
        "dispatch.concurrency",
        "16",
        "requests to one host at once: a number, auto, or auto:2-64",
    ),
    key(
        "dispatch.queue",
        "256",
        "requests that may wait for their turn at one host; more are refused with 503",
    ),
    key(
        "dispatch.rate",
        "",
        "requests to one host per time, such as 20/s or 600/m; empty for no limit",
    ),
    key(
        "dispatch.burst",
        "1",
        "requests that may start at once after a pause, where there is a rate",
    ),
    key(
        "dispatch.wait",
        "30s",
        "the longest wait for a turn, for the rate, or for a host that asked for a pause",
    ),
    key(
        "dispatch.retries",
        "2",
        "repeats of a request that found no connection, or a 502, 503 or 504; 0 for none",
    ),
    key(
        "dispatch.retry_budget",
        "20%",
        "repeats that one host gets at most, as a share of its requests, and one a second",
    ),
    key(
        "dispatch.breaker",
        "active",
        "active; observe: report only; disabled; forced_open: refuse everything",
    ),
    key(
        "dispatch.breaker_failures",
        "10",
        "failures in a row after which a host is not asked for a while; 0 for never",
    ),
    key(
        "dispatch.breaker_rate",
        "50%",
        "share of failures after which a host is not asked for a while; 0% for never",
    ),
    key(
        "dispatch.breaker_window",
        "30s",
        "the time over which that share is taken",
    ),
    key(
        "dispatch.breaker_min",
        "20",
        "requests in that time before the share counts",
    ),
    key(
        "dispatch.breaker_open",
        "1s",
        "how long a failing host is not asked at first; doubles with each failed probe",
    ),
    key("dispatch.breaker_open_max", "60s", "how long at most"),
    key(
        "dispatch.max_sleep",
        "1h",
        "the longest pause that a host may ask for with Retry-After and the like",
    ),
    key(
        "dispatch.lanes",
        "512",
        "hosts that are kept track of at once; the one idle for the longest time makes room",
    ),
    key(
        "dispatch.deny",
        "",
        "hosts that nothing is ever sent to: comma-separated globs, such as *.example.com",
    ),
    key(
        "vcs.allow",
        "",
        "which version control systems may be used, in GOVCS syntax; default: public:git|hg,private:all",
    ),
    key(
        "vcs.private",
        "",
        "private modules, as in GOPRIVATE: without a route they come from their repositories, never from upstream",
    ),
    key(
        "vcs.insecure",
        "",
        "modules that may be fetched without TLS, as in GOINSECURE",
    ),
    key(
        "vcs.cache",
        "",
        "where repositories are kept for incremental fetches; default: stoa-vcs in the user's data home",
    ),
    key(
        "vcs.cache_size",
        "20GiB",
        "how much they may take; the one unused for the longest time goes",
    ),
    key(
        "vcs.allow_private_addresses",
        "false",
        "whether pages and redirects may lead to loopback and private addresses",
    ),
    key(
        "vcs.netrc",
        "",
        "netrc file with passwords for https; none: read none; default: what NETRC names, else .netrc in the home",
    ),
    key(
        "sumdb.databases",
        "sum.golang.org",
        "checksum databases that are passed on; the first one verifies what is stored; empty for none",
    ),
    key(
        "sumdb.verify",
        "true",
        "whether .mod and .zip of public modules are verified before they are stored",
    ),
    key(
        "sumdb.unavailable",
        "refuse",
        "what cannot be verified because the database does not answer: refuse, or allow",
    ),
    key(
        "drain.notice",
        "1s",
        "after a signal, how long /readyz says 503 while requests are still accepted",
    ),
    key(
        "drain.timeout",
        "30s",
        "then, how long open requests may take to end",
    ),
    key("log.format", "text", "text or json"),
    key(
        "log.level",
        "info",
        "error, warn, info, debug or trace; or directives such as stoa_fetch=debug",
    ),
    key("log.access", "true", "one line for each request"),
    key(
        "admin.token_file",
        "",
        "file with the token that /api/v1 asks for; without one only this machine may use it",
    ),
];

/// The keys whose value is a list of texts in the file, and has commas elsewhere.
pub(crate) const LISTS: &[&str] = &["sumdb.databases"];

/// Every array of tables, by the name in its `[[ ]]`.
pub(crate) const TABLES: &[&str] = &["route", "dispatch.lane", "vcs.module", "rewrite", "credential"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_documents_every_key() {
        let reference = include_str!("../../../../docs/reference/configuration.md");
        for key in KEYS {
            let default = if key.default.is_empty() {
                String::new()
            } else {
                format!("`{}`", key.default)
            };
            let row = format!(
                "| `{}` | `{}` | {default} | {} |\n",
                key.name,
                key.variable(),
                key.help
            );
            assert!(
                reference.contains(&row),
                "not in docs/reference/configuration.md: {row}"
            );
        }
    }

    #[test]
    fn names_are_unique_and_have_one_section_at_most() {
        let mut names: Vec<_> = KEYS.iter().map(super::Key::variable).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), KEYS.len());
        assert!(
            KEYS.iter()
                .all(|key| key.name.matches('.').count() <= 1 && !key.help.is_empty())
        );
    }
}
