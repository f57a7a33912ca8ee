//! Which hosts a page or redirect may lead to.

use std::{collections::HashSet, net::IpAddr, sync::Arc};

use stoa_dispatch::{AddressPolicy, is_public};
use url::{Host, Url};

use super::scheme::default_port;

/// A URL leads to a host that is not public.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{host} is not a public host{advice}")]
pub struct PrivateHostError {
    host: String,
    advice: String,
}

/// How a URL may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Wherever its host is: the configuration says so.
    Anywhere,
    /// Only at public addresses of its host.
    PublicOnly,
}

/// Tells URLs that lead to hosts of the public internet from those that lead into a private network.
///
/// Module paths, go-import tags and redirects are written by strangers, so what they name must not be asked for from
/// inside: neighbours, metadata services of clouds, this very machine. Looked at are literal addresses, in all the
/// spellings that a resolver takes, and names of this machine. What other names resolve to is looked at where they are
/// resolved for a connection: by the dispatcher, and by the proxy of programs, for which this is the policy.
#[derive(Clone, Debug, Default)]
pub struct UrlGuard {
    allow_private: bool,
    /// The setting to name in messages.
    setting: Option<Arc<str>>,
    /// The tables that name hosts, for messages.
    tables: Option<Arc<str>>,
    /// Hosts and ports that the configuration names itself.
    named: HashSet<(String, Option<u16>)>,
}

impl UrlGuard {
    /// A guard that lets everything pass, or public hosts only.
    pub fn new(allow_private: bool) -> Self {
        Self {
            allow_private,
            setting: None,
            tables: None,
            named: HashSet::new(),
        }
    }

    /// The same guard, whose refusals name the setting that would let them pass.
    #[must_use]
    pub fn with_setting(self, name: &str) -> Self {
        Self {
            setting: Some(name.into()),
            ..self
        }
    }

    /// The same guard, whose refusals name the tables of the configuration in which hosts can be named.
    #[must_use]
    pub fn with_tables(self, names: &str) -> Self {
        Self {
            tables: Some(names.into()),
            ..self
        }
    }

    /// What can be done about a refusal: `: name its host in [[vcs.module]], or set vcs.allow_private_addresses`.
    pub(crate) fn remedy(&self) -> String {
        match (self.tables.as_deref(), self.setting.as_deref()) {
            (Some(tables), Some(setting)) => format!(": name its host in {tables}, or set {setting}"),
            (Some(tables), None) => format!(": name its host in {tables}"),
            (None, Some(setting)) => format!(": set {setting}"),
            (None, None) => String::new(),
        }
    }

    /// What to add to a refusal: ` (vcs.allow_private_addresses is off)`, or nothing if no setting was named.
    pub(crate) fn advice(&self) -> String {
        let setting = self.setting.as_deref();
        setting.map_or_else(String::new, |setting| format!(" ({setting} is off)"))
    }

    /// Lets URLs of this URL's host and port pass, too, whatever their scheme and path: the configuration names it.
    pub fn name(&mut self, url: &Url) {
        self.named.insert(authority(url));
    }

    /// The same guard, which knows none of the hosts that were named to it.
    #[must_use]
    pub fn without_names(&self) -> Self {
        Self {
            named: HashSet::new(),
            ..self.clone()
        }
    }

    /// Whether everything passes.
    pub fn allows_everything(&self) -> bool {
        self.allow_private
    }

    /// Whether the URL may be asked for.
    pub fn check(&self, url: &Url) -> Result<(), PrivateHostError> {
        self.admit(url).map(drop)
    }

    /// How the URL may be asked for, if at all.
    pub fn admit(&self, url: &Url) -> Result<Access, PrivateHostError> {
        if self.allow_private || self.named.contains(&authority(url)) {
            return Ok(Access::Anywhere);
        }
        if leads_out(url) {
            return Ok(Access::PublicOnly);
        }
        Err(PrivateHostError {
            host: url.host_str().unwrap_or_default().to_owned(),
            advice: self.advice(),
        })
    }
}

impl AddressPolicy for UrlGuard {
    fn allows(&self, host: &str, port: u16, address: IpAddr) -> bool {
        let bracketed = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        let url = Url::parse(&format!("http://{bracketed}:{port}/"));
        let named = url.is_ok_and(|url| self.named.contains(&authority(&url)));
        self.allow_private || named || is_public(address)
    }
}

