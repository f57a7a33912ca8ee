//! Open files: the system's limit, and what connections may take of it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// As many open files as anything here can use. Some programs that stoa runs go through all numbers up to the limit when
/// they start others, so it is not raised without end.
const ENOUGH: u64 = 64 << 10;

/// Connections at once, where open files allow it.
const CONNECTIONS: usize = 8192;

/// One of so many connections may be of one address.
const SHARE: usize = 4;

/// How many connections are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Connections {
    /// At once.
    pub(crate) all: usize,
    /// Of one client address.
    pub(crate) per_address: usize,
}

/// Raises the limit of open files that this process has to what the system allows it, for `connections` and files beside
/// them. The usual limit is so low for the sake of programs that use select(2).
pub(crate) fn raise_limit(connections: Option<usize>) {
    let limits = getrlimit(Resource::Nofile);
    let wanted = ENOUGH.max(2 * connections.unwrap_or(0) as u64);
    let current = limits.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    if limits.current.is_some_and(|now| now < current) {
        let raised = Rlimit {
            current: Some(current),
            ..limits
        };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "the limit of open files cannot be raised");
        }
    }
}

impl Connections {
    /// What was configured, or what the limit of open files allows: half of it is left for files, upstreams and programs. The
    /// storage takes an eighth of the limit for files that are read.
    pub(crate) fn within_limit(all: Option<usize>, per_address: Option<usize>) -> Self {
        Self::within(getrlimit(Resource::Nofile).current, all, per_address)
    }

    fn within(files: Option<u64>, all: Option<usize>, per_address: Option<usize>) -> Self {
        let half = files.and_then(|files| usize::try_from(files / 2).ok());
        let half = half.unwrap_or(usize::MAX).max(1);
        let all = match all {
            Some(all) => {
                if all > half {
                    tracing::warn!(
                        connections = all,
                        open_files = files,
                        "pool.connections is more than half of the open files that the system allows: raise the limit"
                    );
                }
                all
            }
            None => CONNECTIONS.min(half),
        };
        let per_address = per_address.unwrap_or_else(|| (all / SHARE).max(1));
        Self { all, per_address }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_everything_else() {
        for (files, all, per_address, want) in [
            (Some(1024), None, None, (512, 128)),
            (Some(65_536), None, None, (8192, 2048)),
            (None, None, None, (8192, 2048)),
            (Some(1024), Some(1000), None, (1000, 250)),
            (Some(1024), Some(2), None, (2, 1)),
            (Some(65_536), None, Some(10), (8192, 10)),
        ] {
            let got = Connections::within(files, all, per_address);
            assert_eq!(
                (got.all, got.per_address),
                want,
                "{files:?} {all:?} {per_address:?}"
            );
        }
    }
}
