//! What holds for every section.

mod reading;
mod reference;
mod round_trip;
mod shown;
