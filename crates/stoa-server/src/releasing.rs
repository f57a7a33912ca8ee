//! Answers about release archives.

use std::{hash::BuildHasher as _, sync::Arc};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_LENGTH},
};
use stoa_fetch::{Context, Passed, ProxyName};
use stoa_proxy::{Content, Held, ReleaseContent, ReleaseRequest, Releases};

use crate::{
    answering::IN_CIRCLES,
    body::Body,
    edge_state::EdgeState,
    finish::ResponseInfo,
    goproxy::{RequestHead, respond},
    heads::max_age,
    status::ErrorReply,
    subject::Subject,
};

impl EdgeState {
    /// Answers what is asked of release archives.
    pub(crate) async fn release(
        &self,
        head: RequestHead<'_>,
        request: ReleaseRequest,
        context: Context,
    ) -> (Response<Body>, ResponseInfo) {
        let own = ProxyName::new(self.names.hash_one("dl"));
        let Ok(passed) = Passed::here(head.headers, &own) else {
            let error = ErrorReply::own(StatusCode::LOOP_DETECTED, IN_CIRCLES);
            return Self::refused(head, Subject::Release(request), error);
        };
        let Some(releases) = self.releases.clone() else {
            let error = ErrorReply::own(StatusCode::NOT_FOUND, "no release archives are served here");
            return Self::refused(head, Subject::Release(request), error);
        };
        let context = Context { passed, ..context };
        self.released(head, request, &releases, &context).await
    }

    async fn released(
        &self,
        head: RequestHead<'_>,
        request: ReleaseRequest,
        releases: &Arc<Releases>,
        context: &Context,
    ) -> (Response<Body>, ResponseInfo) {
        let wants_bytes = *head.method != Method::HEAD;
        let answer = releases.get(&request, wants_bytes, context).await;
        let subject = Subject::Release(request);
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return self.failed(head, subject, &error),
        };
        let etag = HeaderValue::try_from(format!("\"{}\"", answer.etag)).ok();
        let (content, announced) = match answer.content {
            ReleaseContent::Content(content) => (content, None),
            ReleaseContent::Announced(len) => (Content::Bytes(Bytes::new()), Some(len)),
        };
        let content = (content, Held::default());
        let mut response = respond(head, &subject, content, etag.as_ref(), (&self.heads, &self.ahead));
        let headers = response.headers_mut();
        if let Some(fresh_for) = answer.fresh_for {
            headers.insert(CACHE_CONTROL, max_age(fresh_for));
        }
        if let Some(len) = announced {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(len));
        }
        let info = ResponseInfo {
            status: response.status().as_u16(),
            subject,
            result: answer.outcome.as_str(),
            error: None,
        };
        (response, info)
    }
}
