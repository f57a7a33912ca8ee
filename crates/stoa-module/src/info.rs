//! What `.info` says of a version.

use std::time::SystemTime;

use crate::fold::fold;
use crate::json::Object;
use crate::json_value::{JsonError, Value, unquote};
use crate::{CheckError, ModulePath, ModuleVersion, Origin, Resource, Rfc3339, Version, VersionError};

/// A version, when its commit was made and where it comes from: `.info`, `@latest` and queries (`RevInfo` of cmd/go).
///
/// [`Info::to_json`] writes what stoa makes itself. What another source sent is kept as it came and only read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The version that the question resolves to.
    pub target: ModuleVersion,
    /// The commit time, if that is told.
    pub time: Option<Rfc3339>,
    /// Where it comes from, if that is told.
    pub origin: Option<Origin>,
}

/// Why a text is no [`Info`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InfoError {
    /// It is no JSON.
    #[error("not the JSON of a version: {0}")]
    Json(#[from] JsonError),
    /// It is JSON of something else.
    #[error("not the JSON of a version: {field} is not {want}")]
    Kind {
        /// What has the wrong kind, as `Origin.URL`.
        field: &'static str,
        /// Which kind it has to have.
        want: &'static str,
    },
    /// It names no version.
    #[error("not the JSON of a version: it has no Version")]
    NoVersion,
    /// Its version is not canonical.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// Its version is not possible for the module path.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// It is about another version than the one that was asked for.
    #[error("info for version {0} instead of requested version")]
    OtherVersion(Version),
    /// Its time is not one.
    #[error("its Time is not of RFC 3339: {}", crate::quoted(.0))]
    Time(String),
    /// Its time is not that of the commit that the pseudo-version names.
    #[error("its Time {time} is not that of the pseudo-version {version}")]
    OtherTime {
        /// The time.
        time: Rfc3339,
        /// The version.
        version: Version,
    },
}

/// What stands in the JSON, the last one of each.
#[derive(Debug, Default)]
struct Raw {
    version: String,
    time: Option<Rfc3339>,
    origin: Option<Origin>,
}

impl Info {
    /// The version `target`, whose commit was made at `time`.
    pub fn new(target: ModuleVersion, time: SystemTime, origin: Origin) -> Self {
        Self {
            target,
            time: Some(time.into()),
            origin: Some(origin),
        }
    }

    /// Reads the `.info` of a version of `path` as the go command does: names of fields match without regard to case,
    /// the last one counts, an origin adds to the one before it, and `null` leaves all but an origin as it was.
    ///
    /// The version must be canonical and possible for the path. The time may be absent; that of a pseudo-version is the
    /// one in its name. It may also be Go's zero time, which says that it is not known. Fields with other names mean
    /// nothing.
    ///
    /// # Errors
    ///
    /// One line that says what is wrong with it.
    pub fn parse(path: &ModulePath, json: &[u8]) -> Result<Self, InfoError> {
        Raw::parse(json)?.of(path, None)
    }

    /// Reads the answer to `resource`. A question for a canonical version must be answered with that very version
    /// (`proxyRepo.Stat` of cmd/go).
    ///
    /// # Errors
    ///
    /// As [`Info::parse`], and [`InfoError::OtherVersion`].
    pub fn parse_answer(resource: &Resource, json: &[u8]) -> Result<Self, InfoError> {
        let wanted = match resource {
            Resource::Info(target) => Some(target.version()),
            _ => None,
        };
        Raw::parse(json)?.of(resource.module(), wanted)
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
            json.text("Time", time.as_str());
        }
        if let Some(origin) = &self.origin {
            json.json("Origin", &origin.to_json());
        }
        json.finish()
    }
}

impl Raw {
    /// Checks that this is a version of `path`, and the one that is wanted.
    fn of(self, path: &ModulePath, wanted: Option<&Version>) -> Result<Info, InfoError> {
        if self.version.is_empty() {
            return Err(InfoError::NoVersion);
        }
        let version = Version::parse(&self.version)?;
        if wanted.is_some_and(|wanted| *wanted != version) {
            return Err(InfoError::OtherVersion(version));
        }
        if let (Some(pseudo), Some(time)) = (version.pseudo(), &self.time)
            && !time.is_go_zero()
            && pseudo.time()?.unix() != time.unix()
        {
            let time = time.clone();
            return Err(InfoError::OtherTime { time, version });
        }
        Ok(Info {
            target: ModuleVersion::new(path.clone(), version)?,
            time: self.time,
            origin: self.origin,
        })
    }

