//! From texts to a checked configuration.

use std::{convert::Infallible, fmt, path::PathBuf};

use stoa_fetch::{Deadlines, Limits, UpstreamList};
use stoa_module::{PatternList, zip::ZipLimits};
use stoa_proxy::RevalidationOptions;
use stoa_server::TlsFiles;

use super::{
    dispatch,
    file::{self, File, Place, Values},
    given::{Faults, Given, Origin, Variables},
    keys::{KEYS, Key, TABLES},
    nearest::nearest,
    resolved::{Config, RouteConfig},
    sumdb,
    values::{ByteSize, boolean, bound, deadline, duration, log_format, log_level, network},
    vcs,
};

/// The public Go module proxy; what it does not have comes from its repository. The same default as the go command.
const DEFAULT_UPSTREAM: &str = "https://proxy.golang.org,direct";

/// Reads and checks everything, and reports all faults at once.
pub(crate) fn load(given: &Given) -> Result<Config, Faults> {
    let file = given.file.as_deref().map(file::read).unwrap_or_default();
    let mut reader = Reader {
        given,
        file,
        origins: Vec::new(),
        faults: Vec::new(),
    };
    reader.faults.append(&mut reader.file.faults);
    reader.unknown_keys();
    let warnings = reader.unknown_variables();
    let config = reader.config(warnings);
    match config {
        Some(config) if reader.faults.is_empty() => Ok(Config {
            origins: reader.origins,
            ..config
        }),
        _ => Err(Faults(reader.faults)),
    }
}

pub(super) struct Reader<'a> {
    given: &'a Given,
    file: File,
    origins: Vec<(&'static Key, String, Origin)>,
    faults: Vec<String>,
}

