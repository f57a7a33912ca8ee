//! Writing one reply, byte for byte as scripted.

use std::io;
use std::ops::Range;

use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::state::Request;
use crate::content::Content;
use crate::gate::Gate;
use crate::reply::Reply;

/// What becomes of the connection after a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Continue,
    Close,
    Reset,
}

const BINARY: &str = "application/octet-stream";

pub(super) async fn write(
    writer: &mut (impl AsyncWrite + Unpin),
    request: &Request,
    reply: &Reply,
) -> io::Result<Then> {
    let mut out = Out {
        writer,
        body_wanted: request.method != "HEAD",
    };
    match reply {
        Reply::Ok { content_type, body } => out.whole(200, content_type, body).await,
        Reply::Status(code, content_type, body) => out.whole(*code, content_type, body).await,
        Reply::Full { code, headers, body } => out.full(*code, headers, body).await,
        Reply::Ranged { etag, body } => out.ranged(request, etag, body, None).await,
        Reply::RangedUntil {
            etag,
            body,
            sends,
            gate,
        } => out.ranged(request, etag, body, Some((*sends, gate))).await,
        Reply::Redirect(to) => {
            out.full(302, &[("Location".to_owned(), to.clone())], &Content::default())
                .await
        }
        Reply::Sized { len, seed } => out.whole(200, BINARY, &Content::random(*len, *seed)).await,
        Reply::Chunked(body) => {
            out.chunked(body).await?;
            if out.body_wanted {
                out.bytes(b"0\r\n\r\n").await?;
            }
            Ok(Then::Continue)
        }
        Reply::TruncateChunked(body) => out.chunked(body).await.map(|()| Then::Close),
        Reply::Endless => out.chunked(&Content::zeros(u64::MAX)).await.map(|()| Then::Close),
        Reply::Reset => Ok(Then::Reset),
        Reply::ResetAfter { announce, send } => out.part(*announce, send).await.map(|()| Then::Reset),
        Reply::Truncate { announce, send } => out.part(*announce, send).await.map(|()| Then::Close),
        Reply::Hang => std::future::pending().await,
        Reply::HangAfterHeaders { announce } => {
            out.part(*announce, &Content::default()).await?;
            std::future::pending().await
        }
        Reply::Raw(bytes) => out.bytes(bytes).await.map(|()| Then::Close),
        Reply::Drip { body, chunk, every } => {
            out.head(200, &typed(BINARY), body.len()).await?;
            for start in (0..body.len()).step_by((*chunk).max(1)) {
                if start > 0 {
                    tokio::time::sleep(*every).await;
                }
                out.range(body, start..body.len().min(start + *chunk as u64))
                    .await?;
            }
            Ok(Then::Continue)
        }
        Reply::Gated {
            body,
            send_first,
            gate,
        } => {
            out.head(200, &typed(BINARY), body.len()).await?;
            let first = (*send_first).min(body.len());
            out.range(body, 0..first).await?;
            gate.pass().await;
            out.range(body, first..body.len()).await?;
            Ok(Then::Continue)
        }
        Reply::Held(gate, then) => {
            gate.pass().await;
            Box::pin(write(out.writer, request, then)).await
        }
    }
}

struct Out<'a, W> {
    writer: &'a mut W,
    body_wanted: bool,
}

