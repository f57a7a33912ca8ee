//! What a scripted server answers, faults included.

use std::time::Duration;

use bytes::Bytes;

use crate::content::Content;
use crate::gate::Gate;

/// One answer of an [`Upstream`](crate::upstream::Upstream).
///
/// Unless said otherwise the answer has a `Content-Length` and leaves the connection open. A `HEAD`
/// request gets the same headers and no body.
#[derive(Clone, Debug)]
pub enum Reply {
    /// 200 with a body.
    Ok {
        /// The `Content-Type`.
        content_type: String,
        /// The body.
        body: Content,
    },
    /// Any status: code, `Content-Type`, body.
    Status(u16, String, Content),
    /// Any status with any headers; framing headers are added unless they are given.
    Full {
        /// The status code.
        code: u16,
        /// Headers besides the framing.
        headers: Vec<(String, String)>,
        /// The body.
        body: Content,
    },
    /// 200, or 206 when the request has a `Range` of one interval (and an `If-Range` equal to the
    /// tag, if it has one); 416 when the range lies beyond the end.
    Ranged {
        /// The strong entity tag, with its quotes.
        etag: String,
        /// The complete body.
        body: Content,
    },
    /// The same, but that after so many bytes of the body the rest waits for the gate.
    RangedUntil {
        /// The strong entity tag, with its quotes.
        etag: String,
        /// The complete body.
        body: Content,
        /// How many bytes are sent at once.
        sends: u64,
        /// What the rest waits for.
        gate: Gate,
    },
    /// 302 to this address.
    Redirect(String),
    /// 200 in chunked encoding, without `Content-Length`.
    Chunked(Content),
    /// 200 with generated pseudo-random bytes, never in memory.
    Sized {
        /// The length.
        len: u64,
        /// What the bytes depend on; see [`Content::random`].
        seed: u64,
    },
    /// 200 and a body of zeros in chunked encoding that never ends.
    Endless,
    /// Nothing at all; the connection stays open.
    Hang,
    /// 200 with this `Content-Length`, and no byte of the body; the connection stays open.
    HangAfterHeaders {
        /// The announced length.
        announce: u64,
    },
    /// A `Content-Length` larger than what is sent before the connection is closed.
    Truncate {
        /// The announced length.
        announce: u64,
        /// What is sent.
        send: Content,
    },
    /// A chunked body closed without its last chunk.
    TruncateChunked(Content),
    /// The connection is reset (RST) instead of an answer.
    Reset,
    /// The connection is reset after part of the announced body.
    ResetAfter {
        /// The announced length.
        announce: u64,
        /// What is sent first. The peer may lose it: a reset discards what was not read yet.
        send: Content,
    },
    /// 200, the body in pieces with pauses between them.
    Drip {
        /// The body.
        body: Content,
        /// The size of a piece.
        chunk: usize,
        /// The pause.
        every: Duration,
    },
    /// 200; the first bytes of the body are sent, the rest when the gate is released.
    Gated {
        /// The body.
        body: Content,
        /// How many bytes are sent at once.
        send_first: u64,
        /// What the rest waits for.
        gate: Gate,
    },
    /// Nothing until the gate is released, then the other reply.
    Held(Gate, Box<Reply>),
    /// These bytes as they are, in place of an HTTP response; then the connection is closed.
    Raw(Bytes),
}

impl Reply {
    /// 200 with a body of no particular type.
    pub fn ok(body: impl Into<Content>) -> Self {
        Self::Ok {
            content_type: "application/octet-stream".to_owned(),
            body: body.into(),
        }
    }

    /// A status with a plain text, as module proxies report errors.
    pub fn text(code: u16, text: &str) -> Self {
        Self::Status(
            code,
            "text/plain; charset=utf-8".to_owned(),
            text.to_owned().into(),
        )
    }

    /// 200 with JSON.
    pub fn json(value: &serde_json::Value) -> Self {
        Self::Ok {
            content_type: "application/json".to_owned(),
            body: value.to_string().into(),
        }
    }

    /// A status with headers and a body.
    pub fn full(code: u16, headers: &[(&str, &str)], body: impl Into<Content>) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self::Full {
            code,
            headers: headers.collect(),
            body: body.into(),
        }
    }

    /// The body with all but its last `tail` bytes sent before the gate.
    pub fn gated_at_end(body: impl Into<Content>, tail: u64, gate: &Gate) -> Self {
        let body = body.into();
        Self::Gated {
            send_first: body.len().saturating_sub(tail),
            body,
            gate: gate.clone(),
        }
    }

    /// This reply, not begun before the gate is released.
    #[must_use]
    pub fn held(self, gate: &Gate) -> Self {
        Self::Held(gate.clone(), Box::new(self))
    }
}
