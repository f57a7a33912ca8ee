//! What skroutz/downloader's own tests of the whole ask, through `POST /download`.

use std::collections::BTreeMap;
use std::fs;

use bytes::Bytes;
use serde_json::{Value, json};
use stoa_testing::content::Content;
use stoa_testing::reply::Reply;

use crate::scene::{Kind, Scene};

on_each_store!(
    a21_each_case_of_the_origin_has_its_callback,
    a21_three_hundred_jobs_of_sixty_clients_have_their_callbacks,
);

/// A PNG of ten by ten points, as far as its head goes.
fn png() -> Content {
    let mut head = b"IHDR".to_vec();
    head.extend([0, 0, 0, 10, 0, 0, 0, 10, 8, 2, 0, 0, 0]);
    let sum = Content::from(Bytes::from(head.clone())).crc32();
    let mut all = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    all.extend(head);
    all.extend(sum.to_be_bytes());
    all.extend(*b"\0\0\0\0IEND\xae\x42\x60\x82");
    Bytes::from(all).into()
}

fn pdf() -> Content {
    "%PDF-1.4\n%%EOF\n".into()
}

fn bmp() -> Content {
    let mut all = b"BM".to_vec();
    all.extend([
        58, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 24, 0,
    ]);
    all.extend([0; 28]);
    Bytes::from(all).into()
}

/// What is submitted besides the URL, how it is answered, and what comes of it.
struct Case {
    path: &'static str,
    more: Value,
    replies: Vec<Reply>,
    success: bool,
    code: u16,
    image_size: &'static str,
    requests: usize,
}

fn cases() -> Vec<Case> {
    let case = |path, more, replies: Vec<Reply>, (success, code, image_size, requests)| Case {
        path,
        more,
        replies,
        success,
        code,
        image_size,
        requests,
    };
    let image = "!image/vnd.adobe.photoshop,image/*";
    let error = |code| Reply::text(code, "an error");
    let short = || Reply::Truncate {
        announce: 100,
        send: "too short".into(),
    };
    let size = |mime: &str| json!({ "mime_type": mime, "extract_image_size": true });
    vec![
        case(
            "/image",
            json!({ "mime_type": image }),
            vec![Reply::ok(png())],
            (true, 200, "", 1),
        ),
        case("/none", json!({}), vec![error(404)], (false, 404, "", 1)),
        case(
            "/mismatch",
            json!({ "mime_type": "image/jpeg" }),
            vec![Reply::ok(png())],
            (false, 200, "", 1),
        ),
        case(
            "/png",
            size(image),
            vec![Reply::ok(png())],
            (true, 200, "10x10", 1),
        ),
        case(
            "/pdf",
            json!({ "extract_image_size": true }),
            vec![Reply::ok(pdf())],
            (true, 200, "", 1),
        ),
        case(
            "/bmp",
            json!({ "extract_image_size": true }),
            vec![Reply::ok(bmp())],
            (true, 200, "", 1),
        ),
        case(
            "/own",
            size("application/pdf"),
            vec![Reply::ok(pdf())],
            (true, 200, "", 1),
        ),
        case(
            "/again",
            json!({}),
            vec![error(500), error(503), Reply::ok("at last")],
            (true, 200, "", 3),
        ),
        case(
            "/once",
            json!({ "max_retries": 0 }),
            vec![error(500)],
            (false, 500, "", 1),
        ),
        case(
            "/twice",
            json!({ "max_retries": 1 }),
            vec![error(500), error(500)],
            (false, 500, "", 2),
        ),
        case(
            "/short",
            json!({ "mime_type": "image/png" }),
            vec![short(), short(), short()],
            (false, 200, "", 3),
        ),
    ]
}

