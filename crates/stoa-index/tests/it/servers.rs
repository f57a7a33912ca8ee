//! What every index in a database of a server does.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use stoa_index::{
    DatabaseOptions, Index, IndexError, Timestamp,
    conformance::{self, Adapter, Storage},
};

use crate::zip;

/// A real server of a test.
#[async_trait]
pub(crate) trait Lab: Send + Sync + 'static {
    /// The address of a database of this name, with user and password.
    fn url(&self, database: &str) -> String;

    /// Runs statements in a database as its administrator, and gives back what they print.
    fn run(&self, database: &str, sql: &str) -> String;

    fn kill(&self);

    fn restart(&self);

    async fn open(&self, options: &DatabaseOptions) -> Result<Arc<dyn Index>, IndexError>;
}

/// Options for a database, of which a call takes two seconds at most.
pub(crate) fn options(url: &str) -> DatabaseOptions {
    DatabaseOptions {
        timeout: Duration::from_secs(2),
        ..DatabaseOptions::new(url.parse().unwrap())
    }
}

/// A database of its own for each storage.
struct Databases<L>(Arc<L>);

struct Database<L> {
    lab: Arc<L>,
    options: DatabaseOptions,
}

/// The name of a new database.
pub(crate) fn fresh(lab: &impl Lab) -> String {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    let name = format!("index{}", LAST.fetch_add(1, Ordering::Relaxed));
    lab.run("", &format!("CREATE DATABASE {name}"));
    name
}

#[async_trait]
impl<L: Lab> Adapter for Databases<L> {
    async fn storage(&self) -> Box<dyn Storage> {
        let lab = self.0.clone();
        let url = lab.url(&fresh(&*lab));
        let options = DatabaseOptions::new(url.parse().unwrap());
        Box::new(Database { lab, options })
    }
}

#[async_trait]
impl<L: Lab> Storage for Database<L> {
    async fn open(&self) -> Arc<dyn Index> {
        self.lab.open(&self.options).await.unwrap()
    }
}

pub(crate) async fn conforms(lab: Arc<impl Lab>) {
    conformance::run(&Databases(lab), crate::seed()).await;
}

/// Whose server dies and comes back.
pub(crate) async fn comes_back(lab: Arc<impl Lab>) {
    let url = lab.url(&fresh(&*lab));
    let index = lab.open(&options(&url)).await.unwrap();
    index.record(&[zip("example.com/a", "v1.0.0")]).await.unwrap();
    assert_eq!(index.since(Timestamp::ZERO, 9).await.unwrap().len(), 1);
    lab.kill();
    for _ in 0..3 {
        let failed = [
            index.record(&[zip("example.com/a", "v1.1.0")]).await,
            index.since(Timestamp::ZERO, 9).await.map(drop),
            index.check().await,
            lab.open(&options(&url)).await.map(drop),
        ];
        for failed in failed {
            let Err(error) = failed else {
                panic!("it is not there")
            };
            assert!(matches!(error, IndexError::Unreachable(_)), "{error:?}");
            assert_tells_no_secret(&error);
        }
    }
    lab.restart();
    assert_eq!(
        index.since(Timestamp::ZERO, 9).await.unwrap().len(),
        1,
        "nothing is lost, and nothing half done"
    );
    index.record(&[zip("example.com/a", "v1.1.0")]).await.unwrap();
    // Connections that were idle when the server died are none any more.
    lab.restart();
    index.record(&[zip("example.com/a", "v1.2.0")]).await.unwrap();
    index.check().await.unwrap();
    assert_eq!(index.totals().await.unwrap().versions, 3);
    index.close().await;
    assert!(matches!(index.check().await, Err(IndexError::Closed)));
    assert!(matches!(
        index.record(&[zip("example.com/a", "v1.0.0")]).await,
        Err(IndexError::Closed)
    ));
}

/// An error is one line without any part of an address.
pub(crate) fn assert_tells_no_secret(error: &IndexError) {
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("p@ss") && !text.contains("p%40ss"), "{text}");
    }
    let text = error.to_string();
    assert!(!text.contains('\n') && !text.contains("127.0.0.1"), "{text}");
}

