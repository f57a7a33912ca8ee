//! What is written can be checked, and is what was given.

use std::collections::BTreeMap;
use std::io::Cursor;

use proptest::prelude::*;
use stoa_module::dirhash::{Hash1, go_mod_h1};
use stoa_module::zip::{self, FileEntry, Level, StreamChecker, StreamVerdict, ZipError, ZipLimits};

use crate::{PREFIX, create, seek, stream, stream_in, target};

fn trees() -> impl Strategy<Value = BTreeMap<String, Vec<u8>>> {
    let content = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        (any::<u8>(), 0..300_000_usize).prop_map(|(byte, len)| vec![byte; len]),
    ];
    prop::collection::btree_map("(d[0-9]/){0,2}f[0-9é日]{1,3}\\.go|go\\.mod", content, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn created_zips_pass_both_checks(
        tree in trees(),
        level in 0..10_u32,
        cuts in prop::collection::vec(1..5000_usize, 1..20),
    ) {
        let files: Vec<_> =
            tree.iter().map(|(path, content)| FileEntry::regular(path.as_str(), content.len() as u64)).collect();
        let mut zip = Vec::new();
        let open = |file: &FileEntry| Ok(Cursor::new(&tree[str::from_utf8(&file.path).unwrap()]));
        let go_mod = tree.get("go.mod").map(Vec::as_slice);
        let summary = zip::create(&mut zip, &target(), &files, go_mod, Level::new(level), open).unwrap();

        let mut hash = Hash1::new();
        for (path, content) in &tree {
            hash.add_reader(format!("{PREFIX}{path}").as_bytes(), content.as_slice()).unwrap();
        }
        prop_assert_eq!(summary.h1, hash.finish());
        prop_assert_eq!(summary.files, tree.len() as u64);
        prop_assert_eq!(summary.uncompressed, tree.values().map(|content| content.len() as u64).sum::<u64>());
        prop_assert_eq!(summary.go_mod_h1, go_mod.map(go_mod_h1));
        prop_assert_eq!(seek(&zip).unwrap(), summary);

        let mut checker = StreamChecker::new(&target(), ZipLimits::default());
        let mut rest = zip.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, after) = rest.split_at((*cut).min(rest.len()));
            checker.write(chunk).unwrap();
            rest = after;
        }
        prop_assert_eq!(checker.finish().unwrap(), StreamVerdict::Checked(summary));
    }
}

#[test]
fn one_byte_at_a_time() {
    let zip = create(&[("a", &vec![7; 70_000]), ("b", b"x")]);
    assert_eq!(
        stream_in(&zip, 1).unwrap(),
        StreamVerdict::Checked(seek(&zip).unwrap())
    );
}

#[test]
fn the_same_files_make_the_same_bytes() {
    let files: [(&str, &[u8]); 2] = [("b", b"1"), ("a", b"2")];
    assert_eq!(create(&files), create(&files));
}

#[test]
fn more_entries_than_the_old_format_counts() {
    let names: Vec<_> = (0..70_000).map(|i| format!("{i}")).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let zip = create(&files);
    let summary = seek(&zip).unwrap();
    assert_eq!(summary.files, 70_000);
    assert_eq!(stream(&zip).unwrap(), StreamVerdict::Checked(summary));
}

#[test]
fn contents_must_be_as_long_as_declared() {
    let create = |size| {
        let files = [FileEntry::regular("a", size)];
        zip::create(Vec::new(), &target(), &files, None, Level::default(), |_| {
            Ok(&b"12345"[..])
        })
    };
    assert!(create(5).is_ok());
    assert_eq!(
        create(4).unwrap_err().to_string(),
        r#"file "a" is larger than declared size"#
    );
    assert!(matches!(
        create(6).unwrap_err(),
        ZipError::SmallerThanDeclared { .. }
    ));
}

#[test]
fn failures_to_open_or_read_are_passed_on() {
    let files = [FileEntry::regular("a", 5)];
    let open = |_: &FileEntry| Err::<&[u8], _>(std::io::Error::other("gone"));
    let error = zip::create(Vec::new(), &target(), &files, None, Level::default(), open).unwrap_err();
    assert_eq!(error.to_string(), "gone");
    assert!(!error.is_permanent());
}
