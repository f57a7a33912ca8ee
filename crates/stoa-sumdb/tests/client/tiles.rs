//! Tiles that are passed on.

use stoa_sumdb::{
    Client, ClientError, RemoteError, RemotePath, Tile, TileError, TileHeight, TileLevel, TreeSize, new_tiles,
};

use crate::database::Database;
use crate::port::TestPort;
use crate::ready;

fn tile(path: &str) -> Tile {
    path.parse().expect("a path")
}

fn height(levels: u8) -> TileHeight {
    TileHeight::new(levels).expect("a height")
}

fn read(client: &Client, path: &str) -> Result<Vec<u8>, ClientError> {
    ready(client.tile(tile(path)))
}

/// What an honest database has there.
fn expected(port: &TestPort, tile: Tile) -> Vec<u8> {
    let answer = port.world().database.answer(&RemotePath::Tile(tile));
    answer.expect("a tile")
}

/// All tiles that a log of this many records has, of every level and width, those of records included.
fn all_tiles(height: TileHeight, size: u64) -> impl Iterator<Item = Tile> {
    let size = TreeSize::new(size).expect("a size");
    let widest = new_tiles(height, TreeSize::EMPTY, size).flat_map(move |tile| {
        let records = Tile::new(height, TileLevel::Data, tile.number(), tile.width());
        [
            Some(tile),
            records.filter(|_| tile.level() == TileLevel::Hashes(0)),
        ]
    });
    widest.flatten().flat_map(move |tile| {
        (1..=tile.width()).filter_map(move |width| Tile::new(height, tile.level(), tile.number(), width))
    })
}

#[test]
fn every_tile_of_every_level_and_width() {
    for (levels, size, count) in [(1, 21, 60), (2, 70, 162), (3, 75, 160), (8, 300, 601)] {
        let height = height(levels);
        let port = TestPort::with_records(usize::try_from(size).expect("a size"));
        let client = port.client().with_tile_height(height);
        let fresh = || port.client().with_tile_height(height);
        let mut tiles = 0;
        for tile in all_tiles(height, size) {
            tiles += 1;
            let read = ready(client.tile(tile)).expect("a tile");
            assert_eq!(read, expected(&port, tile), "{tile}");
        }
        assert_eq!(tiles, count, "tiles of height {levels}");
        // All of it is cached now, also for processes to come.
        port.world().is_offline = true;
        for tile in all_tiles(height, size) {
            let read = ready(fresh().tile(tile)).expect("a cached tile");
            assert_eq!(read, expected(&port, tile), "{tile}");
        }
    }
}

#[test]
fn each_tile_is_fetched_once() {
    let port = TestPort::with_records(300);
    let client = port.client();
    for path in [
        "tile/8/0/000",
        "tile/8/0/001.p/44",
        "tile/8/0/001.p/17",
        "tile/8/0/000",
        "tile/8/1/000.p/1",
    ] {
        read(&client, path).expect("a tile");
    }
    let requests = port.take_requests();
    assert_eq!(
        requests,
        [
            "/latest",
            "/tile/8/1/000.p/1",
            "/tile/8/0/001.p/44",
            "/tile/8/0/000"
        ]
    );
    // Of records, those that are asked for are fetched.
    for path in ["tile/8/data/001.p/17", "tile/8/data/001.p/17", "tile/8/data/000"] {
        read(&client, path).expect("a tile");
    }
    assert_eq!(
        port.take_requests(),
        ["/tile/8/data/001.p/17", "/tile/8/data/000"]
    );
    // The narrower one is cut from the full one.
    read(&client, "tile/8/data/000.p/99").expect("a tile");
    assert_eq!(port.take_requests(), [""; 0]);
}

/// A tile read once is there for good, however the log has grown since.
#[test]
fn tiles_outlive_the_heads_they_were_read_by() {
    let port = TestPort::with_records(1);
    let client = port.client().with_tile_height(height(2));
    let mut seen = Vec::new();
    for size in [1, 2, 3, 5, 8, 16, 17, 30, 64, 66, 67, 257] {
        port.world().is_offline = false;
        port.world().database.grow(size);
        ready(client.refresh()).expect("a head");
        for tile in all_tiles(height(2), size as u64).filter(|tile| tile.number() % 3 != 1) {
            seen.push((tile, ready(client.tile(tile)).expect("a tile")));
        }
        // Another head comes before anything is read again.
        port.world().database.grow(size + 1);
        ready(client.refresh()).expect("a head");
        port.world().is_offline = true;
        for (tile, data) in &seen {
            let fresh = port.client().with_tile_height(height(2));
            assert_eq!(ready(fresh.tile(*tile)).expect("a cached tile"), *data, "{tile}");
        }
    }
}

