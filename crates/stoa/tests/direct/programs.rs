//! What strangers can make stoa run: a bounded number of programs, for a bounded time, with bounded memory.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use stoa_testing::git_http::{GitHttp, Manner};
use stoa_testing::http;
use stoa_testing::process::StoaProcess;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::STOA;

/// Repositories with a module each: one that is small, one with a file of zeros, one with a commit that says a lot.
const SCRIPT: &str = r#"
module() { git init -q -b main $1; cd $1; printf "module git.example/$1.git\n" >go.mod; echo "package x" >x.go; }
good() { module good; git add -A; git commit -qm one; git tag v1.0.0; cd ..; }
zeros() { module zeros; truncate -s 300M zeros; git -c core.bigFileThreshold=1m add -A; git commit -qm one; git tag v1.0.0; cd ..; }
long() { module long; git add -A; tree=$(git write-tree)
{ printf "tree $tree\nauthor a <a@b> 1700000000 +0000\ncommitter a <a@b> 1700000000 +0000\n\n"; head -c 200M /dev/zero | tr '\0' x; } >../commit
git tag v1.0.0 $(git hash-object -t commit -w ../commit); git update-ref refs/heads/main v1.0.0; cd ..; }
good; $1
for name in good zeros long; do test -e $name || continue; git clone -q --mirror $name srv/$name.git; git -C srv/$name.git config uploadpack.allowFilter true; done
"#;

struct Scene {
    dir: TempDir,
    server: GitHttp,
    slow: GitHttp,
}

impl Scene {
    /// With the small repository, and `another` one.
    fn new(another: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("srv")).unwrap();
        let made = Command::new("bash")
            .args(["-euc", SCRIPT, "bash", another])
            .current_dir(dir.path())
            .env("HOME", dir.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "A")))
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "a@git.example")))
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let server = GitHttp::start(&dir.path().join("srv"));
        let slow = GitHttp::start(&dir.path().join("srv"));
        slow.set(Manner::Hang);
        Self { dir, server, slow }
    }

    fn stoa(&self, settings: &str) -> StoaProcess {
        let slow = self.slow.url();
        // Each module is in a repository of its own.
        let modules = (0..600).fold(String::new(), |text, number| {
            text + &format!(
                "[[vcs.module]]\nprefix = \"slow.example/r{number}\"\nvcs = \"git\"\nrepo = \"{slow}/r{number}\"\n"
            )
        });
        let config = format!(
            "upstream = \"direct\"\nvcs.cache = \"{}\"\nvcs.private = \"git.example,slow.example\"\n{settings}\n\
             [[rewrite]]\nfrom = \"https://git.example/\"\nto = \"{}/\"\n\
             {modules}",
            self.dir.path().join("vcs").display(),
            // Another name for this machine, so that the two are two hosts.
            self.server.url().replace("127.0.0.1", "localhost"),
        );
        let file = self.dir.path().join("stoa.toml");
        fs::write(&file, config).unwrap();
        StoaProcess::command(STOA)
            .storage(&self.dir.path().join("storage"))
            .args(&["--config", file.to_str().unwrap()])
            .start()
    }
}

/// What runs below a process, by its id: the program's name.
fn below(pid: u32) -> BTreeMap<u32, String> {
    let mut parents = BTreeMap::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(id) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let (Some(open), Some(close)) = (stat.find('('), stat.rfind(')')) else {
            continue;
        };
        let rest: Vec<&str> = stat[close + 1..].split_whitespace().collect();
        // One that has ended, and is not yet waited for, uses nothing.
        if rest[0] != "Z" {
            parents.insert(
                id,
                (rest[1].parse::<u32>().unwrap(), stat[open + 1..close].to_owned()),
            );
        }
    }
    let mut known = HashSet::from([pid]);
    loop {
        let more: Vec<u32> = parents
            .iter()
            .filter(|(id, (parent, _))| known.contains(parent) && !known.contains(id))
            .map(|(id, _)| *id)
            .collect();
        if more.is_empty() {
            break;
        }
        known.extend(more);
    }
    known.remove(&pid);
    known.iter().map(|id| (*id, parents[id].1.clone())).collect()
}

/// Looks again and again at what runs below a process.
struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(usize, u64)>,
}

