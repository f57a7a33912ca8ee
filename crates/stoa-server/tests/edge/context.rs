//! What a question is asked with.

use stoa_fetch::{Caller, Hops};
use stoa_testing::http;

use crate::lab::Lab;

#[tokio::test]
async fn a_question_has_the_request_id_and_the_hops_of_its_request() {
    let server = Lab::default().start().await;
    for (i, (header, want)) in [
        (None, Hops::None),
        (Some("0"), Hops::None),
        (Some("1"), Hops::One),
        (Some("many"), Hops::One),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("id-{i}");
        let mut headers = vec![("X-Request-Id", id.as_str())];
        headers.extend(header.map(|hops| ("Stoa-Hops", hops)));
        let url = server.url(&format!("/example.com/a/@v/v1.0.{i}.info"));
        assert_eq!(
            http::request("GET", &url, &headers, b"").await.unwrap().status,
            200
        );
        let context = server.protocol.last_context();
        assert_eq!(
            (context.hops, context.trace.to_string()),
            (want, id),
            "{header:?}"
        );
        assert_eq!(context.caller, Caller::Anonymous);
    }
}
