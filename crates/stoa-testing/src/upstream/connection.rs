//! One client's connection: requests in, scripted replies out.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::answer::{self, Then};
use super::state::{Request, State};
use crate::http::{BodyReader, Framing, Step, read_head};

/// The longest request body that is taken.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// How much a client may send ahead while it is being answered.
const MAX_AHEAD: usize = 64 * 1024;

pub(super) async fn serve(mut stream: TcpStream, state: &State) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = stream.split();
    let mut buffer = BytesMut::new();
    while let Some(request) = read_request(&mut reader, &mut writer, &mut buffer).await? {
        let keep_alive = !request
            .header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let mut arrival = state.arrive(request);
        let answered = tokio::select! {
            answered = answer::write(&mut writer, &arrival.request, &arrival.reply) => answered,
            gone = client_gone(&mut reader, &mut buffer) => Err(gone),
        };
        if answered.is_ok() {
            arrival.finish();
        }
        match answered? {
            Then::Continue if keep_alive => {}
            Then::Continue | Then::Close => break,
            Then::Reset => {
                stream.set_zero_linger()?;
                break;
            }
        }
    }
    Ok(())
}

async fn read_request(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    buffer: &mut BytesMut,
) -> io::Result<Option<Request>> {
    let Some(head) = read_head(reader, buffer).await? else {
        return Ok(None);
    };
    let mut body = BodyReader::new(Framing::of(&head.headers, Framing::Length(0))?);
    if head
        .headers
        .get("expect")
        .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    {
        writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let mut bytes = BytesMut::new();
    while let Step::Data(data) = body.next(reader, buffer).await? {
        bytes.extend_from_slice(&data);
        if bytes.len() > MAX_BODY {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the request body is too long",
            ));
        }
    }
    Ok(Some(Request::new(
        &head.start_line,
        head.headers,
        Bytes::from(bytes),
    )))
}

/// Reads ahead until the client closes its side or resets the connection.
async fn client_gone(reader: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> io::Error {
    while buffer.len() < MAX_AHEAD {
        match reader.read_buf(buffer).await {
            Ok(0) => return io::ErrorKind::ConnectionAborted.into(),
            Ok(_) => {}
            Err(error) => return error,
        }
    }
    std::future::pending().await
}
