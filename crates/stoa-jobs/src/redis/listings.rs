//! What people look at.

use std::{collections::HashMap, sync::Arc};

use super::{
    answer::{self, Answer},
    commit::{key_of, name_of},
    link::Link,
    row::readable,
    scripts::{self, Call},
};
use crate::{
    Aggregation, AggregationKey, Counts, Cursor, Event, EventId, JobPage, JobQuery, Kind, StateName,
    StoreError, Timestamp,
};

/// How many jobs one question looks at.
const PART: usize = 1_000;

/// Finds what people look at.
#[derive(Debug)]
pub(super) struct Listings {
    link: Arc<Link>,
    tag: Arc<str>,
}

impl Listings {
    pub(super) fn new(link: Arc<Link>, tag: Arc<str>) -> Self {
        Self { link, tag }
    }

    /// Jobs that a query finds.
    pub(super) async fn page(&self, query: &JobQuery) -> Result<JobPage, StoreError> {
        let mut page = JobPage::default();
        let mut last = None;
        let mut before = query
            .before
            .map_or_else(|| "+inf".into(), |cursor| cursor.0.to_string());
        loop {
            let mut call = Call::new(&scripts::PAGE, &self.tag);
            call.text(&before)
                .number(PART)
                .text(query.kind.as_ref().map_or("", Kind::as_str))
                .text(&query.aggregation.as_ref().map_or_else(String::new, name_of));
            for state in &query.states {
                call.text(state.as_str());
            }
            let mut answer = Answer::of_script(self.link.call(&call).await?)?;
            let next = answer.maybe()?;
            for row in readable(answer.list()?) {
                if !query.matches(&row.record.job) {
                    continue;
                }
                if page.jobs.len() >= query.limit {
                    page.next = last.map(Cursor);
                    return Ok(page);
                }
                last = Some(row.record.number);
                page.jobs.push(row.record.job);
            }
            match next {
                Some(next) => before = next,
                None => return Ok(page),
            }
        }
    }

    /// How many jobs there are in each state.
    pub(super) async fn count(&self) -> Result<Counts, StoreError> {
        let mut question = redis::cmd("HGETALL");
        question.arg(format!("{}:counts", self.tag));
        let mut answer = Answer::of(self.link.ask(&question).await?)?;
        let mut counts: Counts = StateName::ALL.map(|state| (state, 0)).into();
        while let Some(name) = answer.next() {
            let name = answer::text(name)?;
            let count: i64 = answer.number()?;
            if let Some(state) = state_of(&name) {
                counts.insert(state, u64::try_from(count).unwrap_or_default());
            }
        }
        Ok(counts)
    }

    /// Aggregations after one, in the order of their keys.
    pub(super) async fn aggregations(
        &self,
        after: Option<&AggregationKey>,
        limit: usize,
    ) -> Result<Vec<Aggregation>, StoreError> {
        let mut call = Call::new(&scripts::AGGREGATIONS, &self.tag);
        let after = after.map(name_of);
        call.text("after")
            .text(after.as_deref().unwrap_or_default())
            .number(limit);
        self.show(call).await
    }

    /// One aggregation.
    pub(super) async fn aggregation(&self, key: &AggregationKey) -> Result<Option<Aggregation>, StoreError> {
        let mut call = Call::new(&scripts::AGGREGATIONS, &self.tag);
        call.text("of").text(&name_of(key));
        Ok(self.show(call).await?.pop())
    }

    async fn show(&self, call: Call) -> Result<Vec<Aggregation>, StoreError> {
        let mut answer = Answer::of_script(self.link.call(&call).await?)?;
        let mut shown = Vec::new();
        for parts in answer.list()? {
            let mut parts = Answer::of(parts)?;
            shown.push(Aggregation {
                key: key_of(&parts.text()?)?,
                settings: serde_json::from_str(&parts.text()?)
                    .map_err(|_| StoreError::unusable("the settings of an aggregation cannot be read"))?,
                pinned: parts.number::<u8>()? != 0,
                ready: parts.number()?,
                running: parts.number()?,
                scheduled: parts.number()?,
                oldest_ready: parts.maybe_number()?.map(Timestamp::from_millis),
            });
        }
        Ok(shown)
    }

    /// The latest event.
    pub(super) async fn last_event(&self) -> Result<EventId, StoreError> {
        let mut question = redis::cmd("GET");
        question.arg(format!("{}:event", self.tag));
        let answer = redis::Value::Array(vec![self.link.ask(&question).await?]);
        Ok(EventId(Answer::of(answer)?.maybe_number()?.unwrap_or_default()))
    }

    /// What happened after an event.
    pub(super) async fn events_after(&self, after: EventId, limit: usize) -> Result<Vec<Event>, StoreError> {
        let mut question = redis::cmd("XRANGE");
        question
            .arg(format!("{}:events", self.tag))
            .arg(after.0.saturating_add(1))
            .arg("+")
            .arg("COUNT")
            .arg(limit);
        let mut events = Vec::new();
        for entry in Answer::of(self.link.ask(&question).await?)? {
            let mut entry = Answer::of(entry)?;
            let id = entry.text()?;
            let mut fields = HashMap::new();
            let mut values = entry.list()?;
            while let Some(name) = values.next() {
                fields.insert(answer::text(name)?, values.text()?);
            }
            events.push(event(&id, &fields).ok_or_else(|| StoreError::unusable("an event cannot be read"))?);
        }
        Ok(events)
    }
}

fn event(id: &str, fields: &HashMap<String, String>) -> Option<Event> {
    Some(Event {
        id: EventId(id.split('-').next()?.parse().ok()?),
        at: Timestamp::from_millis(fields.get("at")?.parse().ok()?),
        job: fields.get("job")?.parse().ok()?,
        aggregation: key_of(fields.get("aggregation")?).ok()?,
        to: state_of(fields.get("to")?)?,
        class: fields.get("class").map(|class| class.as_str().into()),
    })
}

fn state_of(name: &str) -> Option<StateName> {
    StateName::ALL.into_iter().find(|state| state.as_str() == name)
}
