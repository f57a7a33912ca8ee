//! `/api/v1/jobs/bulk`: the same for many jobs.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, http::StatusCode};
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use stoa_jobs::{Acted, Action, Engine, Failure, Job, JobQuery, StateName, StoreError};
use tokio::time::Instant;

use super::{super::json::Json, answers::problem, query::ListQuery};
use crate::problem::Problem;

/// How many jobs one request looks at, unless it says otherwise, and at most.
const LIMIT: usize = 1_000;
const LARGEST_LIMIT: usize = 10_000;
/// How many jobs are found in one question, and done to at a time.
const PAGE: usize = 200;
const AT_A_TIME: usize = 16;
/// After how long a request looks for no more, so that its answer comes before clients give up.
const LONGEST: Duration = Duration::from_secs(20);

/// What is to be done, and to which jobs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bulk {
    filter: Filter,
    action: Name,
    /// How many jobs are looked at.
    #[serde(default)]
    limit: Option<usize>,
    /// Where the request before this one ended.
    #[serde(default)]
    cursor: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    Cancel,
    Retry,
    Promote,
}

/// Which jobs, as in a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Filter {
    /// States, with commas between them. Without any, those that the action is for.
    state: String,
    kind: Option<String>,
    aggregation: Option<String>,
    parent: Option<String>,
    /// Part of a title.
    text: String,
}

/// What was done.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Report {
    /// Jobs to which it was done.
    done: usize,
    /// Jobs that were found, and were in no state for it by then.
    skipped: usize,
    /// Where the next request goes on; none if no job is left.
    next: Option<String>,
}

impl Name {
    fn action(self) -> Action {
        match self {
            Self::Cancel => Action::Cancel(Failure::new(
                "cancelled",
                "an operator has cancelled it, with others",
            )),
            Self::Retry => Action::Retry,
            Self::Promote => Action::Promote,
        }
    }

    /// The states of jobs to which it can be done.
    const fn states(self) -> &'static [StateName] {
        match self {
            Self::Cancel => &[
                StateName::Ready,
                StateName::Scheduled,
                StateName::Running,
                StateName::Blocked,
            ],
            Self::Retry => &[StateName::Dead, StateName::Cancelled],
            Self::Promote => &[StateName::Ready, StateName::Scheduled],
        }
    }
}

impl Bulk {
    /// Which jobs are looked for, and how many of them are looked at.
    ///
    /// # Errors
    /// What is wrong, by name.
    fn read(self) -> Result<(JobQuery, Name, usize), String> {
        let Filter {
            state,
            kind,
            aggregation,
            parent,
            text,
        } = self.filter;
        let is_all = state.is_empty()
            && text.is_empty()
            && kind.is_none()
            && aggregation.is_none()
            && parent.is_none();
        if is_all {
            return Err("filter: name one of state, kind, aggregation, parent and text".to_owned());
        }
        let before = self.cursor.map(|cursor| cursor.parse()).transpose();
        let list = ListQuery {
            state,
            kind,
            aggregation,
            parent,
            q: text,
            before: before.map_err(|_no_number| "cursor: it is the next of another answer")?,
            limit: Some(PAGE),
        };
        let mut query = list.read()?;
        if query.states.is_empty() {
            query.states.extend(self.action.states());
        }
        let limit = self.limit.unwrap_or(LIMIT).clamp(1, LARGEST_LIMIT);
        Ok((query, self.action, limit))
    }
}

pub(super) async fn bulk(
    State(engine): State<Arc<Engine>>,
    Json(bulk): Json<Bulk>,
) -> Result<Json<Report>, Problem> {
    let (mut query, name, limit) = bulk
        .read()
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error))?;
    let until = Instant::now() + LONGEST;
    let mut report = Report::default();
    loop {
        query.limit = PAGE.min(limit - report.done - report.skipped);
        let page = engine.store().jobs(&query).await;
        let page = page.map_err(|error| failed(&error, &report))?;
        one_page(&engine, page.jobs, name, &mut report).await?;
        query.before = page.next;
        let is_enough = report.done + report.skipped >= limit || Instant::now() >= until;
        if page.next.is_none() || is_enough {
            report.next = page.next.map(|cursor| cursor.0.to_string());
            return Ok(Json(report));
        }
    }
}

/// Does it to the jobs of a page, several at a time: a store makes changes durable together that come together.
async fn one_page(engine: &Engine, jobs: Vec<Job>, name: Name, report: &mut Report) -> Result<(), Problem> {
    let mut acts = stream::iter(jobs)
        .map(|job| async move { engine.store().act(&job.id, name.action()).await })
        .buffer_unordered(AT_A_TIME);
    let mut first = None;
    while let Some(acted) = acts.next().await {
        match acted {
            Ok(Acted::Done(_)) => report.done += 1,
            Ok(Acted::NotNow(_) | Acted::Twin(_) | Acted::Unknown) => report.skipped += 1,
            // The others are under way, and are counted.
            Err(error) => first = Some(first.unwrap_or(error)),
        }
    }
    first.map_or(Ok(()), |error| Err(failed(&error, report)))
}

/// A failure, with what had been done before it. A call of a store that fails may still have done what it was to do.
fn failed(error: &StoreError, report: &Report) -> Problem {
    let mut problem = problem(error);
    let text = format!(
        "; {} jobs or a few more were done before, and {} skipped",
        report.done, report.skipped
    );
    problem.detail.push_str(&text);
    problem
}
