//! The index in `PostgreSQL`.

use std::sync::Arc;

use async_trait::async_trait;
use stoa_index::{DatabaseOptions, Index, IndexError, PostgresIndex};
use stoa_testing::postgres::Postgres;

use crate::servers::{self, Lab, fresh, options};

struct Real(Postgres);

impl Real {
    fn start() -> Arc<Self> {
        Arc::new(Self(Postgres::start()))
    }
}

#[async_trait]
impl Lab for Real {
    fn url(&self, database: &str) -> String {
        self.0.url(database)
    }

    fn run(&self, database: &str, sql: &str) -> String {
        self.0
            .run_in(if database.is_empty() { "postgres" } else { database }, sql)
    }

    fn kill(&self) {
        self.0.kill();
    }

    fn restart(&self) {
        self.0.restart();
    }

    async fn open(&self, options: &DatabaseOptions) -> Result<Arc<dyn Index>, IndexError> {
        Ok(Arc::new(PostgresIndex::open(options).await?))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_conforms() {
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
    let hold = "BEGIN; SELECT 1 FROM stoa_index_meta FOR UPDATE; SELECT pg_sleep(6); COMMIT";
    servers::does_not_wait_for_ever(Real::start(), hold).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_needs_no_more_than_its_tables() {
    let real = Real::start();
    let name = fresh(&*real);
    PostgresIndex::open(&options(&real.url(&name))).await.unwrap();
    real.run(
        &name,
        "CREATE USER reader PASSWORD 'x'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
    );
    let url = format!("postgres://reader:x@127.0.0.1:{}/{name}", real.0.port());
    let index = PostgresIndex::open(&options(&url)).await.unwrap();
    index.check().await.unwrap();
    let refused = index.record(&[crate::zip("example.com/a", "v1.0.0")]).await;
    assert!(matches!(refused, Err(IndexError::NotPermitted(_))), "{refused:?}");
    real.run(
        &name,
        "GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO reader",
    );
    index
        .record(&[crate::zip("example.com/a", "v1.0.0")])
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_verified() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let files = [("server.crt", certificate.as_str()), ("server.key", key.as_str())];
    let real = Real(Postgres::with_files(&["ssl=on"], &files));
    let url = format!("{}?tls=on", real.url("postgres"));
    let index = PostgresIndex::open(&DatabaseOptions {
        ca: Some(certificate.into_bytes()),
        ..options(&url)
    })
    .await
    .unwrap();
    index
        .record(&[crate::zip("example.com/a", "v1.0.0")])
        .await
        .unwrap();
    let sql = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'stoa'";
    assert_eq!(real.run("", sql), "t");
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()])
        .unwrap()
        .cert
        .pem();
    let opened = PostgresIndex::open(&DatabaseOptions {
        ca: Some(other.into_bytes()),
        ..options(&url)
    })
    .await;
    let Err(error) = opened else {
        panic!("nobody vouches for it")
    };
    assert!(matches!(error, IndexError::Unreachable(_)), "{error:?}");
    servers::assert_tells_no_secret(&error);
}
