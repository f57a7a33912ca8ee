//! The context of a question.

use std::{fmt, sync::Arc};

use stoa_dispatch::{Class, Share, Urgency};
use tokio::time::Instant;

use crate::Passed;

/// The context of a question: it never changes what the right answer is, only whether, when and on whose behalf stoa
/// looks for it.
///
/// Cheap to clone. A flight is shared by callers, so it gets a context of its own, see [`Context::shared`].
#[derive(Clone, Debug)]
pub struct Context {
    /// Who asks. Rules judge it and audit lines name it, before anything is shared.
    pub caller: Caller,
    /// Which class the work has while it waits in queues. It may change as callers come and go.
    pub urgency: Urgency,
    /// Whose part of what all need the work takes. Known once there is work: hits need nothing.
    pub share: Share,
    /// How many nodes have passed the question on.
    pub hops: Hops,
    /// Which proxies it has passed.
    pub passed: Passed,
    /// It was asked a moment ago, and the answer broke off.
    pub again: bool,
    /// The caller does not wait longer than that. It ends the wait, not the work that others may share.
    pub deadline: Option<Instant>,
    /// Under which request the log shows the work.
    pub trace: Trace,
}

/// Who asks a question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Caller {
    /// A client that did not say who it is.
    #[default]
    Anonymous,
    /// A client that proved its name.
    Named(Arc<str>),
    /// stoa itself: refreshes, and work that several callers share.
    Stoa,
}

/// How many nodes of a cluster have passed a question on. One is the most, so that no question goes in circles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hops {
    /// It came from a client.
    #[default]
    None,
    /// It came from another node, which took this one for its owner.
    One,
}

/// Which request a piece of work belongs to. Prints its id, or `-` for work that no request started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace(Option<Arc<str>>);

impl Context {
    /// The context of a client's question: interactive, without a deadline.
    pub fn interactive(caller: Caller) -> Self {
        Self {
            caller,
            urgency: Class::Interactive.into(),
            share: Share::NONE,
            hops: Hops::None,
            passed: Passed::default(),
            again: false,
            deadline: None,
            trace: Trace::default(),
        }
    }

    /// The context of a question that stoa asks itself and that no client waits for.
    pub fn background() -> Self {
        Self {
            urgency: Class::Background.into(),
            ..Self::interactive(Caller::Stoa)
        }
    }

    /// The context of work that follows from this question and that its caller does not wait for. It keeps the trace.
    #[must_use]
    pub fn behind(&self) -> Self {
        Self {
            share: self.share.clone(),
            hops: self.hops,
            passed: self.passed.clone(),
            trace: self.trace.clone(),
            ..Self::background()
        }
    }

    /// The context of work that several callers share: it has no caller and no deadline, because neither is theirs
    /// alone, and `urgency` follows those that wait.
    #[must_use]
    pub fn shared(&self, urgency: Urgency) -> Self {
        Self {
            caller: Caller::Stoa,
            urgency,
            share: self.share.clone(),
            hops: self.hops,
            passed: self.passed.clone(),
            again: self.again,
            deadline: None,
            trace: self.trace.clone(),
        }
    }

    /// The same context, for work that takes part in this share.
    #[must_use]
    pub fn in_share(self, share: Share) -> Self {
        Self { share, ..self }
    }
}

impl Hops {
    /// The hops of the same question at the next node; `None` if it must be answered here.
    pub fn next(self) -> Option<Self> {
        match self {
            Self::None => Some(Self::One),
            Self::One => None,
        }
    }
}

impl Trace {
    /// The trace of the request with this id.
    pub fn of(request_id: &str) -> Self {
        Self(Some(request_id.into()))
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "anonymous",
            Self::Named(name) => name,
            Self::Stoa => "stoa",
        })
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_deref().unwrap_or("-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_passed_on_once() {
        assert_eq!(Hops::None.next(), Some(Hops::One));
        assert_eq!(Hops::One.next(), None);
    }

    #[test]
    fn shared_work_has_no_caller_and_no_deadline() {
        let mut context = Context::interactive(Caller::Named("build-7".into()));
        context.deadline = Some(Instant::now());
        context.hops = Hops::One;
        context.trace = Trace::of("r1");
        let shared = context.shared(Urgency::shared());
        assert_eq!((&shared.caller, shared.deadline), (&Caller::Stoa, None));
        assert_eq!(
            (shared.hops, shared.trace.to_string().as_str()),
            (Hops::One, "r1")
        );
        assert_eq!(shared.urgency.class(), Class::Background);
    }
}
