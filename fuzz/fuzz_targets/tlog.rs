//! Records, tiles, paths and proofs of a checksum database.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stoa_sumdb::{
    Hash, MemoryLog, Record, RecordId, RecordProof, RecordText, RemotePath, Tile, TileLevel, TreeProof, TreeSize,
};

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (size, id, data) = input;
    if let Ok((record, rest)) = Record::parse(data) {
        let printed = record.to_string();
        assert_eq!(Record::parse(printed.as_bytes()), Ok((record, &b""[..])));
        assert!(data.ends_with(rest));
    }
    if let Ok(text) = RecordText::new(data) {
        assert_eq!(text.as_str().as_bytes(), data);
    }
    if let Ok(text) = std::str::from_utf8(data) {
        if let Ok(path) = text.parse::<RemotePath>() {
            assert_eq!(path.to_string().parse::<RemotePath>().as_ref(), Ok(&path));
            assert!(path.max_bytes() > 0);
        }
        if let Ok(tile) = text.parse::<Tile>() {
            assert_eq!(tile.to_string(), text, "a tile has one path");
            if tile.level() != TileLevel::Data && tile.hash_bytes() <= 1 << 16 {
                let wrong = vec![0; tile.hash_bytes() - 1];
                if let Some(node) = tile.node(0) {
                    assert!(tile.hash(&wrong, node).is_err(), "it is too short");
                }
            }
        }
        if let Ok(hash) = text.parse::<Hash>() {
            // As in Go, the last bits of its base64 do not count.
            assert_eq!(hash.to_string().parse::<Hash>(), Ok(hash));
        }
    }
    proofs(u64::from(size % 24) + 1, u64::from(id), data);
});

/// Proofs made of what came in prove nothing, but for the real ones.
fn proofs(size: u64, id: u64, data: &[u8]) {
    let mut log = MemoryLog::new();
    for index in 0..size {
        log.append(&index.to_le_bytes());
    }
    let (older, record) = (TreeSize::new(id % size + 1).unwrap(), RecordId::new((id % size) as i64));
    let tree = log.head_at(log.size()).unwrap();
    let old = log.head_at(older).unwrap();
    let hashes: Vec<Hash> = data
        .chunks_exact(32)
        .map(|bytes| Hash::from_bytes(bytes.try_into().unwrap()))
        .collect();
    let right = RecordProof::prove(log.size(), record, &log).unwrap();
    let given = RecordProof::from_hashes(hashes.clone());
    let hash = Hash::of_record(&(id % size).to_le_bytes());
    assert!(right.check(&tree, record, hash).is_ok());
    assert_eq!(given.check(&tree, record, hash).is_ok(), given == right);
    let right = TreeProof::prove(log.size(), older, &log).unwrap();
    let given = TreeProof::from_hashes(hashes);
    assert!(right.check(&tree, &old).is_ok());
    assert_eq!(given.check(&tree, &old).is_ok(), given == right);
}
