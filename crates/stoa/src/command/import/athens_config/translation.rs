//! From the keys of Athens to ours.

use std::collections::BTreeSet;

use super::{
    keys::KEYS,
    output::{Output, quoted},
    settings::Settings,
    storages,
};

/// What a configuration of Athens means here.
pub(super) fn translate(settings: &Settings) -> Output {
    let mut output = Output::default();
    storages::storage(&mut output, settings);
    storages::index(&mut output, settings);
    listening(&mut output, settings);
    sources(&mut output, settings);
    modes(&mut output, settings);
    numbers(&mut output, settings);
    for (path, why) in WITHOUT {
        if settings.get(path).is_some() {
            output.note(path, why);
        }
    }
    rest(&mut output, settings);
    output
}

/// Keys that have nothing to become, and why.
const WITHOUT: &[(&str, &str)] = &[
    ("GoBinary", "needs nothing: stoa runs no go command"),
    ("GoEnv", "needs nothing"),
    (
        "GoGetDir",
        "needs nothing: stoa fetches without a GOPATH; repositories are kept in vcs.cache",
    ),
    (
        "CloudRuntime",
        "needs nothing: log.format = \"json\" is read by Google Cloud",
    ),
    ("EnablePprof", "there is nothing like it"),
    ("PprofPort", "there is nothing like it"),
    (
        "FilterFile",
        "filter files are not read in this version: send what is to be refused to nobody ([[route]] match = \"...\", upstream = \"off\")",
    ),
    ("RobotsFile", "needs nothing: stoa lets no robot in"),
    (
        "Timeout",
        "needs nothing: each phase of a fetch has a bound of its own ([fetch])",
    ),
    ("GlobalEndpoint", "needs nothing without a filter file"),
    (
        "BasicAuthUser",
        "passwords of clients are not asked for in this version: put a reverse proxy in front",
    ),
    (
        "BasicAuthPass",
        "passwords of clients are not asked for in this version: put a reverse proxy in front",
    ),
    ("HomeTemplatePath", "there is nothing like it"),
    (
        "ForceSSL",
        "there is nothing like it: have the proxy in front redirect",
    ),
    ("ValidatorHook", "hooks are not asked in this version"),
    (
        "NETRCPath",
        "passwords are named one by one: a [[credential]] with url, username and password_file for each machine",
    ),
    (
        "HGRCPath",
        "the settings of a user's Mercurial are not read: a [[credential]] for each host",
    ),
    (
        "GithubToken",
        "write it into a file, and add [[credential]] url = \"https://github.com\", username = \"git\", password_file = \"FILE\"",
    ),
    ("TraceExporter", "traces are not exported in this version"),
    ("TraceExporterURL", "traces are not exported in this version"),
    ("TraceSamplingFraction", "traces are not exported in this version"),
    (
        "StatsExporter",
        "needs nothing: /metrics is there for who has the admin token (metrics.public = true opens it); its metrics are called otherwise",
    ),
    (
        "SingleFlightType",
        "needs nothing: servers with one bucket never overwrite one another, and with a [registry] each module is fetched once, without locks",
    ),
    (
        "SingleFlight.Etcd.Endpoints",
        "for a cluster: registry.backend = \"etcd\" with these registry.endpoints, and [peer]",
    ),
    (
        "SingleFlight.Redis.Endpoint",
        "for a cluster: registry.backend = \"redis\" with this in registry.endpoints, and [peer]",
    ),
    (
        "SingleFlight.RedisSentinel.Endpoints",
        "jobs.store knows sentinels (redis+sentinel://); for a cluster name the Redis in registry.endpoints",
    ),
    ("Storage.CDN.Endpoint", "Athens does not read it either"),
    ("Storage.GCP.ProjectID", "needs nothing"),
    (
        "Storage.Mongo.DefaultCollectionName",
        "Athens' default (modules) is what is read",
    ),
    ("Storage.Mongo.CertPath", "name it in the URL: tlsCAFile"),
    (
        "Storage.Mongo.InsecureConn",
        "certificates are verified; tlsInsecure=true in the URL ends that",
    ),
    (
        "Storage.Mongo.Insecure",
        "Athens does not read it (it is InsecureConn)",
    ),
    (
        "Storage.AzureBlob.ManagedIdentityResourceId",
        "needs nothing: without a key, stoa uses the identity of the machine (AZURE_CLIENT_ID names one of several)",
    ),
    ("Storage.AzureBlob.CredentialScope", "needs nothing"),
    ("Index.MySQL.Protocol", "needs nothing: it is TCP"),
    ("Index.MySQL.Params", "needs nothing"),
    (
        "Index.Postgres.Params",
        "needs nothing; ?tls=on or ?tls=off at the end of index.store",
    ),
];

