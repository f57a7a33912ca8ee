//! Limits hold while bytes arrive.

use std::io::Cursor;

use stoa_module::zip::{self, MAX_GO_MOD, SizeError, StreamChecker, ZipError, ZipLimits};

use crate::raw::{Descriptor, Entry, zip};
use crate::{seek, stream, target};

/// Limits with one of them changed.
fn limits(change: impl FnOnce(&mut ZipLimits)) -> ZipLimits {
    let mut limits = ZipLimits::default();
    change(&mut limits);
    limits
}

/// The error, and how many bytes the check took before.
fn stopped(zip: &[u8], limits: &ZipLimits) -> (ZipError, usize) {
    let mut checker = StreamChecker::new(&target(), limits.clone());
    for (taken, chunk) in zip.chunks(512).enumerate() {
        if let Err(error) = checker.write(chunk) {
            assert!(checker.write(b"x").is_err());
            assert!(checker.finish().is_err());
            return (error, taken * 512);
        }
    }
    (checker.finish().unwrap_err(), zip.len())
}

#[test]
fn a_bomb_ends_early() {
    let entry = Entry::deflated("bomb", &vec![0; 256 << 20]).with(|e| e.descriptor = Descriptor::Signed);
    let limits = limits(|limits| limits.uncompressed_bytes = 1 << 20);
    // Named well or not.
    for entry in [entry.clone(), entry.named("bomb")] {
        let zip = zip(&[entry]);
        let (error, taken) = stopped(&zip, &limits);
        assert!(
            matches!(error, ZipError::TooLarge(SizeError::Contents { .. })),
            "{error}"
        );
        assert!(taken < 4096, "{taken} of {}", zip.len());
    }
}

#[test]
fn the_sum_of_contents_counts() {
    let entry = |path| Entry::deflated(path, &[0; 1000]).with(|e| e.descriptor = Descriptor::Signed);
    let zip = zip(&[entry("a"), entry("b")]);
    let exact = limits(|limits| limits.uncompressed_bytes = 2000);
    assert!(zip::check(Cursor::new(&zip), &target(), &exact).is_ok());
    let mut checker = StreamChecker::new(&target(), exact);
    checker.write(&zip).unwrap();
    checker.finish().unwrap();

    let less = limits(|limits| limits.uncompressed_bytes = 1999);
    let text = "total uncompressed size of module contents too large (max size is 1999 bytes)";
    assert_eq!(stopped(&zip, &less).0.to_string(), text);
    assert_eq!(
        zip::check(Cursor::new(&zip), &target(), &less)
            .unwrap_err()
            .to_string(),
        text
    );
}

#[test]
fn the_go_mod_and_license_in_the_root_are_small() {
    let large = vec![b' '; usize::try_from(MAX_GO_MOD).unwrap() + 1];
    for name in ["go.mod", "LICENSE"] {
        let zip = zip(&[Entry::deflated(name, &large)]);
        let text = format!("example.com/m@v1.0.0/{name}: {name} file too large (max size is 16777216 bytes)");
        assert_eq!(stream(&zip).unwrap_err().to_string(), text);
        assert_eq!(seek(&zip).unwrap_err().to_string(), text);
    }
    let zip = zip(&[
        Entry::deflated("sub/LICENSE", &large),
        Entry::deflated("go.mod", &large[1..]),
    ]);
    stream(&zip).unwrap();
    seek(&zip).unwrap();
}

#[test]
fn the_archive_itself_counts() {
    let zip = zip(&[Entry::stored("a", &[0; 1000])]);
    let limits = limits(|limits| limits.archive_bytes = 1000);
    let (error, taken) = stopped(&zip, &limits);
    assert!(
        matches!(error, ZipError::TooLarge(SizeError::Archive { .. })),
        "{error}"
    );
    assert!(taken <= 1000);
    let error = zip::check(Cursor::new(&zip), &target(), &limits).unwrap_err();
    let text = format!(
        "module zip file is too large ({} bytes; limit is 1000 bytes)",
        zip.len()
    );
    assert_eq!(error.to_string(), text);
}

#[test]
fn entries_and_names_are_counted() {
    let entries = [
        Entry::stored("a", b""),
        Entry::stored("b", b""),
        Entry::stored("c", b""),
    ];
    let zip = zip(&entries);
    for limits in [
        limits(|limits| limits.entries = 2),
        limits(|limits| limits.name_bytes = 2),
    ] {
        assert!(matches!(stopped(&zip, &limits).0, ZipError::TooManyNames));
        let error = zip::check(Cursor::new(&zip), &target(), &limits).unwrap_err();
        assert!(matches!(error, ZipError::TooManyNames));
    }
}
