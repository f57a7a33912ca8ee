//! What the dispatcher promises, on a stopped clock and against a server in memory.

mod admission;
mod bodies;
mod breaker;
mod closing;
mod conditions;
mod deadlines;
mod lab;
mod origin;
mod panics;
mod pauses;
