//! The section of a part: its tables, and what they mean.

use super::{
    error::ConfigError,
    file,
    given::Given,
    reader::Reader,
    record::Record,
    table::{Table, Tables},
};

/// What one part of stoa has in the configuration. It is implemented by the struct that the part is built from, beside
/// the declarations of its keys. Showing, the sample and the reference page follow from the declarations.
pub(crate) trait Section: Sized {
    /// The tables that belong to the part.
    const TABLES: &'static [Table];

    /// Reads all of them, every key once, and reports what is wrong. `None` only together with a fault.
    ///
    /// Every key is read before the first `?`, so that one fault hides no other.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;
}

/// A list of sections, as [`configuration!`](super::sections) makes one.
pub(crate) trait Configuration: Sized {
    /// The tables of all sections.
    fn tables() -> Tables;

    /// Reads all sections. `None` only together with a fault.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;

    /// What was read.
    fn record(&self) -> &Record;
}

/// Makes a struct of a list of sections: a field for each, read in this order. The struct implements [`Configuration`].
macro_rules! configuration {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$doc:meta])* $field:ident: $section:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            $($(#[$doc])* $vis $field: $section,)*
            /// Where every value came from.
            $vis record: $crate::config::record::Record,
        }

        impl $crate::config::section::Configuration for $name {
            fn tables() -> $crate::config::table::Tables {
                let tables = [$(<$section as $crate::config::section::Section>::TABLES),*];
                $crate::config::table::Tables(tables.into_iter().flatten().collect())
            }

            fn read(reader: &mut $crate::config::reader::Reader<'_>) -> Option<Self> {
                // All sections are read before the first `?`, so that one fault hides no other.
                $(let $field = <$section as $crate::config::section::Section>::read(reader);)*
                Some(Self { $($field: $field?,)* record: reader.take_record() })
            }

            fn record(&self) -> &$crate::config::record::Record {
                &self.record
            }
        }
    };
}
pub(crate) use configuration;

/// Reads and checks everything, and reports all faults at once.
pub(crate) fn load_as<C: Configuration>(given: &Given) -> Result<C, ConfigError> {
    let tables = C::tables();
    let file = given.file.as_deref().map(|path| file::read(path, &tables));
    let mut reader = Reader::new(given, file.unwrap_or_default());
    reader.check_names(&tables);
    let config = C::read(&mut reader);
    match (config, reader.into_faults()) {
        (Some(config), faults) if faults.is_empty() => Ok(config),
        (_, faults) => {
            debug_assert!(!faults.is_empty(), "a section gave no value and no fault");
            Err(ConfigError::new(faults))
        }
    }
}
