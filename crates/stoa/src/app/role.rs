//! What a process is for.

/// What a process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It serves modules and runs jobs.
    Server,
    /// It runs jobs. If it listens, it answers for its health, its metrics and its jobs, and serves no modules.
    Worker {
        /// Whether it does.
        listens: bool,
    },
}