fn listening(output: &mut Output, settings: &Settings) {
    match (settings.get("UnixSocket"), settings.get("Port")) {
        (Some(socket), _) => output.set("", "listen", quoted(&format!("unix:{socket}")), "UnixSocket"),
        (None, Some(port)) => {
            let listen = if port.contains(':') {
                port.to_owned()
            } else {
                format!(":{port}")
            };
            output.set("", "listen", quoted(&listen), "Port");
        }
        // Athens listens everywhere if nobody says otherwise.
        (None, None) => output.set("", "listen", quoted(":3000"), "Port"),
    }
    if let Some(prefix) = settings.get("PathPrefix") {
        output.set("", "path_prefix", quoted(prefix), "PathPrefix");
    }
    for (path, key) in [("TLSCertFile", "cert"), ("TLSKeyFile", "key")] {
        if let Some(file) = settings.get(path) {
            output.set("tls", key, quoted(file), path);
        }
    }
}

/// `GoBinaryEnvVars`, and what belongs to checksum databases.
fn sources(output: &mut Output, settings: &Settings) {
    let path = "GoBinaryEnvVars";
    let variables = settings.get(path).unwrap_or("GOPROXY=direct");
    let mut private = Vec::new();
    // Commas part the values of an array, and stand in values; semicolons part those of the environment.
    let parts = variables.split(';').flat_map(|part| {
        let mut parts: Vec<String> = Vec::new();
        for piece in part.split(',') {
            match parts.last_mut().filter(|_| !piece.contains('=')) {
                Some(last) => {
                    last.push(',');
                    last.push_str(piece);
                }
                None => parts.push(piece.to_owned()),
            }
        }
        parts
    });
    for part in parts {
        match part.split_once('=') {
            Some(("GOPROXY", list)) => output.set("", "upstream", quoted(list), path),
            Some(("GOPRIVATE" | "GONOSUMDB" | "GONOPROXY" | "GONOSUMCHECK", modules)) => {
                private.push(modules.to_owned());
            }
            Some(("GOSUMDB", "off")) => output.set("sumdb", "verify", "false".to_owned(), path),
            Some((name, _)) => output.note(path, &format!("{name} has no meaning without a go command")),
            None => {}
        }
    }
    private.extend(settings.get("NoSumPatterns").map(str::to_owned));
    let private: BTreeSet<_> = private
        .iter()
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .filter(|glob| !glob.is_empty())
        .collect();
    if !private.is_empty() {
        let list: Vec<_> = private.into_iter().collect();
        output.set("vcs", "private", quoted(&list.join(",")), "NoSumPatterns");
    }
    if let Some(databases) = settings.get("SumDBs") {
        let names: Vec<_> = databases
            .split(',')
            .map(|url| url.trim().trim_start_matches("https://").trim_end_matches('/'))
            .collect();
        if names == ["sum.golang.org"] {
            output.note("SumDBs", "is the default");
        } else {
            output.note(
                "SumDBs",
                &format!(
                    "each needs the key that its owner publishes: [sumdb] databases for {}",
                    names.join(", ")
                ),
            );
        }
    }
}

fn modes(output: &mut Output, settings: &Settings) {
    match settings.get("NetworkMode") {
        None | Some("strict") => {}
        Some("offline") => output.set("", "network", quoted("offline"), "NetworkMode"),
        Some("fallback") => output.set("", "network", quoted("fallback"), "NetworkMode"),
        Some(other) => output.note("NetworkMode", &format!("{other:?} is none that is known")),
    }
    let path = "DownloadMode";
    let url = settings.get("DownloadURL");
    match settings.get(path) {
        None | Some("sync") => {}
        Some("async") => output.mode("*", "async", path),
        Some("none") => output.set("", "network", quoted("offline"), path),
        Some(mode @ ("redirect" | "async_redirect")) => output.note(
            path,
            &format!("{mode} is not there in this version: name {} as upstream, which clients then get through stoa", url.unwrap_or("the other proxy")),
        ),
        Some(file) if file.starts_with("file:") || file.starts_with("custom:") => output.note(
            path,
            "HCL files of modes are not read in this version: write a [[mode]] with match and mode (sync, async) for each block, in their order",
        ),
        Some(other) => output.note(path, &format!("{other:?} is none that is known")),
    }
    if url.is_some() {
        output.note("DownloadURL", "has no meaning without a mode that redirects");
    }
}

