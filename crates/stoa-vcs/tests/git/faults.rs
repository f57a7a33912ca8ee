//! Servers that fail at one request: no failure is an answer, and none is remembered.
//!
//! `STOA_FAULTS=all` cuts each short answer at each of its bytes, and others at many places; else some of these are taken.
#![expect(clippy::disallowed_methods, reason = "the environment says how much is tried")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use stoa_testing::git_http::{Fault, Manner};
use stoa_vcs::cache::Cache;
use stoa_vcs::git::GitRepository;
use stoa_vcs::{Repository, VcsError};
use tokio::task::JoinSet;

use crate::fixture::{Fixture, entries};

/// What is asked of a repository of which nothing is known yet.
#[derive(Clone, Copy, Debug)]
enum Ask {
    Tags,
    Tag,
    Branch,
    Hash,
    Latest,
    File,
    Archive,
    RecentTag,
    Descends,
}

const ALL: [Ask; 9] = [
    Ask::Tags,
    Ask::Tag,
    Ask::Branch,
    Ask::Hash,
    Ask::Latest,
    Ask::File,
    Ask::Archive,
    Ask::RecentTag,
    Ask::Descends,
];

/// How many questions are asked at a time, each of a server of its own.
const WORKERS: usize = 4;
/// How many random places an answer is cut at.
const PLACES: u64 = 6;
/// How many of the failures are tried, unless all are.
const SOME: usize = 160;

impl Ask {
    /// The answer, as text.
    async fn of(self, repository: &GitRepository, hash: &str) -> Result<String, VcsError> {
        let at = |revision: &'static str| repository.stat(revision);
        Ok(match self {
            Self::Tags => format!("{:?}", repository.tags("").await?),
            Self::Tag => format!("{:?}", at("v1.1.0").await?),
            Self::Branch => format!("{:?}", at("side").await?),
            Self::Hash => format!("{:?}", repository.stat(&hash[..12]).await?),
            Self::Latest => format!("{:?}", repository.latest().await?),
            Self::File => {
                let revision = at("v1.0.0").await?.id;
                format!("{:?}", repository.read_file(&revision, "a.txt", 100).await?)
            }
            Self::Archive => {
                let revision = at("v1.0.0").await?.id;
                let archive = repository.archive(&revision, "", 1 << 30).await?;
                let all = entries(archive).into_iter();
                let all = all.map(|(path, kind, content)| format!("{path} {kind:?} {}", content.len()));
                all.collect::<Vec<_>>().join("\n")
            }
            Self::RecentTag => {
                let revision = at("main").await?.id;
                let tag = repository
                    .recent_tag(&revision, "", &|tag: &str| tag.starts_with("v1."))
                    .await?;
                format!("{tag:?}")
            }
            Self::Descends => {
                let revision = at("main").await?.id;
                format!("{}", repository.descends_from(&revision, "v1.9.0").await?)
            }
        })
    }
}

/// A server, and caches that know nothing.
struct Lab {
    fixture: Fixture,
    hash: String,
    runs: usize,
}

impl Lab {
    fn new() -> Self {
        let fixture = Fixture::new();
        let hash = fixture.hash("v1.9.0");
        Self {
            fixture,
            hash,
            runs: 0,
        }
    }

    fn fresh(&mut self) -> GitRepository {
        self.runs += 1;
        let place = self.fixture.dir.path().join(format!("cache{}", self.runs));
        let cache: Arc<Cache> = Cache::open(place, 1 << 30).expect("a cache");
        self.fixture.open_with(cache, self.fixture.options())
    }

    /// The answer of a server without a fault, and the body lengths of what it sent.
    async fn good(&mut self, ask: Ask) -> (String, Vec<usize>) {
        self.fixture.server.set(Manner::Serve);
        self.fixture.server.clear();
        let repository = self.fresh();
        let answer = ask.of(&repository, &self.hash).await.expect("a good server");
        let sent = self.fixture.server.seen().iter().map(|seen| seen.sent).collect();
        (answer, sent)
    }

