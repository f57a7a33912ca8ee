//! `@latest` from what is known.

use stoa_module::Version;
use stoa_storage::StoredVersion;

/// Picks the version that `@latest` means among stored ones, as the go command's query does: the highest release, else
/// the highest prerelease, else the newest pseudo-version; retracted ones never, unless there is nothing else.
///
/// Whether `+incompatible` versions count is for the caller to decide; see [`last_compatible`].
pub(crate) fn pick_latest(
    stored: &[StoredVersion],
    retracted: impl Fn(&Version) -> bool,
) -> Option<&Version> {
    let usable = || {
        stored
            .iter()
            .filter(|version| version.info && version.go_mod)
            .map(|stored| &stored.version)
    };
    let best =
        |allowed: &dyn Fn(&Version) -> bool| usable().filter(|v| allowed(v)).max_by_key(|v| (rank(v), *v));
    best(&|version| !retracted(version)).or_else(|| best(&|_| true))
}

/// The highest compatible version. If it has a go.mod of its own, the module knows of major versions, and the
/// `+incompatible` ones do not count (golang.org/issue/34165).
pub(crate) fn last_compatible(stored: &[StoredVersion]) -> Option<&Version> {
    let usable = stored
        .iter()
        .filter(|version| version.info && version.go_mod)
        .map(|stored| &stored.version);
    usable
        .filter(|version| !version.is_pseudo() && !version.is_incompatible())
        .max()
}

/// The version whose go.mod names the retractions: the highest release, else the highest of all.
pub(crate) fn retraction_source(stored: &[StoredVersion]) -> Option<&Version> {
    let usable = stored
        .iter()
        .filter(|version| version.go_mod)
        .map(|stored| &stored.version);
    usable.max_by_key(|v| (rank(v), *v))
}

fn rank(version: &Version) -> u8 {
    match (version.is_pseudo(), version.is_prerelease()) {
        (false, false) => 2,
        (false, true) => 1,
        (true, _) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(versions: &[&str]) -> Vec<StoredVersion> {
        let stored = |text: &&str| StoredVersion {
            version: Version::parse(text).expect(text),
            info: true,
            go_mod: true,
            zip: false,
        };
        versions.iter().map(stored).collect()
    }

    fn latest(versions: &[&str], retracted: &[&str]) -> Option<String> {
        pick_latest(&stored(versions), |v| retracted.contains(&v.as_str())).map(ToString::to_string)
    }

    #[test]
    fn releases_win_over_prereleases_and_pseudo_versions() {
        let pseudo = "v1.9.1-0.20240102030405-abcdefabcdef";
        for (versions, want) in [
            (&["v1.0.0", "v1.2.0", "v1.3.0-rc.1", pseudo][..], "v1.2.0"),
            (&["v1.3.0-rc.1", pseudo], "v1.3.0-rc.1"),
            (
                &[
                    "v0.0.0-20230102030405-abcdefabcdef",
                    "v0.0.0-20240102030405-abcdefabcdef",
                ],
                "v0.0.0-20240102030405-abcdefabcdef",
            ),
            (&["v1.0.0", "v2.0.0+incompatible"], "v2.0.0+incompatible"),
            (
                &["v2.0.0+incompatible", "v3.0.0+incompatible"],
                "v3.0.0+incompatible",
            ),
        ] {
            assert_eq!(latest(versions, &[]).as_deref(), Some(want));
        }
        assert_eq!(latest(&[], &[]), None);
    }

    #[test]
    fn retracted_versions_are_passed_over() {
        let retracted = ["v1.1.0", "v1.2.0"];
        assert_eq!(
            latest(&["v1.0.0", "v1.1.0", "v1.2.0"], &retracted).as_deref(),
            Some("v1.0.0")
        );
        assert_eq!(
            latest(&["v1.1.0"], &retracted).as_deref(),
            Some("v1.1.0"),
            "nothing else is there"
        );
    }
}
