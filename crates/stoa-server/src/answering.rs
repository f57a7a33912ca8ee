//! Answers to GOPROXY questions that are not in memory.

use std::hash::BuildHasher as _;

use bytes::Bytes;
use futures_util::future::OptionFuture;
use http::{
    HeaderValue, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL},
};
use stoa_fetch::{Context, Passed, ProxyName, Question};
use stoa_module::Resource;
use stoa_proxy::{Answer, Content, Held, Meaning, ProxyError, SumQuestion};
use stoa_storage::ETag;

use crate::{
    body::Body,
    edge_state::EdgeState,
    finish::ResponseInfo,
    goproxy::{RequestHead, refuse, respond},
    heads::max_age,
    hot_cache::{Hot, MAX_FILE},
    status::ErrorReply,
    subject::Subject,
};

/// What is said to a question that goes in circles.
pub(crate) const IN_CIRCLES: &str =
    "this question was here before (CDN-Loop): a page, an upstream or a reverse proxy leads in a circle";

/// Answers up to this size are always copied for the cache, in bytes.
const COPIED: usize = 64 << 10;

impl EdgeState {
    /// Answers a question of the GOPROXY protocol, asked at this path.
    pub(crate) async fn module(
        &self,
        head: RequestHead<'_>,
        path: &str,
        resource: Resource,
        context: Context,
    ) -> (Response<Body>, ResponseInfo) {
        let own = ProxyName::new(self.names.hash_one(resource.module().as_str()));
        let Ok(passed) = Passed::here(head.headers, &own) else {
            let error = ErrorReply::own(StatusCode::LOOP_DETECTED, IN_CIRCLES);
            return Self::refused(head, Subject::Module(resource), error);
        };
        let context = Context { passed, ..context };
        let question = Question::new(resource, context);
        let removals = self.removals.times();
        let answer = self.protocol.get(&question).await;
        match answer {
            Ok(answer) => {
                self.answered(head, (path, removals), question.resource, answer)
                    .await
            }
            Err(error) => self.failed(head, Subject::Module(question.resource), &error),
        }
    }

    /// Answers a question to a checksum database.
    pub(crate) async fn sum(
        &self,
        head: RequestHead<'_>,
        question: SumQuestion,
    ) -> (Response<Body>, ResponseInfo) {
        let answer = question.answer().await;
        let subject = Subject::Sum(question);
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return self.failed(head, subject, &error),
        };
        let etag = quoted(&ETag::of_content(&answer.content));
        let content = (Content::Bytes(answer.content), Held::default());
        let mut response = respond(head, &subject, content, Some(&etag), (&self.heads, &self.ahead));
        if let (true, Some(fresh_for)) = (subject.is_mutable(), answer.fresh_for) {
            response.headers_mut().insert(CACHE_CONTROL, max_age(fresh_for));
        }
        let info = ResponseInfo {
            status: response.status().as_u16(),
            subject,
            result: answer.outcome.as_str(),
            error: None,
        };
        (response, info)
    }

    async fn answered(
        &self,
        head: RequestHead<'_>,
        (path, removals): (&str, u64),
        resource: Resource,
        answer: Answer,
    ) -> (Response<Body>, ResponseInfo) {
        let (outcome, fresh_for, asked) = (answer.outcome, answer.fresh_for, answer.asked);
        let (content, held) = answer.into_parts();
        let (content, etag) = match content {
            Content::Bytes(bytes) => {
                let etag = quoted(&ETag::of_content(&bytes));
                (Content::Bytes(bytes), Some(etag))
            }
            Content::Stored(blob) => {
                let len = blob.len();
                let links = self.links.as_ref();
                let led = links.map(|links| links.lead(head, &resource, len));
                if let Some(response) = OptionFuture::from(led).await.flatten() {
                    let info = ResponseInfo {
                        status: response.status().as_u16(),
                        subject: Subject::Module(resource),
                        result: outcome.as_str(),
                        error: None,
                    };
                    return (response, info);
                }
                let etag = quoted(blob.etag());
                // A client who takes nothing keeps what was read for him, also when the cache has let it go.
                let is_hot = self.hot.is_some() && blob.len() <= MAX_FILE;
                match is_hot.then(|| self.ahead.reserve(blob.len())).flatten() {
                    Some(room) => match blob.bytes(usize::try_from(MAX_FILE).unwrap_or(usize::MAX)).await {
                        Ok(bytes) => (Content::Bytes(room.hold(bytes)), Some(etag)),
                        Err(error) => {
                            let error = ProxyError::from(error);
                            return self.failed(head, Subject::Module(resource), &error);
                        }
                    },
                    None => (Content::Stored(blob), Some(etag)),
                }
            }
            Content::Growing(growing) => (Content::Growing(growing), None),
        };
        let (kind, is_mutable) = (resource.kind(), resource.is_mutable());
        let subject = Subject::Module(resource);
        if let (Content::Bytes(bytes), Some(etag), Some(hot)) = (&content, &etag, &self.hot)
            && (!is_mutable || fresh_for.is_some())
            // What was removed while it was read must not stay.
            && self.removals.times() == removals
        {
            let entry = Hot {
                subject: subject.clone(),
                content: keep(bytes),
                etag: etag.clone(),
                meter: self.books.metrics.hits(kind),
                asked,
            };
            hot.put(path, entry, fresh_for);
        }
        let response = respond(
            head,
            &subject,
            (content, held),
            etag.as_ref(),
            (&self.heads, &self.ahead),
        );
        let info = ResponseInfo {
            status: response.status().as_u16(),
            subject,
            result: outcome.as_str(),
            error: None,
        };
        (response, info)
    }

    pub(crate) fn failed(
        &self,
        head: RequestHead<'_>,
        subject: Subject,
        error: &ProxyError,
    ) -> (Response<Body>, ResponseInfo) {
        let result = match (error.is_not_found(), error.is_remembered()) {
            (true, true) => "negative",
            (true, false) => "miss",
            (false, _) if error.meaning() == Meaning::Coming => "miss",
            (false, _) => "error",
        };
        let response = refuse(head, ErrorReply::of(error, &self.places));
        let status = response.status().as_u16();
        (
            response,
            ResponseInfo {
                status,
                subject,
                result,
                error: Some(error.report().to_string()),
            },
        )
    }

    pub(crate) fn refused(
        head: RequestHead<'_>,
        subject: Subject,
        error: ErrorReply,
    ) -> (Response<Body>, ResponseInfo) {
        let text = String::from_utf8_lossy(&error.body).trim_end().to_owned();
        let response = refuse(head, error);
        let status = response.status().as_u16();
        (
            response,
            ResponseInfo {
                status,
                subject,
                result: "error",
                error: Some(text),
            },
        )
    }

    pub(crate) fn other_method(head: RequestHead<'_>, subject: Subject) -> (Response<Body>, ResponseInfo) {
        let error = ErrorReply::own(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
        let (mut response, info) = Self::refused(head, subject, error);
        let allowed = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(ALLOW, allowed);
        (response, info)
    }
}

/// A copy for the cache, since a slice would keep its whole buffer alive. Large bytes that nobody else has are those of a
/// file that was just read, and own all of their memory.
fn keep(bytes: &Bytes) -> Bytes {
    if bytes.len() > COPIED && bytes.is_unique() {
        bytes.clone()
    } else {
        Bytes::copy_from_slice(bytes)
    }
}

fn quoted(etag: &ETag) -> HeaderValue {
    // Tags are made of hexadecimal and base64 characters.
    HeaderValue::try_from(format!("\"{etag}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}
