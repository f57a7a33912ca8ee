//! Failures of one path.

use stoa_dispatch::{Attempted, BreakerVerdict, Classified, Classify, HttpClassify};

/// Reads answers of module servers: 500 and 501 are of the path that was asked for, and say that the server is there.
///
/// Files that are stored are not asked for again, so that paths which fail are most of what a server is asked. One of them
/// would close it to all its other modules. What such a path answered is remembered instead, as "not found" is.
#[derive(Clone, Copy, Debug)]
pub struct PathFailures;

#[deny(clippy::missing_trait_methods)]
impl Classify for PathFailures {
    fn classify(&self, attempted: Attempted<'_>) -> Classified {
        let classified = HttpClassify.classify(attempted);
        match (attempted, &classified.verdict) {
            (Attempted::Response { status, .. }, BreakerVerdict::Failure(_))
                if is_of_path(status.as_u16()) =>
            {
                Classified {
                    verdict: BreakerVerdict::Success,
                    ..classified
                }
            }
            _ => classified,
        }
    }
}

/// Whether a status tells of the path that was asked for, and not of its server: 500, 501.
pub(crate) fn is_of_path(status: u16) -> bool {
    matches!(status, 500 | 501)
}
