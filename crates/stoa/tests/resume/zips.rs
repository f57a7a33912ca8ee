//! Large zips, which clients read while they arrive.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use stoa_testing::content::Content;
use stoa_testing::fixtures::{ModuleFixture, large_zip_fixture};
use stoa_testing::http::{self, BodyEnd, Streaming};
use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;
use stoa_testing::upstream::Upstream;

use crate::cut_source::{self, Cut, CutSource, End, Framing};
use crate::source::{Asked, Http, Sends, Source};
use crate::{STOA, random, seed};

const MIB: u64 = 1 << 20;
const RESETS: usize = 10;
/// So many of these may come before a byte has been read.
const NOTHING: usize = 2;

/// What a source sends after it has cut the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// What is asked for of the same file.
    Parts,
    /// All of it, each time.
    Whole,
    /// Parts, but it gives no tag to know the file by.
    PartsWithoutTag,
    /// The same bytes under another tag.
    AnotherTag,
    /// Other bytes, under another tag.
    OtherBytes,
    /// Other bytes of the same length, under the same tag and as parts: only their checks can tell.
    Lies,
}

fn stoa(directory: &Path, upstream: &str, certificate: Option<&Path>) -> StoaProcess {
    let stoa = StoaProcess::command(STOA)
        .storage(&directory.join("storage"))
        .upstream(upstream);
    match certificate {
        Some(certificate) => stoa.env("SSL_CERT_FILE", certificate.to_str().unwrap()),
        None => stoa,
    }
    .start()
}

/// How a download ended, and how much of it there was; what came is the beginning of `want`, if that is given.
async fn download(url: &str, want: Option<&Content>) -> (BodyEnd, u64) {
    let mut response = Streaming::open(url, &[]).await.unwrap();
    assert_eq!(response.status, 200, "{url}");
    let (mut offset, mut expected) = (0, Vec::new());
    // A connection that is reset is a cut as well.
    while let Ok(Some(piece)) = response.next().await {
        if let Some(want) = want {
            expected.resize(piece.len(), 0);
            want.read_at(offset, &mut expected);
            assert!(piece == expected, "{url}: wrong bytes from {offset} on");
        }
        offset += piece.len() as u64;
    }
    let cut = BodyEnd::Cut {
        received: offset,
        announced: None,
        reset: true,
    };
    (response.end().unwrap_or(cut), offset)
}

/// A module and a source of it, whose connections end at these places of its zip.
struct Broken {
    then: Then,
    path: String,
    zip: Content,
    places: Vec<u64>,
}

impl Broken {
    fn new(then: Then, seed: &mut u64) -> Self {
        let size = match then {
            Then::Parts | Then::Whole => 60 * MIB,
            _ => 12 * MIB,
        };
        let module = large_zip_fixture("example.com/large", "v1.0.0", size);
        let mut places: Vec<u64> = (0..RESETS).map(|_| MIB + random(seed, size - MIB - 1)).collect();
        // Parts go on where the last one ended.
        if matches!(then, Then::Parts | Then::Lies) {
            places.sort_unstable();
            places.dedup();
        }
        Self {
            then,
            path: module.url_path("zip"),
            zip: module.zip(),
            places,
        }
    }

