//! Jobs in a real Redis.

mod clusters;
mod conforms;
mod durable;
mod jobs;
mod lost_answers;
mod proxy;
mod ready;
mod server;
mod shares;
mod trouble;
