//! The client against databases that are honest, and against all others.

mod damage;
mod database;
mod history;
mod lookups;
mod paths;
mod port;
mod records;
mod tiles;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use stoa_module::{ModulePath, ModuleVersion, Version};

/// The outcome of a future that waits for nothing, as those over the port of these tests.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("the future waits"),
    }
}

fn module(path: &str, version: &str) -> ModuleVersion {
    let path = ModulePath::parse(path).expect("a path");
    ModuleVersion::new(path, Version::parse(version).expect("a version")).expect("a module")
}

/// The module of record `number`.
fn numbered(number: usize) -> ModuleVersion {
    module(&format!("example.com/m{number}"), "v1.0.0")
}

/// Runtimes with many threads can run the client.
#[test]
fn lookups_can_move_between_threads() {
    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    let client = port::TestPort::with_records(3).client();
    assert!(ready(assert_send(client.lookup(&numbered(1)))).is_ok());
    assert!(ready(assert_send(client.refresh())).is_ok());
}
