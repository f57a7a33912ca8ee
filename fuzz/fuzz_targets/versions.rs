//! Versions: their order is total, their canonical form is one, and pseudo-versions come apart as they were made.
#![no_main]

use std::cmp::Ordering;

use libfuzzer_sys::fuzz_target;
use stoa_module::{PseudoVersion, Version, canonical_version, check, escape_version, pseudo_version, semver, unescape_version};

fuzz_target!(|texts: (&str, &str, &str)| {
    let (a, b, c) = texts;
    assert_eq!(semver::compare(a, b), semver::compare(b, a).reverse());
    assert_eq!(semver::compare_total(a, b).is_eq(), a == b);
    if semver::compare(a, b).is_le() && semver::compare(b, c).is_le() {
        assert!(semver::compare(a, c).is_le());
    }
    if semver::compare(a, b).is_eq() {
        assert_eq!(semver::compare(a, c), semver::compare(b, c));
    }
    assert_eq!(semver::is_valid(a), semver::canonical(a).is_some());
    if let Some(canonical) = semver::canonical(a) {
        assert_eq!(semver::compare(a, &canonical), Ordering::Equal);
        assert_eq!(semver::canonical(&canonical).as_deref(), Some(&*canonical));
        assert!(canonical.starts_with(semver::major(a).unwrap()));
    }
    if let Some(canonical) = canonical_version(a) {
        assert_eq!(canonical_version(&canonical).as_deref(), Some(&*canonical));
    }
    if let Ok(escaped) = escape_version(a) {
        assert_eq!(unescape_version(&escaped).as_deref(), Ok(a));
    }
    if let Ok(plain) = unescape_version(a) {
        assert_eq!(escape_version(&plain).as_deref(), Ok(a));
    }
    if let Ok(version) = Version::parse(a) {
        assert_eq!(version.as_str(), a);
        assert_eq!(canonical_version(a).as_deref(), Some(a));
        assert_eq!(Version::unescape(&version.escaped()), Ok(version.clone()));
        assert_eq!(version.is_pseudo(), version.pseudo().is_some());
    }
    if let Ok(pseudo) = PseudoVersion::parse(a)
        && let (Ok(time), Ok(base)) = (pseudo.time(), pseudo.base())
        && !a.contains('+')
    {
        let base = base.unwrap_or_default();
        let made = pseudo_version(semver::major(a).unwrap(), &base, time, pseudo.rev());
        assert_eq!(made, a);
        assert!(semver::compare(&base, a).is_lt());
    }
    let _ = check(a, b);
});
