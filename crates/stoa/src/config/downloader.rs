//! The configuration file of skroutz/downloader, said in keys of ours.

use std::{fmt, fs, path::Path};

use serde_json::{Map, Value};

/// What a configuration of skroutz/downloader means here.
#[derive(Debug, Default)]
pub(crate) struct Translated {
    /// Keys of ours, with their values.
    pub(crate) values: Vec<(&'static str, String)>,
    /// What has no meaning here, in sentences.
    pub(crate) notes: Vec<String>,
}

impl Translated {
    /// Reads the file.
    ///
    /// # Errors
    /// All faults, each in a line that names the file and the key.
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        let fault = |error: &dyn fmt::Display| format!("{}: {error}", file.display());
        let text = fs::read_to_string(file).map_err(|error| fault(&error))?;
        let whole: Map<String, Value> = serde_json::from_str(&text).map_err(|error| fault(&error))?;
        let mut reading = Reading::default();
        for (name, value) in &whole {
            reading.section(name, value);
        }
        reading.redis();
        if reading.faults.is_empty() {
            return Ok(reading.translated);
        }
        let faults: Vec<_> = reading.faults.iter().map(|error| fault(error)).collect();
        Err(faults.join("\n"))
    }
}

/// Where the Redis is.
#[derive(Debug, Default)]
struct Redis {
    address: Option<String>,
    sentinels: Vec<String>,
    master: Option<String>,
}

#[derive(Debug, Default)]
struct Reading {
    translated: Translated,
    faults: Vec<String>,
    redis: Redis,
    /// Where files go if no `filestorage` says so.
    storage_dir: Option<String>,
    has_filestorage: bool,
}

impl Reading {
    fn section(&mut self, name: &str, value: &Value) {
        let Some(section) = value.as_object() else {
            self.faults.push(format!("{name}: it is no object"));
            return;
        };
        for (key, value) in section {
            self.key(&format!("{name}.{key}"), value);
        }
        if name == "processor"
            && !self.has_filestorage
            && let Some(directory) = self.storage_dir.take()
        {
            self.set("jobs.downloads", directory);
        }
    }

    fn set(&mut self, key: &'static str, value: String) {
        self.translated.values.push((key, value));
    }

    fn note(&mut self, path: &str, why: &str) {
        self.translated.notes.push(format!("{path}: {why}"));
    }

    fn text(&mut self, path: &str, value: &Value) -> Option<String> {
        let text = value.as_str().map(str::to_owned);
        if text.is_none() {
            self.faults.push(format!("{path}: it is no text"));
        }
        text.filter(|text| !text.is_empty())
    }

    fn key(&mut self, path: &str, value: &Value) {
        match path {
            "redis.addr" => self.redis.address = self.text(path, value),
            "redis.master_name" => self.redis.master = self.text(path, value),
            "redis.sentinel" => {
                let hosts = value.as_array().map(Vec::as_slice).unwrap_or_default();
                self.redis.sentinels = hosts
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect();
            }
            "api.heartbeat_path" => self.put("jobs.heartbeat_file", path, value),
            "processor.storage_dir" => self.storage_dir = self.text(path, value),
            "processor.filestorage" => self.filestorage(path, value),
            "processor.request_headers" => self.headers(path, value),
            // The sample of the origin has it in the wrong section, which does not start there.
            "processor.download_url" | "notifier.download_url" => self.put("jobs.download_url", path, value),
            "notifier.deletion_interval" => match value.as_u64().filter(|minutes| *minutes > 0) {
                Some(minutes) => self.set("jobs.delete_after", format!("{minutes}m")),
                None => self
                    .faults
                    .push(format!("{path}: it is no number of minutes above 0")),
            },
            // Counts are shown as they are, and a callback has as long as any request.
            "processor.stats_interval" | "notifier.stats_interval" | "backends.http" => {}
            "notifier.concurrency" => self.note(path, "callbacks run as jobs, jobs.workers at a time"),
            "backends.kafka" => {
                self.note(
                    path,
                    "write its settings to a file, NAME=VALUE in each line, and name it in jobs.kafka_file",
                );
            }
            _ => self
                .faults
                .push(format!("{path}: the downloader has no such key")),
        }
    }

    fn put(&mut self, key: &'static str, path: &str, value: &Value) {
        if let Some(text) = self.text(path, value) {
            self.set(key, text);
        }
    }

