//! Repositories that are missing, empty or out of reach. A failure is never "does not exist".

use super::origin::{Origin, unknown_id};
use super::reading::tag_names;
use super::{Scenario, Workspace, until};
use crate::{Step, VcsError};

pub(super) async fn run(scenario: &dyn Scenario) {
    out_of_reach(scenario).await;
    missing(scenario).await;
    empty(scenario).await;
    not_installed(scenario).await;
}

async fn out_of_reach(scenario: &dyn Scenario) {
    let work = Workspace::new();
    let repository = scenario
        .open(&scenario.dead_url(), work.cache(), work.options())
        .expect("an address");
    let id = unknown_id(scenario);
    // Where no tag is a revision, the server need not be asked for one.
    let is_tag = scenario.abilities().resolves_tags.is_there();
    let name = if is_tag { "v1.0.0" } else { id.as_str() };
    for (question, error) in [
        ("latest", repository.latest().await.err()),
        ("tags", repository.tags("").await.err()),
        ("stat", repository.stat(name).await.err()),
        ("stat of an id", repository.stat(id.as_str()).await.err()),
        ("read_file", repository.read_file(&id, "go.mod", 9).await.err()),
        ("archive", repository.archive(&id, "", 9).await.err()),
    ] {
        let error = error.unwrap_or_else(|| panic!("{question} is answered by nothing"));
        assert!(!error.is_not_exist(), "{question}: {error}");
        let VcsError::Failed { vcs, step, .. } = &error else {
            panic!("{question}: {error:?}");
        };
        assert_eq!(*vcs, scenario.vcs());
        if scenario.abilities().copies.is_some() {
            assert_eq!(*step, Step::Access, "{question}");
        }
    }
    assert!(until(|| work.copies().is_empty()), "half a copy stays");
}

async fn missing(scenario: &dyn Scenario) {
    let origin = Origin::new(scenario);
    let url = format!("{}-none", origin.url);
    let repository = scenario
        .open(&url, origin.work.cache(), origin.work.options())
        .expect("an address");
    let error = repository.latest().await.expect_err("no repository");
    assert_eq!(
        error.is_not_exist(),
        scenario.abilities().tells_missing.is_there(),
        "{error:?}"
    );
    if !error.is_not_exist() {
        assert!(matches!(error, VcsError::Failed { .. }), "{error:?}");
        let error = repository.tags("").await.expect_err("no repository");
        assert!(!error.is_not_exist(), "{error:?}");
    }
}

async fn empty(scenario: &dyn Scenario) {
    if !scenario.abilities().empty.is_there() {
        return;
    }
    let origin = Origin::new(scenario);
    let repository = origin.open();
    let error = repository.latest().await.expect_err("no commits");
    assert!(matches!(error, VcsError::NoCommits { .. }), "{error:?}");
    assert_eq!(tag_names(&*repository, "").await, [""; 0]);
    for name in ["v1.0.0", unknown_id(scenario).as_str()] {
        let error = repository.stat(name).await.expect_err("no commits");
        assert!(error.is_not_exist(), "{name}: {error:?}");
    }
}

async fn not_installed(scenario: &dyn Scenario) {
    let work = Workspace::new();
    let mut options = work.options();
    options.runner.path = "/nowhere".into();
    let repository = scenario
        .open(&scenario.dead_url(), work.cache(), options)
        .expect("an address");
    let error = repository.latest().await.expect_err("no program");
    assert!(matches!(error, VcsError::NotInstalled { .. }), "{error:?}");
}
