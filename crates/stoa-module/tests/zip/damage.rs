//! Damaged zips are never taken for others.

use std::io::Cursor;

use stoa_module::zip::{self, StreamVerdict, ZipLimits};

use crate::{create, sample, seek, stream, stream_in, target};

fn names(zip: &[u8]) -> Vec<String> {
    zip::report(Cursor::new(zip), &target(), &ZipLimits::default())
        .unwrap()
        .valid
}

#[test]
fn truncation_is_an_error() {
    let zip = sample();
    for len in 0..zip.len() {
        for chunk in [1, 4096] {
            let error = stream_in(&zip[..len], chunk).unwrap_err();
            assert!(!error.is_permanent(), "{error}");
        }
        assert!(!seek(&zip[..len]).unwrap_err().is_permanent());
    }
}

/// A damaged zip is refused, or it holds what it held before.
///
/// Names in the directory have no checksum. A zip that is judged front to back repeats them; the check of the whole
/// file reads other names then, as Go does.
fn assert_no_silent_change(whole: &[u8], damaged: &[u8], at: usize) {
    let summary = seek(whole).unwrap();
    let sought = seek(damaged).ok();
    if let Ok(StreamVerdict::Checked(streamed)) = stream(damaged) {
        assert_eq!(streamed, summary, "byte {at}");
        assert_eq!(sought, Some(streamed), "byte {at}");
    }
    if sought.is_some_and(|sought| sought != summary) {
        assert_ne!(names(damaged), names(whole), "byte {at}");
    }
}

#[test]
fn flipped_bits_change_nothing_silently() {
    let large = create(&[(
        "a",
        &b"some content that compresses, content that compresses".repeat(30),
    )]);
    for zip in [sample(), large] {
        for at in 0..zip.len() {
            for bit in 0..8 {
                let mut damaged = zip.clone();
                damaged[at] ^= 1 << bit;
                assert_no_silent_change(&zip, &damaged, at);
            }
        }
    }
}

#[test]
fn overwritten_bytes_change_nothing_silently() {
    let zip = sample();
    for at in 0..zip.len() {
        for value in [0, 1, 0x50, 0x4b, 0x7f, 0xff] {
            for len in [1, 2, 4] {
                let mut damaged = zip.clone();
                damaged
                    .iter_mut()
                    .skip(at)
                    .take(len)
                    .for_each(|byte| *byte = value);
                assert_no_silent_change(&zip, &damaged, at);
            }
        }
    }
}

#[test]
fn what_is_no_zip_is_malformed() {
    for bytes in [&b""[..], b"<html>502 Bad Gateway</html>", &vec![0; 70_000]] {
        assert!(!matches!(stream(bytes), Ok(StreamVerdict::Checked(_))));
        assert!(!seek(bytes).unwrap_err().is_permanent());
    }
}
