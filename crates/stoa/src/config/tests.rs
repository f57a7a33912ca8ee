//! What holds for every section.

mod jobs;
mod reading;
mod reference;
mod round_trip;
mod shown;
