//! Which version `MODULE@QUERY` means.

use stoa_fetch::{Caller, Context};
use stoa_module::Resource;
use stoa_proxy::{ModuleQuery, Protocol, QueryError, Resolved};

use crate::{
    fake::{Fake, broken},
    lab::{latest, list, resource, target},
};

/// A module with these versions, each with its go.mod.
fn versions(go_mods: &[(&str, &str)]) -> Fake {
    let fake = Fake::new();
    let versions: Vec<_> = go_mods.iter().map(|(version, _)| *version).collect();
    fake.text(&list(), versions.join("\n"));
    for (version, go_mod) in go_mods {
        fake.text(&Resource::Mod(target(version)), *go_mod);
    }
    fake
}

const OWN: &str = "module example.com/a\n\ngo 1.20\n";
const MADE_UP: &str = "module example.com/a\n";

async fn resolve(protocol: &dyn Protocol, query: &str) -> Result<Resolved, QueryError> {
    let query: ModuleQuery = format!("example.com/a@{query}").parse().unwrap();
    let context = Context::interactive(Caller::Anonymous);
    query.resolve(protocol, &context).await
}

async fn chosen(protocol: &dyn Protocol, query: &str) -> String {
    match resolve(protocol, query).await {
        Ok(resolved) => resolved.resource.to_string(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_query_chooses_from_the_list() {
    let fake = versions(&[
        ("v1.0.0-rc.1", OWN),
        ("v1.0.0", OWN),
        ("v1.1.0", OWN),
        ("v1.2.0", OWN),
        ("v1.3.0-rc.1", OWN),
    ]);
    for (query, want) in [
        ("latest", "example.com/a@v1.2.0.info"),
        ("upgrade", "example.com/a@v1.2.0.info"),
        ("v1", "example.com/a@v1.2.0.info"),
        ("v1.0", "example.com/a@v1.0.0.info"),
        ("<v1.2.0", "example.com/a@v1.1.0.info"),
        ("<=v1.2.0", "example.com/a@v1.2.0.info"),
        (">v1.0.0", "example.com/a@v1.1.0.info"),
        (">=v1.0.0-rc.1", "example.com/a@v1.0.0.info"),
        (">v1.2.0", "example.com/a@v1.3.0-rc.1.info"),
        ("v1.9", "no matching versions for query \"v1.9\""),
    ] {
        assert_eq!(chosen(&fake, query).await, want, "{query}");
    }
    let listed = resolve(&fake, "latest").await.unwrap().listed;
    assert_eq!(listed, Some(5));
}

#[tokio::test]
async fn a_version_or_a_revision_needs_no_list() {
    let fake = Fake::new();
    for (query, want) in [
        ("v1.2.3", resource("example.com/a/@v/v1.2.3.info")),
        ("main", resource("example.com/a/@v/main.info")),
    ] {
        let resolved = resolve(&fake, query).await.unwrap();
        assert_eq!((resolved.resource, resolved.listed), (want, None));
    }
    assert_eq!(fake.count(), 0);
}

#[tokio::test]
async fn retracted_versions_are_passed_over() {
    let retracting = "module example.com/a\nretract [v1.1.0, v1.2.0]\n";
    let fake = versions(&[("v1.0.0", OWN), ("v1.1.0", OWN), ("v1.2.0", retracting)]);
    assert_eq!(chosen(&fake, "latest").await, "example.com/a@v1.0.0.info");
    assert_eq!(chosen(&fake, "v1").await, "example.com/a@v1.0.0.info");
    // One whose go.mod cannot be had retracts nothing.
    fake.fail(&Resource::Mod(target("v1.2.0")), broken());
    assert_eq!(chosen(&fake, "latest").await, "example.com/a@v1.2.0.info");
}

#[tokio::test]
async fn incompatible_versions_count_while_the_module_has_no_go_mod() {
    let old = versions(&[("v1.0.0", MADE_UP), ("v2.0.0+incompatible", MADE_UP)]);
    assert_eq!(
        chosen(&old, "latest").await,
        "example.com/a@v2.0.0+incompatible.info"
    );
    let new = versions(&[("v1.0.0", OWN), ("v2.0.0+incompatible", MADE_UP)]);
    assert_eq!(chosen(&new, "latest").await, "example.com/a@v1.0.0.info");
    // A query that names the major version means them.
    assert_eq!(chosen(&new, "v2").await, "example.com/a@v2.0.0+incompatible.info");
    // Whether they count must be known.
    new.fail(&Resource::Mod(target("v1.0.0")), broken());
    let error = resolve(&new, "latest").await.unwrap_err();
    assert!(matches!(error, QueryError::Proxy(_)), "{error}");
}

#[tokio::test]
async fn a_module_without_versions_has_a_latest_commit() {
    let fake = versions(&[]);
    let pseudo = "v0.0.0-20240102030405-abcdefabcdef";
    fake.text(&latest(), format!("{{\"Version\":\"{pseudo}\"}}"));
    assert_eq!(
        chosen(&fake, "latest").await,
        format!("example.com/a@{pseudo}.info")
    );
    assert_eq!(chosen(&fake, "v1").await, "no matching versions for query \"v1\"");
}