impl Watch {
    fn start(stoa: &StoaProcess) -> Self {
        let (pid, stop) = (stoa.pid(), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (mut most, mut largest) = (0, 0);
            while !stopped.load(Ordering::SeqCst) {
                let running = below(pid);
                most = most.max(running.len());
                for id in running.keys() {
                    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
                    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                    let peak = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<u64>().ok());
                    largest = largest.max(peak.unwrap_or_default() << 10);
                }
                // It samples: nothing tells that a process starts.
                std::thread::sleep(Duration::from_millis(5));
            }
            (most, largest)
        });
        Self { stop, thread }
    }

    /// How many ran at once, and the largest memory that one of them had, in bytes.
    fn end(self) -> (usize, u64) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_for_a_server_that_hangs_start_few_programs_which_end_soon() {
    let scene = Scene::new(":");
    let stoa = scene.stoa("");
    let watch = Watch::start(&stoa);
    // Each client is gone soon.
    let mut asked = tokio::task::JoinSet::new();
    for number in 0..600 {
        let url = format!("{}/slow.example/r{number}/@v/list", stoa.url());
        asked.spawn(async move { timeout(Duration::from_secs(3), http::get(&url)).await.is_ok() });
    }
    let until = Instant::now() + Duration::from_secs(60);
    while scene.slow.runs() < 8 {
        assert!(Instant::now() < until, "{} programs came", scene.slow.runs());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Another host has its places.
    let began = Instant::now();
    let url = format!("{}/git.example/good.git/@v/v1.0.0.mod", stoa.url());
    let answer = http::get(&url).await.unwrap();
    assert_eq!(
        (answer.status, answer.text()),
        (200, "module git.example/good.git\n")
    );
    let took = began.elapsed();
    while asked.join_next().await.is_some() {}
    let left = Instant::now();
    while !below(stoa.pid()).is_empty() {
        assert!(
            left.elapsed() < Duration::from_secs(60),
            "{:?}",
            below(stoa.pid())
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let gone = left.elapsed();
    let (most, _) = watch.end();
    println!("{most} processes at most, another host answered in {took:?}, all gone after {gone:?}");
    // git and its helper for each of the eight places of a host, and what the other host needed.
    assert!(most <= 8 * 2 + 8, "{most} processes");
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(gone < Duration::from_secs(15), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_place_is_told_so_and_when_to_come_again() {
    let scene = Scene::new(":");
    let stoa = scene.stoa("vcs.programs_per_host = 2\nvcs.programs_queue = 3\nvcs.programs_wait = \"1s\"");
    let ask = |number: u32| {
        let url = format!("{}/slow.example/r{number}/@v/list", stoa.url());
        async move { http::get(&url).await.unwrap() }
    };
    let mut asked = tokio::task::JoinSet::new();
    for number in 0..8 {
        asked.spawn(ask(number));
    }
    let mut reasons = Vec::new();
    while reasons.len() < 6 {
        let answer = asked.join_next().await.unwrap().unwrap();
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert_eq!(answer.header("retry-after"), Some("10"), "{:?}", answer.headers);
        reasons.push(answer.text().to_owned());
    }
    let says = |what: &str| reasons.iter().filter(|reason| reason.contains(what)).count();
    assert_eq!(
        says("3 others already wait for the programs of 127.0.0.1"),
        3,
        "{reasons:?}"
    );
    assert_eq!(says("were busy for 1s"), 3, "{reasons:?}");
    assert_eq!(says("vcs.programs_per_host"), 6, "{reasons:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_zeros_costs_no_memory() {
    let scene = Scene::new("zeros");
    // All of the repository comes.
    scene.server.set(Manner::Old);
    let stoa = scene.stoa("");
    let watch = Watch::start(&stoa);
    let url = format!("{}/git.example/zeros.git/@v/v1.0.0.mod", stoa.url());
    let answer = http::get(&url).await.unwrap();
    assert_eq!(
        (answer.status, answer.text()),
        (200, "module git.example/zeros.git\n")
    );
    let (most, largest) = watch.end();
    println!("{most} processes at most, the largest {} MiB", largest >> 20);
    assert!(largest < 100 << 20, "{} MiB", largest >> 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_needs_too_much_memory_ends_with_a_reason() {
    let scene = Scene::new("long");
    let stoa = scene.stoa("vcs.program_memory = \"64MiB\"");
    let watch = Watch::start(&stoa);
    let url = format!("{}/git.example/long.git/@v/v1.0.0.mod", stoa.url());
    let answer = http::get(&url).await.unwrap();
    assert_eq!(answer.status, 502, "{}", answer.text());
    let why = "the program needs more than the limit of 67108864 bytes of memory (vcs.program_memory)";
    assert!(answer.text().contains(why), "{}", answer.text());
    let (_, largest) = watch.end();
    assert!(largest < 100 << 20, "{} MiB", largest >> 20);
    // Others go on.
    let url = format!("{}/git.example/good.git/@v/v1.0.0.mod", stoa.url());
    assert_eq!(http::get(&url).await.unwrap().status, 200);
}
