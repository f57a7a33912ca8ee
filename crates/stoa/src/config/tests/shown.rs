//! `config show` and `config init`.

use stoa_config::{
    Configuration as _,
    conformance::{uncommented, unsampled},
};

use crate::config::{Config, ConfigError, Given, lab, load, sample, show};

/// The variables that the sample names.
pub(super) const SAMPLE_VARIABLES: [(&str, &str); 1] = [("GIT_TOKEN", "t0ken")];

/// The configuration of exactly this file.
fn reload(text: &str) -> Result<Config, ConfigError> {
    let file = lab::file(text);
    load(&Given {
        file: Some(file.path().to_owned()),
        variables: SAMPLE_VARIABLES.into(),
        ..Given::default()
    })
}

/// A sample with all of its keys and tables in force. The storage is named, because its default is not a value.
pub(super) fn in_force(sample: &str) -> String {
    "storage = \"memory:\"\n".to_owned() + &uncommented(sample, &["storage"])
}

#[test]
fn what_is_shown_and_the_sample_can_be_read_again() {
    let config = load(&Given {
        data_home: Some("/d".into()),
        ..Given::default()
    })
    .expect("config");
    let again = reload(&show(&config)).expect("shown");
    assert_eq!(again.storage.url.to_string(), "file:///d/stoa");
    assert_eq!(again.vcs.cache.as_deref(), Some("/d/stoa-vcs".as_ref()));
    let config = reload(&in_force(&sample())).expect("sample");
    assert_eq!(
        (config.upstream.routes.len(), config.dispatch.rules.len()),
        (1, 1)
    );
    let shown = reload(&show(&config)).expect("shown");
    assert_eq!(
        shown.dispatch.rules[0].settings,
        config.dispatch.rules[0].settings
    );
}

#[test]
fn the_sample_of_each_table_can_be_uncommented_alone() {
    let sample = sample();
    for table in Config::tables().repeated() {
        let header = format!("#[[{}]]\n", table.name);
        let (_, rest) = sample
            .split_once(&header)
            .unwrap_or_else(|| panic!("config init has no {header}"));
        let block = rest.split("\n\n").next().expect("block");
        let text = in_force(&format!("{header}{block}"));
        let config = reload(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let read = config
            .record
            .tables
            .iter()
            .filter(|record| record.table.name == table.name);
        assert_eq!(read.count(), 1, "{text}");
    }
}

#[test]
fn the_sample_names_every_key_and_what_can_change_at_run_time() {
    let sample = sample();
    assert_eq!(unsampled(&Config::tables(), &sample), Vec::<String>::new());
    assert!(
        sample.contains("are fresh (can change at run time)\n#list_ttl = \"60s\"\n"),
        "{sample}"
    );
    assert!(
        sample.contains("# text or json\n#format = \"text\"\n"),
        "{sample}"
    );
}

#[test]
fn every_table_is_shown_with_all_of_its_keys_and_their_lines() {
    let text = "storage = \"memory:\"\n\
                [[route]]\nmatch = \"a.example\"\nupstream = \"https://b.example|direct\"\n\
                [[rewrite]]\nfrom = \"https://a.example/\"\nto = \"https://b.example/\"\n\
                [[vcs.module]]\nprefix = \"a.example/x\"\nvcs = \"hg\"\nrepo = \"https://c.example\"\n\
                [[credential]]\nmatch = \"https://a.example\"\ntoken_env = \"GIT_TOKEN\"\n\
                [[dispatch.lane]]\nmatch = \"a.example\"\nrate = \"9/s\"\nbreaker = \"observe\"\n\
                [[dispatch.lane]]\nmatch = \"*\"\nqueue = 7\n";
    let shown = show(&reload(text).expect("config"));
    for (i, line) in text.lines().enumerate() {
        let number = i + 1;
        let shown_line = shown.lines().find(|shown| {
            let origin = if line.starts_with('[') {
                String::new()
            } else {
                format!(":{number}")
            };
            let start = if origin.is_empty() {
                line.to_owned()
            } else {
                format!("{line}  # ")
            };
            shown.starts_with(&start) && shown.ends_with(&origin)
        });
        assert!(shown_line.is_some(), "line {number}: {line}\n{shown}");
    }
    assert_eq!(shown.matches("[[dispatch.lane]]").count(), 2);
    assert!(!shown.contains("t0ken"), "{shown}");
    assert!(
        shown.contains("\n[log]\n# can change at run time: level\n"),
        "{shown}"
    );
    assert!(
        shown.contains("\n[dispatch]\n# can change at run time: all but lanes\n"),
        "{shown}"
    );
    assert!(
        shown.contains("\n[[dispatch.lane]]\n# can change at run time: all\n"),
        "{shown}"
    );
}

#[test]
fn a_secret_is_hidden_and_what_hides_it_is_not_read() {
    let text = "storage = \"memory:\"\nupstream = \"https://a.example,https://bot:hunter2@b.example/x|direct\"\n\
                [[route]]\nmatch = \"a\"\nupstream = \"t0ken@c.example\"\n[sumdb]\n\
                databases = [\"sum.golang.org https://bot:hunter2@d.example\"]\n";
    let shown = show(&reload(text).expect("config"));
    for line in [
        "upstream = \"https://a.example,https://[hidden]@b.example/x|direct\"  # ",
        "upstream = \"https://[hidden]@c.example\"  # ",
        "databases = [\"sum.golang.org https://[hidden]@d.example\"]  # ",
    ] {
        assert!(
            shown.lines().any(|shown| shown.starts_with(line)),
            "{line}\n{shown}"
        );
    }
    assert!(!shown.contains("hunter2") && !shown.contains("t0ken"), "{shown}");
    let error = reload(&shown).expect_err("hidden").to_string();
    for key in ["upstream", "route.upstream", "sumdb.databases"] {
        let fault = format!(
            ": {key}: [hidden] is where `config show` left out a secret: write the secret in its place"
        );
        assert!(
            error.lines().any(|line| line.ends_with(&fault)),
            "{fault}\n{error}"
        );
    }
    assert_eq!(error.lines().count(), 3, "{error}");
    // In a value that holds no secret it is text like any other.
    assert!(reload("storage = \"memory:\"\n[dispatch]\ndeny = \"[hidden]\"\n").is_ok());
}

#[test]
fn a_line_of_what_is_shown_stays_one_line() {
    let config = load(&Given {
        file: None,
        flags: [("storage", "/a \"b\"\n\\c\u{7f}#".to_owned())].into(),
        ..Given::default()
    })
    .expect("config");
    let shown = show(&config);
    let want = "storage = \"/a \\\"b\\\"\\u000A\\\\c\\u007F#\"  # --storage";
    assert!(shown.lines().any(|line| line == want), "{shown}");
    assert_eq!(reload(&shown).expect("shown").storage.url, config.storage.url);
}
