//! How the programs of version control systems reach the network.

use std::{io, sync::Arc};

use async_trait::async_trait;
use stoa_dispatch::{
    AddressPolicy, ForwardProxy, Lookup, PrivateAddressError, ProxyAccess, ProxyGrant, is_public,
};
use stoa_vcs::{Authority, Egress, EgressError, HttpProxy, NamedBy, ProxySession, VcsKind};
use tokio::sync::Mutex;
use url::Url;

use super::{Access, UrlGuard};

/// Holds programs to a [`UrlGuard`]: what they ask over HTTP goes through a proxy of this process, which looks at each
/// connection.
#[derive(Debug)]
pub(crate) struct GuardedEgress {
    guard: Arc<UrlGuard>,
    lookup: Arc<dyn Lookup>,
    /// Started for the first program.
    proxy: Mutex<Option<ForwardProxy>>,
}

impl GuardedEgress {
    pub(crate) fn new(guard: UrlGuard, lookup: Arc<dyn Lookup>) -> Self {
        Self {
            guard: Arc::new(guard),
            lookup,
            proxy: Mutex::new(None),
        }
    }
}

#[async_trait]
impl Egress for GuardedEgress {
    async fn check(&self, url: &str) -> Result<NamedBy, EgressError> {
        let url = Url::parse(url).map_err(|error| EgressError::Refused(error.to_string()))?;
        let access = self.guard.admit(&url);
        let access = access.map_err(|error| EgressError::Refused(error.to_string()))?;
        let (Access::PublicOnly, Some(host)) = (access, url.host_str()) else {
            return Ok(NamedBy::Configuration);
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let uses_proxy = matches!(url.scheme(), "http" | "https");
        let found = match self.lookup.lookup(host).await {
            Ok(found) => found,
            Err(error) if uses_proxy => return Err(EgressError::Unreachable(format!("{host}: {error}"))),
            // Other programs resolve the name themselves, and report the failure.
            Err(_) => Vec::new(),
        };
        // The proxy connects to public addresses only; a program by itself might take any.
        let proxied = uses_proxy && found.iter().any(|address| is_public(*address));
        match found.into_iter().find(|address| !is_public(*address)) {
            Some(address) if !proxied => {
                let host = host.to_owned();
                let error = PrivateAddressError { host, address };
                let why = format!("{error}{}", self.guard.advice());
                Err(EgressError::Refused(why))
            }
            _ => Ok(NamedBy::Stranger),
        }
    }

    fn refuse_redirects(&self, vcs: VcsKind) -> EgressError {
        let remedy = self.guard.remedy();
        EgressError::Refused(format!(
            "{vcs} would follow redirects to private addresses{remedy}"
        ))
    }

    async fn proxy(&self, only: Option<Authority>) -> Result<HttpProxy, String> {
        let failed = |error: io::Error| format!("the proxy for programs: {error}");
        let policy: Arc<dyn AddressPolicy> = Arc::<UrlGuard>::clone(&self.guard);
        let grant = ProxyGrant {
            policy,
            only: only.map(|only| (only.host, only.port)),
        };
        let mut proxy = self.proxy.lock().await;
        let running = match &mut *proxy {
            Some(running) => running,
            none => none.insert(
                ForwardProxy::start(Arc::clone(&self.lookup))
                    .await
                    .map_err(failed)?,
            ),
        };
        let access = running.grant(grant).map_err(failed)?;
        Ok(HttpProxy {
            address: access.address,
            user: ProxyAccess::USER.to_owned(),
            password: access.password.clone(),
            session: Arc::new(Run(access)),
        })
    }
}

/// What one run of a program may do.
#[derive(Debug)]
struct Run(ProxyAccess);

impl ProxySession for Run {
    fn refusal(&self) -> Option<String> {
        self.0.refusal()
    }

    fn received(&self) -> u64 {
        self.0.received()
    }
}

#[cfg(test)]
mod tests {
    use std::{io, net::IpAddr};

    use super::*;

    #[derive(Debug)]
    struct Named(&'static [&'static str]);

    #[async_trait]
    impl Lookup for Named {
        async fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            if self.0.is_empty() {
                return Err(io::Error::other("nobody knows it"));
            }
            Ok(self
                .0
                .iter()
                .map(|text| text.parse().expect("an address"))
                .collect())
        }
    }

    async fn check(url: &str, addresses: &'static [&'static str]) -> Result<NamedBy, EgressError> {
        let mut guard = UrlGuard::default().with_setting("vcs.allow_private_addresses");
        guard.name(&Url::parse("ssh://git.corp.example/").expect("a URL"));
        GuardedEgress::new(guard, Arc::new(Named(addresses)))
            .check(url)
            .await
    }

    #[tokio::test]
    async fn names_are_judged_by_all_their_addresses() {
        for (url, addresses, passes) in [
            ("https://a.example/x", &["1.1.1.1"][..], true),
            ("https://a.example/x", &["10.0.0.1"], false),
            // The proxy connects to the public one.
            ("https://a.example/x", &["10.0.0.1", "1.1.1.1"], true),
            ("ssh://git@a.example/x", &["1.1.1.1"], true),
            ("ssh://git@a.example/x", &["1.1.1.1", "10.0.0.1"], false),
            ("git://a.example/x", &["::ffff:127.0.0.1"], false),
            ("svn://a.example/x", &[], true),
            ("ssh://git@127.0.0.1/x", &[], false),
            ("ssh://git@git.corp.example/x", &["10.0.0.1"], true),
            ("ssh://git@git.corp.example:2222/x", &["10.0.0.1"], false),
        ] {
            let checked = check(url, addresses).await;
            assert_eq!(checked.is_ok(), passes, "{url} {addresses:?}: {checked:?}");
            let named = url == "ssh://git@git.corp.example/x";
            assert_eq!(checked == Ok(NamedBy::Configuration), named, "{url}");
        }
        let error = check("https://a.example/x", &["10.0.0.1"])
            .await
            .expect_err("private");
        let want =
            "a.example leads to 10.0.0.1, which is no public address (vcs.allow_private_addresses is off)";
        assert_eq!(error, EgressError::Refused(want.to_owned()));
        let guard = UrlGuard::default()
            .with_setting("vcs.allow_private_addresses")
            .with_tables("[[vcs.module]] or [[rewrite]]");
        let fossil = GuardedEgress::new(guard, Arc::new(Named(&[]))).refuse_redirects(VcsKind::Fossil);
        let want = "fossil would follow redirects to private addresses: name its host in [[vcs.module]] or [[rewrite]], \
                    or set vcs.allow_private_addresses";
        assert_eq!(fossil, EgressError::Refused(want.to_owned()));
        let unknown = EgressError::Unreachable("a.example: nobody knows it".to_owned());
        assert_eq!(check("https://a.example/x", &[]).await, Err(unknown));
    }
}
