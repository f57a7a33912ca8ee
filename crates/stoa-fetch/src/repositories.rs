//! Repositories as the module proxy uses them: one place that knows which program answers for which system.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use stoa_dispatch::{Class, SystemLookup};
use stoa_vcs::{
    BzrRepository, Egress, FossilRepository, HgRepository, Renewal, Repository, RepositoryOptions, Step,
    SvnRepository, VcsError, VcsKind,
    cache::Cache,
    git::{GitOptions, GitRepository, Probe, RefsMemory, RepoUrl, Transport},
    process::{Attendance, Believed, Counters, Places, ProgramLimits, RunnerSettings},
};
use url::Url;

use crate::{
    Caller, Context, FetchError, HttpClient, SourceName,
    discovery::{HttpPages, Pages, Ping},
    named_repository::NamedRepository,
    outbound::{Address, GuardedEgress, PageRequest, Trust, is_secure_scheme},
    paced_repository::PacedRepository,
};

/// Makes handles of repositories.
pub trait OpenRepository: fmt::Debug + Send + Sync + 'static {
    /// A handle for the repository of system `vcs` at `address`, which discovery has allowed. It is asked with what the trust
    /// in the address allows, and shares nothing with handles of another trust. Nothing is asked yet.
    ///
    /// # Errors
    /// When there is no adapter for it, or the URL is none for the system.
    fn open(&self, vcs: VcsKind, address: &Address) -> Result<Arc<dyn Repository>, VcsError>;
}

/// Options of [`Repositories`].
#[derive(Clone, Debug)]
pub struct RepositoriesOptions {
    /// The directory that they are kept in; without one, none can be read.
    pub cache: Option<PathBuf>,
    /// The setting to name in messages where there is no place: `vcs.cache`.
    pub cache_setting: &'static str,
    /// How much they may take, in bytes.
    pub cache_size: u64,
    /// How long what a repository said of its branches and tags is taken for what it says now.
    pub freshness: Duration,
    /// Since when that is not so.
    pub renewal: Renewal,
    /// How long a server may send nothing while it is waited for.
    pub silence: Duration,
    /// What is kept of what git repositories said of their branches and tags, and how many there may be.
    pub refs: Arc<RefsMemory>,
    /// Counters of the runs of git.
    pub git_counters: Arc<Counters>,
    /// How many programs may run at once.
    pub places: Places,
    /// How much of the machine each of them may use.
    pub limits: ProgramLimits,
    /// The certificate authorities that they believe, as one PEM text; `None` for those that each finds itself.
    pub authorities: Option<Arc<str>>,
}

/// The adapters of this machine, over one cache.
#[derive(Debug)]
pub struct Repositories {
    options: RepositoriesOptions,
    client: HttpClient,
    /// How programs reach the network for strangers, and for all others.
    egress: [Arc<dyn Egress>; 2],
    /// Opened for the first repository: many servers never ask for one.
    cache: Mutex<Option<Opened>>,
}

/// The cache, and what is in it for all programs.
#[derive(Clone, Debug)]
struct Opened {
    cache: Arc<Cache>,
    believed: Option<Believed>,
}

impl Repositories {
    /// Repositories with these options; `client` asks whether one that git cannot reach is there at all, and its rules
    /// hold for the programs.
    pub fn new(options: RepositoriesOptions, client: HttpClient) -> Self {
        let egress = |trust| -> Arc<dyn Egress> {
            let guard = client.rules().guards.of(trust).clone();
            Arc::new(GuardedEgress::new(guard, Arc::new(SystemLookup)))
        };
        Self {
            egress: [Trust::Stranger, Trust::Named].map(egress),
            options,
            client,
            cache: Mutex::new(None),
        }
    }

    fn opened(&self, vcs: VcsKind) -> Result<Opened, VcsError> {
        let mut cache = self.cache.lock();
        if let Some(cache) = &*cache {
            return Ok(cache.clone());
        }
        let failed = |what: String| VcsError::Local {
            vcs,
            step: Step::Access,
            what,
        };
        let place = self.options.cache.as_ref();
        let setting = self.options.cache_setting;
        let missing = || failed(format!("no directory for repositories: set {setting}"));
        let place = place.ok_or_else(missing)?;
        let opened = Cache::open_or_private(place, self.options.cache_size).and_then(|cache| {
            let authorities = self.options.authorities.as_deref();
            let file = authorities.map(|pem| cache.keep_authorities(pem)).transpose()?;
            let believed = file.map(Believed::new);
            Ok(Opened { cache, believed })
        });
        let opened = opened.map_err(|error| {
            failed(format!(
                "the cache of repositories at {} cannot be used: {error}; set {setting} to a folder that may be written",
                place.display()
            ))
        })?;
        Ok(cache.insert(opened).clone())
    }

    fn egress(&self, trust: Trust) -> Arc<dyn Egress> {
        let [strangers, others] = &self.egress;
        Arc::clone(match trust {
            Trust::Stranger => strangers,
            Trust::Placed | Trust::Named => others,
        })
    }

