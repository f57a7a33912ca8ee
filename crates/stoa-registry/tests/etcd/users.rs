//! Passwords.

use serde_json::json;
use std::time::Duration;
use stoa_registry::{
    RegistryError, Scope,
    etcd::{Credentials, EtcdOptions},
};
use stoa_testing::etcd::Etcd;

use crate::place::{LONG, batch, node, nodes, open, options, proxy};

fn user(etcd: &Etcd, user: &str, password: &str) -> EtcdOptions {
    EtcdOptions {
        credentials: Some(Credentials {
            user: user.to_owned(),
            password: password.to_owned(),
        }),
        ..options(&[etcd.url()])
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_not_told() {
    let etcd = Etcd::start();
    etcd.lock("right");
    let nobody = open(options(&[etcd.url()]));
    let wrong = open(user(&etcd, "root", "wrong-secret"));
    for registry in [nobody, wrong] {
        let errors = [
            registry.register(&node("a"), LONG).await.unwrap_err(),
            registry.get(&proxy()).await.unwrap_err(),
            registry
                .watch(&Scope::All, stoa_registry::Revision(1))
                .await
                .unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, RegistryError::Refused { .. }), "{error:?}");
            let text = format!("{error} {error:?} {registry} {registry:?}");
            assert!(text.contains(&etcd.port().to_string()), "{text}");
            assert!(!text.contains("wrong-secret"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_token_that_is_lost_is_asked_for_again() {
    let etcd = Etcd::start();
    etcd.lock("right");
    let registry = open(user(&etcd, "root", "right"));
    let start = registry.get(&proxy()).await.unwrap().revision;
    registry.register(&node("a"), LONG).await.unwrap();
    // The tokens are in its memory.
    etcd.restart();
    let mut watch = registry.watch(&Scope::All, start).await.unwrap();
    assert_eq!(batch(&mut watch).await, ["a"]);
    etcd.restart();
    registry.register(&node("b"), LONG).await.unwrap();
    assert_eq!(nodes(&*registry).await, ["a", "b"]);
}

#[tokio::test]
async fn users_may_come_and_go_while_it_runs() {
    let etcd = Etcd::start();
    let registry = open(user(&etcd, "root", "right"));
    registry.register(&node("a"), LONG).await.unwrap();
    etcd.lock("right");
    registry.register(&node("b"), LONG).await.unwrap();
    assert_eq!(nodes(&*registry).await, ["a", "b"]);
}

#[tokio::test]
async fn a_user_without_the_right_is_refused() {
    let etcd = Etcd::start();
    etcd.ask("/v3/auth/user/add", &json!({ "name": "guest", "password": "p" }));
    etcd.lock("right");
    let registry = open(user(&etcd, "guest", "p"));
    let refused = [
        registry.get(&proxy()).await.unwrap_err(),
        registry
            .register(&node("a"), Duration::from_secs(5))
            .await
            .unwrap_err(),
        registry
            .watch(&Scope::All, stoa_registry::Revision(1))
            .await
            .unwrap_err(),
    ];
    for error in refused {
        assert!(matches!(error, RegistryError::Refused { .. }), "{error:?}");
    }
}
