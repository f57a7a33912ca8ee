//! The door for programs: an HTTP proxy that connects only to allowed addresses.
#![expect(
    clippy::disallowed_methods,
    reason = "what programs send leaves the machine here"
)]

mod body;
mod grant;
mod relay;
mod request;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};

pub use self::grant::{AddressPolicy, ProxyAccess, ProxyGrant};
use self::{
    grant::{Grants, Session},
    relay::relay,
    request::{ProxyRequest, ProxyRequestError},
};
use crate::{Lookup, PrivateAddressError};

/// Connections at once of programs that have shown a password.
const MAX_CONNECTIONS: usize = 256;
/// Connections at once of whoever has not shown one yet; more wait with the kernel. Other users of the machine can take
/// all of these, each for no longer than [`HEAD_TIME`].
const MAX_NEWCOMERS: usize = 32;
/// The head of a request is not longer, in bytes.
const MAX_HEAD: usize = 16 << 10;
/// The longest time for the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(3);
/// The longest time for a place, for a name, and for a connection.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// An HTTP proxy (`CONNECT`, and plain requests for `http:`) on a port of loopback, for programs that make connections
/// by themselves. Each run of a program gets a [`ProxyGrant`] and a password of its own, for as long as it lasts.
///
/// Names are resolved here, once for each connection, and connections are made only to addresses that the policy
/// allows: no redirect and no second answer of a name server gets around it. A connection carries one request or one
/// tunnel. Dropping the proxy cuts all connections.
#[derive(Debug)]
pub struct ForwardProxy {
    address: SocketAddr,
    grants: Arc<Grants>,
    /// Owns the task that accepts, which owns those of the connections.
    _tasks: JoinSet<()>,
}

/// Connects to where the grants allow.
#[derive(Debug)]
struct Connector {
    lookup: Arc<dyn Lookup>,
    grants: Arc<Grants>,
    room: Arc<Semaphore>,
}

impl ForwardProxy {
    /// Listens, and lets nobody in yet. Must be called within a runtime.
    pub async fn start(lookup: Arc<dyn Lookup>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let grants = Arc::<Grants>::default();
        let connector = Arc::new(Connector {
            lookup,
            grants: Arc::clone(&grants),
            room: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, connector));
        Ok(Self {
            address,
            grants,
            _tasks: tasks,
        })
    }

    /// Lets a program in, until what is returned is dropped.
    ///
    /// # Errors
    /// When the system gives no random bytes for a password.
    pub fn grant(&self, grant: ProxyGrant) -> io::Result<ProxyAccess> {
        self.grants.add(grant, self.address)
    }
}

async fn accept(listener: TcpListener, connector: Arc<Connector>) {
    let newcomers = Arc::new(Semaphore::new(MAX_NEWCOMERS));
    let mut open = JoinSet::new();
    while let Ok(newcomer) = Arc::clone(&newcomers).acquire_owned().await {
        while open.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => drop(open.spawn(serve(Arc::clone(&connector), stream, newcomer))),
            // Such as too many open files: others have to end first, and there is no event for that.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Serves one connection of a program.
async fn serve(connector: Arc<Connector>, mut client: TcpStream, newcomer: OwnedSemaphorePermit) {
    let Ok(Ok((head, rest))) = timeout(HEAD_TIME, read_head(&mut client)).await else {
        return;
    };
    let read = ProxyRequest::read(&head, |shown| connector.grants.find(shown));
    let (request, session) = match read {
        Ok(read) => read,
        // The program notices by itself what fails from here on.
        Err(error) => return drop(client.write_all(error.reply().as_bytes()).await),
    };
    drop(newcomer);
    let served = async {
        let connected = match timeout(CONNECT_TIME, connector.room.acquire()).await {
            Ok(Ok(room)) => connector
                .connect(&request, &session)
                .await
                .map(|server| (server, room)),
            _ => Err(ProxyRequestError::new(
                "503 Service Unavailable",
                "too many connections",
            )),
        };
        match connected {
            Ok((server, _room)) => relay(client, server, request.kind, rest, &session).await,
            Err(error) => client.write_all(error.reply().as_bytes()).await,
        }
    };
    tokio::select! {
        // With the run, its connections end.
        () = session.ended.cancelled() => {}
        _ended = served => {}
    }
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
    async fn connect(
        &self,
        request: &ProxyRequest,
        session: &Session,
    ) -> Result<TcpStream, ProxyRequestError> {
        let ProxyRequest { host, port, .. } = request;
        let forbidden = |reason: String| {
            session.refused(&reason);
            ProxyRequestError::new("403 Forbidden", reason)
        };
        if !session.names(host, *port) {
            return Err(forbidden(format!(
                "it leads to {host}:{port}, and its credential is for another server"
            )));
        }
        let gateway =
            |error: io::Error| ProxyRequestError::new("502 Bad Gateway", format!("{host}: {error}"));
        let found = timeout(CONNECT_TIME, self.lookup.lookup(host)).await;
        let found = found.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let mut failure = None;
        for address in found.map_err(gateway)? {
            if !session.grant.policy.allows(host, *port, address) {
                let host = host.clone();
                let reason = PrivateAddressError { host, address }.to_string();
                failure.get_or_insert_with(|| forbidden(reason));
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