fn numbers(output: &mut Output, settings: &Settings) {
    if let Some(level) = settings.get("LogLevel") {
        let level = match level {
            "fatal" | "panic" => "error",
            "warning" => "warn",
            level => level,
        };
        output.set("log", "level", quoted(level), "LogLevel");
    }
    match settings.get("LogFormat") {
        Some("json") => output.set("log", "format", quoted("json"), "LogFormat"),
        Some(_) => output.note("LogFormat", "plain is text, the default"),
        None => {}
    }
    let number = |path: &str| {
        settings
            .get(path)
            .and_then(|text| text.parse::<u32>().ok())
            .filter(|number| *number > 0)
    };
    if let Some(workers) = number("GoGetWorkers") {
        output.set("pool", "fetches", workers.to_string(), "GoGetWorkers");
    }
    if let Some(workers) = number("ProtocolWorkers") {
        output.note("ProtocolWorkers", &format!("hits need no bound; {workers} would be pool.requests for those that wait for something to be fetched (default 4096)"));
    }
    if let Some(seconds) = number("StashTimeout") {
        output.set(
            "fetch",
            "total_timeout",
            quoted(&format!("{seconds}s")),
            "StashTimeout",
        );
    }
    if let Some(seconds) = number("ShutdownTimeout") {
        output.set(
            "drain",
            "timeout",
            quoted(&format!("{seconds}s")),
            "ShutdownTimeout",
        );
    }
}

/// What nobody has spoken of: keys of what is not in use, and keys that Athens does not have.
fn rest(output: &mut Output, settings: &Settings) {
    let mut silent = Vec::new();
    for (path, setting) in settings.all().filter(|(_, setting)| !setting.text.is_empty()) {
        let is_said = output
            .notes
            .iter()
            .any(|note| note.starts_with(&format!("{path}: ")));
        if is_said {
            continue;
        }
        let is_known = KEYS.iter().any(|key| key.path == path);
        silent.push(if is_known {
            format!("{}: needs nothing here", setting.from)
        } else {
            format!("{}: Athens has no such key", setting.from)
        });
    }
    output.notes.extend(silent);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn of(file: &str, variables: &[(&str, &str)]) -> Output {
        let variables: BTreeMap<_, _> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        translate(&Settings::read(file, &variables).expect("a configuration"))
    }

    #[test]
    fn the_environment_wins_and_every_key_is_spoken_of() {
        let file = "StorageType = \"disk\"\nPort = \":3001\"\nGoGetWorkers = 5\nNope = 1\n[Storage.Disk]\nRootPath = \"/srv/a\"\n";
        let output = of(file, &[("ATHENS_PORT", "4000"), ("ATHENS_GOGET_WORKERS", "7")]);
        let toml = output.toml();
        assert!(toml.contains("listen = \":4000\""), "{toml}");
        assert!(toml.contains("fetches = 7"), "{toml}");
        let notes = output.notes.join("\n");
        assert!(notes.contains("stoa import athens /srv/a"), "{notes}");
        assert!(notes.contains("Nope: Athens has no such key"), "{notes}");
    }

    #[test]
    fn no_secret_is_repeated() {
        let secrets = [
            ("AWS_SECRET_ACCESS_KEY", "s3"),
            ("ATHENS_AZURE_ACCOUNT_KEY", "azureblob"),
            ("ATHENS_MINIO_SECRET_ACCESS_KEY", "minio"),
            ("ATHENS_STORAGE_GCP_JSON_KEY", "gcp"),
            ("ATHENS_GITHUB_TOKEN", "memory"),
            ("BASIC_AUTH_PASS", "memory"),
        ];
        for (variable, kind) in secrets {
            let output = of("", &[(variable, "hunter2"), ("ATHENS_STORAGE_TYPE", kind)]);
            let all = output.toml() + &output.notes.join("\n");
            assert!(!all.contains("hunter2"), "{variable}: {all}");
        }
        let url = [
            ("ATHENS_MONGO_STORAGE_URL", "mongodb://u:hunter2@db/x"),
            ("ATHENS_STORAGE_TYPE", "mongo"),
        ];
        let output = of("", &url);
        let all = output.toml() + &output.notes.join("\n");
        assert!(!all.contains("hunter2"), "{all}");
        assert!(all.contains("mongodb://db/athens"), "{all}");
    }

    #[test]
    fn every_key_is_known_once_and_something_is_said_of_it() {
        let mut seen = BTreeSet::new();
        for key in KEYS {
            assert!(seen.insert(key.path), "{}", key.path);
            if key.variable.is_empty() {
                continue;
            }
            let output = of("", &[(key.variable, "1")]);
            let is_said = output.notes.iter().any(|note| {
                note.starts_with(&format!("{}: ", key.path))
                    || note.starts_with(&format!("{}: ", key.variable))
            });
            assert!(is_said, "{}: {:?}", key.path, output.notes);
        }
    }
}
