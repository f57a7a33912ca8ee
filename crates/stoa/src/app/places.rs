//! What no client is told of the machine.

use std::path::PathBuf;

use stoa_fetch::{Entry, UpstreamList};
use stoa_server::LocalPlaces;
use stoa_vcs::Credential;

use crate::config::Config;

/// Every directory and file of the machine that the configuration names or that is used by default.
pub(super) fn of(config: &Config) -> LocalPlaces {
    let options = &config.storage.options;
    let storage = config.storage.url.directory().into_iter();
    let storage = storage.chain([options.staging.as_path()]);
    let storage = storage.flat_map(|root| [root.canonicalize().ok(), Some(root.to_owned())]);
    let lists = config.upstream.routes.iter().map(|route| &route.upstream);
    let trees = lists.chain([&config.upstream.list]).flat_map(trees);
    let secrets = config
        .vcs
        .credentials
        .rules
        .iter()
        .flat_map(|rule| match &rule.credential {
            Credential::SshKey { key, known_hosts } => vec![key.clone(), known_hosts.clone()],
            Credential::SshAgent { socket, known_hosts } => vec![socket.clone(), known_hosts.clone()],
            _ => Vec::new(),
        });
    let others = [
        config.storage.own.clone(),
        options.secret_key_file.clone(),
        options.credentials_file.clone(),
        config.vcs.cache.clone(),
        config.admin.token_file.clone(),
        Some(config.admin.runtime_directory.clone()),
        Some(std::env::temp_dir()),
        std::env::home_dir(),
        std::env::current_dir().ok(),
    ];
    LocalPlaces::new(storage.chain(others).flatten().chain(trees).chain(secrets))
}

/// The `file://` trees of a list.
fn trees(list: &UpstreamList) -> impl Iterator<Item = PathBuf> {
    list.entries().iter().filter_map(|(entry, _)| match entry {
        Entry::File(root) => Some(root.clone()),
        _ => None,
    })
}
