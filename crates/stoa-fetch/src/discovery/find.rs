//! The steps in their order.

use std::sync::Arc;

use stoa_module::ModulePath;
use stoa_vcs::VcsKind;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;
use url::Url;

use super::{
    elements::has_path_prefix,
    error::DiscoveryError,
    kind::RepoKind,
    mapping::{Mapping, Mappings},
    options::DiscoveryOptions,
    page_source::{PageSource, TagPage},
    pages::Pages,
    ping::Ping,
    policy::VcsPolicy,
    repo_root::RepoRoot,
    repo_url::{RepoUrlError, check_repo, check_repo_root, check_subdir, clamp_subdir, parse_repo},
    shared_answers::SharedAnswers,
    static_root::{Launchpad, StaticRoot, StaticRootError, static_root},
};
use crate::{Context, FetchError, Phase, SourceName, outbound::is_secure_scheme};

/// Finds the repositories of module paths (`RepoRootForImportPath` of cmd/go).
///
/// # Deviation
///
/// * Where the go command takes every failure for "there is no such module", [`DiscoveryError`] tells them apart. A
///   redirect from https to http is no failure: the host says itself that it has no page for us.
/// * A path that may be asked for without encryption is asked for over https, then over http. The go command takes any
///   certificate for the former; here a bad one is a failure like others. No redirect leads from https to http, then
///   neither.
/// * What is configured for a URL is presented at once, not after a 4xx; where it is refused (401, 403), that is a failure.
#[derive(Debug)]
pub struct Discovery {
    policy: VcsPolicy,
    mappings: Mappings,
    source: Arc<PageSource>,
    ping: Arc<dyn Ping>,
    /// Which URLs were found to answer.
    answering: SharedAnswers<Url>,
}

impl Discovery {
    /// Asks `pages` for pages and `ping` whether repositories answer, on `tasks`, whose owner waits for them.
    pub fn new(
        options: DiscoveryOptions,
        pages: Arc<dyn Pages>,
        ping: Arc<dyn Ping>,
        tasks: &TaskTracker,
    ) -> Self {
        let DiscoveryOptions {
            policy,
            mappings,
            rewrites,
            mut guard,
            ttl,
            capacity,
        } = options;
        mappings
            .targets()
            .chain(rewrites.targets())
            .for_each(|url| guard.name(url));
        // Tags take more room than URLs.
        let url_size = |key: &String, url: &Url| key.len() + url.as_str().len();
        let answering = SharedAnswers::new(ttl, capacity / 4, url_size, tasks.clone());
        let tags_size = |key: &String, page: &TagPage| key.len() + page.heap_size();
        let tags = SharedAnswers::new(ttl, capacity - capacity / 4, tags_size, tasks.clone());
        let source = PageSource::new(pages, guard, rewrites, tags);
        Self {
            policy,
            mappings,
            source: Arc::new(source),
            ping,
            answering,
        }
    }

    /// The repository of a module path. The deadline of `context` ends the wait, not the work that others may share.
    pub async fn find(&self, path: &ModulePath, context: &Context) -> Result<RepoRoot, DiscoveryError> {
        let (path, began) = (path.as_str(), Instant::now());
        let work = self.find_repository(path, context);
        let found = match context.deadline {
            None => work.await,
            Some(deadline) => timeout_at(deadline, work).await.unwrap_or_else(|_elapsed| {
                let cause = FetchError::Timeout {
                    source_name: SourceName::new("discovery"),
                    phase: Phase::Response,
                    after: began.elapsed(),
                };
                let reason = format!("looking for the repository of {path}");
                Err(DiscoveryError::Unreachable { reason, cause })
            }),
        };
        match &found {
            // The URL may have a password, so that only its host is shown.
            Ok(root) => tracing::debug!(
                path,
                root = root.root,
                kind = %root.kind,
                host = root.repo.host_str(),
                elapsed = ?began.elapsed(),
                "found a repository"
            ),
            Err(error) => tracing::debug!(path, %error, elapsed = ?began.elapsed(), "found no repository"),
        }
        found
    }