impl Reader<'_> {
    /// `None` only together with a fault.
    fn config(&mut self, warnings: Vec<String>) -> Option<Config> {
        // All keys are read before the first `?`, so that one fault hides no other.
        let listen = self.value("listen", str::parse);
        let storage = self.storage();
        let upstream = self.upstream("upstream");
        let routes = self.routes();
        let network = self.value("network", network);
        let prefix = self.value("path_prefix", str::parse);
        let tls = self.tls();
        let revalidation = self.revalidation();
        let memory = self.value("cache.memory", str::parse::<ByteSize>);
        let (requests, fetches) = (
            self.value("pool.requests", bound),
            self.value("pool.fetches", bound),
        );
        let connections = self.value("pool.connections", bound);
        let deadlines = self.deadlines();
        let dispatch = dispatch::read(self, deadlines.as_ref());
        let vcs = vcs::read(self);
        let sumdb = sumdb::read(self);
        let max_zip = self.value("fetch.max_zip", str::parse::<ByteSize>);
        let (drain_notice, drain_timeout) = (
            self.value("drain.notice", duration),
            self.value("drain.timeout", duration),
        );
        let (log_format, log_level) = (
            self.value("log.format", log_format),
            self.value("log.level", log_level),
        );
        let access_log = self.value("log.access", boolean);
        let admin_token = self.path("admin.token_file");
        let max_zip = max_zip?.0;
        Some(Config {
            listen: listen?,
            storage: storage?,
            upstream: upstream?,
            routes: routes?,
            network: network?,
            prefix: prefix?,
            tls,
            revalidation: revalidation?,
            memory: memory?.0,
            requests: requests?,
            fetches: fetches?,
            connections: connections?,
            dispatch: dispatch?,
            vcs: vcs?,
            sumdb: sumdb?,
            total: deadlines?.total,
            proxy_hosts: self.given.variables.proxy_hosts(),
            limits: Limits {
                zip: max_zip,
                ..Limits::default()
            },
            zip_limits: ZipLimits {
                archive_bytes: max_zip,
                uncompressed_bytes: max_zip,
                ..ZipLimits::default()
            },
            drain_notice: drain_notice?,
            drain_timeout: drain_timeout?,
            log_format: log_format?,
            log_level: log_level?,
            access_log: access_log?,
            admin_token,
            origins: Vec::new(),
            warnings,
        })
    }

    /// The text of a key and where it came from.
    fn text(&self, key: &Key) -> (String, Origin) {
        if let Some(text) = self.given.flags.get(key.name) {
            return (text.clone(), Origin::Flag(format!("--{}", key.name)));
        }
        let variable = key.variable();
        if let Some(text) = self.given.environment.get(&variable) {
            return (text.clone(), Origin::Environment(variable));
        }
        match self.file.values.get(key.name) {
            Some(written) => (written.text.clone(), Origin::File(written.place.clone())),
            None => (key.default.to_owned(), Origin::Default),
        }
    }

    /// Reads one key with `parse`. The text is remembered for `config show`.
    pub(super) fn value<T, E: fmt::Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let key = KEYS.iter().find(|key| key.name == name)?;
        let (text, origin) = self.text(key);
        let value = parse(&text);
        let value = value
            .map_err(|error| self.faults.push(format!("{origin}: {name}: {error}")))
            .ok();
        self.origins.push((key, text, origin));
        value
    }

    /// Shows this text, in place of the one that was written, for the key that was read last.
    pub(super) fn show_as(&mut self, shown: String) {
        if let Some((_, text, _)) = self.origins.last_mut() {
            *text = shown;
        }
    }

    /// One more fault.
    pub(super) fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// Where programs keep their data.
    pub(super) fn data_home(&self) -> Option<PathBuf> {
        self.given.data_home.clone()
    }

    /// The whole environment.
    pub(super) fn variables(&self) -> &Variables {
        &self.given.variables
    }

    /// The tables of this name.
    pub(super) fn take_tables(&mut self, name: &str) -> Vec<(Place, Values)> {
        self.file.tables.remove(name).unwrap_or_default()
    }

    fn storage(&mut self) -> Option<String> {
        let home = self.given.data_home.clone();
        let value = self.value("storage", |text| match (text, home) {
            ("", Some(home)) => Ok(format!("file://{}", home.join("stoa").display())),
            ("", None) => Err("HOME is not set: name a directory, such as file:///var/lib/stoa"),
            (text, _) => Ok(text.to_owned()),
        })?;
        if let Some((_, text, _)) = self.origins.last_mut() {
            text.clone_from(&value);
        }
        Some(value)
    }

    fn upstream(&mut self, name: &str) -> Option<UpstreamList> {
        let list = self.value(name, |text| match text {
            "" => DEFAULT_UPSTREAM.parse::<UpstreamList>(),
            text => text.parse(),
        });
        if let Some((_, text, _)) = self.origins.last_mut() {
            // What was written may hold a password; what was understood does not show it.
            *text = list.as_ref().map(ToString::to_string).unwrap_or_default();
        }
        list
    }

    /// A file; `None` if none is named.
    fn path(&mut self, name: &str) -> Option<PathBuf> {
        self.value(name, |text| Ok::<_, Infallible>(PathBuf::from(text)))
            .filter(|path| !path.as_os_str().is_empty())
    }

    fn tls(&mut self) -> Option<TlsFiles> {
        match (self.path("tls.cert"), self.path("tls.key")) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert, key }),
            (None, None) => None,
            _ => {
                self.faults
                    .push("tls.cert and tls.key must be set together".to_owned());
                None
            }
        }
    }

    fn revalidation(&mut self) -> Option<RevalidationOptions> {
        let list_ttl = self.value("cache.list_ttl", duration);
        let stale_ttl = self.value("cache.stale_ttl", duration);
        let negative_ttl = self.value("cache.negative_ttl", duration);
        let capacity = self.value("cache.answers", str::parse::<ByteSize>);
        Some(RevalidationOptions {
            list_ttl: list_ttl?,
            stale_ttl: stale_ttl?,
            negative_ttl: negative_ttl?,
            capacity: capacity?.0,
        })
    }

    fn deadlines(&mut self) -> Option<Deadlines> {
        let connect = self.value("fetch.connect_timeout", deadline);
        let response = self.value("fetch.response_timeout", deadline);
        let idle = self.value("fetch.idle_timeout", deadline);
        let total = self.value("fetch.total_timeout", deadline);
        Some(Deadlines {
            connect: connect?,
            response: response?,
            idle: idle?,
            total: total?,
        })
    }

    fn routes(&mut self) -> Option<Vec<RouteConfig>> {
        let tables = self.take_tables("route");
        let routes: Vec<_> = tables
            .into_iter()
            .map(|(place, values)| self.route(&place, values))
            .collect();
        routes.into_iter().collect()
    }

    fn route(&mut self, place: &Place, mut values: Values) -> Option<RouteConfig> {
        let mut take = |name: &str| {
            let value = values.remove(name);
            if value.is_none() {
                self.faults.push(format!("{place}: route: {name} is missing"));
            }
            value
        };
        let (patterns, upstream) = (take("match"), take("upstream"));
        for (name, written) in values {
            self.faults.push(format!(
                "{}: route.{name}: unknown key; a route has match and upstream",
                written.place
            ));
        }
        let (patterns, upstream) = (patterns?, upstream?);
        if patterns.text.trim().is_empty() {
            self.faults
                .push(format!("{}: route.match: must name a pattern", patterns.place));
        }
        let list = upstream.text.parse::<UpstreamList>();
        let list = list.map_err(|error| {
            self.faults
                .push(format!("{}: route.upstream: {error}", upstream.place));
        });
        Some(RouteConfig {
            patterns: PatternList::parse(&patterns.text),
            upstream: list.ok()?,
        })
    }

    fn unknown_keys(&mut self) {
        let known = |name: &str| KEYS.iter().any(|key| key.name == name);
        let values = self.file.values.iter().filter(|(name, _)| !known(name));
        let values = values.map(|(name, written)| (&written.place, name, format!("key {name}")));
        let tables = self.file.tables.iter();
        let tables = tables.filter(|(name, _)| !TABLES.contains(&name.as_str()));
        let tables =
            tables.filter_map(|(name, tables)| Some((&tables.first()?.0, name, format!("table [[{name}]]"))));
        for (place, name, what) in values.chain(tables) {
            let hint = nearest(name)
                .map(|near| format!("; did you mean {near}?"))
                .unwrap_or_default();
            self.faults.push(format!("{place}: unknown {what}{hint}"));
        }
    }

    /// Other programs may use names that begin alike, so an unknown variable is only worth a warning.
    fn unknown_variables(&self) -> Vec<String> {
        let known = |name: &str| name == "STOA_CONFIG" || KEYS.iter().any(|key| key.variable() == name);
        let secrets = self.file.tables.get("credential").into_iter().flatten();
        let secrets = secrets.flat_map(|(_, values)| [values.get("password_env"), values.get("token_env")]);
        let secrets: Vec<&str> = secrets.flatten().map(|written| written.text.as_str()).collect();
        let unknown = self.given.environment.keys();
        let unknown = unknown.filter(|name| !known(name) && !secrets.contains(&name.as_str()));
        unknown
            .map(|name| format!("the environment variable {name} names no key and is ignored"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn given(toml: &str) -> (Given, tempfile::NamedTempFile) {
        let mut file = tempfile::NamedTempFile::new().expect("file");
        file.write_all(toml.as_bytes()).expect("write");
        let data_home = Some(PathBuf::from("/home/u/.local/share"));
        (
            Given {
                file: Some(file.path().to_owned()),
                data_home,
                ..Given::default()
            },
            file,
        )
    }

    fn faults(toml: &str) -> Vec<String> {
        let (given, file) = given(toml);
        let prefix = format!("{}:", file.path().display());
        load(&given)
            .expect_err("faults")
            .0
            .into_iter()
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
        assert_eq!(config.storage, "file:///d/stoa");
        assert_eq!(config.listen.to_string(), "127.0.0.1:3000");
        assert_eq!(
            config.origins.len(),
            KEYS.len(),
            "every key of the table is read, once"
        );
        assert_eq!(config.revalidation, RevalidationOptions::default());
        assert_eq!(config.total, Deadlines::default().total);
        assert_eq!(config.limits, Limits::default());
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() {
        let (mut given, _file) = given("[pool]\nfetches = 2\nrequests = 2\nconnections = 2\n");
        given.environment = [("STOA_POOL_FETCHES", "3"), ("STOA_POOL_REQUESTS", "3")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        given.flags = [("pool.fetches", "4".to_owned())].into();
        let config = load(&given).expect("config");
        assert_eq!((config.fetches, config.requests, config.connections), (4, 3, 2));
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
}
