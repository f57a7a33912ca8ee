//! The repository, asked once for what is asked often.

use std::sync::Arc;

use bytes::Bytes;
use stoa_vcs::{Repository, Revision, RevisionId, Tags, VcsError};

use crate::answers::{Answer, Answers, Asked};

/// What a go.mod may have to be remembered, in bytes; nearly all of them are smaller.
const SMALL: usize = 64 << 10;

/// A repository and its last answers. Failures are never remembered, so a tag that was just pushed is found.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) code: Arc<dyn Repository>,
    pub(crate) answers: Answers,
}

impl Source {
    pub(crate) fn new(code: Arc<dyn Repository>, answers: Answers) -> Self {
        Self { code, answers }
    }

    pub(crate) async fn stat(&self, revision: &str) -> Result<Arc<Revision>, VcsError> {
        let asked = self.answers.ask(Asked::Revision(revision.to_owned()));
        if let Some(Answer::Revision(known)) = self.answers.get(&asked) {
            return Ok(known);
        }
        let found = Arc::new(self.code.stat(revision).await?);
        self.answers.put(asked, Answer::Revision(Arc::clone(&found)));
        Ok(found)
    }

    pub(crate) async fn head(&self) -> Result<Arc<Revision>, VcsError> {
        let asked = self.answers.ask(Asked::Head);
        if let Some(Answer::Revision(known)) = self.answers.get(&asked) {
            return Ok(known);
        }
        let found = Arc::new(self.code.latest().await?);
        self.answers.put(asked, Answer::Revision(Arc::clone(&found)));
        Ok(found)
    }

    pub(crate) async fn tags(&self, prefix: &str) -> Result<Arc<Tags>, VcsError> {
        let asked = self.answers.ask(Asked::Tags(prefix.to_owned()));
        if let Some(Answer::Tags(known)) = self.answers.get(&asked) {
            return Ok(known);
        }
        let found = Arc::new(self.code.tags(prefix).await?);
        self.answers.put(asked, Answer::Tags(Arc::clone(&found)));
        Ok(found)
    }

    pub(crate) async fn file(
        &self,
        at: &RevisionId,
        path: &str,
        limit: u64,
    ) -> Result<Option<Bytes>, VcsError> {
        let asked = self.answers.ask(Asked::File(at.clone(), path.to_owned()));
        if let Some(Answer::File(known)) = self.answers.get(&asked) {
            return Ok(known);
        }
        let content = self.code.read_file(at, path, limit).await?;
        if content.as_ref().is_none_or(|content| content.len() <= SMALL) {
            self.answers.put(asked, Answer::File(content.clone()));
        }
        Ok(content)
    }
}
