//! What fetches leave that fail, or that are killed: nothing.

use std::sync::Arc;

use crate::guarded::Served;
use stoa_testing::small_disk::{again_on, used};
use stoa_vcs::cache::Cache;
use stoa_vcs::conformance::{Workspace, archived_files, until};
use stoa_vcs::{BzrRepository, FossilRepository, HgRepository, Repository, SvnRepository, VcsError, VcsKind};

/// The room on the disk.
const ROOM: u64 = 6 << 20;

/// A repository whose files have so many bytes that cannot be made smaller.
fn script(vcs: VcsKind, name: &str, bytes: u64) -> String {
    let file = format!("head -c {bytes} /dev/urandom >big");
    match vcs {
        VcsKind::Hg => format!("hg init {name}; cd {name}; {file}; hg add -q; hg commit -qm one"),
        VcsKind::Bzr => format!("bzr init -q {name}; cd {name}; {file}; bzr add -q; bzr commit -qm one"),
        VcsKind::Fossil => format!(
            "fossil init -A stoa {name} >/dev/null; mkdir {name}.w; cd {name}.w; fossil open ../{name} >/dev/null; {file}; \
             fossil add big >/dev/null; fossil commit -m one --no-warnings >/dev/null"
        ),
        _ => format!(
            "svnadmin create {name}; svn checkout -q file://$PWD/{name} {name}.w; cd {name}.w; {file}; svn add -q big; \
             svn commit -q -m one"
        ),
    }
}

async fn read(work: &Workspace, cache: &Arc<Cache>, vcs: VcsKind, name: &str) -> Result<usize, VcsError> {
    // Fossil copies a file as it can, and does not look whether it could.
    let served = (vcs == VcsKind::Fossil).then(|| Served::fossil(&work.path("repo").join(name)));
    let url = match &served {
        Some(served) => format!("http://{}", served.address),
        None => work.url(&format!("repo/{name}")),
    };
    let (cache, options) = (Arc::clone(cache), work.options());
    let repository: Box<dyn Repository> = match vcs {
        VcsKind::Hg => Box::new(HgRepository::open(&url, cache, options)?),
        VcsKind::Bzr => Box::new(BzrRepository::open(&url, cache, options)?),
        VcsKind::Fossil => Box::new(FossilRepository::open(&url, cache, options)?),
        _ => Box::new(SvnRepository::open(&url, cache, options)?),
    };
    let tip = repository.latest().await?.id;
    Ok(archived_files(&*repository, &tip, "", 1 << 30).await?.len())
}

#[test]
fn a_fetch_that_fills_the_disk_gives_the_room_back() {
    let Some(disk) = again_on("leftovers::a_fetch_that_fills_the_disk_gives_the_room_back", ROOM) else {
        return;
    };
    let work = Workspace::new();
    let cache = Cache::open(&disk, 1 << 30).expect("a cache");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for vcs in [VcsKind::Hg, VcsKind::Bzr, VcsKind::Fossil, VcsKind::Svn] {
        let (large, small) = (format!("large-{vcs}"), format!("small-{vcs}"));
        work.script(&script(vcs, &large, 2 * ROOM));
        work.script(&script(vcs, &small, 100_000));
        let error = runtime
            .block_on(read(&work, &cache, vcs, &large))
            .expect_err("no room");
        assert!(error.is_full(), "{vcs}: {error:?}");
        assert!(
            until(|| used(&disk) < ROOM / 4),
            "{vcs}: {} bytes are left",
            used(&disk)
        );
        let files = runtime.block_on(read(&work, &cache, vcs, &small));
        assert!(files.as_ref().is_ok_and(|files| *files >= 1), "{vcs}: {files:?}");
    }
}

#[test]
fn what_a_killed_process_was_fetching_goes_at_the_next_start() {
    let work = Workspace::new();
    let root = work.path("cache");
    drop(Cache::open(&root, 1 << 30).expect("a cache"));
    let repositories = root.join("repositories");
    let mut gone = Vec::new();
    let mut kept = Vec::new();
    for (key, path, stays) in [
        ("hg-1", "copy-a/.hg/store/00changelog.i.a", false),
        ("bzr-1", "copy-a/branch/.bzr/repository/upload/x.pack", false),
        ("fossil-1", "copy-a/repository.fossil", false),
        ("fossil-2", "copy-b/repository.fossil", true),
        ("svn-1", "export/tree/a", false),
        ("git-1", "objects/pack/tmp_pack_x", false),
        ("git-1", "shallow.lock", false),
        ("git-1", "objects/pack/pack-1.pack", true),
        ("new.7", "config", false),
    ] {
        let file = repositories.join(key).join(path);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(&file, "x").expect("a file");
        if stays { kept.push(file) } else { gone.push(file) }
    }
    std::fs::write(repositories.join("fossil-2/copy-b/stoa-copy"), "1 fossil u\n").expect("a mark");
    for folder in ["refs", "objects/info"] {
        std::fs::create_dir_all(repositories.join("git-1").join(folder)).expect("a folder");
    }
    Cache::clear_leftovers(&root).expect("it can be removed");
    for file in gone {
        assert!(!file.try_exists().expect("an answer"), "{}", file.display());
    }
    for file in kept {
        assert!(file.try_exists().expect("an answer"), "{}", file.display());
    }
}
