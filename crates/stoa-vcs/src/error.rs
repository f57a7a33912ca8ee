//! What can go wrong, by meaning.

use std::{fmt, time::Duration};

use crate::VcsKind;

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Reaching the repository: its refs, its first fetch.
    Access,
    /// Finding a revision.
    Revision,
    /// Reading one file.
    File,
    /// Reading all files of a folder.
    Archive,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Access => "access",
            Self::Revision => "revision",
            Self::File => "file",
            Self::Archive => "archive",
        })
    }
}

/// Why a repository did not answer. No text in it holds a secret. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VcsError {
    /// There is no such repository: the server says so, also to clients without a credential. The only variant, beside
    /// [`Self::UnknownRevision`] and [`Self::NoCommits`], that means "not exist" to cmd/go.
    #[error("repository {url} not found: {said}")]
    NoRepository {
        /// Where.
        url: String,
        /// The message of the program.
        said: String,
    },
    /// The repository is there, the revision is not.
    #[error("unknown revision {revision}")]
    UnknownRevision {
        /// The revision string.
        revision: String,
    },
    /// The repository has no commits at all.
    #[error("repository {url} has no commits")]
    NoCommits {
        /// Where.
        url: String,
    },
    /// A short hash that several commits share.
    #[error("ambiguous revision {revision}")]
    Ambiguous {
        /// The revision string.
        revision: String,
    },
    /// The repository could not be reached, refused us, or its program failed.
    #[error("{vcs} {step}: {said}")]
    Failed {
        /// Which system.
        vcs: VcsKind,
        /// What was being done.
        step: Step,
        /// What the program said, shortened, without secrets.
        said: String,
    },
    /// A commit or its files break a rule of the system, so that its program refuses them, and cmd/go with it. Only who
    /// commits to the repository can mend that, by another commit.
    #[error("{vcs} {step}: {what}")]
    Malformed {
        /// Which system.
        vcs: VcsKind,
        /// What was being done.
        step: Step,
        /// What breaks which rule.
        what: String,
    },
    /// A rule forbids the connection; see [`EgressError::Refused`](crate::EgressError::Refused).
    #[error("repository {url}: {why}")]
    Refused {
        /// Where.
        url: String,
        /// The rule, and what it is about.
        why: String,
    },
    /// It took too long.
    #[error("{vcs} {step}: nothing after {after:?}; it was stopped")]
    Timeout {
        /// Which system.
        vcs: VcsKind,
        /// What was being done.
        step: Step,
        /// How long it was given.
        after: Duration,
    },
    /// It is larger than a limit allows.
    #[error("{vcs} {step}: more than the limit of {limit} bytes")]
    TooLarge {
        /// Which system.
        vcs: VcsKind,
        /// What was being done.
        step: Step,
        /// The limit in bytes.
        limit: u64,
    },
    /// The program needed more memory than it may have.
    #[error("{vcs} {step}: the program needs more than the limit of {limit} bytes of memory")]
    Memory {
        /// Which system.
        vcs: VcsKind,
        /// What was being done.
        step: Step,
        /// The limit in bytes.
        limit: u64,
    },
    /// Too many programs run. Nothing was done.
    #[error("{vcs} {step}: {why}")]
    Overloaded {
        /// Which system.
        vcs: VcsKind,
        /// What was being done.
        step: Step,
        /// Which bound stood in the way.
        why: String,
    },
    /// The server asked for a pause, or has had too many questions.
    #[error("{vcs} {step}: the server asks for a pause: {said}")]
    Paused {
        /// Which system.
        vcs: VcsKind,
        /// What was being done.
        step: Step,
        /// For how long nothing should be asked.
        after: Duration,
        /// How that is known.
        said: String,
    },
    /// Nobody waited for the answer any more and the server was silent, so that the program was ended.
    #[error("{vcs} {step}: it was stopped, because its server was silent and nobody waited for it any more")]
    Abandoned {
        /// Which system.
        vcs: VcsKind,
        /// What was being done.
        step: Step,
    },
    /// This machine cannot keep what the repository has: the folder of the cache may not be used.
    #[error("{vcs} {step}: {what}")]
    Local {
        /// Which system.
        vcs: VcsKind,
        /// What was being done.
        step: Step,
        /// What cannot be done, and why.
        what: String,
    },
    /// The program of the system is not installed.
    #[error("{vcs} is not installed on this machine: install the package {package}")]
    NotInstalled {
        /// Which system.
        vcs: VcsKind,
        /// What Debian calls the package.
        package: &'static str,
    },
    /// The system cannot answer such a question.
    #[error("{vcs} cannot tell {what}")]
    Unsupported {
        /// Which system.
        vcs: VcsKind,
        /// What was asked.
        what: &'static str,
    },
}

