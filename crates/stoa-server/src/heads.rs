//! Heads of answers, made before they are asked for.

use std::time::Duration;

use http::{
    HeaderMap, HeaderValue,
    header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_TYPE, ETAG},
};
use stoa_module::Resource;
use stoa_proxy::ReleaseRequest;

use crate::{inert::make_inert, request_id::REQUEST_ID, subject::Subject};

pub(crate) const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const ZIP: HeaderValue = HeaderValue::from_static("application/zip");
const BYTES: HeaderValue = HeaderValue::from_static("bytes");
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const LATER: HeaderValue = HeaderValue::from_static("");

/// The heads of whole answers, one for each kind: a hit copies one and fills in what is its own, which costs a third of
/// putting the headers together. Versions never change, the rest is short-lived.
#[derive(Clone, Debug)]
pub(crate) struct Heads {
    fixed: Kinds,
    mutable: Kinds,
}

#[derive(Clone, Debug)]
struct Kinds {
    plain: HeaderMap,
    json: HeaderMap,
    zip: HeaderMap,
}

impl Heads {
    /// What may change is fresh for `list_ttl`.
    pub(crate) fn new(list_ttl: Duration) -> Self {
        Self {
            fixed: Kinds::new(&IMMUTABLE),
            mutable: Kinds::new(&max_age(list_ttl)),
        }
    }

    /// The head of a whole answer, but for its length. Request id and entity tag are in it and empty: each is to be filled in
    /// or taken out.
    pub(crate) fn whole(&self, subject: &Subject) -> HeaderMap {
        let kinds = if subject.is_mutable() {
            &self.mutable
        } else {
            &self.fixed
        };
        match subject {
            Subject::Module(Resource::Latest(_) | Resource::Query(..) | Resource::Info(_)) => &kinds.json,
            Subject::Module(Resource::Zip(_)) => &kinds.zip,
            Subject::Sum(question) => {
                let mut head = kinds.plain.clone();
                let kind = HeaderValue::from_static(question.request().content_type());
                head.insert(CONTENT_TYPE, kind);
                return head;
            }
            Subject::Release(request) => {
                let mut head = match request {
                    // Parts of archives may be asked for.
                    ReleaseRequest::Archive(_) => kinds.zip.clone(),
                    _ => kinds.plain.clone(),
                };
                let kind = HeaderValue::from_static(request.content_type());
                head.insert(CONTENT_TYPE, kind);
                return head;
            }
            Subject::Unknown | Subject::Mount(_) | Subject::Module(Resource::List(_) | Resource::Mod(_)) => {
                &kinds.plain
            }
        }
        .clone()
    }
}

impl Kinds {
    fn new(freshness: &HeaderValue) -> Self {
        let of = |kind: HeaderValue| {
            let mut head = HeaderMap::with_capacity(12);
            make_inert(&mut head);
            for name in [REQUEST_ID, ETAG] {
                head.insert(name, LATER);
            }
            head.insert(CACHE_CONTROL, freshness.clone());
            head.insert(CONTENT_TYPE, kind);
            head
        };
        let mut zip = of(ZIP);
        zip.insert(ACCEPT_RANGES, BYTES);
        Self {
            plain: of(PLAIN),
            json: of(JSON),
            zip,
        }
    }
}

/// What may be kept for so long.
pub(crate) fn max_age(fresh_for: Duration) -> HeaderValue {
    let text = format!("public, max-age={}", fresh_for.as_secs());
    HeaderValue::try_from(text).unwrap_or(NO_STORE)
}
