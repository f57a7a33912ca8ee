//! Checksum databases, asked once for all nodes.

use stoa_testing::{fixtures::ModuleFixture, sum_database::SumDatabase};

use crate::nodes::{Backing, Cluster};

#[tokio::test(flavor = "multi_thread")]
async fn a_checksum_is_looked_up_once_for_all_nodes_and_verified_by_each() {
    let database = SumDatabase::start();
    let settings = [
        ("STOA_SUMDB_VERIFY", "true".to_owned()),
        ("STOA_SUMDB_DATABASES", database.gosumdb()),
    ];
    let cluster = Cluster::configured(Backing::Static, 3, settings).await;
    let modules: Vec<_> = (0..12)
        .map(|n| ModuleFixture::new(&format!("example.com/m{n}"), "v1.0.0").file("a.go", "package a\n"))
        .collect();
    cluster.upstream.modules(&modules);
    database.modules(&modules);
    for module in &modules {
        for id in ["a", "b", "c"] {
            assert_eq!(cluster.get(id, &module.url_path("zip")).await.status, 200, "{id}");
            let verified = cluster
                .metric(id, r#"stoa_sumdb_verifications_total{result="verified"}"#)
                .await;
            assert!(verified >= 1.0, "{id} has verified what another node sent");
        }
    }
    assert_eq!(cluster.upstream.total(), 12, "each zip is fetched once");
    assert_eq!(database.count_below("/lookup/"), 12, "{:?}", database.requests());
}
