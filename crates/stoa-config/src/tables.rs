//! All tables of a configuration, and what can be found in them.

use crate::{
    edits::slip,
    key::{Key, Kind},
    table::Table,
};

/// All tables of a configuration.
#[derive(Clone, Debug)]
pub struct Tables {
    program: &'static str,
    all: Vec<&'static Table>,
}

impl Tables {
    /// The tables of sections, for the program of this name.
    pub fn new(program: &'static str, sections: &[&'static [Table]]) -> Self {
        let all = sections.iter().flat_map(|tables| tables.iter());
        Self {
            program,
            all: all.collect(),
        }
    }

    /// All of them, in the order of their sections.
    pub fn all(&self) -> &[&'static Table] {
        &self.all
    }

    /// The environment variable of a key of a table that stands in the file once: `SHOP_LISTEN`, `SHOP_CACHE_LIST_TTL`.
    pub fn variable(&self, table: &Table, key: &Key) -> String {
        self.prefixed(&table.path(key.name))
    }

    /// The environment variable that names the file: `SHOP_CONFIG`.
    pub fn file_variable(&self) -> String {
        self.prefixed("config")
    }

    fn prefixed(&self, path: &str) -> String {
        format!("{}_{}", self.program, path.replace('.', "_")).to_uppercase()
    }

    /// Tables that stand in the file once.
    pub fn once(&self) -> impl Iterator<Item = &'static Table> {
        self.all.iter().copied().filter(|table| table.repeated.is_none())
    }

    /// Tables that may stand in the file many times.
    pub fn repeated(&self) -> impl Iterator<Item = &'static Table> {
        self.all.iter().copied().filter(|table| table.repeated.is_some())
    }

    /// Whether this key, named with its table, is one of a table that stands there once.
    pub fn has_key(&self, path: &str) -> bool {
        self.paths().any(|known| known == path)
    }

    /// Whether there is a repeated table of this name.
    pub(crate) fn has_table(&self, name: &str) -> bool {
        self.repeated().any(|table| table.name == name)
    }

    /// Whether the value of this key, named with its table, is a list.
    pub(crate) fn is_list(&self, path: &str) -> bool {
        let may_be = |key: &Key| matches!(key.kind, Kind::List | Kind::Texts);
        let is_it = |table: &Table, key: &Key| may_be(key) && table.path(key.name) == path;
        self.all
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

#[cfg(test)]
mod tests {
    use crate::lab;

    #[test]
    fn a_slip_finds_its_key_and_another_word_none() {
        let tables = lab::tables();
        let nearest = |name| tables.nearest(name);
        assert_eq!(nearest("cache.list_tll").as_deref(), Some("cache.list_ttl"));
        assert_eq!(nearest("listn").as_deref(), Some("listen"));
        assert_eq!(nearest("routes").as_deref(), Some("[[route]]"));
        assert_eq!(nearest("route.match").as_deref(), Some("[[route]]"));
        assert_eq!(nearest("something.else"), None);
    }

    #[test]
    fn an_unknown_key_of_a_repeated_table_names_the_one_that_was_meant_or_all() {
        let tables = lab::tables();
        let unknown = |table: &str, key| {
            let table = tables.repeated().find(|known| known.name == table).expect(table);
            table.unknown(key)
        };
        for (table, key, want) in [
            ("route", "mach", "unknown key; did you mean route.match?"),
            ("route", "url", "unknown key; a route has match and upstream"),
            (
                "site.page",
                "subdirs",
                "unknown key; did you mean site.page.subdir?",
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
}
