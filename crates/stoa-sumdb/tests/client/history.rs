//! Heads that must be of one log.

use stoa_sumdb::{ClientError, Fork, RemotePath, TreeProof, TreeSize};

use crate::database::Database;
use crate::port::TestPort;
use crate::{module, numbered, ready};

/// A database that has other records from `at` on.
fn forked(at: usize, count: usize) -> Database {
    let mut database = Database::with_records(at);
    let module = module("example.com/evil", "v1.0.0");
    database.add(module, "example.com/evil v1.0.0 h1:x\n".to_owned());
    database.grow(count);
    database
}

fn fork(error: ClientError) -> Fork {
    assert!(error.is_misbehavior(), "{error}");
    match error {
        ClientError::Fork(fork) => *fork,
        error => panic!("no fork: {error}"),
    }
}

/// The client of a port that has seen a database, which then becomes another.
fn switch(from: Database, to: Database) -> (TestPort, Fork) {
    let port = TestPort::new(from);
    let (first, second) = {
        let client = port.client();
        ready(client.lookup(&numbered(1))).expect("a record");
        let first = client.latest();
        port.world().database = to;
        let stored = port.world().latest.clone();
        // A new process, without a cache, remembers too.
        port.world().cache.clear();
        let fresh = fork(ready(port.client().refresh()).expect_err("another log"));
        port.world().cache.clear();
        let same = fork(ready(client.lookup(&numbered(2))).expect_err("another log"));
        assert_eq!(fresh, same);
        assert_eq!(client.latest(), first, "the head stays");
        assert_eq!(port.world().latest, stored, "and what is stored");
        assert!(!port.cached().iter().any(|name| name.starts_with("/lookup")));
        (first, same)
    };
    assert!([second.older, second.newer].contains(&first));
    (port, second)
}

#[test]
fn a_fork_that_grew() {
    let (port, fork) = switch(Database::with_records(300), forked(290, 600));
    assert_eq!((fork.older.size.get(), fork.newer.size.get()), (300, 600));
    let implied = stoa_sumdb::TreeHead {
        size: fork.older.size,
        hash: fork.implied,
    };
    let proof: &TreeProof = fork.proof.as_ref().expect("a proof");
    assert_eq!(proof.check(&fork.newer, &implied), Ok(()));
    assert_ne!(fork.implied, fork.older.hash);
    let report = fork.report();
    for part in [fork.older.to_text(), fork.newer.to_text()] {
        assert!(part.lines().all(|line| report.contains(line)), "{report}");
    }
    for hash in proof.hashes().iter().chain([&fork.implied]) {
        assert!(report.contains(&hash.to_string()), "{report}");
    }
    assert_eq!(fork.newer_note, port.world().database.signed_head().into_bytes());
}

#[test]
fn a_fork_of_the_same_size() {
    let (_, fork) = switch(Database::with_records(10), forked(9, 10));
    assert_eq!(fork.older.size, fork.newer.size);
    assert_ne!(fork.older.hash, fork.newer.hash);
}

/// The database forgot records and took others in. Of what it forgot, the client has the tiles.
#[test]
fn a_fork_that_is_smaller() {
    let port = TestPort::with_records(600);
    let client = port.client();
    for number in [0, 256, 599] {
        ready(client.lookup(&numbered(number))).expect("a record");
    }
    port.world().database = forked(100, 300);
    let fork = fork(ready(client.refresh()).expect_err("another log"));
    assert_eq!((fork.older.size.get(), fork.newer.size.get()), (300, 600));
    assert_eq!(fork.older, port.world().database.head());
    // Without the tiles nothing is proved, and nothing believed.
    port.world().cache.clear();
    let error = ready(client.lookup(&numbered(0))).expect_err("another log");
    assert!(matches!(error, ClientError::Remote { .. }), "{error}");
}

/// Whoever forks may also withhold the tiles that would prove it.
#[test]
fn a_fork_without_tiles_is_refused_too() {
    let port = TestPort::with_records(300);
    let client = port.client();
    ready(client.refresh()).expect("a head");
    port.world().database = forked(290, 600);
    port.tamper(|_, path, answer| answer.filter(|_| !matches!(path, RemotePath::Tile(_))));
    let error = ready(client.refresh()).expect_err("another log");
    assert!(matches!(error, ClientError::Remote { .. }), "{error}");
    assert_eq!(client.latest().size.get(), 300);
}

#[test]
fn a_head_of_no_records_must_be_that_of_none() {
    let port = TestPort::with_records(10);
    ready(port.client().refresh()).expect("a head");
    let other = port.world().database.head().hash;
    port.tamper(move |database, _, _| {
        Some(
            database
                .sign(&format!("go.sum database tree\n0\n{other}\n"))
                .into_bytes(),
        )
    });
    let fork = fork(ready(port.client().refresh()).expect_err("no such log"));
    assert_eq!(fork.older.size, TreeSize::EMPTY);
}

#[test]
fn lookups_may_come_with_an_older_head() {
    let port = TestPort::with_records(600);
    let client = port.client();
    ready(client.lookup(&numbered(599))).expect("a record");
    let newest = client.latest();
    port.world().database.size = 300;
    ready(client.lookup(&numbered(7))).expect("a record");
    // Even of a record that the older head does not have, for the newer one does.
    ready(client.lookup(&numbered(500))).expect("a record");
    assert_eq!(client.latest(), newest);
}

#[test]
fn the_latest_head_may_not_be_older() {
    let port = TestPort::with_records(600);
    let client = port.client();
    let newest = ready(client.refresh()).expect("a head").head;
    port.world().database.size = 300;
    for client in [client, port.client()] {
        match ready(client.refresh()) {
            Err(ClientError::Rollback { known, offered }) => {
                assert_eq!(known, newest);
                assert_eq!(offered, port.world().database.head());
            }
            outcome => panic!("no rollback: {outcome:?}"),
        }
        assert_eq!(client.latest(), newest);
    }
}

#[test]
fn heads_of_other_clients_are_merged() {
    let port = TestPort::with_records(600);
    let notes: Vec<Vec<u8>> = [300, 200, 100]
        .into_iter()
        .map(|size| {
            port.world().database.size = size;
            port.world().database.signed_head().into_bytes()
        })
        .collect();
    // Others store 100, 200 and 300 records while this client has 250.
    port.world().rivals = notes.clone();
    port.world().database.size = 250;
    let client = port.client();
    ready(client.refresh()).expect("a head");
    assert_eq!(client.latest().size.get(), 300);
    assert_eq!(port.world().latest, notes[0]);
}

#[test]
fn a_fork_may_come_from_another_client() {
    let port = TestPort::with_records(10);
    port.world().rivals = vec![forked(5, 20).signed_head().into_bytes()];
    let evil = forked(5, 20);
    port.tamper(move |database, path, answer| match path {
        // Each client is shown the tiles of its own log.
        RemotePath::Tile(tile) if tile.width() == 20 => evil.answer(path),
        _ => answer.or_else(|| database.answer(path)),
    });
    let fork = fork(ready(port.client().refresh()).expect_err("two logs"));
    assert_eq!((fork.older.size.get(), fork.newer.size.get()), (10, 20));
}

#[test]
fn storing_is_not_tried_forever() {
    let port = TestPort::with_records(10);
    port.world().always_conflicts = true;
    let error = ready(port.client().refresh()).expect_err("nothing is stored");
    assert!(matches!(error, ClientError::Contended), "{error}");
}