/// The host and port as far as the guard compares them.
fn authority(url: &Url) -> (String, Option<u16>) {
    let host = match host(url) {
        Some(Host::Domain(name)) => name.trim_end_matches('.').to_owned(),
        Some(address) => address.to_string(),
        None => String::new(),
    };
    (host, url.port().or_else(|| default_port(url.scheme())))
}

/// The host as a resolver reads it. URLs of ssh and the like keep theirs as it is written, so it is read once more.
fn host(url: &Url) -> Option<Host> {
    let url = Url::parse(&format!("http://{}/", url.host_str()?)).ok()?;
    url.host().map(|host| host.to_owned())
}

fn leads_out(url: &Url) -> bool {
    match host(url) {
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        Some(Host::Domain(name)) => !is_own_name(name.trim_end_matches('.')),
        None => false,
    }
}

/// Names of this machine or of a metadata service, in lower case.
fn is_own_name(name: &str) -> bool {
    let ends_in = |suffix: &str| {
        name.strip_suffix(suffix)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let local = [
        "localhost",
        "localdomain",
        "localhost4",
        "localhost6",
        "ip6-localhost",
        "ip6-loopback",
    ];
    name.is_empty()
        || local.into_iter().any(ends_in)
        || ends_in("metadata.google.internal")
        || ends_in("metadata.goog")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_private_host_is_refused() {
        let guard = UrlGuard::default();
        for url in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://127.0.0.1./",
            "https://[::1]/",
            "https://[::ffff:7f00:1]/",
            "https://%31%32%37.0.0.1/",
            "https://\u{ff11}\u{ff12}\u{ff17}.0.0.1/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://a.localhost/",
            "http://localhost.localdomain/",
            "http://metadata.google.internal/",
            "http://metadata.goog/",
            "http://user:pass@169.254.169.254/",
            "ssh://0x7f000001/a",
            "ssh://git@2130706433/a",
            "git://%31%32%37.0.0.1/a",
            "svn+ssh://LocalHost/a",
            "git://[::ffff:10.0.0.1]/a",
            "ssh://[fe80::1]/a",
            "ssh:///a",
            "mailto:a@b",
        ] {
            let url = Url::parse(url).expect(url);
            assert!(guard.check(&url).is_err(), "{url}");
            assert!(UrlGuard::new(true).check(&url).is_ok(), "{url}");
        }
        for url in [
            "https://github.com/a/b",
            "ssh://git@1.1.1.1/a",
            "https://[2606:4700::1111]/",
            "https://notlocalhost.example/",
            "https://localhost.example.com/",
        ] {
            let url = Url::parse(url).expect(url);
            assert_eq!(guard.check(&url), Ok(()), "{url}");
        }
    }

    #[test]
    fn a_host_that_the_configuration_names_passes_at_its_port_only() {
        let url = |text: &str| Url::parse(text).expect("url");
        let mut guard = UrlGuard::default();
        guard.name(&url("https://10.0.0.5/git/"));
        guard.name(&url("ssh://git@localhost/"));
        for passes in [
            "https://10.0.0.5/x",
            "https://0xa000005:443/",
            "ssh://LOCALHOST.:22/",
        ] {
            assert_eq!(guard.check(&url(passes)), Ok(()), "{passes}");
        }
        for refused in [
            "http://10.0.0.5/",
            "https://10.0.0.5:8443/",
            "https://10.0.0.6/",
            "http://localhost/",
        ] {
            assert!(guard.check(&url(refused)).is_err(), "{refused}");
        }
    }

    #[test]
    fn programs_may_go_to_private_addresses_of_named_hosts_only() {
        let url = |text: &str| Url::parse(text).expect("url");
        let private = "10.0.0.5".parse().expect("an address");
        let mut guard = UrlGuard::default();
        guard.name(&url("https://git.corp.example/x"));
        guard.name(&url("http://[fd00::1]:8080/x"));
        for (host, port, allowed) in [
            ("Git.corp.example.", 443, true),
            ("git.corp.example", 80, false),
            ("fd00:0::1", 8080, true),
            ("a.example", 443, false),
        ] {
            assert_eq!(guard.allows(host, port, private), allowed, "{host}:{port}");
        }
        assert!(guard.allows("a.example", 443, "1.1.1.1".parse().expect("an address")));
        assert!(UrlGuard::new(true).allows("a.example", 443, private));
    }
}
