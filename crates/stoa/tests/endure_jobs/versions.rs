//! What a later version has written.

use std::process::Command;

use serde_json::{Value, json};

use crate::scene::{Kind, Scene, attempts};

on_each_store!(a25_what_a_later_version_has_written_is_kept);

/// Adds a field to the job and one to the limits of its aggregation.
fn plant(scene: &Scene, id: &str) {
    let Some(redis) = &scene.redis else {
        let job = r#"UPDATE body SET json = '{"shape":"round",' || substr(json, 2)"#;
        let limits = r#"UPDATE aggregation SET settings = '{"colour":"blue",' || substr(settings, 2)"#;
        assert_eq!(sqlite(scene, &format!("{job}; {limits} WHERE kind = 'url'")), "");
        return;
    };
    for (key, field, text) in [
        (format!("job:{id}"), "job", r#"\"shape\":\"round\","#),
        (
            "aggregation:url+a".to_owned(),
            "settings",
            r#"\"colour\":\"blue\","#,
        ),
    ] {
        let script = "local s = redis.call('HGET', ARGV[1], ARGV[2]); redis.call('HSET', ARGV[1], ARGV[2], '{' .. ARGV[3] .. \
                      string.sub(s, 2)); return redis.status_reply('OK')";
        let said = redis.tell(&format!(
            "EVAL \"{script}\" 0 {{stoa-jobs}}:{key} {field} \"{text}\""
        ));
        assert_eq!(said, "+OK");
    }
}

/// Whether the fields are there still.
fn is_kept(scene: &Scene, id: &str) -> (bool, bool) {
    let Some(redis) = &scene.redis else {
        let job = sqlite(scene, "SELECT json FROM body NATURAL JOIN job WHERE kind = 'url'");
        let limits = sqlite(scene, "SELECT settings FROM aggregation WHERE kind = 'url'");
        return (
            job.contains(r#""shape":"round""#),
            limits.contains(r#""colour":"blue""#),
        );
    };
    let has = |key: &str, field: &str, text: &str| {
        let script = "local s = redis.call('HGET', ARGV[1], ARGV[2]); return redis.status_reply(tostring(string.find(s, \
                      ARGV[3], 1, true) ~= nil))";
        redis.tell(&format!(
            "EVAL \"{script}\" 0 {{stoa-jobs}}:{key} {field} \"{text}\""
        )) == "+true"
    };
    (
        has(&format!("job:{id}"), "job", r#"\"shape\":\"round\""#),
        has("aggregation:url+a", "settings", r#"\"colour\":\"blue\""#),
    )
}

/// Says that the store has this layout.
fn set_layout(scene: &Scene, version: u32) {
    match &scene.redis {
        Some(redis) => assert_eq!(redis.tell(&format!("SET {{stoa-jobs}}:schema {version}")), "+OK"),
        None => assert_eq!(sqlite(scene, &format!("PRAGMA user_version = {version}")), ""),
    }
}

/// Runs SQL in the file of the jobs, which no server has open; what it selects.
fn sqlite(scene: &Scene, sql: &str) -> String {
    let script = "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\nfor one in sys.argv[2].split(';'):\n    for row in \
                  db.execute(one): print(row[0])\ndb.commit()";
    let file = scene.directory.path().join("jobs/jobs.db");
    let output = Command::new("python3")
        .args(["-c", script])
        .arg(file)
        .arg(sql)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

async fn a25_what_a_later_version_has_written_is_kept(kind: Kind) {
    let mut scene = Scene::of(kind, 1);
    scene.origin.file("/x", "content");
    let (status, _) = scene
        .api(0, "PUT", "aggregations/url/a", &json!({ "paused": true }))
        .await;
    assert_eq!(status, 200);
    let id = scene.download(0, "/x", &json!({})).await;
    scene.shut_down(0);
    plant(&scene, &id);
    assert_eq!(is_kept(&scene, &id), (true, true));
    // A layout that this version does not know is not touched.
    set_layout(&scene, 2);
    let (code, output) = scene.command(0).start_expecting_exit();
    println!("{kind:?}: {}", output.lines().last().unwrap_or_default());
    assert!(code != Some(0) && output.contains("jobs.store"), "{output}");
    assert!(
        output.contains("later version") || output.contains("newer version"),
        "{output}"
    );
    // One that it knows, with fields that it does not, is worked with, and the fields stay.
    set_layout(&scene, 1);
    scene.start(0);
    let job = scene.job(0, &id).await;
    assert_eq!(
        (&job["state"], &job["waiting_for"]),
        (&json!("ready"), &json!("paused")),
        "{job}"
    );
    let (status, _) = scene
        .api(0, "PUT", "aggregations/url/a", &json!({ "paused": false }))
        .await;
    assert_eq!(status, 200);
    let job = scene.ended(0, &id).await;
    assert_eq!(
        (&job["state"], attempts(&job)),
        (&json!("ok"), vec!["ok"]),
        "{job}"
    );
    let told: Value = scene.callbacks(1).await.remove(0).0;
    assert_eq!((&told["success"], scene.origin.total()), (&json!(true), 1));
    scene.shut_down(0);
    assert_eq!(
        is_kept(&scene, &id),
        (true, true),
        "the job's, and those of its aggregation"
    );
}
