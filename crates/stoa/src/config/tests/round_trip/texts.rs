//! Good values of every key, and tables of them.

use std::{collections::BTreeMap, fs};

use proptest::{collection::vec, option, prelude::*};
use stoa_config::{Key, Presence, Table, conformance::Texts};

/// A directory with files that hold secrets, and variables that do.
pub(super) struct Secrets {
    directory: tempfile::TempDir,
}

const FILES: [(&str, &str); 2] = [("pass \"word\"", "one\n"), ("token#", "two\n")];
pub(super) const VARIABLES: [(&str, &str); 2] = [("FIRST_SECRET", "three"), ("STOA_SECRET", "four")];

impl Secrets {
    pub(super) fn new() -> Self {
        let directory = stoa_testing::scene::private_directory();
        for (name, text) in FILES {
            fs::write(directory.path().join(name), text).expect("write");
        }
        let netrc = "machine a.example login u password p\n";
        fs::write(directory.path().join("netrc"), netrc).expect("write");
        fs::write(directory.path().join("headers"), "Authorization: Bearer five\n").expect("write");
        let authority = rcgen::generate_simple_self_signed(["a.example".to_owned()]).expect("certificate");
        fs::write(directory.path().join("ca.pem"), authority.cert.pem()).expect("write");
        Self { directory }
    }

    fn path(&self, name: &str) -> String {
        self.directory
            .path()
            .join(name)
            .to_str()
            .expect("text")
            .to_owned()
    }
}

fn one_of(texts: &[&str]) -> BoxedStrategy<String> {
    let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
    prop::sample::select(texts).boxed()
}

/// Any text at all, with what TOML and comments could trip over.
fn any_text() -> BoxedStrategy<String> {
    prop_oneof![
        ".{1,12}",
        "[a-z\"'\\\\#= \t\n\r\\[\\]\u{1}\u{7f}\u{85}]{1,12}",
        one_of(&[
            "true",
            "7",
            "007",
            "-1",
            "1.5",
            "+3",
            "99999999999999999999",
            "nan",
            "1979-05-27"
        ]),
    ]
    .boxed()
}

