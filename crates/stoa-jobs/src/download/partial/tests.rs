//! Partial files, where the handler does not reach.

use super::*;

fn open(folder: &Path) -> Option<Partial> {
    let control = Some(folder.join("x.json"));
    Partial::open(&folder.join("x.part"), control, "fingerprint").expect("a folder")
}

fn filled(folder: &Path, length: usize) -> Partial {
    let mut partial = open(folder).expect("free");
    let validator = Validator::Etag("\"a\"".to_owned());
    partial
        .begin(Some(validator), Some(length as u64))
        .expect("a file");
    partial.append(&[vec![1; length].into()]).expect("room");
    partial
}

#[test]
fn one_at_a_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = open(folder.path()).expect("free");
    assert!(open(folder.path()).is_none());
    drop(first);
    assert!(open(folder.path()).is_some());
}

/// The process dies: nothing is dropped, and the lock is gone.
fn die(partial: Partial) {
    partial.file.unlock().expect("the lock");
    mem::forget(partial);
}

#[test]
fn a_crash_costs_little() {
    let folder = tempfile::tempdir().expect("a folder");
    for (total, kept) in [(None, 8 << 20), (Some(20 << 20), 8 << 20), (Some(1 << 20), 0)] {
        let mut partial = open(folder.path()).expect("free");
        let validator = Validator::Etag("\"a\"".to_owned());
        partial.begin(Some(validator), total).expect("a file");
        for _ in 0..(9 << 20) / 65_536 {
            partial.append(&[vec![1; 65_536].into()]).expect("room");
        }
        die(partial);
        let next = open(folder.path()).expect("free");
        assert_eq!(
            next.length(),
            kept,
            "a record of more bytes than there are to be is none"
        );
        assert_eq!(
            next.sha256(),
            hex(&Sha256::digest(vec![1; usize::try_from(kept).expect("a length")]))
        );
        assert_eq!(next.head().len(), if kept > 0 { SNIFFED } else { 0 });
    }
}

#[test]
fn of_a_whole_file_the_last_byte_is_asked_for_again() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(filled(folder.path(), 10));
    let partial = open(folder.path()).expect("free");
    assert_eq!((partial.length(), partial.total()), (9, Some(10)));
    drop(partial);
    let partial = open(folder.path()).expect("free");
    assert_eq!((partial.length(), partial.total()), (9, Some(10)));
    drop(partial);
    drop(filled(folder.path(), 1));
    assert_eq!(open(folder.path()).expect("free").length(), 0);
}

#[test]
fn a_name_that_somebody_else_has_by_now_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = filled(folder.path(), 10);
    first.about_to_be_published();
    fs::rename(folder.path().join("x.part"), folder.path().join("published")).expect("a file");
    let second = filled(folder.path(), 20);
    drop(first);
    assert_eq!(
        fs::metadata(folder.path().join("x.part")).expect("a file").len(),
        20
    );
    drop(second);
    assert_eq!(open(folder.path()).expect("free").length(), 19);
}
