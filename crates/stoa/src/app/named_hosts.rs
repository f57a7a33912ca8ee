//! The hosts that the configuration names.

use std::collections::HashSet;

use stoa_dispatch::LaneKey;
use stoa_fetch::{BaseUrl, Entry, UpstreamList};
use stoa_module::PatternList;
use url::Url;

use crate::config::{Config, DatabaseServer};

/// The hosts that the configuration names, each with a lane of its own that no stranger's host can take: upstreams, those
/// of routes, checksum databases, repositories, targets of rewrites, hosts of private modules and of those that a route
/// matches, those of `[[dispatch.lane]]` and of `[toolchains]`, as far as they are written out.
pub(super) fn named_hosts(config: &Config) -> HashSet<LaneKey> {
    let lists = config.upstream.routes.iter().map(|route| &route.upstream);
    let servers = lists.chain([&config.upstream.list]).flat_map(servers);
    let databases = config
        .sumdb
        .databases
        .iter()
        .filter_map(|database| match &database.server {
            DatabaseServer::Url(url) => Some(url),
            DatabaseServer::Registered(_) => None,
        });
    let bases = servers
        .chain(databases)
        .chain(&config.toolchains.upstream)
        .map(|base| base.name().as_str().to_owned());
    let vcs = &config.vcs;
    let targets = vcs
        .mappings
        .targets()
        .chain(vcs.rewrites.targets())
        .map(Url::to_string);
    let of_urls = bases.chain(targets).filter_map(|url| {
        let uri = url.parse().ok()?;
        LaneKey::of_uri(&uri).ok()
    });
    let routes = config.upstream.routes.iter().map(|route| &route.patterns);
    let lanes = config.dispatch.rules.iter().map(|rule| &rule.hosts);
    let patterns = routes.chain(lanes).chain([&vcs.private]);
    let of_patterns = patterns.flat_map(PatternList::first_elements).flat_map(|host| {
        // A host without a port may be asked over http, too.
        [LaneKey::of_host(host), LaneKey::of_host(&format!("{host}:80"))]
    });
    let archives = config
        .toolchains
        .upstream
        .iter()
        .flat_map(|_| config.toolchains.hosts.iter());
    of_urls
        .chain(of_patterns.filter_map(Result::ok))
        .chain(archives.cloned())
        .collect()
}

fn servers(list: &UpstreamList) -> impl Iterator<Item = &BaseUrl> {
    list.entries().iter().filter_map(|(entry, _)| match entry {
        Entry::Server(base) => Some(base),
        Entry::File(_) | Entry::Registered(_) | Entry::Direct | Entry::Off => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::lab::config;

    #[test]
    fn every_host_that_is_written_out_has_a_lane_of_its_own() {
        let config = config(
            "upstream = \"https://proxy.example|http://127.0.0.1:8080/go,direct\"\n\
             [[route]]\nmatch = \"corp.example/*,*.glob.example\"\nupstream = \"https://goproxy.corp.example\"\n\
             [vcs]\nprivate = \"git.corp.example/team,*\"\n\
             [[vcs.module]]\nprefix = \"a.example/x\"\nvcs = \"git\"\nrepo = \"https://repo.example/x\"\n\
             [[vcs.module]]\nprefix = \"a.example/y\"\nvcs = \"git\"\nrepo = \"ssh://git@ssh.example/y\"\n\
             [[rewrite]]\nfrom = \"https://github.com/\"\nto = \"https://mirror.example/github/\"\n\
             [[dispatch.lane]]\nmatch = \"Lane.example:8443,*.lane.example\"\n\
             [sumdb]\ndatabases = [\"sum.golang.org\"]\n\
             [toolchains]\nupstream = \"https://archives.example/dl/\"\nhosts = [\"dl.example\"]\n",
        )
        .expect("config");
        let mut named: Vec<_> = named_hosts(&config).iter().map(LaneKey::to_string).collect();
        named.sort();
        assert_eq!(
            named,
            [
                "127.0.0.1:8080",
                "archives.example",
                "corp.example",
                "corp.example:80",
                "dl.example",
                "git.corp.example",
                "git.corp.example:80",
                "goproxy.corp.example",
                "lane.example:8443",
                "mirror.example",
                "proxy.example",
                "repo.example",
                "sum.golang.org",
            ]
        );
    }
}
