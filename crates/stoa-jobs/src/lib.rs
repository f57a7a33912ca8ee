#![doc = include_str!("../README.md")]
//!
//! # The parts
//!
//! - [`Store`] is the port to what keeps jobs, and [`Rules`] what becomes of them; [`Engine`] runs them by a [`Handler`].
//! - An adapter of the port runs the rules in a [`Transaction`] over its [`Ledger`], so that it only keeps and finds records.

mod aggregation;
mod aggregation_key;
mod attempt;
mod backoff;
pub mod callback;
mod callbacks;
mod clock;
pub mod conformance;
pub mod download;
mod engine;
mod engine_builder;
mod engine_options;
mod event;
mod gate;
mod handler;
mod hex;
mod housekeeper;
mod job;
mod job_id;
mod job_query;
mod journal;
mod ledger;
mod limits;
mod memory;
mod new_job;
mod observed_store;
mod observer;
mod outcome;
mod pause;
mod random;
mod rate;
mod record;
#[cfg(feature = "redis")]
mod redis;
mod renewer;
mod rules;
mod runner;
mod runs;
mod signals;
#[cfg(feature = "sqlite")]
mod sqlite;
mod standing;
mod store;
mod store_error;
mod submitter;
mod text;
mod timestamp;
mod transaction;
mod wake;
mod worker_pool;

pub use aggregation::{Aggregation, AggregationSettings};
pub use aggregation_key::{AggregationKey, AggregationKeyError, Kind};
pub use attempt::{Attempt, Ended, Failure};
pub use backoff::Backoff;
pub use callbacks::{Callbacks, NoCallbacks};
pub use clock::{Clock, ManualClock, SystemClock, TokioClock};
pub use engine::{DrainReport, Engine};
pub use engine_builder::EngineBuilder;
pub use engine_options::{EngineOptions, KindOptions};
pub use event::{Event, EventId};
pub use gate::Gate;
pub use handler::{Handler, Run};
pub use job::{Children, Job, Lease, State, StateName, Wait};
pub use job_id::{JobId, JobIdError};
pub use job_query::{Cursor, JobPage, JobQuery};
pub use ledger::{Ledger, Moment};
pub use limits::{Limits, NoLimits};
pub use memory::MemoryStore;
pub use new_job::{Fingerprint, NewJob, Priority, PriorityError};
pub use observed_store::ObservedStore;
pub use observer::{NoObserver, Observer};
pub use outcome::Outcome;
pub use random::{Random, SeededRandom, SystemRandom, random_id};
pub use rate::{Rate, RateError};
pub use record::{Place, Record};
#[cfg(feature = "redis")]
pub use redis::{RedisAddress, RedisAddressError, RedisOptions, RedisStore};
pub use rules::{Change, Rules};
pub use signals::{Signals, Wakers};
#[cfg(feature = "sqlite")]
pub use sqlite::{Machine, MachineTime, SqliteOptions, SqliteStore};
pub use standing::Standing;
pub use store::{Acted, Action, Claim, Claimed, Counts, Finished, Kept, Renewal, Renewed, Store, Submitted};
pub use store_error::StoreError;
pub use submitter::Submitter;
pub use timestamp::Timestamp;
pub use transaction::Transaction;
pub use wake::Wake;
