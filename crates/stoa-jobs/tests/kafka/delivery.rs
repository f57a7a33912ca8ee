//! What is written.

use std::time::SystemTime;

use serde_json::json;
use stoa_jobs::callback::CallbackSecret;

use crate::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_the_callback_of_http_without_a_key() {
    let mut scene = Scene::new(&[], 2);
    let (id, callback) = scene.tell("topic").await;
    let job = scene.delivered(&callback).await;
    let written = scene.written("topic");
    assert_eq!(written.len(), 1);
    let body = [
        r#"{"success":true,"error":"","extra":"mine \"too\"","image_size":"","#,
        r#""resource_url":"https://a.example/<x>?y&z","download_url":"https://files.example/d/"#,
        &format!(r#"{}/{id}","job_id":"{id}","#, &id.as_str()[..3]),
        r#""response_code":200,"delivered":true,"delivery_error":""}"#,
    ]
    .concat();
    assert_eq!((&written[0].key, &written[0].body), (&None, &body));
    let second = &written[0].headers[1].1;
    let signature = CallbackSecret::new("a secret of callbacks");
    let signature = signature.sign(second.parse().expect("a second"), body.as_bytes());
    let headers = [
        ("idempotency-key", format!("{id}-0-0")),
        ("x-stoa-timestamp", second.clone()),
        ("x-stoa-signature", signature),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value));
    assert_eq!(written[0].headers, headers);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.expect("a time").as_secs();
    let second: u64 = second.parse().expect("a second");
    assert!(now - 100 <= second && second <= now, "{second} {now}");
    let result = job.result.expect("a result");
    let notes = json!({
        "idempotency_key": format!("{id}-0-0"),
        "topic": "topic",
        "partition": result["partition"],
        "offset": 0,
    });
    assert_eq!(json!(job.attempts[0].notes), notes);
}
