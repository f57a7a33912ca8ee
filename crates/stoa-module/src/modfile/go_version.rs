//! Versions of Go and names of toolchains.

/// Whether `version` is a version of Go as a go line has it, as `1.21`, `1.21.3` or `1.22rc1` (`modfile.GoVersionRE`).
pub(super) fn is_go_version(version: &str) -> bool {
    let Some((_, rest)) = split_language(version) else {
        return false;
    };
    let rest = match rest.strip_prefix('.') {
        None => rest,
        Some(rest) => match split_number(rest) {
            Some((_, rest)) => rest,
            None => return false,
        },
    };
    let kind = rest.trim_end_matches(|c: char| c.is_ascii_digit());
    rest.is_empty()
        || (kind.len() < rest.len() && !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_lowercase()))
}

/// The language version in a go line of a later Go, whose versions may look otherwise: `1.21` of `v1.21-next`.
pub(super) fn language_of_later_go(version: &str) -> Option<&str> {
    let version = version.strip_prefix('v').unwrap_or(version);
    let (language, rest) = split_language(version)?;
    (!rest.is_empty() && !rest.starts_with(|c: char| c.is_ascii_digit())).then_some(language)
}

/// Whether `name` is that of a toolchain, as `go1.21rc1` or `default` (`modfile.ToolchainRE`).
pub(super) fn is_toolchain(name: &str) -> bool {
    name == "default"
        || name
            .strip_prefix("go1")
            .is_some_and(|minor| minor.is_empty() || minor.starts_with('.'))
}

/// Splits off `major.minor`, where the major version is not 0.
fn split_language(version: &str) -> Option<(&str, &str)> {
    let (major, rest) = split_number(version)?;
    let (_, rest) = split_number(rest.strip_prefix('.')?)?;
    (major != "0").then(|| version.split_at(version.len() - rest.len()))
}

/// Splits off `0`, or all digits of a number that starts with another.
fn split_number(s: &str) -> Option<(&str, &str)> {
    let end = match s.bytes().next()? {
        b'0' => 1,
        _ => s.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(s.len()),
    };
    (end > 0).then(|| s.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::{is_go_version, is_toolchain, language_of_later_go};

    #[test]
    fn go_versions_have_two_or_three_numbers() {
        for version in [
            "1.0",
            "1.21",
            "1.21.0",
            "1.21.13",
            "1.22rc1",
            "1.22.0rc2",
            "12.340",
            "1.9a0",
        ] {
            assert!(is_go_version(version), "{version}");
        }
        let invalid = [
            "", "1", "1.", "0.1", "01.2", "1.02", "1.2.03", "1.2.", "1.2.3.4", "1.2rc", "1.2-rc1", "v1.2",
            "1.2RC1", "1.2rc1x", "1.2rc1.3", "1.x", "go1.2", " 1.2",
        ];
        for version in invalid {
            assert!(!is_go_version(version), "{version}");
        }
    }

    #[test]
    fn later_go_versions_keep_the_language_in_front() {
        for (version, language) in [
            ("v1.2", None),
            ("1.2.bad", Some("1.2")),
            ("v1.21.3", Some("1.21")),
            ("v1.21-next", Some("1.21")),
            ("1.21x", Some("1.21")),
            ("1.02", None),
            ("1.05.1", None),
            ("vv1.2.x", None),
            ("1", None),
            ("bad", None),
        ] {
            assert_eq!(language_of_later_go(version), language, "{version}");
        }
    }

    #[test]
    fn toolchains_start_with_go1() {
        for (name, valid) in [
            ("default", true),
            ("go1", true),
            ("go1.21.3", true),
            ("go1.bad", true),
            ("go2.1", false),
            ("go1rc1", false),
            ("1.21", false),
            ("defaults", false),
            ("", false),
        ] {
            assert_eq!(is_toolchain(name), valid, "{name}");
        }
    }
}
