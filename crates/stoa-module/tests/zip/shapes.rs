//! Unusual zips that are whole: those that can be judged front to back, and those that cannot.

use stoa_module::zip::StreamVerdict;

use crate::raw::{Descriptor, Entry, end, parts, zip};
use crate::{PREFIX, create, sample, seek, stream, stream_in};

/// Passes both checks.
fn assert_streams(zip: &[u8]) {
    let summary = seek(zip).unwrap();
    for len in [1, 3, 4096] {
        assert_eq!(stream_in(zip, len).unwrap(), StreamVerdict::Checked(summary));
    }
}

/// Passes, but not front to back.
fn assert_needs_seek(zip: &[u8]) {
    seek(zip).unwrap();
    for len in [1, 3, 4096] {
        assert_eq!(stream_in(zip, len).unwrap(), StreamVerdict::NeedsSeek);
    }
}

fn two() -> [Entry; 2] {
    [
        Entry::deflated("a", b"some text, some text"),
        Entry::stored("b", b"more"),
    ]
}

#[test]
fn stored_and_deflated_entries() {
    assert_streams(&zip(&two()));
    assert_streams(&zip(&[
        Entry::stored("empty", b""),
        Entry::deflated("hollow", b""),
    ]));
    assert_streams(&zip(&[]));
    let same = create(&[("a", b"some text, some text"), ("b", b"more")]);
    assert_eq!(seek(&same).unwrap(), seek(&zip(&two())).unwrap());
}

#[test]
fn data_descriptors_of_all_kinds() {
    use Descriptor::{Signed, Signed64, Unsigned, Unsigned64};
    for content in [&b"some text"[..], b""] {
        for descriptor in [Signed, Unsigned, Signed64, Unsigned64] {
            let entry = |path| Entry::deflated(path, content).with(|e| e.descriptor = descriptor);
            assert_streams(&zip(&[entry("a"), entry("b")]));
            assert_streams(&zip(&[entry("a"), Entry::stored("b", b"")]));
        }
    }
}

#[test]
fn zip64_sizes_and_offsets() {
    let [a, b] = two().map(|entry| entry.with(|e| e.zip64 = true));
    assert_streams(&zip(&[a.clone(), b]));
    assert_streams(&zip(&[a.with(|e| e.descriptor = Descriptor::Signed64)]));
}

#[test]
fn comments_and_extra_fields() {
    assert_streams(&parts(&two()).zip(b"a comment"));
    assert_streams(&parts(&two()).zip(&vec![b'x'; 65_535]));
    let commented = Entry::stored("a", b"x").with(|e| {
        e.central_comment = b"why not".to_vec();
        e.central_extra = vec![0x55, 0x54, 5, 0, 1, 0, 0, 0, 0, 9];
    });
    assert_streams(&zip(&[commented]));
}

#[test]
fn directories_count_in_the_hash_as_in_go() {
    let plain = seek(&zip(&[Entry::stored("d/a", b"x")])).unwrap();
    let zip = zip(&[
        Entry::stored("", b""),
        Entry::stored("d/", b""),
        Entry::stored("d/", b""),
        Entry::stored("d/a", b"x"),
    ]);
    assert_streams(&zip);
    let summary = seek(&zip).unwrap();
    assert_eq!(
        (summary.files, summary.uncompressed),
        (plain.files, plain.uncompressed)
    );
    assert_ne!(summary.h1, plain.h1);
}

#[test]
fn stored_contents_of_unknown_length() {
    assert_needs_seek(&zip(&[
        Entry::stored("a", b"x").with(|e| e.descriptor = Descriptor::Signed)
    ]));
}

#[test]
fn bytes_that_belong_to_nobody() {
    let [a, b] = two();
    // Between entries.
    assert_needs_seek(&zip(&[a.clone(), b.clone().with(|e| e.gap = b"gap".to_vec())]));
    // Before the zip.
    assert_needs_seek(&[b"#!/bin/sh\n".to_vec(), sample()].concat());
    // Behind it.
    assert_needs_seek(&[sample(), b"behind".to_vec()].concat());
    // An entry that was deleted from the directory only.
    assert_needs_seek(&zip(&[a.with(|e| e.listed = false), b]));
    // Behind a deflate stream, within the section.
    assert_needs_seek(&zip(&[Entry::deflated("a", b"x").with(|e| {
        e.data.extend(b"junk");
        e.central_compressed += 4;
    })]));
}

#[test]
fn a_directory_in_another_order() {
    let mut parts = parts(&two());
    parts.directory.reverse();
    assert_needs_seek(&parts.zip(b""));
}

#[test]
fn local_headers_that_the_directory_corrects() {
    for change in [
        (|e| e.name = format!("{PREFIX}other")) as fn(&mut Entry),
        |e| e.name = "/etc/passwd".to_owned(),
        |e| e.crc ^= 1,
        |e| e.size += 1,
    ] {
        assert_needs_seek(&zip(&[Entry::deflated("a", b"x").with(change)]));
    }
}

#[test]
fn a_directory_of_the_wrong_size() {
    let parts = parts(&two());
    let (offset, directory) = (parts.entries.len(), parts.directory.concat());
    let end = end(2, directory.len() - 5, offset, b"");
    assert_needs_seek(&[parts.entries, directory, end].concat());
}

#[test]
fn offsets_that_count_bytes_which_are_not_there() {
    // As if a zip with bytes before it had lost them.
    let moved = [Entry::stored("a", b"x").with(|e| e.central_offset = 100)];
    let parts = parts(&moved);
    let (offset, directory) = (parts.entries.len(), parts.directory.concat());
    let end = end(1, directory.len(), offset + 100, b"");
    assert_needs_seek(&[parts.entries, directory, end].concat());
    assert_needs_seek(&crate::raw::end(0, 0, 5, b""));
}

#[test]
fn an_end_record_within_a_comment_is_the_one_that_counts() {
    // A comment that is a whole zip: a reader that searches from the end sees nothing else.
    let inner = zip(&[Entry::stored("inner", b"another length")]);
    let both = parts(&[Entry::stored("outer", b"1")]).zip(&inner);
    assert_eq!(seek(&both).unwrap(), seek(&inner).unwrap());
    assert_eq!(stream(&both).unwrap(), StreamVerdict::NeedsSeek);
}

#[test]
fn a_zip64_locator_within_a_comment_is_followed_as_in_go() {
    // 65535 records make readers look right before the end record for a locator.
    let mut locator = vec![b'P', b'K', 6, 7, 0, 0, 0, 0];
    locator.extend(7_u64.to_le_bytes());
    locator.extend(1_u32.to_le_bytes());
    let parts = parts(&[Entry::stored("a", b"x").with(|e| e.central_comment = locator)]);
    let (offset, directory) = (parts.entries.len(), parts.directory.concat());
    let zip = [
        parts.entries,
        directory.clone(),
        end(0xffff, directory.len(), offset, b""),
    ]
    .concat();
    assert_eq!(stream(&zip).unwrap(), StreamVerdict::NeedsSeek);
    assert!(seek(&zip).is_err());
}
