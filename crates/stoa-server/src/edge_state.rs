//! The stages of the edge.

use std::{fmt, hash::RandomState, sync::Arc, time::Instant};

use http::{Method, Request, Response, StatusCode};
use stoa_module::Resource;
use stoa_proxy::{
    ChecksumDatabases, Content, Held, Protocol, Refreshes, ReleaseRequest, Releases, Removals, SumPathError,
};
use stoa_sumdb::RemotePathError;

use crate::{
    body::Body,
    external::is_of_external,
    finish::{Books, Line},
    gate::GateStage,
    goproxy::{RequestHead, respond},
    heads::Heads,
    hot_cache::{Hot, HotCache},
    links::Links,
    local_places::LocalPlaces,
    mount::Mount,
    mounts::Mounts,
    read_ahead::ReadAhead,
    request_id::RequestIds,
    request_path::{PathPrefix, decode},
    status::ErrorReply,
    subject::Subject,
};

/// The stages of the edge, shared by all connections.
pub(crate) struct EdgeState {
    /// Makes the names of this process: its keys are random.
    pub(crate) names: RandomState,
    pub(crate) ids: RequestIds,
    pub(crate) gate: GateStage,
    pub(crate) hot: Option<Arc<HotCache>>,
    /// What must not come into that memory any more.
    pub(crate) removals: Arc<Removals>,
    /// What in that memory is old.
    pub(crate) refreshes: Arc<Refreshes>,
    pub(crate) ahead: Arc<ReadAhead>,
    pub(crate) prefix: PathPrefix,
    pub(crate) mounts: Mounts,
    /// What stores and deletes below the paths of modules.
    pub(crate) external: Option<Arc<Mount>>,
    pub(crate) protocol: Arc<dyn Protocol>,
    pub(crate) checksum_databases: ChecksumDatabases,
    pub(crate) releases: Option<Arc<Releases>>,
    pub(crate) heads: Heads,
    pub(crate) books: Books,
    /// Leads clients to the storage itself.
    pub(crate) links: Option<Links>,
    /// What no error tells a client.
    pub(crate) places: LocalPlaces,
}

/// Prints the stages in the order in which a request meets them.
impl fmt::Display for EdgeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            gate,
            mounts,
            protocol,
            ..
        } = self;
        write!(f, "request_id > span > {gate} > ")?;
        match &self.hot {
            None => f.write_str("hot_memory(none)")?,
            Some(hot) => write!(f, "hot_memory({})", hot.capacity())?,
        }
        write!(f, " > mounts({mounts}) > ")?;
        if let Some(external) = &self.external {
            write!(f, "external({external}) > ")?;
        }
        if let Some(releases) = &self.releases {
            write!(f, "{releases} > ")?;
        }
        write!(f, "goproxy({protocol}) > ")?;
        f.write_str(match self.books.log {
            None => "metrics",
            Some(_) => "access_line, metrics",
        })
    }
}

impl EdgeState {
    /// The answer in memory to this request.
    pub(crate) fn hot<B>(&self, request: &Request<B>) -> Option<Arc<Hot>> {
        let hot = self.hot.as_ref()?;
        matches!(*request.method(), Method::GET | Method::HEAD)
            .then(|| hot.get(request.uri().path()))
            .flatten()
            .filter(|hot| !self.is_old(hot))
    }

    /// Whether something new is known of what an answer in memory speaks of.
    fn is_old(&self, hot: &Hot) -> bool {
        match (&hot.subject, hot.asked) {
            (Subject::Module(resource), Some(asked)) => self.refreshes.is_old(resource.module(), asked),
            _ => false,
        }
    }

    /// Answers from memory, and writes the request down: when it came, from where, and its path.
    pub(crate) fn answer_hot(
        &self,
        head: RequestHead<'_>,
        hot: &Hot,
        (started, remote, path): (Instant, &str, &str),
    ) -> Response<Body> {
        let content = (Content::Bytes(hot.content.clone()), Held::default());
        let response = respond(
            head,
            &hot.subject,
            content,
            Some(&hot.etag),
            (&self.heads, &self.ahead),
        );
        self.books.write(&Line {
            started,
            id: head.request_id,
            remote,
            method: head.method,
            path,
            status: response.status().as_u16(),
            subject: &hot.subject,
            result: "hit",
            error: None,
            bytes: response.body().in_memory().unwrap_or(0),
            cut: false,
            meter: Some(&hot.meter),
        });
        response
    }

    /// What a path is about. Mounts are found by the path as it was sent; what is asked of modules is decoded once.
    ///
    /// # Errors
    /// The answer to a path that nothing can have.
    pub(crate) fn subject(&self, path: &str, query: Option<&str>) -> Result<Subject, ErrorReply> {
        if let Some(mount) = self.mounts.find(self.prefix.strip(path).unwrap_or(path)) {
            return Ok(Subject::Mount(Arc::clone(mount)));
        }
        if let Some(mount) = self.external.as_ref().filter(|_| is_of_external(path)) {
            return Ok(Subject::Mount(Arc::clone(mount)));
        }
        if let Some(name) = release_file(self.prefix.strip(path).unwrap_or(path)) {
            return self.release_subject(name, query);
        }
        let decoded = decode(self.prefix.without_last_slash(path))?;
        let below = self.prefix.strip(&decoded).unwrap_or(&decoded);
        // The target of CONNECT and of `OPTIONS *` has no slash at all.
        let below = below.strip_prefix('/').unwrap_or(below);
        if let Some(path) = below.strip_prefix("sumdb/") {
            let question = self.checksum_databases.parse(path);
            return question.map(Subject::Sum).map_err(|error| {
                let status = match error {
                    SumPathError::NoDatabase | SumPathError::Path(RemotePathError::Unknown) => {
                        StatusCode::NOT_FOUND
                    }
                    SumPathError::Path(_) => StatusCode::BAD_REQUEST,
                };
                ErrorReply::own(status, &error.to_string())
            });
        }
        let resource = Resource::parse(below).map_err(ErrorReply::bad_request)?;
        let root = || self.mounts.root().map(|root| Subject::Mount(Arc::clone(root)));
        Ok(resource
            .map(Subject::Module)
            .or_else(root)
            .unwrap_or(Subject::Unknown))
    }

    /// What is asked of release archives.
    fn release_subject(&self, name: &str, query: Option<&str>) -> Result<Subject, ErrorReply> {
        if self.releases.is_none() {
            return Err(ErrorReply::own(StatusCode::NOT_FOUND, NO_RELEASES));
        }
        if name.is_empty() {
            return Ok(Subject::Release(ReleaseRequest::of_query(query)));
        }
        let request = ReleaseRequest::of_file(&decode(name)?);
        let request = request
            .map_err(|error| ErrorReply::own(StatusCode::NOT_FOUND, &format!("not found: {error}")))?;
        Ok(Subject::Release(request))
    }
}

/// The answer where release archives are switched off.
const NO_RELEASES: &str = "no release archives are served here (toolchains.upstream is not set)";

/// The name of a file below `/dl/`, which is empty for the index; `None` for other paths. No module's path is one of these.
fn release_file(path: &str) -> Option<&str> {
    match path.strip_prefix("/dl")? {
        "" => Some(""),
        below => below.strip_prefix('/').filter(|name| !name.contains('/')),
    }
}
