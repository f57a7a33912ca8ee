//! What `.info` says.

use stoa_vcs::VcsKind;

use crate::support::memory_repo::{MemoryRepo, hash, stamp};

#[tokio::test]
async fn info_is_the_json_of_go() {
    let repo = MemoryRepo::new()
        .commit(&[("sub/go.mod", "module h.com/r/sub\n")])
        .tag("sub/v1.0.0")
        .commit(&[("sub/go.mod", "module h.com/r/sub\n")]);
    let repo = repo.module("/sub");
    let tagged = repo.stat("v1.0.0").await.unwrap();
    let json = format!(
        r#"{{"Version":"v1.0.0","Time":"2024-01-02T03:04:05Z","Origin":{{"VCS":"git","URL":"https://h.com/r","Subdir":"sub","Hash":"{}","Ref":"refs/tags/sub/v1.0.0"}}}}"#,
        hash(0)
    );
    assert_eq!(tagged.info.to_json(), json);
    assert_eq!(tagged.info.pinned().to_json(), json, "nothing of it changes");
    let branch = repo.stat("main").await.unwrap();
    let json = format!(
        r#"{{"Version":"v1.0.1-0.{}","Time":"2024-01-02T03:04:06Z","Origin":{{"VCS":"git","URL":"https://h.com/r","Subdir":"sub","Hash":"{}""#,
        stamp(1),
        hash(1)
    );
    let sums = &branch.info.to_json()[json.len()..];
    assert!(
        branch.info.to_json().starts_with(&json),
        "{}",
        branch.info.to_json()
    );
    assert!(sums.starts_with(r#","TagPrefix":"sub/","TagSum":"t1:"#), "{sums}");
    assert!(sums.ends_with(r#","Ref":"refs/heads/main"}}"#), "{sums}");
    assert_eq!(branch.info.pinned().to_json(), format!("{json}}}}}"));
}

#[tokio::test]
async fn origins_of_other_systems() {
    for (vcs, origin) in [
        (
            VcsKind::Hg,
            format!(
                r#"{{"VCS":"hg","URL":"https://h.com/r","Hash":"{}","Ref":"HEAD","RepoSum":"r1:s"}}"#,
                hash(0)
            ),
        ),
        (
            VcsKind::Svn,
            r#"{"VCS":"svn","URL":"https://h.com/r","Ref":"HEAD"}"#.to_owned(),
        ),
    ] {
        let mut repo = MemoryRepo::new().commit(&[]);
        repo.vcs = vcs;
        repo.repo_sum = (vcs == VcsKind::Hg).then(|| "r1:s".to_owned());
        let info = repo.module("").newest_commit().await.unwrap().info;
        assert_eq!(info.origin.unwrap().to_json(), origin);
    }
}
