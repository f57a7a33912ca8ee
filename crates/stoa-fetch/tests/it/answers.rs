//! Answers as the source gave them, and statuses by meaning.

use std::time::Duration;

use stoa_fetch::{Deadlines, FetchError, Fetcher, Limits};
use stoa_testing::{content::Content, fixtures::ModuleFixture, reply::Reply, upstream::Upstream};

use crate::support::{INFO, LIST, MOD, ZIP, chain, chain_with, fetch, question};

#[tokio::test]
async fn every_byte_of_an_answer_is_kept() {
    let server = Upstream::start().await;
    let module = ModuleFixture::new("example.com/a", "v1.0.0").file("a.go", Content::random(300_000, 1));
    server.module(&module);
    let source = chain(&server.url());

    let info = fetch(&source, INFO).await.unwrap();
    assert_eq!(info, module.info());
    assert!(
        info.windows(8).any(|w| w == b"\"Origin\""),
        "the origin is part of it"
    );
    assert_eq!(fetch(&source, MOD).await.unwrap(), module.go_mod());
    assert_eq!(fetch(&source, ZIP).await.unwrap(), module.zip().to_bytes());
    assert_eq!(fetch(&source, LIST).await.unwrap(), "v1.0.0\n");

    let odd = " {\"Version\" : \"v1.0.0\",\r\n\t\"Extra\":[1e3, \"\\u00e9\"]}\n\n";
    server.file("/example.com/a/@v/v1.0.0.info", odd);
    assert_eq!(fetch(&source, INFO).await.unwrap(), odd);
}

#[tokio::test]
async fn a_chunked_body_without_a_length_is_whole_too() {
    let server = Upstream::start().await;
    let content = Content::random(1 << 20, 2);
    server.on(&format!("/{ZIP}"), Reply::Chunked(content.clone()));
    let fetched = chain(&server.url()).fetch(&question(ZIP)).await.unwrap();
    assert_eq!(fetched.len, None);
    assert_eq!(fetched.source_name.as_str(), server.url());
    assert_eq!(fetched.bytes().await.unwrap(), content.to_bytes());
}

#[tokio::test]
async fn an_empty_answer_is_an_answer() {
    let server = Upstream::start().await;
    server.file(&format!("/{LIST}"), "");
    assert_eq!(fetch(&chain(&server.url()), LIST).await.unwrap(), "");
}

#[tokio::test]
async fn only_200_is_success() {
    let server = Upstream::start().await;
    let source = chain(&server.url());
    for code in [201, 202, 203, 204, 206, 300, 304] {
        server.on(
            &format!("/{MOD}"),
            Reply::full(code, &[], "module example.com/a\n"),
        );
        let error = fetch(&source, MOD).await.expect_err("no success");
        assert!(
            matches!(&error, FetchError::Status { reply, .. } if reply.status == code)
                || matches!(error, FetchError::Invalid { .. }),
            "{code}: {error:?}"
        );
    }
}

#[tokio::test]
async fn not_found_and_gone_carry_what_the_source_said() {
    let server = Upstream::start().await;
    let source = chain(&server.url());
    let body = b"not found: \xff\xfe\r\n\tmore \n".as_slice();
    for (code, gone) in [(404, false), (410, true)] {
        let content_type = "text/plain; charset=\"X-odd\"";
        let reply = Reply::full(code, &[("Content-Type", content_type)], body.to_vec());
        server.on(&format!("/{INFO}"), reply);
        let FetchError::NotFound(not_found) = fetch(&source, INFO).await.unwrap_err() else {
            panic!("{code} is not-found");
        };
        assert_eq!(not_found.gone, gone);
        let reply = not_found.reply.unwrap();
        assert_eq!(reply.status, code);
        assert_eq!(reply.content_type.as_deref(), Some(content_type));
        assert_eq!(reply.body, body);
        assert!(!not_found.reason.is_empty());
    }
}

#[tokio::test]
async fn the_reason_of_a_not_found_is_its_first_line_of_text() {
    let server = Upstream::start().await;
    let source = chain(&server.url());
    let told = async |reply| {
        server.on(&format!("/{INFO}"), reply);
        fetch(&source, INFO).await.unwrap_err().to_string()
    };
    let text = Reply::text(404, "not found: unknown revision v1.0.0\nfatal: more\n");
    assert_eq!(told(text).await, "not found: unknown revision v1.0.0");
    let html = Reply::full(404, &[("Content-Type", "text/html")], "<h1>no</h1>");
    assert_eq!(told(html).await, format!("{} does not have it", server.url()));
}