#[test]
fn tiles_beyond_the_head_make_it_move_on_once() {
    let port = TestPort::with_records(300);
    let client = port.client();
    ready(client.refresh()).expect("a head");
    port.world().database.grow(600);
    port.take_requests();
    let path = "tile/8/0/001.p/45";
    assert_eq!(read(&client, path).expect("a tile"), expected(&port, tile(path)));
    let requests = port.take_requests();
    assert_eq!(requests.iter().filter(|path| *path == "/latest").count(), 1);
    assert_eq!(client.latest().size.get(), 600);
    for path in [
        "tile/8/0/002.p/89",
        "tile/8/0/003.p/1",
        "tile/8/0/x001/000",
        "tile/8/1/000",
        "tile/8/1/000.p/3",
        "tile/8/2/000.p/1",
        "tile/8/63/000.p/1",
        "tile/8/255/x999/x999/x999/x999/x999/999",
        "tile/8/0/x999/x999/x999/x999/x999/999",
        "tile/8/data/002.p/89",
        "tile/8/data/x999/x999/x999/x999/x999/999",
    ] {
        let error = read(&client, path).expect_err("no such tile");
        assert!(
            matches!(error, ClientError::NoTile { size, .. } if size.get() == 600),
            "{path}: {error}"
        );
        assert!(error.is_not_found() && !error.is_misbehavior());
        assert_eq!(port.take_requests(), ["/latest"], "{path}");
    }
    assert_eq!(
        read(&client, "tile/8/1/000.p/3")
            .expect_err("no tile")
            .to_string(),
        "tile/8/1/000.p/3 is not in a tree of 600 records"
    );
    // Without the database nobody can say that it has no such tile.
    port.world().is_offline = true;
    let error = read(&client, "tile/8/0/003.p/1").expect_err("nothing is known");
    assert!(
        matches!(
            error,
            ClientError::Remote {
                source: RemoteError::Failed(_),
                ..
            }
        ),
        "{error}"
    );
    assert!(!error.is_not_found());
}

#[test]
fn tiles_of_another_height_are_none() {
    let port = TestPort::with_records(300);
    for path in ["tile/7/0/000", "tile/30/0/000", "tile/1/data/000"] {
        let error = read(&port.client(), path).expect_err("no such tile");
        assert!(matches!(error, ClientError::TileHeight { .. }), "{error}");
        assert!(error.is_not_found());
    }
    assert_eq!(port.take_requests(), [""; 0], "and nobody is asked");
}

/// The head of 300 records is known, but the database has replaced what was partial then.
#[test]
fn full_tiles_stand_for_partial_ones() {
    let port = TestPort::with_records(600);
    port.world().database.size = 300;
    port.tamper(|_, path, answer| match path {
        RemotePath::Tile(tile) if tile.number() == 1 && !tile.is_full() => None,
        _ => answer,
    });
    let client = port.client();
    for path in [
        "tile/8/0/001.p/44",
        "tile/8/0/001.p/9",
        "tile/8/data/001.p/44",
        "tile/8/data/001.p/9",
    ] {
        assert_eq!(
            read(&client, path).expect("a tile"),
            expected(&port, tile(path)),
            "{path}"
        );
    }
    let requests = port.take_requests();
    for path in ["/tile/8/0/001", "/tile/8/data/001"] {
        assert!(requests.iter().any(|request| request == path), "{requests:?}");
    }
}

#[test]
fn tampered_tiles_are_refused() {
    let paths = [
        "tile/8/0/000",
        "tile/8/0/001.p/44",
        "tile/8/1/000.p/1",
        "tile/8/data/000",
        "tile/8/data/001.p/44",
    ];
    for path in paths {
        for position in [0, 1, 700, 1000] {
            let port = TestPort::with_records(300);
            port.tamper(move |_, asked, answer| {
                let is_meant = asked.to_string() == format!("/{path}");
                answer.map(|mut data| {
                    let position = position % data.len();
                    data[position] ^= u8::from(is_meant);
                    data
                })
            });
            let error = read(&port.client(), path).expect_err("a wrong tile");
            let is_told = matches!(
                error,
                ClientError::Tiles(TileError::WrongEdge { .. } | TileError::WrongTile { .. })
                    | ClientError::WrongRecord { .. }
                    | ClientError::Record { .. }
            );
            assert!(is_told, "{path}: {error}");
            assert!(
                !port.cached().contains(&format!("/{path}")),
                "nothing of it is kept"
            );
        }
    }
}

