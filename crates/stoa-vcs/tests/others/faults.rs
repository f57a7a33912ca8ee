//! Servers that fail at one request, or in the middle of what they say: no failure is an answer, and none is remembered.
//!
//! `STOA_FAULTS=all` tries all that may go wrong, and a number so much of it; `STOA_SEED` chooses the same again.
#![expect(clippy::print_stdout, reason = "a seed is needed to try the same again")]

mod interview;
mod system;

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stoa_testing::git_http::Fault;
use stoa_testing::relay::{Relay, Trouble};
use stoa_vcs::Repository;
use stoa_vcs::cache::Cache;
use tokio::task::JoinSet;

use interview::Ask;
pub(crate) use system::{Servers, System};

/// How many runs there are at a time, each of a relay of its own.
const WORKERS: usize = 3;
/// Below so many bytes a cut is tried at each, if all is tried.
const SHORT: usize = 256;
/// At how many places a longer answer is cut then.
const PLACES: usize = 24;

/// What the repository was asked before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing.
    First,
    /// Everything, when it had less.
    Later,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    stage: Stage,
    ask: Ask,
    trouble: Trouble,
}

/// A server with caches before it.
struct Lab {
    servers: Arc<Servers>,
    relay: Relay,
    rights: Arc<Vec<(Ask, String)>>,
    place: std::path::PathBuf,
}

impl Lab {
    fn new(servers: &Arc<Servers>, rights: &Arc<Vec<(Ask, String)>>, name: usize) -> Self {
        Self {
            relay: Relay::start(servers.new.clone()),
            place: servers.work.path(&format!("lab{name}")),
            servers: Arc::clone(servers),
            rights: Arc::clone(rights),
        }
    }

    fn open(&self, freshness: Duration) -> Box<dyn Repository> {
        let cache = Cache::open(&self.place, 1 << 30).expect("a cache");
        let mut options = self.servers.work.options();
        options.freshness = freshness;
        self.servers.system.open(&self.relay, cache, options)
    }

    /// A repository at a stage: what it fetched before is old.
    async fn fresh(&self, stage: Stage) -> Box<dyn Repository> {
        self.relay.set(Trouble::Nothing);
        let _ = std::fs::remove_dir_all(&self.place);
        let freshness = match stage {
            Stage::First => Duration::from_secs(600),
            Stage::Later => Duration::ZERO,
        };
        let repository = self.open(freshness);
        if stage == Stage::Later {
            self.relay.lead_to(self.servers.old.clone());
            repository.latest().await.expect("an old server");
            self.relay.lead_to(self.servers.new.clone());
        }
        repository
    }

    /// How many bytes each answer has to a question.
    async fn sent(&self, stage: Stage, ask: Ask) -> Vec<usize> {
        let repository = self.fresh(stage).await;
        self.relay.clear();
        ask.of(&*repository).await.expect("a good server");
        self.relay.sent()
    }

    /// What is wrong with the answers to a question in trouble and to those after it, if anything is.
    async fn failing(&self, case: Case) -> Option<String> {
        let right = |ask: Ask| {
            self.rights
                .iter()
                .find(|(of, _)| *of == ask)
                .expect("an answer")
                .1
                .as_str()
        };
        let repository = self.fresh(case.stage).await;
        self.relay.set(case.trouble);
        let answer = case.ask.of(&*repository).await;
        self.relay.set(Trouble::Nothing);
        let mut wrong: Vec<_> = case.ask.wrong(&answer, right(case.ask)).into_iter().collect();
        // What has failed has left nothing; what has not must have left everything.
        let few = [Ask::Tags, Ask::Latest];
        let asks = self.servers.system.asks().iter();
        for ask in asks.filter(|ask| answer.is_ok() || few.contains(*ask)) {
            match ask.of(&*repository).await {
                Ok(later) if later == right(*ask) => {}
                other => wrong.push(format!("then {ask:?} {other:?} of a good server")),
            }
            if !self.servers.system.is_copied() {
                break;
            }
        }
        (!wrong.is_empty()).then(|| format!("{case:?}: {}", wrong.join(", ")))
    }

    /// Everything that may go wrong.
    async fn cases(&self, random: &mut Random) -> Vec<Case> {
        let system = self.servers.system;
        let mut cases = Vec::new();
        let stages: &[Stage] = if system.is_copied() {
            &[Stage::First, Stage::Later]
        } else {
            &[Stage::First]
        };
        for stage in stages {
            let asks = if system.is_copied() {
                &[Ask::Latest][..]
            } else {
                system.asks()
            };
            for ask in asks {
                let sent = self.sent(*stage, *ask).await;
                for trouble in troubles(system, &sent, random) {
                    // One fetch answers all, whichever comes first.
                    let ask = if system.is_copied() {
                        system.asks()[random.below(system.asks().len())]
                    } else {
                        *ask
                    };
                    cases.push(Case {
                        stage: *stage,
                        ask,
                        trouble,
                    });
                }
            }
        }
        cases
    }
}

