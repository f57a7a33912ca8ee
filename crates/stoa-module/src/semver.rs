//! Semantic versions as Go reads them (`golang.org/x/mod/semver`).
//!
//! A version starts with `v`; `v1` and `v1.2` are shorthands of `v1.0.0` and `v1.2.0`. Numbers have no upper
//! limit: they are compared as text and never converted.

use std::borrow::Cow;
use std::cmp::Ordering;

/// The fields of a valid version, each a slice of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    /// Major number, without the `v`.
    pub(crate) major: &'a str,
    /// Minor number, `0` when left out.
    pub(crate) minor: &'a str,
    /// Patch number, `0` when left out.
    pub(crate) patch: &'a str,
    /// What a shorthand leaves out: empty, `.0` or `.0.0`.
    pub(crate) omitted: &'static str,
    /// Prerelease with its hyphen, or empty.
    pub(crate) prerelease: &'a str,
    /// Build metadata with its plus sign, or empty.
    pub(crate) build: &'a str,
}

/// Reports whether `v` is a valid semantic version (`semver.IsValid`).
pub fn is_valid(v: &str) -> bool {
    parse(v).is_some()
}

/// The canonical form of `v` (`semver.Canonical`): shorthands filled up, build metadata dropped. `None` if `v` is
/// invalid.
pub fn canonical(v: &str) -> Option<Cow<'_, str>> {
    let parts = parse(v)?;
    if parts.omitted.is_empty() {
        Some(Cow::Borrowed(&v[..v.len() - parts.build.len()]))
    } else {
        Some(Cow::Owned([v, parts.omitted].concat()))
    }
}

/// The major version prefix of `v`, as `v2` of `v2.1.0` (`semver.Major`). `None` if `v` is invalid.
pub fn major(v: &str) -> Option<&str> {
    parse(v).map(|parts| &v[..=parts.major.len()])
}

/// The major and minor version prefix of `v`, as `v2.1` of `v2.1.0` and `v2.0` of `v2` (`semver.MajorMinor`).
/// `None` if `v` is invalid.
pub fn major_minor(v: &str) -> Option<Cow<'_, str>> {
    let parts = parse(v)?;
    if parts.omitted == ".0.0" {
        Some(Cow::Owned([v, ".0"].concat()))
    } else {
        Some(Cow::Borrowed(&v[..2 + parts.major.len() + parts.minor.len()]))
    }
}

/// The prerelease suffix of `v`, as `-pre` of `v2.1.0-pre+meta` (`semver.Prerelease`). Empty if there is none or
/// `v` is invalid.
pub fn prerelease(v: &str) -> &str {
    parse(v).map_or("", |parts| parts.prerelease)
}

/// The build suffix of `v`, as `+meta` of `v2.1.0-pre+meta` (`semver.Build`). Empty if there is none or `v` is
/// invalid.
pub fn build(v: &str) -> &str {
    parse(v).map_or("", |parts| parts.build)
}

/// Compares two versions by precedence (`semver.Compare`): build metadata does not count, an invalid version is
/// less than a valid one, and all invalid ones are equal.
pub fn compare(v: &str, w: &str) -> Ordering {
    compare_parsed(parse(v).as_ref(), parse(w).as_ref())
}

fn compare_parsed(v: Option<&Parts<'_>>, w: Option<&Parts<'_>>) -> Ordering {
    match (v, w) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(v), Some(w)) => compare_numbers(v.major, w.major)
            .then_with(|| compare_numbers(v.minor, w.minor))
            .then_with(|| compare_numbers(v.patch, w.patch))
            .then_with(|| compare_prereleases(v.prerelease, w.prerelease)),
    }
}

/// Compares two versions for sorting (`semver.Sort`): by [`compare`], ties by the bytes of the text. This is a
/// total order.
pub fn compare_total(v: &str, w: &str) -> Ordering {
    compare(v, w).then_with(|| v.cmp(w))
}

/// Sorts versions as `semver.Sort` does, in the order of [`compare_total`]. Each is parsed once, however many there
/// are.
pub fn sort<S: AsRef<str>>(versions: &mut Vec<S>) {
    let order = order(versions);
    if order.is_sorted() {
        return;
    }
    let mut unsorted: Vec<Option<S>> = versions.drain(..).map(Some).collect();
    let sorted = order.into_iter().filter_map(|index| unsorted[index].take());
    versions.extend(sorted);
}

