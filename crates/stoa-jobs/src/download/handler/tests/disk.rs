//! Disks without room.

use std::{path::Path, sync::Arc};

use serde_json::json;
use stoa_testing::small_disk;
use tokio::sync::Notify;

use crate::download::{
    DirectorySink, DiskGuard, DiskOptions, DownloadOptions, Downloads, Probe, Space, Statvfs, Volume,
    testing::{Lab, Origin, Reply, Step},
};

fn full() -> Space {
    Space {
        used_bytes: 1_000_000,
        free_bytes: 1_000,
        ..Space::default()
    }
}

#[test]
fn a_full_disk_interrupts_and_closes_the_gate() {
    let name = "download::handler::tests::disk::a_full_disk_interrupts_and_closes_the_gate";
    let Some(place) = small_disk::again_on(name, 1 << 20) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.expect("a runtime").block_on(async {
        // It is not known of the first one that it does not fit.
        let origin = Origin::new(|number, _| {
            let reply = if number == 0 {
                Reply::new(200).step(Step::Send(vec![7; 4 << 20].into()))
            } else {
                Reply::ok(vec![7; 500_000])
            };
            Ok(reply.header("etag", "\"a\""))
        });
        let mut lab = Lab::new(&origin, json!({}));
        let volumes = vec![Volume {
            name: "downloads".into(),
            path: place.clone(),
        }];
        let options = DiskOptions {
            min_free: 1_000,
            ..DiskOptions::default()
        };
        let (guard, gate) = DiskGuard::new(volumes, options, Arc::new(Statvfs));
        assert_eq!(gate.closed(), None);
        let sink = Arc::new(DirectorySink::new(place.join("files")).expect("a sink"));
        let downloads = Downloads::new(
            Arc::new(origin.clone()),
            sink,
            place.join("tmp"),
            Arc::clone(&guard),
            DownloadOptions::default(),
        );
        lab.downloads = downloads.expect("a folder");
        let ran = lab.run().await;
        assert_eq!(ran.class(), ("interrupted", "disk"));
        let closed = gate.closed().expect("closed");
        assert!(closed.text.contains("No space left"), "{closed:?}");
        assert_eq!(
            small_disk::used(&place),
            0,
            "what was written is gone, so that there is room"
        );
        // A run that was claimed just before the gate closed asks nobody.
        assert_eq!(lab.run().await.class(), ("interrupted", "disk"));
        assert_eq!(origin.requests().len(), 1);
    });
}

#[tokio::test]
async fn a_download_that_fits_goes_on_while_the_gate_is_closed() {
    for (announced, expected) in [
        (Some("1000"), "ok"),
        (Some("1001"), "interrupted"),
        (None, "interrupted"),
    ] {
        let mut reply = Reply::new(200).header("etag", "\"a\"");
        if let Some(length) = announced {
            reply = reply.header("content-length", length);
        }
        let length = announced.map_or(500, |length| length.parse().expect("a number"));
        let closed = Arc::new(Notify::new());
        let [first, rest] = [1, length - 1].map(|bytes| Step::Send(vec![1; bytes].into()));
        let reply = reply
            .step(first)
            .step(Step::Until(Arc::clone(&closed)))
            .step(rest);
        let origin = Origin::of(reply);
        let mut lab = Lab::new(&origin, json!({}));
        let run = lab.next_run();
        let closing = async {
            while run.renewal().progress.is_none() {
                tokio::task::yield_now().await;
            }
            // One byte of the download has come: 999 or 1000 are left, and there is room for 999.
            lab.disk.set(
                "downloads",
                Ok(Space {
                    free_bytes: 999,
                    ..full()
                }),
            );
            lab.guard.measure_now().await;
            closed.notify_one();
        };
        let (ran, ()) = tokio::join!(lab.run_as(&run), closing);
        assert_eq!(ran.class().0, expected, "{announced:?}");
        assert!(lab.gate.closed().is_some());
        assert_eq!(lab.temporary(), [""; 0]);
    }
}

#[tokio::test]
async fn what_is_larger_than_the_room_is_put_off_before_it_takes_any() {
    let origin = Origin::of(Reply::ok(vec![7; 4 << 20]));
    let mut lab = Lab::new(&origin, json!({}));
    let place = lab.folder.path().to_owned();
    let volumes = vec![Volume {
        name: "downloads".into(),
        path: place.clone(),
    }];
    let room = Space {
        free_bytes: 1 << 20,
        ..Space::default()
    };
    let options = DiskOptions {
        min_free: 0,
        ..DiskOptions::default()
    };
    let (guard, gate) = DiskGuard::new(volumes, options, Arc::new(Fixed(room)));
    let sink = Arc::new(DirectorySink::new(place.join("files")).expect("a sink"));
    let downloads = Downloads::new(
        Arc::new(origin.clone()),
        sink,
        place.join("small"),
        guard,
        DownloadOptions::default(),
    );
    lab.downloads = downloads.expect("a folder");
    assert_eq!(lab.run().await.class(), ("snooze", "disk"));
    assert_eq!(gate.closed(), None, "others may start");
}

/// A disk that stays as it is.
#[derive(Debug)]
struct Fixed(Space);

impl Probe for Fixed {
    fn measure(&self, _path: &Path) -> std::io::Result<Space> {
        Ok(self.0)
    }
}
