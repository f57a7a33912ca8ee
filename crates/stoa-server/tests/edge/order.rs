//! The stages, as text.

use std::sync::Arc;

use stoa_server::{AdminGuard, Mount};

use crate::{
    gate::Refuses,
    lab::Lab,
    parts::{live, mount},
};

#[test]
fn a_request_meets_the_stages_in_this_order() {
    let (edge, _) = Lab::default().edge(None);
    assert_eq!(
        edge.to_string(),
        "request_id > span > gate(none) > hot_memory(1048576) > mounts() > goproxy(echo) > metrics"
    );
    let admin = Arc::new(AdminGuard::new(
        "correct-horse-battery".parse().unwrap(),
        "admin.token_file",
    ));
    let lab = Lab {
        gate: Some(Arc::new(Refuses::new())),
        mounts: vec![
            mount("/", axum::Router::new()),
            live("text/plain").0,
            Mount::new("/api/v1", admin, axum::Router::new()),
        ],
        ..Lab::default()
    };
    assert_eq!(
        lab.edge(None).0.to_string(),
        "request_id > span > gate(refuses) > hot_memory(1048576) > \
         mounts(/api/v1: admin token, /live: open, /: open) > goproxy(echo) > metrics"
    );
}
