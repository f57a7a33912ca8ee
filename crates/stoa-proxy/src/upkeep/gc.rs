//! Makes room.

use std::{sync::Arc, time::SystemTime};

use futures_util::future::join_all;
use stoa_fetch::{Context, Fetcher, Question};
use stoa_index::{Index, IndexEntry, IndexError};
use stoa_module::Resource;

use super::{
    gc_report::{GcReport, Kept},
    gc_rules::GcRules,
    remover::Remover,
};
use crate::{Meaning, ProxyError, Recorder};

/// Versions at a time, the least recently used first.
const PAGE: usize = 500;
/// Versions that upstream is asked about at a time, and that go together.
const TOGETHER: usize = 16;
/// If upstream gave no answer about so many one after the other, it gives none about the next.
const UNASKED: u64 = 32;

/// Removes what was used the longest time ago until the rest keeps to the rules.
#[derive(Debug)]
pub struct Gc {
    rules: GcRules,
    index: Arc<dyn Index>,
    recorder: Arc<Recorder>,
    remover: Remover,
    /// Where modules come from; `None` if nobody may be asked.
    fetcher: Option<Arc<dyn Fetcher>>,
}

impl Gc {
    /// By these rules, in the order of `index`, which `recorder` tells what happens.
    pub fn new(
        rules: GcRules,
        index: Arc<dyn Index>,
        recorder: Arc<Recorder>,
        remover: Remover,
        fetcher: Option<Arc<dyn Fetcher>>,
    ) -> Self {
        Self {
            rules,
            index,
            recorder,
            remover,
            fetcher,
        }
    }

    /// The rules.
    pub fn rules(&self) -> &GcRules {
        &self.rules
    }

    /// Makes room; a dry run only tells what would go.
    ///
    /// # Errors
    /// Those of the index. What went until then is gone.
    pub async fn run(&self, dry_run: bool) -> Result<GcReport, IndexError> {
        // What is used by now counts.
        self.recorder.record(true).await?;
        let before = self.index.totals().await?.bytes;
        let mut report = GcReport {
            dry_run,
            bytes_before: before,
            bytes_after: before,
            quota: self.rules.quota,
            ..GcReport::default()
        };
        if !self.index.is_complete().await? {
            report.stopped =
                Some("the index is not complete: what is stored is being looked through first".to_owned());
            return Ok(report);
        }
        let now = SystemTime::now();
        let mut after = None;
        'pages: loop {
            let page = self.index.by_use(after.as_ref(), PAGE).await?;
            after = page.last().map(IndexEntry::use_cursor);
            let mut rest = page.as_slice();
            while !rest.is_empty() {
                let some = &rest[..rest.len().min(TOGETHER)];
                match self.some(some, now, &mut report).await {
                    Some(looked_at) => rest = &rest[looked_at..],
                    None => break 'pages,
                }
            }
            if page.len() < PAGE {
                break;
            }
        }
        if !dry_run {
            self.recorder.record(false).await?;
            report.bytes_after = self.index.totals().await?.bytes;
        }
        Ok(report)
    }

    /// Looks at some versions, in their order. At how many; `None` if those that follow can stay.
    async fn some(&self, entries: &[IndexEntry], now: SystemTime, report: &mut GcReport) -> Option<usize> {
        // How much there would be if all before it went.
        let mut left = report.bytes_after;
        let mut candidates = Vec::new();
        let mut looked_at = entries.len();
        for (at, entry) in entries.iter().enumerate() {
            let is_over = self.rules.quota.is_some_and(|quota| left > quota);
            if !is_over && !self.rules.is_expired(entry, now) {
                // Those that follow were used later.
                looked_at = at;
                break;
            }
            if let Some(why) = self.rules.keeps(entry, now) {
                report.keep(why);
            } else {
                left = left.saturating_sub(entry.files().1);
                candidates.push(entry);
            }
        }
        // There are so few that all can be asked at a time.
        let mut asked = Vec::new();
        for entry in &candidates {
            asked.push(self.stays(entry));
        }
        let asked = join_all(asked).await;
        let mut stays = false;
        for (entry, kept) in candidates.iter().zip(asked) {
            match kept {
                Some(why) => {
                    report.keep(why);
                    stays = true;
                }
                None => self.one(entry, report).await,
            }
        }
        if report
            .kept
            .get(&Kept::Unasked)
            .is_some_and(|count| *count >= UNASKED)
        {
            report.stopped = Some(
                "upstream cannot be asked whether it still has what would go (gc.keep_gone = false does without)"
                    .to_owned(),
            );
            return None;
        }
        // Something stayed that was counted as gone: those that follow may have to go in its place.
        (stays || looked_at == entries.len()).then_some(looked_at)
    }

    async fn one(&self, entry: &IndexEntry, report: &mut GcReport) {
        if report.dry_run {
            return report.remove(entry);
        }
        match self.remover.remove(std::slice::from_ref(&entry.target)).await {
            Ok(_) => {
                tracing::info!(module = %entry.target, bytes = entry.files().1, used = %entry.used(), "a version goes to make room");
                report.remove(entry);
            }
            Err(error) => {
                tracing::warn!(module = %entry.target, error = %error.report(), "a version that should go cannot be removed");
                report.keep(Kept::Failed);
            }
        }
    }

    /// Why a version stays, as far as upstream can tell.
    async fn stays(&self, entry: &IndexEntry) -> Option<Kept> {
        if !self.rules.keep_gone {
            return None;
        }
        let Some(fetcher) = &self.fetcher else {
            return Some(Kept::Unasked);
        };
        let question = Question::new(Resource::Info(entry.target.clone()), Context::background());
        let error = match fetcher.fetch(&question).await {
            Ok(_) => return None,
            Err(error) => ProxyError::from(error),
        };
        Some(match error.meaning() {
            Meaning::NotFound | Meaning::Gone => Kept::Gone,
            _ => Kept::Unasked,
        })
    }
}
