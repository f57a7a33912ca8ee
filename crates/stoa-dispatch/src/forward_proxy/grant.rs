//! What each user of the proxy may do.

use std::{
    collections::HashMap,
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// Says where connections may be made to.
pub trait AddressPolicy: fmt::Debug + Send + Sync + 'static {
    /// Whether a connection for port `port` of `host`, as a program has written it, may be made to `address`, which is
    /// one of its addresses.
    fn allows(&self, host: &str, port: u16, address: IpAddr) -> bool;
}

/// What one run of a program may do by the proxy.
#[derive(Clone, Debug)]
pub struct ProxyGrant {
    /// The addresses that it may reach.
    pub policy: Arc<dyn AddressPolicy>,
    /// The only host and port that it may ask for, because it has a password for them that must go nowhere else. With
    /// `None`, whatever `policy` allows.
    pub only: Option<(String, u16)>,
}

/// What a program needs to use a [`ForwardProxy`](crate::ForwardProxy): basic authentication with the user
/// [`ProxyAccess::USER`]. Dropping it ends the grant and cuts its connections.
pub struct ProxyAccess {
    /// A port of loopback.
    pub address: SocketAddr,
    /// Random, so that no other user of the machine, and no other program, can use the grant.
    pub password: String,
    session: Arc<Session>,
    grants: Arc<Grants>,
}

/// A grant that is in force.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) grant: ProxyGrant,
    /// Ends its connections.
    pub(crate) ended: CancellationToken,
    refusal: Mutex<Option<String>>,
    received: AtomicU64,
}

/// The grants in force, by the value of `Proxy-Authorization`.
#[derive(Debug, Default)]
pub(crate) struct Grants(Mutex<HashMap<String, Arc<Session>>>);

impl Grants {
    /// Makes a password for `grant` at the proxy on `address`.
    pub(crate) fn add(self: &Arc<Self>, grant: ProxyGrant, address: SocketAddr) -> io::Result<ProxyAccess> {
        let password = random()?;
        let session = Arc::new(Session {
            grant,
            ended: CancellationToken::new(),
            refusal: Mutex::default(),
            received: AtomicU64::new(0),
        });
        let shown = basic(ProxyAccess::USER, &password);
        self.0.lock().insert(shown, Arc::clone(&session));
        Ok(ProxyAccess {
            address,
            password,
            session,
            grants: Arc::clone(self),
        })
    }

    /// The grant whose user shows this.
    pub(crate) fn find(&self, authorization: &[u8]) -> Option<Arc<Session>> {
        let shown = std::str::from_utf8(authorization).ok()?;
        self.0.lock().get(shown).cloned()
    }
}

impl ProxyAccess {
    /// The user.
    pub const USER: &str = "stoa";

    /// Why the program was first refused a connection, if it was.
    pub fn refusal(&self) -> Option<String> {
        self.session.refusal.lock().clone()
    }

    /// How many bytes servers have sent.
    pub fn received(&self) -> u64 {
        self.session.received.load(Ordering::Relaxed)
    }
}

impl Session {
    /// Whether the program may ask for this host and port at all.
    pub(crate) fn names(&self, host: &str, port: u16) -> bool {
        let only = self.grant.only.as_ref();
        only.is_none_or(|(its, its_port)| *its_port == port && canonical(its) == canonical(host))
    }

    /// Notes why a connection was refused.
    pub(crate) fn refused(&self, why: &str) {
        self.refusal.lock().get_or_insert_with(|| why.to_owned());
    }

    /// Counts what a server has sent.
    pub(crate) fn receive(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Drop for ProxyAccess {
    fn drop(&mut self) {
        self.grants.0.lock().remove(&basic(Self::USER, &self.password));
        self.session.ended.cancel();
    }
}

impl fmt::Debug for ProxyAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyAccess({})", self.address)
    }
}

/// A host in the one form in which hosts are compared.
fn canonical(host: &str) -> String {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_string(),
        Err(_) => host.trim_end_matches('.').to_ascii_lowercase(),
    }
}

fn random() -> io::Result<String> {
    let mut bytes = [0; 16];
    let provider = rustls::crypto::ring::default_provider();
    let filled = provider.secure_random.fill(&mut bytes);
    filled.map_err(|_| io::Error::other("the system gives no random bytes"))?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

fn basic(user: &str, password: &str) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}
