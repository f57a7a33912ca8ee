//! Tables of the file, and what can be found in them.

use super::{
    edits::edits,
    key::{Key, Kind},
};

/// A table of the file: `[cache]`, which stands there once, or `[[route]]`, which may stand there many times. The keys
/// before the first header are the table without a name.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// Its own keys.
    pub(crate) keys: &'static [Key],
    /// Keys that it has in common with another table.
    pub(crate) shared: &'static [Key],
    /// Optional keys of which exactly one must be written; empty for no such rule.
    pub(crate) one_of: &'static [Key],
    /// `None` for a table that stands there once.
    pub(crate) repeated: Option<Repeated>,
}

/// What only a table has that may be repeated.
#[derive(Debug)]
pub(crate) struct Repeated {
    /// What one of them is called in a fault: `a route`.
    pub(crate) noun: &'static str,
    /// What they do, in one line.
    pub(crate) help: &'static str,
    /// One that can be read, for `config init`.
    pub(crate) sample: &'static [(Key, &'static str)],
}

impl Table {
    /// A table that stands in the file once. Its keys are environment variables too.
    pub(crate) const fn once(name: &'static str, keys: &'static [Key]) -> Self {
        Self {
            name,
            keys,
            shared: &[],
            one_of: &[],
            repeated: None,
        }
    }

    /// A table that may stand in the file many times.
    pub(crate) const fn repeated(name: &'static str, repeated: Repeated, keys: &'static [Key]) -> Self {
        Self {
            repeated: Some(repeated),
            ..Self::once(name, keys)
        }
    }

    /// The same table with keys that another table has too.
    pub(crate) const fn sharing(self, shared: &'static [Key]) -> Self {
        Self { shared, ..self }
    }

    /// The same table with optional keys of which exactly one must be written.
    pub(crate) const fn one_of(self, one_of: &'static [Key]) -> Self {
        Self { one_of, ..self }
    }

    /// All keys, in the order of the documentation.
    pub(crate) fn all_keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.keys.iter().chain(self.one_of).chain(self.shared)
    }

    /// The key of this name.
    pub(crate) fn find(&self, name: &str) -> Option<&'static Key> {
        self.all_keys().find(|key| key.name == name)
    }

    /// A key with its table: `listen`, `cache.list_ttl`, `route.match`.
    pub(crate) fn path(&self, key: &str) -> String {
        match self.name {
            "" => key.to_owned(),
            name => format!("{name}.{key}"),
        }
    }

    /// The environment variable of a key: `STOA_LISTEN`, `STOA_CACHE_LIST_TTL`.
    pub(crate) fn variable(&self, key: &Key) -> String {
        format!("STOA_{}", self.path(key.name).replace('.', "_").to_uppercase())
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

/// All tables of a configuration.
#[derive(Clone, Debug)]
pub(crate) struct Tables(pub(crate) Vec<&'static Table>);

impl Tables {
    /// Tables that stand in the file once.
    pub(crate) fn once(&self) -> impl Iterator<Item = &'static Table> {
        self.0.iter().copied().filter(|table| table.repeated.is_none())
    }

    /// Tables that may stand in the file many times.
    pub(crate) fn repeated(&self) -> impl Iterator<Item = &'static Table> {
        self.0.iter().copied().filter(|table| table.repeated.is_some())
    }

    /// Whether this key, named with its table, is one of a table that stands there once.
    pub(crate) fn has_key(&self, path: &str) -> bool {
        self.paths().any(|known| known == path)
    }

    /// Whether there is a repeated table of this name.
    pub(crate) fn has_table(&self, name: &str) -> bool {
        self.repeated().any(|table| table.name == name)
    }

    /// Whether the value of this key, named with its table, is a list.
    pub(crate) fn is_list(&self, path: &str) -> bool {
        let is_it = |table: &Table, key: &Key| key.kind == Kind::List && table.path(key.name) == path;
        self.0
            .iter()
            .any(|table| table.all_keys().any(|key| is_it(table, key)))
    }

    /// The key or the `[[table]]` that differs from `name` in few letters, if there is one.
    pub(crate) fn nearest(&self, name: &str) -> Option<String> {
        let keys = self.paths().filter_map(|path| Some((slip(name, &path)?, path)));
        let tables = self.repeated().filter_map(|table| {
            // `[route]` with one bracket makes `route.match` of a line that belongs into the table.
            let rest = name.strip_prefix(table.name);
            let edits = if rest.is_some_and(|rest| rest.starts_with('.')) {
                0
            } else {
                slip(name, table.name)?
            };
            Some((edits, format!("[[{}]]", table.name)))
        });
        keys.chain(tables).min().map(|(_, name)| name)
    }

    fn paths(&self) -> impl Iterator<Item = String> {
        self.once()
            .flat_map(|table| table.all_keys().map(|key| table.path(key.name)))
    }
}

/// How many letters two names differ in, if one may be a slip for the other: three at most, and half of the shorter.
fn slip(a: &str, b: &str) -> Option<usize> {
    let edits = edits(a, b);
    (edits <= 3 && 2 * edits <= a.len().min(b.len())).then_some(edits)
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Configuration as _};

    #[test]
    fn a_slip_finds_its_key_and_a_stranger_none() {
        let tables = Config::tables();
        let nearest = |name| tables.nearest(name);
        assert_eq!(nearest("cache.list_tll").as_deref(), Some("cache.list_ttl"));
        assert_eq!(nearest("listn").as_deref(), Some("listen"));
        assert_eq!(nearest("routes").as_deref(), Some("[[route]]"));
        assert_eq!(nearest("route.match").as_deref(), Some("[[route]]"));
        assert_eq!(nearest("something.else"), None);
    }

    #[test]
    fn an_unknown_key_of_a_repeated_table_names_the_one_that_was_meant_or_all() {
        let tables = Config::tables();
        let unknown = |table: &str, key| {
            let table = tables.repeated().find(|known| known.name == table).expect(table);
            table.unknown(key)
        };
        for (table, key, want) in [
            ("route", "mach", "unknown key; did you mean route.match?"),
            ("route", "url", "unknown key; a route has match and upstream"),
            (
                "vcs.module",
                "subdirs",
                "unknown key; did you mean vcs.module.subdir?",
            ),
            ("rewrite", "url", "unknown key; a rewrite has from and to"),
            (
                "dispatch.lane",
                "retires",
                "unknown key; did you mean dispatch.lane.retries?",
            ),
        ] {
            assert_eq!(unknown(table, key), want);
        }
    }

    #[test]
    fn names_are_unique_and_have_one_table_at_most() {
        let tables = Config::tables();
        let mut variables: Vec<_> = tables
            .once()
            .flat_map(|table| table.all_keys().map(|key| table.variable(key)))
            .collect();
        let count = variables.len();
        variables.sort();
        variables.dedup();
        assert_eq!(variables.len(), count, "two keys have one variable");
        assert!(tables.once().all(|table| !table.name.contains('.')));
        let mut names: Vec<_> = tables
            .0
            .iter()
            .map(|table| table.name)
            .filter(|name| !name.is_empty())
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "two tables have one name");
        for table in &tables.0 {
            let mut keys: Vec<_> = table.all_keys().map(|key| key.name).collect();
            let count = keys.len();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), count, "[{}] has two keys of one name", table.name);
            assert!(table.all_keys().all(|key| !key.help.is_empty()));
        }
    }
}
