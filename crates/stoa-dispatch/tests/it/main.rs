//! What the dispatcher promises, on a stopped clock and against a server in memory.

mod adaptive;
mod admission;
mod bodies;
mod breaker;
mod changes;
mod closing;
mod conditions;
mod deadlines;
mod journal;
mod lab;
mod lanes;
mod ledger;
mod origin;
mod panics;
mod pauses;
mod retries;
mod services;
mod shares;
mod urgency;
