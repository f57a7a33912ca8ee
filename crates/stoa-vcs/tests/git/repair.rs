//! Local copies that somebody damaged: noticed, thrown away, made anew once.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stoa_testing::git_http::Manner;
use stoa_vcs::Repository as _;
use stoa_vcs::cache::Cache;
use stoa_vcs::git::GitRepository;

use crate::fixture::{Fixture, entries, text};

fn place(fixture: &Fixture, repository: &GitRepository) -> PathBuf {
    let key = Cache::key(repository.vcs(), repository.url());
    fixture.dir.path().join("cache/repositories").join(key)
}

/// The files of a kind among the packs.
fn packs(place: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(place.join("objects/pack")).expect("packs");
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .filter(|path| path.extension().is_some_and(|e| e == ending))
        .collect()
}

fn overwrite(path: &Path, change: impl Fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("readable");
    change(&mut bytes);
    fs::remove_file(path).expect("writable");
    fs::write(path, bytes).expect("writable");
}

type Damage = (&'static str, fn(&Path));

const DAMAGES: [Damage; 13] = [
    ("packs cut short", |place| {
        for pack in packs(place, "pack") {
            overwrite(&pack, |bytes| bytes.truncate(bytes.len() / 2));
        }
    }),
    ("packs empty", |place| {
        for pack in packs(place, "pack") {
            overwrite(&pack, Vec::clear);
        }
    }),
    ("packs gone", |place| {
        for pack in packs(place, "pack") {
            fs::remove_file(pack).expect("there");
        }
    }),
    ("one pack and its index gone", |place| {
        let pack = &packs(place, "pack")[0];
        fs::remove_file(pack).expect("there");
        fs::remove_file(pack.with_extension("idx")).expect("there");
    }),
    ("packs overwritten", |place| {
        for pack in packs(place, "pack") {
            overwrite(&pack, |bytes| bytes[20..].fill(7));
        }
    }),
    ("indexes overwritten", |place| {
        for index in packs(place, "idx") {
            overwrite(&index, |bytes| bytes.fill(0));
        }
    }),
    ("refs garbled", |place| {
        let refs = fs::read_dir(place.join("refs/stoa/one")).expect("refs");
        refs.flatten()
            .for_each(|entry| fs::write(entry.path(), "nonsense").expect("writable"));
    }),
    ("refs to what is not there", |place| {
        let refs = fs::read_dir(place.join("refs/stoa/one")).expect("refs");
        let hash = format!("{}\n", "1".repeat(40));
        refs.flatten()
            .for_each(|entry| fs::write(entry.path(), &hash).expect("writable"));
    }),
    ("shallow garbled", |place| {
        fs::write(place.join("shallow"), "nonsense\n").expect("writable");
    }),
    ("config garbled", |place| {
        fs::write(place.join("config"), "[nonsense").expect("writable");
    }),
    ("HEAD empty", |place| {
        fs::write(place.join("HEAD"), "").expect("writable");
    }),
    ("objects gone", |place| {
        fs::remove_dir_all(place.join("objects")).expect("there");
    }),
    ("all of it empty", |place| {
        fs::remove_dir_all(place).expect("there");
        fs::create_dir(place).expect("writable");
    }),
];

/// All that a download of a version asks.
async fn ask(repository: &GitRepository, tag: &str) -> Result<usize, stoa_vcs::VcsError> {
    let at = repository.stat(tag).await?.id;
    repository.read_file(&at, "a.txt", 1 << 20).await?;
    let mut archive = repository.archive(&at, "", 1 << 30).await?;
    tokio::task::spawn_blocking(move || {
        let mut count = 0;
        while let Some(entry) = archive.next_entry()? {
            std::io::copy(entry.content, &mut std::io::sink()).map_err(|error| {
                stoa_vcs::VcsError::from_io(&error, stoa_vcs::VcsKind::Git, stoa_vcs::Step::Archive)
            })?;
            count += 1;
        }
        Ok(count)
    })
    .await
    .expect("no panic")
}

#[tokio::test]
async fn a_damaged_copy_is_made_anew_once() {
    for (name, damage) in DAMAGES {
        let fixture = Fixture::new();
        let mut options = fixture.options();
        // The program that reads objects would still see what is gone.
        options.idle = Duration::from_millis(1);
        let repository = fixture.open_with(fixture.cache(), options);
        let place = place(&fixture, &repository);
        let files = ask(&repository, "v1.0.0").await.expect("files");
        assert_eq!(fixture.counters.get("clone"), 1);
        tokio::time::sleep(Duration::from_millis(50)).await;
        damage(&place);
        // What is damaged inside of a file may show only while an archive is read, of which something may be gone already.
        let first = ask(&repository, "v1.0.0").await;
        let again = if let Err(error) = &first {
            println!("{name}: {error}");
            ask(&repository, "v1.0.0").await
        } else {
            first
        };
        assert_eq!(again, Ok(files), "{name}");
        assert_eq!(
            text(&repository, "v1.9.0", "a.txt").await,
            text(&fixture.open(), "v1.9.0", "a.txt").await
        );
        let discarded = fixture.counters.get("discard");
        println!(
            "{name}: thrown away {discarded} times, {} clones",
            fixture.counters.get("clone")
        );
        assert!(
            discarded <= 1 && fixture.counters.get("clone") <= 2,
            "{name}: {:?}",
            fixture.counters.all()
        );
    }
}

#[tokio::test]
async fn a_fault_of_the_server_costs_no_copy() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    let files = entries(
        repository
            .archive(&repository.stat("v1.0.0").await.expect("a tag").id, "", 1 << 30)
            .await
            .expect("files"),
    )
    .len();
    fixture
        .server
        .set(Manner::Redirect("http://127.0.0.1:1".to_owned()));
    for _ in 0..5 {
        ask(&repository, "v1.9.0")
            .await
            .expect_err("the server leads nowhere");
    }
    fixture.server.set(Manner::Serve);
    assert_eq!(ask(&repository, "v1.0.0").await, Ok(files));
    ask(&repository, "v1.9.0").await.expect("it goes on");
    println!("counted {:?}", fixture.counters.all());
    assert_eq!(
        (fixture.counters.get("clone"), fixture.counters.get("discard")),
        (1, 0)
    );
}
