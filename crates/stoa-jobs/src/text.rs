//! Values that are texts wherever they are kept or sent.

use std::{fmt, str::FromStr};

use serde::{Deserialize as _, Deserializer, de::Error as _};

/// Reads a value that is written as a text, by its own parser.
pub(crate) fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    String::deserialize(deserializer)?
        .parse()
        .map_err(D::Error::custom)
}
