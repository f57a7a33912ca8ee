//! Nothing leaves the process but through the dispatcher: the kernel's own record of connections says so.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use stoa_testing::http;
use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;
use stoa_testing::upstream::Upstream;
use tokio::task::JoinSet;

use crate::support::{eventually, get, scene};

/// strace, attached to a process and all of its threads; it writes every `connect` to a file.
struct Trace {
    child: Child,
    file: std::path::PathBuf,
}

impl Trace {
    async fn attach(stoa: &StoaProcess, directory: &Path) -> Self {
        let file = directory.join("trace");
        let told = directory.join("attached");
        let child = Command::new("strace")
            .args(["-f", "-qq", "-e", "trace=connect", "-o"])
            .arg(&file)
            .args(["-p", &stoa.pid().to_string()])
            .stdin(Stdio::null())
            .stderr(fs::File::create(&told).unwrap())
            .spawn()
            .expect("strace is installed by scripts/tools.sh");
        let trace = Self { child, file };
        // It says nothing when it is attached; the kernel does.
        let status = format!("/proc/{}/status", stoa.pid());
        eventually("strace attached", async || {
            let status = fs::read_to_string(&status).unwrap();
            let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
            tracer
                .is_some_and(|pid| pid.trim() == trace.child.id().to_string())
                .then_some(())
        })
        .await;
        trace
    }

    /// Detaches, and returns the lines.
    fn connects(mut self) -> Vec<String> {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
        let _ = self.child.wait().unwrap();
        let text = fs::read_to_string(&self.file).unwrap();
        text.lines()
            .filter(|line| line.contains("connect("))
            .map(str::to_owned)
            .collect()
    }
}

/// Questions of all kinds, several at once, some to hosts that have no address at all.
async fn mixed_load(stoa: &StoaProcess) -> usize {
    let mut asked = JoinSet::new();
    for module in ["example.com/greet", "corp.example/a", "redirect.example/b"] {
        for what in [
            "@v/list",
            "@latest",
            "@v/v1.0.0.info",
            "@v/v1.0.0.mod",
            "@v/v1.0.0.zip",
            "@v/main.info",
        ] {
            let url = format!("{}/{module}/{what}", stoa.url());
            asked.spawn(async move { http::get(&url).await.unwrap().status });
        }
    }
    asked
        .join_all()
        .await
        .into_iter()
        .filter(|status| *status == 200)
        .count()
}

#[tokio::test]
async fn with_every_host_denied_no_connection_is_ever_tried() {
    let (scene, other) = (scene(), Upstream::start().await);
    other.on_everything(Reply::Redirect(format!("{}/elsewhere", scene.upstream.url())));
    let config = scene.directory().join("stoa.toml");
    let routes = format!(
        "[[route]]\nmatch = \"redirect.example\"\nupstream = \"{}\"\n\
         [[route]]\nmatch = \"corp.example\"\nupstream = \"http://nowhere.invalid|https://[::1]:1|{}\"\n",
        other.url(),
        other.url()
    );
    fs::write(&config, routes).unwrap();
    let config = config.to_str().unwrap();
    let command = || scene.stoa().args(&["--config", config]);

    let stoa = command().env("STOA_DISPATCH_DENY", "*").start();
    let trace = Trace::attach(&stoa, scene.directory()).await;
    assert_eq!(mixed_load(&stoa).await, 0);
    let began = Instant::now();
    assert_eq!(get(&stoa, "/readyz").await.status, 200);
    assert!(began.elapsed() < Duration::from_secs(5));
    let connects = trace.connects();
    assert!(connects.is_empty(), "{connects:#?}");
    assert_eq!(scene.upstream.total() + other.total(), 0);
    drop(stoa);

    // The same load without the filter: the trace does see connections, so it would have seen others.
    let stoa = command().start();
    let trace = Trace::attach(&stoa, scene.directory()).await;
    assert!(mixed_load(&stoa).await > 0);
    let connects = trace.connects();
    let port = format!("htons({})", scene.upstream.address().port());
    assert!(connects.iter().any(|line| line.contains(&port)), "{connects:#?}");
}