    fn parse(json: &[u8]) -> Result<Self, InfoError> {
        let value = Value::parse(json)?;
        if !matches!(value, Value::Object(_) | Value::Null) {
            return Err(kind("it", "an object"));
        }
        let mut raw = Self::default();
        for (name, value) in value.members() {
            match &*fold(&name) {
                "version" => set_text(&mut raw.version, value, "Version")?,
                "time" => raw.set_time(value)?,
                "origin" => raw.set_origin(value)?,
                _ => {}
            }
        }
        Ok(raw)
    }

    /// Escapes are not resolved (golang.org/issue/47353).
    fn set_time(&mut self, value: Value<'_>) -> Result<(), InfoError> {
        match value {
            Value::Null => return Ok(()),
            Value::Text(quoted) => {
                let time = Rfc3339::parse(quoted);
                let time =
                    time.ok_or_else(|| InfoError::Time(String::from_utf8_lossy(quoted).into_owned()))?;
                self.time = Some(time);
            }
            _ => return Err(kind("Time", "a string")),
        }
        Ok(())
    }

    fn set_origin(&mut self, value: Value<'_>) -> Result<(), InfoError> {
        match value {
            Value::Null => self.origin = None,
            Value::Object(_) => {
                let origin = self.origin.get_or_insert_default();
                for (name, value) in value.members() {
                    let (text, field) = match &*fold(&name) {
                        "vcs" => (&mut origin.vcs, "Origin.VCS"),
                        "url" => (&mut origin.url, "Origin.URL"),
                        "subdir" => (&mut origin.subdir, "Origin.Subdir"),
                        "hash" => (&mut origin.hash, "Origin.Hash"),
                        "tagprefix" => (&mut origin.tag_prefix, "Origin.TagPrefix"),
                        "tagsum" => (&mut origin.tag_sum, "Origin.TagSum"),
                        "ref" => (&mut origin.reference, "Origin.Ref"),
                        "reposum" => (&mut origin.repo_sum, "Origin.RepoSum"),
                        _ => continue,
                    };
                    set_text(text, value, field)?;
                }
            }
            _ => return Err(kind("Origin", "an object")),
        }
        Ok(())
    }
}

fn set_text(text: &mut String, value: Value<'_>, field: &'static str) -> Result<(), InfoError> {
    match value {
        Value::Null => {}
        Value::Text(quoted) => *text = unquote(quoted).into_owned(),
        _ => return Err(kind(field, "a string")),
    }
    Ok(())
}

