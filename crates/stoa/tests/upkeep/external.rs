//! The writing half of Athens' external storage protocol.

use std::{fs, os::unix::fs::PermissionsExt as _};

use stoa_testing::{fixtures::ModuleFixture, http, process::StoaProcess, upstream::Upstream};

use crate::{
    STOA,
    scene::{Scene, path_of, sized},
};

const TOKEN: &str = "correct-horse-battery";

fn scene() -> Scene {
    let mut scene = Scene::start(&[], &[]);
    let file = scene.directory.path().join("token");
    fs::write(&file, TOKEN).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    scene.set("STOA_EXTERNAL_TOKEN_FILE", file.to_str().unwrap());
    scene.restart();
    scene
}

/// A form as Go's `mime/multipart` writes it.
fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in parts {
        let head = format!(
            "--xyz\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--xyz--\r\n");
    body
}

fn whole(module: &ModuleFixture) -> Vec<u8> {
    form(&[
        ("mod.info", &module.info()),
        ("mod.mod", &module.go_mod()),
        ("mod.zip", &module.zip().to_bytes()),
    ])
}

async fn ask(scene: &Scene, method: &str, path: &str, token: &str, body: &[u8]) -> http::Response {
    let authorization = format!("Bearer {token}");
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "multipart/form-data; boundary=xyz"),
    ];
    let url = format!("{}{path}", scene.stoa.url());
    http::request(method, &url, &headers, body).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_saved_served_and_deleted() {
    let scene = scene();
    // More than Athens' own server takes.
    let module = sized("A", "v1.0.0", 5_000_000);
    let (save, delete) = (path_of(&module, "save"), path_of(&module, "delete"));
    // Asked for in vain, which is remembered for a while.
    assert_eq!(scene.get(&path_of(&module, "info")).await.status, 404);
    scene.upstream.forget_requests();
    let saved = ask(&scene, "POST", &save, TOKEN, &whole(&module)).await;
    assert_eq!((saved.status, saved.text()), (200, ""));
    for (kind, want) in [
        ("info", module.info().to_vec()),
        ("mod", module.go_mod().to_vec()),
        ("zip", module.zip().to_bytes().to_vec()),
    ] {
        let answer = scene.get(&path_of(&module, kind)).await;
        assert_eq!(answer.status, 200);
        assert!(answer.body == want, "{kind}");
    }
    assert_eq!(scene.upstream.total(), 0);
    scene.indexed(1).await;
    let (_, known) = scene.api("GET", "storage/versions?prefix=", "").await;
    assert_eq!(known["versions"][0]["h1"], module.h1().as_str());
    assert_eq!(known["versions"][0]["origin"], "external");
    // Again, and with other content: the first stays.
    let again = ask(&scene, "POST", &save, TOKEN, &whole(&module)).await;
    assert_eq!(again.status, 200, "{}", again.text());

    let deleted = ask(&scene, "DELETE", &delete, TOKEN, b"").await;
    assert_eq!(deleted.status, 200, "{}", deleted.text());
    assert_eq!(scene.get(&path_of(&module, "zip")).await.status, 404);
    let again = ask(&scene, "DELETE", &delete, TOKEN, b"").await;
    assert_eq!(again.status, 404, "{}", again.text());
    let log = fs::read_to_string(scene.storage().join(".stoa/admin.log")).unwrap();
    assert!(log.contains("external delete"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_stores_without_the_token_and_nothing_bad_is_stored() {
    let scene = scene();
    let module = sized("a", "v1.0.0", 3_000);
    let save = path_of(&module, "save");
    for (method, path, token, status) in [
        ("POST", save.as_str(), "wrong-horse-battery", 401),
        ("DELETE", "/example.com/a/@v/v1.0.0.delete", "", 401),
        ("GET", &save, TOKEN, 405),
        ("DELETE", &save, TOKEN, 405),
        ("POST", "/example.com/a/@v/v1.0.0.delete", TOKEN, 405),
        ("POST", "/example.com/a/@v/main.save", TOKEN, 400),
        ("POST", "/example.com/A/@v/v1.0.0.save", TOKEN, 400),
    ] {
        let answer = ask(&scene, method, path, token, &whole(&module)).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
    }
    let other = sized("b", "v1.0.0", 3_000);
    let zip = module.zip().to_bytes();
    for (what, body, status) in [
        ("no form", b"x".to_vec(), 400),
        ("no files", form(&[]), 400),
        ("a bad info", form(&[("mod.info", b"{}")]), 422),
        ("no go.mod", form(&[("mod.mod", b"<html>")]), 422),
        (
            "the zip of another",
            form(&[("mod.zip", &other.zip().to_bytes())]),
            422,
        ),
        ("a cut zip", form(&[("mod.zip", &zip[..zip.len() / 2])]), 422),
        (
            "two files",
            form(&[("mod.info", &module.info()), ("mod.mod", &module.go_mod())]),
            400,
        ),
        ("a cut form", whole(&module)[..2_000].to_vec(), 422),
    ] {
        let answer = ask(&scene, "POST", &save, TOKEN, &body).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
    }
    assert_eq!(scene.get(&path_of(&module, "zip")).await.status, 404);
    // Without the setting, nobody is asked for a token.
    let closed = Scene::start(&[], &[]);
    let answer = ask(&closed, "POST", &save, TOKEN, &whole(&module)).await;
    assert!([400, 404, 405].contains(&answer.status), "{}", answer.status);
}

/// One stoa keeps its modules in another one, as an Athens would.
#[tokio::test(flavor = "multi_thread")]
async fn a_stoa_is_the_storage_of_another() {
    let (behind, upstream) = (scene(), Upstream::start().await);
    let modules: Vec<_> = (0..5)
        .map(|n| sized(&format!("M{n}"), "v1.0.0", 100_000))
        .collect();
    upstream.modules(&modules);
    let token = behind.directory.path().join("token");
    let start = |home: &str| {
        StoaProcess::command(STOA)
            .args(&["--storage", behind.stoa.url()])
            .env(
                "XDG_DATA_HOME",
                behind.directory.path().join(home).to_str().unwrap(),
            )
            .env("STOA_STORAGE_OPTIONS_SECRET_KEY_FILE", token.to_str().unwrap())
            .env("STOA_STORAGE_OPTIONS_ALLOW_HTTP", "true")
            .env("STOA_UPSTREAM", &upstream.url())
            .env("STOA_SUMDB_VERIFY", "false")
            .start()
    };
    let all = async |stoa: &StoaProcess| {
        for module in &modules {
            for (kind, want) in [
                ("info", module.info()),
                ("mod", module.go_mod()),
                ("zip", module.zip().to_bytes()),
            ] {
                let answer = http::get(&format!("{}{}", stoa.url(), path_of(module, kind)))
                    .await
                    .unwrap();
                assert_eq!(answer.status, 200, "{}", answer.text());
                assert!(answer.body == want, "{kind}");
            }
        }
    };
    let first = start("first");
    all(&first).await;
    // What is not there yet waits in the home of the first.
    behind.indexed_whole(5).await;
    drop(first);
    upstream.kill();
    let second = start("second");
    all(&second).await;
    drop(second);
    // Without the token nothing is stored there, and nothing is lost: it waits.
    fs::write(&token, "another-token-altogether").unwrap();
    upstream.restart_same_port();
    let third = start("third");
    all(&third).await;
}
