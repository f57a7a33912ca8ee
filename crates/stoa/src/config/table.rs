//! Tables of an array, field by field.

use stoa_fetch::SettingError;

use super::{
    file::{Place, Values, Written},
    resolve::Reader,
};

/// The fields of one table, taken one by one; what is left is unknown.
pub(super) struct Table {
    name: &'static str,
    place: Place,
    values: Values,
    faults: Vec<String>,
}

impl Table {
    pub(super) fn optional(&mut self, field: &str) -> Option<Written> {
        self.values.remove(field)
    }

    pub(super) fn text(&mut self, field: &str) -> String {
        self.optional(field)
            .map(|written| written.text)
            .unwrap_or_default()
    }

    /// The value, unless what makes it up is missing or makes no sense.
    pub(super) fn checked<T>(&mut self, value: Result<T, SettingError>) -> Option<T> {
        if !self.faults.is_empty() {
            return None;
        }
        value
            .map_err(|error| {
                self.faults
                    .push(format!("{}: {}: {error}", self.place, self.name));
            })
            .ok()
    }

    /// Something is wrong with the table as a whole.
    pub(super) fn fault(&mut self, what: &str) {
        self.faults.push(format!("{}: {}: {what}", self.place, self.name));
    }

    /// Something is wrong with one of its fields.
    pub(super) fn fault_at(&mut self, place: &Place, field: &str, what: &str) {
        self.faults
            .push(format!("{place}: {}.{field}: {what}", self.name));
    }

    pub(super) fn required(&mut self, field: &str) -> String {
        let text = self.text(field);
        if text.is_empty() {
            self.fault(&format!("{field} is missing"));
        }
        text
    }
}

/// All tables of a name; `None` together with faults.
pub(super) fn tables<T>(
    reader: &mut Reader<'_>,
    name: &'static str,
    parse: impl Fn(&mut Table) -> Option<T>,
) -> Option<Vec<T>> {
    let mut all = Vec::new();
    let mut whole = true;
    for (place, values) in reader.take_tables(name) {
        let mut table = Table {
            name,
            place,
            values,
            faults: Vec::new(),
        };
        let parsed = parse(&mut table);
        for (field, written) in &table.values {
            table
                .faults
                .push(format!("{}: {name}.{field}: unknown key", written.place));
        }
        whole &= table.faults.is_empty();
        table.faults.into_iter().for_each(|fault| reader.fault(fault));
        all.extend(parsed);
    }
    whole.then_some(all)
}
