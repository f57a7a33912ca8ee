//! What is no fault and is seldom meant.

use stoa_fetch::Entry;

use super::Config;

/// Proxies that only have what is public, so that a route to one says nothing of its modules.
const PUBLIC: [&str; 4] = [
    "proxy.golang.org",
    "goproxy.io",
    "goproxy.cn",
    "mirrors.aliyun.com",
];

/// Warnings about keys that do not fit each other, a line each.
pub(super) fn advice(config: &Config) -> Vec<String> {
    let Some(database) = config.sumdb.databases.first().filter(|_| config.sumdb.verify) else {
        return Vec::new();
    };
    let everybody = config.upstream.list.entries();
    let of_their_own = |entry: &Entry| match entry {
        Entry::Server(base) => {
            !PUBLIC.contains(&&*base.name().to_string()) && !everybody.iter().any(|(other, _)| other == entry)
        }
        Entry::File(_) => !everybody.iter().any(|(other, _)| other == entry),
        Entry::Direct | Entry::Off => false,
    };
    let routes = config.upstream.routes.iter();
    let routes = routes.filter(|route| {
        route
            .upstream
            .entries()
            .iter()
            .any(|(entry, _)| of_their_own(entry))
    });
    let unlisted = routes.map(|route| route.patterns.only(|glob| !config.vcs.private.matches(glob)));
    unlisted
        .filter(|patterns| !patterns.is_empty())
        .map(|patterns| {
            let name = database.key.name();
            format!(
                "the [[route]] for {patterns} has an upstream of its own, but their names are told to {name}, the checksum \
                 database; if they are private, add them: vcs.private = \"{patterns}\""
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::config::lab::config;

    fn warnings(toml: &str) -> Vec<String> {
        config(toml).expect("good").record.warnings
    }

    fn route(patterns: &str, upstream: &str) -> String {
        format!("[[route]]\nmatch = \"{patterns}\"\nupstream = \"{upstream}\"\n")
    }

    #[test]
    fn a_route_of_private_names_that_the_database_would_hear_of_is_told() {
        let route_of_own = route(
            "corp.example/*,git.corp.example",
            "https://private.corp.example,direct",
        );
        let text = warnings(&route_of_own);
        assert_eq!(text.len(), 1);
        assert!(
            text[0].contains("sum.golang.org")
                && text[0].contains("vcs.private = \"corp.example/*,git.corp.example\""),
            "{text:?}"
        );
        let half = warnings(&format!("{route_of_own}[vcs]\nprivate = \"corp.example/*\""));
        assert!(half[0].contains("for git.corp.example has"), "{half:?}");
        for quiet in [
            format!("{route_of_own}[vcs]\nprivate = \"corp.example,git.corp.example\""),
            format!("{route_of_own}[sumdb]\nverify = false"),
            format!("{route_of_own}[sumdb]\ndatabases = []"),
            route("k8s.io", "direct"),
            route("k8s.io", "https://proxy.golang.org"),
            format!(
                "upstream = \"https://a.example\"\n{}",
                route("k8s.io", "https://a.example")
            ),
        ] {
            assert!(warnings(&quiet).is_empty(), "{quiet}");
        }
    }
}
