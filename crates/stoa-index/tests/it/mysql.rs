//! The index in `MariaDB`.

use std::sync::Arc;

use async_trait::async_trait;
use stoa_index::{DatabaseOptions, Index, IndexError, MysqlIndex};
use stoa_testing::mariadb::MariaDb;

use crate::servers::{self, Lab, fresh, options};

struct Real(MariaDb);

impl Real {
    fn start() -> Arc<Self> {
        Arc::new(Self(MariaDb::start()))
    }
}

#[async_trait]
impl Lab for Real {
    fn url(&self, database: &str) -> String {
        self.0.url(database)
    }

    fn run(&self, database: &str, sql: &str) -> String {
        self.0
            .run_in(if database.is_empty() { "stoa" } else { database }, sql)
    }

    fn kill(&self) {
        self.0.kill();
    }

    fn restart(&self) {
        self.0.restart();
    }

    async fn open(&self, options: &DatabaseOptions) -> Result<Arc<dyn Index>, IndexError> {
        Ok(Arc::new(MysqlIndex::open(options).await?))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn mariadb_conforms() {
    servers::conforms(Real::start()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_found_again() {
    servers::comes_back(Real::start()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_address_and_its_tables_are_checked() {
    let real = Real::start();
    servers::refuses(real.clone()).await;
    servers::knows_its_tables(real.clone()).await;
    servers::is_made_once(real).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_is_held_is_not_waited_for() {
    let hold = "BEGIN; SELECT 1 FROM stoa_index_meta FOR UPDATE; SELECT SLEEP(6); COMMIT";
    servers::does_not_wait_for_ever(Real::start(), hold).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_needs_no_more_than_its_tables() {
    let real = Real::start();
    let name = fresh(&*real);
    MysqlIndex::open(&options(&real.url(&name))).await.unwrap();
    let user = format!("CREATE USER reader IDENTIFIED BY 'x'; GRANT SELECT ON {name}.* TO reader");
    real.run(&name, &user);
    let url = format!("mysql://reader:x@127.0.0.1:{}/{name}", real.0.port());
    let index = MysqlIndex::open(&options(&url)).await.unwrap();
    index.check().await.unwrap();
    let refused = index.record(&[crate::zip("example.com/a", "v1.0.0")]).await;
    assert!(matches!(refused, Err(IndexError::NotPermitted(_))), "{refused:?}");
    real.run(
        &name,
        &format!("GRANT INSERT, UPDATE, DELETE ON {name}.* TO reader"),
    );
    // Privileges are those of when a connection was made or a table was used first.
    index
        .record(&[crate::zip("example.com/a", "v1.0.0")])
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_verified() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let options_of_server = [
        format!("--ssl-cert={}", file("server.crt", &certificate)),
        format!("--ssl-key={}", file("server.key", &key)),
        "--require-secure-transport=on".to_owned(),
    ];
    let options_of_server: Vec<_> = options_of_server.iter().map(String::as_str).collect();
    let real = Real(MariaDb::with(&options_of_server));
    let url = format!("{}?tls=on", real.url("stoa"));
    let index = MysqlIndex::open(&DatabaseOptions {
        ca: Some(certificate.into_bytes()),
        ..options(&url)
    })
    .await
    .unwrap();
    index
        .record(&[crate::zip("example.com/a", "v1.0.0")])
        .await
        .unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()])
        .unwrap()
        .cert
        .pem();
    let opened = MysqlIndex::open(&DatabaseOptions {
        ca: Some(other.into_bytes()),
        ..options(&url)
    })
    .await;
    let Err(error) = opened else {
        panic!("nobody vouches for it")
    };
    assert!(matches!(error, IndexError::Unreachable(_)), "{error:?}");
    // It takes no connection without.
    assert!(MysqlIndex::open(&options(&real.url("stoa"))).await.is_err());
    servers::assert_tells_no_secret(&error);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_away_until_it_goes_on() {
    let real = Real::start();
    let index = MysqlIndex::open(&options(&real.url(&fresh(&*real))))
        .await
        .unwrap();
    index
        .record(&[crate::zip("example.com/a", "v1.0.0")])
        .await
        .unwrap();
    index.check().await.unwrap();
    real.0.freeze();
    let began = std::time::Instant::now();
    let event = [crate::zip("example.com/a", "v1.1.0")];
    let (recorded, checked) = tokio::join!(index.record(&event), index.check());
    assert!(
        matches!(recorded, Err(IndexError::Unreachable(_))),
        "{recorded:?}"
    );
    assert!(matches!(checked, Err(IndexError::Unreachable(_))), "{checked:?}");
    index.close().await;
    let took = began.elapsed();
    assert!(
        took < std::time::Duration::from_secs(10),
        "it ends all the same, after {took:?}"
    );
    real.0.thaw();
    let index = MysqlIndex::open(&options(&real.url(&fresh(&*real))))
        .await
        .unwrap();
    index.check().await.unwrap();
}
