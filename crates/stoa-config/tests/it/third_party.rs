//! A part that the list of sections does not know docks with one line: its own file has everything else.

use std::time::Duration;

use stoa_config::{
    Configuration as _, Given, Key, Occurrence, Reader, Repeated, Section, Table, configuration, sample,
    show,
    values::{ByteSize, bound, duration, text},
};

use crate::file;

const EVERY: Key = Key::new("every", "1h", "how often the bells ring").at_run_time();
const TOWERS: Key = Key::new("towers", "", "where they hang").list();
const VERGER: Key = Key::required("verger", "the name of their keeper");
const BELLS: Table = Table::once("bells", &[EVERY, TOWERS, VERGER]);

const NAME: Key = Key::required("name", "what the bell is called");
const WEIGHT: Key = Key::optional("weight", "its weight");
const NOTE: Key = Key::new("note", "c", "its note");
const BELL: Table = Table::repeated(
    "bells.bell",
    Repeated {
        noun: "a bell",
        help: "a bell",
        sample: &[(NAME, "Gloriosa")],
    },
    &[NAME, WEIGHT, NOTE],
);

/// The section of a part.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BellsConfig {
    every: Duration,
    towers: String,
    verger: String,
    bells: Vec<(String, Option<usize>, String)>,
}

impl Section for BellsConfig {
    const TABLES: &'static [Table] = &[BELLS, BELL];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut section = reader.once(&BELLS);
        let every = section.value(&EVERY, duration);
        let towers = section.value(&TOWERS, text);
        let verger = section.value(&VERGER, text);
        let bells = reader.each(&BELL, |bell: &mut Occurrence<'_, '_>| {
            let (name, weight) = (bell.value(&NAME, text), bell.value(&WEIGHT, bound));
            Some((name?, weight, bell.value(&NOTE, text)?))
        });
        Some(Self {
            every: every?,
            towers: towers?,
            verger: verger?,
            bells: bells?,
        })
    }
}

const URL: Key = Key::new("storage", "", "where things are kept");
const STORAGE: Table = Table::once("", &[URL]);

/// A section whose default depends on what is given.
#[derive(Clone, Debug)]
pub(crate) struct StorageConfig {
    pub(crate) url: String,
}

impl Section for StorageConfig {
    const TABLES: &'static [Table] = &[STORAGE];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let home = reader.given().data_home.as_ref();
        let parse = |text: &str| match (text, home) {
            ("", Some(home)) => Ok(format!("file://{}", home.join("stoa").display())),
            ("", None) => Err("HOME is not set"),
            (text, _) => Ok(text.to_owned()),
        };
        let url = reader
            .once(&STORAGE)
            .value_shown(&URL, parse, |url, _| url.clone());
        Some(Self { url: url? })
    }
}

const LIST_TTL: Key = Key::new("list_ttl", "60s", "how long a list is fresh").at_run_time();
const MEMORY: Key = Key::new("memory", "64MiB", "memory for hot files");
const CACHE: Table = Table::once("cache", &[LIST_TTL, MEMORY]);

#[derive(Clone, Debug)]
pub(crate) struct CacheConfig {
    memory: u64,
}

impl Section for CacheConfig {
    const TABLES: &'static [Table] = &[CACHE];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut cache = reader.once(&CACHE);
        let list_ttl = cache.value(&LIST_TTL, duration);
        let memory = cache.value(&MEMORY, str::parse::<ByteSize>)?.0;
        list_ttl.map(|_| Self { memory })
    }
}

configuration! {
    pub(crate) struct WithBells for "stoa" {
        pub(crate) storage: StorageConfig,
        cache: CacheConfig,
        pub(crate) bells: BellsConfig,
    }
}

fn load(toml: &str, environment: &[(&str, &str)]) -> Result<WithBells, String> {
    let file = file(toml);
    let environment = environment
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let given = Given {
        file: Some(file.path().to_owned()),
        data_home: Some("/d".into()),
        environment: environment.collect(),
        ..Given::default()
    };
    stoa_config::load(&given).map_err(|error| error.to_string())
}

