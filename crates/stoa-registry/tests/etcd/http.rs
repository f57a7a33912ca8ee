//! A transport of a few lines, in the place of the product's dispatcher.

use std::{io, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use stoa_registry::etcd::{HttpBody, HttpReply, Transport};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::timeout,
};
use url::Url;

/// HTTP/1.1 with a connection for each request.
#[derive(Debug)]
pub(crate) struct Http;

#[async_trait]
impl Transport for Http {
    async fn post(
        &self,
        url: &Url,
        headers: &[(&'static str, String)],
        body: Bytes,
        deadline: Duration,
    ) -> io::Result<HttpReply> {
        timeout(deadline, begin(url, headers, &body))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

#[expect(clippy::disallowed_methods, reason = "a test speaks with a server of its own")]
async fn begin(url: &Url, headers: &[(&'static str, String)], body: &[u8]) -> io::Result<HttpReply> {
    let address = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut head = format!(
        "POST {} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n",
        url.path(),
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&[name, ": ", value, "\r\n"].concat());
    }
    let request = [head.as_bytes(), b"\r\n", body].concat();
    stream.write_all(&request).await?;
    let status = line(&mut stream).await?;
    let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
    let mut left = None;
    loop {
        let header = line(&mut stream).await?.to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(length) = header.strip_prefix("content-length: ") {
            left = length.parse().ok();
        }
    }
    Ok(HttpReply {
        status: status.ok_or(io::ErrorKind::InvalidData)?,
        body: Box::new(Body { stream, left }),
    })
}

#[derive(Debug)]
struct Body {
    stream: BufReader<TcpStream>,
    /// What is left of a body that is not chunked.
    left: Option<usize>,
}

#[async_trait]
impl HttpBody for Body {
    async fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        let (length, is_chunked) = if let Some(left) = self.left.as_mut() {
            (std::mem::take(left), false)
        } else {
            let size = line(&mut self.stream).await?;
            let size = usize::from_str_radix(&size, 16).map_err(io::Error::other)?;
            (size, true)
        };
        if length == 0 {
            return Ok(None);
        }
        let mut chunk = vec![0; length];
        self.stream.read_exact(&mut chunk).await?;
        if is_chunked {
            line(&mut self.stream).await?;
        }
        Ok(Some(chunk.into()))
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}
