//! A checksum database whose answers end anywhere.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::http;
use stoa_testing::sum_database::SumDatabase;

use crate::cut_source::{Content, Cut, CutSource, End, Framing, response};
use crate::cuts::{Case, check, places, sample, stoa, told, wrong};
use crate::seed;

const FRAMINGS: [Framing; 3] = [Framing::Length, Framing::Chunked, Framing::Close];

/// Each of these has a server of its own, as what is asked is one for all of a database.
const SERVERS: usize = 48;

/// A database with so many records.
fn database(records: usize) -> SumDatabase {
    let database = SumDatabase::start();
    for number in 0..records {
        database.module(&ModuleFixture::new(
            &format!("example.com/m{number:05}"),
            "v1.0.0",
        ));
    }
    database
}

async fn read(database: &SumDatabase, path: &str) -> Bytes {
    let answer = http::get(&format!("{}{path}", database.url())).await.unwrap();
    assert_eq!(answer.status, 200, "{path}");
    answer.body
}

/// A server before the database that cuts what `cut` says.
async fn before(
    database: &SumDatabase,
    cut: impl Fn(&str) -> Option<Cut> + Send + Sync + 'static,
) -> (CutSource, String) {
    let url = database.url();
    let of = move |path: &str| Some((Content::Of(format!("{url}{path}")), cut(path)));
    let source = CutSource::start(of).await;
    let gosumdb = format!("{} {}", database.key(), source.url);
    (source, gosumdb)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_lookup_is_no_answer() {
    let mut seed = seed();
    let lookup = |number: usize| format!("/lookup/example.com/m{number:05}@v1.0.0");
    // The number of a record stands in its answer, so that they differ in length; a few bytes more are cut nowhere.
    let longest = read(&database(1), &lookup(0)).await.len() + 8;
    let all = sample(places(&vec![b'x'; longest], &FRAMINGS), 60, &mut seed);
    let database = database(all.len());
    let mut cases = Vec::new();
    for (number, cut) in all.iter().enumerate() {
        let want = read(&database, &lookup(number)).await;
        cases.push(Case {
            path: format!("/sumdb/{}{}", database.name(), lookup(number)),
            whole: response(cut.framing, &want).len(),
            cut: *cut,
            want,
        });
    }
    let cut = move |path: &str| {
        let number = path.strip_prefix("/lookup/example.com/m")?.get(..5)?;
        all.get(number.parse::<usize>().ok()?).copied()
    };
    let (source, gosumdb) = before(&database, cut).await;
    let directory = tempfile::tempdir().unwrap();
    let stoa = stoa(directory.path(), &[("STOA_SUMDB_DATABASES", &gosumdb)]);
    let wrong = check("lookup", &stoa, &source, &cases).await;
    assert!(wrong.is_empty(), "{}", told(&wrong));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_tile_or_head_is_no_answer() {
    let mut seed = seed();
    let database = Arc::new(database(3));
    let mut all = Vec::new();
    for path in ["/latest", "/tile/8/0/000.p/3", "/tile/8/data/000.p/3"] {
        let want = read(&database, path).await;
        // Each place, with one of the two ends.
        let of_path = places(&want, &FRAMINGS).into_iter();
        let of_path = of_path.filter(|cut| (cut.at % 2 == 0) == (cut.end == End::Close));
        all.extend(of_path.map(|cut| (path, want.clone(), cut)));
    }
    let all = sample(all, 24, &mut seed);
    let checked = all.into_iter().map(|(path, want, cut)| {
        let database = Arc::clone(&database);
        async move {
            let (source, gosumdb) = before(&database, move |asked| (asked == path).then_some(cut)).await;
            let directory = tempfile::tempdir().unwrap();
            let stoa = stoa(directory.path(), &[("STOA_SUMDB_DATABASES", &gosumdb)]);
            let case = Case {
                path: format!("/sumdb/{}{path}", database.name()),
                whole: response(cut.framing, &want).len(),
                want,
                cut,
            };
            let cases = [case];
            let mut all = wrong(&stoa, &cases, true).await;
            source.mend();
            all.extend(wrong(&stoa, &cases, false).await);
            all
        }
    });
    let checked: Vec<_> = checked.collect();
    let count = checked.len();
    let found: Vec<_> = stream::iter(checked).buffer_unordered(SERVERS).collect().await;
    let found = found.concat();
    println!("tiles and heads: {count} cases, {} wrong", found.len());
    assert!(found.is_empty(), "{}", told(&found));
}
