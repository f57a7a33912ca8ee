//! What a repository is asked.

use stoa_vcs::conformance::archived_files;
use stoa_vcs::{Repository, VcsError};

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Tags,
    Tag,
    Branch,
    Bookmark,
    Number,
    Latest,
    File,
    Archive,
    RecentTag,
    Descends,
}

impl Ask {
    pub(crate) const ALL: [Self; 9] = [
        Self::Tags,
        Self::Tag,
        Self::Branch,
        Self::Bookmark,
        Self::Latest,
        Self::File,
        Self::Archive,
        Self::RecentTag,
        Self::Descends,
    ];

    /// The answer, as text.
    pub(crate) async fn of(self, repository: &dyn Repository) -> Result<String, VcsError> {
        let at = |revision: &'static str| repository.stat(revision);
        Ok(match self {
            Self::Tags => format!("{:?}", repository.tags("").await?),
            Self::Tag => format!("{:?}", at("v1.1.0").await?),
            Self::Branch => format!("{:?}", at("side").await?),
            Self::Bookmark => format!("{:?}", at("mark").await?),
            Self::Number => format!("{:?}", at("1").await?),
            Self::Latest => format!("{:?}", repository.latest().await?),
            Self::File => {
                let revision = repository.latest().await?.id;
                format!("{:?}", repository.read_file(&revision, "a.txt", 100).await?)
            }
            Self::Archive => {
                let revision = repository.latest().await?.id;
                let files = archived_files(repository, &revision, "", 1 << 20).await?;
                format!("{files:?}")
            }
            Self::RecentTag => {
                let revision = repository.latest().await?.id;
                let tag = repository
                    .recent_tag(&revision, "", &|tag: &str| tag.starts_with("v1."))
                    .await?;
                format!("{tag:?}")
            }
            Self::Descends => {
                let revision = repository.latest().await?.id;
                format!("{}", repository.descends_from(&revision, "v1.1.0").await?)
            }
        })
    }

    /// What is wrong with an answer, if anything is: no failure may say that something is not there.
    pub(crate) fn wrong(self, answer: &Result<String, VcsError>, right: &str) -> Option<String> {
        match answer {
            Ok(answer) if answer == right => None,
            Ok(answer) => Some(format!(
                "{self:?} answered {}",
                answer.chars().take(200).collect::<String>()
            )),
            Err(error) if error.is_not_exist() => Some(format!("{self:?} said {error}")),
            Err(_) => None,
        }
    }
}
