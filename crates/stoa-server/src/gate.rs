//! The port that judges every request.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, Method};
use stoa_fetch::Caller;
use tokio::time::timeout;

use crate::{peer::Peer, subject::Subject};

/// How long a judgement may be waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Judges who asks, and whether they may, before anything is answered: files in memory, modules, checksum databases and
/// mounted parts alike.
///
/// # Contract
/// * [`Gate::judge_now`] is on the path of every hit: it does not wait, and should not allocate.
/// * Both functions judge alike: one request may be judged by either.
/// * What a gate waits for, it bounds; the edge gives up after 30 s.
#[async_trait]
pub trait Gate: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// Judges with what is in memory; `None` if that is not enough, and [`Gate::judge`] must be waited for.
    fn judge_now(&self, question: &GateQuestion<'_>) -> Option<Judgement>;

    /// Judges, and waits for what it takes: a password hash, a set of keys.
    async fn judge(&self, question: &GateQuestion<'_>) -> Judgement;
}

/// Who asks, if they may.
pub type Judgement = Result<Caller, GateRefusal>;

/// What a gate knows of a request.
#[derive(Clone, Copy, Debug)]
pub struct GateQuestion<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path as it was sent.
    pub path: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The other end of the connection.
    pub peer: Peer,
    /// What the path means.
    pub subject: &'a Subject,
}

/// Why a request is not let in. The reason is one line, sent to the client and written to the access line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateRefusal {
    /// It must say who it is: 401.
    Unauthenticated {
        /// Why.
        reason: String,
        /// The value of `WWW-Authenticate`.
        challenge: Option<HeaderValue>,
    },
    /// Whoever it is, it may not: 403.
    Forbidden {
        /// Why.
        reason: String,
    },
    /// It shall not learn whether there is such a thing: 404.
    Hidden {
        /// Why, without telling.
        reason: String,
    },
    /// The gate cannot judge now: 503.
    Unavailable {
        /// Why.
        reason: String,
    },
}

/// The place of the gate in the edge. Without a gate every caller is anonymous and let in.
#[derive(Clone, Debug, Default)]
pub(crate) struct GateStage(Option<Arc<dyn Gate>>);

impl GateStage {
    pub(crate) fn new(gate: Option<Arc<dyn Gate>>) -> Self {
        Self(gate)
    }

    /// A judgement that is there at once.
    pub(crate) fn judge_now(&self, question: &GateQuestion<'_>) -> Option<Judgement> {
        match &self.0 {
            None => Some(Ok(Caller::Anonymous)),
            Some(gate) => gate.judge_now(question),
        }
    }

    /// A judgement that may have to be waited for.
    pub(crate) async fn judge(&self, question: &GateQuestion<'_>) -> Judgement {
        if let Some(judged) = self.judge_now(question) {
            return judged;
        }
        let Some(gate) = &self.0 else {
            return Ok(Caller::Anonymous);
        };
        timeout(PATIENCE, gate.judge(question)).await.unwrap_or_else(|_| {
            Err(GateRefusal::Unavailable {
                reason: format!("{gate} took longer than {} seconds", PATIENCE.as_secs()),
            })
        })
    }
}

impl fmt::Display for GateStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("gate(none)"),
            Some(gate) => write!(f, "gate({gate})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[derive(Debug)]
    struct Hangs;

    impl fmt::Display for Hangs {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("hangs")
        }
    }

    #[async_trait]
    impl Gate for Hangs {
        fn judge_now(&self, _question: &GateQuestion<'_>) -> Option<Judgement> {
            None
        }

        async fn judge(&self, _question: &GateQuestion<'_>) -> Judgement {
            pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_gate_that_hangs_is_not_waited_for() {
        let question = GateQuestion {
            method: &Method::GET,
            path: "/",
            headers: &HeaderMap::new(),
            peer: Peer::Unix,
            subject: &Subject::Unknown,
        };
        let judged = GateStage::new(Some(Arc::new(Hangs))).judge(&question).await;
        let reason = "hangs took longer than 30 seconds".to_owned();
        assert_eq!(judged, Err(GateRefusal::Unavailable { reason }));
    }
}
