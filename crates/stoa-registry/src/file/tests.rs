use super::*;
use crate::NodeState;

const TWO: &str = "[[node]]\nservice = \"stoa\"\nid = \"b\"\naddress = \"http://b\"\nstate = \"draining\"\n\
                   [[node]]\nservice = \"stoa\"\nid = \"a\"\naddress = \"http://a\"\n\
                   metadata = { zone = \"west\" }\n";

fn service() -> ServiceName {
    "stoa".parse().expect("a name")
}

fn judge() -> Validate {
    Validate::by(|node| match node.node.metadata.get("weight") {
        Some(weight) if weight.parse::<f64>().is_err() => Err(format!("{weight:?} is no weight")),
        _ => Ok(()),
    })
}

async fn ids(registry: &FileRegistry) -> Vec<String> {
    let listing = registry.get(&service()).await.expect("read");
    let ids = listing
        .entries
        .iter()
        .map(|entry| entry.registration.node.id.to_string());
    ids.collect()
}

#[test]
fn a_file_says_what_a_node_may_say() {
    let nodes = parse(TWO, &judge()).expect("good");
    assert_eq!(nodes[0].node.metadata["zone"], "west");
    assert_eq!(
        (nodes[1].node.id.as_str(), nodes[1].state),
        ("b", NodeState::Draining)
    );
    assert_eq!(parse("", &judge()).expect("an empty one"), Vec::new());
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    for (text, line, want) in [
        ("[[node]]\nid = \"a\"\n", 1, "service"),
        ("[[node]]\nservice = \"a b\"\n", 2, "no name of a service"),
        ("\n[[nodes]]\n", 2, "unknown field"),
        (&format!("{TWO}{TWO}"), 16, "the node a of stoa is there twice"),
        (&TWO.replace("draining", "wobbly"), 5, "unknown variant `wobbly`"),
        (
            &TWO.replace("draining", "Ready"),
            5,
            "expected `ready` or `draining`",
        ),
        (&TWO.replace("draining", "leaving"), 5, "unknown variant"),
        (
            &TWO.replace("zone = \"west\"", "weight = \"x\""),
            6,
            "the node a of stoa: \"x\" is no weight",
        ),
        (
            &TWO.replace("zone = \"west\"", "weight = 2"),
            10,
            "expected a string",
        ),
        (&TWO.replace("state", "stat"), 5, "unknown field `stat`"),
        ("garbage\n", 1, "expected"),
    ] {
        let (found, error) = parse(text, &judge()).expect_err(want);
        assert!(error.contains(want), "{want}: {error}");
        assert_eq!(found, line, "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_keeps_what_was_and_is_told_until_it_is_mended() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("nodes.toml");
    let every = Duration::from_secs(1);
    let registry = FileRegistry::new(file.clone(), every).judged_by(judge());
    assert!(matches!(
        registry.get(&service()).await,
        Err(RegistryError::Away { .. })
    ));
    fs::write(&file, TWO).expect("written");
    sleep(every).await;
    let listing = registry.get(&service()).await.expect("read");
    assert_eq!(ids(&registry).await, ["a", "b"]);
    let scope = Scope::Service(service());
    for fault in ["[[node]]\n", "\u{0}", &TWO.replace("draining", "wobbly"), ""] {
        let mut watch = registry.watch(&scope, listing.revision).await.expect("a watch");
        assert!(
            matches!(watch.next().await, Ok(Change::Bookmark { .. })),
            "it is well"
        );
        if fault.is_empty() {
            fs::remove_file(&file).expect("removed");
        } else {
            fs::write(&file, fault).expect("written");
        }
        let told = watch.next().await.expect_err("it is told");
        assert!(told.to_string().contains("nodes.toml"), "{told}");
        assert!(registry.watch(&scope, listing.revision).await.is_err());
        assert_eq!(ids(&registry).await, ["a", "b"], "what was there counts");
        fs::write(&file, TWO).expect("mended");
        sleep(every).await;
    }
    let mut watch = registry.watch(&scope, listing.revision).await.expect("a watch");
    assert!(
        matches!(watch.next().await, Ok(Change::Bookmark { .. })),
        "it is well"
    );
    let changed = TWO.replace("\"a\"", "\"c\"").replace("draining", "ready");
    fs::write(&file, changed).expect("written");
    let Change::Batch { revision, events } = watch.next().await.expect("it lives") else {
        panic!("a batch")
    };
    let shown: Vec<_> = events.iter().map(|event| event.node().as_str()).collect();
    assert_eq!(shown, ["b", "c", "a"], "two are put and one is gone");
    assert!(revision > listing.revision);
    let mut late = registry.watch(&scope, listing.revision).await.expect("a watch");
    assert!(matches!(late.next().await, Ok(Change::Lost { .. })));
}
