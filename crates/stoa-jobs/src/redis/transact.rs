//! Transactions: read, worked out here, written if nothing has changed.

use std::{sync::Arc, time::Duration};

use super::{
    answer,
    commit::Terms,
    dice::Dice,
    draft::Draft,
    link::Link,
    view::{View, Wanted},
};
use crate::{JobId, Rules, StoreError, SystemRandom, Transaction, random_id};

/// How many jobs one question reads at most.
const PART: usize = 256;
/// How often a transaction begins again after it has met others.
const MAX_CONFLICTS: u32 = 100;
/// How often a transaction asks for what it found out to need.
const MAX_QUESTIONS: u32 = 2_000;
/// The longest pause after a conflict.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// What a transaction begins with.
pub(super) enum Start {
    /// What it will want to know.
    Wanted(Wanted),
    /// What has come with time, so much of each sort at most.
    House(usize),
}

/// Works transactions out, and writes them.
#[derive(Debug)]
pub(super) struct Transactor {
    link: Arc<Link>,
    tag: Arc<str>,
    rules: Rules,
    /// Those that met another one take turns here.
    contended: tokio::sync::Mutex<()>,
}

impl Transactor {
    pub(super) fn new(link: Arc<Link>, tag: Arc<str>, rules: Rules) -> Self {
        Self {
            link,
            tag,
            rules,
            contended: tokio::sync::Mutex::default(),
        }
    }

    /// Works out what a transaction changes, and writes it. `finished` is the run that it ends, with a mark.
    pub(super) async fn transact<T: Send>(
        &self,
        start: Start,
        may_exceed: bool,
        finished: Option<(&JobId, String)>,
        change: impl Fn(&mut Transaction<'_, Draft<'_>>) -> Result<T, StoreError> + Send + Sync,
    ) -> Result<T, StoreError> {
        let mut turn = None;
        for conflicts in 0..MAX_CONFLICTS {
            if conflicts > 0 {
                self.pause(conflicts).await;
                if turn.is_none() {
                    turn = Some(self.contended.lock().await);
                }
            }
            let dice = Dice::default();
            let mut view = self.begin(&start, conflicts).await?;
            let mut questions = 0;
            let (result, call) = loop {
                let mut draft = Draft::new(&self.rules, &view, &dice);
                let now = view.now;
                let mut transaction = Transaction::new(&mut draft, &self.rules, &dice, now);
                let result = change(&mut transaction);
                let wake = transaction.wake();
                if !draft.wanted.is_empty() {
                    let wanted = std::mem::take(&mut draft.wanted);
                    questions += 1;
                    if questions > MAX_QUESTIONS {
                        return Err(StoreError::unusable("a transaction needs too many jobs"));
                    }
                    self.read_into(&mut view, &wanted).await?;
                    continue;
                }
                let result = result?;
                if draft.steps.is_empty() {
                    break (result, None);
                }
                let token = random_id(&SystemRandom);
                let terms = Terms {
                    token: token.as_str(),
                    may_exceed,
                    wake,
                    finished: finished.clone().filter(|(id, _)| draft.used.jobs.contains(id)),
                };
                break (result, Some(draft.commit(&self.tag, &self.rules, &terms)?));
            };
            let Some(call) = call else { return Ok(result) };
            match answer::text(self.link.call(&call).await?)?.as_str() {
                "ok" | "again" => return Ok(result),
                "conflict" => {}
                "newer" => return Err(answer::newer()),
                other => return Err(StoreError::unusable(format!("a script answers {other:?}"))),
            }
        }
        Err(StoreError::away("too many change the same jobs at the same time"))
    }

    /// Asks for what is wanted and adds it to `view`.
    pub(super) async fn read_into(&self, view: &mut View, wanted: &Wanted) -> Result<(), StoreError> {
        let ids: Vec<_> = wanted.jobs.iter().collect();
        let fingerprints: Vec<_> = wanted.live.iter().collect();
        // One question reads a bounded number, so that Redis is not kept from others.
        let mut parts: Vec<(&[_], &[_])> = ids.chunks(PART).map(|ids| (ids, &[][..])).collect();
        parts.extend(fingerprints.chunks(PART).map(|part| (&[][..], part)));
        if parts.is_empty() {
            parts.push((&[], &[]));
        }
        if let ([ids], [fingerprints]) = (
            &*ids.chunks(PART).collect::<Vec<_>>(),
            &*fingerprints.chunks(PART).collect::<Vec<_>>(),
        ) {
            parts = vec![(ids, fingerprints)];
        }
        for (ids, fingerprints) in parts {
            let answer = self
                .link
                .call(&View::question(&self.tag, ids, fingerprints))
                .await?;
            view.add(answer, ids, fingerprints)?;
        }
        Ok(())
    }

    async fn begin(&self, start: &Start, conflicts: u32) -> Result<View, StoreError> {
        match start {
            Start::Wanted(wanted) => {
                let mut view = View::default();
                self.read_into(&mut view, wanted).await?;
                Ok(view)
            }
            Start::House(part) => {
                // The less it takes, the fewer others it meets.
                let part = (part >> conflicts.min(16)).max(1);
                let answer = self.link.call(&View::house(&self.tag, part)).await?;
                View::of_house(answer, part)
            }
        }
    }

    /// Waits a moment, so that those who met do not meet again.
    async fn pause(&self, conflicts: u32) {
        let longest = Duration::from_millis(1 << conflicts.min(6)).min(LONGEST_PAUSE);
        tokio::time::sleep(longest.mul_f64(fastrand::f64())).await;
    }
}
