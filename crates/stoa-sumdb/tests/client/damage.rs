//! Tiles, caches and answers that are broken.

use stoa_sumdb::{ClientError, HeadOrigin, NoteError, RemotePath, TileError};

use crate::port::TestPort;
use crate::{numbered, ready};

const TILES: [&str; 3] = ["/tile/8/1/000.p/1", "/tile/8/0/001.p/44", "/tile/8/0/000"];

/// Changes one answer, and the full tile it might be read from instead.
fn tamper(port: &TestPort, name: &'static str, change: impl Fn(Vec<u8>) -> Vec<u8> + Send + 'static) {
    port.tamper(move |_, path, answer| {
        let is_meant = name.starts_with(&path.to_string());
        answer.map(|answer| if is_meant { change(answer) } else { answer })
    });
}

#[test]
fn tampered_tiles() {
    for name in TILES {
        for bit in [0, 7, 100, 255] {
            let port = TestPort::with_records(300);
            tamper(&port, name, move |mut tile| {
                tile[bit / 8] ^= 1 << (bit % 8);
                tile
            });
            let error = ready(port.client().lookup(&numbered(3))).expect_err("a wrong tile");
            let is_wrong = matches!(
                error,
                ClientError::Tiles(TileError::WrongEdge { .. } | TileError::WrongTile { .. })
            );
            assert!(is_wrong, "{name}: {error}");
            assert_eq!(port.cached(), [""; 0], "nothing of it is kept");
        }
    }
}

#[test]
fn tiles_of_another_length() {
    for name in TILES {
        for len in [0, 1, 31, 10_000] {
            let port = TestPort::with_records(300);
            tamper(&port, name, move |mut tile| {
                tile.resize(len, 0);
                tile
            });
            let error = ready(port.client().lookup(&numbered(3))).expect_err("a wrong tile");
            assert!(
                matches!(error, ClientError::Length { given, .. } if given == len),
                "{error}"
            );
        }
    }
}

#[test]
fn endless_answers() {
    let port = TestPort::with_records(10);
    let max = "/lookup/example.com/m5@v1.0.0"
        .parse::<RemotePath>()
        .expect("a path")
        .max_bytes();
    port.tamper_lookups(move |_, mut answer| {
        answer.resize(max + 1, b'\n');
        answer
    });
    let error = ready(port.client().lookup(&numbered(5))).expect_err("too long");
    assert!(
        matches!(error, ClientError::Length { given, .. } if given == max + 1),
        "{error}"
    );
    port.tamper(|_, path, answer| match path {
        RemotePath::Latest => Some(vec![b'a'; path.max_bytes() + 1]),
        _ => answer,
    });
    let error = ready(port.client().refresh()).expect_err("too long");
    assert!(matches!(error, ClientError::Length { .. }), "{error}");
}

#[test]
fn tampered_heads() {
    let changes: [fn(&str) -> String; 4] = [
        |answer| answer.replacen("\n10\n", "\n11\n", 1),
        |answer| answer.replacen("sum.example.com/db ", "sum.example.com/other ", 1),
        |answer| answer[..=answer.rfind("\n\n").expect("a note")].to_owned(),
        |answer| answer.replacen("go.sum database tree", "go.sum database branch", 1),
    ];
    for change in changes {
        let port = TestPort::with_records(10);
        port.tamper_lookups(move |_, answer| change(&String::from_utf8(answer).expect("text")).into());
        let error = ready(port.client().lookup(&numbered(5))).expect_err("no head");
        assert!(matches!(error, ClientError::Note { .. }), "{error}");
        assert_eq!(port.world().latest, b"");
    }
    // Signed, but no head.
    let port = TestPort::with_records(10);
    port.tamper(|database, _, _| Some(database.sign("anything\n").into_bytes()));
    let error = ready(port.client().refresh()).expect_err("no head");
    assert!(matches!(error, ClientError::Head { .. }), "{error}");
}

#[test]
fn an_empty_answer_is_no_head() {
    let port = TestPort::with_records(10);
    port.tamper(|_, _, _| Some(Vec::new()));
    let error = ready(port.client().refresh()).expect_err("no head");
    assert!(
        matches!(
            error,
            ClientError::Note {
                source: NoteError::Malformed,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_damaged_cache_is_filled_anew() {
    let port = TestPort::with_records(300);
    ready(port.client().lookup(&numbered(3))).expect("a record");
    let good = port.world().cache.clone();
    for name in port.cached() {
        for damage in [
            Vec::new(),
            vec![0; 5],
            vec![b'1'; good[&name].len()],
            vec![b'\n'; 2 << 20],
        ] {
            port.world().cache.insert(name.clone(), damage);
            ready(port.client().lookup(&numbered(3))).expect("a record");
            assert_eq!(port.world().cache, good, "{name}");
        }
    }
}

#[test]
fn a_damaged_stored_head_is_an_error() {
    let port = TestPort::with_records(10);
    port.world().latest = b"damaged".to_vec();
    let error = ready(port.client().lookup(&numbered(3))).expect_err("nothing to go by");
    let is_stored = matches!(
        &error,
        ClientError::Note {
            origin: HeadOrigin::Stored,
            ..
        }
    );
    assert!(is_stored, "{error}");
    assert_eq!(port.world().latest, b"damaged", "it is left for people to see");
}
