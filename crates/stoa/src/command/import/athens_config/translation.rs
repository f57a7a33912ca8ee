//! From the keys of Athens to ours.

use std::collections::BTreeSet;

use super::{
    keys::KEYS,
    output::{Output, quoted},
    settings::Settings,
    storages,
    without::WITHOUT,
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
mod tests;
