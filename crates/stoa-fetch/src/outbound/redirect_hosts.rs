//! The hosts that a server may lead to.

use std::collections::HashSet;

use stoa_dispatch::LaneKey;
use url::Url;

use crate::{FetchError, SourceName};

/// The hosts that a server may redirect to besides its own, as the configuration names them. Wherever their addresses are:
/// whoever named them knows.
#[derive(Clone, Debug)]
pub struct RedirectHosts {
    hosts: HashSet<LaneKey>,
    /// The setting that names them, for messages.
    setting: &'static str,
}

impl RedirectHosts {
    /// These hosts, named by this setting.
    pub fn new(hosts: impl IntoIterator<Item = LaneKey>, setting: &'static str) -> Self {
        Self {
            hosts: hosts.into_iter().collect(),
            setting,
        }
    }

    /// Fails unless it is one of them that the URL names.
    pub(super) fn check(&self, url: &Url, source_name: &SourceName) -> Result<(), FetchError> {
        let uri = url.as_str().parse().ok();
        let host = uri.and_then(|uri| LaneKey::of_uri(&uri).ok());
        if host.as_ref().is_some_and(|host| self.hosts.contains(host)) {
            return Ok(());
        }
        let host = host.map_or_else(|| "a URL without a host".to_owned(), |host| host.to_string());
        let setting = self.setting;
        let reason = format!("redirected to {host}, which {setting} does not name");
        Err(FetchError::invalid(source_name, reason))
    }
}
