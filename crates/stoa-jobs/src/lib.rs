//! Durable jobs in aggregations.

mod aggregation;
mod aggregation_key;
mod attempt;
mod backoff;
mod callbacks;
mod event;
mod job;
mod job_id;
mod job_query;
mod new_job;
mod outcome;
mod rate;
mod rules;
mod signals;
mod store;
mod store_error;
mod submitter;
mod timestamp;

pub use aggregation::{Aggregation, AggregationSettings};
pub use aggregation_key::{AggregationKey, AggregationKeyError, Kind};
pub use attempt::{Attempt, Ended, Failure};
pub use backoff::Backoff;
pub use callbacks::{Callbacks, NoCallbacks};
pub use event::{Event, EventId};
pub use job::{Children, Job, Lease, State, StateName, Wait};
pub use job_id::{JobId, JobIdError};
pub use job_query::{Cursor, JobPage, JobQuery};
pub use new_job::{Fingerprint, NewJob, Priority, PriorityError};
pub use outcome::Outcome;
pub use rate::{Rate, RateError};
pub use rules::{Change, Rules};
pub use signals::{Signals, Wakers};
pub use store::{
    Acted, Action, Claim, Claimed, Counts, Finished, Kept, Renewal, Renewed, Store, Submitted,
};
pub use store_error::StoreError;
pub use submitter::Submitter;
pub use timestamp::Timestamp;
