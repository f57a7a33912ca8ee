//! `[dispatch]` and `[[dispatch.lane]]`.

#[cfg(test)]
mod tests;

use std::num::NonZeroU32;

use stoa_config::{
    Key, Occurrence, Reader, Repeated, Section, Table, Variables,
    values::{bound, count, deadline, duration},
};
use stoa_dispatch::{LaneKey, LaneSettings};
use stoa_fetch::Deadlines;
use stoa_module::PatternList;
use url::Url;

use super::values::hosts;

/// A setting of a lane: a key of `[dispatch]` and of `[[dispatch.lane]]`, and how its text changes the settings.
struct LaneSetting {
    key: Key,
    apply: fn(&mut LaneSettings, &str) -> Result<(), String>,
}

const fn setting(
    name: &'static str,
    default: &'static str,
    help: &'static str,
    apply: fn(&mut LaneSettings, &str) -> Result<(), String>,
) -> LaneSetting {
    let key = Key::new(name, default, help).at_run_time();
    LaneSetting { key, apply }
}

const RATE: LaneSetting = setting(
    "rate",
    "",
    "requests to one host per time, such as 20/s or 600/m; empty for no limit",
    |lane, text| {
        let rate = Some(text).filter(|text| !text.is_empty());
        set(&mut lane.rate, rate.map(str::parse).transpose())
    },
);
const BURST: LaneSetting = setting(
    "burst",
    "1",
    "requests that may start at once after a pause, where there is a rate",
    |lane, text| {
        let burst = u32::try_from(bound(text)?).ok().and_then(NonZeroU32::new);
        set(
            &mut lane.burst,
            burst.ok_or_else(|| "must be more than zero".to_owned()),
        )
    },
);

const SETTINGS: [LaneSetting; 16] = [
    setting(
        "concurrency",
        "20",
        "requests to one host at once: a number, auto, or auto:2-64; modules of one host have three quarters of them at most",
        |lane, text| set(&mut lane.concurrency, text.parse()),
    ),
    setting(
        "queue",
        "256",
        "requests that may wait for a permit of one host; more are refused with 503",
        |lane, text| set(&mut lane.queue, count(text)),
    ),
    RATE,
    BURST,
    setting(
        "wait",
        "30s",
        "the longest wait for a permit, for the rate, or for a host that asked for a pause",
        |lane, text| set(&mut lane.wait, deadline(text)),
    ),
    setting(
        "abandoned",
        "5s",
        "how long a request that no client waits for any more may still wait for the head of its answer",
        |lane, text| set(&mut lane.abandoned, deadline(text)),
    ),
    setting(
        "retries",
        "2",
        "retries of a request that found no connection, or a 502, 503 or 504; 0 for none",
        |lane, text| set(&mut lane.retry.max, small(text)),
    ),
    setting(
        "retry_budget",
        "20%",
        "retries that one host gets at most, as a share of its requests, and one a second",
        |lane, text| set(&mut lane.retry.budget, text.parse()),
    ),
    setting(
        "breaker",
        "active",
        "active; observe: report only; disabled; forced_open: refuse everything",
        |lane, text| set(&mut lane.breaker.mode, text.parse()),
    ),
    setting(
        "breaker_failures",
        "10",
        "failures in a row after which a host is not asked for a while; 0 for never",
        |lane, text| set(&mut lane.breaker.consecutive, small(text)),
    ),
    setting(
        "breaker_rate",
        "50%",
        "share of failures after which a host is not asked for a while; 0% for never",
        |lane, text| set(&mut lane.breaker.failure_rate, text.parse()),
    ),
    setting(
        "breaker_window",
        "30s",
        "the time over which that share is taken",
        |lane, text| set(&mut lane.breaker.window, deadline(text)),
    ),
    setting(
        "breaker_min",
        "20",
        "requests in that time before the share counts",
        |lane, text| set(&mut lane.breaker.min_samples, small(text)),
    ),
    setting(
        "breaker_open",
        "1s",
        "how long a failing host is not asked at first; doubles with each failed probe",
        |lane, text| set(&mut lane.breaker.open, deadline(text)),
    ),
    setting("breaker_open_max", "60s", "how long at most", |lane, text| {
        set(&mut lane.breaker.open_max, deadline(text))
    }),
    setting(
        "max_throttle",
        "2m",
        "the longest pause that a host gets with Retry-After and the like; then one request tries whether it still wants it",
        |lane, text| set(&mut lane.max_throttle, duration(text)),
    ),
];

const SETTING_KEYS: [Key; SETTINGS.len()] = {
    let mut keys = [SETTINGS[0].key; SETTINGS.len()];
    let mut i = 1;
    while i < keys.len() {
        keys[i] = SETTINGS[i].key;
        i += 1;
    }
    keys
};

