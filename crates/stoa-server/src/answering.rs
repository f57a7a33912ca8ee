//! Requests that are not in memory: by the pipeline, or by a service route.

use axum::body::to_bytes;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header::ALLOW};
use hyper::body::Incoming;

use stoa_module::Resource;
use stoa_proxy::{Answer, BadSumPath, Content, Held, ProxyError, SumQuestion};
use stoa_storage::ETag;
use stoa_sumdb::RemotePathError;
use tower::ServiceExt;

use crate::{
    Body, api,
    edge::Shared,
    finish::{Finish, Request as Asked, Verdict},
    goproxy::{CachePolicy, Wanted, refuse, respond},
    hot_cache::{Hot, MAX_FILE},
    request_id::REQUEST_ID,
    request_path::decode,
    status::ErrorReply,
    subject::Subject,
};

/// What a path asks.
enum Question {
    Page,
    Module(Resource),
    Sum(SumQuestion),
}

impl Question {
    fn subject(self) -> Subject {
        match self {
            Self::Page => Subject::Service,
            Self::Module(resource) => Subject::Module(resource),
            Self::Sum(question) => Subject::Sum(question.request().clone()),
        }
    }
}

/// The largest service page, in bytes; metrics are the largest.
const MAX_PAGE: usize = 16 << 20;

