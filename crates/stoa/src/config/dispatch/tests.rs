//! Lanes and what they are held to.

use std::time::Duration;

use super::*;
use crate::config::lab::config;

#[test]
fn nothing_said_is_the_library_s_own_default() {
    let config = config("").expect("config");
    let (dispatch, deadlines) = (config.dispatch, config.fetch.deadlines);
    assert_eq!(dispatch.base, LaneSettings::default());
    let lane = LaneKey::named("a.example").expect("lane");
    assert_eq!(dispatch.settings(&lane, &deadlines), LaneSettings::default());
    assert!(dispatch.deny.is_empty() && dispatch.rules.is_empty());
}

#[test]
fn the_first_table_that_names_the_host_wins_and_takes_the_rest_from_the_section() {
    let config = config(
        "[dispatch]\nconcurrency = 4\nrate = \"100/s\"\n\
         [[dispatch.lane]]\nmatch = \"mirror.example:8080,b.example\"\nrate = \"20/s\"\nbreaker = \"observe\"\n\
         [[dispatch.lane]]\nmatch = \"*.example\"\nconcurrency = \"auto\"\nretries = 0\n\
         [fetch]\nresponse_timeout = \"5s\"\n",
    )
    .expect("config");
    let settings = |lane: &str| {
        let lane = LaneKey::named(lane).expect("lane");
        config.dispatch.settings(&lane, &config.fetch.deadlines)
    };
    let rate = |lane| settings(lane).rate.map(|rate| rate.to_string());
    assert_eq!(rate("mirror.example:8080").as_deref(), Some("20/s"));
    assert_eq!(rate("b.example:80").as_deref(), Some("20/s"));
    assert_eq!(rate("mirror.example").as_deref(), Some("100/s"));
    assert_eq!(settings("mirror.example").concurrency.to_string(), "auto:1-256");
    assert_eq!(settings("b.example").concurrency.to_string(), "4");
    assert_eq!(settings("a.other").attempt, Duration::from_secs(5));
    assert_eq!(settings("b.example").attempt, Duration::from_secs(5));
}

#[test]
fn faults_name_their_line_and_what_may_be_written() {
    let faults = config(
        "[dispatch]\nrate = \"fast\"\nbreaker_open = \"2m\"\n\
         [[dispatch.lane]]\nmatch = \"a\"\nspeed = 3\n[[dispatch.lane]]\nburst = 0\n",
    )
    .expect_err("faults")
    .to_string();
    for want in [
        "dispatch.rate: bad rate \"fast\"",
        "dispatch.breaker_open is longer than dispatch.breaker_open_max",
        ":7: dispatch.lane.speed: unknown key; a lane has match, concurrency, queue",
        ":9: dispatch.lane.burst: bad number",
        ":8: dispatch.lane: match is missing",
    ] {
        assert!(faults.contains(want), "{want}\n{faults}");
    }
}

#[test]
fn what_no_host_looks_like_is_no_pattern_of_hosts() {
    for (key, table) in [("deny", "[dispatch]"), ("match", "[[dispatch.lane]]")] {
        for bad in [
            "https://a.example",
            "a.example/x",
            "a.example:99999",
            "a:abc",
            "b.example,u@a.example",
        ] {
            let error = config(&format!("{table}\n{key} = \"{bad}\""))
                .expect_err(bad)
                .to_string();
            assert!(error.contains("is no host: write HOST"), "{error}");
        }
        for good in [
            "a.example",
            "*.example.com,mirror.example:8080",
            "[::1]:80",
            "[::1]",
            "10.0.0.*",
            "*:80",
            "a:*",
        ] {
            assert!(config(&format!("{table}\n{key} = \"{good}\"")).is_ok(), "{good}");
        }
    }
}