    async fn find_repository(&self, path: &str, context: &Context) -> Result<RepoRoot, DiscoveryError> {
        let found = match self.mappings.find(path) {
            Some(mapping) => self.mapped(mapping, path),
            None => self.looked_up(path, context).await,
        }?;
        if path.contains("...") && found.root.contains("...") {
            return Err(DiscoveryError::not_exist(format!(
                "cannot expand ... in {path:?}"
            )));
        }
        Ok(found)
    }

    async fn looked_up(&self, path: &str, context: &Context) -> Result<RepoRoot, DiscoveryError> {
        let found = match static_root(path) {
            Ok(root) => return self.fixed(root, path, context).await,
            Err(StaticRootError::Invalid(reason)) => return Err(DiscoveryError::not_exist(reason)),
            Err(StaticRootError::Unknown) => self.tagged(path, context).await,
        };
        match (found, Launchpad::parse(path)) {
            (Err(error), Some(launchpad)) => {
                let found = self.on_launchpad(launchpad, path, context).await;
                found.map_err(|_| error.of_path(path))
            }
            (found, _) => found.map_err(|error| error.of_path(path)),
        }
    }

    fn mapped(&self, mapping: &Mapping, path: &str) -> Result<RepoRoot, DiscoveryError> {
        self.policy.check(mapping.kind, &mapping.prefix)?;
        Ok(RepoRoot {
            root: mapping.prefix.clone(),
            kind: mapping.kind,
            repo: self.repository(mapping.kind, mapping.repo.clone())?,
            subdir: mapping.subdir.clone(),
            insecure: self.policy.is_insecure(path),
        })
    }

    async fn fixed(
        &self,
        found: StaticRoot,
        path: &str,
        context: &Context,
    ) -> Result<RepoRoot, DiscoveryError> {
        let kind = RepoKind::Vcs(found.vcs);
        check_root(path, &found.root)?;
        self.policy.check(kind, &found.root)?;
        let insecure = self.policy.is_insecure(path);
        let repo = if found.schemeless {
            self.answering(found.vcs, &found.repo, insecure, context).await?
        } else {
            self.repository(kind, read_url(&found.repo)?)?
        };
        Ok(RepoRoot {
            root: found.root,
            kind,
            repo,
            subdir: String::new(),
            insecure,
        })
    }

    /// The repository that the page of a path names (`repoRootForImportDynamic` of cmd/go).
    async fn tagged(&self, path: &str, context: &Context) -> Result<RepoRoot, DiscoveryError> {
        let insecure = self.policy.is_insecure(path);
        let page = self.source.tags(path, insecure, context).await?;
        let import = page.pick(path)?;
        check_root(path, &import.prefix)?;
        if import.prefix != path {
            // A page below the prefix does not decide for the whole prefix.
            let authority = self.source.tags(&import.prefix, insecure, context).await?;
            if authority.pick(path).ok() != Some(import) {
                let reason = format!(
                    "{} and {} disagree about go-import for {}",
                    page.url, authority.url, import.prefix
                );
                return Err(DiscoveryError::Disagreement { reason });
            }
        }
        let bad = |what: &str, text: &str, why: &str| {
            DiscoveryError::malformed(format!("{}: {what} {text:?}{why}", page.url))
        };
        check_subdir(&import.subdir)
            .map_err(|error| bad("invalid subdirectory", &import.subdir, &format!(": {error}")))?;
        let bad_root = |error: RepoUrlError| bad("invalid repo root", &import.repo, &format!(": {error}"));
        check_repo_root(&import.repo).map_err(bad_root)?;
        let kind = RepoKind::parse(&import.vcs).ok_or_else(|| bad("unknown vcs", &import.vcs, ""))?;
        self.policy.check(kind, &import.prefix)?;
        let repo = parse_repo(kind, &import.repo).map_err(bad_root)?;
        Ok(RepoRoot {
            root: import.prefix.clone(),
            kind,
            repo: self.repository(kind, repo)?,
            subdir: clamp_subdir(&import.subdir),
            insecure,
        })
    }