impl Shared {
    pub(crate) async fn answer(&self, request: Request<Incoming>, asked: Asked) -> Response<Body> {
        let _open = self.books.metrics.open_request();
        let path = asked.path.clone();
        let decoded = decode(self.prefix.without_last_slash(&path));
        let below = decoded
            .as_deref()
            .map(|path| self.prefix.strip(path).unwrap_or(path));
        let question = match below {
            _ if api::owns(self.prefix.strip(&path).unwrap_or(&path)) => Ok(Question::Page),
            Err(error) => Err(ErrorReply::from(*error)),
            // The target of CONNECT and of `OPTIONS *` has no slash at all.
            Ok(below) => self.question(below.strip_prefix('/').unwrap_or(below)),
        };
        let (response, verdict) = match question {
            Err(error) => Self::refused(request.headers(), &asked, Subject::Service, error),
            Ok(Question::Page) => self.serve_page(request, &asked).await,
            Ok(question) if !matches!(asked.method, Method::GET | Method::HEAD) => {
                let error = ErrorReply::own(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
                let (mut response, verdict) =
                    Self::refused(request.headers(), &asked, question.subject(), error);
                response
                    .headers_mut()
                    .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
                (response, verdict)
            }
            Ok(Question::Module(resource)) => {
                let question = stoa_fetch::Question::new(resource, asked.context());
                let answer = self.protocol.get(&question).await;
                let resource = question.resource;
                match answer {
                    Ok(answer) => self.answered(request.headers(), &asked, resource, answer).await,
                    Err(error) => Self::failed(request.headers(), &asked, Subject::Module(resource), &error),
                }
            }
            Ok(Question::Sum(question)) => self.sum(request.headers(), &asked, &question).await,
        };
        let finish = Finish::new(self.books.clone(), asked, verdict);
        let (parts, body) = response.into_parts();
        let body = match body.in_memory() {
            Some(bytes) => {
                finish.now(bytes);
                body
            }
            None => body.finishing(finish),
        };
        Response::from_parts(parts, body)
    }

    /// Reads a path without prefix and slash in front.
    fn question(&self, path: &str) -> Result<Question, ErrorReply> {
        if let Some(below) = path.strip_prefix("sumdb/") {
            let question = self.checksum_databases.parse(below);
            return question.map(Question::Sum).map_err(|error| {
                let status = match error {
                    BadSumPath::NoDatabase | BadSumPath::Path(RemotePathError::Unknown) => {
                        StatusCode::NOT_FOUND
                    }
                    BadSumPath::Path(_) => StatusCode::BAD_REQUEST,
                };
                ErrorReply::own(status, &error.to_string())
            });
        }
        let resource = Resource::parse(path).map_err(ErrorReply::bad_request)?;
        Ok(resource.map_or(Question::Page, Question::Module))
    }

    async fn sum(
        &self,
        headers: &HeaderMap,
        asked: &Asked,
        question: &SumQuestion,
    ) -> (Response<Body>, Verdict) {
        let subject = Subject::Sum(question.request().clone());
        let answer = match question.answer().await {
            Ok(answer) => answer,
            Err(error) => return Self::failed(headers, asked, subject, &error),
        };
        let wanted = Wanted {
            method: &asked.method,
            headers,
            request_id: &asked.id,
        };
        let etag = quoted(&ETag::of_content(&answer.content));
        let policy = match answer.fresh_for {
            Some(fresh_for) => CachePolicy::new(fresh_for),
            None => self.policy.clone(),
        };
        let content = (Content::Bytes(answer.content), Held::default());
        let response = respond(wanted, &subject, content, Some(&etag), &policy);
        let verdict = Verdict {
            status: response.status().as_u16(),
            subject,
            result: answer.outcome.as_str(),
            error: None,
        };
        (response, verdict)
    }

    async fn answered(
        &self,
        headers: &HeaderMap,
        asked: &Asked,
        resource: Resource,
        answer: Answer,
    ) -> (Response<Body>, Verdict) {
        let wanted = Wanted {
            method: &asked.method,
            headers,
            request_id: &asked.id,
        };
        let (outcome, fresh_for) = (answer.outcome, answer.fresh_for);
        let (content, held) = answer.into_parts();
        let (content, etag) = match content {
            Content::Bytes(bytes) => {
                let etag = quoted(&ETag::of_content(&bytes));
                (Content::Bytes(bytes), Some(etag))
            }
            Content::Stored(blob) => {
                let etag = quoted(blob.etag());
                let hot = self.hot.is_some() && blob.len() <= MAX_FILE;
                match hot.then(|| usize::try_from(MAX_FILE).unwrap_or(usize::MAX)) {
                    Some(max) => match blob.bytes(max).await {
                        Ok(bytes) => (Content::Bytes(bytes), Some(etag)),
                        Err(error) => {
                            let error = ProxyError::from(error);
                            return Self::failed(headers, asked, Subject::Module(resource), &error);
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
        {
            let entry = Hot {
                subject: subject.clone(),
                content: keep(bytes),
                etag: etag.clone(),
                meter: self.books.metrics.hits(kind),
                expires: Hot::expiry(fresh_for),
            };
            hot.put(&asked.path, entry);
        }
        let response = respond(wanted, &subject, (content, held), etag.as_ref(), &self.policy);
        let verdict = Verdict {
            status: response.status().as_u16(),
            subject,
            result: outcome.as_str(),
            error: None,
        };
        (response, verdict)
    }

    fn failed(
        headers: &HeaderMap,
        asked: &Asked,
        subject: Subject,
        error: &ProxyError,
    ) -> (Response<Body>, Verdict) {
        let result = match (error.is_not_found(), error.is_remembered()) {
            (true, true) => "negative",
            (true, false) => "miss",
            (false, _) => "error",
        };
        let wanted = Wanted {
            method: &asked.method,
            headers,
            request_id: &asked.id,
        };
        let response = refuse(wanted, ErrorReply::from(error));
        let status = response.status().as_u16();
        (
            response,
            Verdict {
                status,
                subject,
                result,
                error: Some(error.report().to_string()),
            },
        )
    }

    fn refused(
        headers: &HeaderMap,
        asked: &Asked,
        subject: Subject,
        error: ErrorReply,
    ) -> (Response<Body>, Verdict) {
        let wanted = Wanted {
            method: &asked.method,
            headers,
            request_id: &asked.id,
        };
        let text = String::from_utf8_lossy(&error.body).trim_end().to_owned();
        let response = refuse(wanted, error);
        let status = response.status().as_u16();
        (
            response,
            Verdict {
                status,
                subject,
                result: "error",
                error: Some(text),
            },
        )
    }

    async fn serve_page(&self, request: Request<Incoming>, asked: &Asked) -> (Response<Body>, Verdict) {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(asked.peer);
        if let Some(below) = self.prefix.cut(request.uri()) {
            *request.uri_mut() = below;
        }
        let is_api = api::owns(request.uri().path());
        let router = if is_api { &self.api } else { &self.service };
        let response = match router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (mut parts, body) = response.into_parts();
        parts.headers.insert(REQUEST_ID, asked.id.clone());
        let verdict = Verdict {
            status: parts.status.as_u16(),
            subject: Subject::Service,
            result: "-",
            error: None,
        };
        // Pages are made in memory, so this copies nothing and cannot fail.
        let body = to_bytes(body, MAX_PAGE).await.unwrap_or_default();
        (Response::from_parts(parts, Body::full(body)), verdict)
    }
}

/// A copy for the cache, unless the bytes own all of their memory: a slice would keep its whole buffer alive.
fn keep(bytes: &Bytes) -> Bytes {
    if bytes.is_unique() {
        bytes.clone()
    } else {
        Bytes::copy_from_slice(bytes)
    }
}

fn quoted(etag: &ETag) -> HeaderValue {
    // Tags are made of hexadecimal and base64 characters.
    HeaderValue::try_from(format!("\"{etag}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}
