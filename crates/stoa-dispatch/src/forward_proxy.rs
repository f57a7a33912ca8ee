//! The door for programs: an HTTP proxy that connects only where it is allowed to.
#![expect(
    clippy::disallowed_methods,
    reason = "what programs send leaves the machine here"
)]

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use http::{Uri, uri::Authority};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{Lookup, PrivateAddress};

/// Connections at once; more wait.
const MAX_CONNECTIONS: usize = 256;
/// The head of a request is not longer, in bytes.
const MAX_HEAD: usize = 16 << 10;
const MAX_HEADERS: usize = 64;
/// For the head of a request to come.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// For one connection to be made.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// For a server to end after the program has.
const LINGER: Duration = Duration::from_secs(60);

/// Says where connections may be made to.
pub trait AddressPolicy: fmt::Debug + Send + Sync + 'static {
    /// Whether a connection for port `port` of `host`, as a program has written it, may be made to `address`, which is
    /// one of its addresses.
    fn allows(&self, host: &str, port: u16, address: IpAddr) -> bool;
}

/// What a program needs to use a [`ForwardProxy`]: basic authentication with the user [`ProxyAccess::USER`].
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyAccess {
    /// A port of loopback.
    pub address: SocketAddr,
    /// Random; so that no other user of the machine goes out in our name.
    pub password: String,
}

impl ProxyAccess {
    /// The user.
    pub const USER: &str = "stoa";
}

impl fmt::Debug for ProxyAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyAccess({})", self.address)
    }
}

/// An HTTP proxy (`CONNECT`, and plain requests for `http:`) on a port of loopback, for programs that make connections
/// by themselves. Names are resolved here, once for each connection, and connected to is only what the policy allows: no
/// redirect and no second answer of a name server gets around it. Dropping it cuts everything.
#[derive(Debug)]
pub struct ForwardProxy {
    access: ProxyAccess,
    /// Owns the task that accepts, which owns those of the connections.
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    policy: Arc<dyn AddressPolicy>,
    lookup: Arc<dyn Lookup>,
    /// The value of `Proxy-Authorization`.
    authorization: String,
}

impl ForwardProxy {
    /// Listens. Must be called within a runtime.
    pub async fn start(policy: Arc<dyn AddressPolicy>, lookup: Arc<dyn Lookup>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let password = random()?;
        let shared = Arc::new(Shared {
            policy,
            lookup,
            authorization: basic(ProxyAccess::USER, &password),
        });
        let access = ProxyAccess {
            address: listener.local_addr()?,
            password,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, shared));
        Ok(Self {
            access,
            _tasks: tasks,
        })
    }

    /// How to use it.
    pub fn access(&self) -> &ProxyAccess {
        &self.access
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

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut open = JoinSet::new();
    while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
        while open.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => drop(open.spawn(serve(Arc::clone(&shared), stream, permit))),
            // Such as too many open files: others have to end first, and no event tells.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Serves one connection of a program: one request, then whatever both sides say.
async fn serve(shared: Arc<Shared>, mut client: TcpStream, _room: OwnedSemaphorePermit) {
    let Ok(Ok((head, rest))) = timeout(HEAD_TIME, read_head(&mut client)).await else {
        return;
    };
    let connected = match Wanted::read(&head, &shared.authorization) {
        Ok(wanted) => shared.connect(&wanted).await.map(|server| (wanted, server)),
        Err(refusal) => Err(refusal),
    };
    // What fails from here on is for the program to notice.
    let _ended = match connected {
        Ok((wanted, server)) => pass_on(client, server, &wanted, &rest).await,
        Err(refusal) => client.write_all(refusal.reply().as_bytes()).await,
    };
}

async fn pass_on(
    mut client: TcpStream,
    mut server: TcpStream,
    wanted: &Wanted,
    rest: &[u8],
) -> io::Result<()> {
    match &wanted.head {
        None => client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?,
        Some(head) => server.write_all(head).await?,
    }
    server.write_all(rest).await?;
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.split(), server.split());
    let up = async {
        let _ = copy(&mut from_client, &mut to_server).await;
        let _ = to_server.shutdown().await;
    };
    let down = copy(&mut from_server, &mut to_client);
    tokio::pin!(down);
    tokio::select! {
        () = up => drop(timeout(LINGER, down).await),
        _ = &mut down => {}
    }
    Ok(())
}

