//! Passing on what a program and a server say.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy},
    net::TcpStream,
    time::timeout,
};

use super::{body::BodyEnd, grant::Session, request::RequestKind};

/// The head of a response is not rewritten if it is longer, in bytes.
const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 128;
/// How many bytes are read at once.
const PIECE: usize = 16 << 10;
/// How long a server may go on after the program has ended.
const LINGER: Duration = Duration::from_secs(60);

/// Passes on one tunnel, or one request and its response. `rest` is what the program has already sent behind the head.
pub(super) async fn relay(
    mut client: TcpStream,
    mut server: TcpStream,
    kind: RequestKind,
    rest: Vec<u8>,
    session: &Session,
) -> io::Result<()> {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let plain = match kind {
        RequestKind::Tunnel => {
            client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
            server.write_all(&rest).await?;
            None
        }
        RequestKind::Plain { head, body } => {
            server.write_all(&head).await?;
            Some(BodyEnd::new(body))
        }
    };
    let is_plain = plain.is_some();
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.split(), server.split());
    let up = async {
        match plain {
            None => drop(copy(&mut from_client, &mut to_server).await),
            // The server takes what is not whole for what it is: its own answer says so.
            Some(body) => drop(send_body(&mut from_client, &mut to_server, body, rest).await),
        }
        let _ = to_server.shutdown().await;
    };
    let down = async {
        if is_plain {
            receive_heads(&mut from_server, &mut to_client, session).await?;
        }
        receive(&mut from_server, &mut to_client, session).await
    };
    tokio::pin!(down);
    tokio::select! {
        () = up => timeout(LINGER, down).await.unwrap_or(Ok(())),
        received = &mut down => received,
    }
}

/// Sends the body of the one request, and nothing after it: the server may not close the connection, and the program's
/// next request is written for the proxy. Returns when the program has nothing more to say.
async fn send_body(
    mut client: impl AsyncRead + Unpin,
    mut server: impl AsyncWrite + Unpin,
    mut body: BodyEnd,
    mut bytes: Vec<u8>,
) -> io::Result<()> {
    loop {
        let taken = body.take(&bytes)?;
        server.write_all(&bytes[..taken]).await?;
        if body.is_reached() {
            bytes.drain(..taken);
            break;
        }
        bytes.clear();
        bytes.reserve(PIECE);
        if client.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    }
    if bytes.is_empty() && client.read(&mut [0]).await? == 0 {
        return Ok(());
    }
    // It has asked for more. It is told that the connection ends with this response, and asks again by another one.
    std::future::pending().await
}

/// Passes on the heads of the interim responses and of the response, which tells the program that the connection ends
/// with it. What is no head passes as it is.
async fn receive_heads(
    mut server: impl AsyncRead + Unpin,
    mut client: impl AsyncWrite + Unpin,
    session: &Session,
) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(PIECE);
    loop {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(&bytes) {
            Ok(httparse::Status::Complete(length)) => {
                let interim = matches!(response.code, Some(100 | 102..=199));
                let own = (!interim).then(|| own_head(&bytes, response.headers));
                client
                    .write_all(own.as_deref().unwrap_or(&bytes[..length]))
                    .await?;
                bytes.drain(..length);
                if !interim {
                    return client.write_all(&bytes).await;
                }
                continue;
            }
            Ok(httparse::Status::Partial) if bytes.len() < MAX_HEAD => {}
            _ => return client.write_all(&bytes).await,
        }
        match server.read_buf(&mut bytes).await? {
            0 => return client.write_all(&bytes).await,
            read => session.receive(read),
        }
    }
}

/// The head of a response, with the line that `bytes` begin with, as the program gets it.
fn own_head(bytes: &[u8], headers: &[httparse::Header<'_>]) -> Vec<u8> {
    let line = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(bytes.len());
    let mut head = bytes[..line].trim_ascii_end().to_vec();
    head.extend_from_slice(b"\r\n");
    let ours = ["connection", "keep-alive", "proxy-connection"];
    for header in headers {
        if !ours.iter().any(|name| header.name.eq_ignore_ascii_case(name)) {
            head.extend_from_slice(header.name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(header.value);
            head.extend_from_slice(b"\r\n");
        }
    }
    head.extend_from_slice(b"Connection: close\r\n\r\n");
    head
}

/// Passes on what a server sends, until it has sent all.
async fn receive(
    mut server: impl AsyncRead + Unpin,
    mut client: impl AsyncWrite + Unpin,
    session: &Session,
) -> io::Result<()> {
    let mut bytes = vec![0; PIECE];
    loop {
        let read = server.read(&mut bytes).await?;
        if read == 0 {
            return Ok(());
        }
        session.receive(read);
        client.write_all(&bytes[..read]).await?;
    }
}
