//! Programs that hang, fail, and are stopped.

use std::path::Path;
use std::time::{Duration, Instant};

use super::origin::Origin;
use super::{Scenario, Workspace, is_gone};
use crate::{Step, VcsError};

pub(super) async fn run(scenario: &dyn Scenario) {
    time_is_bounded(scenario).await;
    dropping_stops_the_program(scenario).await;
    waiting_callers_share_a_failure(scenario).await;
}

/// Notes the id of the program, and waits for ever.
fn hang(work: &Workspace) -> String {
    let pid = work.path("pid").display().to_string();
    format!("echo $$ >{pid}.new; mv {pid}.new {pid}; sleep 1000 & wait")
}

async fn time_is_bounded(scenario: &dyn Scenario) {
    let work = Workspace::new();
    let script = format!(
        "if {}; then exit 0; fi\n{}",
        scenario.is_preparation(),
        hang(&work)
    );
    let mut options = work.fake(scenario.vcs().as_str(), &script);
    (options.question_time, options.fetch_time) = (Duration::from_secs(2), Duration::from_secs(2));
    let started = Instant::now();
    let repository = scenario.open("https://127.0.0.1:1/r", work.cache(), options);
    let error = repository
        .expect("an address")
        .latest()
        .await
        .expect_err("it hangs");
    assert!(matches!(error, VcsError::Timeout { .. }), "{error:?}");
    assert!(!error.is_not_exist());
    if scenario.abilities().copies.is_some() {
        assert!(
            matches!(
                error,
                VcsError::Timeout {
                    step: Step::Access,
                    ..
                }
            ),
            "{error:?}"
        );
    }
    assert!(started.elapsed() < Duration::from_secs(30));
    assert!(is_gone(&work.path("pid")), "the program still runs");
}

/// The caller goes away while the program runs: it is killed, and the next caller is answered.
async fn dropping_stops_the_program(scenario: &dyn Scenario) {
    let origin = Origin::new(scenario);
    origin.write("one", "1\n");
    let id = origin.commit(1_000_000_000);
    let pid = origin.work.path("pid");
    let program = scenario.vcs().as_str();
    let script = format!(
        "if ! {} && ! test -e {}; then {}; fi\nPATH=/usr/local/bin:/usr/bin:/bin exec {program} \"$@\"",
        scenario.is_preparation(),
        pid.display(),
        hang(&origin.work)
    );
    let repository = origin.open_with(origin.work.fake(program, &script));
    tokio::select! {
        answer = repository.latest() => panic!("the program does not hang: {answer:?}"),
        () = wait_for(&pid) => {}
    }
    assert!(is_gone(&pid), "the program still runs");
    assert_eq!(repository.latest().await.expect("a commit").id, id);
}

/// Waits until a program has made the file.
async fn wait_for(file: &Path) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !file.try_exists().is_ok_and(|is_there| is_there) {
        assert!(Instant::now() < deadline, "the program did not start");
        tokio::task::yield_now().await;
    }
}

/// Four callers ask at once: who waits for a fetch that fails fails with it, and does not fetch again.
async fn waiting_callers_share_a_failure(scenario: &dyn Scenario) {
    if scenario.abilities().copies.is_none() {
        return;
    }
    let work = Workspace::new();
    let runs = work.path("runs");
    let script = format!(
        "if {}; then exit 0; fi\necho run >>{runs}; while ! test -e {runs}.go; do sleep 0.02; done; echo no >&2; exit 3",
        scenario.is_preparation(),
        runs = runs.display()
    );
    let options = work.fake(scenario.vcs().as_str(), &script);
    let repository = scenario.open("https://127.0.0.1:1/r", work.cache(), options);
    let repository = repository.expect("an address");
    let ask = || repository.latest();
    // The program fails once all of them have asked.
    let fail = async {
        wait_for(&runs).await;
        std::fs::write(work.path("runs.go"), "").expect("writable");
    };
    let (a, b, c, d, ()) = tokio::join!(ask(), ask(), ask(), ask(), fail);
    for failed in [a, b, c, d] {
        assert!(
            matches!(&failed, Err(VcsError::Failed { said, .. }) if said == "no"),
            "{failed:?}"
        );
    }
    let runs = std::fs::read_to_string(runs).expect("it was run").lines().count();
    // One that had begun before the others asked, and one more.
    assert!(runs <= 2, "{runs} fetches");
}