impl<W: AsyncWrite + Unpin> Out<'_, W> {
    async fn whole(&mut self, code: u16, content_type: &str, body: &Content) -> io::Result<Then> {
        self.full(code, &typed(content_type), body).await
    }

    async fn full(&mut self, code: u16, headers: &[(String, String)], body: &Content) -> io::Result<Then> {
        self.head(code, headers, body.len()).await?;
        if code != 204 && code != 304 {
            self.range(body, 0..body.len()).await?;
        }
        Ok(Then::Continue)
    }

    async fn part(&mut self, announce: u64, send: &Content) -> io::Result<()> {
        self.head(200, &typed(BINARY), announce).await?;
        self.range(send, 0..send.len()).await
    }

    /// A body or a range of it; after so many bytes the rest waits for the gate, if there is one.
    async fn ranged(
        &mut self,
        request: &Request,
        etag: &str,
        body: &Content,
        until: Option<(u64, &Gate)>,
    ) -> io::Result<Then> {
        let len = body.len();
        let mut headers = typed(BINARY);
        headers.push(("ETag".to_owned(), etag.to_owned()));
        headers.push(("Accept-Ranges".to_owned(), "bytes".to_owned()));
        let same = request.header("if-range").is_none_or(|tag| tag == etag);
        let range = request
            .header("range")
            .filter(|_| same)
            .and_then(|range| interval(range, len));
        let Some(range) = range else {
            self.head(200, &headers, len).await?;
            self.until(body, 0..len, until).await?;
            return Ok(Then::Continue);
        };
        if range.is_empty() {
            headers.push(("Content-Range".to_owned(), format!("bytes */{len}")));
            return self.full(416, &headers, &Content::default()).await;
        }
        let content_range = format!("bytes {}-{}/{len}", range.start, range.end - 1);
        headers.push(("Content-Range".to_owned(), content_range));
        self.head(206, &headers, range.end - range.start).await?;
        self.until(body, range, until).await?;
        Ok(Then::Continue)
    }

    async fn until(
        &mut self,
        body: &Content,
        range: Range<u64>,
        until: Option<(u64, &Gate)>,
    ) -> io::Result<()> {
        let Some((sends, gate)) = until else {
            return self.range(body, range).await;
        };
        let middle = range.end.min(range.start + sends);
        self.range(body, range.start..middle).await?;
        gate.pass().await;
        self.range(body, middle..range.end).await
    }

    /// A chunked body up to, and without, its last chunk.
    async fn chunked(&mut self, body: &Content) -> io::Result<()> {
        let mut headers = typed(BINARY);
        headers.push(("Transfer-Encoding".to_owned(), "chunked".to_owned()));
        self.head(200, &headers, 0).await?;
        if self.body_wanted {
            for chunk in body.chunks(0..body.len()) {
                self.bytes(format!("{:x}\r\n", chunk.len()).as_bytes()).await?;
                self.bytes(&chunk).await?;
                self.bytes(b"\r\n").await?;
            }
        }
        Ok(())
    }

    async fn head(&mut self, code: u16, headers: &[(String, String)], length: u64) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {code} {}\r\n", reason(code));
        let framing = ["content-length", "transfer-encoding"];
        let framed = |name: &String| framing.iter().any(|other| name.eq_ignore_ascii_case(other));
        if code != 204 && !headers.iter().any(|(name, _)| framed(name)) {
            head += &format!("Content-Length: {length}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        self.bytes(head.as_bytes()).await
    }

    async fn range(&mut self, body: &Content, range: Range<u64>) -> io::Result<()> {
        if self.body_wanted {
            for chunk in body.chunks(range) {
                self.bytes(&chunk).await?;
            }
        }
        Ok(())
    }

    async fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes).await
    }
}

fn typed(content_type: &str) -> Vec<(String, String)> {
    vec![("Content-Type".to_owned(), content_type.to_owned())]
}

/// The interval that a `Range` header names: empty if it cannot be satisfied, `None` if the header
/// is to be ignored.
fn interval(header: &str, len: u64) -> Option<Range<u64>> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        return Some(len.saturating_sub(last.parse().ok()?)..len);
    }
    let first: u64 = first.parse().ok()?;
    let end = if last.is_empty() {
        len
    } else {
        len.min(last.parse::<u64>().ok()?.checked_add(1)?)
    };
    Some(if first < end { first..end } else { 0..0 })
}

fn reason(code: u16) -> &'static str {
    match code {
        200 => "OK",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        410 => "Gone",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}