    fn filestorage(&mut self, path: &str, value: &Value) {
        self.has_filestorage = true;
        match (value["type"].as_str(), value["rootdir"].as_str()) {
            (Some("filesystem"), Some(directory)) => self.set("jobs.downloads", directory.to_owned()),
            (Some("filesystem"), None) => self.faults.push(format!("{path}.rootdir: it is missing")),
            (Some("s3"), _) => self.faults.push(format!(
                "{path}: downloads go to a directory here, and not to a bucket"
            )),
            _ => self
                .faults
                .push(format!("{path}.type: it is neither filesystem nor s3")),
        }
    }

    fn headers(&mut self, path: &str, value: &Value) {
        let fields = value.as_object().into_iter().flatten();
        let lines: Option<Vec<_>> = fields
            .map(|(name, value)| {
                // A line each: a value that has a line break in it would be two fields.
                let value = value.as_str().filter(|value| !value.contains(['\r', '\n']))?;
                Some(format!("{name}: {value}"))
            })
            .collect();
        match lines {
            Some(lines) if value.is_object() => self.set("jobs.headers", lines.join("\n")),
            _ => self
                .faults
                .push(format!("{path}: it is no object of texts of one line")),
        }
    }

    fn redis(&mut self) {
        let redis = std::mem::take(&mut self.redis);
        match (redis.master, redis.address) {
            (Some(master), _) if !redis.sentinels.is_empty() => {
                let hosts = redis.sentinels.join(",");
                self.set("jobs.store", format!("redis+sentinel://{hosts}/{master}"));
            }
            (_, Some(address)) => self.set("jobs.store", format!("redis://{address}")),
            _ => self.faults.push("redis.addr: it is missing".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::lab;

    fn translated(text: &str) -> Result<Translated, String> {
        Translated::read(lab::file(text).path())
    }

    #[test]
    fn a_file_of_the_origin_is_understood() {
        let read = translated(
            r#"{"redis": {"addr": "redis.example:6379"},
                "api": {"heartbeat_path": "/tmp/hb"},
                "processor": {"storage_dir": "/var/tmp/d", "filestorage": {"type": "filesystem", "rootdir": "/srv/d"},
                              "request_headers": {"User-Agent": "d/1"}, "stats_interval": 5000},
                "notifier": {"download_url": "http://files.example/", "concurrency": 10, "stats_interval": 5000,
                             "deletion_interval": 180},
                "backends": {"http": {"timeout": 30}, "kafka": {"bootstrap.servers": "k:9092"}}}"#,
        )
        .expect("a configuration");
        let want = [
            ("jobs.heartbeat_file", "/tmp/hb"),
            ("jobs.delete_after", "180m"),
            ("jobs.download_url", "http://files.example/"),
            ("jobs.downloads", "/srv/d"),
            ("jobs.headers", "User-Agent: d/1"),
            ("jobs.store", "redis://redis.example:6379"),
        ];
        let mut values = read.values;
        values.sort_unstable();
        let mut want: Vec<_> = want.map(|(key, value)| (key, value.to_owned())).into();
        want.sort_unstable();
        assert_eq!(values, want);
        assert_eq!(read.notes.len(), 2, "{:?}", read.notes);
        let sentinels = r#"{"redis": {"addr": "a:1", "sentinel": ["s1:26379", "s2"], "master_name": "main"},
                            "processor": {"storage_dir": "/d"}}"#;
        let mut values = translated(sentinels).expect("a configuration").values;
        values.sort_unstable();
        assert_eq!(
            values,
            [
                ("jobs.downloads", "/d".to_owned()),
                ("jobs.store", "redis+sentinel://s1:26379,s2/main".to_owned())
            ]
        );
    }

    #[test]
    fn all_faults_are_told_with_their_keys() {
        let error = translated(
            r#"{"redis": {}, "api": 7, "processor": {"filestorage": {"type": "s3"}, "request_headers": {"A": 1}},
                "notifier": {"deletion_interval": 0, "colour": "blue"}}"#,
        )
        .expect_err("faults");
        for want in [
            ": api: it is no object",
            ": notifier.colour: the downloader has no such key",
            ": notifier.deletion_interval: it is no number",
            ": processor.filestorage: downloads go to a directory",
            ": processor.request_headers: it is no object of texts of one line",
            ": redis.addr: it is missing",
        ] {
            assert!(error.lines().any(|line| line.contains(want)), "{want}: {error}");
        }
        assert_eq!(error.lines().count(), 6, "{error}");
        assert!(translated("{").is_err());
    }
}