    /// What the source sends.
    fn script(&self) -> impl FnMut(&str, usize) -> Option<Sends> + Send + 'static {
        let (then, path, zip, places) = (
            self.then,
            self.path.clone(),
            self.zip.clone(),
            self.places.clone(),
        );
        let size = zip.len();
        let other = ModuleFixture::new("example.com/large", "v1.0.0")
            .file("other.bin", Content::random(size - 4096, 7))
            .zip();
        let tail = zip.to_bytes().slice(usize::try_from(size).unwrap() - 200..);
        let lie = Content::concat([Content::random(size - 200, 9), tail.into()]);
        move |asked: &str, before: usize| {
            let (content, etag, ranges) = match (then, before) {
                (Then::OtherBytes, 1..) => (&other, Some("\"b\""), true),
                (Then::Lies, 1..) => (&lie, Some("\"a\""), true),
                (Then::AnotherTag, 1..) => (&zip, Some(["\"b\"", "\"c\""][before % 2]), true),
                (Then::PartsWithoutTag, _) => (&zip, None, true),
                (Then::Whole, _) => (&zip, Some("\"a\""), false),
                _ => (&zip, Some("\"a\""), true),
            };
            (asked == path).then(|| Sends {
                content: content.clone(),
                etag,
                ranges,
                cut: places.get(before).copied(),
            })
        }
    }

    /// Each time the connection ended, what was missing was asked for, as a part only by a tag that vouches for it.
    fn assert_asked(&self, asked: &[Asked], what: &str) {
        let places = self.places.len();
        assert_eq!(asked.len(), places + 1, "{what}");
        let parts = asked.iter().filter(|asked| asked.range.is_some()).count();
        let tags: Vec<_> = asked
            .iter()
            .filter_map(|asked| asked.if_range.as_deref())
            .collect();
        assert_eq!(tags.len(), parts, "{what}");
        // A stream that is reset may take along all that was not read: of nothing there is no rest.
        let most = places - NOTHING..=places;
        match self.then {
            Then::PartsWithoutTag => assert_eq!(parts, 0, "it may be one of another file: {what}"),
            _ => assert!(most.contains(&parts), "{parts}: {what}"),
        }
        if self.then == Then::Parts {
            assert!(tags.iter().all(|tag| *tag == "\"a\""), "{what}");
        }
    }
}

