//! `.info` is read as the go command reads it: hundreds of odd texts, given to both.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use stoa_module::{Info, InfoError, ModulePath, Query, Resource, Rfc3339};
use stoa_testing::go::GoClient;

use crate::fetch::values;

const VERSION: &str = "v1.0.0";
const PSEUDO: &str = "v0.0.0-20240102030405-0123456789ab";
const BRANCH: &str = "main";

/// Texts that are made of a seed, besides those written down.
const MADE: u64 = 700;

/// A text and the question that it is the answer to.
#[derive(Clone, Debug)]
struct Case {
    query: &'static str,
    info: Vec<u8>,
}

/// What a reader makes of it.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    version: String,
    /// In UTC; empty if it is Go's zero time or none.
    time: String,
    /// `None` if there is none, which is not the same as an empty one.
    origin: Option<Value>,
}

fn case(query: &'static str, info: impl AsRef<[u8]>) -> Case {
    let info = info.as_ref().to_vec();
    Case { query, info }
}

/// Answers to a question for a version, each with one fault or oddity.
const WRITTEN: &[&str] = &[
    r#"{"Version":"v1.0.0","Time":"2024-01-02T03:04:05Z"}"#,
    r#"{"Version":"v1.0.0","version":"v9.9.9"}"#,
    r#"{"version":"v9.9.9","Version":"v1.0.0"}"#,
    r#"{"Version":"v9.9.9","Verſion":"v1.0.0"}"#,
    r#"{"Version":"v1.0.0","Verſion":"v9.9.9"}"#,
    r#"{"Version":"v1.0.0","VER\u017fION":"v9.9.9"}"#,
    r#"{"Version":"v1.0.0","Versıon":"v9.9.9"}"#,
    r#"{"Version":"v1.0.0","Version":null}"#,
    r#"{"Version":null}"#,
    r#"{"Version":["v1.0.0"]}"#,
    r#"{"Version":"v1.0.0","Version":1}"#,
    r#"{"Version":1,"Version":"v1.0.0"}"#,
    r#"{"\u0056ersion":"v1.0\u002e0"}"#,
    r#"{"Version":"v1.0.0","Time":"yesterday"}"#,
    r#"{"Version":"v1.0.0","Time":"yesterday","Time":"2024-01-02T03:04:05Z"}"#,
    r#"{"Version":"v1.0.0","Time":""}"#,
    r#"{"Version":"v1.0.0","Time":null}"#,
    r#"{"Version":"v1.0.0","Time":5}"#,
    r#"{"Version":"v1.0.0","Time":{}}"#,
    r#"{"Version":"v1.0.0","Time":["2024-01-02T03:04:05Z"]}"#,
    r#"{"Version":"v1.0.0","time":"2024-01-02T03:04:05Z","TIME":null}"#,
    r#"{"Version":"v1.0.0","Time":"2024-01-02T03:04:05\u005a"}"#,
    r#"{"Version":"v1.0.0","Time":"2024-01-02T03:04:05.123456789012Z"}"#,
    r#"{"Version":"v1.0.0","Time":"2024-01-02T03:04:05.Z"}"#,
    r#"{"Version":"v1.0.0","Time":"2024-01-02T03:04:60Z"}"#,
    r#"{"Version":"v1.0.0","Time":"2023-02-29T03:04:05Z"}"#,
    r#"{"Version":"v1.0.0","Time":"2024-01-02t03:04:05z"}"#,
    r#"{"Version":"v1.0.0","Time":"2024-01-02 03:04:05Z"}"#,
    r#"{"Version":"v1.0.0","Time":"2024-01-02T03:04:05+05:30"}"#,
    r#"{"Version":"v1.0.0","Time":"2024-01-02T03:04:05-23:59"}"#,
    r#"{"Version":"v1.0.0","Time":"2024-01-02T03:04:05+0530"}"#,
    r#"{"Version":"v1.0.0","Time":"2024-01-02T03:04:05"}"#,
    r#"{"Version":"v1.0.0","Origin":"x"}"#,
    r#"{"Version":"v1.0.0","Origin":[]}"#,
    r#"{"Version":"v1.0.0","Origin":true}"#,
    r#"{"Version":"v1.0.0","Origin":null}"#,
    r#"{"Version":"v1.0.0","Origin":{}}"#,
    r#"{"Version":"v1.0.0","Origin":"x","Origin":null}"#,
    r#"{"Version":"v1.0.0","Origin":{"VCS":1}}"#,
    r#"{"Version":"v1.0.0","Origin":{"VCS":"git","vcs":null,"More":[1,{"a":2}]}}"#,
    r#"{"Version":"v1.0.0","Origin":{"VCS":"git","URL":"a"},"origin":{"url":"b","ſubdir":"s"}}"#,
    r#"{"Version":"v1.0.0","Origin":{"VCS":"git"},"Origin":null,"ORIGIN":{"Hash":"h"}}"#,
    r#"{"Version":"v1.0.0","Origin":{"URL":"\ud83d\ude00\ud83d\u0041\/"}}"#,
    r#"{"Version":"v1.0.0","Name":1,"Short":{}}"#,
    r#"{"Version":"v1.0.0"} {}"#,
    r#"{"Version":"v1.0.0"}x"#,
    r#"{"Version":"v1.0.0",}"#,
    r#"{"Version":"v1.0.0","a":01}"#,
    r#"{"Version":"v1.0.0","a":-}"#,
    r#"{"Version":"v1.0.0","a":1e999999}"#,
    r#"{"Version":"v1.0.0","a":"\x"}"#,
    r#"{"Version":"v1.0.0","a":"\'"}"#,
    r#"{"Version":"v1.0.0" "a":1}"#,
    "{'Version':'v1.0.0'}",
    r#"["v1.0.0"]"#,
    r#""v1.0.0""#,
    "<html><title>Sign in</title></html>",
    "\u{feff}{\"Version\":\"v1.0.0\"}",
    " \t\r\n{ \"Version\" :\t\"v1.0.0\"\r\n} \n",
    "{\"Version\":\"v1.0.0\",\"a\":\"\t\"}",
    "{\"Version\":\"v1.0.0\",\u{a0}\"a\":1}",
    "null",
    "{}",
    "",
];

