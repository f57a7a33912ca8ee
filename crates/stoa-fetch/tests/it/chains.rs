//! GOPROXY lists and routes of real servers: who is asked, how often, and whose word counts.

use std::{sync::Arc, time::Duration};

use stoa_fetch::{Chain, Deadlines, FetchError, Limits, Route, Routes};
use stoa_module::PatternList;
use stoa_testing::{reply::Reply, upstream::Upstream};

use crate::support::{INFO, MOD, chain, chain_with, client, fetch, no_direct};

/// Two servers and how the second answers.
async fn two(first: Reply, second: Reply) -> (Upstream, Upstream) {
    let (a, b) = (Upstream::start().await, Upstream::start().await);
    a.on_everything(first);
    b.on_everything(second);
    (a, b)
}

fn good() -> Reply {
    Reply::ok(GOOD)
}

fn status(code: u16) -> Reply {
    Reply::text(code, &format!("told {code}"))
}

const GOOD: &str = r#"{"Version":"v1.0.0"}"#;

/// What a list of two servers answers, and how often each was asked.
async fn ask(first: Reply, separator: &str, second: Reply) -> (Result<String, FetchError>, usize, usize) {
    let (a, b) = two(first, second).await;
    let source = chain(&format!("{}{separator}{}", a.url(), b.url()));
    let answer = fetch(&source, INFO).await;
    let text = answer.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
    (text, a.total(), b.total())
}

fn code(error: &FetchError) -> Option<u16> {
    match error {
        FetchError::NotFound(not_found) => not_found.reply.as_ref().map(|reply| reply.status),
        FetchError::Status { reply, .. } => Some(reply.status),
        _ => None,
    }
}

#[tokio::test]
async fn the_first_that_answers_is_the_only_one_asked() {
    for separator in [",", "|"] {
        let (answer, a, b) = ask(good(), separator, status(500)).await;
        assert_eq!((answer.unwrap().as_str(), a, b), (GOOD, 1, 0));
    }
}

#[tokio::test]
async fn after_a_bar_a_bad_answer_is_an_error_too() {
    for bad in ["<html>", "", r#"{"Version":"v1.0.0","version":"v9.9.9"}"#] {
        let (answer, a, b) = ask(Reply::ok(bad), "|", good()).await;
        assert_eq!((answer.unwrap().as_str(), a, b), (GOOD, 1, 1), "{bad}");
        // Nobody else is there to be asked: whoever stores it looks at it.
        let (answer, a, b) = ask(status(404), "|", Reply::ok(bad)).await;
        assert_eq!((answer.unwrap().as_str(), a, b), (bad, 1, 1), "{bad}");
        let (answer, a, b) = ask(Reply::ok(bad), ",", good()).await;
        assert_eq!((answer.unwrap().as_str(), a, b), (bad, 1, 0), "{bad}");
    }
    let send = "{\"Version\"".to_owned().into();
    let (answer, a, b) = ask(Reply::Truncate { announce: 99, send }, "|", good()).await;
    assert_eq!((answer.unwrap().as_str(), a, b), (GOOD, 1, 1));
}

#[tokio::test]
async fn after_not_found_both_separators_go_on() {
    for separator in [",", "|"] {
        for missing in [404, 410] {
            let (answer, a, b) = ask(status(missing), separator, good()).await;
            assert_eq!((answer.unwrap().as_str(), a, b), (GOOD, 1, 1));
        }
    }
}

#[tokio::test]
async fn after_a_failure_only_the_bar_goes_on() {
    for failing in [400, 401, 403, 429, 500, 503] {
        let (answer, a, b) = ask(status(failing), ",", good()).await;
        assert_eq!((code(&answer.unwrap_err()), a, b), (Some(failing), 1, 0));
        let (answer, a, b) = ask(status(failing), "|", good()).await;
        assert_eq!((answer.unwrap().as_str(), a, b), (GOOD, 1, 1));
    }
    let (answer, _, b) = ask(Reply::Reset, ",", good()).await;
    assert!(matches!(answer.unwrap_err(), FetchError::Broken { .. }));
    assert_eq!(b, 0);
    let (answer, _, b) = ask(Reply::Reset, "|", good()).await;
    assert_eq!((answer.unwrap().as_str(), b), (GOOD, 1));
    let gzip = || Reply::full(200, &[("Content-Encoding", "gzip")], "x");
    let (answer, _, b) = ask(gzip(), "|", good()).await;
    assert_eq!((answer.unwrap().as_str(), b), (GOOD, 1));
}

