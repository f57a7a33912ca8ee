//! The door for programs: an HTTP proxy that connects only to allowed addresses.
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

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    Lookup, PrivateAddressError,
    proxy_request::{ProxyRequest, ProxyRequestError},
};

/// Connections at once; more wait.
const MAX_CONNECTIONS: usize = 256;
/// The head of a request is not longer, in bytes.
const MAX_HEAD: usize = 16 << 10;
/// The longest time for the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// The longest time for a name or a connection.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// How long a server may go on after the program has ended.
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
    /// Random, so that no other user of the machine can use the proxy.
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
/// by themselves. Names are resolved here, once for each connection, and connections are made only to addresses that the
/// policy allows: no redirect and no second answer of a name server gets around it. Dropping it cuts all connections.
#[derive(Debug)]
pub struct ForwardProxy {
    access: ProxyAccess,
    /// Owns the task that accepts, which owns those of the connections.
    _tasks: JoinSet<()>,
}

/// Connects to where the policy allows.
#[derive(Debug)]
struct Connector {
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
        let connector = Arc::new(Connector {
            policy,
            lookup,
            authorization: basic(ProxyAccess::USER, &password),
        });
        let access = ProxyAccess {
            address: listener.local_addr()?,
            password,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, connector));
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

async fn accept(listener: TcpListener, connector: Arc<Connector>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut open = JoinSet::new();
    while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
        while open.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => drop(open.spawn(serve(Arc::clone(&connector), stream, permit))),
            // Such as too many open files: others have to end first, and there is no event for that.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Serves one connection of a program: one request, then whatever both sides say.
async fn serve(connector: Arc<Connector>, mut client: TcpStream, _room: OwnedSemaphorePermit) {
    let Ok(Ok((head, rest))) = timeout(HEAD_TIME, read_head(&mut client)).await else {
        return;
    };
    let connected = match ProxyRequest::read(&head, &connector.authorization) {
        Ok(request) => connector.connect(&request).await.map(|server| (request, server)),
        Err(error) => Err(error),
    };
    // The program notices by itself what fails from here on.
    let _ended = match connected {
        Ok((request, server)) => pass_on(client, server, &request, &rest).await,
        Err(error) => client.write_all(error.reply().as_bytes()).await,
    };
}

async fn pass_on(
    mut client: TcpStream,
    mut server: TcpStream,
    request: &ProxyRequest,
    rest: &[u8],
) -> io::Result<()> {
    match &request.head {
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

impl Connector {
    /// A connection to the first address that is allowed and answers.
    async fn connect(&self, request: &ProxyRequest) -> Result<TcpStream, ProxyRequestError> {
        let ProxyRequest { host, port, .. } = request;
        let gateway =
            |error: io::Error| ProxyRequestError::new("502 Bad Gateway", format!("{host}: {error}"));
        let found = timeout(CONNECT_TIME, self.lookup.lookup(host)).await;
        let found = found.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let mut failure = None;
        for address in found.map_err(gateway)? {
            if !self.policy.allows(host, *port, address) {
                let host = host.clone();
                let reason = PrivateAddressError { host, address }.to_string();
                failure.get_or_insert(ProxyRequestError::new("403 Forbidden", reason));
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
