//! What the handlers of jobs have in common.

use axum::{
    extract::Query,
    http::{StatusCode, Uri},
};
use serde::de::DeserializeOwned;
use stoa_jobs::{Acted, Action, Engine, Job, JobId, StoreError};

use crate::problem::Problem;

/// What a failure of the store is to a client of the API.
pub(in super::super) fn problem(error: &StoreError) -> Problem {
    let status = match error {
        StoreError::Away(_) | StoreError::Closed => StatusCode::SERVICE_UNAVAILABLE,
        StoreError::Full(_) => StatusCode::INSUFFICIENT_STORAGE,
        StoreError::Unusable(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    tracing::warn!(%error, "the job store failed");
    Problem::new(status, error.to_string())
}

pub(in super::super) fn unknown(id: &str) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        format!("there is no job {id:?}; it may have been removed since it ended"),
    )
}

pub(in super::super) fn id_of(text: &str) -> Result<JobId, Problem> {
    text.parse().map_err(|_no_id| unknown(text))
}

/// The query string of a request.
pub(in super::super) fn query_of<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    let bad = |error| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            format!("the query string makes no sense: {error}"),
        )
    };
    Query::try_from_uri(uri).map(|Query(query)| query).map_err(bad)
}

/// Does it to one job, which comes back as it is then.
pub(in super::super) async fn act_on(
    engine: &Engine,
    id: &str,
    action: Action,
    not_now: &str,
) -> Result<Job, Problem> {
    let key = id_of(id)?;
    match engine
        .store()
        .act(&key, action)
        .await
        .map_err(|error| problem(&error))?
    {
        Acted::Done(job) => Ok(*job),
        Acted::NotNow(job) => {
            let detail = format!("job {id} is {}: {not_now}", job.state.name());
            Err(Problem::new(StatusCode::CONFLICT, detail))
        }
        Acted::Twin(other) => {
            let detail = format!("job {other}, which does the same, has not ended");
            Err(Problem::new(StatusCode::CONFLICT, detail))
        }
        Acted::Unknown => Err(unknown(id)),
    }
}