#[tokio::test]
async fn every_other_status_is_a_failure_with_its_text() {
    let server = Upstream::start().await;
    let source = chain(&server.url());
    for code in [400, 401, 403, 407, 408, 429, 451, 500, 502, 503, 504, 599] {
        server.on(&format!("/{INFO}"), Reply::text(code, "because\n"));
        let error = fetch(&source, INFO).await.unwrap_err();
        assert!(!error.is_not_found(), "{code}");
        let FetchError::Status { reply, source_name } = &error else {
            panic!("{code}: {error:?}");
        };
        assert_eq!((reply.status, reply.text()), (code, Some("because")));
        assert_eq!(source_name.as_str(), server.url());
        assert!(error.to_string().contains(&code.to_string()), "{error}");
    }
}

#[tokio::test]
async fn a_long_error_text_is_cut_and_not_refused() {
    let server = Upstream::start().await;
    let limits = Limits {
        info: 100,
        error_text: 1000,
        ..Limits::default()
    };
    let source = chain_with(&server.url(), &Deadlines::default(), limits);
    let content = Content::random(1 << 20, 3);
    for (code, not_found) in [(404, true), (500, false)] {
        server.on(&format!("/{INFO}"), Reply::full(code, &[], content.clone()));
        let error = fetch(&source, INFO).await.unwrap_err();
        assert_eq!(error.is_not_found(), not_found);
        let (FetchError::NotFound(stoa_fetch::NotFound {
            reply: Some(reply), ..
        })
        | FetchError::Status { reply, .. }) = error
        else {
            panic!("{error:?}")
        };
        assert_eq!(reply.body, content.to_bytes()[..1000]);
    }
}

#[tokio::test]
async fn paths_are_on_the_wire_as_the_go_command_sends_them() {
    let server = Upstream::start().await;
    let path = "example.com/!upper/!case/@v/v2.0.0-!r!c1+incompatible.zip";
    server.file(&format!("/{path}"), "zip");
    server.file(&format!("/below/{path}"), "zip");
    fetch(&chain(&server.url()), path).await.unwrap();
    fetch(&chain(&format!("{}/below/", server.url())), path)
        .await
        .unwrap();
    let requests = server.requests();
    let want = "/example.com/%21upper/%21case/@v/v2.0.0-%21r%21c1+incompatible.zip";
    assert_eq!(requests[0].target, want);
    assert_eq!(requests[1].target, format!("/below{want}"));
    assert_eq!(requests[0].method, "GET");
    assert_eq!(requests[0].header("authorization"), None);
}

#[tokio::test]
async fn no_content_coding_is_asked_for_and_only_gzip_is_taken() {
    let server = Upstream::start().await;
    let source = chain(&server.url());
    let coded = |coding| Reply::full(200, &[("Content-Encoding", coding)], "\x1f\u{8b}");
    for coding in ["gzip", "br", "zstd", "deflate"] {
        // Which is cut.
        server.on(&format!("/{MOD}"), coded(coding));
        let error = fetch(&source, MOD).await.unwrap_err();
        assert!(
            matches!(&error, FetchError::Invalid { reason, .. } if reason.contains(coding)),
            "{error:?}"
        );
    }
    server.on(&format!("/{MOD}"), coded("identity"));
    fetch(&source, MOD).await.unwrap();
    for request in server.requests() {
        assert!(
            request
                .header("accept-encoding")
                .is_none_or(|wanted| wanted == "identity"),
            "{request:?}"
        );
    }
}

#[tokio::test]
async fn credentials_are_in_no_name_and_no_error() {
    let server = Upstream::start().await;
    // It does not speak TLS, so that asking it fails.
    let list = format!("https://bot:hunter2@{}", server.address());
    let deadlines = Deadlines {
        connect: Duration::from_millis(300),
        ..Deadlines::default()
    };
    let source = chain_with(&list, &deadlines, Limits::default());
    let error = fetch(&source, LIST).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error:?}");
    for text in [
        error.to_string(),
        format!("{error:?}"),
        source.to_string(),
        format!("{source:?}"),
    ] {
        assert!(
            !text.contains("hunter2") && !text.contains("Ym90Omh1bnRlcjI"),
            "{text}"
        );
    }
    assert!(error.to_string().contains(&server.address().to_string()));
}
