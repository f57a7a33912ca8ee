//! Answers of mounted parts.

use std::sync::Arc;

use http::{
    HeaderValue, Method, Request, Response,
    header::{CACHE_CONTROL, CONTENT_LENGTH},
};
use stoa_fetch::Context;

use crate::{
    body::Body, drain::DrainToken, edge_state::EdgeState, finish::ResponseInfo, heads::NO_STORE,
    inert::make_inert, mount::Mount, mounted_body::MountedBody, peer::Peer, request_id::REQUEST_ID,
    subject::Subject,
};

impl EdgeState {
    /// Lets a mounted part answer, and streams what it sends.
    pub(crate) async fn mounted(
        &self,
        mount: Arc<Mount>,
        mut request: Request<axum::body::Body>,
        id: &HeaderValue,
        (peer, context, drain): (Peer, Context, DrainToken),
    ) -> (Response<Body>, ResponseInfo) {
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(context);
        request.extensions_mut().insert(drain.clone());
        if let Some(below) = self.prefix.cut(request.uri()) {
            *request.uri_mut() = below;
        }
        let is_head = *request.method() == Method::HEAD;
        let (mut parts, body) = mount.answer(request).await.into_parts();
        parts.headers.insert(REQUEST_ID, id.clone());
        make_inert(&mut parts.headers);
        // What a part says is of this moment, unless it knows better.
        parts.headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
        let has_body = !is_head && !matches!(parts.status.as_u16(), 100..200 | 204 | 304);
        let body = if has_body {
            let body = MountedBody::new(body, &parts.headers, drain);
            let announced = parts.headers.get(CONTENT_LENGTH);
            let announced = announced.and_then(|len| len.to_str().ok()?.parse().ok());
            let len = announced.or(body.len());
            Body::mounted(body, len)
        } else {
            Body::empty()
        };
        let info = ResponseInfo {
            status: parts.status.as_u16(),
            subject: Subject::Mount(mount),
            result: "-",
            error: None,
        };
        (Response::from_parts(parts, body), info)
    }
}
