//! How many retries a lane may make.

use std::{sync::Arc, time::Duration};

use parking_lot::RwLock;
use tower::retry::budget::{Budget, TpsBudget};

use crate::RetrySettings;

/// Requests of this long ago still earn retries.
const MEMORY: Duration = Duration::from_secs(10);

/// Each request earns a share of a retry, so that retries can never become a storm of their own.
///
/// The library forgets in steps of a second. Requests that come little more than a second apart can make it forget two
/// steps at once, and the floor is then up to twice as high.
#[derive(Debug)]
pub(crate) struct RetryBudget(RwLock<Arc<TpsBudget>>);

impl RetryBudget {
    pub(crate) fn new(settings: &RetrySettings) -> Self {
        Self(RwLock::new(Arc::new(make(settings))))
    }

    pub(crate) fn set(&self, settings: &RetrySettings) {
        *self.0.write() = Arc::new(make(settings));
    }

    /// A request was sent.
    pub(crate) fn earn(&self) {
        self.0.read().deposit();
    }

    /// Takes a retry, if there is one left.
    pub(crate) fn spend(&self) -> bool {
        self.0.read().withdraw()
    }
}

fn make(settings: &RetrySettings) -> TpsBudget {
    // The library divides one by the share and cuts the rest off, which would grant a third for 30 %. Rounded to one in
    // so many here, it grants a quarter: never more than was said.
    let share = match settings.budget.get() {
        0 => 0.0,
        percent => 1.0 / f32::from(100_u8.div_ceil(percent)),
    };
    TpsBudget::new(MEMORY, settings.floor, share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Percent;

    fn spent(percent: u8, floor: u32, requests: usize) -> usize {
        let budget = RetryBudget::new(&RetrySettings {
            budget: Percent::new(percent).expect("percent"),
            floor,
            ..RetrySettings::default()
        });
        for _ in 0..requests {
            budget.earn();
        }
        (0..requests).take_while(|_| budget.spend()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn retries_are_a_share_of_requests_and_a_floor() {
        assert_eq!(spent(20, 0, 1000), 200);
        assert_eq!(spent(30, 0, 1000), 250, "one in four, not one in three");
        assert_eq!(spent(100, 0, 100), 100);
        assert_eq!(spent(0, 0, 1000), 0);
        assert_eq!(spent(20, 1, 1000), 210, "one a second for ten seconds more");
    }
}
