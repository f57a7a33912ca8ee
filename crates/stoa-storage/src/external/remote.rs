//! Questions to the remote.

use std::fmt;
use std::time::Duration;

use http::header::{self, HeaderName};
use http::{HeaderValue, Method, StatusCode};
use stoa_dispatch::{LaneKey, Pool, RequestBody, Response, Task};
use stoa_module::{ModulePath, ModuleVersion, Version};

use super::answer::{away, nonsense, refusal};
use super::fetched::{Fetched, Identity};
use super::names;
use super::options::{Authorization, ExternalOptions};
use super::upload::Upload;
use crate::error::StorageError;
use crate::key::{FileKey, FileKind};
use crate::remote_fault::RemoteFault;

/// The most bytes of the list of one module, and of a page of the catalog.
const MAX_LIST: usize = 8 << 20;
/// For how long a version may be on its way, if the lane allows as much.
const LONG: Duration = Duration::from_secs(60 * 60);

/// The server that keeps whole versions.
pub(super) struct Remote {
    pool: Pool,
    lane: LaneKey,
    base: String,
    authorization: Option<HeaderValue>,
    deadline: Duration,
}

impl Remote {
    pub(super) fn new(pool: Pool, options: &ExternalOptions) -> Result<Self, StorageError> {
        let authorization = options.authorization.as_ref();
        Ok(Self {
            pool,
            lane: options.lane.clone(),
            base: options.checked_base()?,
            authorization: authorization.map(Authorization::header).transpose()?,
            deadline: options.deadline,
        })
    }

    /// Begins to read a file, from an offset if the server can do that; `None` if it has no such file. Of a file that was
    /// read before, only the same content is taken.
    pub(super) async fn file(
        &self,
        key: &FileKey,
        from: u64,
        known: Option<&Identity>,
    ) -> Result<Option<Fetched>, StorageError> {
        let place = self.place(&names::of_file(key));
        let mut headers = Vec::new();
        if from > 0 {
            headers.push((header::RANGE, text(&format!("bytes={from}-"))));
            let strong = known.and_then(Identity::strong_tag);
            headers.extend(strong.map(|tag| (header::IF_RANGE, tag)));
        }
        let within = if key.kind == FileKind::Zip {
            LONG
        } else {
            self.deadline
        };
        let response = self
            .ask(Method::GET, &place, headers, RequestBody::empty(), within)
            .await;
        let response = response.map_err(|error| away("read", &place, error))?;
        match response.status() {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT => {
                let fetched = Fetched::of(response, from);
                let fetched = fetched.map_err(|reason| nonsense("read", &place, reason))?;
                if known.is_some_and(|known| !fetched.identity.may_be(known)) {
                    return Err(nonsense("read", &place, "it has another content by now"));
                }
                Ok(Some(fetched))
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => {
                response.into_body().drain().await;
                Ok(None)
            }
            _ => Err(refusal("read", &place, response).await),
        }
    }

    /// Whether the server has the file. The protocol knows no question for that, so the file is asked for and not read.
    pub(super) async fn has(&self, key: &FileKey) -> Result<bool, StorageError> {
        let Some(fetched) = self.file(key, 0, None).await? else {
            return Ok(false);
        };
        if key.kind != FileKind::Zip {
            fetched.body.drain().await;
        }
        Ok(true)
    }

    /// The versions of which the server has all files.
    pub(super) async fn versions(&self, module: &ModulePath) -> Result<Vec<Version>, StorageError> {
        let mut versions = Vec::new();
        for (n, place) in names::of_lists(module).into_iter().enumerate() {
            let place = self.place(&place);
            let asked = self
                .ask(
                    Method::GET,
                    &place,
                    Vec::new(),
                    RequestBody::empty(),
                    self.deadline,
                )
                .await;
            let response = asked.map_err(|error| away("list", &place, error))?;
            // The second place is none for most servers.
            let is_none = matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::GONE)
                || n > 0 && response.status().is_client_error();
            if is_none {
                response.into_body().drain().await;
                continue;
            }
            let list = self.text_of("list", &place, response).await?;
            versions.extend(list.lines().filter_map(names::version));
        }
        Ok(versions)
    }

