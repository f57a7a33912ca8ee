//! Module zips of ours: what the rules let pass is a zip that both checks take, with the same hash; and nothing else is.
#![no_main]

use std::collections::HashSet;
use std::io::Cursor;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use stoa_module::zip::{FileEntry, FileKind, Level, StreamChecker, StreamVerdict, ZipLimits, check, check_files, create};
use stoa_module::{ModulePath, ModuleVersion, Version, check_file_path};

#[derive(Arbitrary, Debug)]
struct File<'a> {
    path: &'a [u8],
    content: &'a [u8],
    kind: u8,
}

fuzz_target!(|input: (u8, Vec<File<'_>>)| {
    let (level, files) = input;
    let path = ModulePath::parse("example.com/M").unwrap();
    let target = ModuleVersion::new(path, Version::parse("v1.0.0").unwrap()).unwrap();
    let entry = |file: &File<'_>| FileEntry {
        path: file.path.to_vec(),
        size: file.content.len() as u64,
        kind: match file.kind % 8 {
            0 => FileKind::Symlink,
            1 => FileKind::Irregular,
            _ => FileKind::Regular,
        },
    };
    let entries: Vec<_> = files.iter().map(entry).collect();
    let go_mod = files.iter().find(|file| file.path == b"go.mod").map(|file| file.content);
    let checked = check_files(&entries, go_mod);
    // A path is reported once, however often it is there.
    let reported = checked.omitted.iter().chain(&checked.invalid).map(|error| error.path.as_slice());
    let known: HashSet<_> = checked.valid.iter().map(|path| path.as_bytes()).chain(reported).collect();
    assert!(files.iter().all(|file| known.contains(file.path)) && known.len() <= files.len());
    for path in &checked.valid {
        assert!(check_file_path(path).is_ok(), "{path:?}");
    }
    let good = checked.invalid.is_empty() && checked.size_error.is_none();
    let mut zip = Vec::new();
    let mut contents = files.iter();
    let created = create(&mut zip, &target, &entries, go_mod, Level::new(u32::from(level)), |entry| {
        // They are opened in their order, some left out; names are not unique before they are checked.
        let file = contents.find(|file| file.path == entry.path && file.content.len() as u64 == entry.size);
        Ok(file.unwrap().content)
    });
    let Ok(summary) = created else {
        assert!(!good);
        assert!(zip.is_empty(), "nothing is written of what is refused");
        return;
    };
    assert!(good);
    assert_eq!(summary.files, checked.valid.len() as u64);
    assert_eq!(check(Cursor::new(&zip), &target, &ZipLimits::default()).unwrap(), summary);
    let mut checker = StreamChecker::new(&target, ZipLimits::default());
    for chunk in zip.chunks(7) {
        checker.write(chunk).unwrap();
    }
    assert_eq!(checker.finish().unwrap(), StreamVerdict::Checked(summary));
});
