//! Clients that are led to the storage itself.

use std::{sync::Arc, time::Duration};

use http::{
    HeaderValue, Method, Response, StatusCode,
    header::{CACHE_CONTROL, LOCATION},
};
use stoa_module::Resource;
use stoa_storage::{FileKey, FileKind, Storage};

use crate::{body::Body, goproxy::RequestHead, heads::NO_STORE, request_id::REQUEST_ID};

/// How long a link can be followed. A client follows it at once, and may come to a queue on the way.
const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// Leads clients who ask for a large stored zip to a link of the storage, so that its bytes do not pass through here.
///
/// Who may have the file has been judged before: the link is the answer to this client alone, and no cache keeps it.
#[derive(Clone, Debug)]
pub struct Links {
    storage: Arc<dyn Storage>,
    above: u64,
}

impl Links {
    /// Leads to `storage` for zips of `above` bytes and more.
    pub fn new(storage: Arc<dyn Storage>, above: u64) -> Self {
        Self { storage, above }
    }

    /// The answer that leads a client to the stored file of `len` bytes; `None` if it is to have the file from here.
    pub(crate) async fn lead(
        &self,
        head: RequestHead<'_>,
        resource: &Resource,
        len: u64,
    ) -> Option<Response<Body>> {
        let Resource::Zip(target) = resource else {
            return None;
        };
        if *head.method != Method::GET || len < self.above {
            return None;
        }
        let key = FileKey::new(target.clone(), FileKind::Zip);
        let link = match self.storage.link(&key, LIFETIME).await {
            Ok(link) => link?,
            Err(error) => {
                tracing::warn!(%key, error = %error.report(), "no link can be made, so that the file is sent from here");
                return None;
            }
        };
        let location = HeaderValue::try_from(link.url()).ok()?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::FOUND;
        let headers = response.headers_mut();
        headers.insert(LOCATION, location);
        headers.insert(CACHE_CONTROL, NO_STORE);
        headers.insert(REQUEST_ID, head.request_id.clone());
        Some(response)
    }
}
