//! What a program's tests hold its configuration to.
//!
//! * [`declarations()`]: names that are there once, and a help for each key.
//! * [`reference()`]: a page of Markdown that has a row for each key, and no other name.
//! * [`unsampled`]: every key is in the sample; [`uncommented`] makes a file of it that can be read.
//! * [`keys_read`]: every declared key is read once.
//! * [`WrittenTables`]: a configuration as its texts, from which a property test makes a file, flags and variables; what
//!   [`show`](crate::show()) prints of it must read back to the same [`shown_values`].

mod declarations;
mod reading;
mod reference;
mod sampled;
mod written;

pub use declarations::declarations;
pub use reading::{keys_declared, keys_read, shown_values};
pub use reference::reference;
pub use sampled::{uncommented, unsampled};
pub use written::{Texts, WrittenTables};
