//! What a question is asked with.

use stoa_fetch::{Caller, Hops};
use stoa_testing::http;

use crate::lab::Lab;

#[tokio::test]
async fn a_question_has_the_request_id_of_its_request_and_no_hop_that_its_client_claims() {
    let server = Lab::default().start().await;
    for (i, hops) in [None, Some("0"), Some("1"), Some("5")].into_iter().enumerate() {
        let id = format!("id-{i}");
        let mut headers = vec![("X-Request-Id", id.as_str())];
        headers.extend(hops.map(|hops| ("Stoa-Hops", hops)));
        let url = server.url(&format!("/example.com/a/@v/v1.0.{i}.info"));
        assert_eq!(
            http::request("GET", &url, &headers, b"").await.unwrap().status,
            200
        );
        let context = server.protocol.last_context();
        assert_eq!(
            (context.hops, context.trace.to_string()),
            (Hops::None, id),
            "{hops:?}: only another node, which proves to be one, makes a hop"
        );
        assert_eq!(context.caller, Caller::Anonymous);
    }
}
