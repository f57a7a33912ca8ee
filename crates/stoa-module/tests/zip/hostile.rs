//! Zips that break the rules, or say one thing twice in two ways.

use stoa_module::zip::{FileProblem, StreamVerdict, ZipError};

use crate::raw::{Descriptor, Entry, zip};
use crate::{PREFIX, seek, stream, stream_in};

/// Refused by both checks, with the same words.
fn refused(zip: &[u8]) -> String {
    let error = seek(zip).unwrap_err();
    assert!(error.is_permanent(), "{error}");
    for len in [1, 4096] {
        assert_eq!(stream_in(zip, len).unwrap_err().to_string(), error.to_string());
    }
    error.to_string()
}

fn deflated(path: &str) -> Entry {
    Entry::deflated(path, b"some text").with(|e| e.descriptor = Descriptor::Signed)
}

#[test]
fn names_that_lead_elsewhere() {
    for (name, problem) in [
        (
            "example.com/m@v1.0.0/../x",
            "malformed file path \"../x\": invalid path element \"..\"",
        ),
        ("example.com/m@v1.0.0/a/../../x", "file path is not clean"),
        (
            "example.com/m@v1.0.0//etc/passwd",
            "malformed file path \"/etc/passwd\": empty path element",
        ),
        (
            "example.com/m@v1.0.0/a\\b",
            "malformed file path \"a\\\\b\": invalid char '\\\\'",
        ),
        (
            "example.com/m@v1.0.0/..",
            "malformed file path \"..\": invalid path element \"..\"",
        ),
        (
            "/etc/passwd",
            "path does not have prefix \"example.com/m@v1.0.0/\"",
        ),
        ("../x", "path does not have prefix \"example.com/m@v1.0.0/\""),
        (
            "example.com/m@v1.0.1/x",
            "path does not have prefix \"example.com/m@v1.0.0/\"",
        ),
        ("", "path does not have prefix \"example.com/m@v1.0.0/\""),
    ] {
        assert_eq!(
            refused(&zip(&[deflated("x").named(name)])),
            format!("{name}: {problem}")
        );
    }
}

#[test]
fn all_faults_are_told_in_their_order() {
    let zip = zip(&[
        deflated("a"),
        deflated("A"),
        deflated("a"),
        deflated("sub/go.mod"),
        deflated("a/b"),
    ]);
    let expected = [
        "A: case-insensitive file name collision: \"a\" and \"A\"",
        "a: multiple entries for file \"a\"",
        "sub/go.mod: go.mod file not in module root directory",
        "a/b: entry \"a\" is both a file and a directory",
    ];
    assert_eq!(
        refused(&zip),
        expected.map(|line| format!("{PREFIX}{line}")).join("\n")
    );
}

#[test]
fn a_directory_that_lies_about_contents() {
    for change in [
        (|e| e.central_crc ^= 1) as fn(&mut Entry),
        |e| e.central_crc = 0,
        |e| e.central_size += 1,
        |e| e.central_size -= 1,
        |e| e.central_compressed -= 1,
        |e| e.central_method = 0,
        |e| e.central_method = 12,
        |e| e.central_offset = 1,
        |e| e.central_offset = 1 << 40,
    ] {
        for entry in [
            deflated("a"),
            Entry::deflated("a", b"some text"),
            Entry::stored("a", b"some text"),
        ] {
            let changed = entry.clone().with(change);
            if changed == entry {
                continue;
            }
            let zip = zip(&[changed]);
            assert!(!matches!(stream(&zip), Ok(StreamVerdict::Checked(_))));
            assert!(!seek(&zip).unwrap_err().is_permanent());
        }
    }
}

#[test]
fn a_directory_with_other_names_decides() {
    // The local header is harmless, the directory is not.
    let entry = deflated("a").with(|e| e.central_name = format!("{PREFIX}b/../a"));
    let zip = zip(&[entry]);
    assert_eq!(stream(&zip).unwrap(), StreamVerdict::NeedsSeek);
    let ZipError::BadFiles(errors) = seek(&zip).unwrap_err() else {
        panic!("not refused for its name")
    };
    assert_eq!(errors.0[0].problem, FileProblem::NotClean);
}

#[test]
fn entries_that_the_directory_repeats() {
    // Two names for one content: legal, but not front to back.
    let mut parts = crate::raw::parts(&[Entry::stored("a", b"x")]);
    let renamed = crate::raw::parts(&[Entry::stored("b", b"x")]).directory.remove(0);
    parts.directory.push(renamed);
    let zip = parts.zip(b"");
    assert_eq!(stream(&zip).unwrap(), StreamVerdict::NeedsSeek);
    assert_eq!(seek(&zip).unwrap().files, 2);
}

#[test]
fn descriptors_that_lie() {
    for change in [(|e| e.crc ^= 1) as fn(&mut Entry), |e| e.size += 1] {
        let zip = zip(&[deflated("a").with(change)]);
        assert_eq!(stream(&zip).unwrap(), StreamVerdict::NeedsSeek);
    }
}

#[test]
fn directories_with_content() {
    let zip = zip(&[Entry::stored("d/", b"x")]);
    assert_eq!(stream(&zip).unwrap(), StreamVerdict::NeedsSeek);
    assert!(seek(&zip).is_err());
}

#[test]
fn an_entry_that_swallows_the_end_record() {
    // Its comment reaches to the end of the file, so that no directory ends before it.
    let entry = Entry::stored("a", b"x").with(|e| e.central_comment = vec![0; 22]);
    let mut parts = crate::raw::parts(&[entry]);
    let (offset, mut directory) = (parts.entries.len(), parts.directory.remove(0));
    directory.truncate(directory.len() - 22);
    let end = crate::raw::end(1, directory.len(), offset, b"");
    let zip = [parts.entries, directory, end].concat();
    assert!(!matches!(stream(&zip), Ok(StreamVerdict::Checked(_))));
    assert!(seek(&zip).is_err());
}
