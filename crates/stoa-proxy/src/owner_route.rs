//! Which node of a cluster brings something in.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use stoa_fetch::{Context, Question};
use stoa_module::Resource;

use crate::{Meaning, ProxyError, Stashed, Stasher};

/// Knows which node of a cluster is to bring a resource in.
pub trait Owners: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// The node to ask; `None` if it is this one, or if none is known.
    fn owner(&self, resource: &Resource) -> Option<Arc<dyn Stasher>>;
}

/// Passes a question on to the node that owns its resource, so that a cluster fetches it once.
///
/// A question is passed on once: one that came from another node is answered here, whoever owns it by now, and so no
/// question goes in circles. An owner that fails is not needed: this node asks the source itself. Only what the owner is
/// sure of stands, that there is no such thing or that a rule forbids it.
///
/// Sits inside of the single flight, so that callers of this node share one question to the owner, and outside of
/// [`FetchAndSave`](crate::FetchAndSave). Dropping the future gives the question to the owner up.
#[derive(Debug)]
pub struct OwnerRoute {
    inner: Arc<dyn Stasher>,
    owners: Arc<dyn Owners>,
}

impl OwnerRoute {
    /// Asks the owner that `owners` names before `inner`.
    pub fn new(inner: Arc<dyn Stasher>, owners: Arc<dyn Owners>) -> Self {
        Self { inner, owners }
    }

    /// The owner to ask, and the question as it is passed on.
    fn passed_on(&self, question: &Question) -> Option<(Arc<dyn Stasher>, Question)> {
        let hops = question.context.hops.next()?;
        let owner = self.owners.owner(&question.resource)?;
        let context = Context {
            hops,
            ..question.context.clone()
        };
        Some((owner, Question::new(question.resource.clone(), context)))
    }
}

impl fmt::Display for OwnerRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "owner_route({}) > {}", self.owners, self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Stasher for OwnerRoute {
    async fn stash(&self, question: &Question) -> Result<Stashed, ProxyError> {
        let Some((owner, passed_on)) = self.passed_on(question) else {
            return self.inner.stash(question).await;
        };
        match owner.stash(&passed_on).await {
            Err(error) if !is_answer(&error) => {
                tracing::debug!(%question, %owner, %error, "the owner failed; this node asks the source");
                self.inner.stash(question).await
            }
            answer => answer,
        }
    }
}

/// Whether the owner is sure, so that asking the source would tell nothing else.
fn is_answer(error: &ProxyError) -> bool {
    matches!(
        error.meaning(),
        Meaning::NotFound | Meaning::Gone | Meaning::Refused
    )
}
