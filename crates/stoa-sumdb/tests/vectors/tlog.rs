use serde_json::Value;
use stoa_sumdb::{
    MemoryLog, Record, RecordId, RecordProof, RecordText, TreeHead, TreeProof, TreeSize, stored_hash_count,
    tree_hash,
};

use crate::{all, assert_fields, bytes, cases, flag, hashes, size, text};

#[test]
fn families() {
    for vectors in all("tlog") {
        assert_fields(
            &vectors,
            &[
                "format_record",
                "new_tiles",
                "parse_record",
                "parse_tree",
                "record_proofs",
                "tile_paths",
                "tree100",
                "tree_proofs",
            ],
        );
    }
}

fn id(case: &Value, field: &str) -> RecordId {
    RecordId::new(case[field].as_i64().unwrap_or_else(|| panic!("no id in {case}")))
}

#[test]
fn format_record() {
    for vectors in all("tlog") {
        for case in cases(&vectors, "format_record", 6) {
            assert_fields(case, &["formatted", "id", "ok", "text"]);
            let content = RecordText::new(text(case, "text").as_bytes());
            assert_eq!(content.is_ok(), flag(case, "ok"), "{case}");
            if let Ok(text) = content {
                let id = id(case, "id");
                assert_eq!(Record { id, text }.to_string(), self::text(case, "formatted"));
            }
        }
    }
}

#[test]
fn parse_record() {
    for vectors in all("tlog") {
        for case in cases(&vectors, "parse_record", 11) {
            assert_fields(case, &["id", "in_b64", "ok", "rest_b64", "text"]);
            let answer = bytes(case, "in_b64");
            let record = Record::parse(&answer);
            assert_eq!(record.is_ok(), flag(case, "ok"), "{case}");
            if let Ok((record, rest)) = record {
                assert_eq!(record.id, id(case, "id"));
                assert_eq!(record.text.as_str(), text(case, "text"));
                assert_eq!(rest, bytes(case, "rest_b64"));
            }
        }
    }
}

#[test]
fn parse_tree() {
    for vectors in all("tlog") {
        for case in cases(&vectors, "parse_tree", 9) {
            assert_fields(case, &["N", "hash", "in", "ok"]);
            let head = TreeHead::parse(text(case, "in"));
            assert_eq!(head.is_ok(), flag(case, "ok"), "{case}");
            if let Ok(head) = head {
                assert_eq!(head.size, size(case, "N"));
                assert_eq!(head.hash.to_string(), text(case, "hash"));
                assert!(text(case, "in").starts_with(&head.to_text()));
            }
        }
    }
}

/// The log of a hundred records that proofs and tiles are of.
pub(crate) fn log100(vectors: &Value) -> MemoryLog {
    let content = text(&vectors["tree100"], "leaf_data");
    let mut log = MemoryLog::new();
    for number in 0..100 {
        log.append(content.replace("%d", &number.to_string()).as_bytes());
    }
    log
}

#[test]
fn tree100() {
    for vectors in all("tlog") {
        let case = &vectors["tree100"];
        assert_fields(
            case,
            &[
                "leaf_data",
                "record_hashes",
                "tiles_h2",
                "tree_hash_after_n_plus_1",
            ],
        );
        let log = log100(&vectors);
        let records = hashes(&case["record_hashes"]);
        let trees = hashes(&case["tree_hash_after_n_plus_1"]);
        assert_eq!((records.len(), trees.len()), (100, 100));
        for (number, (record, tree)) in (0..).zip(records.into_iter().zip(trees)) {
            let data = text(case, "leaf_data").replace("%d", &number.to_string());
            assert_eq!(stoa_sumdb::Hash::of_record(data.as_bytes()), record);
            let size = TreeSize::new(number + 1).expect("a size");
            assert_eq!(tree_hash(size, &log), Ok(tree));
        }
        assert_eq!(stored_hash_count(log.size()), 197);
    }
}

#[test]
fn record_proofs() {
    for vectors in all("tlog") {
        let log = log100(&vectors);
        for case in cases(&vectors, "record_proofs", 8) {
            assert_fields(case, &["proof", "record", "tree_size"]);
            let (size, id) = (size(case, "tree_size"), id(case, "record"));
            let proof = RecordProof::from_hashes(hashes(&case["proof"]));
            assert_eq!(RecordProof::prove(size, id, &log).as_ref(), Ok(&proof));
            let position = usize::try_from(id.get()).expect("a position");
            let record = hashes(&vectors["tree100"]["record_hashes"])[position];
            let head = log.head_at(size).expect("a head");
            assert_eq!(proof.check(&head, id, record), Ok(()));
        }
    }
}

#[test]
fn tree_proofs() {
    for vectors in all("tlog") {
        let log = log100(&vectors);
        for case in cases(&vectors, "tree_proofs", 7) {
            assert_fields(case, &["older_size", "proof", "tree_size"]);
            let (older, newer) = (size(case, "older_size"), size(case, "tree_size"));
            let proof = TreeProof::from_hashes(hashes(&case["proof"]));
            assert_eq!(TreeProof::prove(newer, older, &log).as_ref(), Ok(&proof));
            let head = |size| log.head_at(size).expect("a head");
            assert_eq!(proof.check(&head(newer), &head(older)), Ok(()));
        }
    }
}