/// What the operating system says when there is no room (`ENOSPC`, `EDQUOT`, `EFBIG`), and what `SQLite` makes of it.
const FULL: [&str; 4] = [
    "No space left on device",
    "Disk quota exceeded",
    "File too large",
    "database or disk is full",
];

/// What is said of servers that cannot be reached, in lower-case letters.
const UNREACHED: [&str; 8] = [
    "could not resolve host",
    "failed to connect",
    "could not connect",
    "unable to connect",
    "connection refused",
    "connection timed out",
    "network is unreachable",
    "no route to host",
];

/// What is said of servers that ended a connection before they had said everything, in lower-case letters.
const BROKEN: [&str; 9] = [
    // git and the curl in it.
    "transfer closed with",
    "hung up unexpectedly",
    "early eof",
    "unexpected disconnect",
    "empty reply from server",
    // Mercurial, Subversion, Bazaar and Fossil.
    "stream ended unexpectedly",
    "connection closed",
    // The operating system.
    "connection reset",
    "broken pipe",
];

/// Whether a program says itself that there is no room.
pub(crate) fn says_full(said: &str) -> bool {
    // What a program has said is one line here, with semicolons.
    let lines = said.split(['\n', ';']).map(str::trim);
    let mut ours = lines.filter(|line| !line.contains("remote"));
    ours.any(|line| FULL.iter().any(|words| line.contains(words)))
}

impl VcsError {
    /// Whether cmd/go takes it for "does not exist": then the next source of a GOPROXY list is asked.
    pub fn is_not_exist(&self) -> bool {
        matches!(
            self,
            Self::NoRepository { .. } | Self::UnknownRevision { .. } | Self::NoCommits { .. }
        )
    }

    /// Whether the server could not be reached, in the words of the programs and of the operating system.
    pub fn is_unreached(&self) -> bool {
        let Self::Failed { said, .. } = self else {
            return false;
        };
        let said = said.to_ascii_lowercase();
        UNREACHED.iter().any(|words| said.contains(words))
    }

    /// Whether the server was reached, and ended the connection before it had said everything.
    pub fn is_broken(&self) -> bool {
        let Self::Failed { said, .. } = self else {
            return false;
        };
        let said = said.to_ascii_lowercase();
        BROKEN.iter().any(|words| said.contains(words))
    }

    /// Whether the server said that it has had too many questions (429), or is not available (503), in the words of the
    /// programs. Of a connection with TLS nobody else sees the status.
    pub fn is_limited(&self) -> bool {
        let Self::Failed { said, .. } = self else {
            return false;
        };
        let said = said.to_ascii_lowercase();
        // git; Mercurial; Subversion; Bazaar; Fossil and others.
        let before = [
            "returned error: ",
            "http error ",
            "http status ",
            "http status code ",
            "http/1.1 ",
        ];
        let told = |status: &str| {
            before
                .iter()
                .any(|before| said.contains(&format!("{before}{status}")))
        };
        told("429") || told("503")
    }

    /// Whether the disk of this machine, or a quota, is full. Programs say so in the words of the operating system; what they
    /// repeat of a server has `remote` before it.
    pub fn is_full(&self) -> bool {
        let (Self::Failed { said, .. } | Self::Local { what: said, .. }) = self else {
            return false;
        };
        says_full(said)
    }

    /// The error that a reader of this crate wrapped, or [`Self::Failed`] with the text of any other.
    pub fn from_io(error: &std::io::Error, vcs: VcsKind, step: Step) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Self>());
        inner.cloned().unwrap_or_else(|| Self::Failed {
            vcs,
            step,
            said: error.to_string(),
        })
    }
}
