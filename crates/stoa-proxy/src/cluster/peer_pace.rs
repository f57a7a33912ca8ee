//! How long a node may work before its answer begins.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How long a node may work before its answer begins that was too slow a while ago.
pub(super) const SHORT_PATIENCE: Duration = Duration::from_secs(3);
/// For how long it is remembered the first time that a node was too slow. Each further time doubles it,
const FIRST: Duration = Duration::from_secs(60);
/// up to this.
const LONGEST: Duration = Duration::from_secs(600);

/// Whether a node has been too slow: it says that it works, and no answer comes. Mostly its source hangs, and whoever asks
/// it next would wait as long. So for a while it has little time, and then this node brings in by itself what is asked for.
///
/// It is up all the same: what it has stored, it sends at once.
#[derive(Debug, Default)]
pub(super) struct PeerPace(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    slow_until: Option<Instant>,
    remembered: Duration,
}

impl PeerPace {
    /// How long it may work now, which may have `full`.
    pub(super) fn patience(&self, full: Duration) -> Duration {
        if self.is_slow() {
            full.min(SHORT_PATIENCE)
        } else {
            full
        }
    }

    /// It has worked for as long as it may, and nothing came.
    pub(super) fn was_slow(&self) {
        let mut state = self.0.lock();
        let now = Instant::now();
        // Those who had little time have found out nothing, and those who waited together have found out one thing.
        if state.slow_until.is_some_and(|until| until > now) {
            return;
        }
        state.remembered = (state.remembered * 2).clamp(FIRST, LONGEST);
        state.slow_until = Some(now + state.remembered);
    }

    /// An answer has begun.
    pub(super) fn answered(&self) {
        // While it has little time, what is answered is what takes none.
        if !self.is_slow() {
            *self.0.lock() = State::default();
        }
    }

    fn is_slow(&self) -> bool {
        let until = self.0.lock().slow_until;
        until.is_some_and(|until| until > Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_was_too_slow_has_little_time_for_a_while() {
        let full = Duration::from_secs(30);
        let pace = PeerPace::default();
        assert_eq!(pace.patience(full), full);
        for minutes in [1, 2, 4, 8, 10, 10] {
            pace.was_slow();
            pace.was_slow();
            pace.answered();
            advance(Duration::from_millis(60_000 * minutes - 1)).await;
            assert_eq!(pace.patience(full), SHORT_PATIENCE, "{minutes}");
            assert_eq!(pace.patience(Duration::from_secs(1)), Duration::from_secs(1));
            advance(Duration::from_millis(1)).await;
            assert_eq!(pace.patience(full), full, "{minutes}");
        }
        pace.answered();
        pace.was_slow();
        advance(Duration::from_secs(60)).await;
        assert_eq!(pace.patience(full), full, "it begins anew after an answer");
    }
}