async fn a21_each_case_of_the_origin_has_its_callback(kind: Kind) {
    let scene = Scene::of(kind, 1);
    let mut ids = BTreeMap::new();
    let cases = cases();
    for case in &cases {
        scene.origin.script(case.path, case.replies.clone());
        ids.insert(case.path, scene.download(0, case.path, &case.more).await);
    }
    let told = scene.callbacks(cases.len()).await;
    for case in &cases {
        let id = &ids[case.path];
        let of_job: Vec<_> = told
            .iter()
            .filter(|(message, _)| message["job_id"] == id.as_str())
            .collect();
        assert_eq!(of_job.len(), 1, "{}", case.path);
        let (message, _) = of_job[0];
        let url = format!("https://files.example/d/{}/{id}", &id[..3]);
        let want = json!({
            "success": case.success,
            "error": message["error"],
            "extra": "",
            "image_size": case.image_size,
            "resource_url": format!("{}{}", scene.origin.url(), case.path),
            "download_url": if case.success { url } else { String::new() },
            "job_id": id,
            "response_code": case.code,
            "delivered": true,
            "delivery_error": "",
        });
        assert_eq!(message, &want, "{}", case.path);
        println!("{kind:?}: {}: {}", case.path, message["error"]);
        assert_eq!(message["error"] == "", case.success, "{message}");
        assert_eq!(scene.origin.count(case.path), case.requests, "{}", case.path);
        assert_eq!(
            scene.file(id).try_exists().unwrap(),
            case.success,
            "{}",
            case.path
        );
    }
    assert_eq!(fs::read(scene.file(&ids["/image"])).unwrap(), png().to_bytes());
    let error = |path: &str| {
        let id = ids[path].as_str();
        let (message, _) = told.iter().find(|(message, _)| message["job_id"] == id).unwrap();
        message["error"].as_str().unwrap().to_owned()
    };
    assert!(error("/mismatch").contains("image/png"), "{}", error("/mismatch"));
    let (status, stats) = scene.ask(0, "GET", "/stats/processor", "").await;
    let stats: Value = serde_json::from_str(&stats).unwrap();
    let counts = ["alive", "workers", "workerPools"].map(|name| stats[name].as_u64());
    assert_eq!((status, counts), (200, [Some(1), Some(0), Some(0)]), "{stats}");
    // The origin counts each run, and each answer under its status.
    let runs: usize = cases.iter().map(|case| case.requests).sum();
    assert_eq!(stats["spawnedWorkers"], runs, "{stats}");
    assert_eq!(
        (&stats["download.response.404"], &stats["download.response.mime"]),
        (&json!(1), &json!(1)),
        "{stats}"
    );
}

async fn a21_three_hundred_jobs_of_sixty_clients_have_their_callbacks(kind: Kind) {
    const CLIENTS: usize = 60;
    const LIMIT: usize = 10;
    let scene = Scene::of(kind, 1);
    scene
        .origin
        .answer_with(|request| match request.path.as_bytes()[1] {
            b'n' => Reply::text(404, "none"),
            _ => Reply::ok(png()),
        });
    let sorts = [
        ("ok", "image/png"),
        ("mismatch", "image/jpeg"),
        ("none", "image/png"),
    ];
    let clients = (0..CLIENTS).map(async |client| {
        for number in (client * 5)..(client * 5 + 5) {
            let (sort, mime) = sorts[number % 3];
            let more = json!({ "aggr_id": format!("a{}", number % 5), "aggr_limit": LIMIT, "mime_type": mime, "extra": sort });
            scene.download(0, &format!("/{sort}{number}"), &more).await;
        }
    });
    futures_util::future::join_all(clients).await;
    let mut counts = BTreeMap::<(String, bool, u64), usize>::new();
    let told = scene.callbacks(CLIENTS * 5).await;
    for (message, _) in &told {
        let sort = message["extra"].as_str().unwrap().to_owned();
        let key = (
            sort,
            message["success"] == true,
            message["response_code"].as_u64().unwrap(),
        );
        *counts.entry(key).or_default() += 1;
    }
    println!(
        "{kind:?}: {counts:?}, {} at a time",
        scene.origin.peak_in_flight()
    );
    let want = [("mismatch", false, 200), ("none", false, 404), ("ok", true, 200)];
    let want = want.map(|(sort, success, code)| ((sort.to_owned(), success, code), 100));
    assert_eq!(counts, want.into_iter().collect());
    assert_eq!(scene.origin.total(), CLIENTS * 5);
    assert!(scene.origin.peak_in_flight() <= 5 * LIMIT);
}