/// The head of a request, and what came after it already.
async fn read_head(client: &mut TcpStream) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(at + 4);
            return Ok((bytes, rest));
        }
        if bytes.len() >= MAX_HEAD || client.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

/// Why a program does not get what it wants.
#[derive(Debug)]
struct Refusal {
    status: &'static str,
    reason: String,
}

impl Refusal {
    fn new(status: &'static str, reason: impl Into<String>) -> Self {
        Self {
            status,
            reason: reason.into(),
        }
    }

    fn reply(&self) -> String {
        let Self { status, reason } = self;
        let ask = if status.starts_with("407") {
            "Proxy-Authenticate: Basic realm=\"stoa\"\r\n"
        } else {
            ""
        };
        format!(
            "HTTP/1.1 {status}\r\n{ask}Content-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{reason}",
            reason.len()
        )
    }
}

/// What a program wants.
#[derive(Debug)]
struct Wanted {
    host: String,
    port: u16,
    /// The head as the server gets it; `None` for a tunnel.
    head: Option<Vec<u8>>,
}

impl Wanted {
    fn read(head: &[u8], authorization: &str) -> Result<Self, Refusal> {
        let bad = |why: &str| Refusal::new("400 Bad Request", why);
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let parsed = request.parse(head).map_err(|error| bad(&error.to_string()))?;
        let (true, Some(method), Some(target)) = (parsed.is_complete(), request.method, request.path) else {
            return Err(bad("no request"));
        };
        let shown = request.headers.iter().any(|h| {
            h.name.eq_ignore_ascii_case("proxy-authorization") && h.value == authorization.as_bytes()
        });
        if !shown {
            return Err(Refusal::new(
                "407 Proxy Authentication Required",
                "this proxy serves the programs of one server",
            ));
        }
        if method == "CONNECT" {
            let authority: Authority = target.parse().map_err(|_| bad("no host and port"))?;
            let port = authority.port_u16().ok_or_else(|| bad("no port"))?;
            return Ok(Self {
                host: plain(authority.host()),
                port,
                head: None,
            });
        }
        let uri: Uri = target.parse().map_err(|_| bad("no URL"))?;
        let (Some("http"), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(bad("no http URL"));
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            host: plain(host),
            port: uri.port_u16().unwrap_or(80),
            head: Some(own_head(method, path, request.headers)),
        })
    }
}

/// A host without the brackets of an IPv6 address.
fn plain(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}

/// The head of a request as a server gets it. The connection is for this request alone.
fn own_head(method: &str, path: &str, headers: &[httparse::Header<'_>]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\n").into_bytes();
    let ours = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.starts_with("proxy-") || matches!(name.as_str(), "connection" | "keep-alive" | "upgrade")
    };
    for header in headers.iter().filter(|header| !ours(header.name)) {
        head.extend_from_slice(header.name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(header.value);
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"Connection: close\r\n\r\n");
    head
}

impl Shared {
    /// A connection to the first address that is allowed and answers.
    async fn connect(&self, wanted: &Wanted) -> Result<TcpStream, Refusal> {
        let Wanted { host, port, .. } = wanted;
        let gateway = |error: io::Error| Refusal::new("502 Bad Gateway", format!("{host}: {error}"));
        let found = timeout(CONNECT_TIME, self.lookup.lookup(host)).await;
        let found = found.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let mut failure = None;
        for address in found.map_err(gateway)? {
            if !self.policy.allows(host, *port, address) {
                let host = host.clone();
                let reason = PrivateAddress { host, address }.to_string();
                failure.get_or_insert(Refusal::new("403 Forbidden", reason));
                continue;
            }
            match timeout(CONNECT_TIME, TcpStream::connect((address, *port))).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failure = Some(gateway(error)),
                Err(_) => failure = Some(gateway(io::ErrorKind::TimedOut.into())),
            }
        }
        Err(failure.unwrap_or_else(|| gateway(io::Error::other("no address"))))
    }
}
