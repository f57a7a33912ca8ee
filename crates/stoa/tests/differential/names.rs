//! Names of tags and branches.

use std::collections::BTreeSet;

use crate::random::Random;

/// What tags that look like pseudo-versions end in; no commit has this hash.
pub(crate) const NO_COMMIT: &str = "-abcdefabcdef";

/// The name of a tag: mostly a version of a module, else what looks like one.
pub(crate) fn tag(random: &mut Random) -> String {
    if random.chance(10) {
        let odd = [
            "release",
            "latest",
            "main",
            "deadbeef",
            "1234567",
            "HEAD",
            "v1.0",
            "v3",
            "V1.0.0",
            "1.0.0",
            "v01.0.0",
            "v1.0.0.0",
            "v1.0.0-",
            "v1.0.0-01",
            "v\u{e9}1",
            "-v1.0.0",
            "v1.0.0'x",
            "v1.0.0\"x",
            "a/b/c/v1.0.0",
        ];
        return random.pick(&odd).to_owned();
    }
    let prefix = random.pick(&[
        "",
        "",
        "",
        "",
        "sub/",
        "sub/",
        "sub/deep/",
        "v2/",
        "sub/v2/",
        "no/",
    ]);
    format!("{prefix}{}", version(random))
}

/// A version as a tag may have it.
pub(crate) fn version(random: &mut Random) -> String {
    let major = *random.pick(&[&0, &0, &1, &1, &1, &1, &2, &2, &2, &3, &10]);
    let (minor, patch) = (random.below(3), random.below(3));
    let before = match random.below(16) {
        0 | 1 => "-pre",
        2 => "-rc.1",
        3 => "-0.20200102030405-abcdefabcdef",
        4 => "-pre.0.20200102030405-abcdefabcdef",
        5 => "-0",
        _ => "",
    };
    let meta = match random.below(16) {
        0 => "+meta",
        1 => "+incompatible",
        2 => "+a.b-c",
        _ => "",
    };
    if random.chance(3) {
        return "v0.0.0-20200102030405-abcdefabcdef".to_owned();
    }
    format!("v{major}.{minor}.{patch}{before}{meta}")
}

/// The name of a branch.
pub(crate) fn branch(random: &mut Random) -> String {
    let names = [
        "dev",
        "feature/x",
        "v1",
        "v2",
        "v1.0.0",
        "v1.2.0",
        "v2.0.0",
        "release-1",
        "deadbeef",
        "latest",
        "HEAD",
        "sub/v1.0.0",
        "master",
        "v0.0.0-20200102030405-abcdefabcdef",
        "caf\u{e9}",
        "1234567",
        "x'y",
    ];
    random.pick(&names).to_owned()
}

/// Names of which none is a folder of another, as git's files want it.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeSet<String>);

impl Names {
    /// Takes a name unless it is taken, or in the way of another.
    pub(crate) fn take(&mut self, name: &str) -> bool {
        let parents = name.match_indices('/').map(|(at, _)| &name[..at]);
        let below = format!("{name}/");
        let free = !self.0.contains(name)
            && parents.into_iter().all(|parent| !self.0.contains(parent))
            && !self
                .0
                .range(below.clone()..)
                .next()
                .is_some_and(|next| next.starts_with(&below));
        free && self.0.insert(name.to_owned())
    }
}