/// How many cases are tried where `some` are by default; `None` for all.
fn how_many(some: usize) -> Option<usize> {
    match std::env::var("STOA_FAULTS").as_deref() {
        Ok("all") => None,
        Ok(count) => Some(count.parse().expect("`all` or a number")),
        Err(_) => Some(some),
    }
}

/// Numbers that are the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap_or(0) % end.max(1)
    }
}

fn places(len: usize, random: &mut Random) -> Vec<usize> {
    if len < SHORT {
        return (0..len).collect();
    }
    let ends = [0, 1, 4, len / 2, len - 20, len - 4, len - 2, len - 1];
    ends.into_iter()
        .chain((0..PLACES).map(|_| random.below(len)))
        .collect()
}

/// Everything that may go wrong with an answer, or with all that comes over streams.
fn troubles(system: System, sent: &[usize], random: &mut Random) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    if system.is_stream() {
        let len = sent.first().copied().unwrap_or_default();
        let all = if system == System::Svn {
            (0..len).collect()
        } else {
            places(len, random)
        };
        for place in all {
            troubles.extend([Trouble::Cut(place), Trouble::Reset(place)]);
        }
        return troubles;
    }
    for (request, len) in sent.iter().enumerate() {
        // The heads have some 150 bytes.
        let body = len.saturating_sub(150);
        let statuses = [
            "500 Internal Server Error",
            "503 Service Unavailable",
            "429 Too Many Requests",
            "403 Forbidden",
        ];
        let mut faults: Vec<_> = statuses.map(Fault::Status).into();
        faults.extend([Fault::Page, Fault::Short(0), Fault::Reset(0), Fault::Reset(100)]);
        for (turn, place) in places(body, random).into_iter().enumerate() {
            let cuts = [
                Fault::Break(place),
                Fault::Short(place),
                Fault::Reset(150 + place),
            ];
            let turns = if body < SHORT {
                &cuts[..2]
            } else {
                &cuts[turn % 3..=turn % 3]
            };
            faults.extend(turns);
        }
        troubles.extend(faults.into_iter().map(|fault| Trouble::Answer(request, fault)));
    }
    troubles
}

/// Runs `some` cases, or all, and gives how many were run and what was wrong.
async fn run(system: System, some: usize) {
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let seed = std::env::var("STOA_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(seed);
    println!("{system:?}: seed {seed}");
    let mut random = Random(seed);
    let servers = Arc::new(Servers::start(system));
    let lab = Lab::new(&servers, &Arc::default(), 0);
    let mut rights = Vec::new();
    let repository = lab.fresh(Stage::First).await;
    for ask in system.asks() {
        rights.push((*ask, ask.of(&*repository).await.expect("a good server")));
    }
    drop(repository);
    let rights = Arc::new(rights);
    let mut cases = lab.cases(&mut random).await;
    if let Some(some) = how_many(some) {
        cases = (0..some.min(cases.len()))
            .map(|_| cases.swap_remove(random.below(cases.len())))
            .collect();
    }
    let count = cases.len();
    let cases = Arc::new(Mutex::new(cases));
    let mut workers = JoinSet::new();
    for worker in 1..=WORKERS {
        let (cases, lab) = (Arc::clone(&cases), Lab::new(&servers, &rights, worker));
        workers.spawn(async move {
            let mut wrong = Vec::new();
            loop {
                let next = cases.lock().expect("no panic").pop();
                let Some(case) = next else { return wrong };
                if let Some(found) = lab.failing(case).await {
                    println!("{found}");
                    wrong.push(found);
                }
            }
        });
    }
    let wrong: Vec<String> = workers.join_all().await.concat();
    println!("{system:?}: {count} runs, {} wrong", wrong.len());
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_failure_of_a_mercurial_server_is_an_answer() {
    run(System::Hg, 6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_failure_of_a_subversion_server_is_an_answer() {
    run(System::Svn, 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_failure_of_a_bazaar_server_is_an_answer() {
    run(System::Bzr, 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_failure_of_a_web_server_with_a_branch_is_an_answer() {
    run(System::BzrFiles, 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_failure_of_a_fossil_server_is_an_answer() {
    run(System::Fossil, 20).await;
}
