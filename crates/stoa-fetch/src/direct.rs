//! The two words of a GOPROXY list that are no server.

use std::{collections::VecDeque, fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use parking_lot::Mutex;
use stoa_code_repo::{CodeLimits, CodeRepo, CompressedContents};
use stoa_module::ModulePath;

use crate::{
    BaseUrl, DirectModule, FetchError, Fetched, Fetcher, HttpClient, OpenRepository, Question, SourceName,
    Upstream,
    discovery::{Discovery, DiscoveryOptions, HttpPages, RepoKind, RepoRoot},
    recent_repositories::RecentRepositories,
    repositories::RepositoryPing,
};

/// Modules whose handles are kept, so that the questions about one version share what they found.
const MODULES: usize = 256;

/// `off`: nobody is asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Off;

impl fmt::Display for Off {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("off")
    }
}

#[async_trait]
impl Fetcher for Off {
    async fn fetch(&self, question: &Question) -> Result<Fetched, FetchError> {
        let reason = format!(
            "module lookup of {} is disabled: its upstream list says off",
            question.resource.module()
        );
        Err(FetchError::Refused { reason })
    }
}

/// What `direct` needs to know.
#[derive(Debug)]
pub struct DirectOptions {
    /// From module paths to repositories.
    pub discovery: DiscoveryOptions,
    /// From repositories to versions.
    pub code: CodeLimits,
    /// Where zips are put together that do not fit into memory; files there have no name.
    pub temporary: PathBuf,
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
    temporary: PathBuf,
    /// The modules asked for last, the newest at the end.
    modules: Mutex<VecDeque<Known>>,
}

/// A module, and where it was found.
#[derive(Clone, Debug)]
struct Known {
    module: ModulePath,
    root: RepoRoot,
    fetcher: Arc<dyn Fetcher>,
}

impl Direct {
    /// Asks pages through `client`, and repositories.
    pub fn new(options: DirectOptions, repositories: Arc<dyn OpenRepository>, client: HttpClient) -> Self {
        let repositories: Arc<dyn OpenRepository> = Arc::new(RecentRepositories::new(repositories));
        let pages = Arc::new(HttpPages::new(client.clone()));
        let ping = Arc::new(RepositoryPing(Arc::clone(&repositories)));
        Self {
            discovery: Discovery::new(options.discovery, pages, ping),
            contents: Arc::new(CompressedContents::new(options.code.contents)),
            code: options.code,
            temporary: options.temporary,
            modules: Mutex::default(),
            repositories,
            client,
        }
    }

    /// What answers for a module that was found at `root`; the same one as for its last question, if it was found there.
    fn module(&self, module: &ModulePath, root: RepoRoot) -> Result<Arc<dyn Fetcher>, FetchError> {
        let mut modules = self.modules.lock();
        if let Some(at) = modules.iter().position(|known| known.module == *module) {
            let known = modules.remove(at).filter(|known| known.root == root);
            if let Some(known) = known {
                let fetcher = Arc::clone(&known.fetcher);
                modules.push_back(known);
                return Ok(fetcher);
            }
        }
        let fetcher = self.open(module, &root)?;
        if modules.len() >= MODULES {
            modules.pop_front();
        }
        modules.push_back(Known {
            module: module.clone(),
            root,
            fetcher: Arc::clone(&fetcher),
        });
        Ok(fetcher)
    }

    fn open(&self, module: &ModulePath, root: &RepoRoot) -> Result<Arc<dyn Fetcher>, FetchError> {
        let vcs = match root.kind {
            RepoKind::Vcs(vcs) => vcs,
            RepoKind::ModuleProxy => {
                let base = BaseUrl::parse(root.repo.as_str());
                let base = base.map_err(|error| FetchError::Refused {
                    reason: format!("{module}: discovery: {error}"),
                })?;
                return Ok(Arc::new(Upstream::discovered(base, self.client.clone())));
            }
        };
        let source_name = SourceName::new(root.repo.host_str().unwrap_or_default());
        let code = self.repositories.open(vcs, &root.repo);
        let code = code.map_err(|error| FetchError::of_vcs(&source_name, error))?;
        let repo = CodeRepo::new(code, &root.root, &root.subdir, module.clone(), self.code.clone());
        let repo = repo.map_err(|error| FetchError::of_code_repo(&source_name, error))?;
        let repo = repo.with_contents(Arc::clone(&self.contents));
        let limits = self.client.limits().clone();
        Ok(Arc::new(DirectModule::new(
            Arc::new(repo),
            limits,
            self.temporary.clone(),
        )))
    }
}

impl fmt::Display for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("direct")
    }
}

#[async_trait]
impl Fetcher for Direct {
    async fn fetch(&self, question: &Question) -> Result<Fetched, FetchError> {
        let module = question.resource.module();
        let root = self.discovery.find(module).await?;
        self.module(module, root)?.fetch(question).await
    }
}
