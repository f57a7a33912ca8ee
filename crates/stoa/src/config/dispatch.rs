//! `[dispatch]` and `[[dispatch.lane]]`.

use std::time::Duration;

use stoa_dispatch::{LaneKey, LaneSettings};
use stoa_fetch::Deadlines;
use stoa_module::PatternList;

use super::{
    file::{Place, Values},
    resolve::Reader,
    values::{bound, count, deadline, duration},
};

/// What outbound requests are held to.
#[derive(Clone, Debug)]
pub(crate) struct DispatchConfig {
    /// Lanes at once.
    pub(crate) lanes: usize,
    /// Hosts that nothing is sent to.
    pub(crate) deny: PatternList,
    /// For connecting.
    pub(crate) connect_timeout: Duration,
    /// What a lane is held to that no table names.
    pub(crate) base: LaneSettings,
    /// The tables, in their order.
    pub(crate) rules: Vec<LaneRule>,
}

/// One `[[dispatch.lane]]`.
#[derive(Clone, Debug)]
pub(crate) struct LaneRule {
    pub(crate) hosts: PatternList,
    pub(crate) settings: LaneSettings,
    /// As it was written, for `config show`.
    pub(crate) written: Vec<(&'static str, String)>,
}

impl DispatchConfig {
    /// What this lane is held to: the first table that names its host, else the base.
    pub(crate) fn settings(&self, lane: &LaneKey) -> LaneSettings {
        let rule = self.rules.iter().find(|rule| names(&rule.hosts, lane.as_str()));
        rule.map_or(&self.base, |rule| &rule.settings).clone()
    }
}

/// Whether a list of host globs names a lane, with its port or without.
pub(crate) fn names(hosts: &PatternList, lane: &str) -> bool {
    let bare = lane.rsplit_once(':').map(|(host, _)| host);
    hosts.matches(lane) || bare.is_some_and(|host| hosts.matches(host))
}

/// A setting of a lane: its name, and how its text changes the settings. Each is a key `dispatch.NAME` too.
type Field = (&'static str, fn(&mut LaneSettings, &str) -> Result<(), String>);

const FIELDS: &[Field] = &[
    ("concurrency", |lane, text| {
        set(&mut lane.concurrency, text.parse())
    }),
    ("queue", |lane, text| set(&mut lane.queue, count(text))),
    ("rate", |lane, text| {
        set(
            &mut lane.rate,
            match text {
                "" => Ok(None),
                text => text.parse().map(Some),
            },
        )
    }),
    ("burst", |lane, text| {
        let burst = u32::try_from(bound(text)?)
            .ok()
            .and_then(std::num::NonZeroU32::new);
        set(
            &mut lane.burst,
            burst.ok_or_else(|| "must be more than zero".to_owned()),
        )
    }),
    ("wait", |lane, text| set(&mut lane.wait, deadline(text))),
    ("retries", |lane, text| set(&mut lane.retry.max, small(text))),
    ("retry_budget", |lane, text| {
        set(&mut lane.retry.budget, text.parse())
    }),
    ("breaker", |lane, text| set(&mut lane.breaker.mode, text.parse())),
    ("breaker_failures", |lane, text| {
        set(&mut lane.breaker.consecutive, small(text))
    }),
    ("breaker_rate", |lane, text| {
        set(&mut lane.breaker.failure_rate, text.parse())
    }),
    ("breaker_window", |lane, text| {
        set(&mut lane.breaker.window, deadline(text))
    }),
    ("breaker_min", |lane, text| {
        set(&mut lane.breaker.min_samples, small(text))
    }),
    ("breaker_open", |lane, text| {
        set(&mut lane.breaker.open, deadline(text))
    }),
    ("breaker_open_max", |lane, text| {
        set(&mut lane.breaker.open_max, deadline(text))
    }),
    ("max_sleep", |lane, text| {
        set(&mut lane.max_throttle, duration(text))
    }),
];

fn set<T>(field: &mut T, value: Result<T, String>) -> Result<(), String> {
    *field = value?;
    Ok(())
}

fn small(text: &str) -> Result<u32, String> {
    u32::try_from(count(text)?).map_err(|error| error.to_string())
}

/// Reads the section. `None` only together with a fault.
pub(super) fn read(reader: &mut Reader<'_>, deadlines: Option<&Deadlines>) -> Option<DispatchConfig> {
    let lanes = reader.value("dispatch.lanes", bound);
    let deny = reader.value("dispatch.deny", |text| Ok::<_, String>(PatternList::parse(text)));
    let mut base = LaneSettings::default();
    let mut whole = true;
    for (name, apply) in FIELDS {
        let read = reader.value(&format!("dispatch.{name}"), |text| apply(&mut base, text));
        whole &= read.is_some();
    }
    if base.breaker.open > base.breaker.open_max {
        reader.fault("dispatch.breaker_open is longer than dispatch.breaker_open_max".to_owned());
    }
    if let Some(deadlines) = deadlines {
        deadlines.apply(&mut base);
    }
    let tables = reader.take_tables("dispatch.lane");
    let rules: Vec<_> = tables
        .into_iter()
        .map(|(place, values)| rule(reader, &base, &place, values))
        .collect();
    let rules: Option<Vec<_>> = rules.into_iter().collect();
    if !whole {
        return None;
    }
    Some(DispatchConfig {
        lanes: lanes?,
        deny: deny?,
        connect_timeout: deadlines?.connect,
        base,
        rules: rules?,
    })
}

fn rule(reader: &mut Reader<'_>, base: &LaneSettings, place: &Place, values: Values) -> Option<LaneRule> {
    let mut rule = LaneRule {
        hosts: PatternList::parse(""),
        settings: base.clone(),
        written: Vec::new(),
    };
    let mut whole = true;
    for (name, value) in values {
        if name == "match" {
            rule.hosts = PatternList::parse(&value.text);
            continue;
        }
        let applied = match FIELDS.iter().find(|(field, _)| *field == name) {
            Some((field, apply)) => {
                rule.written.push((field, value.text.clone()));
                apply(&mut rule.settings, &value.text)
            }
            None => Err(format!("unknown key; a lane has match, {}", fields())),
        };
        if let Err(error) = applied {
            reader.fault(format!("{}: dispatch.lane.{name}: {error}", value.place));
            whole = false;
        }
    }
    if rule.hosts.is_empty() {
        reader.fault(format!(
            "{place}: dispatch.lane: match is missing: it names hosts, such as *.example.com"
        ));
        whole = false;
    }
    whole.then_some(rule)
}

fn fields() -> String {
    let names: Vec<_> = FIELDS.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::config::{Faults, Given, load};

    fn dispatch(toml: &str) -> Result<DispatchConfig, Faults> {
        let mut file = tempfile::NamedTempFile::new().expect("file");
        write!(file, "storage = \"memory:\"\n{toml}").expect("write");
        let given = Given {
            file: Some(file.path().to_owned()),
            ..Given::default()
        };
        load(&given).map(|config| config.dispatch)
    }

    #[test]
    fn nothing_said_is_the_library_s_own_default() {
        let config = dispatch("").expect("config");
        assert_eq!(config.base, LaneSettings::default());
        assert!(config.deny.is_empty() && config.rules.is_empty());
    }

    #[test]
    fn the_first_table_that_names_the_host_wins_and_takes_the_rest_from_the_section() {
        let config = dispatch(
            "[dispatch]\nconcurrency = 4\nrate = \"100/s\"\n\
             [[dispatch.lane]]\nmatch = \"mirror.example:8080,b.example\"\nrate = \"20/s\"\nbreaker = \"observe\"\n\
             [[dispatch.lane]]\nmatch = \"*.example\"\nconcurrency = \"auto\"\nretries = 0\n\
             [fetch]\nresponse_timeout = \"5s\"\n",
        )
        .expect("config");
        let settings = |lane: &str| config.settings(&LaneKey::named(lane).expect("lane"));
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
        let faults = dispatch(
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
}
