//! What failures of repositories mean for a fetch.

use std::{sync::Arc, time::Duration};

use stoa_code_repo::{CodeMeaning, CodeRepoError, CodeRepoReason};
use stoa_vcs::VcsError;

use crate::{FetchError, Phase, SourceName};

/// When it makes sense to ask again after there was no place for a program.
const RETRY: Duration = Duration::from_secs(10);

type Cause = Arc<dyn std::error::Error + Send + Sync>;
type Contact = fn(SourceName, Cause) -> FetchError;

impl FetchError {
    /// A module could not be made of the repository called `source_name`.
    ///
    /// A missing program is something that this installation cannot do.
    pub(crate) fn of_code_repo(source_name: &SourceName, error: CodeRepoError) -> Self {
        let vcs = match error.reason() {
            CodeRepoReason::Vcs(vcs) | CodeRepoReason::Reading { error: vcs, .. } => Some(vcs),
            _ => None,
        };
        let reason = || error.to_string();
        match (error.meaning(), vcs) {
            // A version that only its author can mend is none, whoever is asked; the text says what is wrong with it.
            (CodeMeaning::NotExist | CodeMeaning::Malformed, _) => Self::not_found(reason()),
            (_, Some(VcsError::Timeout { after, .. })) => Self::Timeout {
                source_name: source_name.clone(),
                phase: Phase::Response,
                after: *after,
            },
            (_, Some(VcsError::Paused { after, .. })) => Self::Overloaded {
                source_name: source_name.clone(),
                reason: reason(),
                retry_after: Some(*after),
            },
            (_, Some(error)) if Self::overload_of(error).is_some() => Self::Overloaded {
                source_name: source_name.clone(),
                reason: format!("{}{}", reason(), Self::overload_of(error).unwrap_or_default()),
                retry_after: Some(RETRY),
            },
            (_, Some(local)) if Self::is_local(local) => Self::of_local(reason(), local),
            (_, Some(VcsError::Memory { .. })) => {
                Self::invalid(source_name, format!("{} (vcs.program_memory)", reason()))
            }
            (_, Some(VcsError::NotInstalled { .. } | VcsError::Unsupported { .. })) => {
                Self::Unsupported { reason: reason() }
            }
            (CodeMeaning::Refused, _) => Self::Refused { reason: reason() },
            (CodeMeaning::Invalid, _) => Self::invalid(source_name, reason()),
            (CodeMeaning::Unreachable | CodeMeaning::Ours, vcs) => {
                let of = vcs.map_or(Self::unreadable as Contact, Self::contact_of);
                of(source_name.clone(), Arc::new(error))
            }
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
            VcsError::Malformed { .. } => Self::not_found(error.to_string()),
            VcsError::Paused { after, .. } => Self::Overloaded {
                source_name: source_name.clone(),
                reason: error.to_string(),
                retry_after: Some(after),
            },
            local if Self::is_local(&local) => Self::of_local(local.to_string(), &local),
            error => {
                if let Some(settings) = Self::overload_of(&error) {
                    return Self::Overloaded {
                        source_name: source_name.clone(),
                        reason: format!("{error}{settings}"),
                        retry_after: Some(RETRY),
                    };
                }
                let of = Self::contact_of(&error);
                of(source_name.clone(), Arc::new(error))
            }
        }
    }

    /// What a failure says of the contact with the repository.
    fn contact_of(error: &VcsError) -> Contact {
        if error.is_unreached() {
            |source_name, cause| Self::Unreachable { source_name, cause }
        } else if error.is_broken() {
            |source_name, cause| Self::Broken { source_name, cause }
        } else {
            Self::unreadable
        }
    }

    fn unreadable(source_name: SourceName, cause: Cause) -> Self {
        Self::Unreadable { source_name, cause }
    }

    fn is_local(error: &VcsError) -> bool {
        error.is_full() || matches!(error, VcsError::Local { .. })
    }

    fn of_local(reason: String, error: &VcsError) -> Self {
        Self::Local {
            reason,
            is_full: error.is_full(),
        }
    }

    /// The settings that decide, if the error is that too much is under way.
    fn overload_of(error: &VcsError) -> Option<&'static str> {
        match error {
            VcsError::Overloaded { .. } => Some(" (vcs.programs, vcs.programs_per_host, vcs.programs_queue)"),
            // Whoever sees this came after everybody had left, and only has to ask once more.
            VcsError::Abandoned { .. } => Some(""),
            _ => None,
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
        let git = |said: &str| {
            FetchError::of_vcs(
                &source_name,
                VcsError::Failed {
                    vcs: VcsKind::Git,
                    step,
                    said: said.to_owned(),
                },
            )
        };
        for (said, full) in [
            (
                "fatal: write error: No space left on device; fatal: index-pack failed",
                true,
            ),
            ("remote: fatal: No space left on device", false),
            ("fatal: remote error: No space left on device", false),
        ] {
            let is_full = matches!(git(said), FetchError::Local { is_full: true, .. });
            assert_eq!(is_full, full, "{said}");
        }
        let what = "the cache cannot be used".to_owned();
        let local = FetchError::of_vcs(&source_name, VcsError::Local { vcs, step, what });
        assert!(
            matches!(local, FetchError::Local { is_full: false, .. }),
            "{local}"
        );
        let said = "connection refused".to_owned();
        let error = FetchError::of_vcs(&source_name, VcsError::Failed { vcs, step, said });
        assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
        let refused = git("fatal: unable to access 'https://h/x/': The requested URL returned error: 503");
        assert!(matches!(refused, FetchError::Unreadable { .. }), "{refused}");
        let broken =
            git("fatal: unable to access 'https://h/x/': transfer closed with 91 bytes remaining to read");
        assert!(matches!(broken, FetchError::Broken { .. }), "{broken}");
    }
}
