//! Failures of one path.

use http::StatusCode;
use stoa_dispatch::{Attempted, BreakerVerdict, Classified, Classify, HttpClassify};

/// Reads answers of module servers: 500 and 501 are of the path that was asked for, and say that the server is there.
///
/// Files that are stored are not asked for again, so that paths which fail are most of what a server is asked. One of them
/// would close it to all its other modules. What such a path answered is remembered instead, as "not found" is.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathFailures;

#[deny(clippy::missing_trait_methods)]
impl Classify for PathFailures {
    fn classify(&self, attempted: Attempted<'_>) -> Classified {
        let classified = HttpClassify.classify(attempted);
        let of_path = |status| {
            matches!(
                status,
                StatusCode::INTERNAL_SERVER_ERROR | StatusCode::NOT_IMPLEMENTED
            )
        };
        match (attempted, &classified.verdict) {
            (Attempted::Response { status, .. }, BreakerVerdict::Failure(_)) if of_path(status) => {
                Classified {
                    verdict: BreakerVerdict::Success,
                    ..classified
                }
            }
            _ => classified,
        }
    }
}
