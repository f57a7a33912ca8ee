//! What holds for any log, tile and note, beyond the cases Go's tests know.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use stoa_sumdb::{
    Hash, HashReader as _, KeyName, MemoryLog, Node, NoteError, ProofError, Record, RecordId, RecordProof,
    RecordText, SignedNote, Signer, Tile, TileHeight, TileLevel, TilePlan, TreeHead, TreeProof, TreeSize,
    VerifierKey, new_tiles, stored_hash_count, tree_nodes,
};

fn log(records: u64) -> MemoryLog {
    let mut log = MemoryLog::new();
    for number in 0..records {
        log.append(format!("record {number}").as_bytes());
    }
    log
}

fn size(records: u64) -> TreeSize {
    TreeSize::new(records).expect("a size")
}

fn record(number: u64) -> Hash {
    Hash::of_record(format!("record {number}").as_bytes())
}

/// A number below `bound`, however that turns out.
fn below(index: Index, bound: u64) -> u64 {
    index.index(usize::try_from(bound).expect("small")) as u64
}

fn id(number: u64) -> RecordId {
    RecordId::new(i64::try_from(number).expect("small"))
}

fn flip(hash: Hash, bit: Index) -> Hash {
    let mut bytes = *hash.as_bytes();
    flip_bit(&mut bytes, bit);
    Hash::from_bytes(bytes)
}

