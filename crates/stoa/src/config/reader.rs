//! Reading tables by their declarations, one way for those that stand in the file once and those that are repeated.

use std::{collections::BTreeSet, fmt, mem};

use super::{
    file::{File, Place, Values},
    given::{Given, Origin},
    key::{HIDDEN, Key, Kind, Presence},
    record::{Record, TableRecord, ValueRecord},
    table::{Table, Tables},
    values::text,
};

/// Gives sections their values, and collects what is wrong.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    given: &'a Given,
    file: File,
    record: Record,
    faults: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(given: &'a Given, mut file: File) -> Self {
        let faults = mem::take(&mut file.faults);
        Self {
            given,
            file,
            record: Record::default(),
            faults,
        }
    }

    /// Everything from outside, for defaults that depend on it.
    pub(crate) fn given(&self) -> &'a Given {
        self.given
    }

    /// One more fault.
    pub(crate) fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// The value, or one more fault about `what`.
    pub(crate) fn check<T, E: fmt::Display>(&mut self, what: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.fault(format!("{what}: {error}"))).ok()
    }

    /// A table that stands in the file once. What is not written there comes from flags, variables and defaults.
    pub(crate) fn once(&mut self, table: &'static Table) -> Occurrence<'_, 'a> {
        let of_table = |key: &Key| {
            Some((
                key.name.to_owned(),
                self.file.values.remove(&table.path(key.name))?,
            ))
        };
        let values = table.all_keys().filter_map(of_table).collect();
        Occurrence::new(self, table, None, values)
    }

    /// All occurrences of a repeated table, each read by `read`. `None` only together with a fault.
    pub(crate) fn each<T>(
        &mut self,
        table: &'static Table,
        mut read: impl FnMut(&mut Occurrence<'_, 'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let before = self.faults.len();
        let mut all = Vec::new();
        for (place, values) in self.file.tables.remove(table.name).unwrap_or_default() {
            let mut occurrence = Occurrence::new(self, table, Some(place), values);
            occurrence.check_names();
            all.extend(read(&mut occurrence));
        }
        (self.faults.len() == before).then_some(all)
    }

    /// Reports names in the file that no table has, and warns about variables that no key has.
    pub(super) fn check_names(&mut self, tables: &Tables) {
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
            self.faults.push(format!("{place}: unknown {what}{hint}"));
        }
        self.record.warnings = self.unknown_variables(tables);
    }

    /// Other programs may use names that begin alike, so an unknown variable is only worth a warning.
    fn unknown_variables(&self, tables: &Tables) -> Vec<String> {
        let mut known = BTreeSet::from(["STOA_CONFIG".to_owned()]);
        for table in tables.once() {
            known.extend(table.all_keys().map(|key| table.variable(key)));
        }
        for table in tables.repeated() {
            let names = table.all_keys().filter(|key| key.kind == Kind::Variable);
            let found = self.file.tables.get(table.name).into_iter().flatten();
            let named = names.flat_map(|key| found.clone().filter_map(|(_, values)| values.get(key.name)));
            known.extend(named.map(|written| written.text.clone()));
        }
        let unknown = self
            .given
            .environment
            .keys()
            .filter(|name| !known.contains(*name));
        unknown
            .map(|name| format!("the environment variable {name} names no key and is ignored"))
            .collect()
    }

    /// What was read, with the warnings.
    pub(crate) fn take_record(&mut self) -> Record {
        mem::take(&mut self.record)
    }

    pub(super) fn into_faults(self) -> Vec<String> {
        self.faults
    }
}

/// One occurrence of a table: `[cache]`, or one of the `[[route]]`.
#[derive(Debug)]
pub(crate) struct Occurrence<'r, 'a> {
    reader: &'r mut Reader<'a>,
    table: &'static Table,
    /// Where a repeated table stands.
    place: Option<Place>,
    values: Values,
    /// Where its values are in the record.
    index: usize,
}

impl<'r, 'a> Occurrence<'r, 'a> {
    fn new(reader: &'r mut Reader<'a>, table: &'static Table, place: Option<Place>, values: Values) -> Self {
        let index = reader.record.tables.len();
        reader.record.tables.push(TableRecord {
            table,
            values: Vec::new(),
        });
        Self {
            reader,
            table,
            place,
            values,
            index,
        }
    }

    /// Reports what is missing, and names that are none of its keys.
    fn check_names(&mut self) {
        for key in self
            .table
            .all_keys()
            .filter(|key| key.presence == Presence::Required)
        {
            if self
                .values
                .get(key.name)
                .is_none_or(|written| written.text.is_empty())
            {
                self.values.remove(key.name);
                self.fault(&format!("{} is missing", key.name));
            }
        }
        let unknown = self
            .values
            .iter()
            .filter(|(name, _)| self.table.find(name).is_none());
        let unknown = unknown.map(|(name, written)| {
            let path = self.table.path(name);
            format!("{}: {path}: {}", written.place, self.table.unknown(name))
        });
        let unknown: Vec<_> = unknown.collect();
        self.reader.faults.extend(unknown);
    }

