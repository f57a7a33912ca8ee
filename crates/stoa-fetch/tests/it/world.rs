//! Pages and repositories that a test makes up.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use stoa_fetch::{
    Caller, Context, FetchError, SourceName,
    discovery::{Discovery, DiscoveryError, DiscoveryOptions, Pages, Ping, RepoRoot, VcsPolicy},
    outbound::{Address, Page, PageRequest},
};
use stoa_module::{ModulePath, PatternList};
use stoa_vcs::VcsKind;
use tokio_util::task::TaskTracker;
use url::Url;

/// Pages and repositories by URL, and what was asked.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) pages: HashMap<String, (u16, String)>,
    repositories: HashSet<String>,
    unreachable: HashSet<String>,
    refused: HashSet<String>,
    strayed: HashSet<String>,
    pub(crate) asked: Mutex<Vec<String>>,
}

impl World {
    pub(crate) fn page(mut self, url: &str, tags: &[&str]) -> Self {
        let tag = |tag: &&str| format!("<meta name=go-import content='{tag}'>");
        let html = tags.iter().map(tag).collect();
        self.pages.insert(url.to_owned(), (200, html));
        self
    }

    pub(crate) fn status(mut self, url: &str, status: u16) -> Self {
        let page = self.pages.entry(url.to_owned()).or_default();
        page.0 = status;
        self
    }

    pub(crate) fn repository(mut self, url: &str) -> Self {
        self.repositories.insert(url.to_owned());
        self
    }

    pub(crate) fn unreachable(mut self, url: &str) -> Self {
        self.unreachable.insert(url.to_owned());
        self
    }

    /// A page that redirects to where nobody may go.
    pub(crate) fn refused(mut self, url: &str) -> Self {
        self.refused.insert(url.to_owned());
        self
    }

    /// A page that a redirect to somebody else's host leads to.
    pub(crate) fn strayed(mut self, url: &str) -> Self {
        self.strayed.insert(url.to_owned());
        self
    }

    fn ask(&self, url: &Url) -> Result<(), FetchError> {
        self.asked.lock().push(url.to_string());
        if self.refused.contains(url.as_str()) {
            let reason = "redirected inside".to_owned();
            return Err(FetchError::Refused { reason });
        }
        if !self.unreachable.contains(url.as_str()) {
            return Ok(());
        }
        Err(FetchError::Timeout {
            source_name: SourceName::new(url.as_str()),
            phase: stoa_fetch::Phase::Response,
            after: Duration::from_secs(1),
        })
    }
}

#[async_trait]
impl Pages for World {
    async fn get(&self, request: PageRequest<'_>) -> Result<Page, FetchError> {
        let url = request.asked;
        self.ask(url)?;
        tokio::time::sleep(Duration::from_millis(1)).await;
        let (status, html) = self
            .pages
            .get(url.as_str())
            .cloned()
            .unwrap_or((404, String::new()));
        Ok(Page {
            url: url.clone(),
            status,
            content_type: None,
            body: html.into(),
            truncated: false,
            strayed: self.strayed.contains(url.as_str()),
        })
    }
}

#[async_trait]
impl Ping for World {
    async fn ping(&self, vcs: VcsKind, address: &Address, _: &Context) -> Result<bool, FetchError> {
        let url = &address.asked;
        self.ask(url)?;
        Ok(self.repositories.contains(&format!("{vcs} {url}")))
    }
}

/// Discovery in a world, which is kept to look at what was asked.
pub(crate) fn discovery(world: World, options: DiscoveryOptions) -> (Discovery, Arc<World>) {
    let world = Arc::new(world);
    let tasks = TaskTracker::new();
    (
        Discovery::new(options, world.clone(), world.clone(), &tasks),
        world,
    )
}

pub(crate) async fn find(discovery: &Discovery, path: &str) -> Result<RepoRoot, DiscoveryError> {
    let context = Context::interactive(Caller::Anonymous);
    discovery.find(&ModulePath::parse(path).unwrap(), &context).await
}

/// What is found with nothing configured: root, kind, URL, folder; or the error.
pub(crate) async fn found(world: World, path: &str) -> Result<String, DiscoveryError> {
    let found = find(&discovery(world, DiscoveryOptions::default()).0, path).await?;
    assert!(!found.insecure);
    Ok(format!(
        "{} {} {} {}",
        found.root, found.kind, found.repo.asked, found.subdir
    ))
}

pub(crate) fn policy(allow: &str, private: &str, insecure: &str) -> VcsPolicy {
    let allow = allow.parse().unwrap();
    VcsPolicy::new(allow, PatternList::parse(private), PatternList::parse(insecure))
}
