//! How nodes get jobs, and keep them.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;

use super::{
    answer::Answer,
    fault::Fault,
    link::Link,
    row::Row,
    scripts::{self, Call},
};
use crate::{
    AggregationSettings, Claim, Claimed, Failure, Job, Kind, Renewal, Renewed, StoreError, SystemRandom,
    random_id, timestamp::millis,
};

/// How many due jobs, and how many held aggregations, a claim makes ready at a time.
const PART: usize = 256;
/// How many claims are remembered whose answers were lost.
const MAX_LOST: usize = 1_000;

/// Who claims: a node, for some kinds.
type Claimer = (Arc<str>, BTreeSet<Kind>);

/// Gives jobs to nodes.
#[derive(Debug)]
pub(super) struct Leases {
    link: Arc<Link>,
    tag: Arc<str>,
    /// Claims whose answers were lost: who made them, and their tokens.
    lost: Mutex<HashMap<Claimer, String>>,
}

impl Leases {
    pub(super) fn new(link: Arc<Link>, tag: Arc<str>) -> Self {
        Self {
            link,
            tag,
            lost: Mutex::default(),
        }
    }

    /// Gives jobs to a node. If the answer is lost on its way, the next such claim of the node gets those jobs again.
    pub(super) async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        let kinds: BTreeSet<_> = claim.kinds.iter().cloned().collect();
        // Those of other kinds are claimed by others on the node, at the same time.
        let claimer: Claimer = (claim.node.clone(), kinds);
        let mut lost = self.lost.lock().remove(&claimer);
        let mut is_second = false;
        loop {
            let token = lost
                .clone()
                .unwrap_or_else(|| random_id(&SystemRandom).to_string());
            let mut call = Call::new(&scripts::CLAIM, &self.tag);
            call.text(&token)
                .text(lost.as_deref().unwrap_or_default())
                .text(&claim.node)
                .number(millis(claim.lease))
                .number(claim.max)
                .number(PART);
            for kind in &claimer.1 {
                call.text(kind.as_str());
            }
            match self.link.call_once(&call).await {
                Ok(answer) => return read(answer),
                // Nothing was done.
                Err(Fault::Moved(..)) if !is_second => {}
                Err(Fault::Dropped(_)) if !is_second => lost = Some(token),
                Err(fault) => {
                    let error = fault.into_error();
                    if matches!(error, StoreError::Away(_)) {
                        let mut all = self.lost.lock();
                        if all.len() < MAX_LOST {
                            all.insert(claimer, token);
                        }
                    }
                    return Err(error);
                }
            }
            is_second = true;
        }
    }

    /// Makes leases last.
    pub(super) async fn renew(
        &self,
        renewals: &[Renewal],
        lease: Duration,
    ) -> Result<Vec<Renewed>, StoreError> {
        let mut renewed = Vec::with_capacity(renewals.len());
        for part in renewals.chunks(PART) {
            let mut call = Call::new(&scripts::RENEW, &self.tag);
            call.number(millis(lease));
            for renewal in part {
                let progress = renewal.progress.as_ref().map(ToString::to_string);
                call.text(renewal.id.as_str())
                    .number(renewal.epoch)
                    .text(progress.as_deref().unwrap_or_default());
            }
            let mut answer = Answer::of_script(self.link.call(&call).await?)?;
            let mut answers = answer.list()?;
            for _ in part {
                renewed.push(match answers.maybe()?.as_deref() {
                    None => Renewed::Lost,
                    Some("") => Renewed::Held,
                    Some(text) => {
                        let failure: Failure = serde_json::from_str(text).map_err(StoreError::unusable)?;
                        Renewed::Cancel(failure)
                    }
                });
            }
        }
        Ok(renewed)
    }
}

fn read(answer: redis::Value) -> Result<Claimed, StoreError> {
    let mut answer = Answer::of_script(answer)?;
    let _now = answer.value()?;
    let next: i64 = answer.number()?;
    let mut jobs = Vec::new();
    for job in answer.list()? {
        match read_job(job) {
            Ok(job) => jobs.push(job),
            // A later version may have written it. Its lease ends, and a node that can read it takes it up.
            Err(error) => tracing::error!(%error, "a job was claimed that cannot be read"),
        }
    }
    Ok(Claimed {
        jobs,
        next: u64::try_from(next).ok().map(Duration::from_millis),
    })
}

fn read_job(job: redis::Value) -> Result<(Job, AggregationSettings), StoreError> {
    let mut parts = Answer::of(job)?;
    let row = Row::read_parts(&mut parts)?;
    let settings = serde_json::from_str(&parts.text()?)
        .map_err(|_| StoreError::unusable("the settings of an aggregation cannot be read"))?;
    Ok((row.record.job, settings))
}