    /// A page of the catalog, as text.
    pub(super) async fn catalog(&self, token: &str, size: usize) -> Result<String, StorageError> {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("token", token)
            .append_pair("pagesize", &size.to_string())
            .finish();
        let place = self.place(&format!("/catalog?{query}"));
        let asked = self
            .ask(
                Method::GET,
                &place,
                Vec::new(),
                RequestBody::empty(),
                self.deadline,
            )
            .await;
        let response = asked.map_err(|error| away("list", &place, error))?;
        match response.status() {
            status @ (StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::NOT_IMPLEMENTED) => {
                let reason = format!("it answered {status}");
                Err(StorageError::remote(
                    RemoteFault::NoCatalog,
                    "list",
                    &place,
                    reason,
                ))
            }
            _ => self.text_of("list", &place, response).await,
        }
    }

    /// Stores the three files of a version.
    pub(super) async fn save(&self, target: &ModuleVersion, upload: Upload) -> Result<(), StorageError> {
        let place = self.place(&names::of_version(target, "save"));
        let headers = vec![
            (header::CONTENT_TYPE, text(&upload.content_type())),
            (header::CONTENT_LENGTH, upload.len().into()),
        ];
        let response = self
            .ask(Method::POST, &place, headers, upload.into_body(), LONG)
            .await;
        let response = response.map_err(|error| away("save", &place, error))?;
        if !response.status().is_success() {
            return Err(refusal("save", &place, response).await);
        }
        response.into_body().drain().await;
        Ok(())
    }

    /// Deletes the three files of a version, if there are any.
    pub(super) async fn delete(&self, target: &ModuleVersion) -> Result<(), StorageError> {
        let place = self.place(&names::of_version(target, "delete"));
        let body = RequestBody::empty();
        let response = self
            .ask(Method::DELETE, &place, Vec::new(), body, self.deadline)
            .await;
        let response = response.map_err(|error| away("delete", &place, error))?;
        if response.status().is_success()
            || matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::GONE)
        {
            response.into_body().drain().await;
            return Ok(());
        }
        Err(refusal("delete", &place, response).await)
    }

    /// Whether the server answers, and lets this process in. There is no question for this in the protocol: any answer
    /// to a question for its root will do that is no refusal and no error of the server.
    pub(super) async fn check(&self) -> Result<(), StorageError> {
        let place = self.place("/");
        let body = RequestBody::empty();
        let response = self
            .ask(Method::GET, &place, Vec::new(), body, self.deadline)
            .await;
        let response = response.map_err(|error| away("reach", &place, error))?;
        let status = response.status();
        if status.is_server_error() || matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(refusal("reach", &place, response).await);
        }
        response.into_body().drain().await;
        Ok(())
    }

    /// The URL of what is at `path` below the base.
    pub(super) fn place(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn text_of(
        &self,
        action: &'static str,
        place: &str,
        response: Response,
    ) -> Result<String, StorageError> {
        if response.status() != StatusCode::OK {
            return Err(refusal(action, place, response).await);
        }
        let body = response.into_body().bytes(MAX_LIST).await;
        let body = body.map_err(|error| away(action, place, error))?;
        let body =
            body.ok_or_else(|| nonsense(action, place, format!("it has more than {MAX_LIST} bytes")))?;
        String::from_utf8(body.into()).map_err(|_| nonsense(action, place, "it is not UTF-8"))
    }

    async fn ask(
        &self,
        method: Method,
        place: &str,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: RequestBody,
        within: Duration,
    ) -> Result<Response, stoa_dispatch::DispatchError> {
        let unbuilt = |cause: stoa_dispatch::BuildError| stoa_dispatch::DispatchError::Build {
            lane: self.lane.clone(),
            cause: cause.into(),
        };
        let mut request = http::Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = place.parse().map_err(|error| unbuilt(Box::new(error)))?;
        let own = self
            .authorization
            .clone()
            .map(|value| (header::AUTHORIZATION, value));
        request.headers_mut().extend(headers.into_iter().chain(own));
        let task = Task::ready(request).map_err(|error| unbuilt(Box::new(error)))?;
        self.pool
            .call(task.in_lane(self.lane.clone()).within(within))
            .await
    }
}

/// The value of a header that is made of plain characters.
fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or_else(|_| HeaderValue::from_static(""))
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("base", &self.base)
            .field("lane", &self.lane)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}
