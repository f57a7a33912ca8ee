//! The section of a part: its tables, and what they mean.

use crate::{
    error::ConfigError, file, given::Given, reader::Reader, record::Record, table::Table, tables::Tables,
};

/// The configuration of one part of a program. It is implemented by the struct that the part is built from, beside the
/// declarations of its keys. Showing, the sample and the reference page follow from the declarations.
pub trait Section: Sized {
    /// The tables that belong to the part.
    const TABLES: &'static [Table];

    /// Reads all of them, every key once, and reports what is wrong. `None` only together with a fault.
    ///
    /// Every key is read before the first `?`, so that one fault hides no other.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;
}

/// A list of sections, as [`configuration!`](crate::configuration) makes one.
pub trait Configuration: Sized {
    /// The tables of all sections.
    fn tables() -> Tables;

    /// Reads all sections. `None` only together with a fault.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;

    /// What was read.
    fn record(&self) -> &Record;
}

/// Makes a struct of a list of sections: a field for each, read, shown and sampled in this order, and the field `record`.
/// The struct implements [`Configuration`]; each section is `Clone` and `Debug`.
///
/// The text after `for` is the name of the program. Its environment variables begin with it: `SHOP_LISTEN`.
///
/// ```
/// # use stoa_config::{Key, Reader, Section, Table, values::text};
/// # const LISTEN: Key = Key::new("listen", ":80", "where to listen");
/// # const EDGE: Table = Table::once("", &[LISTEN]);
/// # #[derive(Clone, Debug)]
/// # struct EdgeConfig(String);
/// # impl Section for EdgeConfig {
/// #     const TABLES: &'static [Table] = &[EDGE];
/// #     fn read(reader: &mut Reader<'_>) -> Option<Self> {
/// #         reader.once(&EDGE).value(&LISTEN, text).map(Self)
/// #     }
/// # }
/// stoa_config::configuration! {
///     /// The configuration of the shop.
///     pub struct Config for "shop" {
///         /// Where requests come in.
///         pub edge: EdgeConfig,
///     }
/// }
/// ```
#[macro_export]
macro_rules! configuration {
    ($(#[$meta:meta])* $vis:vis struct $name:ident for $program:literal {
        $($(#[$doc:meta])* $field_vis:vis $field:ident: $section:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            $($(#[$doc])* $field_vis $field: $section,)*
            /// Where every value came from.
            $vis record: $crate::Record,
        }

        impl $crate::Configuration for $name {
            fn tables() -> $crate::Tables {
                $crate::Tables::new($program, &[$(<$section as $crate::Section>::TABLES),*])
            }

            fn read(reader: &mut $crate::Reader<'_>) -> ::std::option::Option<Self> {
                // All sections are read before the first `?`, so that one fault hides no other.
                $(let $field = <$section as $crate::Section>::read(reader);)*
                ::std::option::Option::Some(Self { $($field: $field?,)* record: reader.take_record() })
            }

            fn record(&self) -> &$crate::Record {
                &self.record
            }
        }
    };
}

/// Reads and checks everything, and reports all faults at once.
pub fn load<C: Configuration>(given: &Given) -> Result<C, ConfigError> {
    let tables = C::tables();
    let file = given.file.as_deref().map(|path| file::read(path, &tables));
    let mut reader = Reader::new(given, file.unwrap_or_default(), tables);
    reader.check_names();
    let config = C::read(&mut reader);
    match (config, reader.into_faults()) {
        (Some(config), faults) if faults.is_empty() => Ok(config),
        (_, faults) => {
            debug_assert!(!faults.is_empty(), "a section gave no value and no fault");
            Err(ConfigError::new(faults))
        }
    }
}
