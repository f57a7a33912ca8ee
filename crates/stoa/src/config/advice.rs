//! What is no fault and is seldom meant.

use stoa_fetch::{
    Entry, UpstreamList,
    credentials::CredentialRule,
    outbound::{NamedModules, names_hosts},
};
use url::Url;

use super::{Config, IndexStore, RegistryBackend};

/// Proxies that only have what is public, so that a route to one says nothing of its modules.
const PUBLIC: [&str; 4] = [
    "proxy.golang.org",
    "goproxy.io",
    "goproxy.cn",
    "mirrors.aliyun.com",
];

/// Warnings about keys that do not fit each other, a line each.
pub(super) fn advice(config: &Config) -> Vec<String> {
    let told = told_to_the_database(config);
    told.into_iter()
        .chain(unused_mappings(config))
        .chain(unused_credentials(config))
        .chain(too_wide(config))
        .chain(index_of_several(config))
        .collect()
}

fn told_to_the_database(config: &Config) -> Vec<String> {
    let Some(database) = config.sumdb.databases.first().filter(|_| config.sumdb.verify) else {
        return Vec::new();
    };
    let everybody = config.upstream.list.entries();
    let of_their_own = |entry: &Entry| match entry {
        Entry::Server(base) => {
            !PUBLIC.contains(&&*base.name().to_string()) && !everybody.iter().any(|(other, _)| other == entry)
        }
        Entry::File(_) => !everybody.iter().any(|(other, _)| other == entry),
        Entry::Registered(_) => !everybody.iter().any(|(other, _)| other == entry),
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
    // What anybody may own is no private name, and nothing would be verified if it were listed as one.
    let may_be_private = |glob: &str| names_hosts(glob) && !config.vcs.private.matches(glob);
    let unlisted = routes.map(|route| route.patterns.only(may_be_private));
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

/// One index for nodes that have a storage each, or one each for nodes that have one storage.
fn index_of_several(config: &Config) -> Option<String> {
    if matches!(config.registry.backend, RegistryBackend::None) {
        return None;
    }
    let told = match (&config.index.store, config.peer.has_one_storage) {
        (IndexStore::Database(_), false) => {
            "index.store is a database that nodes share, but each has a storage of its own (peer.storage = \"own\"): what one \
             removes, it forgets of all; give each node an index of its own (index.store = \"file:\"), or all nodes one storage"
        }
        (IndexStore::InStorage | IndexStore::File(_) | IndexStore::Memory, true) => {
            "all nodes have one storage (peer.storage = \"shared\"), but each has an index of its own, which knows what that node \
             has stored: give them a database (index.store = \"postgres://USER@HOST/DATABASE\"), or none (index.store = \"none\")"
        }
        (IndexStore::Database(_), true)
        | (IndexStore::InStorage | IndexStore::File(_) | IndexStore::Memory, false)
        | (IndexStore::None, _) => return None,
    };
    Some(told.to_owned())
}

/// Patterns of private modules that strangers may have.
fn too_wide(config: &Config) -> Option<String> {
    let wide = config.vcs.private.only(|glob| !names_hosts(glob));
    (!wide.is_empty()).then(|| {
        format!(
            "vcs.private has {wide}, which matches hosts that anybody may own: what it matches is asked for at its repository \
             and not verified by a checksum database, and no credential is for it"
        )
    })
}

/// Mappings of modules that an upstream is asked for first.
fn unused_mappings(config: &Config) -> impl Iterator<Item = String> {
    let upstream = &config.upstream;
    let is_direct = |list: &UpstreamList| matches!(list.entries().first(), Some((Entry::Direct, _)));
    let asked = move |prefix: &&str| {
        let route = upstream
            .routes
            .iter()
            .find(|route| route.patterns.matches(prefix));
        match route {
            Some(route) => !is_direct(&route.upstream),
            None => !config.vcs.private.matches(prefix) && !is_direct(&upstream.list),
        }
    };
    config.vcs.mappings.prefixes().filter(asked).map(|prefix| {
        format!(
            "the [[vcs.module]] {prefix} is for when an upstream does not have the module: the upstream is asked first, and \
             learns its name; to have it from its repository alone, add {prefix} to vcs.private"
        )
    })
}

/// Credentials for repositories, where no module is named that could use them.
fn unused_credentials(config: &Config) -> Option<String> {
    let routes = config.upstream.routes.iter();
    let patterns = routes.map(|route| &route.patterns).chain([&config.vcs.private]);
    let are_named =
        !NamedModules::new(patterns).is_empty() || config.vcs.mappings.prefixes().next().is_some();
    let lists = config.upstream.routes.iter().map(|route| &route.upstream);
    let entries = lists
        .chain([&config.upstream.list])
        .flat_map(UpstreamList::entries);
    let servers: Vec<_> = entries
        .filter_map(|(entry, _)| match entry {
            Entry::Server(base) => Some(base.name().to_string()),
            _ => None,
        })
        .collect();
    let is_of_upstream = |rule: &CredentialRule| {
        let fits = |server: &String| Url::parse(server).is_ok_and(|url| rule.prefix.fits(&url));
        servers.iter().any(fits)
    };
    let unused = config
        .vcs
        .credentials
        .rules
        .iter()
        .filter(|rule| !is_of_upstream(rule))
        .count();
    (!are_named && unused > 0).then(|| {
        "a [[credential]] for repositories is used for no module: modules that may use it are named by vcs.private, a [[route]] \
         or a [[vcs.module]], and a pattern that matches hosts which anybody may own, such as \"*\", names none"
            .to_owned()
    })
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
    fn an_index_that_does_not_fit_the_storage_of_a_cluster_is_told() {
        let of = |index: &str, storage: &str, registry: &str| {
            warnings(&format!(
                "[index]\nstore = \"{index}\"\n[registry]\n{registry}\n[peer]\nstorage = \"{storage}\"\n"
            ))
        };
        let registry = "backend = \"static\"\nnodes = \"n1=http://127.0.0.1:3001\"";
        let database = "postgres://stoa@db.example/stoa";
        for (index, storage, want) in [
            (database, "own", "what one removes, it forgets of all"),
            ("file:", "shared", "give them a database"),
            ("memory:", "shared", "give them a database"),
        ] {
            let text = of(index, storage, registry);
            assert!(
                text.len() == 1 && text[0].contains(want),
                "{index} {storage}: {text:?}"
            );
        }
        for (index, storage) in [(database, "shared"), ("file:", "own"), ("none", "shared")] {
            assert_eq!(of(index, storage, registry), [""; 0], "{index} {storage}");
        }
        assert_eq!(of(database, "own", ""), [""; 0]);
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
            route("*", "https://goproxy.corp.example"),
            route("k8s.io", "https://proxy.golang.org"),
            format!(
                "upstream = \"https://a.example\"\n{}",
                route("k8s.io", "https://a.example")
            ),
        ] {
            assert!(warnings(&quiet).is_empty(), "{quiet}");
        }
    }

    #[test]
    fn a_mapping_that_an_upstream_is_asked_before_is_told() {
        let mapping = "[[vcs.module]]\nprefix = \"corp.example/tools\"\nvcs = \"git\"\nrepo = \"https://git.corp.example/tools\"\n";
        assert!(warnings(mapping)[0].contains("add corp.example/tools to vcs.private"));
        for quiet in [
            format!("{mapping}[vcs]\nprivate = \"corp.example/*\""),
            format!("upstream = \"direct\"\n{mapping}"),
            format!("{mapping}{}", route("corp.example", "direct")),
        ] {
            assert!(warnings(&quiet).is_empty(), "{quiet}");
        }
    }

    #[test]
    fn a_credential_that_no_module_may_use_is_told() {
        let secret = crate::config::lab::file("hunter2hunter2\n");
        let credential = |url: &str| {
            let file = secret.path().display();
            format!("[[credential]]\nmatch = \"{url}\"\nusername = \"bot\"\npassword_file = \"{file}\"\n")
        };
        let of_git = credential("https://git.corp.example/");
        assert!(warnings(&of_git)[0].contains("names none"));
        let wide = warnings(&format!("{of_git}[vcs]\nprivate = \"*,a.corp.example\""));
        assert_eq!(wide.len(), 1);
        assert!(wide[0].starts_with("vcs.private has *, which"), "{wide:?}");
        for quiet in [
            format!("{of_git}[vcs]\nprivate = \"corp.example/*\""),
            format!(
                "upstream = \"https://proxy.corp.example\"\n{}",
                credential("https://proxy.corp.example/")
            ),
        ] {
            assert!(warnings(&quiet).is_empty(), "{quiet}");
        }
    }
}
