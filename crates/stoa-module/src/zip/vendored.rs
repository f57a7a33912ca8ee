//! Vendored packages, which a module zip leaves out.

/// Whether a file is in a vendored package (`isVendoredPackage` of `golang.org/x/mod/zip`).
///
/// `go_version` is the language version of the module, such as `go1.23`; empty if its `go.mod` names none.
///
/// Before Go 1.24 the rule had a bug that checksums have made permanent: below a nested `vendor` directory it
/// looked for a slash from the wrong place, and so took `pkg/vendor/vendor.go` for a vendored package. Since 1.24
/// the rule is right, and `vendor/modules.txt` is left out as well.
pub fn is_vendored_package(path: impl AsRef<[u8]>, go_version: &str) -> bool {
    is_vendored(path.as_ref(), VendorRule::of_go_version(go_version))
}

/// Which of the two rules a module is under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VendorRule {
    /// Before Go 1.24, or no known version.
    Historical,
    /// Since Go 1.24.
    Fixed,
}

impl VendorRule {
    /// The rule for a version such as `go1.23`, `go1.24rc1` or `go1.24.1-custom`.
    pub(super) fn of_go_version(version: &str) -> Self {
        let version = version.split_once('-').map_or(version, |(version, _)| version);
        match version.strip_prefix("go").and_then(major_minor) {
            Some((major, minor)) if at_least(major, "2") || (major == "1" && at_least(minor, "24")) => {
                Self::Fixed
            }
            _ => Self::Historical,
        }
    }
}

const VENDOR: &[u8] = b"vendor/";

pub(super) fn is_vendored(path: &[u8], rule: VendorRule) -> bool {
    if rule == VendorRule::Fixed && path == b"vendor/modules.txt" {
        return true;
    }
    let start = if path.starts_with(VENDOR) {
        VENDOR.len()
    } else if let Some(at) = path
        .windows(VENDOR.len() + 1)
        .position(|window| window == b"/vendor/")
    {
        // The historical rule forgets to add `at`.
        VENDOR.len() + 1 + if rule == VendorRule::Fixed { at } else { 0 }
    } else {
        return false;
    };
    path[start..].contains(&b'/')
}

/// Major and minor number of a well-formed Go version (`internal/gover.Parse`), without leading zeros.
fn major_minor(version: &str) -> Option<(&str, &str)> {
    let (major, rest) = cut_int(version)?;
    if rest.is_empty() {
        return Some((major, "0"));
    }
    let (minor, rest) = cut_int(rest.strip_prefix('.')?)?;
    let well_formed = if let Some(patch) = rest.strip_prefix('.') {
        matches!(cut_int(patch), Some((_, "")))
    } else {
        let pre = rest.trim_start_matches(|c: char| c.is_ascii_lowercase());
        rest.is_empty()
            || (pre.len() < rest.len() && (pre.is_empty() || matches!(cut_int(pre), Some((_, "")))))
    };
    well_formed.then_some((major, minor))
}

/// A decimal number without needless zeros at the start of a text, and the rest of the text.
fn cut_int(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    (!number.is_empty() && (number == "0" || !number.starts_with('0'))).then_some((number, rest))
}

/// Compares numbers of any length, without leading zeros.
fn at_least(number: &str, least: &str) -> bool {
    (number.len(), number) >= (least.len(), least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_changes_with_go_1_24() {
        for (version, rule) in [
            ("", VendorRule::Historical),
            ("1.24", VendorRule::Historical),
            ("go1.9", VendorRule::Historical),
            ("go1.23.99", VendorRule::Historical),
            ("go1.24", VendorRule::Fixed),
            ("go1.24rc1", VendorRule::Fixed),
            ("go1.24-custom", VendorRule::Fixed),
            ("go1.024", VendorRule::Historical),
            ("go1.24.1.1", VendorRule::Historical),
            ("go1.24RC1", VendorRule::Historical),
            ("go1.100", VendorRule::Fixed),
            ("go2", VendorRule::Fixed),
            ("go1", VendorRule::Historical),
            ("go99999999999999999999999.1", VendorRule::Fixed),
        ] {
            assert_eq!(VendorRule::of_go_version(version), rule, "{version}");
        }
    }
}