#[test]
fn records_that_are_others_or_too_few_are_refused() {
    let answers: [fn(Vec<u8>) -> Vec<u8>; 4] = [
        |_| Vec::new(),
        |data| data[..data.len() - 1].to_vec(),
        |data| data[1..].to_vec(),
        |data| {
            let text = String::from_utf8(data).expect("text");
            let mut records: Vec<&str> = text.split_inclusive("\n\n").collect();
            records.swap(3, 4);
            records.concat().into_bytes()
        },
    ];
    for (number, change) in answers.into_iter().enumerate() {
        let port = TestPort::with_records(10);
        port.tamper(move |_, path, answer| match path {
            RemotePath::Tile(tile) if tile.level() == TileLevel::Data => answer.map(change),
            _ => answer,
        });
        let error = read(&port.client(), "tile/8/data/000.p/10").expect_err("not the records");
        match error {
            ClientError::WrongRecord { id, .. } => {
                assert!([(2, 0), (3, 3)].contains(&(number, id.get())), "{number}: {id}");
            }
            error => assert!(matches!(error, ClientError::Record { .. }), "{number}: {error}"),
        }
        assert_eq!(port.cached(), ["/tile/8/0/000.p/10"]);
    }
}

#[test]
fn damaged_caches_are_mended() {
    for path in ["tile/8/0/000", "tile/8/0/001.p/44", "tile/8/data/001.p/44"] {
        let damages: [fn(&mut Vec<u8>); 4] = [|_| (), Vec::clear, |data| data[0] ^= 1, |data| data.push(0)];
        for damage in damages {
            let port = TestPort::with_records(300);
            let good = read(&port.client(), path).expect("a tile");
            damage(
                port.world()
                    .cache
                    .get_mut(&format!("/{path}"))
                    .expect("it is cached"),
            );
            assert_eq!(read(&port.client(), path).expect("a tile"), good);
            port.world().is_offline = true;
            assert_eq!(
                read(&port.client(), path).expect("a cached tile"),
                good,
                "{path} is mended"
            );
        }
    }
}

#[test]
fn a_rollback_is_no_answer_to_a_tile_beyond() {
    let port = TestPort::with_records(600);
    let client = port.client();
    ready(client.refresh()).expect("a head");
    port.world().database.size = 300;
    let error = read(&client, "tile/8/0/002.p/89").expect_err("no such tile");
    assert!(matches!(error, ClientError::Rollback { .. }), "{error}");
    // What the newer head has is still read.
    read(&client, "tile/8/0/002.p/88").expect("a tile");
}

#[test]
fn the_known_head_needs_no_database() {
    let port = TestPort::new(Database::with_records(10));
    assert_eq!(ready(port.client().known_head()).expect("nothing stored"), None);
    let refreshed = ready(port.client().refresh()).expect("a head");
    assert_eq!(*refreshed.note, *port.world().database.signed_head().as_bytes());
    assert_eq!(refreshed.head, port.world().database.head());
    port.world().is_offline = true;
    port.take_requests();
    assert_eq!(
        ready(port.client().known_head()).expect("a head"),
        Some(refreshed)
    );
    assert_eq!(port.take_requests(), [""; 0]);
    port.world().latest = b"no note".to_vec();
    assert!(ready(port.client().known_head()).is_err());
}

#[test]
fn lookups_come_with_their_answer() {
    let port = TestPort::with_records(10);
    let module = crate::numbered(3);
    let first = ready(port.client().lookup(&module)).expect("a record");
    let path = RemotePath::Lookup(module.clone());
    assert_eq!(Some(&first.answer), port.world().database.answer(&path).as_ref());
    // The head in it stays the one of that time.
    port.world().database.grow(20);
    assert_eq!(ready(port.client().lookup(&module)).expect("a record"), first);
}
