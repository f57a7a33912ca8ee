//! What failures of repositories mean for a fetch.

use std::sync::Arc;

use stoa_code_repo::{CodeMeaning, CodeRepoError, CodeRepoReason};
use stoa_vcs::VcsError;

use crate::{FetchError, Phase, SourceName};

impl FetchError {
    /// A module could not be made of the repository called `source_name`.
    ///
    /// A failure of this machine counts as unreachable, but a missing program is something that this installation cannot
    /// do.
    pub(crate) fn of_code_repo(source_name: &SourceName, error: CodeRepoError) -> Self {
        let vcs = match error.reason() {
            CodeRepoReason::Vcs(vcs) | CodeRepoReason::Reading { error: vcs, .. } => Some(vcs),
            _ => None,
        };
        let reason = || error.to_string();
        match (error.meaning(), vcs) {
            (CodeMeaning::NotExist, _) => Self::not_found(reason()),
            (_, Some(VcsError::Timeout { after, .. })) => Self::Timeout {
                source_name: source_name.clone(),
                phase: Phase::Response,
                after: *after,
            },
            (_, Some(VcsError::NotInstalled { .. } | VcsError::Unsupported { .. })) => {
                Self::Unsupported { reason: reason() }
            }
            (CodeMeaning::Refused, _) => Self::Refused { reason: reason() },
            (CodeMeaning::Invalid, _) => Self::invalid(source_name, reason()),
            (CodeMeaning::Unreachable | CodeMeaning::Ours, _) => Self::Unreachable {
                source_name: source_name.clone(),
                cause: Arc::new(error),
            },
        }
    }

    /// The repository called `source_name` could not be asked. A program that is missing, and a question that its system
    /// has no answer to, are what this installation cannot do.
    pub(crate) fn of_vcs(source_name: &SourceName, error: VcsError) -> Self {
        match error {
            VcsError::Unsupported { .. } | VcsError::NotInstalled { .. } => Self::Unsupported {
                reason: error.to_string(),
            },
            VcsError::Refused { .. } => Self::Refused {
                reason: error.to_string(),
            },
            error => Self::Unreachable {
                source_name: source_name.clone(),
                cause: Arc::new(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use stoa_vcs::{Step, VcsKind};

    use super::*;

    #[test]
    fn a_missing_program_is_what_this_installation_cannot_do() {
        let source_name = SourceName::new("h.example");
        let (vcs, package) = (VcsKind::Bzr, "brz");
        let FetchError::Unsupported { reason } =
            FetchError::of_vcs(&source_name, VcsError::NotInstalled { vcs, package })
        else {
            panic!("another meaning");
        };
        assert_eq!(
            reason,
            "bzr is not installed on this machine: install the package brz"
        );
        let step = Step::Access;
        let said = "connection refused".to_owned();
        let error = FetchError::of_vcs(&source_name, VcsError::Failed { vcs, step, said });
        assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
    }
}
