//! Honest databases.

use stoa_module::dirhash::go_mod_h1;
use stoa_sumdb::{ClientError, RemoteError, RemotePath, SumError, SumFile, TileHeight, TreeHead};

use crate::database::{Database, mod_h1, record_of, zip_h1};
use crate::port::TestPort;
use crate::{module, numbered, ready};

#[test]
fn a_lookup_gives_the_modules_lines() {
    let port = TestPort::with_records(300);
    let client = port.client();
    assert_eq!(client.latest(), TreeHead::EMPTY);
    let module = numbered(256);
    let sums = ready(client.lookup(&module)).expect("a record").sums;
    let record = record_of(&module);
    assert_eq!(
        sums.lines().collect::<Vec<_>>(),
        record.lines().collect::<Vec<_>>()
    );
    assert_eq!(sums.check(SumFile::Zip, zip_h1(&module)), Ok(()));
    assert_eq!(sums.check(SumFile::GoMod, mod_h1(&module)), Ok(()));
    let found = go_mod_h1(b"another");
    let mismatch = sums.check(SumFile::Zip, found).expect_err("another hash");
    assert!(
        matches!(&mismatch, SumError::Mismatch { recorded, .. } if **recorded == zip_h1(&module).to_string())
    );
    assert_eq!(client.latest(), port.world().database.head());
    let stored = port.world().latest.clone();
    assert_eq!(stored, port.world().database.signed_head().into_bytes());
}

#[test]
fn only_the_tiles_needed_are_read_and_only_once() {
    let port = TestPort::with_records(300);
    let client = port.client();
    ready(client.lookup(&numbered(3))).expect("a record");
    assert_eq!(
        port.take_requests(),
        [
            "/lookup/example.com/m3@v1.0.0",
            "/tile/8/1/000.p/1",
            "/tile/8/0/001.p/44",
            "/tile/8/0/000"
        ]
    );
    ready(client.lookup(&numbered(4))).expect("a record");
    assert_eq!(port.take_requests(), ["/lookup/example.com/m4@v1.0.0"]);
    port.world().is_offline = true;
    ready(client.lookup(&numbered(3))).expect("a record");
    ready(port.client().lookup(&numbered(4))).expect("a record");
    assert_eq!(port.take_requests(), [""; 0]);
    let error = ready(client.lookup(&numbered(5))).expect_err("offline");
    assert!(matches!(
        error,
        ClientError::Remote {
            source: RemoteError::Failed(_),
            ..
        }
    ));
}

#[test]
fn names_are_escaped() {
    let module = module("github.com/BurntSushi/toml", "v1.0.0-RC1");
    let mut database = Database::with_records(2);
    database.add(module.clone(), record_of(&module));
    let port = TestPort::new(database);
    ready(port.client().lookup(&module)).expect("a record");
    let lookup = "/lookup/github.com/!burnt!sushi/toml@v1.0.0-!r!c1";
    assert_eq!(port.take_requests()[0], lookup);
    assert_eq!(lookup.parse(), Ok(RemotePath::Lookup(module)));
}

#[test]
fn the_log_may_grow() {
    let port = TestPort::with_records(1);
    let client = port.client();
    for records in [1, 2, 255, 256, 257, 700, 1025] {
        port.world().database.grow(records);
        for number in [0, records / 2, records - 1] {
            ready(client.lookup(&numbered(number))).expect("a record");
        }
        assert_eq!(
            ready(client.refresh()).expect("a head").head,
            port.world().database.head()
        );
        assert_eq!(client.latest(), port.world().database.head());
    }
}

#[test]
fn tiles_may_have_another_height() {
    let port = TestPort::with_records(50);
    let height = TileHeight::new(2).expect("a height");
    let client = port.client().with_tile_height(height);
    for number in 0..50 {
        ready(client.lookup(&numbered(number))).expect("a record");
    }
    port.world().database.grow(67);
    ready(client.lookup(&numbered(66))).expect("a record");
}

#[test]
fn a_partial_tile_is_read_from_the_full_one() {
    let port = TestPort::with_records(300);
    let client = port.client();
    ready(client.lookup(&numbered(299))).expect("a record");
    // By now the database has grown, and answers with a cached head of before but without the partial tiles.
    let fresh = TestPort::with_records(600);
    fresh.world().database.size = 300;
    fresh.tamper(|_, path, answer| match path {
        RemotePath::Tile(tile) if tile.to_string() == "tile/8/0/001.p/44" => None,
        _ => answer,
    });
    ready(fresh.client().lookup(&numbered(299))).expect("a record");
    assert!(fresh.take_requests().contains(&"/tile/8/0/001".to_owned()));
    assert_eq!(fresh.cached(), port.cached());
    // The full tile is also taken from the cache.
    let full = fresh
        .world()
        .database
        .answer(&"/tile/8/0/001".parse().expect("a path"));
    fresh.world().cache.remove("/tile/8/0/001.p/44");
    fresh
        .world()
        .cache
        .insert("/tile/8/0/001".to_owned(), full.expect("a tile"));
    fresh.world().is_offline = true;
    ready(fresh.client().lookup(&numbered(299))).expect("a record");
}

#[test]
fn what_is_not_there_is_said_to_be_not_there() {
    let port = TestPort::with_records(3);
    let error = ready(port.client().lookup(&numbered(3))).expect_err("no record");
    assert!(matches!(
        error,
        ClientError::Remote {
            source: RemoteError::NotFound { .. },
            ..
        }
    ));
    assert!(!error.is_misbehavior());
    assert_eq!(port.cached(), [""; 0]);
}

#[test]
fn a_record_without_a_hash_of_the_file_confirms_nothing() {
    let module = numbered(7);
    let mut database = Database::with_records(0);
    let (path, version) = (module.path(), module.version());
    let go_mod = mod_h1(&module);
    database.add(
        module.clone(),
        format!("{path} {version} h2:xyz\n{path} {version}/go.mod {go_mod}\n"),
    );
    let sums = ready(TestPort::new(database).client().lookup(&module))
        .expect("a record")
        .sums;
    assert_eq!(sums.check(SumFile::GoMod, go_mod), Ok(()));
    assert!(matches!(
        sums.check(SumFile::Zip, zip_h1(&module)),
        Err(SumError::Missing { .. })
    ));
}