fn kind(field: &'static str, want: &'static str) -> InfoError {
    InfoError::Kind { field, want }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// The version, the time and the origin that were read, as they print.
    fn read(json: &str) -> (String, String, String) {
        let info = parse(json).unwrap_or_else(|error| panic!("{json}: {error}"));
        let time = info.time.map_or_else(String::new, |time| time.to_string());
        let origin = info.origin.map_or_else(String::new, |origin| origin.to_json());
        (info.target.version().to_string(), time, origin)
    }

    #[test]
    fn fields_are_found_and_merged_as_in_go() {
        let time = "2024-01-02T03:04:05Z";
        for (json, want) in [
            (
                r#"{"Version":"v1.0.0","Time":null,"Origin":null}"#,
                ("v1.0.0", "", ""),
            ),
            (r#"{"version":"v1.0.0"}"#, ("v1.0.0", "", "")),
            (r#"{"Version":"v9.9.9","VERſION":"v1.0.0"}"#, ("v1.0.0", "", "")),
            (r#"{"Version":"v1.0.0","version":"v1.9.9"}"#, ("v1.9.9", "", "")),
            (r#"{"Version":"v1.0.0","Ver\u017fion":null}"#, ("v1.0.0", "", "")),
            (
                r#"{"Version":"v1.\u0030.0","Vers\u0131on":1}"#,
                ("v1.0.0", "", ""),
            ),
            (
                r#"{"Version":"v1.0.0","tIME":"2024-01-02T03:04:05Z","Time":null}"#,
                ("v1.0.0", time, ""),
            ),
            (
                r#"{"Version":"v1.0.0","Origin":{"VCS":"git","Url":"a"},"origin":{"ſubdir":"s","URL":"b","Hash":null}}"#,
                ("v1.0.0", "", r#"{"VCS":"git","URL":"b","Subdir":"s"}"#),
            ),
            (
                r#"{"Version":"v1.0.0","Origin":{"VCS":"git"},"Origin":null,"Origin":{"Ref":"r","More":[{}]}}"#,
                ("v1.0.0", "", r#"{"VCS":"","Ref":"r"}"#),
            ),
            (
                r#"{"Name":1,"Short":[],"More":{"Version":"v2.0.0"},"Version":"v1.0.0"}"#,
                ("v1.0.0", "", ""),
            ),
        ] {
            let (version, time, origin) = read(json);
            assert_eq!((&*version, &*time, &*origin), want, "{json}");
        }
    }

    #[test]
    fn what_go_cannot_read_or_what_is_not_of_the_version_is_refused() {
        for (json, want) in [
            ("{}", "not the JSON of a version: it has no Version"),
            ("null", "not the JSON of a version: it has no Version"),
            ("[]", "not the JSON of a version: it is not an object"),
            ("", "not the JSON of a version: it ends too early"),
            (
                "<html>",
                "not the JSON of a version: the byte at 0 does not belong there",
            ),
            (
                r#"{"Version":"v1.0.0"}{}"#,
                "not the JSON of a version: the byte at 20 does not belong there",
            ),
            (
                r#"{"Version":7}"#,
                "not the JSON of a version: Version is not a string",
            ),
            (r#"{"Version":"v1.0.0","Time":5}"#, "Time is not a string"),
            (
                r#"{"Version":"v1.0.0","Time":"yesterday"}"#,
                "its Time is not of RFC 3339: \"yesterday\"",
            ),
            (
                r#"{"Version":"v1.0.0","Time":"yesterday","Time":"2024-01-02T03:04:05Z"}"#,
                "its Time is not of RFC 3339",
            ),
            (
                r#"{"Version":"v1.0.0","Time":"2024-01-02T03:04:05\u005a"}"#,
                "its Time is not",
            ),
            (r#"{"Version":"v1.0.0","Origin":"x"}"#, "Origin is not an object"),
            (
                r#"{"Version":"v1.0.0","Origin":[1,2]}"#,
                "Origin is not an object",
            ),
            (
                r#"{"Version":"v1.0.0","Origin":{"VCS":7}}"#,
                "Origin.VCS is not a string",
            ),
            (
                r#"{"Version":"v1.0.0","origin":{"reposum":{}}}"#,
                "Origin.RepoSum is not a string",
            ),
            (r#"{"Version":"v1.0"}"#, "v1.0"),
            (r#"{"Version":"v1.0.0+meta"}"#, "v1.0.0+meta"),
            (r#"{"Version":"v1.0.0\nx"}"#, "v1.0.0"),
            (r#"{"Version":"v1.0.0","Time":"\n"}"#, "its Time is not"),
            (r#"{"Version":"v2.0.0"}"#, "h.com/r@v2.0.0: "),
            (
                r#"{"Version":"v0.0.0-20240102030405-0123456789ab","Time":"2024-01-02T03:04:06Z"}"#,
                "its Time 2024-01-02T03:04:06Z is not that of the pseudo-version v0.0.0-20240102030405-0123456789ab",
            ),
        ] {
            let error = parse(json).expect_err(json);
            assert!(
                error.contains(want) && error.lines().count() == 1,
                "{json}: {error}"
            );
        }
    }

    #[test]
    fn the_time_of_a_pseudo_version_is_that_of_its_name() {
        for time in [
            r#""2024-01-02T03:04:05Z""#,
            r#""2024-01-02T03:04:05.999Z""#,
            r#""2024-01-02T05:34:05+02:30""#,
            r#""0001-01-01T00:00:00Z""#,
            "null",
        ] {
            let json = format!(r#"{{"Version":"v0.0.0-20240102030405-0123456789ab","Time":{time}}}"#);
            assert_eq!(parse(&json).map(|_| ()), Ok(()), "{json}");
        }
    }
}
