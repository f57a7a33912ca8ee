//! The suite of all systems, over files and over HTTP.

use std::path::Path;
use std::sync::Arc;

use stoa_vcs::cache::Cache;
use stoa_vcs::conformance::{self, Abilities, Ability, Change, CopyCounters, Scenario};
use stoa_vcs::git::{GitOptions, GitRepository, RepoUrl, Transport};
use stoa_vcs::{Repository, RepositoryOptions, VcsError, VcsKind};

use stoa_testing::git_http::GitHttp;

/// A bare repository that everything is pushed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Git {
    OverFiles,
    OverHttp,
}

impl Scenario for Git {
    fn vcs(&self) -> VcsKind {
        VcsKind::Git
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            lists_tags: Ability::Yes,
            resolves_tags: Ability::Yes,
            versions_from_tags: Ability::Yes,
            branches: Ability::Yes,
            default_branch: Ability::Yes,
            hashes: Ability::Yes,
            ancestry: Ability::Yes,
            empty: Ability::Yes,
            tells_missing: match self {
                Self::OverFiles => Ability::No("git says the same of a folder that may not be read"),
                Self::OverHttp => Ability::Yes,
            },
            passwords: Ability::Yes,
            rewrites: Ability::Yes,
            reads_links: Ability::Yes,
            raw_names: Ability::Yes,
            copies: Some(CopyCounters {
                made: "clone",
                asked: "ls-remote",
                asked_while_made: 1,
            }),
        }
    }

    fn latest_reference(&self) -> &'static str {
        "HEAD"
    }

    fn commands(&self, change: Change<'_>) -> String {
        let change = match change {
            Change::Create => {
                return "git init -q --bare -b main r.git; git -C r.git config uploadpack.allowFilter true
                    git init -q -b main w"
                    .to_owned();
            }
            Change::Commit { at } => {
                format!("git add -A; GIT_COMMITTER_DATE='@{at} +0200' git commit -q -m m; git rev-parse HEAD")
            }
            Change::Tag { name } => format!("git tag '{name}'"),
            Change::Branch { name } => format!("git checkout -q -b {name}"),
            Change::Undo => {
                "git tag --points-at HEAD | xargs -r git tag -d >/dev/null; git reset -q --hard HEAD~1"
                    .to_owned()
            }
        };
        format!("cd w; {change}; git push -q -f --mirror ../r.git")
    }

    fn tree(&self) -> &'static str {
        "w"
    }

    fn url(&self, repo: &Path) -> String {
        match self {
            Self::OverFiles => format!("file://{}/r.git", repo.display()),
            Self::OverHttp => format!("{}/r.git", GitHttp::start(repo).url()),
        }
    }

    fn open(
        &self,
        url: &str,
        cache: Arc<Cache>,
        options: RepositoryOptions,
    ) -> Result<Arc<dyn Repository>, VcsError> {
        let options = GitOptions {
            freshness: options.freshness,
            refs_time: options.question_time,
            fetch_time: options.fetch_time,
            read_time: options.archive_time,
            largest: options.copy_limit,
            transports: vec![Transport::Https, Transport::Http, Transport::File],
            credentials: options.credentials,
            egress: options.egress,
            runner: Some(options.runner),
            ..GitOptions::default()
        };
        Ok(Arc::new(GitRepository::open(
            RepoUrl::parse(url)?,
            cache,
            options,
        )?))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_over_files() {
    conformance::run(&Git::OverFiles).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_over_http() {
    conformance::run(&Git::OverHttp).await;
}
