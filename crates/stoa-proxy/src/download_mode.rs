//! Whether a client waits for what is not stored.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use stoa_fetch::{Caller, Hops, Question};
use stoa_module::{PatternList, Resource, WantedFiles};

use crate::{Answer, Cause, Protocol, ProxyError, QueueSlot};

/// When a client may ask again for what is being brought in; most modules take less.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// What a client is answered who asks for a file that is not stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is brought in while the client waits.
    #[default]
    Sync,
    /// "Not found", at once. It is brought in later, by a durable job.
    Async,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sync => "sync",
            Self::Async => "async",
        })
    }
}

/// Which modules have which mode, and who takes what is brought in later.
#[derive(Clone, Debug, Default)]
pub struct Modes {
    /// The first one that matches counts; what none matches is [`Mode::Sync`].
    pub rules: Vec<(PatternList, Mode)>,
    /// Takes modules for later. While it is empty, everything is [`Mode::Sync`].
    pub queue: QueueSlot,
}

impl Modes {
    /// The mode of a module.
    pub fn of(&self, module: &str) -> Mode {
        let rule = self.rules.iter().find(|(patterns, _)| patterns.matches(module));
        rule.map(|(_, mode)| *mode).unwrap_or_default()
    }
}

/// Answers clients at once, where the mode of a module says so: that a file is on its way here.
///
/// Only the files of fixed versions have a mode. A list, `@latest` or a branch is a question that its source answers, and an
/// answer that says "later" would let the go command choose another version.
///
/// Sits inside of storage and admission, so that it sees misses only, and inside of `resolved_info`, whose questions are
/// stoa's own. Those are never put off, since nobody waits for them, and neither are those of other nodes: they come from
/// the work that was put off there. A caller who goes away takes nothing back.
#[derive(Debug)]
pub struct DownloadMode {
    inner: Arc<dyn Protocol>,
    modes: Modes,
}

impl DownloadMode {
    /// Asks `inner` for what is not put off.
    pub fn new(inner: Arc<dyn Protocol>, modes: Modes) -> Self {
        Self { inner, modes }
    }
}

impl fmt::Display for DownloadMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("download_mode(")?;
        for (i, (patterns, mode)) in self.modes.rules.iter().enumerate() {
            let separator = if i > 0 { "; " } else { "" };
            write!(f, "{separator}{patterns} => {mode}")?;
        }
        write!(f, ") > {}", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Protocol for DownloadMode {
    async fn get(&self, question: &Question) -> Result<Answer, ProxyError> {
        let (target, files) = match &question.resource {
            // A go.mod never costs a zip.
            Resource::Mod(target) => (target, WantedFiles::GoMod),
            // Whoever asks for one of these asks for the others next.
            Resource::Info(target) | Resource::Zip(target) => (target, WantedFiles::All),
            _ => return self.inner.get(question).await,
        };
        let context = &question.context;
        let is_of_client = context.caller != Caller::Stoa && context.hops == Hops::None;
        match self.modes.queue.get() {
            Some(queue) if is_of_client && self.modes.of(target.path().as_str()) == Mode::Async => {
                let job = queue.take(target, files).await?;
                Err(Cause::Coming {
                    what: question.resource.to_string(),
                    job,
                    retry_after: RETRY_AFTER,
                }
                .into())
            }
            _ => self.inner.get(question).await,
        }
    }
}
