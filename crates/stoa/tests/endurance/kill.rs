//! kill -9 in the middle of a cold load, again and again on one storage.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use stoa_testing::content::Content;
use stoa_testing::fixtures::{ModuleFixture, large_zip_fixture};
use stoa_testing::process::StoaProcess;
use stoa_testing::upstream::Upstream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::choice::Choices;
use crate::stored::Stored;
use crate::transfer::{Download, download};
use crate::{ALONE, STOA};

const KILLS: usize = 50;
const CLIENTS: usize = 6;
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// How far a load has come.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    bytes: u64,
    responses: u64,
    idle_clients: usize,
}

/// When a load is cut short.
#[derive(Clone, Copy, Debug)]
enum Moment {
    Bytes(u64),
    Responses(u64),
    Never,
}

impl Moment {
    fn choose(choices: &mut Choices) -> Self {
        match choices.below(3) {
            0 => Self::Responses(choices.below(24)),
            1 => Self::Bytes(choices.below(64 * KIB)),
            _ => Self::Bytes(choices.below(24 * MIB)),
        }
    }

    fn has_come(self, progress: &Progress) -> bool {
        let reached = match self {
            Self::Bytes(bytes) => progress.bytes >= bytes,
            Self::Responses(responses) => progress.responses >= responses,
            Self::Never => false,
        };
        reached || progress.idle_clients == CLIENTS
    }
}

/// About 80 MiB: small modules for many publications, large ones for long transfers.
fn modules() -> Vec<ModuleFixture> {
    let small = (0..24_u64).map(|i| {
        let length = [0, 1, 700, 40 * KIB, 65 * KIB, 300 * KIB][usize::try_from(i % 6).expect("small")];
        ModuleFixture::new(&format!("example.com/small{i}"), "v1.0.0")
            .file("small.go", "package small\n")
            .file("data.bin", Content::random(length, i))
    });
    let large = [3 * MIB, 4 * MIB + 1, 5 * MIB, 11 * MIB, 20 * MIB, 32 * MIB]
        .map(|size| large_zip_fixture(&format!("example.com/Large/x{size}"), "v1.0.0", size));
    small.chain(large).collect()
}

/// What storage may hold, by request path.
fn files(modules: &[ModuleFixture]) -> HashMap<String, Content> {
    let files = modules.iter().flat_map(|module| {
        [
            (module.url_path("info"), module.info().into()),
            (module.url_path("mod"), module.go_mod().into()),
            (module.url_path("zip"), module.zip()),
            (module.url_path("ziphash"), module.h1().into()),
        ]
    });
    files.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_it_loses_nothing_and_lies_to_nobody() {
    let _alone = ALONE.lock().await;
    let started = Instant::now();
    let mut choices = Choices::from_env();
    let modules = modules();
    let files = Arc::new(files(&modules));
    let upstream = Upstream::start().await;
    upstream.modules(&modules);

    let mut directory = tempfile::tempdir().unwrap();
    let mut stored = Stored::new(directory.path());
    let mut answered: Vec<String> = Vec::new();
    let (mut with_leftovers, mut responses, mut storages) = (0, 0, 1);
    for kill in 0..=KILLS {
        with_leftovers += usize::from(stored.leftovers() > 0);
        responses += answered.len();
        stored.check_all(&files);
        for name in &answered {
            assert!(stored.has(name), "{name} was answered and is not stored");
        }
        // With much of it stored, kills would meet hits.
        if files.keys().filter(|name| stored.has(name)).count() > files.len() / 2 {
            storages += 1;
            directory = tempfile::tempdir().unwrap();
            stored = Stored::new(directory.path());
        }
        let mut stoa = StoaProcess::start(STOA, directory.path(), &upstream.url(), &[]);
        assert_eq!(stored.leftovers(), 0, "not swept at the start after kill {kill}");
        stored.verify();

        let mut load = Load::start(&stoa, &files, &mut choices);
        if kill < KILLS {
            load.until(Moment::choose(&mut choices)).await;
            let delay = Duration::from_nanos(choices.below(1_000_000));
            let at = Instant::now() + delay;
            while Instant::now() < at {}
            stoa.kill9();
            answered = load.end().await;
        } else {
            load.until(Moment::Never).await;
            assert_eq!(load.end().await.len(), modules.len() * 3, "after all kills");
        }
    }
    stored.check_all(&files);
    stored.verify();
    println!(
        "{KILLS} kills in {:?}: {responses} whole responses, {with_leftovers} times unfinished files, {storages} storages",
        started.elapsed()
    );
    assert!(with_leftovers > 0, "no kill came in the middle of a transfer");
}

/// Clients that ask for everything, in a random order.
struct Load {
    clients: JoinSet<Vec<String>>,
    progress: watch::Receiver<Progress>,
}

impl Load {
    fn start(stoa: &StoaProcess, files: &Arc<HashMap<String, Content>>, choices: &mut Choices) -> Self {
        let mut names: Vec<_> = files
            .keys()
            .filter(|name| !name.ends_with("hash"))
            .cloned()
            .collect();
        names.sort();
        choices.shuffle(&mut names);
        let names = Arc::new(Mutex::new(names));
        let (sender, progress) = watch::channel(Progress::default());
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let client = Client {
                url: stoa.url().to_owned(),
                names: Arc::clone(&names),
                files: Arc::clone(files),
                progress: sender.clone(),
            };
            clients.spawn(client.run());
        }
        Self { clients, progress }
    }

    /// Waits for the moment, or until nobody has anything to do.
    async fn until(&mut self, moment: Moment) {
        let come = |progress: &Progress| moment.has_come(progress);
        self.progress.wait_for(come).await.expect("a sender is in use");
    }

    /// The names of what came whole.
    async fn end(mut self) -> Vec<String> {
        let mut whole = Vec::new();
        while let Some(names) = self.clients.join_next().await {
            whole.extend(names.expect("no client found fault"));
        }
        whole
    }
}

struct Client {
    url: String,
    names: Arc<Mutex<Vec<String>>>,
    files: Arc<HashMap<String, Content>>,
    progress: watch::Sender<Progress>,
}

impl Client {
    /// Asks until there is nothing left, or the server has gone. Returns the names of what came whole.
    async fn run(self) -> Vec<String> {
        let mut whole = Vec::new();
        while let Some(name) = self.next() {
            let url = format!("{}{name}", self.url);
            let count = |len| self.progress.send_modify(|progress| progress.bytes += len);
            match download(&url, &self.files[&name], count).await {
                Ok(Download { whole: true, .. }) => whole.push(name),
                Ok(_) | Err(_) => break,
            }
            self.progress.send_modify(|progress| progress.responses += 1);
        }
        self.progress.send_modify(|progress| progress.idle_clients += 1);
        whole
    }

    fn next(&self) -> Option<String> {
        self.names.lock().expect("nobody panics with it").pop()
    }
}
