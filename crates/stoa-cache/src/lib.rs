#![doc = include_str!("../README.md")]

mod cache;
mod cache_options;
mod entry;
mod error;
mod flight;
mod flights;
mod offload;
mod weigh;

pub use cache::{Aged, Cache};
pub use cache_options::CacheOptions;
pub use error::{FlightError, LostError};
pub use flight::{Flight, Found, Landed};
pub use flights::{FlightKey, Flights};
pub use offload::Offload;
pub use quick_cache::Equivalent;
pub use weigh::Weigh;
