//! Where jobs are kept.

use crate::config::{JobStore, lab, show};

#[test]
fn the_password_of_a_redis_is_not_shown() {
    let config = lab::config("[jobs]\nstore = \"redis://user:hunter2@a.example,b.example:7/1\"\n");
    let config = config.expect("config");
    assert!(matches!(&config.jobs.store, JobStore::Redis(address) if address.has_password()));
    let shown = show(&config);
    assert!(!shown.contains("hunter2") && !format!("{config:?}").contains("hunter2"));
    assert!(
        shown.contains("redis://[hidden]@a.example:6379,b.example:7/1"),
        "{shown}"
    );
}

#[test]
fn what_is_no_store_is_not_repeated() {
    for store in [
        "reddis://:hunter2@h",
        "redis://:hunter2@h:x",
        "hunter2",
        "file://hunter2",
    ] {
        let error = lab::config(&format!("[jobs]\nstore = \"{store}\"\n"));
        let error = error.expect_err("no store").to_string();
        assert!(
            error.contains(":3: jobs.store: ") && !error.contains("hunter2"),
            "{error}"
        );
    }
}

#[test]
fn a_redis_has_one_password() {
    let password = lab::file("hunter3");
    let text = format!(
        "[jobs]\nstore = \"redis://:hunter2@h\"\nredis_password_file = \"{}\"\n",
        password.path().display()
    );
    let error = lab::config(&text).expect_err("two").to_string();
    assert!(
        error.contains("in jobs.store and in jobs.redis_password_file"),
        "{error}"
    );
}
