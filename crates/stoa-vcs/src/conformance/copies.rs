//! Local copies: made once, shared, fetched into, and made anew when they are damaged.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Scenario;
use super::ability::CopyCounters;
use super::origin::Origin;
use super::reading::{archived_files, names, read_text};
use crate::process::Counters;
use crate::{RepositoryOptions, RevisionId, Step, VcsError};

pub(super) async fn run(scenario: &dyn Scenario) {
    new_commits(scenario).await;
    if let Some(counted) = scenario.abilities().copies {
        callers_share_a_copy(scenario, counted).await;
        handles_share_a_copy_and_its_age(scenario, counted).await;
        damage(scenario, counted).await;
        too_large(scenario).await;
    }
}

/// Options that count into `counters`.
fn counting(origin: &Origin<'_>, counters: &Arc<Counters>, freshness: Duration) -> RepositoryOptions {
    let mut options = origin.work.options();
    options.runner.counters = Arc::clone(counters);
    options.freshness = freshness;
    options
}

fn one_commit(scenario: &dyn Scenario) -> (Origin<'_>, RevisionId) {
    let origin = Origin::new(scenario);
    origin.write("one", "1\n");
    let id = origin.commit(1_000_000_000);
    (origin, id)
}

/// A handle answers as the repository is now, unless what it knows is fresh enough; what it fetched once, it keeps.
async fn new_commits(scenario: &dyn Scenario) {
    let (origin, first) = one_commit(scenario);
    let counters = Arc::<Counters>::default();
    let eager = origin.open_with(counting(&origin, &counters, Duration::ZERO));
    let lazy = origin.open_with(counting(&origin, &counters, Duration::from_secs(600)));
    assert_eq!(lazy.latest().await.expect("a commit").id, first);
    origin.write("two", "2\n");
    let second = origin.commit(1_000_000_100);
    let copies = scenario.abilities().copies;
    if copies.is_some() {
        assert_eq!(
            lazy.latest().await.expect("a commit").id,
            first,
            "it asked too often"
        );
    }
    assert_eq!(eager.latest().await.expect("a commit").id, second);
    assert_eq!(
        lazy.latest().await.expect("a commit").id,
        second,
        "it shares what is known"
    );
    assert_eq!(eager.stat(second.as_str()).await.expect("a commit").id, second);
    assert_eq!(read_text(&*eager, &second, "two").await.as_deref(), Some("2\n"));
    assert_eq!(read_text(&*eager, &first, "two").await, None);
    assert_eq!(read_text(&*eager, &first, "one").await.as_deref(), Some("1\n"));
    let Some(copies) = copies else { return };
    assert_eq!(counters.get(copies.made), 1, "{:?}", counters.all());
    // What a commit has never changes: another handle reads it without asking.
    let asked = counters.get(copies.asked);
    let again = origin.open_with(counting(&origin, &counters, Duration::ZERO));
    assert_eq!(read_text(&*again, &second, "two").await.as_deref(), Some("2\n"));
    assert_eq!(
        (counters.get(copies.made), counters.get(copies.asked)),
        (1, asked)
    );
}

/// Many ask one handle at a time: one copy is made.
async fn callers_share_a_copy(scenario: &dyn Scenario, counted: CopyCounters) {
    let (origin, id) = one_commit(scenario);
    let counters = Arc::<Counters>::default();
    let repository = origin.open_with(counting(&origin, &counters, Duration::ZERO));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let repository = Arc::clone(&repository);
        tasks.spawn(async move { repository.latest().await });
    }
    for found in tasks.join_all().await {
        assert_eq!(found.expect("a commit").id, id);
    }
    let (made, asked) = (counters.get(counted.made), counters.get(counted.asked));
    // One that had begun before the last ones asked, and one more.
    assert!(
        made == 1 && asked <= 1 + counted.asked_while_made,
        "{:?}",
        counters.all()
    );
}

/// Four handles ask at a time, and a fifth after they are gone.
async fn handles_share_a_copy_and_its_age(scenario: &dyn Scenario, counted: CopyCounters) {
    let (origin, id) = one_commit(scenario);
    let counters = Arc::<Counters>::default();
    let open = || origin.open_with(counting(&origin, &counters, Duration::from_secs(600)));
    let count = || (counters.get(counted.made), counters.get(counted.asked));
    let _cache = origin.work.cache();
    let handles = [open(), open(), open(), open()];
    let [a, b, c, d] = handles.each_ref().map(|handle| handle.latest());
    let (a, b, c, d) = tokio::join!(a, b, c, d);
    for found in [a, b, c, d] {
        assert_eq!(found.expect("a commit").id, id);
    }
    assert_eq!(count(), (1, counted.asked_while_made));
    handles[0].latest().await.expect("a commit");
    assert_eq!(count(), (1, counted.asked_while_made), "it is fresh");
    drop(handles);
    let again = open();
    assert_eq!(again.latest().await.expect("a commit").id, id);
    assert_eq!(
        count(),
        (1, counted.asked_while_made + 1),
        "the copy is found again"
    );
}

/// All files of a copy lose their content. The copy is made anew within a few questions, and none of them is told that
/// the repository or the commit does not exist.
async fn damage(scenario: &dyn Scenario, counted: CopyCounters) {
    let (origin, id) = one_commit(scenario);
    let counters = Arc::<Counters>::default();
    let open = || origin.open_with(counting(&origin, &counters, Duration::ZERO));
    let before = archived_files(&*open(), &id, "", 1000).await.expect("an archive");
    assert_eq!(counters.get(counted.made), 1);
    // As a new process finds it.
    let cache = origin.work.cache();
    drop(cache);
    drop(origin.work.open_cache(1 << 30));
    empty_files(&origin.work.path("cache/repositories"));
    let repository = open();
    let mut failures = 0;
    let found = loop {
        match repository.latest().await {
            Ok(found) => break found,
            Err(error) => {
                assert!(!error.is_not_exist(), "{error:?}");
                failures += 1;
                assert!(failures < 3, "{error}");
            }
        }
    };
    assert_eq!(found.id, id);
    let after = archived_files(&*repository, &id, "", 1000)
        .await
        .expect("an archive");
    assert_eq!(names(&after), names(&before));
    assert_eq!(after, before);
    // Some programs mend a copy by fetching into it.
    assert!(counters.get(counted.made) <= 2, "{:?}", counters.all());
}

/// Empties the files below a folder, but for the mark of a copy that was made to its end.
fn empty_files(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("readable").flatten() {
        let path = entry.path();
        if path.is_dir() {
            empty_files(&path);
        } else if entry.file_name() != "stoa-copy" {
            std::fs::remove_file(&path).expect("writable");
            std::fs::write(&path, "").expect("writable");
        }
    }
}

async fn too_large(scenario: &dyn Scenario) {
    let (origin, _) = one_commit(scenario);
    let mut options = origin.work.options();
    options.copy_limit = 10;
    let repository = origin.open_with(options);
    let error = repository.latest().await;
    let (vcs, step) = (scenario.vcs(), Step::Access);
    assert_eq!(error, Err(VcsError::TooLarge { vcs, step, limit: 10 }));
}
