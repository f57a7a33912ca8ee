//! Reading the keys of one table by their declarations.

use std::fmt;

use crate::{
    file::{Place, Values},
    given::Origin,
    key::{HIDDEN, Key, Presence},
    read_state::ReadState,
    record::{TableRecord, ValueRecord},
    table::Table,
    values::text,
};

/// One occurrence of a table: `[cache]`, or one of the `[[route]]`.
#[derive(Debug)]
pub struct Occurrence<'r, 'a> {
    state: &'r mut ReadState<'a>,
    table: &'static Table,
    /// Where a repeated table stands.
    place: Option<Place>,
    values: Values,
    /// Where its values are in the record.
    index: usize,
}

impl<'r, 'a> Occurrence<'r, 'a> {
    pub(crate) fn new(
        state: &'r mut ReadState<'a>,
        table: &'static Table,
        place: Option<Place>,
        values: Values,
    ) -> Self {
        let index = state.record.tables.len();
        state.record.tables.push(TableRecord {
            table,
            values: Vec::new(),
        });
        Self {
            state,
            table,
            place,
            values,
            index,
        }
    }

    /// Reports what is missing, and names that are none of its keys.
    pub(crate) fn check_names(&mut self) {
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
        self.state.faults.extend(unknown);
    }

    /// Reads one key with `parse`. `None` if it is not written and has no default, or together with a fault.
    pub fn value<T, E: fmt::Display>(
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
    pub fn value_shown<T, E: fmt::Display>(
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
    pub fn one_of(&mut self) -> Option<(&'static Key, String)> {
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
    pub fn fault(&mut self, what: &str) {
        let fault = match &self.place {
            Some(place) => format!("{place}: {}: {what}", self.table.name),
            None => what.to_owned(),
        };
        self.state.faults.push(fault);
    }

    /// Something is wrong with the value of a key that was read.
    pub fn fault_at(&mut self, key: &Key, what: &str) {
        let values = &self.state.record.tables[self.index].values;
        let value = values.iter().find(|value| value.key.name == key.name);
        let origin = value.map_or_else(String::new, |value| format!("{}: ", value.origin));
        let fault = format!("{origin}{}: {what}", self.table.path(key.name));
        self.state.faults.push(fault);
    }

    /// The value that was made of several keys, or a fault of the table as a whole.
    pub fn check<T, E: fmt::Display>(&mut self, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.fault(&error.to_string())).ok()
    }

    /// The text of a key and where it came from.
    fn text(&self, key: &Key) -> Option<(String, Origin)> {
        let path = self.table.path(key.name);
        if self.place.is_none() {
            if let Some(text) = self.state.given.flags.get(path.as_str()) {
                return Some((text.clone(), Origin::Flag(format!("--{path}"))));
            }
            let variable = self.state.tables.variable(self.table, key);
            if let Some(text) = self.state.given.environment.get(&variable) {
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
        self.state.record.tables[self.index]
            .values
            .push(ValueRecord { key, text, origin });
    }
}
