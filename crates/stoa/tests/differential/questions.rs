//! What is asked about a repository.

use serde::Serialize;

use crate::names;
use crate::random::Random;
use crate::repository::{Commit, Repository};

/// What is asked of one module, as the oracle reads it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Questions {
    /// Where the repository is.
    #[serde(rename = "URL")]
    pub(crate) url: String,
    /// Its import path.
    pub(crate) root: String,
    /// The folder that counts as its root.
    pub(crate) subdir: String,
    /// The module.
    pub(crate) path: String,
    pub(crate) queries: Vec<String>,
    /// Whether each query is the first of all.
    pub(crate) fresh: bool,
    /// Of how many versions go.mod and zip are asked for.
    pub(crate) content: usize,
}

/// An import path that a configuration maps to a repository.
#[derive(Clone, Debug)]
pub(crate) struct Mapping {
    pub(crate) prefix: String,
    pub(crate) subdir: &'static str,
}

/// What else than `example.com/NAME.git` leads to the repository.
pub(crate) fn mappings(name: &str) -> [Mapping; 5] {
    let mapping = |prefix: String, subdir| Mapping { prefix, subdir };
    [
        mapping(format!("gopkg.in/{name}.v1"), ""),
        mapping(format!("gopkg.in/{name}.v2"), ""),
        mapping(format!("gopkg.in/{name}.v2-unstable"), ""),
        mapping(format!("example.com/whole/{name}/v2"), ""),
        mapping(format!("example.com/part/{name}"), "sub"),
    ]
}

impl Repository {
    /// Questions about some of the modules that may be in it. `server` is where it is served.
    pub(crate) fn questions(&self, server: &str) -> Vec<Questions> {
        let mut random = Random::new(self.seed ^ 0xa5a5_a5a5);
        let root = format!("example.com/{}.git", self.name);
        let mut modules = vec![(root.clone(), "", root.clone())];
        let inside = [
            "/sub",
            "/v2",
            "/sub/v2",
            "/sub/deep",
            "/v3",
            "/no",
            "/sub/deep/v10",
        ];
        let count = if random.chance(80) { 4 } else { inside.len() };
        for inside in random.some(inside[..count].to_vec(), 3) {
            modules.push((root.clone(), "", format!("{root}{inside}")));
        }
        for Mapping { prefix, subdir } in random.some(mappings(&self.name).to_vec(), 2) {
            if !subdir.is_empty() {
                modules.push((prefix.clone(), subdir, format!("{prefix}/v2")));
            }
            modules.push((prefix.clone(), subdir, prefix));
        }
        let ask = |(root, subdir, path): (String, &str, String)| Questions {
            url: format!("{server}/{}", self.name),
            queries: self.queries(&mut random, path.strip_prefix(&root).unwrap(), subdir),
            root,
            subdir: subdir.to_owned(),
            path,
            fresh: false,
            content: 6,
        };
        modules.into_iter().map(ask).collect()
    }

    /// Queries for a module whose path ends in `rest` after the root, and whose root is the folder `subdir`.
    fn queries(&self, random: &mut Random, rest: &str, subdir: &str) -> Vec<String> {
        let folder = rest.trim_start_matches('/');
        let folder = if subdir.is_empty() { folder } else { subdir };
        let folder = folder.rsplit_once("/v").map_or(folder, |(before, _)| before);
        let prefix = if folder.is_empty() || folder.starts_with('v') {
            String::new()
        } else {
            format!("{folder}/")
        };
        let major = format!("{subdir}{rest}")
            .rsplit_once("/v")
            .and_then(|(_, digits)| digits.parse().ok());
        let mut queries = Vec::new();
        for tag in random.some(self.tags.clone(), 6) {
            let version = tag.strip_prefix(&prefix).unwrap_or(&tag).to_owned();
            if random.chance(25) {
                queries.push(format!("{version}+incompatible"));
            }
            queries.push(version);
        }
        queries.extend(random.some(self.branches.clone(), 3));
        for commit in random.some(self.commits.clone(), 3) {
            let short = *random.pick(&[&12, &12, &12, &7, &8, &40, &40, &6, &64]);
            queries.push(commit.hash.chars().take(short).collect());
            if random.chance(5) {
                queries.push(commit.hash[..12].to_uppercase());
            }
            for _ in 0..2 {
                queries.push(self.pseudo(random, &prefix, major, &commit));
            }
        }
        let fixed = [
            "HEAD",
            "latest",
            "v1",
            "v1.0.0",
            "v2.0.0+incompatible",
            "nothere",
            "abcdefabcdef",
        ];
        queries.extend(random.some(fixed.to_vec(), 3).into_iter().map(str::to_owned));
        // Others cannot be asked for in a GOPROXY.
        let askable = |c: char| c.is_ascii_alphanumeric() || "-._~+".contains(c);
        queries.retain(|query| !query.is_empty() && query.chars().all(askable) && !query.ends_with('.'));
        let mut all = vec!["@list".to_owned(), "@latest".to_owned()];
        for query in queries {
            if !all.contains(&query) {
                all.push(query);
            }
        }
        all
    }

    /// A pseudo-version of a commit, which is right or nearly so.
    fn pseudo(&self, random: &mut Random, prefix: &str, major: Option<usize>, commit: &Commit) -> String {
        let off = [0, 0, 0, 0, 0, 0, 0, 1][random.below(8)];
        let time = compact(commit.time + off);
        let length = [12, 12, 12, 12, 12, 12, 12, 12, 11, 13][random.below(10)];
        let rev = &commit.hash[..length];
        let suffix = if random.chance(8) { "+incompatible" } else { "" };
        let bases: Vec<&str> = self
            .tags
            .iter()
            .filter_map(|tag| tag.strip_prefix(prefix))
            .collect();
        let base = match random.below(8) {
            0..4 => format!(
                "v{}.0.0-",
                major.unwrap_or([0, 0, 0, 0, 0, 1, 2][random.below(7)])
            ),
            4 => above(&names::version(random)),
            _ if bases.is_empty() => "v0.0.0-".to_owned(),
            _ => above(random.pick(&bases)),
        };
        format!("{base}{time}-{rev}{suffix}")
    }
}

/// The beginning of the pseudo-versions above a version.
fn above(version: &str) -> String {
    let version = version.split('+').next().unwrap();
    if version.contains('-') {
        return format!("{version}.0.");
    }
    match version.rsplit_once('.') {
        Some((start, patch)) => format!("{start}.{}-0.", patch.parse::<u64>().unwrap_or(0) + 1),
        None => format!("{version}-0."),
    }
}

/// `yyyymmddhhmmss` in UTC.
fn compact(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // The days since 0000-03-01, after which leap days come last (Howard Hinnant, days_from_civil).
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (
        day - (153 * month + 2) / 5 + 1,
        if month < 10 { month + 3 } else { month - 9 },
    );
    let year = era * 400 + year + u64::from(month <= 2);
    format!(
        "{year:04}{month:02}{day:02}{:02}{:02}{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}
