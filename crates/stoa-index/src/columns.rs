//! A version as a row of a database has it.

use stoa_module::{ModulePath, ModuleVersion, Version, dirhash::H1};

use crate::{
    Fault, IndexEntry, IndexError, ModuleTotals, Note, Timestamp, Totals,
    row::{Meta, Row},
};

/// The columns of a version, in the order in which all statements have them. Texts are those of the values, times are
/// microseconds, hashes 32 bytes.
#[derive(Clone, Debug)]
pub(crate) struct VersionColumns {
    pub(crate) module: String,
    pub(crate) version: String,
    pub(crate) info: Option<i64>,
    pub(crate) go_mod: Option<i64>,
    pub(crate) zip: Option<i64>,
    pub(crate) go_mod_h1: Option<Vec<u8>>,
    pub(crate) zip_h1: Option<Vec<u8>>,
    pub(crate) origin: Option<String>,
    pub(crate) verified_by: Option<String>,
    pub(crate) first_seen: i64,
    pub(crate) listed: Option<i64>,
    pub(crate) last_use: Option<i64>,
    /// The later of the two that is known: an index of the database has it.
    pub(crate) used: i64,
    pub(crate) generation: i64,
}

/// Their names, for statements.
pub(crate) const VERSION_COLUMNS: &str = "module, version, info, go_mod, zip, go_mod_h1, zip_h1, origin, \
    verified_by, first_seen, listed, last_use, used, generation";

/// The names of the columns of a module.
pub(crate) const MODULE_COLUMNS: &str = "module, versions, bytes, last_use";

/// The names of the columns of what is kept once.
pub(crate) const META_COLUMNS: &str = "last, generation, complete, modules, versions, files, bytes";

/// Something is kept that no version of this program has written.
pub(crate) fn damaged(what: &str) -> IndexError {
    IndexError::Damaged(Fault::new(&format!(
        "it holds {what} that is none; make it anew, and rebuild it"
    )))
}

/// A version out of its texts.
pub(crate) fn target(module: &str, version: &str) -> Result<ModuleVersion, IndexError> {
    let module = self::module(module)?;
    let version = Version::parse(version).map_err(|_| damaged("a version"))?;
    ModuleVersion::new(module, version).map_err(|_| damaged("a version"))
}

/// A module path out of its text.
pub(crate) fn module(module: &str) -> Result<ModulePath, IndexError> {
    ModulePath::parse(module).map_err(|_| damaged("a module path"))
}

/// A size or a sum.
pub(crate) fn number(value: i64) -> Result<u64, IndexError> {
    u64::try_from(value).map_err(|_| damaged("a size"))
}

/// A size or a sum, for a column.
pub(crate) fn column(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn size(value: Option<i64>) -> Result<Option<u64>, IndexError> {
    value.map(number).transpose()
}

fn hash(value: Option<Vec<u8>>) -> Result<Option<H1>, IndexError> {
    let hash = |bytes: Vec<u8>| <[u8; 32]>::try_from(bytes).map(H1::from_bytes);
    value.map(hash).transpose().map_err(|_| damaged("a hash"))
}

fn note<const MAX: usize>(value: Option<&str>) -> Result<Option<Note<MAX>>, IndexError> {
    value.map(Note::new).transpose().map_err(|_| damaged("a note"))
}

impl VersionColumns {
    /// What a row is to be.
    pub(crate) fn of(row: &Row) -> Self {
        let entry = &row.entry;
        let bytes = |hash: Option<H1>| hash.map(|hash| hash.as_bytes().to_vec());
        Self {
            module: entry.target.path().as_str().to_owned(),
            version: entry.target.version().as_str().to_owned(),
            info: entry.info.map(column),
            go_mod: entry.go_mod.map(column),
            zip: entry.zip.map(column),
            go_mod_h1: bytes(entry.go_mod_h1),
            zip_h1: bytes(entry.zip_h1),
            origin: entry.origin.as_ref().map(ToString::to_string),
            verified_by: entry.verified_by.as_ref().map(ToString::to_string),
            first_seen: entry.first_seen.micros(),
            listed: entry.listed.map(Timestamp::micros),
            last_use: entry.last_use.map(Timestamp::micros),
            used: entry.used().micros(),
            generation: row.generation,
        }
    }

    /// What a row is.
    pub(crate) fn parse(self) -> Result<Row, IndexError> {
        let entry = IndexEntry {
            target: target(&self.module, &self.version)?,
            info: size(self.info)?,
            go_mod: size(self.go_mod)?,
            zip: size(self.zip)?,
            go_mod_h1: hash(self.go_mod_h1)?,
            zip_h1: hash(self.zip_h1)?,
            origin: note(self.origin.as_deref())?,
            verified_by: note(self.verified_by.as_deref())?,
            first_seen: Timestamp::from_micros(self.first_seen),
            listed: self.listed.map(Timestamp::from_micros),
            last_use: self.last_use.map(Timestamp::from_micros),
        };
        Ok(Row {
            entry,
            generation: self.generation,
        })
    }
}

/// What a module's row is.
pub(crate) fn totals_of_module(
    path: &str,
    [versions, bytes]: [i64; 2],
    last_use: Option<i64>,
) -> Result<ModuleTotals, IndexError> {
    Ok(ModuleTotals {
        module: module(path)?,
        versions: number(versions)?,
        bytes: number(bytes)?,
        last_use: last_use.map(Timestamp::from_micros),
    })
}

/// What the row of that which is kept once is, in the order of [`META_COLUMNS`].
pub(crate) fn meta_of(
    [last, generation, complete, modules, versions, files, bytes]: [i64; 7],
) -> Result<Meta, IndexError> {
    Ok(Meta {
        last: Timestamp::from_micros(last),
        generation,
        is_complete: complete != 0,
        totals: Totals {
            modules: number(modules)?,
            versions: number(versions)?,
            files: number(files)?,
            bytes: number(bytes)?,
        },
    })
}

/// What that row is to be.
pub(crate) fn columns_of(meta: &Meta) -> [i64; 7] {
    let Totals {
        modules,
        versions,
        files,
        bytes,
    } = meta.totals;
    [
        meta.last.micros(),
        meta.generation,
        meta.is_complete.into(),
        column(modules),
        column(versions),
        column(files),
        column(bytes),
    ]
}
