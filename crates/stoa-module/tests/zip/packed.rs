//! A zip of contents that were compressed before is the zip that would have been created.

use proptest::prelude::*;
use stoa_module::zip::{self, Deflater, FileEntry, FileKind, Level, Member, PackedZip, Part, ZipError};

use crate::target;

/// A zip put together from its parts.
fn pack(files: &[FileEntry], contents: &[Vec<u8>], go_mod: Option<&[u8]>) -> Result<Vec<u8>, ZipError> {
    let mut deflater = Deflater::new(Level::new(5));
    let mut packed: Vec<(Member, Vec<u8>)> = Vec::new();
    // Last one first: the order in which contents are compressed does not matter.
    for (file, content) in files.iter().zip(contents).rev() {
        let mut out = Vec::new();
        let member = deflater.deflate(file, content.as_slice(), |bytes| {
            out.extend_from_slice(bytes);
            Ok(())
        })?;
        packed.insert(0, (member, out));
    }
    let zip = PackedZip::new(&target(), files, go_mod, |index| Some(packed[index].0))?;
    let mut out = Vec::new();
    let mut n = 0;
    while let Some(part) = zip.part(n)? {
        match part {
            Part::Bytes(bytes) => out.extend(bytes),
            Part::Content(index) => out.extend(&packed[index].1),
        }
        n += 1;
    }
    assert_eq!(out.len() as u64, zip.bytes());
    let summary = zip::check(std::io::Cursor::new(&out), &target(), &zip::ZipLimits::default())?;
    assert_eq!(*zip.summary(), summary);
    Ok(out)
}

fn regular(files: &[(String, Vec<u8>)]) -> (Vec<FileEntry>, Vec<Vec<u8>>) {
    let entry = |(path, content): &(String, Vec<u8>)| FileEntry::regular(path.as_str(), content.len() as u64);
    let contents = files.iter().map(|(_, content)| content.clone()).collect();
    (files.iter().map(entry).collect(), contents)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn packed_zips_are_created_zips(
        tree in prop::collection::btree_map(
            "(d[0-9]/){0,2}f[0-9é日]{1,3}\\.go|go\\.mod|vendor/a/b\\.go",
            prop::collection::vec(any::<u8>(), 0..70_000),
            0..9,
        ),
    ) {
        let tree: Vec<_> = tree.into_iter().collect();
        let go_mod = tree.iter().find(|(path, _)| path == "go.mod").map(|(_, content)| content.as_slice());
        let (files, contents) = regular(&tree);
        let mut created = Vec::new();
        let open = |file: &FileEntry| {
            let at = files.iter().position(|other| other == file).unwrap();
            Ok(contents[at].as_slice())
        };
        zip::create(&mut created, &target(), &files, go_mod, Level::new(5), open).unwrap();
        prop_assert_eq!(pack(&files, &contents, go_mod).unwrap(), created);
    }
}

#[test]
fn a_content_that_is_missing_or_of_another_length_is_an_error() {
    let files = [FileEntry::regular("a", 3)];
    let error = PackedZip::new(&target(), &files, None, |_| None).unwrap_err();
    assert_eq!(error.to_string(), "a file has no content");
    for (size, text) in [
        (2, r#"file "a" is smaller than declared size"#),
        (4, r#"file "a" is larger than declared size"#),
    ] {
        let member = Member {
            crc: 0,
            sha256: [0; 32],
            size,
            compressed: 2,
        };
        let error = PackedZip::new(&target(), &files, None, |_| Some(member)).unwrap_err();
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn rules_hold_before_contents_are_asked_for() {
    let mut link = FileEntry::regular("link?", 3);
    link.kind = FileKind::Symlink;
    let error = PackedZip::new(&target(), &[link], None, |_| panic!("nothing is valid")).unwrap_err();
    assert!(matches!(error, ZipError::BadFiles(_)));
}
