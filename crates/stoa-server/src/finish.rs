//! What is written down when a request has ended.

use std::{sync::Arc, time::Instant};

use http::{HeaderValue, Method};
use stoa_fetch::{Caller, Context, Trace};
use tracing::Span;

use crate::{
    access_log::{Access, AccessLog},
    activity::Busy,
    body_error::BodyError,
    metrics::{EdgeMetrics, HitMeter, RequestLabels},
    resettable::Unfinished,
    subject::Subject,
};

/// Where requests are written down.
#[derive(Clone, Debug)]
pub(crate) struct Books {
    /// `None` when access lines are switched off.
    pub(crate) log: Option<Arc<AccessLog>>,
    pub(crate) metrics: Arc<EdgeMetrics>,
}

/// What is known of a request when its response begins.
#[derive(Debug)]
pub(crate) struct RequestInfo {
    pub(crate) started: Instant,
    pub(crate) id: HeaderValue,
    /// The peer as the log shows it.
    pub(crate) remote: Arc<str>,
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Open until the body has ended.
    pub(crate) span: Span,
    /// For clients of HTTP/1.0, to whom the end of the connection may be that of the body.
    pub(crate) unfinished: Option<Unfinished>,
    /// Kept until the body has ended.
    #[expect(dead_code, reason = "kept only to be dropped")]
    pub(crate) busy: Busy,
}

impl RequestInfo {
    /// The context of what `caller` asks with this request.
    pub(crate) fn context(&self, caller: Caller) -> Context {
        Context {
            trace: self.id.to_str().map(Trace::of).unwrap_or_default(),
            ..Context::interactive(caller)
        }
    }
}

/// What is known of a response.
#[derive(Clone, Debug)]
pub(crate) struct ResponseInfo {
    pub(crate) status: u16,
    pub(crate) subject: Subject,
    /// hit, miss, stale, negative, coalesced; `error` for other failures, `-` for mounted parts.
    pub(crate) result: &'static str,
    pub(crate) error: Option<String>,
}

/// Both, borrowed: what a hit has without allocating.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) started: Instant,
    pub(crate) id: &'a HeaderValue,
    pub(crate) remote: &'a str,
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    pub(crate) subject: &'a Subject,
    pub(crate) result: &'static str,
    pub(crate) error: Option<&'a str>,
    pub(crate) bytes: u64,
    pub(crate) cut: bool,
    /// For hits in memory.
    pub(crate) meter: Option<&'a HitMeter>,
}

impl Books {
    pub(crate) fn write(&self, line: &Line<'_>) {
        let duration = line.started.elapsed();
        if let Some(meter) = line.meter.filter(|_| line.status == 200) {
            meter.record(line.bytes, duration);
        } else {
            let labels = RequestLabels {
                resource: line.subject.kind(),
                result: line.result,
                status: line.status.into(),
            };
            self.metrics.request(&labels, line.bytes, duration);
        }
        let Some(log) = &self.log else { return };
        log.write(&Access {
            request_id: line.id.as_bytes(),
            remote: line.remote,
            method: line.method.as_str(),
            path: line.path,
            status: line.status,
            module: line.subject.module(),
            version: line.subject.version(),
            result: line.result,
            bytes: line.bytes,
            duration,
            cut: line.cut,
            error: line.error,
        });
    }
}

/// Writes the request down when its body ends or is dropped.
#[derive(Debug)]
pub(crate) struct Finish {
    books: Books,
    request: RequestInfo,
    response: ResponseInfo,
    bytes: u64,
    whole: bool,
}

impl Finish {
    pub(crate) fn new(books: Books, request: RequestInfo, response: ResponseInfo) -> Self {
        Self {
            books,
            request,
            response,
            bytes: 0,
            whole: false,
        }
    }

    /// The body begins to be streamed, with a length or without.
    pub(crate) fn streams(&self, has_length: bool) {
        if let Some(unfinished) = &self.request.unfinished {
            unfinished.set(!has_length);
        }
    }

    pub(crate) fn sent(&mut self, bytes: u64, whole: bool) {
        self.bytes += bytes;
        self.whole |= whole;
        if let (true, Some(unfinished)) = (self.whole, &self.request.unfinished) {
            unfinished.set(false);
        }
    }

    pub(crate) fn failed(&mut self, error: &BodyError) {
        self.response.error = Some(error.report());
    }

    /// The span of the request.
    pub(crate) fn span(&self) -> &Span {
        &self.request.span
    }

    /// Writes down a response whose body is in memory.
    pub(crate) fn now(mut self, bytes: u64) {
        self.sent(bytes, true);
    }
}

impl Drop for Finish {
    fn drop(&mut self) {
        self.books.write(&Line {
            started: self.request.started,
            id: &self.request.id,
            remote: &self.request.remote,
            method: &self.request.method,
            path: &self.request.path,
            status: self.response.status,
            subject: &self.response.subject,
            result: self.response.result,
            error: self.response.error.as_deref(),
            bytes: self.bytes,
            cut: !self.whole,
            meter: None,
        });
    }
}