    fn git(&self, address: &Address, opened: Opened) -> Result<GitRepository, VcsError> {
        let (url, trust) = (&address.asked, address.trust);
        // A URL in the clear comes only from a path that may be, or from the configuration: discovery sees to that. Git
        // follows redirects to http only where it was allowed to begin with it.
        let mut transports = vec![Transport::Https, Transport::Ssh];
        match url.scheme() {
            "http" => transports.push(Transport::Http),
            "git" => transports.push(Transport::Git),
            _ => {}
        }
        let probe: Arc<dyn Probe> = Arc::new(HttpProbe {
            client: self.client.clone(),
            trust,
        });
        let mut runner = self.runner(url, &opened);
        runner.counters = Arc::clone(&self.options.git_counters);
        let options = GitOptions {
            runner: Some(runner),
            freshness: self.options.freshness,
            renewal: self.options.renewal.clone(),
            silence: self.options.silence,
            refs: Arc::clone(&self.options.refs),
            transports,
            audience: trust.audience(),
            credentials: self.client.rules().credentials_for(trust).cloned(),
            egress: Some(self.egress(trust)),
            probe: Some(probe),
            ..GitOptions::default()
        };
        GitRepository::open(RepoUrl::parse(url.as_str())?, opened.cache, options)
    }

    /// What the systems that copy whole repositories are used with.
    fn options(&self, address: &Address, opened: &Opened) -> RepositoryOptions {
        let (url, trust) = (&address.asked, address.trust);
        RepositoryOptions {
            freshness: self.options.freshness,
            renewal: self.options.renewal.clone(),
            silence: self.options.silence,
            // As for git: discovery sees to it that only a path that may be is in the clear.
            insecure: !is_secure_scheme(url.scheme()),
            sessions: opened.cache.sessions(),
            audience: trust.audience(),
            credentials: self.client.rules().credentials_for(trust).cloned(),
            egress: Some(self.egress(trust)),
            ..RepositoryOptions::new(self.runner(url, opened))
        }
    }

    /// What the programs for a repository have of this machine. Those for one host share its places.
    fn runner(&self, url: &Url, opened: &Opened) -> RunnerSettings {
        RunnerSettings {
            limits: self.options.limits,
            places: self.options.places.of(url.host_str().unwrap_or_default()),
            believed: opened.believed.clone(),
            ..RunnerSettings::new(opened.cache.home())
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl OpenRepository for Repositories {
    fn open(&self, vcs: VcsKind, address: &Address) -> Result<Arc<dyn Repository>, VcsError> {
        let opened = self.opened(vcs)?;
        let options = self.options(address, &opened);
        let text = address.asked.as_str();
        let repository: Arc<dyn Repository> = match vcs {
            VcsKind::Git => Arc::new(self.git(address, opened)?),
            VcsKind::Hg => Arc::new(HgRepository::open(text, opened.cache, options)?),
            VcsKind::Svn => Arc::new(SvnRepository::open(text, opened.cache, options)?),
            VcsKind::Bzr => Arc::new(BzrRepository::open(text, opened.cache, options)?),
            VcsKind::Fossil => Arc::new(FossilRepository::open(text, opened.cache, options)?),
        };
        let paced = PacedRepository::of(repository, &self.client, address);
        Ok(NamedRepository::of(paced, address))
    }
}

/// Asks by HTTP, through the dispatcher, whether a repository is there.
#[derive(Debug)]
struct HttpProbe {
    client: HttpClient,
    trust: Trust,
}

#[async_trait]
impl Probe for HttpProbe {
    async fn is_gone(&self, url: &str) -> bool {
        // As in cmd/go, only a server with a certificate is believed when it says that there is nothing.
        let Ok(url) = Url::parse(url) else { return false };
        if url.scheme() != "https" {
            return false;
        }
        let pages = HttpPages::new(self.client.clone());
        // The port for probes has no context. A caller waits for the answer, so the request is interactive.
        let context = Context::interactive(Caller::Stoa);
        let request = PageRequest {
            named: &url,
            asked: &url,
            trust: self.trust,
            guards: &self.client.rules().guards,
            context: &context,
            is_probe: false,
        };
        let page = pages.get(request).await;
        page.is_ok_and(|page| matches!(page.status, 404 | 410))
    }
}

/// Whether somebody waits for what is done in a context.
pub(crate) fn attendance(context: &Context) -> Attendance {
    let urgency = context.urgency.clone();
    Attendance::new(move || urgency.class() == Class::Interactive)
}

/// Asks repositories whether they answer, for paths that name their system but no scheme.
#[derive(Debug)]
pub(crate) struct RepositoryPing(pub(crate) Arc<dyn OpenRepository>);

#[async_trait]
impl Ping for RepositoryPing {
    async fn ping(&self, vcs: VcsKind, address: &Address, context: &Context) -> Result<bool, FetchError> {
        let name = address.named.as_str();
        let failed = |error: VcsError| FetchError::of_vcs(&SourceName::new(name), error);
        let repository = self.0.open(vcs, address).map_err(failed)?;
        let answer = match attendance(context).over(repository.tags("")).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_exist() => Ok(false),
            Err(error) => Err(failed(error)),
        };
        tracing::debug!(%vcs, host = address.asked.host_str(), ?answer, "asked whether a repository answers");
        answer
    }
}
