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
    page_source::{Asking, PageSource, TagPage},
    pages::Pages,
    ping::Ping,
    policy::VcsPolicy,
    repo_root::RepoRoot,
    repo_url::{RepoUrlError, check_repo, check_repo_root, check_subdir, clamp_subdir, parse_repo},
    shared_answers::SharedAnswers,
    static_root::{Launchpad, StaticRoot, StaticRootError, static_root},
};
use crate::{
    Context, FetchError, Phase, SourceName,
    outbound::{Address, Guards, NamedModules, Trust, is_secure_scheme},
};

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
    modules: NamedModules,
    source: Arc<PageSource>,
    ping: Arc<dyn Ping>,
    /// Which addresses were found to answer.
    answering: SharedAnswers<Address>,
}

/// Who says where a repository is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SaidBy {
    /// A mapping.
    Configuration,
    /// The path of the module, whose host it is.
    Path,
    /// The page of the path, whose word is worth so much.
    Page(Trust),
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
            modules,
            mut guard,
            ttl,
            capacity,
        } = options;
        mappings
            .targets()
            .chain(rewrites.targets())
            .for_each(|url| guard.name(url));
        // Tags take more room than URLs.
        let address_size = |key: &String, address: &Address| {
            key.len() + address.named.as_str().len() + address.asked.as_str().len()
        };
        let answering = SharedAnswers::new(ttl, capacity / 4, address_size, tasks.clone());
        let tags_size = |key: &String, page: &TagPage| key.len() + page.heap_size();
        let tags = SharedAnswers::new(ttl, capacity - capacity / 4, tags_size, tasks.clone());
        let source = PageSource::new(pages, Guards::new(guard), rewrites, tags);
        Self {
            policy,
            mappings,
            modules,
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
                host = root.repo.asked.host_str(),
                trust = %root.repo.trust,
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
            repo: self.repository(path, mapping.kind, mapping.repo.clone(), SaidBy::Configuration)?,
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
            self.answering(path, found.vcs, &found.repo, context).await?
        } else {
            self.repository(path, kind, read_url(&found.repo)?, SaidBy::Path)?
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
        let asking = Asking {
            named: self.modules.names(path),
            insecure,
        };
        let page = self.source.tags(path, asking, context).await?;
        let import = page.pick(path)?;
        check_root(path, &import.prefix)?;
        let mut trust = page.trust;
        if import.prefix != path {
            // A page below the prefix does not decide for the whole prefix.
            let authority = self.source.tags(&import.prefix, asking, context).await?;
            if authority.pick(path).ok() != Some(import) {
                let reason = format!(
                    "{} and {} disagree about go-import for {}",
                    page.url, authority.url, import.prefix
                );
                return Err(DiscoveryError::Disagreement { reason });
            }
            if authority.trust != trust {
                trust = Trust::Stranger;
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
            repo: self.repository(path, kind, repo, SaidBy::Page(trust))?,
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
                    // It is on another host than the module.
                    let named = read_url(&format!("https://code.launchpad.net/{probe}"))?;
                    let asked = source.rewrites.page(&named);
                    let address = Address {
                        asked: asked.unwrap_or_else(|| named.clone()),
                        named,
                        trust: Trust::Stranger,
                    };
                    let page = source.get("https fetch", &address, &context).await?;
                    let root = if page.status == 200 { series } else { project };
                    read_url(&format!("https://{root}")).map(Address::of_stranger)
                };
                let found = self.answering.get(&key, context, work).await?;
                found.named.as_str().trim_start_matches("https://").to_owned()
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
        path: &str,
        vcs: VcsKind,
        repo: &str,
        context: &Context,
    ) -> Result<Address, DiscoveryError> {
        let kind = RepoKind::Vcs(vcs);
        let insecure = self.policy.is_insecure(path);
        let mut candidates = Vec::new();
        for scheme in kind.schemes() {
            if insecure || is_secure_scheme(scheme) {
                let url = read_url(&format!("{scheme}://{repo}"))?;
                candidates.push(self.repository(path, kind, url, SaidBy::Path)?);
            }
        }
        let key = candidates.iter().map(Address::key);
        let key = format!("{vcs} {}", key.collect::<Vec<_>>().join(" "));
        let ping = Arc::clone(&self.ping);
        let work = |context: Context| async move {
            let mut failure = None;
            for address in candidates {
                if vcs == VcsKind::Fossil {
                    return Ok(address);
                }
                match ping.ping(vcs, &address, &context).await {
                    Ok(true) => return Ok(address),
                    Ok(false) => {}
                    // The next one would only be one more of too many.
                    Err(error @ FetchError::Overloaded { .. }) => {
                        return Err(DiscoveryError::failed("asking", &address.named, error));
                    }
                    Err(error) => {
                        let failed = || DiscoveryError::failed("asking", &address.named, error);
                        failure = failure.or_else(|| Some(failed()));
                    }
                }
            }
            let secure = if insecure { "" } else { "secure " };
            Err(failure.unwrap_or_else(|| {
                DiscoveryError::not_exist(format!("no {secure}protocol found for repository"))
            }))
        };
        self.answering.get(&key, context, work).await
    }

    /// Where a repository is really asked for, if it may be.
    fn repository(
        &self,
        path: &str,
        kind: RepoKind,
        named: Url,
        said_by: SaidBy,
    ) -> Result<Address, DiscoveryError> {
        let asked = match kind {
            RepoKind::ModuleProxy => self.source.rewrites.page(&named),
            RepoKind::Vcs(_) => self.source.rewrites.repository(&named),
        };
        let refused = |why: &str| DiscoveryError::refused(format!("repository {named}: {why}"));
        let in_configuration = asked.is_some() || said_by == SaidBy::Configuration;
        check_repo(kind, asked.as_ref().unwrap_or(&named)).map_err(|error| refused(&error.to_string()))?;
        let address = Address {
            trust: self.trust(path, &named, asked.is_some(), said_by),
            asked: asked.unwrap_or_else(|| named.clone()),
            named,
        };
        self.source.check("repository", &address)?;
        if !in_configuration && !is_secure_scheme(address.named.scheme()) && !self.policy.is_insecure(path) {
            let why = format!(
                "scheme {:?} does not encrypt, and {path} is not in vcs.insecure",
                address.named.scheme()
            );
            return Err(DiscoveryError::refused(format!(
                "repository {}: {why}",
                address.named
            )));
        }
        Ok(address)
    }

    /// What may be used for a repository at `named`. See ADR 0019.
    fn trust(&self, path: &str, named: &Url, is_rewritten: bool, said_by: SaidBy) -> Trust {
        match said_by {
            SaidBy::Configuration | SaidBy::Page(Trust::Named) => Trust::Named,
            SaidBy::Path if self.modules.names(path) => Trust::Named,
            SaidBy::Path | SaidBy::Page(Trust::Placed) if is_rewritten && is_own_host(path, named) => {
                Trust::Placed
            }
            SaidBy::Path | SaidBy::Page(_) => Trust::Stranger,
        }
    }
}

/// Whether a URL is on the host that a module path begins with. None has a port.
fn is_own_host(path: &str, url: &Url) -> bool {
    let host = path.split('/').next().unwrap_or_default();
    url.port().is_none() && url.host_str().is_some_and(|own| own.eq_ignore_ascii_case(host))
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
