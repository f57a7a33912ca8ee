//! What `.info` says of a version.

use std::time::SystemTime;

use serde::Deserialize;

use crate::{CheckError, ModulePath, ModuleVersion, Origin, Timestamp, Version, VersionError, json::Object};

/// A version, when its commit was made and where it comes from: `.info`, `@latest` and queries (`RevInfo` of cmd/go).
///
/// [`Info::to_json`] writes what stoa makes itself. What another source sent is kept as it came and only read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The version that the question resolves to.
    pub target: ModuleVersion,
    /// The commit time, RFC 3339, as the source wrote it.
    pub time: Option<String>,
    /// Where it comes from, if that is told in a form that can be read.
    pub origin: Option<Origin>,
}

/// Why a text is no [`Info`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InfoError {
    /// It is no JSON of a version.
    #[error("not the JSON of a version: {0}")]
    Json(String),
    /// Its version is not canonical.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// Its version is not possible for the module path.
    #[error(transparent)]
    Check(#[from] CheckError),
}

#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "Version")]
    version: String,
    #[serde(rename = "Time")]
    time: Option<String>,
}

/// Only the origin, so that one that cannot be read does not make an unreadable version of the whole.
#[derive(Deserialize)]
struct RawOrigin {
    #[serde(rename = "Origin")]
    origin: Option<Origin>,
}

impl Info {
    /// The version `target`, whose commit was made at `time`.
    pub fn new(target: ModuleVersion, time: SystemTime, origin: Origin) -> Self {
        Self {
            target,
            time: Some(rfc3339(time)),
            origin: Some(origin),
        }
    }

    /// Reads the `.info` of a version of `path`: JSON with a canonical version that is possible for the path. Fields that
    /// it does not know mean nothing, and neither does an origin that it cannot read.
    ///
    /// # Errors
    ///
    /// One line that says what is wrong with it.
    pub fn parse(path: &ModulePath, json: &[u8]) -> Result<Self, InfoError> {
        let raw: Raw = serde_json::from_slice(json).map_err(|error| InfoError::Json(error.to_string()))?;
        let version = Version::parse(&raw.version)?;
        Ok(Self {
            target: ModuleVersion::new(path.clone(), version)?,
            time: raw.time,
            origin: serde_json::from_slice(json)
                .ok()
                .and_then(|raw: RawOrigin| raw.origin),
        })
    }

    /// This answer without what may change while the version stays: sums over tags and refs, and for pseudo-versions
    /// the ref. That is what the go command keeps in its module cache, and what a version is stored with.
    #[must_use]
    pub fn pinned(mut self) -> Self {
        let version = self.target.version();
        self.origin = self.origin.map(|origin| origin.pinned(version));
        self
    }

    /// The JSON of Go's encoder: `Version`, `Time` as it is, `Origin`.
    pub fn to_json(&self) -> String {
        let mut json = Object::new();
        json.text("Version", self.target.version().as_str());
        if let Some(time) = &self.time {
            json.text("Time", time);
        }
        if let Some(origin) = &self.origin {
            json.json("Origin", &origin.to_json());
        }
        json.finish()
    }
}

/// A time as Go's `time.RFC3339Nano` prints it in UTC: with as many digits as it has. A time that no [`Timestamp`] can be
/// is no commit's; it prints as Go's zero time.
fn rfc3339(time: SystemTime) -> String {
    let whole = Timestamp::try_from(time).unwrap_or(Timestamp::GO_ZERO);
    let nanos = time
        .duration_since(SystemTime::from(whole))
        .map_or(0, |rest| rest.subsec_nanos());
    let text = whole.to_string();
    if nanos == 0 {
        return text;
    }
    let fraction = format!("{nanos:09}");
    format!(
        "{}.{}Z",
        text.trim_end_matches('Z'),
        fraction.trim_end_matches('0')
    )
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn times_have_the_digits_they_need() {
        let at = |secs, nanos| rfc3339(UNIX_EPOCH + Duration::new(secs, nanos));
        assert_eq!(at(1_506_042_072, 0), "2017-09-22T01:01:12Z");
        assert_eq!(at(1_506_042_072, 861_368_000), "2017-09-22T01:01:12.861368Z");
        assert_eq!(at(0, 1), "1970-01-01T00:00:00.000000001Z");
        assert_eq!(
            rfc3339(UNIX_EPOCH - Duration::from_millis(1)),
            "1969-12-31T23:59:59.999Z"
        );
    }

    fn parse(json: &str) -> Result<Info, String> {
        let path = ModulePath::parse("h.com/r").expect("a path");
        Info::parse(&path, json.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_written_reads_back() {
        let json = r#"{"Version":"v1.0.0","Time":"2024-01-02T03:04:05Z","Origin":{"VCS":"git","URL":"https://h.com/r?a=1\u0026b","Subdir":"s","Hash":"abc","TagPrefix":"s/","TagSum":"t1:x","Ref":"refs/tags/s/v1.0.0","RepoSum":"r1:y"}}"#;
        let info = parse(json).expect("an info");
        assert_eq!(info.to_json(), json);
        let pinned = r#"{"Version":"v1.0.0","Time":"2024-01-02T03:04:05Z","Origin":{"VCS":"git","URL":"https://h.com/r?a=1\u0026b","Subdir":"s","Hash":"abc","Ref":"refs/tags/s/v1.0.0"}}"#;
        assert_eq!(info.pinned().to_json(), pinned);
        let bare = parse(r#"{"Version":"v1.0.0"}"#).expect("an info");
        assert_eq!(bare.to_json(), r#"{"Version":"v1.0.0"}"#);
    }

    #[test]
    fn only_the_version_and_the_time_have_to_make_sense() {
        for json in [
            r#"{"Version":"v1.0.0","Time":null,"Origin":null}"#,
            r#"{"Version":"v1.0.0","Origin":[1,2]}"#,
            r#"{"Version":"v1.0.0","Origin":{"VCS":7}}"#,
            r#"{"Version":"v1.0.0","Origin":{},"Origin":{},"More":1}"#,
        ] {
            let info = parse(json).expect(json);
            assert_eq!((info.time, info.origin), (None, None), "{json}");
        }
        for (json, want) in [
            ("{}", "not the JSON of a version: missing field `Version`"),
            (r#"{"Version":"v1.0.0","Time":5}"#, "not the JSON of a version: "),
            (r#"{"Version":"v1.0"}"#, "v1.0"),
            (r#"{"Version":"v2.0.0"}"#, "h.com/r@v2.0.0: "),
        ] {
            let error = parse(json).expect_err(json);
            assert!(error.starts_with(want) || error.contains(want), "{json}: {error}");
        }
    }
}
