//! The pages of paths, and the tags on them.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use url::Url;

use super::{
    error::DiscoveryError,
    go_import::{GoImport, GoImportError, ModTags, match_go_import, parse_go_imports},
    pages::{PAGE_LIMIT, Pages},
    shared_answers::SharedAnswers,
};
use crate::{
    Context, FetchError, Reply, SourceName,
    outbound::{Page, RedirectError, Rewrites, UrlGuard},
};

/// How much of an error page is kept, in bytes.
const ERROR_TEXT: usize = 4096;

/// Asks for the pages of paths. Callers share a request, and its answer is kept for a while.
#[derive(Debug)]
pub(super) struct PageSource {
    pub(super) pages: Arc<dyn Pages>,
    pub(super) guard: UrlGuard,
    pub(super) rewrites: Rewrites,
    answers: SharedAnswers<TagPage>,
}

/// The tags of a page; at least one.
#[derive(Clone, Debug)]
pub(super) struct TagPage {
    /// What was asked for.
    pub(super) url: Arc<Url>,
    pub(super) imports: Arc<[GoImport]>,
}

impl TagPage {
    /// Bytes on the heap.
    pub(super) fn heap_size(&self) -> usize {
        let import = |import: &GoImport| {
            let text = import.prefix.len() + import.vcs.len() + import.repo.len() + import.subdir.len();
            size_of::<GoImport>() + text
        };
        size_of::<Url>() + self.url.as_str().len() + self.imports.iter().map(import).sum::<usize>()
    }

    /// The tag that speaks of `path`.
    pub(super) fn pick(&self, path: &str) -> Result<&GoImport, DiscoveryError> {
        match_go_import(&self.imports, path).map_err(|error| match error {
            GoImportError::Mismatch { .. } => no_tags(&self.url, &error.to_string()),
            GoImportError::Multiple(_) => DiscoveryError::malformed(format!("parse {}: {error}", self.url)),
        })
    }
}

impl PageSource {
    pub(super) fn new(
        pages: Arc<dyn Pages>,
        guard: UrlGuard,
        rewrites: Rewrites,
        answers: SharedAnswers<TagPage>,
    ) -> Self {
        Self {
            pages,
            guard,
            rewrites,
            answers,
        }
    }

    /// The tags on the page of `path`: `https://path?go-get=1`.
    pub(super) async fn tags(
        self: &Arc<Self>,
        path: &str,
        insecure: bool,
        context: &Context,
    ) -> Result<TagPage, DiscoveryError> {
        let key = format!("{}{path}", if insecure { "insecure " } else { "" });
        let (source, path) = (Arc::clone(self), path.to_owned());
        let work = |context| async move { source.ask(&path, insecure, &context).await };
        self.answers.get(&key, context, work).await
    }

    async fn ask(&self, path: &str, insecure: bool, context: &Context) -> Result<TagPage, DiscoveryError> {
        if !path.split('/').next().unwrap_or_default().contains('.') {
            return Err(DiscoveryError::not_exist(
                "import path does not begin with hostname",
            ));
        }
        let answer = self.ask_over("https", path, context).await;
        let (url, page) = match answer {
            // A host that may be asked without encryption may have no certificate.
            Err(DiscoveryError::Unreachable { .. }) if insecure => {
                self.ask_over("http", path, context).await?
            }
            // A page reachable only by a redirect from https to http does not count, as in cmd/go.
            Err(DiscoveryError::Unreachable { reason, cause }) if leads_to_http(&cause) => {
                return Err(DiscoveryError::not_exist(format!("{reason}: {cause}")));
            }
            answer => answer?,
        };
        read(path, url, &page)
    }

    async fn ask_over(
        &self,
        scheme: &str,
        path: &str,
        context: &Context,
    ) -> Result<(Url, Page), DiscoveryError> {
        let slash = if path.contains('/') { "" } else { "/" };
        let url = Url::parse(&format!("{scheme}://{path}{slash}?go-get=1"));
        let url = url.map_err(|error| {
            DiscoveryError::not_exist(format!("import path does not begin with hostname: {error}"))
        })?;
        let url = self.rewrites.page(url);
        let page = self.get(&format!("{scheme} fetch"), &url, context).await?;
        Ok((url, page))
    }

    /// A page of any status, if its host may be asked.
    pub(super) async fn get(&self, what: &str, url: &Url, context: &Context) -> Result<Page, DiscoveryError> {
        self.guard
            .check(url)
            .map_err(|error| DiscoveryError::refused(format!("{what} {url}: {error}")))?;
        let page = self.pages.get(url, &self.guard, context).await;
        page.map_err(|error| DiscoveryError::failed(what, url, error))
    }
}

/// Whether a request ended with a redirect from https to http.
fn leads_to_http(error: &FetchError) -> bool {
    let FetchError::Unreachable { cause, .. } = error else {
        return false;
    };
    matches!(cause.downcast_ref(), Some(RedirectError::Insecure))
}

/// The tags of a page. The status counts only where there are none.
fn read(path: &str, url: Url, page: &Page) -> Result<TagPage, DiscoveryError> {
    let imports = parse_go_imports(&page.body, ModTags::Prefer);
    let why = match imports {
        Ok(imports) if !imports.is_empty() => {
            return Ok(TagPage {
                url: Arc::new(url),
                imports: imports.into(),
            });
        }
        Ok(_) => None,
        Err(error) => Some(error),
    };
    match (page.status, why) {
        (200, _) if page.truncated => Err(DiscoveryError::malformed(format!(
            "parse {url}: no go-import meta tags in its first {PAGE_LIMIT} bytes"
        ))),
        // A page for people that is not well-formed and has no tags.
        (200, Some(error)) => Err(DiscoveryError::not_exist(format!("parsing {path}: {error}"))),
        (200, None) => Err(no_tags(&url, "")),
        // A host that answers 4xx has no such page, as for the go command. 408 and 429 are no answers.
        (status @ 400..=499, _) if !matches!(status, 408 | 429) => {
            let name = StatusCode::from_u16(status)
                .ok()
                .and_then(|s| s.canonical_reason());
            Err(DiscoveryError::not_exist(format!(
                "reading {url}: {status} {}",
                name.unwrap_or_default()
            )))
        }
        (status, _) => {
            let reply = Reply {
                status,
                content_type: page.content_type.clone(),
                body: Bytes::copy_from_slice(&page.body[..page.body.len().min(ERROR_TEXT)]),
            };
            let source_name = SourceName::new(page.url.host_str().unwrap_or_default());
            let cause = FetchError::Status { source_name, reply };
            Err(DiscoveryError::failed("reading", &url, cause))
        }
    }
}

fn no_tags(url: &Url, mismatches: &str) -> DiscoveryError {
    DiscoveryError::not_exist(format!("parse {url}: no go-import meta tags ({mismatches})"))
}
