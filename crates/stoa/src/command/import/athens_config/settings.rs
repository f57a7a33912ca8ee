//! What a configuration of Athens says.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::keys::KEYS;

/// The values of a configuration by the paths of their keys: those of the environment win over those of the file, as Athens has
/// it.
#[derive(Debug, Default)]
pub(super) struct Settings {
    values: BTreeMap<String, Setting>,
}

/// A value, and where it is from.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// Several ones are parted by commas.
    pub(super) text: String,
    /// The name of the key or of the variable.
    pub(super) from: String,
}

impl Settings {
    /// Reads a file, which may be empty, and the environment.
    ///
    /// # Errors
    /// What is no TOML.
    pub(super) fn read(file: &str, variables: &BTreeMap<String, String>) -> Result<Self, String> {
        let table: Table = file.parse().map_err(|error: toml::de::Error| error.to_string())?;
        let mut settings = Self::default();
        settings.table("", &table);
        for key in KEYS {
            if let Some(text) = variables.get(key.variable).filter(|text| !text.is_empty()) {
                settings.set(key.path, text.clone(), key.variable);
            }
        }
        // Athens reads the port of platforms that give one, unless its own is set.
        if let Some(port) = variables
            .get("PORT")
            .filter(|_| !variables.contains_key("ATHENS_PORT"))
        {
            settings.set("Port", port.clone(), "PORT");
        }
        Ok(settings)
    }

    fn table(&mut self, path: &str, table: &Table) {
        for (name, value) in table {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            match value {
                Value::Table(map) if !path.ends_with(".Params") => self.table(&path, map),
                value => {
                    if let Some(text) = text_of(value) {
                        self.set(&path, text, &path);
                    }
                }
            }
        }
    }

    fn set(&mut self, path: &str, text: String, from: &str) {
        let from = from.to_owned();
        self.values.insert(path.to_owned(), Setting { text, from });
    }

    /// The value of a key, unless it is empty.
    pub(super) fn get(&self, path: &str) -> Option<&str> {
        let setting = self.values.get(path)?;
        Some(setting.text.as_str()).filter(|text| !text.is_empty())
    }

    /// Whether a key says yes.
    pub(super) fn is_on(&self, path: &str) -> bool {
        matches!(self.get(path), Some("true" | "1" | "True" | "TRUE" | "t" | "T"))
    }

    /// All that is said, by key.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.values.iter().map(|(path, setting)| (path.as_str(), setting))
    }
}

/// The text of a value; those of an array have commas between them.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(values) => {
            let texts: Vec<_> = values.iter().filter_map(text_of).collect();
            Some(texts.join(","))
        }
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Table(_) => Some(value.to_string()),
        Value::Datetime(_) => None,
    }
}