/// Each fault by itself.
fn written() -> Vec<Case> {
    let mut cases = Vec::new();
    for info in WRITTEN {
        cases.push(case(VERSION, info));
    }
    cases.push(case(
        VERSION,
        b"{\"Version\":\"v1.0.0\",\"Origin\":{\"URL\":\"\xff\xe2\x98\"}}",
    ));
    cases.push(case(VERSION, b"{\"Version\":\"v1.0.0\",\"Ver\xffion\":1}"));
    cases.push(case(VERSION, b"{\"Version\":\"v1.0.0\"}\0"));
    for depth in [9_998, 9_999, 10_000] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        cases.push(case(VERSION, format!(r#"{{"Version":"v1.0.0","a":{nested}}}"#)));
    }
    for info in [
        r#"{"Version":"v1.2.3"}"#,
        r#"{"Version":"v1.2.3","Time":"2024-01-02T03:04:05Z","Origin":{"Ref":"refs/heads/main","TagSum":"t1:x"}}"#,
        r#"{"Version":"v2.0.0+incompatible"}"#,
        r#"{"Version":"v1.2.3","Origin":7}"#,
        r#"{"Version":"v0.0.0-20240102030405-0123456789ab","Time":"2024-01-02T03:04:05.5Z","Origin":{"Ref":"r","Hash":"h"}}"#,
    ] {
        cases.push(case(BRANCH, info));
    }
    for time in [
        "2024-01-02T03:04:05Z",
        "2024-01-02T04:04:05.9+01:00",
        "0001-01-01T00:00:00Z",
    ] {
        cases.push(case(
            PSEUDO,
            format!(r#"{{"Version":"{PSEUDO}","Time":"{time}"}}"#),
        ));
    }
    cases.push(case(PSEUDO, format!(r#"{{"Version":"{PSEUDO}"}}"#)));
    cases
}

/// A generator of numbers (splitmix64), so that a run can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn one_of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len())]
    }

    fn object(&mut self, depth: usize, names: &[&str]) -> String {
        let members: Vec<_> = (0..=self.below(4))
            .map(|_| {
                let name = self.one_of(names).to_owned();
                let space = self.one_of(&["", "", " ", "\n\t"]);
                let value = match name.to_ascii_lowercase().as_str() {
                    "origin" => self.origin(depth),
                    "time" => self.one_of(TIMES).to_owned(),
                    _ => self.one_of(TEXTS).to_owned(),
                };
                format!("{space}\"{name}\"{space}:{space}{value}")
            })
            .collect();
        format!("{{{}}}", members.join(","))
    }

    fn origin(&mut self, depth: usize) -> String {
        match self.below(6) {
            0 => self.one_of(&["null", "\"x\"", "[]", "7", "{}"]).to_owned(),
            _ if depth > 1 => "{}".to_owned(),
            _ => self.object(depth + 1, ORIGIN_NAMES),
        }
    }

    /// An answer that is right but for what a few members more, or one byte less, make of it.
    fn answer(&mut self) -> Case {
        let start = match self.below(3) {
            0 => r#"{"Version":"v1.0.0","#,
            1 => r#"{"Time":"2024-01-02T03:04:05Z","VERSION":"v1.0.0","#,
            _ => r#"{"Origin":{"VCS":"git","Ref":"a"},"version":"v1.0.0","#,
        };
        let more = self.object(0, NAMES);
        let mut info = format!("{start}{}", &more[1..]).into_bytes();
        if self.below(4) == 0 {
            let at = self.below(info.len());
            match self.below(3) {
                0 => drop(info.remove(at)),
                1 => info[at] = b"\"\\{}[]:,0x \xff"[self.below(12)],
                _ => info.truncate(at),
            }
        }
        case(VERSION, info)
    }
}

const NAMES: &[&str] = &[
    "Version",
    "version",
    "Verſion",
    "Ver\\u0073ion",
    "Versıon",
    "Time",
    "tIME",
    "Origin",
    "ORIGIN",
    "origin",
    "Name",
    "More",
];
const ORIGIN_NAMES: &[&str] = &[
    "VCS",
    "vcs",
    "VCſ",
    "URL",
    "Url",
    "Subdir",
    "ſubdir",
    "Hash",
    "hAsh",
    "TagPrefix",
    "TagSum",
    "tagſum",
    "Ref",
    "RepoSum",
    "More",
    "Version",
];
const TEXTS: &[&str] = &[
    "\"v1.0.0\"",
    "\"v1.0.0\"",
    "\"v1.0.0\"",
    "\"v1\\u002e0.0\"",
    "\"v9.9.9\"",
    "\"\"",
    "\"\\ud800\"",
    "null",
    "null",
    "7",
    "-0.5e3",
    "true",
    "[\"v1.0.0\"]",
    "{\"Version\":\"v1.0.0\"}",
];
const TIMES: &[&str] = &[
    "\"2024-01-02T03:04:05Z\"",
    "\"2024-01-02T03:04:05.25+02:00\"",
    "\"0000-01-01T00:00:00Z\"",
    "\"9999-12-31T23:59:59.999999999Z\"",
    "null",
    "\"\"",
    "\"2024-01-02\"",
    "\"2024-02-30T00:00:00Z\"",
    "\"2024-01-02T24:00:00Z\"",
    "1704164645",
    "\"2024-01-02T03:04:05Z \"",
];

fn path(index: usize) -> String {
    format!("example.com/c{index}")
}

/// What the go command makes of all of them, by module path.
fn go(cases: &[Case], proxy: &Path) -> BTreeMap<String, Result<Read, String>> {
    for (index, Case { query, info }) in cases.iter().enumerate() {
        let folder = proxy.join(path(index)).join("@v");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{query}.info")), info).unwrap();
    }
    let go = GoClient::new(&format!("file://{}", proxy.display()));
    let modules = cases.iter().enumerate();
    let modules: Vec<_> = modules
        .map(|(index, case)| format!("{}@{}", path(index), case.query))
        .collect();
    let arguments: Vec<_> = ["list", "-m", "-e", "-json"]
        .into_iter()
        .chain(modules.iter().map(String::as_str))
        .collect();
    let listed = go.run(&arguments);
    let kept = go.module_cache().join("cache/download");
    let read = values(&listed.stdout).into_iter().map(|module| {
        let text = |field: &str| module[field].as_str().unwrap_or_default().to_owned();
        let path = text("Path");
        if let Some(error) = module.get("Error") {
            return (path, Err(error["Err"].to_string()));
        }
        let (version, time) = (text("Version"), text("Time"));
        // What it keeps shows what it has read.
        let info = fs::read(kept.join(format!("{path}/@v/{version}.info")));
        let info: Value = info.map_or(Value::Null, |info| serde_json::from_slice(&info).unwrap());
        let read = Read {
            version,
            time: in_utc(Rfc3339::parse(time.as_bytes()).as_ref()),
            origin: info.get("Origin").cloned(),
        };
        (path, Ok(read))
    });
    read.collect()
}

fn in_utc(time: Option<&Rfc3339>) -> String {
    let time = time.filter(|time| !time.is_go_zero());
    time.map_or_else(String::new, Rfc3339::in_utc)
}

fn ours(index: usize, case: &Case) -> Result<Read, InfoError> {
    let module = ModulePath::parse(&path(index)).unwrap();
    let query = Query::parse(&module, case.query).unwrap();
    let resource = Resource::info(module, query).unwrap();
    let info = Info::parse_answer(&resource, &case.info)?.pinned();
    Ok(Read {
        version: info.target.version().to_string(),
        time: in_utc(info.time.as_ref()),
        origin: info
            .origin
            .map(|origin| serde_json::from_str(&origin.to_json()).unwrap()),
    })
}

/// An empty field is left out by the go command.
fn without_empty(mut read: Read) -> Read {
    if let Some(Value::Object(origin)) = &mut read.origin {
        origin.retain(|_name, value| value != "");
    }
    read
}

/// Whether only the go command takes it for a time, as one byte less can make of one: an hour of one digit, or a comma.
fn is_lenient(time: &str) -> bool {
    time.contains(',') || time.as_bytes().get(12) == Some(&b':')
}

#[expect(
    clippy::disallowed_methods,
    reason = "a run can be repeated with another seed"
)]
#[test]
fn odd_infos_are_read_as_the_go_command_reads_them() {
    let seed = std::env::var("STOA_SEED").map_or(20_240_102, |seed| seed.parse().unwrap());
    let mut random = Random(seed);
    let mut cases = written();
    cases.extend((0..MADE).map(|_| random.answer()));
    let proxy = tempfile::tempdir().unwrap();
    let read = go(&cases, proxy.path());
    assert_eq!(read.len(), cases.len(), "every text has been looked at");

    let mut taken = 0;
    for (index, case) in cases.iter().enumerate() {
        let text = String::from_utf8_lossy(&case.info);
        let (want, got) = (&read[&path(index)], ours(index, case));
        match (want, got) {
            (Ok(want), Ok(got)) => {
                taken += 1;
                assert_eq!(without_empty(got), *want, "seed {seed}: {text}");
            }
            (Err(_), Err(_)) => {}
            (Ok(_), Err(InfoError::Time(time))) if is_lenient(&time) => {}
            (want, got) => panic!("seed {seed}: {text}\ngo: {want:?}\nstoa: {got:?}"),
        }
    }
    // Both kinds are there in numbers, so that it says something that they agree.
    assert!(
        taken > 100 && cases.len() - taken > 100,
        "{taken} of {}",
        cases.len()
    );
}

/// What the go command takes and stoa does not keep: it could not be used, is about to be no longer taken, or is wrong.
#[test]
fn stoa_is_stricter_than_the_go_command_where_it_says_so() {
    let cases = [
        case(VERSION, r#"{"Version":"v1.0.0","Time":"2024-01-02T3:04:05Z"}"#),
        case(VERSION, r#"{"Version":"v1.0.0","Time":"2024-01-02T03:04:05,5Z"}"#),
        case(
            PSEUDO,
            format!(r#"{{"Version":"{PSEUDO}","Time":"2023-01-02T03:04:05Z"}}"#),
        ),
        case(BRANCH, r#"{"Version":""}"#),
        case(BRANCH, "null"),
    ];
    let proxy = tempfile::tempdir().unwrap();
    let read = go(&cases, proxy.path());
    for (index, case) in cases.iter().enumerate() {
        let text = String::from_utf8_lossy(&case.info);
        assert!(read[&path(index)].is_ok(), "{text}: {read:?}");
        let error = ours(index, case).expect_err(&text);
        let is_said = matches!(
            error,
            InfoError::Time(_) | InfoError::OtherTime { .. } | InfoError::NoVersion
        );
        assert!(is_said, "{text}: {error}");
    }
}
