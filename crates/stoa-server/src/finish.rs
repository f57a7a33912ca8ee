//! What is written down when a request has ended.

use std::{sync::Arc, time::Instant};

use http::{HeaderValue, Method};
use stoa_fetch::{Caller, Context, Trace};

use crate::{
    AccessLog, BodyError, Metrics,
    access_log::Access,
    metrics::{HitMeter, RequestLabels},
    peer::Peer,
    subject::Subject,
};

/// Where requests are written down.
#[derive(Clone, Debug)]
pub(crate) struct Books {
    /// `None` when access lines are switched off.
    pub(crate) log: Option<Arc<AccessLog>>,
    pub(crate) metrics: Arc<Metrics>,
}

/// What is known of a request when its response begins.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) started: Instant,
    pub(crate) id: HeaderValue,
    pub(crate) peer: Peer,
    /// The peer as the log shows it.
    pub(crate) remote: Arc<str>,
    pub(crate) method: Method,
    pub(crate) path: String,
}

impl Request {
    /// The context of the question that this request asks.
    pub(crate) fn context(&self) -> Context {
        Context {
            trace: self.id.to_str().map(Trace::of).unwrap_or_default(),
            ..Context::interactive(Caller::Anonymous)
        }
    }
}

/// What is known of its response.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) status: u16,
    pub(crate) subject: Subject,
    /// hit, miss, stale, negative, coalesced; `error` for other failures, `-` for service pages.
    pub(crate) result: &'static str,
    pub(crate) error: Option<String>,
}

/// The same, borrowed: what a hit has without allocating.
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
    pub(crate) books: Books,
    pub(crate) request: Request,
    pub(crate) verdict: Verdict,
    bytes: u64,
    whole: bool,
}

impl Finish {
    pub(crate) fn new(books: Books, request: Request, verdict: Verdict) -> Self {
        Self {
            books,
            request,
            verdict,
            bytes: 0,
            whole: false,
        }
    }

    pub(crate) fn sent(&mut self, bytes: u64, whole: bool) {
        self.bytes += bytes;
        self.whole |= whole;
    }

    pub(crate) fn failed(&mut self, error: &BodyError) {
        self.verdict.error = Some(error.report());
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
            status: self.verdict.status,
            subject: &self.verdict.subject,
            result: self.verdict.result,
            error: self.verdict.error.as_deref(),
            bytes: self.bytes,
            cut: !self.whole,
            meter: None,
        });
    }
}
