//! A page of Markdown that documents the keys.

use std::collections::BTreeSet;

use crate::{
    key::{Key, Presence},
    table::Table,
    tables::Tables,
};

/// What a reference page must change, one line each; empty for a page that says what the declarations say.
///
/// The page has one row for each key, and no other row whose first cell is code. The cells are: the key with its table,
/// its variable (only for a table that stands in the file once), its default, "yes" if it can change at run time, its help.
/// A key that two tables share has its row where the table is that stands in the file once. Keys and headers that the
/// text names in backticks must exist.
///
/// ```text
/// | `cache.list_ttl` | `SHOP_CACHE_LIST_TTL` | `60s` | yes | how long a list is fresh |
/// | `route.match` | required |  | what goes there |
/// ```
pub fn reference(tables: &Tables, page: &str) -> Vec<String> {
    let wanted = rows(tables);
    let found: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let missing = wanted.iter().filter(|row| !found.contains(&row.as_str()));
    let mut faults: Vec<_> = missing.map(|row| format!("add     {row}")).collect();
    let mut seen = BTreeSet::new();
    for row in found {
        if !wanted.iter().any(|wanted| wanted == row) {
            faults.push(format!("remove  {row}"));
        } else if !seen.insert(row) {
            faults.push(format!("twice   {row}"));
        }
    }
    faults.extend(unknown_keys(tables, page));
    faults.extend(unknown_headers(tables, page));
    faults
}

/// The rows that the page must have.
fn rows(tables: &Tables) -> Vec<String> {
    let of_table = |table: &'static Table| {
        let shared = match table.repeated {
            None => table.shared,
            Some(_) => &[],
        };
        let keys = table.keys.iter().chain(table.one_of).chain(shared);
        keys.map(|key| row(tables, table, key))
    };
    tables.all().iter().copied().flat_map(of_table).collect()
}

fn row(tables: &Tables, table: &Table, key: &Key) -> String {
    let default = match key.presence {
        Presence::Default("") => String::new(),
        Presence::Default(text) => format!("`{text}`"),
        Presence::Required => "required".to_owned(),
        Presence::Optional if table.one_of.iter().any(|other| other.name == key.name) => {
            "one of these".to_owned()
        }
        Presence::Optional => "optional".to_owned(),
    };
    let live = if key.changes_at_run_time { "yes" } else { "" };
    let path = table.path(key.name);
    let help = key.help;
    match table.repeated {
        None => {
            let variable = tables.variable(table, key);
            format!("| `{path}` | `{variable}` | {default} | {live} | {help} |")
        }
        Some(_) => format!("| `{path}` | {default} | {live} | {help} |"),
    }
}

/// What the text names in backticks as a key of a table that exists, but is none.
fn unknown_keys(tables: &Tables, page: &str) -> Vec<String> {
    let names: BTreeSet<_> = tables.all().iter().map(|table| table.name).collect();
    let is_name = |word: &&str| word.bytes().all(|b| b.is_ascii_lowercase() || b"_.".contains(&b));
    let words = page.split('`').skip(1).step_by(2).filter(is_name);
    let unknown = words.filter_map(|word| {
        let (table, _) = word.rsplit_once('.').filter(|(table, _)| names.contains(table))?;
        let has_key = |table: &&Table| table.all_keys().any(|key| table.path(key.name) == word);
        let is_known = tables.all().iter().any(has_key) || tables.has_table(word);
        (!is_known).then(|| format!("{word}: [{table}] has no such key"))
    });
    unknown.collect()
}

/// What the text names in backticks as a header, but is none.
fn unknown_headers(tables: &Tables, page: &str) -> Vec<String> {
    let words = page.split('`');
    let headers = words.filter(|word| word.starts_with('[') && word.ends_with(']'));
    let is_known = |header: &&str| {
        let name = header.trim_matches(['[', ']']);
        let table = tables.all().iter().find(|table| table.name == name);
        table.is_some_and(|table| table.repeated.is_some() == header.starts_with("[["))
    };
    let unknown = headers.filter(|header| !is_known(header));
    unknown.map(|header| format!("there is no {header}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab;

    #[test]
    fn a_page_of_all_rows_and_known_names_is_right() {
        let tables = lab::tables();
        let page =
            rows(&tables).join("\n") + "\n`[cache]`, `[[route]]`, `cache.list_ttl`, `dispatch.lane`, `a.b`\n";
        assert_eq!(reference(&tables, &page), Vec::<String>::new());
        assert!(page.contains(
            "| `cache.list_ttl` | `SHOP_CACHE_LIST_TTL` | `60s` | yes | how long a list is fresh |\n"
        ));
        assert!(page.contains("| `site.page.subdir` | optional |  | where it is |\n"));
        assert!(page.contains("| `dispatch.rate` | ") && !page.contains("| `dispatch.lane.rate` |"));
    }

    #[test]
    fn each_difference_is_found() {
        let tables = lab::tables();
        let rows = rows(&tables);
        let page = rows[1..].join("\n").replace("60s", "61s")
            + &format!("\n{}\n`cache.ttl` `[caches]` `[route]` `[[cache]]`\n", rows[2]);
        let stale = rows[1].replace("60s", "61s");
        let want = [
            format!("add     {}", rows[0]),
            format!("add     {}", rows[1]),
            format!("remove  {stale}"),
            format!("twice   {}", rows[2]),
            "cache.ttl: [cache] has no such key".to_owned(),
            "there is no [caches]".to_owned(),
            "there is no [route]".to_owned(),
            "there is no [[cache]]".to_owned(),
        ];
        assert_eq!(reference(&tables, &page), want);
    }
}