    /// What is wrong with the answer to a question at one of whose requests the server fails, if anything is.
    async fn failing(&mut self, ask: Ask, request: usize, fault: Fault, right: &str) -> Option<String> {
        let repository = self.fresh();
        self.fixture.server.clear();
        self.fixture.server.set(Manner::Fault(request, fault));
        let answer = ask.of(&repository, &self.hash).await;
        self.fixture.server.set(Manner::Serve);
        let wrong = match &answer {
            Ok(answer) if answer == right => None,
            Ok(answer) => Some(format!("answered {answer}")),
            Err(
                error @ (VcsError::NoRepository { .. }
                | VcsError::UnknownRevision { .. }
                | VcsError::NoCommits { .. }),
            ) => Some(format!("said {error}")),
            Err(_) => None,
        };
        let later = ask.of(&repository, &self.hash).await;
        let later = match later {
            Ok(later) if later == right => None,
            other => Some(format!("then {other:?} of a good server")),
        };
        let _ = std::fs::remove_dir_all(self.fixture.dir.path().join(format!("cache{}", self.runs)));
        let wrong: Vec<_> = wrong.into_iter().chain(later).collect();
        (!wrong.is_empty()).then(|| format!("{ask:?}, request {request}, {fault:?}: {}", wrong.join(", ")))
    }
}

fn is_all() -> bool {
    std::env::var("STOA_FAULTS").is_ok_and(|which| which == "all")
}

/// Places in an answer of so many bytes.
fn places(len: usize, random: &mut impl FnMut() -> u64) -> BTreeSet<usize> {
    if is_all() && len < 4096 {
        return (0..len).collect();
    }
    let ends = [
        0,
        1,
        3,
        4,
        5,
        len / 2,
        len.saturating_sub(8),
        len.saturating_sub(5),
        len.saturating_sub(4),
        len.saturating_sub(1),
    ];
    let some = (0..PLACES).map(|_| usize::try_from(random()).unwrap_or(0) % len.max(1));
    ends.into_iter()
        .chain(some.collect::<Vec<_>>())
        .filter(|at| *at < len)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_at_any_request_is_never_an_answer() {
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    println!("seed {seed}");
    let mut state = seed;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state >> 33
    };
    let mut lab = Lab::new();
    let mut cases = Vec::new();
    for ask in ALL {
        let (right, sent) = lab.good(ask).await;
        for (request, len) in sent.iter().enumerate() {
            // The heads have some 200 bytes.
            let body = len.saturating_sub(200);
            let faults = [
                "500 Internal Server Error",
                "503 Service Unavailable",
                "429 Too Many Requests",
                "502 Bad Gateway",
            ];
            let mut faults: Vec<_> = faults.map(Fault::Status).into();
            faults.extend([Fault::Page, Fault::Reset(0), Fault::Reset(100)]);
            for place in places(body, &mut random) {
                faults.extend([
                    Fault::Break(place),
                    Fault::Short(place),
                    Fault::Reset(200 + place),
                ]);
            }
            cases.extend(
                faults
                    .into_iter()
                    .map(|fault| (ask, request, fault, right.clone())),
            );
        }
    }
    if !is_all() {
        cases = (0..SOME)
            .map(|_| cases.swap_remove(usize::try_from(random()).unwrap_or(0) % cases.len()))
            .collect();
    }
    let (count, cases) = (cases.len(), Arc::new(std::sync::Mutex::new(cases)));
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let cases = Arc::clone(&cases);
        workers.spawn(async move {
            let (mut lab, mut wrong) = (Lab::new(), Vec::new());
            loop {
                let next = cases.lock().expect("no panic").pop();
                let Some((ask, request, fault, right)) = next else {
                    return wrong;
                };
                wrong.extend(lab.failing(ask, request, fault, &right).await);
            }
        });
    }
    let wrong: Vec<String> = workers.join_all().await.concat();
    println!("{count} runs, {} wrong", wrong.len());
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
