//! What `.info` says of a version.

use std::time::SystemTime;

use stoa_module::{Timestamp, Version};
use stoa_vcs::RevisionId;

use super::{json::Object, origin::Origin};

/// A version and the commit that it is (`RevInfo` of cmd/go).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The version: a tag's, or a pseudo-version.
    pub version: Version,
    /// When the commit was made; whole seconds but for svn.
    pub time: SystemTime,
    /// Where it comes from.
    pub origin: Origin,
    /// The whole name of the commit. Not part of the JSON.
    pub id: RevisionId,
    /// The short name of the commit, as pseudo-versions have it. Not part of the JSON.
    pub short: String,
}

impl Info {
    /// This answer without what may change while the version stays: sums over tags and refs, and for pseudo-versions
    /// the ref. That is what the go command keeps in its module cache, and what a version is stored with.
    #[must_use]
    pub fn pinned(mut self) -> Self {
        self.origin = self.origin.pinned(self.version.as_str());
        self
    }

    /// The JSON of Go's encoder: `Version`, `Time` as RFC 3339 in UTC with as many digits as it has, `Origin`.
    pub fn to_json(&self) -> String {
        let mut json = Object::new();
        json.text("Version", self.version.as_str());
        json.text("Time", &rfc3339(self.time));
        json.json("Origin", &self.origin.to_json());
        json.finish()
    }
}

/// A time as Go's `time.RFC3339Nano` prints it in UTC. What no [`Timestamp`] can be was refused with the version.
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
}
