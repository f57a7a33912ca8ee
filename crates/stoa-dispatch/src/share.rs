//! For whom work is done, so that what all need is divided fairly.

use std::{fmt, sync::Arc};

use crate::site::site_of;

/// How much a share may hold at most, as a multiple of what is still free.
const OF_WHAT_IS_FREE: usize = 3;

/// For whom a piece of work is done: all work of one share competes as one.
///
/// Whatever is handed out in shares - the permits and the queue of a lane, [`Permits`](crate::Permits), a
/// [`Quota`](crate::Quota) - gives a share at most three times what is then still free. So one share alone has three
/// quarters, and the fourth is there for those that come next; many shares together leave little, but each of them has
/// little, too. Work without a share is not held to this.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Share(Option<Arc<str>>);

impl Share {
    /// No share.
    pub const NONE: Self = Self(None);

    /// The share with this name.
    pub fn named(name: &str) -> Self {
        Self(Some(name.into()))
    }

    /// The share of the [site](site_of) of a host, so that whoever has a domain cannot make himself shares of its subdomains.
    pub fn of_host(host: &str) -> Self {
        Self::named(&site_of(host))
    }

    /// The name.
    pub fn name(&self) -> Option<&str> {
        self.0.as_deref()
    }

    pub(crate) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Whether it may take one more of something, of which it holds `held` and nobody `free`.
    pub(crate) fn may_take(&self, held: usize, free: usize) -> bool {
        free > 0 && (self.is_none() || held < free.saturating_mul(OF_WHAT_IS_FREE))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or("-"))
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets shares take one after the other until none may take any more: what each holds.
    fn taken(limit: usize, shares: usize) -> Vec<usize> {
        let share = Share::named("a");
        let mut held = vec![0; shares];
        loop {
            let before = held.clone();
            for i in 0..shares {
                let free = limit - held.iter().sum::<usize>();
                held[i] += usize::from(share.may_take(held[i], free));
            }
            if held == before {
                return held;
            }
        }
    }

    #[test]
    fn one_share_has_three_quarters_and_several_leave_something() {
        for (limit, most) in [(1, 1), (2, 2), (3, 3), (4, 3), (16, 12), (24, 18), (4096, 3072)] {
            assert_eq!(taken(limit, 1), [most], "{limit}");
        }
        assert_eq!(taken(16, 2), [7, 7]);
        assert_eq!(taken(24, 4), [6, 6, 6, 5]);
        let held = taken(4096, 100);
        assert_eq!(4096 - held.iter().sum::<usize>(), 13);
        assert!(Share::NONE.may_take(15, 1) && !Share::NONE.may_take(0, 0));
    }
}
