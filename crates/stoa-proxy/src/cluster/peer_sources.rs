//! Other nodes as a source.

use std::{fmt, sync::Arc, time::Duration, vec};

use async_trait::async_trait;
use futures_util::{StreamExt, stream::FuturesUnordered};
use stoa_fetch::{FetchError, Fetched, Fetcher, Phase, Question, Rest, SourceName};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    local_source::LocalSource,
    peer::{Peer, PeerQuestion, Peers, is_answer},
    peer_metrics::PeerMetrics,
};
use crate::{OwnerKey, Refreshes};

/// How long others may take to say what they have stored: that is looked up at once, and one that is stopped must not be waited
/// for before a source is asked.
const PEEK: Duration = Duration::from_millis(500);
/// After so long no further owner is asked: one that works for longer and has no answer mostly waits for a source that hangs, and
/// the next one would wait for it as long.
pub(super) const ASKING: Duration = Duration::from_secs(10);

/// Which nodes are asked, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The owners, one after the other: they bring it in.
    Owners,
    /// Those who may have it, at once: only what is stored there.
    Holders,
}

/// Asks other nodes. A transfer that breaks off goes on with the next of them, and at last with this node.
#[derive(Debug)]
pub(super) struct PeerSources {
    pub(super) peers: Arc<dyn Peers>,
    pub(super) asked: Asked,
    pub(super) local: LocalSource,
    pub(super) metrics: PeerMetrics,
    pub(super) refreshes: Arc<Refreshes>,
}

impl PeerSources {
    /// The first answer of those who are asked one after the other, and who comes after.
    async fn in_turn(
        &self,
        question: &PeerQuestion,
        peers: Vec<Arc<dyn Peer>>,
    ) -> Result<(Fetched, Vec<Arc<dyn Peer>>), FetchError> {
        let mut peers = peers.into_iter();
        let (mut last, began) = (None, Instant::now());
        while let Some(peer) = peers.next() {
            match self.ask(peer.as_ref(), question).await {
                Ok(fetched) => return Ok((fetched, peers.collect())),
                Err(error) if is_answer(&error) => return Err(error),
                Err(error) => {
                    tracing::debug!(resource = %question.resource, %peer, %error, "a node cannot be asked");
                    last = Some(error);
                }
            }
            if began.elapsed() >= ASKING {
                break;
            }
        }
        Err(none_of_them(last))
    }

    /// The first answer of those who are asked at once, and the others.
    async fn at_once(
        &self,
        question: &PeerQuestion,
        peers: Vec<Arc<dyn Peer>>,
    ) -> Result<(Fetched, Vec<Arc<dyn Peer>>), FetchError> {
        let mut answers: FuturesUnordered<_> = peers
            .iter()
            .map(|peer| async { (Arc::clone(peer), self.ask(peer.as_ref(), question).await) })
            .collect();
        let mut last = None;
        while let Some((peer, answer)) = answers.next().await {
            match answer {
                Ok(fetched) => {
                    drop(answers);
                    let others = peers.into_iter().filter(|other| !Arc::ptr_eq(other, &peer));
                    return Ok((fetched, others.collect()));
                }
                Err(error) => last = Some(error),
            }
        }
        Err(none_of_them(last))
    }

    async fn ask(&self, peer: &dyn Peer, question: &PeerQuestion) -> Result<Fetched, FetchError> {
        let answer = peer.ask(question).await;
        let about = match self.asked {
            Asked::Owners => "owner",
            Asked::Holders => "stored",
        };
        let result = match &answer {
            Ok(_) => "answered",
            Err(error) if error.is_not_found() => "absent",
            Err(error) if is_answer(error) => "refused",
            Err(_) => "failed",
        };
        self.metrics.question(about, result);
        answer
    }
}

/// None of those who were asked can. It is no break, for asking them once more would help nobody.
fn none_of_them(last: Option<FetchError>) -> FetchError {
    let cause = last.map_or_else(|| "there is none".to_owned(), |error| error.to_string());
    FetchError::Unreachable {
        source_name: SourceName::new("every other node"),
        cause: Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(cause)),
    }
}

impl fmt::Display for PeerSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.asked {
            Asked::Owners => write!(f, "owners({})", self.peers),
            Asked::Holders => write!(f, "holders({})", self.peers),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Fetcher for PeerSources {
    async fn fetch(&self, question: &Question) -> Result<Fetched, FetchError> {
        let key = OwnerKey::of(&question.resource);
        let asked = PeerQuestion {
            stored_only: self.asked == Asked::Holders,
            renewed: self.refreshes.latest(question.resource.module().as_str()),
            ..PeerQuestion::of(question)
        };
        let (fetched, others) = match self.asked {
            Asked::Owners => self.in_turn(&asked, self.peers.owners(&key)).await?,
            Asked::Holders => {
                let asking = self.at_once(&asked, self.peers.holders(&key));
                timeout(PEEK, asking)
                    .await
                    .unwrap_or_else(|_elapsed| Err(none_of_them(None)))?
            }
        };
        let rest = OthersRest {
            question: asked,
            others: others.into_iter(),
            local: self.local.clone(),
            is_local: false,
        };
        Ok(Fetched {
            rest: Some(Box::new(rest)),
            ..fetched
        })
    }
}

/// Goes on with the nodes that were not asked yet, one after the other, and at last with this node itself. The one that
/// broke off is not asked again: a node that lost a connection has mostly lost more.
#[derive(Debug)]
struct OthersRest {
    question: PeerQuestion,
    others: vec::IntoIter<Arc<dyn Peer>>,
    local: LocalSource,
    is_local: bool,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Rest for OthersRest {
    async fn ask(&mut self, from: u64, deadline: Instant) -> Result<Fetched, FetchError> {
        let question = PeerQuestion {
            from,
            ..self.question.clone()
        };
        for peer in self.others.by_ref() {
            match peer.ask(&question).await {
                Ok(fetched) => return Ok(fetched),
                Err(error @ FetchError::Condemned { .. }) => return Err(error),
                Err(error) => tracing::debug!(%peer, %error, "a node cannot go on"),
            }
        }
        self.is_local = true;
        tracing::info!(resource = %question.resource, from, "this node goes on by itself");
        let local = Question::new(question.resource, question.context);
        match timeout_at(deadline, self.local.fetch(&local, from)).await {
            Ok(fetched) => fetched,
            Err(_elapsed) => Err(FetchError::Timeout {
                source_name: SourceName::new("this node"),
                phase: Phase::Total,
                after: deadline.saturating_duration_since(Instant::now()),
            }),
        }
    }

    fn has_next(&self) -> bool {
        !self.is_local
    }

    fn go_to_next(&mut self) -> bool {
        // Each question is for the next one.
        !self.is_local
    }

    fn is_spent(&self) -> bool {
        self.is_local
    }
}