/// Good values of a key. A key that is missing here fails the test: say what it may hold.
fn values(path: &str, secrets: &Secrets) -> BoxedStrategy<String> {
    let durations = || one_of(&["1ms", "5s", "90s", "1h 30m", "7d"]);
    match path {
        "listen" => prop_oneof![
            any::<u16>().prop_map(|port| format!(":{port}")),
            any_text().prop_map(|path| format!("unix:{path}")),
        ]
        .boxed(),
        "admin.token_file" | "vcs.cache" => any_text(),
        "vcs.private" | "vcs.insecure" => {
            one_of(&["", "*", " corp.example/* , *.b.example/", "[a-z]?t.corp.example"])
        }
        "upstream" | "route.upstream" => one_of(&[
            "https://a.example|https://b.example/x,direct",
            "off",
            "file:///srv/a%2520b,direct",
            " proxy.example , file:///x%2Cy | off , never",
        ]),
        "storage_mode" => one_of(&["private", "group", "world"]),
        "network" => one_of(&["online", "fallback", "offline"]),
        "path_prefix" => one_of(&["", "/go", "/a/b"]),
        "cache.list_ttl" | "cache.stale_ttl" | "cache.negative_ttl" | "drain.notice" | "drain.timeout" => {
            prop_oneof![durations(), one_of(&["0s"])].boxed()
        }
        "fetch.max_list" | "fetch.max_zip" => one_of(&["1", "4096", "64MiB", "18446744073709551615"]),
        "cache.answers" | "cache.memory" | "vcs.cache_size" | "vcs.memory" | "edge.read_ahead" => {
            one_of(&["0", "4096", "1 kib", "64MiB", "18446744073709551615"])
        }
        "vcs.program_memory" => one_of(&["32MiB", "1GiB"]),
        "pool.requests"
        | "pool.fetches"
        | "edge.streams"
        | "dispatch.lanes"
        | "vcs.max_refs"
        | "burst"
        | "vcs.programs"
        | "vcs.programs_per_host"
        | "vcs.programs_queue" => one_of(&["1", "7", "007", "1000000"]),
        "pool.connections" | "pool.connections_per_address" => one_of(&["", "1", "007", "1000000"]),
        "allowed_hosts" => one_of(&["", "*", " a.example , *.b.example", "10.0.0.1,fd00::1"]),
        "trusted_proxies" => one_of(&["", "10.0.0.0/8", " ::1 , 192.0.2.7"]),
        "edge.handshake_timeout"
        | "edge.idle_timeout"
        | "edge.write_timeout"
        | "fetch.connect_timeout"
        | "fetch.response_timeout"
        | "fetch.idle_timeout"
        | "fetch.total_timeout"
        | "vcs.programs_wait"
        | "wait"
        | "abandoned"
        | "breaker_window"
        | "jobs.redis_timeout"
        | "max_throttle" => durations(),
        "breaker_open" => one_of(&["1ms", "2s"]),
        "breaker_open_max" => one_of(&["90s", "7d"]),
        "concurrency" => one_of(&["1", "16", "auto", "auto:2-64"]),
        "queue" | "retries" | "breaker_failures" | "breaker_min" => one_of(&["0", "5", "0099"]),
        "rate" => one_of(&["", "20/s", "600/m"]),
        "retry_budget" | "breaker_rate" => one_of(&["0%", "20%", "100%"]),
        "breaker" => one_of(&["active", "observe", "disabled", "forced_open"]),
        "route.match" | "mode.match" => one_of(&["*", "a.example,b.example/[^x]*", " github.com/Corp/* "]),
        "dispatch.deny" | "dispatch.lane.match" => any_text()
            .prop_map(|text| format!("a{}", text.replace(['/', '@', ' ', ':'], "")))
            .boxed(),
        "vcs.allow" => one_of(&["", "*:all", "public:git|hg,private:all", "a.example/*:off"]),
        "vcs.allow_private_addresses" | "sumdb.verify" | "log.access" | "metrics.public" => {
            one_of(&["true", "false"])
        }
        "tls.ca" => one_of(&["", &secrets.path("ca.pem")]),
        "vcs.netrc" => one_of(&["", "none", &secrets.path("netrc")]),
        "sumdb.databases" => one_of(&[
            "",
            " , sum.golang.org  http://mirror.example:8080/sum/ ",
            "sum.golang.google.cn",
            "sum.golang.org,localhost.localdev/sumdb+00000c67+AcTrnkbUA+TU4heY3hkjiSES/DSQniBqIeQ/YppAUtK6",
        ]),
        "sumdb.unavailable" => one_of(&["refuse", "allow"]),
        "log.format" => one_of(&["text", "json"]),
        "log.level" => one_of(&["info", "off", "stoa_fetch=debug,info"]),
        "vcs.module.prefix" => one_of(&["a.example/x", "b.example", "c.example/y/z"]),
        "vcs.module.vcs" => one_of(&["git", "hg", "svn"]),
        "vcs.module.repo" => one_of(&["https://a.example/r", "https://b.example:8443/r.git"]),
        "vcs.module.subdir" => one_of(&["", "sub", "a/b"]),
        "rewrite.from" => one_of(&["https://a.example/", "https://b.example/x", "ssh://git@c.example"]),
        "rewrite.to" => one_of(&["https://m.example/a/", "ssh://git@m.example:2222/x"]),
        "credential.match" => one_of(&["https://a.example", "http://b.example:8080/x/"]),
        "webhook.secret_file" | "jobs.callback_secret_file" | "jobs.kafka_file" | "jobs.headers" => {
            one_of(&[""])
        }
        "jobs.store" => one_of(&[
            "file:",
            "file:///srv/jobs",
            "redis://a.example,b.example:7000/3",
            "memory:",
        ]),
        "jobs.redis_prefix" => one_of(&["stoa-jobs", "p"]),
        "jobs.redis_password_file" | "jobs.redis_sentinel_password_file" => {
            one_of(&["", &secrets.path("token#")])
        }
        "jobs.redis_ca" => one_of(&["", "/srv/ca.pem"]),
        "aggregation.match" => one_of(&["*", "*.a.example,url/b", "module/*"]),
        "aggregation.concurrency" | "aggregation.weight" => one_of(&["1", "16"]),
        "aggregation.rate" => one_of(&["", "20/s", "5/h"]),
        "aggregation.proxy" => one_of(&["", "http://proxy.example:3128", "socks5h://[::1]:1080"]),
        "aggregation.headers_file" => one_of(&["", &secrets.path("headers")]),
        "jobs.delete_after" => one_of(&["", "3h"]),
        "jobs.heartbeat_file" => one_of(&["", "/run/stoa/out"]),
        "jobs.downloads" => one_of(&["", "/srv/downloads"]),
        "jobs.download_url" => one_of(&["", "https://files.example/d"]),
        "jobs.max_download" | "jobs.min_free" => one_of(&["1GiB", "12345"]),
        "jobs.full_at" => one_of(&["1", "95", "100"]),
        "jobs.allow_private_addresses" | "aggregation.paused" => one_of(&["true", "false"]),
        "mirror.name" => one_of(&["tools", "a \"b\" #", "third"]),
        "mirror.modules" => one_of(&["a.example/x", "a.example/x, b.example/* ,c.example/[xy]"]),
        "mirror.versions" => one_of(&["latest", "releases", "all"]),
        "mirror.limit" => one_of(&["", "1", "007"]),
        "mirror.every" => one_of(&["60s", "6h", "7d"]),
        "mode.mode" => one_of(&["sync", "async"]),
        "jobs.max_async" => one_of(&["1", "007", "1000000"]),
        "jobs.workers" => one_of(&["0", "64"]),
        "jobs.lease" => one_of(&["5s", "1m 30s"]),
        "jobs.keep_ok" | "jobs.keep_failed" => one_of(&["0s", "7d", "1h 30m"]),
        "credential.password_file" | "credential.token_file" => one_of(
            &FILES
                .map(|(name, _)| secrets.path(name))
                .each_ref()
                .map(String::as_str),
        ),
        "credential.password_env" | "credential.token_env" => one_of(&VARIABLES.map(|(name, _)| name)),
        _ => match super::cluster_texts::values(path, &secrets.path("token#"))
            .or_else(|| super::storage_texts::values(path))
            .or_else(|| super::upkeep_texts::values(path, &secrets.path("token#")))
        {
            Some(values) => prop::sample::select(values).boxed(),
            None => panic!("{path} is a new key: name good values of it here"),
        },
    }
}

