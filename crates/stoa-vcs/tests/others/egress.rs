//! Programs go out through a proxy, and not past it.

use std::collections::HashSet;
use std::net::{IpAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use async_trait::async_trait;
use stoa_dispatch::{AddressPolicy, ForwardProxy, ProxyAccess, ProxyGrant, SystemLookup};
use stoa_vcs::cache::Cache;
use stoa_vcs::conformance::Workspace;
use stoa_vcs::{
    Authority, BzrRepository, Egress, EgressError, FossilRepository, HgRepository, HttpProxy, NamedBy,
    ProxySession, Repository, RepositoryOptions, SvnRepository, VcsError, VcsKind,
};

use crate::guarded::{Behind, Guard, Served};

/// Allows some ports of this machine, and remembers which it was asked for.
#[derive(Debug, Default)]
struct Ports {
    allowed: HashSet<u16>,
    asked: Mutex<Vec<u16>>,
}

impl AddressPolicy for Ports {
    fn allows(&self, _: &str, port: u16, _: IpAddr) -> bool {
        self.asked.lock().expect("no panic").push(port);
        self.allowed.contains(&port)
    }
}

#[derive(Debug)]
struct Out(ForwardProxy, Arc<Ports>, NamedBy);

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

#[async_trait]
impl Egress for Out {
    async fn check(&self, _: &str) -> Result<NamedBy, EgressError> {
        Ok(self.2)
    }

    fn refuse_redirects(&self, vcs: VcsKind) -> EgressError {
        EgressError::Refused(format!("{vcs} is not guarded"))
    }

    async fn proxy(&self, only: Option<Authority>) -> Result<HttpProxy, String> {
        let policy: Arc<dyn AddressPolicy> = Arc::<Ports>::clone(&self.1);
        let only = only.map(|only| (only.host, only.port));
        let access = self.0.grant(ProxyGrant { policy, only });
        let access = access.map_err(|error| error.to_string())?;
        Ok(HttpProxy {
            address: access.address,
            user: ProxyAccess::USER.to_owned(),
            password: access.password.clone(),
            session: Arc::new(Run(access)),
        })
    }
}

fn port(base: &str) -> u16 {
    let port = base.rsplit(':').next().expect("a port");
    port.parse().expect("a number")
}

/// Options with a way out to these servers only.
async fn options(work: &Workspace, named_by: NamedBy, allowed: &[&str]) -> (RepositoryOptions, Arc<Ports>) {
    let ports = Arc::new(Ports {
        allowed: allowed.iter().map(|base| port(base)).collect(),
        asked: Mutex::default(),
    });
    let proxy = ForwardProxy::start(Arc::new(SystemLookup)).await;
    let mut options = work.options();
    let out = Out(proxy.expect("a port"), Arc::clone(&ports), named_by);
    options.egress = Some(Arc::new(out));
    (options, ports)
}

fn open(vcs: VcsKind, url: &str, cache: Arc<Cache>, options: RepositoryOptions) -> Box<dyn Repository> {
    match vcs {
        VcsKind::Hg => Box::new(HgRepository::open(url, cache, options).expect("an address")),
        VcsKind::Svn => Box::new(SvnRepository::open(url, cache, options).expect("an address")),
        VcsKind::Bzr => Box::new(BzrRepository::open(url, cache, options).expect("an address")),
        VcsKind::Fossil => Box::new(FossilRepository::open(url, cache, options).expect("an address")),
        VcsKind::Git => panic!("git has tests of its own"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_are_read_through_the_proxy() {
    let work = Workspace::new();
    work.script(
        "hg init h; cd h; echo a >a; hg add -q; hg commit -qm one; cd ..; \
         bzr init -q b; cd b; echo a >a; bzr add -q; bzr commit -qm one; cd ..; \
         fossil init f.fossil >/dev/null; mkdir f; cd f; fossil open ../f.fossil >/dev/null; echo a >a; \
         fossil add a >/dev/null; fossil commit -m one --no-warnings >/dev/null",
    );
    let hg = Served::hg(&work.path("repo/h"));
    let fossil = Served::fossil(&work.path("repo/f.fossil"));
    let bzr = Guard::open_to_all(Behind::Files(work.path("repo")));
    for (vcs, url) in [
        (VcsKind::Hg, format!("http://{}", hg.address)),
        (VcsKind::Bzr, format!("{}/b", bzr.base)),
        (VcsKind::Fossil, format!("http://{}", fossil.address)),
    ] {
        let base = url.trim_end_matches("/b");
        let (options, ports) = options(&work, NamedBy::Configuration, &[base]).await;
        let repository = open(vcs, &url, work.cache(), options);
        repository
            .latest()
            .await
            .unwrap_or_else(|error| panic!("{vcs}: {error}"));
        assert!(
            ports.asked.lock().expect("no panic").contains(&port(base)),
            "{vcs} went past it"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_do_not_lead_past_the_proxy() {
    let victim = TcpListener::bind("127.0.0.1:0").expect("a port");
    let behind = format!("http://{}", victim.local_addr().expect("an address"));
    let arrived = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&arrived);
    // It ends with the test's process.
    thread::spawn(move || {
        for _stream in victim.incoming().flatten() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    for vcs in [VcsKind::Hg, VcsKind::Svn, VcsKind::Bzr, VcsKind::Fossil] {
        let work = Workspace::new();
        let server = Guard::open_to_all(Behind::Elsewhere(behind.clone()));
        let (options, ports) = options(&work, NamedBy::Stranger, &[&server.base]).await;
        let repository = open(vcs, &format!("{}/r", server.base), work.cache(), options);
        let error = repository.latest().await.expect_err("nothing is there");
        // Fossil is not even started: it would go past the proxy.
        let refused = matches!(error, VcsError::Refused { .. });
        assert_eq!(refused, vcs == VcsKind::Fossil, "{vcs}: {error}");
        assert_eq!(server.seen().is_empty(), refused, "{vcs}: {error}");
        assert_eq!(arrived.load(Ordering::SeqCst), 0, "{vcs}");
        let asked = ports.asked.lock().expect("no panic");
        assert!(refused || asked.contains(&port(&server.base)), "{vcs}: {asked:?}");
    }
}
