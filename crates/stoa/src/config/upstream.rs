//! `upstream`, `network` and `[[route]]`.

use stoa_config::{Key, Occurrence, Reader, Repeated, Section, Table};
use stoa_fetch::{Entry, Fallback, UpstreamList};
use stoa_module::PatternList;
use stoa_proxy::NetworkMode;

use super::values::{hide, modules};

/// The public Go module proxy; what it does not have comes from its repository. The same default as the go command.
const DEFAULT_UPSTREAM: &str = "https://proxy.golang.org,direct";

const UPSTREAM: Key = Key::new(
    "upstream",
    "",
    "where modules come from, in GOPROXY syntax; default: the public Go module proxy, then direct",
)
.secret()
.at_run_time();
const NETWORK: Key = Key::new(
    "network",
    "online",
    "online; fallback: answer from storage when upstream fails; offline: never ask upstream",
);

const SOURCES: Table = Table::once("", &[UPSTREAM, NETWORK]);

const ROUTE_MATCH: Key =
    Key::required("match", "module paths: comma-separated globs, as in GOPRIVATE").at_run_time();
const ROUTE_UPSTREAM: Key = Key::required("upstream", "where they come from, in GOPROXY syntax")
    .secret()
    .at_run_time();

const ROUTE: Table = Table::repeated(
    "route",
    Repeated {
        noun: "a route",
        help: "modules that match come from elsewhere; the first match wins",
        sample: &[
            (ROUTE_MATCH, "corp.example/*,git.corp.example"),
            (ROUTE_UPSTREAM, "https://goproxy.corp.example"),
        ],
    },
    &[ROUTE_MATCH, ROUTE_UPSTREAM],
);

/// Where modules come from.
#[derive(Clone, Debug)]
pub(crate) struct UpstreamConfig {
    pub(crate) list: UpstreamList,
    pub(crate) network: NetworkMode,
    pub(crate) routes: Vec<RouteConfig>,
}

/// One `[[route]]`.
#[derive(Clone, Debug)]
pub(crate) struct RouteConfig {
    pub(crate) patterns: PatternList,
    pub(crate) upstream: UpstreamList,
}

impl Section for UpstreamConfig {
    const TABLES: &'static [Table] = &[SOURCES, ROUTE];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let routes = reader.each(&ROUTE, route);
        let mut sources = reader.once(&SOURCES);
        let list = sources.value_shown(&UPSTREAM, |text| or_default(text).parse(), shown);
        let network = sources.value(&NETWORK, network);
        Some(Self {
            list: list?,
            network: network?,
            routes: routes?,
        })
    }
}

fn route(route: &mut Occurrence<'_, '_>) -> Option<RouteConfig> {
    let patterns = route.value(&ROUTE_MATCH, modules);
    let upstream = route.value_shown(&ROUTE_UPSTREAM, str::parse, shown);
    Some(RouteConfig {
        patterns: patterns?,
        upstream: upstream?,
    })
}

fn or_default(text: &str) -> &str {
    match text {
        "" => DEFAULT_UPSTREAM,
        text => text,
    }
}

/// A list as it was written, unless it has a user and password.
fn shown(list: &UpstreamList, text: &str) -> String {
    let is_secret = |entry: &Entry| matches!(entry, Entry::Server(base) if base.has_credentials());
    if !list.entries().iter().any(|(entry, _)| is_secret(entry)) {
        return or_default(text).to_owned();
    }
    let separator = |fallback: &Fallback| if *fallback == Fallback::Any { "|" } else { "," };
    let shown = list.entries().iter().map(|(entry, fallback)| {
        let text = match entry {
            Entry::Server(base) => hide(base),
            Entry::File(root) => format!("file://{}", root.display()),
            Entry::Registered(service) => format!("registry:{service}"),
            Entry::Direct => "direct".to_owned(),
            Entry::Off => "off".to_owned(),
        };
        text + separator(fallback)
    });
    let shown: String = shown.collect();
    shown.trim_end_matches([',', '|']).to_owned()
}

fn network(text: &str) -> Result<NetworkMode, String> {
    match text {
        "online" => Ok(NetworkMode::Online),
        "fallback" => Ok(NetworkMode::Fallback),
        "offline" => Ok(NetworkMode::Offline),
        _ => Err(format!(
            "bad network mode {text:?}: write online, fallback or offline"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_mode_names_the_good_ones() {
        let error = network("Offline").expect_err("case");
        assert!(error.contains("online, fallback or offline"), "{error}");
    }
}
