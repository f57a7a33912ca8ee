//! One table of the file.

use crate::{edits::slip, key::Key};

/// A table of the file: `[cache]`, which stands there once, or `[[route]]`, which may stand there many times. The keys
/// before the first header are the table without a name.
#[derive(Debug)]
pub struct Table {
    /// Its name; empty for the keys before the first header.
    pub name: &'static str,
    /// Its own keys.
    pub keys: &'static [Key],
    /// Keys that it has in common with another table.
    pub shared: &'static [Key],
    /// Optional keys of which exactly one must be written; empty for no such rule.
    pub one_of: &'static [Key],
    /// `None` for a table that stands there once.
    pub repeated: Option<Repeated>,
}

/// What only a table has that may be repeated.
#[derive(Debug)]
pub struct Repeated {
    /// What one of them is called in a fault: `a route`.
    pub noun: &'static str,
    /// What they do, in one line.
    pub help: &'static str,
    /// One that can be read, for [`sample`](crate::sample()).
    pub sample: &'static [(Key, &'static str)],
}

impl Table {
    /// A table that stands in the file once. Its keys are environment variables too.
    pub const fn once(name: &'static str, keys: &'static [Key]) -> Self {
        Self {
            name,
            keys,
            shared: &[],
            one_of: &[],
            repeated: None,
        }
    }

    /// A table that may stand in the file many times.
    pub const fn repeated(name: &'static str, repeated: Repeated, keys: &'static [Key]) -> Self {
        Self {
            repeated: Some(repeated),
            ..Self::once(name, keys)
        }
    }

    /// The same table with keys that another table has too.
    #[must_use]
    pub const fn sharing(self, shared: &'static [Key]) -> Self {
        Self { shared, ..self }
    }

    /// The same table with optional keys of which exactly one must be written.
    #[must_use]
    pub const fn one_of(self, one_of: &'static [Key]) -> Self {
        Self { one_of, ..self }
    }

    /// All keys, in the order of the documentation.
    pub fn all_keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.keys.iter().chain(self.one_of).chain(self.shared)
    }

    /// The key of this name.
    pub fn find(&self, name: &str) -> Option<&'static Key> {
        self.all_keys().find(|key| key.name == name)
    }

    /// A key with its table: `listen`, `cache.list_ttl`, `route.match`.
    pub fn path(&self, key: &str) -> String {
        match self.name {
            "" => key.to_owned(),
            name => format!("{name}.{key}"),
        }
    }

    /// What is wrong with a name in this repeated table that is none of its keys.
    pub(crate) fn unknown(&self, name: &str) -> String {
        let near = self
            .all_keys()
            .filter_map(|key| Some((slip(name, key.name)?, key.name)));
        if let Some((_, near)) = near.min() {
            return format!("unknown key; did you mean {}?", self.path(near));
        }
        let names: Vec<_> = self.all_keys().map(|key| key.name).collect();
        let noun = self
            .repeated
            .as_ref()
            .map_or("the table", |repeated| repeated.noun);
        match &names[..] {
            [rest @ .., last] if !rest.is_empty() => {
                format!("unknown key; {noun} has {} and {last}", rest.join(", "))
            }
            _ => format!("unknown key; {noun} has {}", names.join(", ")),
        }
    }
}
