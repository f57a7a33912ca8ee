//! `direct`: modules from their own repositories.

use std::{fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use stoa_code_repo::{CodeLimits, CodeRepo, CompressedContents, KnownAnswers};
use stoa_module::ModulePath;
use stoa_vcs::Renewal;
use tokio_util::task::TaskTracker;

use crate::{
    DirectModule, FetchError, Fetched, Fetcher, HttpClient, OpenRepository, Question, Renew, RepositoryPlace,
    SourceName, Upstream,
    discovery::{Discovery, DiscoveryOptions, HttpPages, RepoKind, RepoRoot},
    handles::Handles,
    recent_repositories::RecentRepositories,
    repositories::RepositoryPing,
};

/// Options of [`Direct`].
#[derive(Debug)]
pub struct DirectOptions {
    /// From module paths to repositories.
    pub discovery: DiscoveryOptions,
    /// From repositories to versions.
    pub code: CodeLimits,
    /// Where zips are put together that do not fit into memory; files there have no name.
    pub temporary: PathBuf,
    /// Told when something is new somewhere.
    pub renewal: Renewal,
    /// Questions of discovery that callers share run on it. Its owner waits for them at shutdown.
    pub tasks: TaskTracker,
}

/// `direct`: the module's own repository. Discovery finds it, its program reads it, and the module is made of it here.
#[derive(Debug)]
pub struct Direct {
    discovery: Discovery,
    repositories: Arc<dyn OpenRepository>,
    client: HttpClient,
    code: CodeLimits,
    /// Shared by all repositories.
    contents: Arc<CompressedContents>,
    /// Shared by all repositories.
    answers: Arc<KnownAnswers>,
    temporary: PathBuf,
    renewal: Renewal,
    /// The modules asked for last, by path and by where they were found.
    modules: Handles<String, Arc<dyn Fetcher>>,
}

impl Direct {
    /// Asks pages through `client`, and repositories.
    pub fn new(options: DirectOptions, repositories: Arc<dyn OpenRepository>, client: HttpClient) -> Self {
        let repositories: Arc<dyn OpenRepository> = Arc::new(RecentRepositories::new(repositories));
        let pages = Arc::new(HttpPages::new(client.clone()));
        let ping = Arc::new(RepositoryPing(Arc::clone(&repositories)));
        Self {
            discovery: Discovery::new(options.discovery, pages, ping, &options.tasks),
            contents: Arc::new(CompressedContents::new(options.code.contents)),
            answers: Arc::new(KnownAnswers::new(options.code.answers)),
            code: options.code,
            temporary: options.temporary,
            renewal: options.renewal,
            modules: Handles::new(),
            repositories,
            client,
        }
    }

    /// The source of a module that was found at `root`; the same one as for its last question, if it was found there.
    fn module(&self, module: &ModulePath, root: &RepoRoot) -> Result<Arc<dyn Fetcher>, FetchError> {
        let RepoRoot {
            root: prefix,
            kind,
            repo,
            subdir,
            insecure,
        } = root;
        let address = repo.key();
        // Neither paths nor URLs have spaces.
        let key = format!("{module} {prefix} {kind} {address} {insecure} {subdir}");
        self.modules.get_or_make(key, || self.open(module, root))
    }

    fn open(&self, module: &ModulePath, root: &RepoRoot) -> Result<Arc<dyn Fetcher>, FetchError> {
        let vcs = match root.kind {
            RepoKind::Vcs(vcs) => vcs,
            RepoKind::ModuleProxy => {
                let upstream = Upstream::discovered(&root.repo, self.client.clone());
                let upstream = upstream.map_err(|error| FetchError::Refused {
                    reason: format!("{module}: discovery: {error}"),
                })?;
                return Ok(Arc::new(upstream));
            }
        };
        let source_name = SourceName::new(root.repo.named.host_str().unwrap_or_default());
        let code = self.repositories.open(vcs, &root.repo);
        let code = code.map_err(|error| FetchError::of_vcs(&source_name, error))?;
        let repo = CodeRepo::new(code, &root.root, &root.subdir, module.clone(), self.code.clone());
        let repo = repo.map_err(|error| FetchError::of_code_repo(&source_name, error))?;
        let repo = repo
            .with_contents(Arc::clone(&self.contents))
            .for_audience(root.repo.trust.audience())
            .with_answers(Arc::clone(&self.answers));
        let limits = self.client.limits().clone();
        Ok(Arc::new(DirectModule::new(
            Arc::new(repo),
            limits,
            self.temporary.clone(),
        )))
    }
}

#[deny(clippy::missing_trait_methods)]
impl Renew for Direct {
    fn renew(&self) {
        self.renewal.renew();
        self.answers.renew();
    }

    fn modules_at(&self, place: &RepositoryPlace) -> Vec<ModulePath> {
        // What a key has is written above, in `module`.
        let is_there = |url: &str| url.parse().is_ok_and(|found: RepositoryPlace| found == *place);
        let keys = self.modules.keys().into_iter();
        let found = keys.filter_map(|key| {
            let mut parts = key.split(' ');
            let module = parts.next()?.parse().ok()?;
            parts.any(is_there).then_some(module)
        });
        found.collect()
    }
}

impl fmt::Display for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("direct")
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Fetcher for Direct {
    async fn fetch(&self, question: &Question) -> Result<Fetched, FetchError> {
        let module = question.resource.module();
        let root = self.discovery.find(module, &question.context).await?;
        self.module(module, &root)?.fetch(question).await
    }
}