const LANES: Key = Key::new(
    "lanes",
    "512",
    "hosts kept track of at once that the configuration does not name; the one idle for the longest time makes room",
);
const DENY: Key = Key::new(
    "deny",
    "",
    "hosts that nothing is ever sent to: comma-separated globs, such as *.example.com",
)
.at_run_time();

const DISPATCH: Table = Table::once("dispatch", &[LANES, DENY]).sharing(&SETTING_KEYS);

const MATCH: Key = Key::required(
    "match",
    "hosts, with their port or without: comma-separated globs",
)
.at_run_time();

const LANE: Table = Table::repeated(
    "dispatch.lane",
    Repeated {
        noun: "a lane",
        help: "hosts that are held to something else; the first match wins; the rest is as in [dispatch]",
        sample: &[
            (MATCH, "*.example.com,mirror.example:8080"),
            (RATE.key, "200/s"),
            (BURST.key, "50"),
        ],
    },
    &[MATCH],
)
.sharing(&SETTING_KEYS);

/// What outbound requests are held to.
#[derive(Clone, Debug)]
pub(crate) struct DispatchConfig {
    /// Lanes at once.
    pub(crate) lanes: usize,
    /// Hosts that nothing is sent to.
    pub(crate) deny: PatternList,
    /// The settings of a lane that no table names, but for its deadlines.
    pub(crate) base: LaneSettings,
    /// The tables, in their order.
    pub(crate) rules: Vec<LaneRule>,
    /// The hosts of the proxies that the environment names for outbound HTTP.
    pub(crate) proxy_hosts: Vec<String>,
}

/// One `[[dispatch.lane]]`.
#[derive(Clone, Debug)]
pub(crate) struct LaneRule {
    pub(crate) hosts: PatternList,
    pub(crate) settings: LaneSettings,
}

impl DispatchConfig {
    /// The settings of this lane: those of the first table that names its host, else the base; with the deadlines of
    /// `[fetch]`.
    pub(crate) fn settings(&self, lane: &LaneKey, deadlines: &Deadlines) -> LaneSettings {
        let rule = self.rules.iter().find(|rule| names(&rule.hosts, lane.as_str()));
        let mut settings = rule.map_or(&self.base, |rule| &rule.settings).clone();
        deadlines.apply(&mut settings);
        settings
    }

    /// Whether a rule is about this very lane, and not about hosts that it looks like.
    pub(crate) fn names(&self, lane: &LaneKey) -> bool {
        let is_named = |host: &str| host.trim() == lane.as_str();
        let mut rules = self.rules.iter();
        rules.any(|rule| rule.hosts.to_string().split(',').any(is_named))
    }
}

/// Whether a list of host globs names a lane, with its port or without.
pub(crate) fn names(hosts: &PatternList, lane: &str) -> bool {
    let bare = lane.rsplit_once(':').map(|(host, _)| host);
    hosts.matches(lane) || bare.is_some_and(|host| hosts.matches(host))
}

impl Section for DispatchConfig {
    const TABLES: &'static [Table] = &[DISPATCH, LANE];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut dispatch = reader.once(&DISPATCH);
        let lanes = dispatch.value(&LANES, bound);
        let deny = dispatch.value(&DENY, hosts);
        let base = settings(&mut dispatch, &LaneSettings::default());
        if base.breaker.open > base.breaker.open_max {
            dispatch.fault("dispatch.breaker_open is longer than dispatch.breaker_open_max");
        }
        let rules = reader.each(&LANE, |lane| {
            let hosts = lane.value(&MATCH, hosts);
            let settings = settings(lane, &base);
            Some(LaneRule {
                hosts: hosts?,
                settings,
            })
        });
        Some(Self {
            lanes: lanes?,
            deny: deny?,
            base,
            rules: rules?,
            proxy_hosts: proxy_hosts(&reader.given().variables),
        })
    }
}

/// The hosts of the proxies for outbound HTTP.
fn proxy_hosts(variables: &Variables) -> Vec<String> {
    let names = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"];
    let names = names
        .into_iter()
        .flat_map(|name| [name.to_owned(), name.to_lowercase()]);
    let host = |name: String| {
        let value = variables.get(&name)?;
        let url = if value.contains("://") {
            Url::parse(value)
        } else {
            Url::parse(&format!("http://{value}"))
        };
        url.ok()?.host_str().map(str::to_owned)
    };
    names.filter_map(host).collect()
}

/// The settings of a lane: those of `base`, but for the keys that are written.
fn settings(table: &mut Occurrence<'_, '_>, base: &LaneSettings) -> LaneSettings {
    let mut settings = base.clone();
    for setting in &SETTINGS {
        let _fault_or_absent = table.value(&setting.key, |text| (setting.apply)(&mut settings, text));
    }
    settings
}

fn set<T>(field: &mut T, value: Result<T, String>) -> Result<(), String> {
    *field = value?;
    Ok(())
}

fn small(text: &str) -> Result<u32, String> {
    u32::try_from(count(text)?).map_err(|error| error.to_string())
}