#[test]
fn a_new_section_is_read_checked_shown_and_sampled() {
    let toml = "[bells]\nverger = \"v\"\ntowers = [\"north\", \"south\"]\n[[bells.bell]]\nname = \"Gloriosa\"\nweight = 11\n[[bells.bell]]\nname = \"b\"\nnote = \"d\"\n";
    let config = load(toml, &[("STOA_BELLS_EVERY", "2h")]).expect("config");
    let want = BellsConfig {
        every: Duration::from_secs(7200),
        towers: "north,south".to_owned(),
        verger: "v".to_owned(),
        bells: vec![
            ("Gloriosa".to_owned(), Some(11), "c".to_owned()),
            ("b".to_owned(), None, "d".to_owned()),
        ],
    };
    assert_eq!(config.bells, want);
    assert_eq!(config.storage.url, "file:///d/stoa");
    assert_eq!(config.cache.memory, 64 << 20);
    assert!(config.record.warnings.is_empty(), "{:?}", config.record.warnings);

    let shown = show(config.record());
    for part in [
        "[bells]\n# can change at run time: every\nevery = \"2h\"  # STOA_BELLS_EVERY\ntowers = [\"north\", \"south\"]  # ",
        "\n[[bells.bell]]\nname = \"Gloriosa\"  # ",
        "\nweight = 11  # ",
        "\nnote = \"c\"  # default\n",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    assert_eq!(load(&shown, &[]).expect("shown").bells, want);

    let sample = sample(&WithBells::tables());
    let want = "[bells]\n# how often the bells ring (can change at run time)\n#every = \"1h\"\n# where they hang\n#towers = []\n# the name of their keeper\n#verger = \"\"\n\n\
                # A bell. May be repeated.\n#[[bells.bell]]\n# what the bell is called\n#name = \"Gloriosa\"\n# weight: its weight\n# note: its note\n";
    assert!(sample.ends_with(want), "{sample}");
}

#[test]
fn faults_of_a_new_section_are_like_all_others() {
    let toml = "stroage = 1\n[bells]\nevry = 1\nevery = \"x\"\n[[bells.bell]]\nweigth = 3\n[[bells.bel]]\n[cache]\nlist_ttl = 3\n";
    let error = load(toml, &[]).expect_err("faults");
    let faults: Vec<_> = error
        .lines()
        .map(|line| line.split_once(".tmp").map_or(line, |(_, rest)| rest))
        .collect();
    let ends = [
        ":3: unknown key bells.evry; did you mean bells.every?",
        ":1: unknown key stroage; did you mean storage?",
        ":7: unknown table [[bells.bel]]; did you mean [[bells.bell]]?",
        ":9: cache.list_ttl: bad duration \"3\": write a number and ms, s, m or h",
        ":4: bells.every: bad duration \"x\": write a number and ms, s, m or h",
        "bells.verger is missing",
        ":5: bells.bell: name is missing",
        ":6: bells.bell.weigth: unknown key; did you mean bells.bell.weight?",
    ];
    assert_eq!(faults.len(), ends.len(), "{error}");
    for (fault, end) in faults.iter().zip(ends) {
        assert!(fault.ends_with(end), "{fault}\n{end}");
    }
}

/// A section that reads a key which its table does not declare.
#[derive(Clone, Debug)]
struct Undeclared;

impl Section for Undeclared {
    const TABLES: &'static [Table] = &[BELL];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader
            .each(&BELL, |bell| bell.value(&EVERY, duration))
            .map(|_| Self)
    }
}

configuration! {
    struct WithUndeclared for "stoa" {
        undeclared: Undeclared,
    }
}

#[test]
#[should_panic(expected = "bells.bell.every is not declared")]
fn a_key_that_is_read_but_not_declared_fails_every_test_that_reads_it() {
    let file = file("[[bells.bell]]\nname = \"b\"\n");
    let given = Given {
        file: Some(file.path().to_owned()),
        ..Given::default()
    };
    let _read = stoa_config::load::<WithUndeclared>(&given).map(|config| config.undeclared);
}
