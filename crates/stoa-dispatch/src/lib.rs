#![doc = include_str!("../README.md")]
//!
//! # The stages
//!
//! A task passes these, in this order:
//!
//! ```text
//! admission     room in the queue of its lane, then its permit; interactive before background, fair between shares
//! expiry        not worth sending any more? (checked once more just before it goes out)
//! build         a lazy task makes its request now
//! filter        the pool's, then its own
//! breaker       is the server to be asked at all?
//! concurrency   the permit is held until the body has ended; a retry waits for a new one, before first attempts
//! rate          a token, spent only by what goes out at this moment; a throttled lane has none
//! attempt       to the head of the response
//! classify      a verdict for the breaker, a sample for an adaptive limit, a pause for the lane
//! retry         within the budget of the lane, back to the breaker
//! ```

mod aimd;
mod attempt;
mod authorities;
mod breaker;
mod bucket;
mod certificate_error;
mod classify;
mod concurrency;
mod counters;
mod deadline;
mod drain;
mod error;
mod event;
mod exchange;
mod filter;
mod forward_proxy;
mod guard;
mod health;
mod http_clients;
mod http_options;
mod http_transport;
mod journal;
mod lane;
mod lane_key;
mod lanes;
mod limiter;
mod lookup;
mod percent;
mod permits;
mod place;
mod pool;
mod pool_builder;
mod pool_core;
mod public_address;
mod quota;
mod rate;
mod request_body;
mod response_body;
mod retry;
mod retry_budget;
mod run;
mod service;
mod settings;
mod share;
mod signal;
mod site;
mod status;
mod task;
mod throttled;
mod ticket;
mod transport;
mod unattended;
mod urgency;
mod verdict;
mod via;

pub use authorities::{Authorities, AuthoritiesError};
pub use classify::{Attempted, Classified, Classify, HttpClassify};
pub use concurrency::Concurrency;
pub use counters::LaneCounts;
pub use drain::{AlreadyClosedError, Drain, DrainReport};
pub use error::{Bound, DispatchError, Stage};
pub use event::{Event, EventKind, Forward, Listener};
pub use filter::{Filter, FilterFn};
pub use forward_proxy::{AddressPolicy, ForwardProxy, ProxyAccess, ProxyGrant};
pub use health::{Health, HealthCounts};
pub use http_options::HttpOptions;
pub use http_transport::HttpTransports;
pub use lane_key::{LaneKey, LaneKeyError};
pub use lanes::Rules;
pub use limiter::Permit;
pub use lookup::{Lookup, SystemLookup};
pub use percent::Percent;
pub use permits::Permits;
pub use pool::{Offer, Pool};
pub use pool_builder::PoolBuilder;
pub use pool_core::Jitter;
pub use public_address::{PrivateAddressError, PublicOnly, is_public};
pub use quota::{Quota, QuotaPermit};
pub use rate::Rate;
pub use request_body::{RequestBody, RequestContent};
pub use response_body::{Response, ResponseBody};
pub use service::CallError;
pub use settings::{BreakerMode, BreakerSettings, LaneSettings, RetrySettings};
pub use share::Share;
pub use site::site_of;
pub use status::{LaneStatus, LaneUpdate};
pub use task::{BuildError, Consumer, Discard, Task};
pub use throttled::Throttled;
pub use transport::{Cause, RawBody, Request, Transport, TransportError, TransportErrorKind, Transports};
pub use urgency::{Class, Interest, Urgency};
pub use verdict::{BreakerState, BreakerVerdict, Transition};
pub use via::{NoProxy, Via, ViaError};
