//! Whether a node is worth asking.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// For how long a node that failed is left out the first time. Each further failure doubles it,
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What has been seen of a node by asking it: one that cannot be reached, or falls silent, is left out for a while, so that
/// few wait for it. The registry may say for longer that it is there.
#[derive(Debug, Default)]
pub(super) struct PeerHealth(Mutex<State>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    down_until: Option<Instant>,
    pause: Duration,
}

impl PeerHealth {
    /// Whether it may be asked. After a pause, one question at a time finds out: others leave it out until that has ended.
    pub(super) fn is_up(&self) -> bool {
        let state = self.0.lock();
        state.down_until.is_none_or(|until| until <= Instant::now())
    }

    /// It has been asked for the first time after a pause: until this is answered, others leave it out.
    pub(super) fn begin(&self, patience: Duration) {
        let mut state = self.0.lock();
        if state.down_until.is_some() {
            state.down_until = Some(Instant::now() + patience);
        }
    }

    /// It has answered.
    pub(super) fn succeed(&self) {
        *self.0.lock() = State::default();
    }

    /// It could not be reached, or fell silent.
    pub(super) fn fail(&self) {
        let mut state = self.0.lock();
        let now = Instant::now();
        // Questions that failed together are one failure.
        if state
            .down_until
            .is_some_and(|until| until > now + state.pause / 2)
            && !state.pause.is_zero()
        {
            return;
        }
        state.pause = (state.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        state.down_until = Some(now + state.pause);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_and_end_with_an_answer() {
        let health = PeerHealth::default();
        assert!(health.is_up());
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            health.fail();
            health.fail();
            advance(Duration::from_millis(1000 * seconds - 1)).await;
            assert!(!health.is_up(), "{seconds}");
            advance(Duration::from_millis(1)).await;
            assert!(health.is_up(), "{seconds}");
        }
        health.begin(Duration::from_secs(2));
        assert!(!health.is_up(), "one finds out");
        health.succeed();
        assert!(health.is_up());
    }
}
