//! `[[aggregation]]`.

use std::{collections::BTreeMap, fs, num::NonZeroU32, path::Path};

use stoa_config::{
    HIDDEN, Key, Occurrence, Reader, Repeated, Table,
    values::{boolean, path},
};
use stoa_dispatch::{Via, ViaError};
use stoa_jobs::{AggregationKey, AggregationSettings, Limits, Rate};
use stoa_module::PatternList;

use super::{headers::Headers, private_file::private_file};

const MATCH: Key = Key::required(
    "match",
    "aggregations, as NAME or KIND/NAME: comma-separated globs; the first match wins",
);
const CONCURRENCY: Key = Key::new(
    "concurrency",
    "4",
    "how many of its jobs run at a time, on all servers together",
);
const RATE: Key = Key::new(
    "rate",
    "",
    "how many of its jobs start in a time, such as 20/s or 600/m",
);
const WEIGHT: Key = Key::new(
    "weight",
    "1",
    "its part of what all aggregations share: one of 3 starts three jobs while one of 1 starts one",
);
const PAUSED: Key = Key::new("paused", "false", "whether none of its jobs starts");
const PROXY: Key = Key::new("proxy", "", "URL of the proxy that its downloads pass").secret();
const HEADERS_FILE: Key = Key::new(
    "headers_file",
    "",
    "file with header fields, one in a line, of its downloads from the host that it is named after",
);

pub(super) const AGGREGATION: Table = Table::repeated(
    "aggregation",
    Repeated {
        noun: "an aggregation",
        help: "with which limits aggregations of jobs begin",
        sample: &[(MATCH, "*.example.com"), (CONCURRENCY, "8"), (RATE, "20/s")],
    },
    &[MATCH, CONCURRENCY, RATE, WEIGHT, PAUSED, PROXY, HEADERS_FILE],
);

/// With which limits aggregations begin.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConfiguredLimits(Vec<(PatternList, AggregationSettings)>);

impl ConfiguredLimits {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.each(&AGGREGATION, read).map(Self)
    }

    /// The hosts of the proxies that the operator has chosen.
    pub(crate) fn proxy_hosts(&self) -> impl Iterator<Item = String> {
        let proxies = self
            .0
            .iter()
            .filter_map(|(_, settings)| settings.proxy.as_deref());
        proxies.filter_map(|proxy| Some(proxy.parse::<Via>().ok()?.host().to_owned()))
    }
}

impl Limits for ConfiguredLimits {
    fn of(&self, key: &AggregationKey) -> Option<AggregationSettings> {
        let whole = key.to_string();
        let found = self
            .0
            .iter()
            .find(|(patterns, _)| patterns.matches(&whole) || patterns.matches(key.name()));
        found.map(|(_, settings)| settings.clone())
    }
}

fn read(table: &mut Occurrence<'_, '_>) -> Option<(PatternList, AggregationSettings)> {
    let patterns = table.value(&MATCH, |text| Ok::<_, String>(PatternList::parse(text)));
    let concurrency = table.value(&CONCURRENCY, str::parse::<NonZeroU32>);
    let rate = table.value(&RATE, |text| match text {
        "" => Ok(None),
        text => text.parse::<Rate>().map(Some),
    });
    let weight = table.value(&WEIGHT, str::parse::<NonZeroU32>);
    let paused = table.value(&PAUSED, boolean);
    let proxy = table.value_shown(&PROXY, proxy, |proxy, text| match proxy {
        Some((via, _)) if text.contains('@') => {
            let shown = via.to_string();
            let (scheme, rest) = shown.split_once("://").unwrap_or_default();
            format!("{scheme}://{HIDDEN}@{rest}")
        }
        _ => text.to_owned(),
    });
    let headers = table.value(&HEADERS_FILE, |text| {
        let file = path(text).map_err(|error| error.to_string())?;
        file.as_deref().map_or_else(|| Ok(BTreeMap::new()), headers)
    });
    Some((
        patterns?,
        AggregationSettings {
            concurrency: concurrency?,
            rate: rate?,
            weight: weight?,
            paused: paused?,
            proxy: proxy?.map(|(_, url)| url),
            headers: headers?,
            ..AggregationSettings::default()
        },
    ))
}

/// A proxy, and its URL with what may be a password.
fn proxy(text: &str) -> Result<Option<(Via, String)>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let via: Via = text.parse().map_err(|error: ViaError| error.to_string())?;
    Ok(Some((via, text.to_owned())))
}

/// The header fields of a file.
fn headers(file: &Path) -> Result<BTreeMap<String, String>, String> {
    private_file(file)?;
    let fault = |what: String| format!("{}: {what}", file.display());
    let text = fs::read_to_string(file).map_err(|error| fault(error.to_string()))?;
    let headers: Headers = text.parse().map_err(fault)?;
    Ok(headers.fields)
}