/// A source that ends ten connections in the middle of a zip, and how the download went.
async fn broken(http: Http, then: Then, seed: &mut u64) {
    let directory = tempfile::tempdir().unwrap();
    let broken = Broken::new(then, seed);
    let (zip, size) = (&broken.zip, broken.zip.len());
    let source = Source::start(http, directory.path(), broken.script()).await;
    let stoa = stoa(directory.path(), &source.url, source.certificate.as_deref());
    let url = format!("{}{}", stoa.url(), broken.path);
    // A source that sends other bytes as the rest of the same file is found out at the end, before it is one.
    let (end, got) = download(&url, (then != Then::Lies).then_some(zip)).await;
    let asked = source.asked();
    let count = asked.len();
    let what = format!(
        "{http:?} {then:?} {:?}: {end:?} after {got} bytes, {count} requests",
        broken.places
    );
    println!("{what}");
    if matches!(then, Then::OtherBytes | Then::Lies) {
        assert!(matches!(end, BodyEnd::Cut { .. }) && got < size, "{what}");
        return;
    }
    assert_eq!((&end, got), (&BodyEnd::Clean, size), "{what}\n{}", stoa.output());
    broken.assert_asked(&asked, &what);
    // It is stored, as one that came at once.
    let (end, got) = download(&url, Some(zip)).await;
    assert_eq!((end, got, source.asked().len()), (BodyEnd::Clean, size, count));
    let metrics = crate::builds::metrics(&stoa).await;
    let saved = "stoa_transfers_broken_total{resource=\"zip\",result=\"saved\"} 1\n";
    assert!(metrics.contains(saved), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zip_arrives_over_http_1_however_often_it_breaks_off() {
    let mut seed = seed();
    for then in [
        Then::Parts,
        Then::Whole,
        Then::PartsWithoutTag,
        Then::AnotherTag,
        Then::OtherBytes,
        Then::Lies,
    ] {
        broken(Http::One, then, &mut seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zip_arrives_over_http_2_however_often_it_breaks_off() {
    let mut seed = seed();
    for then in [Then::Parts, Then::Whole, Then::AnotherTag, Then::OtherBytes] {
        broken(Http::Two, then, &mut seed).await;
    }
}

/// Two sources, of which the first always breaks off at the same place, after all that it sends has arrived.
async fn two(separator: &str) -> (BodyEnd, u64, usize, usize) {
    let directory = tempfile::tempdir().unwrap();
    let module = large_zip_fixture("example.com/large", "v1.0.0", 8 * MIB);
    let (path, zip) = (module.url_path("zip"), module.zip());
    let (asked, bytes) = (Arc::new(AtomicUsize::new(0)), zip.to_bytes());
    let count = Arc::clone(&asked);
    let first = CutSource::start(move |path| {
        path.contains("/@v/").then(|| {
            count.fetch_add(1, Ordering::SeqCst);
            let cut = Cut {
                framing: Framing::Length,
                end: End::Close,
                at: 5 << 20,
            };
            (cut_source::Content::Bytes(bytes.clone()), Some(cut))
        })
    })
    .await;
    let content = zip.clone();
    let second = Source::start(Http::One, directory.path(), move |asked, _| {
        asked.contains("/@v/").then(|| Sends {
            content: content.clone(),
            etag: None,
            ranges: false,
            cut: None,
        })
    })
    .await;
    let list = format!("{}{separator}{}", first.url, second.url);
    let stoa = stoa(directory.path(), &list, None);
    let (end, got) = download(&format!("{}{path}", stoa.url()), Some(&zip)).await;
    (end, got, asked.load(Ordering::SeqCst), second.asked().len())
}

#[tokio::test]
async fn another_source_takes_over_if_the_list_lets_it() {
    let (end, got, first, second) = two("|").await;
    assert_eq!((end, got, second), (BodyEnd::Clean, 8 * MIB, 1));
    // Once for what came, and three times without a byte more.
    assert_eq!(first, 4);
    // After a comma nobody is asked because of a failure, so neither is he because of this one.
    let (end, got, first, second) = two(",").await;
    assert!(matches!(end, BodyEnd::Cut { .. }), "{end:?}");
    assert!(got <= 5 * MIB, "{got} bytes");
    assert_eq!((first, second), (4, 0));
}

#[tokio::test]
async fn a_host_that_asks_for_a_pause_in_between_gets_it() {
    let directory = tempfile::tempdir().unwrap();
    let module = large_zip_fixture("example.com/large", "v1.0.0", 8 * MIB);
    let upstream = Upstream::start().await;
    let path = module.url_path("zip");
    let cut = Reply::ResetAfter {
        announce: 8 * MIB,
        send: module.zip().to_bytes().slice(..4 << 20).into(),
    };
    let busy = Reply::full(503, &[("Retry-After", "1")], "a moment");
    upstream.on(&path, Reply::ok(module.zip()));
    upstream.script(&path, [cut, busy]);
    let stoa = stoa(directory.path(), &upstream.url(), None);
    let (end, got) = download(&format!("{}{path}", stoa.url()), Some(&module.zip())).await;
    assert_eq!((end, got, upstream.count(&path)), (BodyEnd::Clean, 8 * MIB, 3));
}

#[tokio::test]
async fn small_files_are_asked_for_again() {
    let directory = tempfile::tempdir().unwrap();
    let module = ModuleFixture::new("example.com/small", "v1.0.0");
    let upstream = Upstream::start().await;
    upstream.module(&module);
    let stoa = stoa(directory.path(), &upstream.url(), None);
    let kinds = [("info", "info", module.info()), ("mod", "mod", module.go_mod())];
    for (extension, kind, want) in kinds {
        let path = module.url_path(extension);
        let cut = Reply::Truncate {
            announce: want.len() as u64,
            send: want.slice(..want.len() - 1).into(),
        };
        upstream.script(&path, [cut.clone(), cut.clone()]);
        let answer = http::request("GET", &format!("{}{path}", stoa.url()), &[], b"")
            .await
            .unwrap();
        assert_eq!(
            (answer.status, &answer.body[..]),
            (200, &want[..]),
            "{}",
            answer.text()
        );
        assert_eq!(upstream.count(&path), 3);
        let metrics = crate::builds::metrics(&stoa).await;
        let saved = format!("stoa_transfers_broken_total{{resource=\"{kind}\",result=\"saved\"}} 1\n");
        assert!(metrics.contains(&saved), "{metrics}");
    }
    // It is not asked for for ever.
    let path = "/example.com/small/@v/list";
    upstream.on(
        path,
        Reply::Truncate {
            announce: 7,
            send: "v1.0.".into(),
        },
    );
    let answer = http::request("GET", &format!("{}{path}", stoa.url()), &[], b"")
        .await
        .unwrap();
    assert_eq!(
        (answer.status, upstream.count(path)),
        (502, 8),
        "{}",
        answer.text()
    );
    assert!(answer.text().contains("broke off"), "{}", answer.text());
}