/// Where the address is not right.
pub(crate) async fn refuses(lab: Arc<impl Lab>) {
    let name = fresh(&*lab);
    let refused = async |url: &str| match lab.open(&options(url)).await {
        Ok(index) => panic!("{index:?} is there"),
        Err(error) => {
            assert_tells_no_secret(&error);
            error
        }
    };
    let wrong = options(&lab.url(&name)).address.with_password("p@ssé".into());
    let opened = lab.open(&DatabaseOptions::new(wrong)).await;
    let Err(error) = opened else {
        panic!("it is another password")
    };
    assert!(matches!(error, IndexError::NotPermitted(_)), "{error:?}");
    assert_tells_no_secret(&error);
    let error = refused(&lab.url("nothing")).await;
    assert!(matches!(error, IndexError::BadAddress(_)), "{error:?}");
    let other = if lab.url("x").starts_with("mysql") {
        "postgres"
    } else {
        "mysql"
    };
    let error = refused(&format!("{other}://a:b@127.0.0.1:1/x")).await;
    assert!(matches!(error, IndexError::BadAddress(_)), "{error:?}");
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let scheme = lab.url("x");
    let scheme = scheme.split_once(':').unwrap().0;
    let error = refused(&format!("{scheme}://a:b@{free}/x")).await;
    assert!(matches!(error, IndexError::Unreachable(_)), "{error:?}");
    let error = refused(&format!("{}?tls=on", lab.url(&name))).await;
    assert!(
        matches!(error, IndexError::Unreachable(_) | IndexError::BadAddress(_)),
        "{error:?}"
    );
    let index = lab.open(&options(&lab.url(&name))).await.unwrap();
    let text = format!("{index:?} {index}");
    assert!(
        !text.contains("p@ss") && !text.contains("p%40ss") && text.contains(&name),
        "{text}"
    );
}

/// Whose tables are not ours, or no longer.
pub(crate) async fn knows_its_tables(lab: Arc<impl Lab>) {
    let name = fresh(&*lab);
    let index = lab.open(&options(&lab.url(&name))).await.unwrap();
    index.record(&[zip("example.com/a", "v1.0.0")]).await.unwrap();
    lab.run(&name, "UPDATE stoa_index_meta SET tables_version = 2");
    let opened = lab.open(&options(&lab.url(&name))).await;
    let Err(error) = opened else {
        panic!("it is of a later version")
    };
    assert!(matches!(error, IndexError::Damaged(_)), "{error:?}");
    assert!(
        error.to_string().contains("version 2, and this program knows 1"),
        "{error}"
    );
    lab.run(&name, "UPDATE stoa_index_meta SET tables_version = 1");
    lab.run(&name, "UPDATE stoa_index_version SET version = 'latest'");
    let read = index.catalog(None, 9).await;
    assert!(matches!(read, Err(IndexError::Damaged(_))), "{read:?}");
    lab.run(&name, "DROP TABLE stoa_index_version");
    for failed in [
        index.catalog(None, 9).await.map(drop),
        index.record(&[zip("example.com/a", "v1.0.0")]).await,
    ] {
        assert!(matches!(failed, Err(IndexError::Damaged(_))), "{failed:?}");
    }
    index.check().await.unwrap();
}

/// When somebody holds what is kept once, for ever.
pub(crate) async fn does_not_wait_for_ever<L: Lab>(lab: Arc<L>, hold: &'static str) {
    let name = fresh(&*lab);
    let index = lab.open(&options(&lab.url(&name))).await.unwrap();
    let holder = std::thread::spawn({
        let (lab, name) = (lab.clone(), name.clone());
        move || lab.run(&name, hold)
    });
    // The other session has its lock when a call fails.
    let began = Instant::now();
    let mut number = 0;
    let error = loop {
        let version = format!("v1.{number}.0");
        match index.record(&[zip("example.com/a", &version)]).await {
            Ok(()) => number += 1,
            Err(error) => break error,
        }
        assert!(began.elapsed() < Duration::from_secs(20), "nobody holds anything");
        tokio::task::yield_now().await;
    };
    assert!(matches!(error, IndexError::Unreachable(_)), "{error:?}");
    assert_eq!(
        index.totals().await.unwrap().versions,
        number,
        "who reads waits for nobody"
    );
    holder.join().unwrap();
    index
        .record(&[zip("example.com/a", "v2.0.0+incompatible")])
        .await
        .unwrap();
    assert_eq!(
        index.totals().await.unwrap().versions,
        number + 1,
        "what was given up is undone"
    );
}

/// Several nodes that begin at the same time.
pub(crate) async fn is_made_once(lab: Arc<impl Lab>) {
    let options = DatabaseOptions::new(lab.url(&fresh(&*lab)).parse().unwrap());
    let mut nodes = tokio::task::JoinSet::new();
    for node in 0..6 {
        let (lab, options) = (lab.clone(), options.clone());
        nodes.spawn(async move {
            let index = lab.open(&options).await.unwrap();
            index
                .record(&[zip("example.com/a", &format!("v1.{node}.0"))])
                .await
                .unwrap();
            index.close().await;
        });
    }
    nodes.join_all().await;
    let index = lab.open(&options).await.unwrap();
    assert_eq!(index.totals().await.unwrap().versions, 6);
}