/// Credentials are of three kinds, whose keys go together.
fn credential(secrets: &Secrets) -> BoxedStrategy<Texts> {
    let table = |keys: Vec<(&'static str, BoxedStrategy<String>)>| {
        let (names, texts): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
        texts.prop_map(move |texts| names.iter().map(|name| (*name).to_owned()).zip(texts).collect())
    };
    let url = || ("match", values("credential.match", secrets));
    let of = |key: &'static str| (key, values(&format!("credential.{key}"), secrets));
    let ssh = || {
        (
            "match",
            one_of(&["ssh://git@a.example", "git+ssh://b.example:2222/x"]),
        )
    };
    let user = || ("username", any_text().prop_map(|text| format!("u{text}")).boxed());
    let known_hosts = || {
        (
            "known_hosts",
            any_text().prop_map(|text| format!("/{text}")).boxed(),
        )
    };
    prop_oneof![
        table(vec![url(), of("password_file"), user()]),
        table(vec![url(), of("password_env"), user()]),
        table(vec![
            url(),
            of("token_file"),
            ("provider", one_of(&["github", "gitlab", "bitbucket"]))
        ]),
        table(vec![url(), of("token_env")]),
        table(vec![
            ssh(),
            known_hosts(),
            ("ssh_key", any_text().prop_map(|text| format!("/{text}")).boxed())
        ]),
        table(vec![ssh(), known_hosts(), ("ssh_agent", one_of(&["true"]))]),
    ]
    .boxed()
}

/// Some keys of a table with their texts.
pub(super) fn keys(table: &'static Table, secrets: &Secrets) -> BoxedStrategy<Texts> {
    if table.name == "credential" {
        return credential(secrets);
    }
    if table.name == "tls" {
        let named = |name: &'static str| move |text| (name.to_owned(), text);
        let both = (
            any_text().prop_map(named("cert")),
            any_text().prop_map(named("key")),
        );
        let ca = values("tls.ca", secrets).prop_map(named("ca"));
        let both = option::of(both.prop_map(|(cert, key)| [cert, key]));
        let table = |(both, ca): (Option<[_; 2]>, Option<_>)| both.into_iter().flatten().chain(ca).collect();
        return (both, option::of(ca)).prop_map(table).boxed();
    }
    let text = |key: &Key| {
        let is_shared = table.shared.iter().any(|shared| shared.name == key.name);
        let path = table.path(key.name);
        values(if is_shared { key.name } else { &path }, secrets)
    };
    let texts: Vec<_> = table
        .all_keys()
        .map(|key| match key.presence {
            Presence::Required => text(key).prop_map(Some).boxed(),
            Presence::Default(_) | Presence::Optional => option::of(text(key)).boxed(),
        })
        .collect();
    let names: Vec<_> = table.all_keys().map(|key| key.name.to_owned()).collect();
    let written = |(name, text): (&String, Option<String>)| Some((name.clone(), text?));
    texts
        .prop_map(move |texts| names.iter().zip(texts).filter_map(written).collect())
        .boxed()
}

/// Occurrences of a repeated table; what must not be said twice is said once.
pub(super) fn occurrences(table: &'static Table, secrets: &Secrets) -> BoxedStrategy<Vec<Texts>> {
    let unique = |tables: Vec<Texts>| {
        let mut seen = Vec::new();
        let is_new = |read: &BTreeMap<String, String>| {
            let place = read.get("match").filter(|_| table.name == "credential");
            let id = place
                .or(read.get("from"))
                .or(read.get("prefix"))
                .or(read.get("name"))
                .cloned();
            let is_new = id.is_none() || !seen.contains(&id);
            seen.push(id);
            is_new
        };
        tables.into_iter().filter(is_new).collect()
    };
    vec(keys(table, secrets), 0..4).prop_map(unique).boxed()
}