    /// Reads one key with `parse`. `None` if it is not written and has no default, or together with a fault.
    pub(crate) fn value<T, E: fmt::Display>(
        &mut self,
        key: &Key,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        debug_assert!(
            !key.may_hold_secret,
            "{} may hold a secret: say how it is shown",
            key.name
        );
        self.value_shown(key, parse, |_, text| text.to_owned())
    }

    /// The same for a key that is shown in another form than it is written: `show` makes it of the value and the text.
    pub(crate) fn value_shown<T, E: fmt::Display>(
        &mut self,
        key: &Key,
        parse: impl FnOnce(&str) -> Result<T, E>,
        show: impl FnOnce(&T, &str) -> String,
    ) -> Option<T> {
        debug_assert!(
            self.table.find(key.name).is_some(),
            "{} is not declared",
            self.table.path(key.name)
        );
        let is_required = key.presence == Presence::Required;
        let found = self
            .text(key)
            .filter(|(text, _)| !is_required || !text.is_empty());
        let Some((text, origin)) = found else {
            // What a repeated table lacks has been reported already.
            if is_required && self.place.is_none() {
                self.fault(&format!("{} is missing", self.table.path(key.name)));
            }
            self.record(key, None, Origin::Default);
            return None;
        };
        let value = if key.may_hold_secret && text.contains(HIDDEN) {
            let hidden =
                format!("{HIDDEN} is where `config show` left out a secret: write the secret in its place");
            Err(hidden)
        } else {
            parse(&text).map_err(|error| error.to_string())
        };
        let shown = value.as_ref().map(|value| show(value, &text)).ok();
        self.record(key, shown, origin);
        value.map_err(|error| self.fault_at(key, &error)).ok()
    }

    /// The one key of [`Table::one_of`] that is written, with its text; a fault if it is none or several.
    pub(crate) fn one_of(&mut self) -> Option<(&'static Key, String)> {
        let keys = self.table.one_of;
        let written = keys.iter().filter_map(|key| Some((key, self.value(key, text)?)));
        let mut written: Vec<_> = written.collect();
        if written.len() != 1 {
            let names: Vec<_> = keys.iter().map(|key| key.name).collect();
            self.fault(&format!("name one of {}", names.join(", ")));
            return None;
        }
        written.pop()
    }

    /// Something is wrong with the table as a whole.
    pub(crate) fn fault(&mut self, what: &str) {
        let fault = match &self.place {
            Some(place) => format!("{place}: {}: {what}", self.table.name),
            None => what.to_owned(),
        };
        self.reader.faults.push(fault);
    }

    /// Something is wrong with the value of a key that was read.
    pub(crate) fn fault_at(&mut self, key: &Key, what: &str) {
        let values = &self.reader.record.tables[self.index].values;
        let value = values.iter().find(|value| value.key.name == key.name);
        let origin = value.map_or_else(String::new, |value| format!("{}: ", value.origin));
        let fault = format!("{origin}{}: {what}", self.table.path(key.name));
        self.reader.faults.push(fault);
    }

    /// The value that was made of several keys, or a fault of the table as a whole.
    pub(crate) fn check<T, E: fmt::Display>(&mut self, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.fault(&error.to_string())).ok()
    }

    /// The text of a key and where it came from.
    fn text(&self, key: &Key) -> Option<(String, Origin)> {
        let path = self.table.path(key.name);
        if self.place.is_none() {
            if let Some(text) = self.reader.given.flags.get(path.as_str()) {
                return Some((text.clone(), Origin::Flag(format!("--{path}"))));
            }
            let variable = self.table.variable(key);
            if let Some(text) = self.reader.given.environment.get(&variable) {
                return Some((text.clone(), Origin::Environment(variable)));
            }
        }
        // A repeated table that shares a key takes what it does not write from the other table, not from the default.
        let is_shared = self.table.shared.iter().any(|shared| shared.name == key.name);
        match (self.values.get(key.name), key.presence) {
            (Some(written), _) => Some((written.text.clone(), Origin::File(written.place.clone()))),
            (None, Presence::Default(text)) if self.place.is_none() || !is_shared => {
                Some((text.to_owned(), Origin::Default))
            }
            (None, _) => None,
        }
    }

    fn record(&mut self, key: &Key, text: Option<String>, origin: Origin) {
        let key = *key;
        self.reader.record.tables[self.index]
            .values
            .push(ValueRecord { key, text, origin });
    }
}
