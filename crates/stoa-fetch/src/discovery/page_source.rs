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
    outbound::{Address, Guards, Page, PageRequest, RedirectError, Rewrites, Trust},
};

/// How much of an error page is kept, in bytes.
const ERROR_TEXT: usize = 4096;

/// Asks for the pages of paths. Callers share a request, and its answer is kept for a while.
#[derive(Debug)]
pub(super) struct PageSource {
    pub(super) pages: Arc<dyn Pages>,
    pub(super) guards: Guards,
    pub(super) rewrites: Rewrites,
    answers: SharedAnswers<TagPage>,
}

/// The tags of a page; at least one.
#[derive(Clone, Debug)]
pub(super) struct TagPage {
    /// What was asked for, before it was rewritten.
    pub(super) url: Arc<Url>,
    pub(super) imports: Arc<[GoImport]>,
    /// What the word of the page is worth: what it was asked for with, or nothing, if a redirect led to somebody else's.
    pub(super) trust: Trust,
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
        guards: Guards,
        rewrites: Rewrites,
        answers: SharedAnswers<TagPage>,
    ) -> Self {
        Self {
            pages,
            guards,
            rewrites,
            answers,
        }
    }

    /// The tags on the page of `path`: `https://path?go-get=1`. It is the page of the module asked for, or of a path above
    /// it, so that both have one host.
    pub(super) async fn tags(
        self: &Arc<Self>,
        path: &str,
        asking: Asking,
        context: &Context,
    ) -> Result<TagPage, DiscoveryError> {
        let Asking { named, insecure } = asking;
        let word = |on, word| if on { word } else { "" };
        // What is presented to one page is no answer for those who may not present it.
        let key = format!("{}{}{path}", word(named, "named "), word(insecure, "insecure "));
        let (source, path) = (Arc::clone(self), path.to_owned());
        let work = |context| async move { source.ask(&path, asking, &context).await };
        self.answers.get(&key, context, work).await
    }

    async fn ask(&self, path: &str, asking: Asking, context: &Context) -> Result<TagPage, DiscoveryError> {
        if !path.split('/').next().unwrap_or_default().contains('.') {
            return Err(DiscoveryError::not_exist(
                "import path does not begin with hostname",
            ));
        }
        let answer = self.ask_over("https", path, asking, context).await;
        let (url, page, trust) = match answer {
            // A host that may be asked without encryption may have no certificate.
            Err(DiscoveryError::Unreachable { .. }) if asking.insecure => {
                self.ask_over("http", path, asking, context).await?
            }
            // A page reachable only by a redirect from https to http does not count, as in cmd/go.
            Err(DiscoveryError::Unreachable { reason, cause }) if leads_to_http(&cause) => {
                return Err(DiscoveryError::not_exist(format!("{reason}: {cause}")));
            }
            answer => answer?,
        };
        read(path, url, &page, trust)
    }

    async fn ask_over(
        &self,
        scheme: &str,
        path: &str,
        asking: Asking,
        context: &Context,
    ) -> Result<(Url, Page, Trust), DiscoveryError> {
        let slash = if path.contains('/') { "" } else { "/" };
        let url = Url::parse(&format!("{scheme}://{path}{slash}?go-get=1"));
        let url = url.map_err(|error| {
            DiscoveryError::not_exist(format!("import path does not begin with hostname: {error}"))
        })?;
        let asked = self.rewrites.page(&url);
        let trust = match asked {
            _ if asking.named => Trust::Named,
            // The configuration says where the pages of this host are.
            Some(_) => Trust::Placed,
            None => Trust::Stranger,
        };
        let address = Address {
            asked: asked.unwrap_or_else(|| url.clone()),
            named: url,
            trust,
        };
        let page = self.get(&format!("{scheme} fetch"), &address, context).await?;
        let trust = if page.strayed { Trust::Stranger } else { trust };
        Ok((address.named, page, trust))
    }

    /// A page of any status, if its host may be asked.
    pub(super) async fn get(
        &self,
        what: &str,
        address: &Address,
        context: &Context,
    ) -> Result<Page, DiscoveryError> {
        let Address { named, asked, trust } = address;
        self.check(what, address)?;
        let request = PageRequest {
            named,
            asked,
            trust: *trust,
            guards: &self.guards,
            context,
            is_probe: false,
        };
        let page = self.pages.get(request).await;
        page.map_err(|error| DiscoveryError::failed(what, named, error))
    }

    /// Whether an address may be asked for.
    pub(super) fn check(&self, what: &str, address: &Address) -> Result<(), DiscoveryError> {
        let Address { named, asked, trust } = address;
        let checked = self.guards.of(*trust).check(asked);
        checked.map_err(|error| {
            // Where it leads is nobody's business.
            let why = match address.alias() {
                None => error.to_string(),
                Some(_) => {
                    "it is rewritten to a place that is only for modules which the configuration names"
                        .to_owned()
                }
            };
            DiscoveryError::refused(format!("{what} {named}: {why}"))
        })
    }
}

/// How pages are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asking {
    /// The configuration names the module.
    pub(super) named: bool,
    /// It may be asked for without encryption.
    pub(super) insecure: bool,
}

/// Whether a request ended with a redirect from https to http.
fn leads_to_http(error: &FetchError) -> bool {
    let FetchError::Unreadable { cause, .. } = error else {
        return false;
    };
    matches!(cause.downcast_ref(), Some(RedirectError::Insecure))
}

/// The tags of a page. The status counts only where there are none.
fn read(path: &str, url: Url, page: &Page, trust: Trust) -> Result<TagPage, DiscoveryError> {
    let imports = parse_go_imports(&page.body, ModTags::Prefer);
    let why = match imports {
        Ok(imports) if !imports.is_empty() => {
            return Ok(TagPage {
                url: Arc::new(url),
                imports: imports.into(),
                trust,
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
            let source_name = SourceName::new(url.host_str().unwrap_or_default());
            let cause = FetchError::Status { source_name, reply };
            Err(DiscoveryError::failed("reading", &url, cause))
        }
    }
}

fn no_tags(url: &Url, mismatches: &str) -> DiscoveryError {
    DiscoveryError::not_exist(format!("parse {url}: no go-import meta tags ({mismatches})"))
}
