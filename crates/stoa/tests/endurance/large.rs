//! The largest zips, for ten clients at once.

use std::time::{Duration, Instant};

use stoa_testing::content::Content;
use stoa_testing::fixtures::{ModuleFixture, large_zip_fixture};
use stoa_testing::gate::Gate;
use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;
use stoa_testing::upstream::Upstream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::transfer::{Download, download};
use crate::{ALONE, STOA};

const CLIENTS: usize = 10;
const MIB: u64 = 1 << 20;

/// The largest zip that the go command takes has 500 MiB, packed as unpacked.
const LARGEST: u64 = 499 * MIB;

/// What stoa may need beside what it needs when it idles.
const MEMORY: u64 = 64 * MIB;

/// From the first byte of the upstream to the first byte of the client.
const FIRST_BYTE: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_gigabyte_for_ten_clients_passes_through_little_memory() {
    let _alone = ALONE.lock().await;
    let module = large_zip_fixture("example.com/large", "v1.0.0", LARGEST);
    let upstream = Upstream::start().await;
    let end = Gate::new();
    upstream.on(
        &module.url_path("zip"),
        Reply::gated_at_end(module.zip(), MIB, &end),
    );
    let directory = tempfile::tempdir().unwrap();
    let stoa = StoaProcess::start(STOA, directory.path(), &upstream.url(), &[]);
    let idle = stoa.rss_bytes();

    let asked = Instant::now();
    let mut cold = Clients::ask(&stoa, &module);
    cold.all_have_begun().await;
    assert_eq!(
        end.arrivals(),
        0,
        "the upstream was quicker than the first byte of a client"
    );
    end.reached(1).await;
    end.release();
    cold.all_get_everything().await;
    let (cold_time, cold_peak) = (asked.elapsed(), stoa.peak_rss_bytes());
    assert_eq!(upstream.count(&module.url_path("zip")), 1);

    let asked = Instant::now();
    Clients::ask(&stoa, &module).all_get_everything().await;
    let (warm_time, warm_peak) = (asked.elapsed(), stoa.peak_rss_bytes());
    assert_eq!(upstream.count(&module.url_path("zip")), 1);

    println!(
        "idle {} MiB; cold {cold_time:?}, peak +{} MiB; warm {warm_time:?}, peak +{} MiB",
        idle / MIB,
        (cold_peak - idle) / MIB,
        (warm_peak - idle) / MIB
    );
    assert!(
        warm_peak - idle <= MEMORY,
        "{} bytes more than idle",
        warm_peak - idle
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_cold_clients_need_not_wait_for_the_first_byte() {
    let _alone = ALONE.lock().await;
    let module = large_zip_fixture("example.com/large", "v1.0.0", 300 * MIB);
    let path = module.url_path("zip");
    let upstream = Upstream::start().await;
    let begin = Gate::new();
    upstream.on(&path, Reply::ok(module.zip()).held(&begin));
    let directory = tempfile::tempdir().unwrap();
    let stoa = StoaProcess::start(STOA, directory.path(), &upstream.url(), &[]);

    let mut clients = Clients::ask(&stoa, &module);
    begin.reached(1).await;
    let sent = Instant::now();
    begin.release();
    clients.all_have_begun().await;
    let first_bytes = clients.all_get_everything().await;
    let latest = first_bytes.into_iter().max().expect("ten") - sent;
    println!("the last of the first bytes came after {latest:?}");
    assert!(latest <= FIRST_BYTE, "the first byte took {latest:?}");
    assert_eq!(upstream.count(&path), 1);
}

/// Ten downloads of one zip.
struct Clients {
    downloads: JoinSet<Download>,
    begun: watch::Receiver<usize>,
}

impl Clients {
    fn ask(stoa: &StoaProcess, module: &ModuleFixture) -> Self {
        let (sender, begun) = watch::channel(0);
        let mut downloads = JoinSet::new();
        for _ in 0..CLIENTS {
            let url = format!("{}{}", stoa.url(), module.url_path("zip"));
            let (want, sender): (Content, _) = (module.zip(), sender.clone());
            downloads.spawn(async move {
                let mut first = true;
                let progress = |_| {
                    if std::mem::take(&mut first) {
                        sender.send_modify(|begun| *begun += 1);
                    }
                };
                download(&url, &want, progress).await.expect("an answer")
            });
        }
        Self { downloads, begun }
    }

    /// Waits until every client has a byte of the body.
    async fn all_have_begun(&mut self) {
        let all = self.begun.wait_for(|begun| *begun == CLIENTS);
        let in_time = tokio::time::timeout(Duration::from_secs(30), all).await;
        in_time
            .expect("a first byte in time")
            .expect("clients that go on");
    }

    /// Waits for all ends, which must be good. Returns when each first byte came.
    async fn all_get_everything(mut self) -> Vec<Instant> {
        let mut first_bytes = Vec::new();
        while let Some(download) = self.downloads.join_next().await {
            let download = download.expect("a client that found no fault");
            assert!(download.whole, "cut off");
            first_bytes.push(download.first_byte.expect("a body"));
        }
        first_bytes
    }
}