fn flip_bit(bytes: &mut [u8], bit: Index) {
    let bit = bit.index(bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
}

fn height() -> impl Strategy<Value = TileHeight> {
    (1..=5u8).prop_filter_map("a height", TileHeight::new)
}

fn tile() -> impl Strategy<Value = Tile> {
    let level = prop_oneof![Just(TileLevel::Data), any::<u8>().prop_map(TileLevel::Hashes)];
    let number = prop_oneof![0..3000u64, any::<u64>().prop_map(|number| number >> 1)];
    (1..=30u8, level, number, any::<Index>(), any::<bool>()).prop_filter_map(
        "a tile",
        |(height, level, number, width, is_full)| {
            let height = TileHeight::new(height)?;
            let full = height.full_width();
            let width = if is_full { full } else { width.index(full) + 1 };
            Tile::new(height, level, number, width)
        },
    )
}

/// The data of tiles as a database would serve them.
fn serve(plan: &TilePlan, log: &MemoryLog) -> Vec<Vec<u8>> {
    plan.tiles()
        .iter()
        .map(|tile| tile.read(log).expect("hashes"))
        .collect()
}

proptest! {
    #[test]
    fn record_proofs_verify_and_nothing_else_does(
        records in 1..150u64, which in any::<Index>(), bit in any::<Index>(), at in any::<Index>(),
    ) {
        let log = log(records);
        let head = log.head_at(size(records)).expect("a head");
        let number = below(which, records);
        let proof = RecordProof::prove(head.size, id(number), &log).expect("a proof");
        prop_assert_eq!(proof.check(&head, id(number), record(number)), Ok(()));

        let failed = Err(ProofError::Failed);
        prop_assert_eq!(proof.check(&head, id(number), flip(record(number), bit)), failed.clone());
        let other = TreeHead { hash: flip(head.hash, bit), ..head };
        prop_assert_eq!(proof.check(&other, id(number), record(number)), failed.clone());
        let mut hashes = proof.hashes().to_vec();
        if !hashes.is_empty() {
            let at = at.index(hashes.len());
            hashes[at] = flip(hashes[at], bit);
            let changed = RecordProof::from_hashes(hashes.clone());
            prop_assert_eq!(changed.check(&head, id(number), record(number)), failed.clone());
            hashes.remove(at);
            let shorter = RecordProof::from_hashes(hashes);
            prop_assert_eq!(shorter.check(&head, id(number), record(number)), failed.clone());
        }
        let longer = RecordProof::from_hashes([proof.hashes(), &[head.hash]].concat());
        prop_assert_eq!(longer.check(&head, id(number), record(number)), failed);
    }

    #[test]
    fn tree_proofs_verify_and_nothing_else_does(
        records in 1..150u64, earlier in any::<Index>(), bit in any::<Index>(), at in any::<Index>(),
    ) {
        let log = log(records);
        let newer = log.head_at(size(records)).expect("a head");
        let older = log.head_at(size(below(earlier, records) + 1)).expect("a head");
        let proof = TreeProof::prove(newer.size, older.size, &log).expect("a proof");
        prop_assert_eq!(proof.check(&newer, &older), Ok(()));

        let failed = Err(ProofError::Failed);
        let other = TreeHead { hash: flip(older.hash, bit), ..older };
        prop_assert_eq!(proof.check(&newer, &other), failed.clone());
        let other = TreeHead { hash: flip(newer.hash, bit), ..newer };
        prop_assert_eq!(proof.check(&other, &older), failed.clone());
        let mut hashes = proof.hashes().to_vec();
        if !hashes.is_empty() {
            let at = at.index(hashes.len());
            hashes[at] = flip(hashes[at], bit);
            let changed = TreeProof::from_hashes(hashes.clone());
            prop_assert_eq!(changed.check(&newer, &older), failed.clone());
            hashes.remove(at);
            prop_assert_eq!(TreeProof::from_hashes(hashes).check(&newer, &older), failed.clone());
        }
        let longer = TreeProof::from_hashes([proof.hashes(), &[newer.hash]].concat());
        prop_assert_eq!(longer.check(&newer, &older), failed);
    }

    #[test]
    fn tiles_of_a_tree_vouch_for_its_hashes(
        records in 1..150u64, height in height(), which in vec(any::<Index>(), 0..5),
        at in any::<Index>(), bit in any::<Index>(),
    ) {
        let log = log(records);
        let head = log.head_at(size(records)).expect("a head");
        let nodes: Vec<Node> = which
            .iter()
            .filter_map(|&index| Node::at_stored_index(below(index, stored_hash_count(head.size))))
            .collect();
        let plan = TilePlan::new(head, height, nodes.clone()).expect("nodes of the tree");
        let mut data = serve(&plan, &log);
        let tiles = plan.clone().authenticate(data.clone()).expect("tiles of the tree");
        for node in nodes {
            prop_assert_eq!(tiles.hash(node), log.hash(node));
        }
        // Each tile is read once, and not a bit of any may be another.
        let mut distinct = plan.tiles().to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        prop_assert_eq!(distinct.len(), plan.tiles().len());
        let at = at.index(data.len());
        flip_bit(&mut data[at], bit);
        prop_assert!(plan.clone().authenticate(data.clone()).is_err());
        data[at].pop();
        prop_assert!(plan.clone().authenticate(data.clone()).is_err());
        data.pop();
        prop_assert!(plan.authenticate(data).is_err());
    }

    #[test]
    fn proofs_can_be_made_from_tiles(records in 2..150u64, height in height(), earlier in any::<Index>()) {
        let log = log(records);
        let newer = log.head_at(size(records)).expect("a head");
        let older = log.head_at(size(below(earlier, records) + 1)).expect("a head");
        let nodes = TreeProof::nodes(newer.size, older.size).expect("nodes");
        let plan = TilePlan::new(newer, height, nodes).expect("nodes of the tree");
        let data = serve(&plan, &log);
        let tiles = plan.authenticate(data).expect("tiles of the tree");
        prop_assert_eq!(
            TreeProof::prove(newer.size, older.size, &tiles),
            TreeProof::prove(newer.size, older.size, &log)
        );
        let last = id(older.size.get() - 1);
        let nodes = RecordProof::nodes(newer.size, last).expect("nodes");
        prop_assert!(nodes.iter().all(|node| node.is_in(newer.size)));
    }

    #[test]
    fn the_largest_trees_are_planned_without_overflow(
        below_max in 0..1000u64, height in (1..=30u8).prop_filter_map("a height", TileHeight::new),
        index in any::<u64>(),
    ) {
        let tree = TreeHead {
            size: size(TreeSize::MAX.get() - below_max),
            hash: Hash::EMPTY_TREE,
        };
        prop_assert!(tree_nodes(tree.size).all(|node| node.is_in(tree.size)));
        if let Some(node) = Node::at_stored_index(index) {
            let plan = TilePlan::new(tree, height, [node]);
            prop_assert_eq!(plan.is_ok(), node.is_in(tree.size));
        }
    }

    #[test]
    fn tile_paths_come_back(tile in tile()) {
        prop_assert_eq!(tile.to_string().parse(), Ok(tile));
    }

    #[test]
    fn tile_paths_have_one_form(path in "/?tile/[0-9+]{1,2}/(data|[0-9+]{1,2})(/x?[0-9+]{1,4}){1,3}(\\.p/[0-9+]{1,3})?") {
        if let Ok(tile) = path.parse::<Tile>() {
            prop_assert_eq!(tile.to_string(), path);
        }
    }

    #[test]
    fn stored_indexes_come_back(index in any::<u64>(), small in 0..100_000u64) {
        for index in [index, small] {
            if let Some(node) = Node::at_stored_index(index) {
                prop_assert_eq!(node.stored_index(), index);
                prop_assert_eq!(Node::new(node.level(), node.number()), Some(node));
            } else {
                prop_assert!(index > u64::MAX - 66);
            }
        }
    }

    #[test]
    fn a_log_publishes_each_tile_it_has(sizes in vec(0..120u64, 1..4), height in height()) {
        let mut sizes = sizes;
        sizes.sort_unstable();
        let mut published = std::collections::HashSet::new();
        let mut older = TreeSize::EMPTY;
        for records in sizes {
            let newer = size(records);
            published.extend(new_tiles(height, older, newer));
            let head = log(records).head_at(newer).expect("a head");
            let nodes = (0..stored_hash_count(newer)).filter_map(Node::at_stored_index);
            let plan = TilePlan::new(head, height, nodes).expect("nodes of the tree");
            prop_assert!(plan.tiles().iter().all(|tile| published.contains(tile)));
            older = newer;
        }
    }

    #[test]
    fn signed_texts_open_as_they_were(
        text in "([^\\x00-\\x1f]{0,9}\n){1,4}", seed in any::<[u8; 32]>(), bit in any::<Index>(),
    ) {
        let signer = Signer::from_seed(KeyName::new("example.com/db").expect("a name"), &seed);
        let key: VerifierKey = signer.verifier_key().to_string().parse().expect("a key");
        let again: Signer = signer.to_secret_text().parse().expect("a private key");
        let note = SignedNote::sign(&text, &[&again]).expect("a text");
        let opened = SignedNote::open(note.as_bytes(), &key.clone().into()).expect("signed");
        prop_assert_eq!(opened.text(), text.as_str());
        let mut changed = note.into_bytes();
        flip_bit(&mut changed, bit);
        // Base64 has bits that mean nothing, and that is all.
        if let Ok(opened) = SignedNote::open(&changed, &key.into()) {
            prop_assert_eq!(opened.text(), text);
        }
    }

    #[test]
    fn records_come_back(text in "([^\\x00-\\x1f]{1,9}\n){1,4}", number in any::<i64>(), rest in vec(any::<u8>(), 0..9)) {
        let text = RecordText::new(text.as_bytes()).expect("a record");
        let record = Record { id: RecordId::new(number), text };
        let answer = [record.to_string().as_bytes(), &rest].concat();
        prop_assert_eq!(Record::parse(&answer), Ok((record, rest.as_slice())));
    }

    #[test]
    fn nothing_panics(bytes in vec(any::<u8>(), 0..64), text in "(go.sum database tree\n)?[0-9+a-f=\n\u{2014} ]{0,60}") {
        let _ = Record::parse(&bytes);
        let _ = Record::parse(text.as_bytes());
        let _ = TreeHead::parse(&text);
        let _ = text.parse::<VerifierKey>();
        let _ = text.parse::<Signer>();
        let _ = text.parse::<Tile>();
        for note in [bytes.as_slice(), text.as_bytes()] {
            let opened = SignedNote::open(note, &stoa_sumdb::Verifiers::default());
            let is_unbelieved = matches!(opened, Err(NoteError::Malformed | NoteError::Unverified { .. }));
            prop_assert!(is_unbelieved);
        }
    }
}

/// Here the edge of the tree is four nodes in two tiles, so that the first tile after the edge is the third: one that
/// a check from the fourth on would miss.
#[test]
fn tiles_are_authenticated_from_the_first_one_after_the_edge() {
    let log = log(15);
    let head = log.head_at(size(15)).expect("a head");
    let height = TileHeight::new(2).expect("a height");
    let plan = TilePlan::new(head, height, Node::new(0, 1)).expect("a node of the tree");
    let paths: Vec<String> = plan.tiles().iter().map(Tile::to_string).collect();
    assert_eq!(paths, ["tile/2/1/000.p/3", "tile/2/0/003.p/3", "tile/2/0/000"]);
    let mut data = serve(&plan, &log);
    data[2][40] ^= 1;
    assert!(plan.authenticate(data).is_err());
}

#[test]
fn a_note_may_not_be_endless() {
    let note = vec![b'a'; stoa_sumdb::MAX_NOTE_BYTES + 1];
    let len = note.len();
    let opened = SignedNote::open(&note, &stoa_sumdb::Verifiers::default());
    assert_eq!(opened, Err(NoteError::TooLong { len }));
}

#[test]
fn only_texts_that_open_again_are_signed() {
    let signer = Signer::from_seed(KeyName::new("db").expect("a name"), &[7; 32]);
    for text in ["", "no newline", "control\u{1}\n", "a\n\nno newline"] {
        assert_eq!(
            SignedNote::sign(text, &[&signer]),
            Err(NoteError::Malformed),
            "{text:?}"
        );
    }
    assert_eq!(SignedNote::sign("nobody\n", &[]), Err(NoteError::Malformed));
}

/// Bits of base64 that stand for nothing may be set, as in Go.
#[test]
fn base64_may_have_bits_that_mean_nothing() {
    let plain: Hash = "TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0="
        .parse()
        .expect("a hash");
    assert_eq!("TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb1=".parse(), Ok(plain));
    for text in ["", "TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0", "AAAA"] {
        assert!(text.parse::<Hash>().is_err(), "{text:?}");
    }
}