    /// A branch, series or project of launchpad.net.
    async fn on_launchpad(
        &self,
        found: Launchpad,
        path: &str,
        context: &Context,
    ) -> Result<RepoRoot, DiscoveryError> {
        let root = match found.probe {
            None => found.root,
            Some((probe, project)) => {
                let (source, series) = (Arc::clone(&self.source), found.root);
                let key = format!("launchpad {series}");
                let work = |context: Context| async move {
                    let url = read_url(&format!("https://code.launchpad.net/{probe}"))?;
                    let url = source.rewrites.page(url);
                    let page = source.get("https fetch", &url, &context).await?;
                    let root = if page.status == 200 { series } else { project };
                    read_url(&format!("https://{root}"))
                };
                let url = self.answering.get(&key, context, work).await?;
                url.as_str().trim_start_matches("https://").to_owned()
            }
        };
        let fixed = StaticRoot {
            repo: format!("https://{root}"),
            root,
            vcs: VcsKind::Bzr,
            schemeless: false,
        };
        self.fixed(fixed, path, context).await
    }

    /// The first URL of the kind's schemes at which a repository answers. Fossil cannot be asked: its first is taken.
    async fn answering(
        &self,
        vcs: VcsKind,
        repo: &str,
        insecure: bool,
        context: &Context,
    ) -> Result<Url, DiscoveryError> {
        let kind = RepoKind::Vcs(vcs);
        let mut candidates = Vec::new();
        for scheme in kind.schemes() {
            if insecure || is_secure_scheme(scheme) {
                candidates.push(self.repository(kind, read_url(&format!("{scheme}://{repo}"))?)?);
            }
        }
        let ping = Arc::clone(&self.ping);
        let work = |context: Context| async move {
            let mut failure = None;
            for url in candidates {
                if vcs == VcsKind::Fossil {
                    return Ok(url);
                }
                match ping.ping(vcs, &url, &context).await {
                    Ok(true) => return Ok(url),
                    Ok(false) => {}
                    // The next one would only be one more of too many.
                    Err(error @ FetchError::Overloaded { .. }) => {
                        return Err(DiscoveryError::failed("asking", &url, error));
                    }
                    Err(error) => failure = failure.or(Some(DiscoveryError::failed("asking", &url, error))),
                }
            }
            let secure = if insecure { "" } else { "secure " };
            Err(failure.unwrap_or_else(|| {
                DiscoveryError::not_exist(format!("no {secure}protocol found for repository"))
            }))
        };
        self.answering
            .get(&format!("{vcs} {insecure} {repo}"), context, work)
            .await
    }

    /// Where a repository is really asked for, if it may be.
    fn repository(&self, kind: RepoKind, repo: Url) -> Result<Url, DiscoveryError> {
        let repo = match kind {
            RepoKind::ModuleProxy => self.source.rewrites.page(repo),
            RepoKind::Vcs(_) => self.source.rewrites.repository(repo),
        };
        check_repo(kind, &repo)
            .map_err(|error| DiscoveryError::refused(format!("repository {repo}: {error}")))?;
        self.source
            .guard
            .check(&repo)
            .map_err(|error| DiscoveryError::refused(format!("repository {repo}: {error}")))?;
        Ok(repo)
    }
}

/// A root is a leading part of the path in whole elements (`newCodeRepo` of cmd/go). The rules for suffixes and tags
/// let some through that are not.
fn check_root(path: &str, root: &str) -> Result<(), DiscoveryError> {
    if has_path_prefix(path, root) && !root.ends_with('/') {
        return Ok(());
    }
    let reason = format!("mismatched repo: found {root} for {path}");
    Err(DiscoveryError::malformed(reason))
}

fn read_url(text: &str) -> Result<Url, DiscoveryError> {
    Url::parse(text).map_err(|error| DiscoveryError::not_exist(format!("{text:?} is no URL: {error}")))
}