#[tokio::test]
async fn a_hanging_server_delays_a_bar_by_its_deadline_only() {
    let (a, b) = two(Reply::Hang, good()).await;
    let deadlines = Deadlines {
        response: Duration::from_millis(200),
        ..Deadlines::default()
    };
    let bar = chain_with(&format!("{}|{}", a.url(), b.url()), &deadlines, Limits::default());
    b.on_everything(good());
    assert_eq!(fetch(&bar, MOD).await.unwrap(), GOOD);
    let comma = chain_with(&format!("{},{}", a.url(), b.url()), &deadlines, Limits::default());
    assert!(matches!(
        fetch(&comma, MOD).await.unwrap_err(),
        FetchError::Timeout { .. }
    ));
    assert_eq!(b.total(), 1);
}

#[tokio::test]
async fn a_failure_is_never_covered_by_the_404_of_another() {
    for (first, separator, second, told) in [
        (404, ",", 410, 404),
        (410, "|", 404, 410),
        (500, "|", 404, 500),
        (404, ",", 500, 500),
        (503, "|", 500, 503),
    ] {
        let (answer, a, b) = ask(status(first), separator, status(second)).await;
        assert_eq!(
            code(&answer.unwrap_err()),
            Some(told),
            "{first}{separator}{second}"
        );
        assert_eq!((a, b), (1, 1));
    }
}

#[tokio::test]
async fn off_and_direct_at_the_end_have_the_last_word() {
    let server = Upstream::start().await;
    let error = fetch(&chain(&format!("{},off", server.url())), INFO)
        .await
        .unwrap_err();
    assert!(matches!(error, FetchError::Refused { .. }), "{error:?}");
    let error = fetch(&chain(&format!("{},direct", server.url())), INFO)
        .await
        .unwrap_err();
    assert!(
        matches!(error, FetchError::Unsupported { .. }) && !error.is_not_found(),
        "{error:?}"
    );
    assert_eq!(server.total(), 2);
    server.on_everything(status(500));
    let error = fetch(&chain(&format!("{},off", server.url())), INFO)
        .await
        .unwrap_err();
    assert_eq!(code(&error), Some(500));
}

#[tokio::test]
async fn each_question_begins_at_the_first_entry_again() {
    let (a, b) = two(status(500), good()).await;
    let source = chain(&format!("{}|{}", a.url(), b.url()));
    for _ in 0..3 {
        fetch(&source, INFO).await.unwrap();
    }
    assert_eq!((a.total(), b.total()), (3, 3));
}

#[tokio::test]
async fn a_tree_on_this_machine_takes_its_place_in_a_list() {
    let tree = tempfile::tempdir().unwrap();
    let folder = tree.path().join("example.com/a/@v");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("v1.0.0.info"), "from the tree").unwrap();
    let server = Upstream::start().await;
    server.on_everything(good());
    let source = chain(&format!("file://{},{}", tree.path().display(), server.url()));
    assert_eq!(fetch(&source, INFO).await.unwrap(), "from the tree");
    assert_eq!(fetch(&source, MOD).await.unwrap(), GOOD);
    assert_eq!(server.total(), 1);
    // In a tree that is not mounted nothing is missing, so nobody else is asked.
    std::fs::remove_dir_all(tree.path()).unwrap();
    let error = fetch(&source, MOD).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
    assert_eq!(server.total(), 1);
}

fn routes(private: &Upstream, default: &Upstream) -> Routes {
    let client = client(&Deadlines::default(), Limits::default());
    let chain =
        |server: &Upstream| Arc::new(Chain::new(&server.url().parse().unwrap(), &client, &no_direct()));
    let route = Route {
        patterns: PatternList::parse("corp.example/*,*.internal"),
        fetcher: chain(private),
    };
    Routes::new(vec![route], chain(default))
}

#[tokio::test]
async fn a_module_that_a_route_names_never_touches_the_default() {
    for reply in [
        good(),
        status(404),
        status(410),
        status(500),
        Reply::Reset,
        Reply::Truncate {
            announce: 9,
            send: "x".into(),
        },
    ] {
        let (private, public) = two(reply, good()).await;
        let source = routes(&private, &public);
        for path in [
            "corp.example/tools/deep/@v/list",
            "corp.example/tools/@latest",
            "corp.example/tools/@v/v1.0.0.zip",
            "git.internal/x/@v/main.info",
        ] {
            let _whatever = fetch(&source, path).await;
        }
        assert_eq!(public.total(), 0);
        assert!(private.total() >= 4);
    }
}

#[tokio::test]
async fn the_rest_goes_to_the_default_alone() {
    let (private, public) = two(good(), status(404)).await;
    let source = routes(&private, &public);
    for path in ["example.com/a/@v/list", "other.example/corp.example/x/@latest"] {
        assert!(fetch(&source, path).await.unwrap_err().is_not_found());
    }
    // Where there is no @latest, the list is asked for.
    assert_eq!((private.total(), public.total()), (0, 3));
}
