//! When a node was last heard.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use stoa_fetch::FetchError;
use stoa_peer::PeerError;
use tokio::time::Instant;

/// A node that has answered within this time is reached.
pub const REACH: Duration = Duration::from_secs(10);

/// Whether a node is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It has not been asked yet.
    Unknown,
    /// It has answered a moment ago, and proved who it is.
    Reached,
    /// It does not answer.
    Lost(Arc<str>),
    /// Somebody answers, and is not this node, or does not know the secret of the cluster.
    Refused(Arc<str>),
}

/// What has been heard of a node, and when.
#[derive(Debug, Default)]
pub(super) struct Contact(Mutex<Heard>);

#[derive(Debug, Default)]
struct Heard {
    at: Option<Instant>,
    /// What went wrong after that.
    trouble: Option<Reach>,
    is_draining: bool,
}

impl Contact {
    /// It has said something that only this node can say.
    pub(super) fn heard(&self) {
        let mut heard = self.0.lock();
        heard.at = Some(Instant::now());
        heard.trouble = None;
    }

    /// It has said whether it wants to own anything.
    pub(super) fn says_draining(&self, is_draining: bool) {
        self.0.lock().is_draining = is_draining;
    }

    /// Whether it has said that it wants to own nothing.
    pub(super) fn is_draining(&self) -> bool {
        self.0.lock().is_draining
    }

    /// It could not be asked.
    pub(super) fn failed(&self, error: &FetchError) {
        self.0.lock().trouble = Some(trouble(error));
    }

    /// How long ago it was heard last.
    pub(super) fn age(&self) -> Option<Duration> {
        self.0.lock().at.map(|at| at.elapsed())
    }

    pub(super) fn reach(&self) -> Reach {
        let heard = self.0.lock();
        match (&heard.trouble, heard.at) {
            (Some(trouble), _) => trouble.clone(),
            (None, None) => Reach::Unknown,
            (None, Some(at)) if at.elapsed() <= REACH => Reach::Reached,
            (None, Some(at)) => {
                let silent = format!("nothing was heard of it for {} s", at.elapsed().as_secs());
                Reach::Lost(silent.into())
            }
        }
    }
}

/// What a failure says of the node.
fn trouble(error: &FetchError) -> Reach {
    if let FetchError::Unreachable { cause, .. } = error
        && let Some(error) = cause.downcast_ref::<PeerError>()
        && !matches!(error, PeerError::Unreachable(_))
    {
        return Reach::Refused(error.to_string().into());
    }
    Reach::Lost(error.to_string().into())
}

#[cfg(test)]
mod tests {
    use stoa_fetch::SourceName;
    use tokio::time::advance;

    use super::*;

    fn unreachable(error: PeerError) -> FetchError {
        FetchError::Unreachable {
            source_name: SourceName::new("node b"),
            cause: Arc::new(error),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_is_reached_by_an_answer_and_by_nothing_else() {
        let contact = Contact::default();
        assert_eq!(contact.reach(), Reach::Unknown);
        let away = unreachable(PeerError::Unreachable(Arc::new(PeerError::Truncated)));
        contact.failed(&away);
        advance(Duration::from_secs(60)).await;
        assert!(
            matches!(contact.reach(), Reach::Lost(_)),
            "time alone reaches nobody"
        );
        contact.heard();
        assert_eq!(contact.reach(), Reach::Reached);
        advance(REACH + Duration::from_millis(1)).await;
        assert!(matches!(contact.reach(), Reach::Lost(_)));
    }

    #[test]
    fn who_has_another_secret_is_told_from_who_is_away() {
        let contact = Contact::default();
        let refused = unreachable(PeerError::BadSecret);
        contact.failed(&refused);
        assert_eq!(
            contact.reach(),
            Reach::Refused("the peer does not have the same secret".into())
        );
        contact.heard();
        assert_eq!(contact.reach(), Reach::Reached);
    }
}
