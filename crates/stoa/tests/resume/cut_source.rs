//! A server that sends answers as bytes and ends them anywhere: in the head, in the framing, in the body.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use stoa_testing::http;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length,
    Chunked,
    /// HTTP/1.0: by the end of the connection.
    Close,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Close,
    Reset,
}

/// Where an answer is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) framing: Framing,
    pub(crate) end: End,
    /// So many bytes are sent of all.
    pub(crate) at: usize,
}

/// What stands behind a path.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Bytes(Bytes),
    /// What another server has there.
    Of(String),
}

/// All bytes of an answer.
pub(crate) fn response(framing: Framing, body: &[u8]) -> Vec<u8> {
    let head = match framing {
        Framing::Length => format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()),
        Framing::Chunked => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
        Framing::Close => "HTTP/1.0 200 OK\r\n\r\n".to_owned(),
    };
    let mut bytes = head.into_bytes();
    if framing != Framing::Chunked {
        bytes.extend_from_slice(body);
        return bytes;
    }
    for chunk in body.chunks(body.len().div_ceil(2).max(1)) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

type Script = dyn Fn(&str) -> Option<(Content, Option<Cut>)> + Send + Sync;

/// A server on a port of 127.0.0.1 that ends with this.
pub(crate) struct CutSource {
    pub(crate) url: String,
    cuts: Arc<AtomicBool>,
    _serving: JoinSet<()>,
}

impl CutSource {
    /// A server that asks `script` what there is at a path, and how it is cut; 404 for `None`.
    pub(crate) async fn start(
        script: impl Fn(&str) -> Option<(Content, Option<Cut>)> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (cuts, script) = (Arc::new(AtomicBool::new(true)), Arc::new(script));
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, script, Arc::clone(&cuts)));
        Self {
            url,
            cuts,
            _serving: serving,
        }
    }

    /// From now on everything is sent whole.
    pub(crate) fn mend(&self) {
        self.cuts.store(false, Ordering::SeqCst);
    }
}

async fn serve(listener: TcpListener, script: Arc<Script>, cuts: Arc<AtomicBool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (script, cuts) = (Arc::clone(&script), Arc::clone(&cuts));
                let (socket, _) = accepted.unwrap();
                connections.spawn(async move {
                    // Connections that end early are what this server is for.
                    drop(answer(socket, &*script, cuts.load(Ordering::SeqCst)).await);
                });
            }
            Some(_ended) = connections.join_next() => {}
        }
    }
}

async fn answer(mut socket: TcpStream, script: &Script, cuts: bool) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if socket.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let text = String::from_utf8_lossy(&request);
    let target = text.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let Some((content, cut)) = script(path) else {
        let missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        return socket.write_all(missing).await;
    };
    let body = match content {
        Content::Bytes(bytes) => bytes,
        Content::Of(url) => http::get(&url).await?.body,
    };
    let Some(cut) = cut.filter(|_| cuts) else {
        return socket.write_all(&response(Framing::Length, &body)).await;
    };
    let bytes = response(cut.framing, &body);
    socket.write_all(&bytes[..cut.at.min(bytes.len())]).await?;
    match cut.end {
        End::Close => socket.shutdown().await,
        End::Reset => {
            // What has been sent arrives, as far as the peer reads it in time.
            socket.set_zero_linger()?;
            Ok(())
        }
    }
}
