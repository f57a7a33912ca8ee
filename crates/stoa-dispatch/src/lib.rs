#![doc = include_str!("../README.md")]
//!
//! # The stages
//!
//! A task passes these, in this order:
//!
//! ```text
//! admission     room in the queue of its lane, then its turn; interactive before background
//! expiry        not worth sending any more? (looked at once more just before it goes out)
//! build         a lazy task makes its request now
//! filter        the pool's, then its own
//! breaker       is the server to be asked at all?
//! concurrency   the turn is held until the body has ended; a repeat gets in line again, in front
//! rate          a token, spent only by what goes out at this moment; a sleeping lane has none
//! attempt       to the head of the response
//! classify      a verdict for the breaker, a sample for an adaptive limit, a sleep for the lane
//! retry         within the budget of the lane, back to the breaker
//! ```

mod aimd;
mod breaker;
mod bucket;
mod classify;
mod counters;
mod error;
mod event;
mod filter;
mod forward_proxy;
mod health;
mod http_transport;
mod lane;
mod lane_key;
mod lanes;
mod limiter;
mod lookup;
mod permits;
mod place;
mod pool;
mod public_address;
mod request_body;
mod response_body;
mod retry_budget;
mod run;
mod settings;
mod shared;
mod status;
mod task;
mod ticket;
mod transport;
mod urgency;

pub use breaker::{BreakerState, Transition, Verdict};
pub use classify::{Attempted, Classified, Classify, HttpClassify};
pub use counters::LaneCounts;
pub use error::{Bound, Cause, DispatchError, Stage};
pub use event::{Event, EventKind, Forward, Listener};
pub use filter::{Filter, FilterFn};
pub use forward_proxy::{AddressPolicy, ForwardProxy, ProxyAccess};
pub use health::{Health, HealthCounts};
pub use http_transport::{HttpOptions, HttpTransports};
pub use lane_key::{BadLaneKey, LaneKey};
pub use lanes::Rules;
pub use limiter::Permit;
pub use lookup::{Lookup, SystemLookup};
pub use permits::Permits;
pub use pool::{AlreadyClosed, CallError, Drain, DrainReport, Offer, Pool, PoolBuilder};
pub use public_address::{PrivateAddress, PublicOnly, is_public};
pub use request_body::{RequestBody, RequestContent};
pub use response_body::{Response, ResponseBody};
pub use settings::{BreakerMode, BreakerSettings, Concurrency, LaneSettings, Percent, Rate, RetrySettings};
pub use shared::Jitter;
pub use status::{LaneStatus, LaneUpdate};
pub use task::{BuildError, Consumer, Discard, Task};
pub use transport::{RawBody, Request, Transport, TransportError, TransportErrorKind, Transports};
pub use urgency::{Class, Interest, Urgency};
