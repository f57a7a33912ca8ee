//! Which commit descends from which.

use super::origin::Origin;
use super::{Change, Scenario};
use crate::{Repository, RevisionId, VcsError};

pub(super) async fn run(scenario: &dyn Scenario) {
    let origin = Origin::new(scenario);
    origin.write("one", "1\n");
    let first = origin.commit(1_000_000_000);
    let has_ancestry = scenario.abilities().ancestry.is_there();
    for name in ["v1.0.0", "v1.2.0", "v1.10.0", "other", "sub/v1.9.0"] {
        origin.change(Change::Tag { name });
    }
    origin.write("two", "2\n");
    let second = origin.commit(1_000_000_100);
    origin.change(Change::Tag { name: "v2.0.0" });
    let repository = origin.open_once();
    if !has_ancestry {
        let unsupported = repository.descends_from(&second, "v1.0.0").await;
        assert!(
            matches!(unsupported, Err(VcsError::Unsupported { .. })),
            "{unsupported:?}"
        );
        assert_eq!(recent(&*repository, &second, "", "").await, None);
        return;
    }
    // The highest version, not the newest tag, of those that are allowed.
    for (at, prefix, not, tag) in [
        (&first, "", "", Some("v1.10.0")),
        (&first, "", "v1.10.0", Some("v1.2.0")),
        (&second, "", "", Some("v2.0.0")),
        (&second, "", "v2.0.0", Some("v1.10.0")),
        (&second, "sub/", "", Some("sub/v1.9.0")),
        (&second, "none/", "", None),
    ] {
        let found = recent(&*repository, at, prefix, not).await;
        assert_eq!(found.as_deref(), tag, "{at} {prefix:?} but {not:?}");
    }
    assert_eq!(repository.descends_from(&second, "v1.0.0").await, Ok(true));
    assert_eq!(repository.descends_from(&second, "v2.0.0").await, Ok(true));
    assert_eq!(repository.descends_from(&first, "v2.0.0").await, Ok(false));
    assert_eq!(repository.descends_from(&first, "other").await, Ok(true));
    for tag in ["nosuch", "x' or 'tip", "--all"] {
        let answer = repository.descends_from(&second, tag).await;
        assert!(!answer.is_ok_and(|descends| descends), "{tag}");
    }
}

async fn recent(repository: &dyn Repository, at: &RevisionId, prefix: &str, not: &str) -> Option<String> {
    let found = repository.recent_tag(at, prefix, &|tag: &str| tag != not).await;
    found.expect("an answer")
}
