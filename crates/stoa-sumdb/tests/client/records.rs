//! Lookups whose records are not what they seem.

use stoa_module::dirhash::go_mod_h1;
use stoa_sumdb::{ClientError, SumFile};

use crate::database::{record_of, zip_h1};
use crate::port::TestPort;
use crate::{numbered, ready};

/// Looks up record 5 of ten, and checks that a lie is not cached.
fn refused(port: &TestPort) -> ClientError {
    let error = ready(port.client().lookup(&numbered(5))).expect_err("a lie");
    assert!(!port.cached().iter().any(|name| name.starts_with("/lookup")));
    error
}

#[test]
fn a_changed_record() {
    let port = TestPort::with_records(10);
    port.tamper_lookups(|database, _| {
        let evil = record_of(&numbered(5)).replace(&zip_h1(&numbered(5)).to_string(), "h1:evil");
        database.lookup_answer(5, &evil)
    });
    assert!(matches!(refused(&port), ClientError::WrongRecord { .. }));
}

#[test]
fn a_record_with_a_line_more() {
    let port = TestPort::with_records(10);
    port.tamper_lookups(|database, _| {
        let evil = format!("example.com/m5 v1.0.0 h1:evil\n{}", record_of(&numbered(5)));
        database.lookup_answer(5, &evil)
    });
    assert!(matches!(refused(&port), ClientError::WrongRecord { .. }));
}

#[test]
fn a_record_under_another_number() {
    for (id, is_in_tree) in [
        (4, true),
        (0, true),
        (10, false),
        (i64::MAX, false),
        (-1, false),
        (i64::MIN, false),
    ] {
        let port = TestPort::with_records(10);
        port.tamper_lookups(move |database, _| database.lookup_answer(id, &record_of(&numbered(5))));
        let error = refused(&port);
        assert_eq!(
            matches!(error, ClientError::WrongRecord { .. }),
            is_in_tree,
            "{error}"
        );
        assert_eq!(
            matches!(error, ClientError::OutsideTree { .. }),
            !is_in_tree,
            "{error}"
        );
    }
}

/// The record is in the log, but says nothing of the module.
#[test]
fn the_record_of_another_module() {
    let port = TestPort::with_records(10);
    port.tamper_lookups(|database, _| database.lookup_answer(6, &record_of(&numbered(6))));
    let error = refused(&port);
    assert!(matches!(error, ClientError::ForeignRecord { .. }), "{error}");
    assert!(error.is_misbehavior());
}

/// Versions and paths that only start like the module's are others.
#[test]
fn a_record_of_nearly_the_module() {
    let port = TestPort::with_records(10);
    let near = "example.com/m5 v1.0.00 h1:x\nexample.com/m55 v1.0.0 h1:x\n example.com/m5 v1.0.0 h1:x\n";
    port.world().database.add(numbered(99), near.to_owned());
    port.tamper_lookups(move |database, _| database.lookup_answer(10, near));
    assert!(matches!(refused(&port), ClientError::ForeignRecord { .. }));
}

/// What stands beside the record is signed here, by the database itself, but not in the log, where others would see it.
#[test]
fn lines_beside_the_record() {
    let evil = "example.com/m5 v1.0.0 h1:evil\nexample.com/m5 v1.0.0/go.mod h1:evil\n";
    let port = TestPort::with_records(10);
    port.tamper_lookups(move |database, _| {
        let note = database.sign(&format!("{}{evil}", database.head().to_text()));
        format!("6\n{}\n{note}", record_of(&numbered(6))).into_bytes()
    });
    assert!(matches!(refused(&port), ClientError::ForeignRecord { .. }));
    // Beside the module's own record they are nothing.
    port.tamper_lookups(move |database, _| {
        let note = database.sign(&format!("{}{evil}", database.head().to_text()));
        format!("5\n{}\n{note}", record_of(&numbered(5))).into_bytes()
    });
    let sums = ready(port.client().lookup(&numbered(5))).expect("a record").sums;
    assert_eq!(
        sums.recorded(SumFile::Zip),
        Some(zip_h1(&numbered(5)).to_string().as_str())
    );
    assert_eq!(sums.lines().count(), 2);
    assert!(sums.check(SumFile::Zip, go_mod_h1(b"evil")).is_err());
}

#[test]
fn lines_outside_of_the_signed_text() {
    let evil = "example.com/m5 v1.0.0 h1:evil\n";
    let changes: [fn(&str, &str) -> String; 4] = [
        |answer, evil| format!("{evil}{answer}"),
        |answer, evil| format!("{answer}{evil}"),
        |answer, evil| format!("{answer}\n{evil}"),
        |answer, evil| answer.replacen("\n\n", &format!("\n\n{evil}\n"), 1),
    ];
    for change in changes {
        let port = TestPort::with_records(10);
        port.tamper_lookups(move |_, answer| {
            change(&String::from_utf8(answer).expect("text"), evil).into_bytes()
        });
        let error = refused(&port);
        let is_no_answer = matches!(
            error,
            ClientError::Record { .. } | ClientError::Note { .. } | ClientError::Head { .. }
        );
        assert!(is_no_answer, "{error}");
    }
}

#[test]
fn no_record_at_all() {
    for answer in [
        "",
        "5",
        "5\n",
        "five\n\n\n",
        "5\nexample.com/m5 v1.0.0 h1:x\n",
        "<html></html>\n\n",
    ] {
        let port = TestPort::with_records(10);
        port.tamper_lookups(move |_, _| answer.into());
        assert!(matches!(refused(&port), ClientError::Record { .. }), "{answer:?}");
    }
}
