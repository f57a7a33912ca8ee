//! Ending programs that nobody waits for.

use std::time::Duration;

use super::Attendance;
use crate::{ProxySession, Step, VcsError, VcsKind};

/// How long a server may be silent while nobody waits for what its program does. Git servers that prepare something say
/// every five seconds that they are there.
const SILENCE: Duration = Duration::from_secs(6);

/// A conversation without the proxy.
#[derive(Debug)]
pub(crate) struct Unseen;

impl ProxySession for Unseen {
    fn refusal(&self) -> Option<String> {
        None
    }

    fn received(&self) -> u64 {
        0
    }
}

/// Does `work`, a conversation with a server by the proxy, and gives up when the server has been silent for a while and
/// nobody has waited meanwhile. What goes on is finished: a caller who went away may come again.
///
/// # Errors
/// [`VcsError::Abandoned`], or what `work` gives.
pub(crate) async fn while_wanted<T>(
    session: Option<&dyn ProxySession>,
    (vcs, step): (VcsKind, Step),
    work: impl Future<Output = Result<T, VcsError>>,
) -> Result<T, VcsError> {
    let Some(session) = session else {
        return work.await;
    };
    let attendance = Attendance::current();
    let mut before = session.received();
    let abandoned = attendance.ends_for(SILENCE, || {
        let received = session.received();
        std::mem::replace(&mut before, received) != received
    });
    tokio::select! {
        biased;
        done = work => done,
        () = abandoned => Err(VcsError::Abandoned { vcs, step }),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use tokio::time::Instant;

    use super::*;

    #[derive(Debug, Default)]
    struct Received(AtomicU64);

    impl ProxySession for Received {
        fn refusal(&self) -> Option<String> {
            None
        }

        fn received(&self) -> u64 {
            self.0.load(Ordering::SeqCst)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_server_is_left_when_nobody_waits() {
        let (session, waits) = (Received::default(), Arc::new(AtomicBool::new(true)));
        let attended = Arc::clone(&waits);
        let of = (VcsKind::Git, Step::Access);
        let never = while_wanted(Some(&session), of, std::future::pending::<Result<(), _>>());
        let never = Attendance::new(move || attended.load(Ordering::SeqCst)).over(never);
        tokio::pin!(never);
        let long = Duration::from_secs(3600);
        assert!(
            tokio::time::timeout(long, &mut never).await.is_err(),
            "somebody waits"
        );
        waits.store(false, Ordering::SeqCst);
        for _ in 0..100 {
            session.0.fetch_add(1, Ordering::SeqCst);
            assert!(
                tokio::time::timeout(SILENCE.saturating_sub(Duration::from_secs(1)), &mut never)
                    .await
                    .is_err(),
                "it goes on"
            );
        }
        let began = Instant::now();
        assert!(matches!(never.await, Err(VcsError::Abandoned { .. })));
        assert!(
            began.elapsed() <= SILENCE + Duration::from_secs(2),
            "{:?}",
            began.elapsed()
        );
    }
}
