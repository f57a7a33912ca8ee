//! What a view has done.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! stats {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// What a view has done since it was made.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct ViewStats {
            $($(#[$doc])* pub $name: u64,)*
        }

        /// The same, while it is counted.
        #[derive(Debug, Default)]
        pub(crate) struct ViewCounters {
            $(pub(crate) $name: AtomicU64,)*
        }

        impl ViewCounters {
            pub(crate) fn read(&self) -> ViewStats {
                ViewStats {
                    $($name: self.$name.load(Ordering::Relaxed),)*
                }
            }
        }
    };
}

stats! {
    /// Reads of the registry.
    reads,
    /// Reads that failed.
    failed_reads,
    /// Watches that were begun.
    watches,
    /// Watches that broke off.
    broken_watches,
    /// Watches that could not go on where they were, so that everything was read again.
    lost_watches,
    /// Nodes that came, changed or were told once more.
    puts,
    /// Nodes that went.
    gone,
    /// Registrations that were refused.
    rejected,
    /// Nodes whose end was not believed at once.
    suspected,
    /// Answers that were given while the registry was away.
    stale_answers,
}

pub(crate) fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}
