//! What keeps a caller from a flight, or a flight from its result.

use thiserror::Error;

/// A flight can be neither joined nor started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FlightError {
    /// As many flights are under way as may be. Try again when one of them has ended.
    #[error("{max} flights are under way, and no more are allowed")]
    Full {
        /// The bound that the flights were made with.
        max: usize,
    },
}

/// The flight panicked, or its runtime ended. There is no result, and the key is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the flight panicked, or its runtime ended")]
pub struct LostError;
