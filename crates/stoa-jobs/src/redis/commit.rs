//! How a transaction is written.

use super::{
    draft::Draft,
    scripts::{self, Call},
    step::{DRAWN, Step},
};
use crate::{AggregationKey, AggregationSettings, JobId, Record, Rules, State, StoreError, Timestamp, Wake};

/// The way of an aggregation of weight 1 for each job that starts, as in the scripts.
const STRIDE: u32 = 1 << 20;

/// What there is to know of a commit beside its steps.
pub(super) struct Terms<'a> {
    /// A word that no other commit has, by which Redis knows it again.
    pub(super) token: &'a str,
    /// Whether it may be written although Redis has no room left, for it makes room.
    pub(super) may_exceed: bool,
    pub(super) wake: Wake,
    /// The run that it ends, with a mark by which its writer knows it again.
    pub(super) finished: Option<(&'a JobId, String)>,
}

impl Draft<'_> {
    /// The call that writes the transaction.
    pub(super) fn commit(&self, tag: &str, rules: &Rules, terms: &Terms<'_>) -> Result<Call, StoreError> {
        let mut call = Call::new(&scripts::COMMIT, tag);
        let wake =
            u8::from(terms.wake.work) | u8::from(terms.wake.control) << 1 | u8::from(terms.wake.events) << 2;
        call.text(terms.token)
            .number(u8::from(terms.may_exceed))
            .number(wake);
        call.number(self.used.jobs.len());
        for id in &self.used.jobs {
            call.text(id.as_str()).text(self.rev(id));
        }
        call.number(self.used.live.len());
        for fingerprint in &self.used.live {
            call.text(fingerprint.as_str()).text(self.was_live(fingerprint));
        }
        call.number(self.settings.len());
        for (key, settings) in &self.settings {
            call.text(&name_of(key));
            add_settings(&mut call, settings)?;
        }
        call.number(self.numbers).number(self.turns);
        call.number(self.steps.len());
        for step in &self.steps {
            add_step(&mut call, step, rules)?;
        }
        call.number(usize::from(terms.finished.is_some()));
        if let Some((id, mark)) = &terms.finished {
            call.text(id.as_str()).text(mark);
        }
        Ok(call)
    }
}

/// The name of an aggregation in Redis. A `+` comes before all that a kind is made of, so that names are in the order of the
/// keys: by kind, then by name.
pub(super) fn name_of(key: &AggregationKey) -> String {
    format!("{}+{}", key.kind(), key.name())
}

/// The aggregation of a name.
pub(super) fn key_of(name: &str) -> Result<AggregationKey, StoreError> {
    let (kind, name) = name
        .split_once('+')
        .ok_or_else(|| StoreError::unusable("Redis has an aggregation without a kind"))?;
    let kind = kind.parse().map_err(StoreError::unusable)?;
    AggregationKey::new(kind, name).map_err(StoreError::unusable)
}

/// The settings as a whole, and what the scripts need of them.
pub(super) fn add_settings(call: &mut Call, settings: &AggregationSettings) -> Result<(), StoreError> {
    let (interval, slack) = settings
        .rate
        .map_or((0, 0), |rate| (rate.interval_micros(), rate.slack_micros()));
    call.text(&serde_json::to_string(settings).map_err(StoreError::unusable)?)
        .number(settings.concurrency)
        .number(u8::from(settings.paused))
        .number((STRIDE / settings.weight).max(1))
        .number(interval)
        .number(slack);
    Ok(())
}

fn add_step(call: &mut Call, step: &Step, rules: &Rules) -> Result<(), StoreError> {
    match step {
        Step::Insert(record) => add_record(call.text("insert"), record, rules),
        Step::Update(record) => add_record(call.text("update"), record, rules),
        Step::Remove(id) => {
            call.text("remove").text(id.as_str());
            Ok(())
        }
        Step::Event {
            job,
            aggregation,
            to,
            class,
        } => {
            call.text("event")
                .text(job.as_str())
                .text(&name_of(aggregation))
                .text(to.as_str())
                .text(class.as_deref().unwrap_or_default());
            Ok(())
        }
    }
}

fn add_record(call: &mut Call, record: &Record, rules: &Rules) -> Result<(), StoreError> {
    let job = &record.job;
    let text = serde_json::to_string(job).map_err(StoreError::unusable)?;
    let place = record.place(rules);
    let (turn_of, turn) = match record.turn {
        turn if turn >= DRAWN => ("next", turn - DRAWN),
        turn if turn <= -DRAWN => ("first", -turn - DRAWN),
        turn => ("own", turn),
    };
    let since = match job.state {
        State::Ready { since } => Some(since.as_millis()),
        _ => None,
    };
    let cancel = job
        .cancel
        .as_ref()
        .map(serde_json::to_string)
        .transpose()
        .map_err(StoreError::unusable)?;
    let millis = |moment: Option<Timestamp>| moment.map(Timestamp::as_millis);
    call.text(job.id.as_str())
        .text(&text)
        .text(&name_of(&job.aggregation))
        .text(job.state.name().as_str())
        .number(job.priority.get())
        .text(turn_of)
        .number(turn)
        .maybe(since)
        .maybe(millis(place.due.map(|(_, due)| due)))
        .maybe(millis(place.deadline))
        .maybe(millis(place.removal))
        .text(
            job.fingerprint
                .as_ref()
                .map_or("", |fingerprint| fingerprint.as_str()),
        )
        .text(cancel.as_deref().unwrap_or_default());
    Ok(())
}