/// The places of `versions` in the order of [`compare_total`]; equal ones stay in the order that they have.
pub(crate) fn order<S: AsRef<str>>(versions: &[S]) -> Vec<usize> {
    let texts = versions.iter().map(AsRef::as_ref);
    let mut parsed: Vec<_> = texts
        .enumerate()
        .map(|(index, text)| (parse(text), text, index))
        .collect();
    parsed.sort_by(|(v, v_text, _), (w, w_text, _)| {
        compare_parsed(v.as_ref(), w.as_ref()).then_with(|| v_text.cmp(w_text))
    });
    parsed.into_iter().map(|(_, _, index)| index).collect()
}

/// Splits a version into its fields; `None` if it is invalid.
pub(crate) fn parse(v: &str) -> Option<Parts<'_>> {
    let (major, rest) = take_number(v.strip_prefix('v')?)?;
    let mut parts = Parts {
        major,
        minor: "0",
        patch: "0",
        omitted: "",
        prerelease: "",
        build: "",
    };
    if rest.is_empty() {
        parts.omitted = ".0.0";
        return Some(parts);
    }
    let (minor, rest) = take_number(rest.strip_prefix('.')?)?;
    parts.minor = minor;
    if rest.is_empty() {
        parts.omitted = ".0";
        return Some(parts);
    }
    let (patch, rest) = take_number(rest.strip_prefix('.')?)?;
    parts.patch = patch;
    let (prerelease, build) = rest.split_at(rest.find('+').unwrap_or(rest.len()));
    if !prerelease.is_empty() && !has_identifiers(prerelease.strip_prefix('-')?, is_numeric_with_leading_zero)
    {
        return None;
    }
    if !build.is_empty() && !has_identifiers(build.strip_prefix('+')?, |_| false) {
        return None;
    }
    parts.prerelease = prerelease;
    parts.build = build;
    Some(parts)
}

/// Takes a decimal number without leading zeros off the front.
fn take_number(s: &str) -> Option<(&str, &str)> {
    let end = s.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(s.len());
    let (number, rest) = s.split_at(end);
    let leading_zero = number.len() > 1 && number.starts_with('0');
    (!number.is_empty() && !leading_zero).then_some((number, rest))
}

/// Whether `s` is a dot-separated list of identifiers of which none is empty, has other characters than
/// `[0-9A-Za-z-]`, or is `bad`.
fn has_identifiers(s: &str, bad: fn(&str) -> bool) -> bool {
    s.split('.').all(|identifier| {
        !identifier.is_empty()
            && identifier.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !bad(identifier)
    })
}

fn is_numeric_with_leading_zero(identifier: &str) -> bool {
    identifier.len() > 1 && identifier.starts_with('0') && is_numeric(identifier)
}

fn is_numeric(identifier: &str) -> bool {
    identifier.bytes().all(|b| b.is_ascii_digit())
}

/// Numbers have no leading zeros, so the longer one is the greater.
fn compare_numbers(x: &str, y: &str) -> Ordering {
    x.len().cmp(&y.len()).then_with(|| x.cmp(y))
}

/// Compares prereleases by rule 11 of <https://semver.org>; none at all is the greatest.
fn compare_prereleases(x: &str, y: &str) -> Ordering {
    match (x.strip_prefix('-'), y.strip_prefix('-')) {
        (None, None) => return Ordering::Equal,
        (None, Some(_)) => return Ordering::Greater,
        (Some(_), None) => return Ordering::Less,
        (Some(_), Some(_)) if x == y => return Ordering::Equal,
        (Some(_), Some(_)) => {}
    }
    let (mut xs, mut ys) = (x[1..].split('.'), y[1..].split('.'));
    loop {
        let ordering = match (xs.next(), ys.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => compare_identifiers(x, y),
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
}

fn compare_identifiers(x: &str, y: &str) -> Ordering {
    match (is_numeric(x), is_numeric(y)) {
        (true, true) => compare_numbers(x, y),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => x.cmp(y),
    }
}
