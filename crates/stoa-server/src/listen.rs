//! Where the server listens.

use std::{
    fmt, io,
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
    str::FromStr,
};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream, lookup_host};

use crate::peer::Peer;

/// An address to listen on: `host:port`, `:port` or `unix:/path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A TCP address; port 0 takes a free one.
    Tcp(String),
    /// A unix socket.
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return match path {
                "" => Err("bad listen address \"unix:\": a path must follow".to_owned()),
                path => Ok(Self::Unix(path.into())),
            };
        }
        let bad = || format!("bad listen address {text:?}: write HOST:PORT, :PORT or unix:PATH");
        let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
        port.parse::<u16>().map_err(|_| bad())?;
        let bracketed = host.starts_with('[') && host.ends_with(']');
        if host.contains(|c: char| c.is_whitespace() || c == '/') || (host.contains(':') && !bracketed) {
            return Err(bad());
        }
        Ok(Self::Tcp(if host.is_empty() {
            format!("0.0.0.0:{port}")
        } else {
            text.to_owned()
        }))
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A bound socket.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A unix socket, removed again on drop.
    Unix(UnixListener, SocketFile),
}

/// Removes the socket's file.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _gone_already = std::fs::remove_file(&self.0);
    }
}

pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Listener {
    /// Binds.
    ///
    /// # Errors
    /// One line that names the address.
    pub async fn bind(listen: &Listen) -> Result<Self, String> {
        let bound = match listen {
            Listen::Tcp(address) => bind_tcp(address).await,
            Listen::Unix(path) => bind_unix(path).await,
        };
        bound.map_err(|error| format!("cannot listen on {listen}: {error}"))
    }

    /// The URL that clients use, if they can use one: `http://127.0.0.1:3000`.
    pub fn url(&self, secure: bool) -> Option<String> {
        let Self::Tcp(listener) = self else { return None };
        let mut address = listener.local_addr().ok()?;
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() {
                [127, 0, 0, 1].into()
            } else {
                std::net::Ipv6Addr::LOCALHOST.into()
            });
        }
        Some(format!("{}://{address}", if secure { "https" } else { "http" }))
    }

    /// Whether it is a TCP address that only this machine can reach.
    pub fn is_loopback(&self) -> bool {
        let Self::Tcp(listener) = self else { return false };
        let address = listener.local_addr();
        address.is_ok_and(|address| address.ip().to_canonical().is_loopback())
    }

    /// Waits for a connection; says who it is from.
    pub(crate) async fn accept(&self) -> io::Result<(Socket, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Without it small answers wait for the client's delayed acknowledgement.
                stream.set_nodelay(true)?;
                Ok((Socket::Tcp(stream), Peer::Tcp(peer)))
            }
            Self::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok((Socket::Unix(stream), Peer::Unix))
            }
        }
    }
}

async fn bind_tcp(address: &str) -> io::Result<Listener> {
    let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address");
    for address in lookup_host(address).await? {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(Listener::Tcp(listener)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A socket that a dead process left is replaced; one that somebody answers on is not.
async fn bind_unix(path: &Path) -> io::Result<Listener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let is_socket = std::fs::symlink_metadata(path)?.file_type().is_socket();
            if !is_socket || UnixStream::connect(path).await.is_ok() {
                return Err(error);
            }
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        bound => bound,
    }
    .map(|listener| Listener::Unix(listener, SocketFile(path.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused_with_the_forms_there_are() {
        for (text, want) in [
            ("127.0.0.1:3000", "127.0.0.1:3000"),
            (":3000", "0.0.0.0:3000"),
            ("[::1]:0", "[::1]:0"),
            ("unix:/run/stoa.sock", "unix:/run/stoa.sock"),
        ] {
            assert_eq!(text.parse::<Listen>().map(|l| l.to_string()), Ok(want.to_owned()));
        }
        for bad in [
            "",
            "3000",
            "host",
            "host:http",
            "host:70000",
            "::1:3000",
            "http://a:1",
            "unix:",
        ] {
            assert!(bad.parse::<Listen>().is_err(), "{bad}");
        }
    }
}
