//! Reading tables, one way for those that stand in the file once and those that are repeated.

use std::{collections::BTreeSet, fmt, mem};

use crate::{
    file::File,
    given::Given,
    key::{Key, Kind},
    occurrence::Occurrence,
    read_state::ReadState,
    record::Record,
    table::Table,
    tables::Tables,
};

/// Gives sections their values, and collects what is wrong.
#[derive(Debug)]
pub struct Reader<'a> {
    file: File,
    state: ReadState<'a>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(given: &'a Given, mut file: File, tables: Tables) -> Self {
        let faults = mem::take(&mut file.faults);
        let state = ReadState {
            given,
            tables,
            record: Record::default(),
            faults,
        };
        Self { file, state }
    }

    /// Everything from outside, for defaults that depend on it.
    pub fn given(&self) -> &'a Given {
        self.state.given
    }

    /// One more fault.
    pub fn fault(&mut self, fault: String) {
        self.state.faults.push(fault);
    }

    /// The value, or one more fault about `what`.
    pub fn check<T, E: fmt::Display>(&mut self, what: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.fault(format!("{what}: {error}"))).ok()
    }

    /// A table that stands in the file once. What is not written there comes from flags, variables and defaults.
    pub fn once(&mut self, table: &'static Table) -> Occurrence<'_, 'a> {
        let of_table = |key: &Key| {
            Some((
                key.name.to_owned(),
                self.file.values.remove(&table.path(key.name))?,
            ))
        };
        let values = table.all_keys().filter_map(of_table).collect();
        Occurrence::new(&mut self.state, table, None, values)
    }

    /// All occurrences of a repeated table, each read by `read`. `None` only together with a fault.
    pub fn each<T>(
        &mut self,
        table: &'static Table,
        mut read: impl FnMut(&mut Occurrence<'_, 'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let before = self.state.faults.len();
        let mut all = Vec::new();
        for (place, values) in self.file.tables.remove(table.name).unwrap_or_default() {
            let mut occurrence = Occurrence::new(&mut self.state, table, Some(place), values);
            occurrence.check_names();
            all.extend(read(&mut occurrence));
        }
        (self.state.faults.len() == before).then_some(all)
    }

    /// Reports names in the file that no table has, and warns about variables that no key has.
    pub(crate) fn check_names(&mut self) {
        let tables = &self.state.tables;
        let values = self.file.values.iter().filter(|(name, _)| !tables.has_key(name));
        let values = values.map(|(name, written)| (&written.place, name, format!("key {name}")));
        let found = self
            .file
            .tables
            .iter()
            .filter(|(name, _)| !tables.has_table(name));
        let found =
            found.filter_map(|(name, found)| Some((&found.first()?.0, name, format!("table [[{name}]]"))));
        for (place, name, what) in values.chain(found) {
            let hint = tables.nearest(name);
            let hint = hint.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            self.state.faults.push(format!("{place}: unknown {what}{hint}"));
        }
        self.state.record.warnings = self.unknown_variables();
    }

    /// Other programs may use names that begin alike, so an unknown variable is only worth a warning.
    fn unknown_variables(&self) -> Vec<String> {
        let tables = &self.state.tables;
        let mut known = BTreeSet::from([tables.file_variable()]);
        for table in tables.once() {
            known.extend(table.all_keys().map(|key| tables.variable(table, key)));
        }
        for table in tables.repeated() {
            let names = table.all_keys().filter(|key| key.kind == Kind::Variable);
            let found = self.file.tables.get(table.name).into_iter().flatten();
            let named = names.flat_map(|key| found.clone().filter_map(|(_, values)| values.get(key.name)));
            known.extend(named.map(|written| written.text.clone()));
        }
        let unknown = self
            .state
            .given
            .environment
            .keys()
            .filter(|name| !known.contains(*name));
        unknown
            .map(|name| format!("the environment variable {name} names no key and is ignored"))
            .collect()
    }

    /// What was read, with the warnings.
    pub fn take_record(&mut self) -> Record {
        mem::take(&mut self.state.record)
    }

    pub(crate) fn into_faults(self) -> Vec<String> {
        self.state.faults
    }
}
