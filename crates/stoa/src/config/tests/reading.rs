//! Flags, environment, file and defaults; and every fault at once.

use stoa_config::{
    Configuration as _,
    conformance::{declarations, keys_declared, keys_read},
};
use stoa_fetch::{Deadlines, Limits};
use stoa_proxy::RevalidationOptions;

use super::shown::{SAMPLE_VARIABLES, in_force};
use crate::config::{Config, Given, lab, load, sample};

fn given(toml: &str) -> (Given, tempfile::NamedTempFile) {
    let file = lab::file(toml);
    (
        Given {
            file: Some(file.path().to_owned()),
            data_home: Some("/home/u/.local/share".into()),
            ..Given::default()
        },
        file,
    )
}

fn faults(toml: &str) -> Vec<String> {
    let (given, file) = given(toml);
    let prefix = format!("{}:", file.path().display());
    let error = load(&given).expect_err("faults");
    error
        .faults()
        .iter()
        .map(|fault| fault.replace(&prefix, "line "))
        .collect()
}

#[test]
fn nothing_at_all_is_a_configuration() {
    let config = load(&Given {
        data_home: Some("/d".into()),
        ..Given::default()
    })
    .expect("config");
    assert_eq!(config.storage.url.to_string(), "file:///d/stoa");
    assert_eq!(config.edge.listen.to_string(), "127.0.0.1:3000");
    assert_eq!(config.cache.revalidation, RevalidationOptions::default());
    assert_eq!(config.fetch.deadlines.total, Deadlines::default().total);
    assert_eq!(config.fetch.deadlines, Deadlines::default());
    assert_eq!(config.fetch.limits, Limits::default());
}

/// Reading by another declaration than one of the table would be found here too: the record would have a key more.
#[test]
fn every_declared_key_is_read_once_and_no_other() {
    let file = lab::file(&in_force(&sample()));
    let config = load(&Given {
        file: Some(file.path().to_owned()),
        data_home: Some("/d".into()),
        variables: SAMPLE_VARIABLES.into(),
        ..Given::default()
    })
    .expect("config");
    assert_eq!(keys_read(&config.record), keys_declared(&Config::tables()));
}

#[test]
fn names_are_unique_and_have_one_table_at_most() {
    assert_eq!(declarations(&Config::tables()), Vec::<String>::new());
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let (mut given, _file) = given("[pool]\nfetches = 2\nrequests = 2\nconnections = 2\n");
    given.environment = [("STOA_POOL_FETCHES", "3"), ("STOA_POOL_REQUESTS", "3")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    given.flags = [("pool.fetches", "4".to_owned())].into();
    let pool = load(&given).expect("config").pool;
    assert_eq!((pool.fetches, pool.requests, pool.connections), (4, 3, Some(2)));
}

#[test]
fn all_faults_are_reported_at_once_with_their_lines() {
    let found = faults(
        "listn = \":1\"\nnetwork = \"on\"\n[cache]\nlist_ttl = \"60x\"\n[[route]]\nmatch = \"a\"\nurl = \"b\"\n",
    );
    let want = [
        "line 1: unknown key listn; did you mean listen?",
        "line 5: route: upstream is missing",
        "line 7: route.url: unknown key; a route has match and upstream",
        "line 2: network: bad network mode \"on\": write online, fallback or offline",
        "line 4: cache.list_ttl: bad duration \"60x\": write a number and ms, s, m or h",
    ];
    assert_eq!(found, want);
}

#[test]
fn every_table_reports_what_is_missing_unknown_or_empty_in_one_way() {
    let found = faults(
        "storage = \"memory:\"\n[[rewrite]]\nfrm = \"https://a.example/\"\nto = \"\"\n[[vcs.module]]\nprefix = \"a.example/x\"\n\
         vcs = \"git\"\nrep = \"https://a.example\"\n[[credential]]\nssh_agent = true\n[[dispatch.lane]]\nmach = \"a\"\n\
         [[route]]\nmatch = \" \"\nupstream = \"off\"\n[tls]\ncert = \"/c\"\n",
    );
    let want = [
        "line 14: route.match: must name a pattern",
        "tls.cert and tls.key must be set together",
        "line 11: dispatch.lane: match is missing",
        "line 12: dispatch.lane.mach: unknown key; did you mean dispatch.lane.match?",
        "line 5: vcs.module: repo is missing",
        "line 8: vcs.module.rep: unknown key; did you mean vcs.module.repo?",
        "line 2: rewrite: from is missing",
        "line 2: rewrite: to is missing",
        "line 3: rewrite.frm: unknown key; did you mean rewrite.from?",
        "line 9: credential: match is missing",
        "line 10: credential.ssh_agent: known_hosts must be the absolute path of a file",
    ];
    assert_eq!(found, want);
}

#[test]
fn unknown_tables_are_reported_with_their_lines() {
    let found = faults(
        "[[routes]]\nmatch = \"a\"\n[[some.thing]]\na = 1\n[[some.thing]]\n[route]\nmatch = \"a\"\n\
         [[pool.fetches]]\na = 1\n",
    );
    let want = [
        "line 7: unknown key route.match; did you mean [[route]]?",
        "line 8: unknown table [[pool.fetches]]; did you mean pool.fetches?",
        "line 1: unknown table [[routes]]; did you mean [[route]]?",
        "line 3: unknown table [[some.thing]]",
    ];
    assert_eq!(found, want);
}

#[test]
fn a_password_is_in_no_fault_and_in_no_origin() {
    let found = faults("upstream = \"http://bot:hunter2@a.example\"\n");
    assert!(found.len() == 1 && !found[0].contains("hunter2"), "{found:?}");
    let (given, _file) = given("upstream = \"https://bot:hunter2@a.example\"\n");
    assert!(!format!("{:?}", load(&given).expect("config")).contains("hunter2"));
}

#[cfg(not(feature = "kafka"))]
#[test]
fn a_binary_without_kafka_says_so() {
    assert_eq!(
        faults("[jobs]\nkafka_file = \"/etc/stoa/kafka\"\n"),
        [
            "line 2: jobs.kafka_file: this binary was built without Kafka: build it with --features kafka or kafka-tls"
        ]
    );
}

#[cfg(feature = "kafka")]
#[test]
fn a_file_for_kafka_is_private() {
    let scratch = stoa_testing::scene::private_directory();
    let file = scratch.path().join("kafka");
    std::fs::write(&file, "sasl.password=x\n").expect("write");
    let of = |path: &std::path::Path| format!("[jobs]\nkafka_file = \"{}\"\n", path.display());
    let (given, _config) = given(&of(&file));
    assert_eq!(load(&given).expect("config").jobs.kafka_file, Some(file));
    let relative = faults(&of(std::path::Path::new("kafka")));
    assert_eq!(
        relative,
        ["line 2: jobs.kafka_file: \"kafka\" is no absolute path"]
    );
}
