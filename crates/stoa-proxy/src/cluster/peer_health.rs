//! Whether a node is worth asking.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

/// For how long a node that failed is left out the first time. Each further failure doubles it,
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What has been seen of a node by asking it: one that cannot be reached, or falls silent, is left out for a while, so that
/// few wait for it. The registry may say for longer that it is there.
///
/// A node that proves by one frame that it is one is up. What it says of a module is no matter of its health, whatever that is.
#[derive(Debug, Default)]
pub(super) struct PeerHealth(Mutex<State>);

/// One question to a node, as far as its health is concerned.
#[derive(Debug)]
pub(super) struct Attempt {
    health: Arc<PeerHealth>,
    /// How often the node had failed when it was begun.
    failures: u64,
    /// For how long it may say nothing.
    patience: Duration,
    is_waiting: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// Until when it is left out, after a failure.
    down_until: Option<Instant>,
    /// Until when somebody finds out whether it is back.
    asked_until: Option<Instant>,
    pause: Duration,
    failures: u64,
    /// How many questions wait for their first frame,
    waiting: usize,
    /// since when there are some,
    since: Option<Instant>,
    /// and for how long others had waited before, since it said something.
    waited: Duration,
}

impl State {
    /// One question less waits.
    fn leave(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
        if self.waiting == 0
            && let Some(since) = self.since.take()
        {
            self.waited += since.elapsed();
        }
    }

    /// How long it has been asked, and has said nothing to anybody.
    fn silent(&self) -> Duration {
        self.waited + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn fail(&mut self) {
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        self.down_until = Some(Instant::now() + self.pause);
        self.asked_until = None;
        self.failures += 1;
        self.hear();
    }

    /// What was waited before counts no more.
    fn hear(&mut self) {
        self.waited = Duration::ZERO;
        self.since = (self.waiting > 0).then(Instant::now);
    }
}

impl PeerHealth {
    /// Whether it may be asked. After a pause, one question at a time finds out: others leave it out until that has ended.
    pub(super) fn is_up(&self) -> bool {
        let state = self.0.lock();
        let now = Instant::now();
        let is_over = |until: Option<Instant>| until.is_none_or(|until| until <= now);
        is_over(state.down_until) && is_over(state.asked_until)
    }

    /// It is asked. If that is for the first time after a pause, others leave it out until this is answered, or for `patience`.
    pub(super) fn begin(self: &Arc<Self>, patience: Duration) -> Attempt {
        let mut state = self.0.lock();
        let now = Instant::now();
        if state.down_until.is_some() {
            state.asked_until = Some(now + patience);
        }
        state.waiting += 1;
        state.since.get_or_insert(now);
        Attempt {
            health: Arc::clone(self),
            failures: state.failures,
            patience,
            is_waiting: true,
        }
    }
}

impl Attempt {
    /// It has said something that only a node can say.
    pub(super) fn prove(&mut self) {
        if !self.is_waiting {
            return;
        }
        self.is_waiting = false;
        let mut state = self.health.0.lock();
        state.leave();
        state.hear();
        (state.down_until, state.asked_until, state.pause) = (None, None, Duration::ZERO);
    }

    /// It could not be reached, fell silent, or sent what no node sends.
    pub(super) fn fail(&mut self) {
        let mut state = self.health.0.lock();
        if std::mem::take(&mut self.is_waiting) {
            state.leave();
        }
        // Questions that were under way together and failed are one failure.
        if state.failures == self.failures {
            state.fail();
        }
    }
}

/// Whoever asks does not always wait until silence is a failure. So what they have waited is added up: a node that is silent for one
/// after the other is silent.
impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.is_waiting {
            return;
        }
        let mut state = self.health.0.lock();
        state.leave();
        if state.failures == self.failures && state.silent() >= self.patience {
            state.fail();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(2500);

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_and_end_with_a_proof() {
        let health = Arc::new(PeerHealth::default());
        assert!(health.is_up());
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            // Two that find out together, whatever the time that they are given.
            let (mut one, mut other) = (health.begin(PATIENCE), health.begin(PATIENCE));
            one.fail();
            other.fail();
            advance(Duration::from_millis(1000 * seconds - 1)).await;
            assert!(!health.is_up(), "{seconds}");
            advance(Duration::from_millis(1)).await;
            assert!(health.is_up(), "{seconds}");
        }
        let mut attempt = health.begin(PATIENCE);
        assert!(!health.is_up(), "one finds out");
        attempt.prove();
        assert!(health.is_up());
        health.begin(PATIENCE).fail();
        advance(Duration::from_secs(1)).await;
        assert!(health.is_up(), "pauses begin anew after a proof");
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_out_and_goes_away_holds_up_nobody_for_long() {
        let health = Arc::new(PeerHealth::default());
        health.begin(PATIENCE).fail();
        advance(Duration::from_secs(1)).await;
        drop(health.begin(PATIENCE));
        assert!(!health.is_up());
        advance(PATIENCE).await;
        assert!(health.is_up());
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_is_silent_for_each_of_many_is_silent() {
        let half = Duration::from_millis(500);
        let health = Arc::new(PeerHealth::default());
        for round in 1..=5 {
            // Together they wait as long as one of them.
            let asked = [(); 20].map(|()| health.begin(PATIENCE));
            advance(half).await;
            drop(asked);
            assert_eq!(health.is_up(), round < 5, "{round}");
            // Nobody waits in between.
            advance(Duration::from_millis(900)).await;
        }
        let health = Arc::new(PeerHealth::default());
        for _ in 0..20 {
            let (_waits, mut hears) = (health.begin(PATIENCE), health.begin(PATIENCE));
            advance(half).await;
            hears.prove();
            advance(half).await;
            assert!(health.is_up(), "it speaks with somebody");
        }
        assert_eq!(health.0.lock().waiting, 0);
    }
}
